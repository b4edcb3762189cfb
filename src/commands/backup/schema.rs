//! The schema's definition: read through SQL after the rows, when nothing of them will change any
//! more, and written as scripts.

use std::collections::HashSet;

use super::TableError;
use super::shared::Shared;
use crate::ddl::{Facts, script, settings};
use crate::model::{Manifest, Missing, TableName};
use crate::snapshot::writer::PartRules;
use crate::snapshot::{Scripts, store_structure};
use crate::supabase::sql::{Question, SqlChannel};

/// What to do where the definition could not be had.
const FIX: &str =
    "run `supabackup doctor`; without the definition, keep your migrations to restore into an empty project";

/// Reads the definition, stores it, and tells the manifest. That it cannot be read is recorded as
/// missing; only the store's failure ends the run.
pub(super) async fn add_structure(
    shared: &Shared,
    channel: &dyn SqlChannel,
    manifest: &mut Manifest,
) -> anyhow::Result<()> {
    let lost =
        |reason: String| Missing { subject: "definition of the schema".to_owned(), reason, fix: Some(FIX.to_owned()) };
    let catalog = match channel.ask(&Question::Catalog).await {
        Ok(catalog) => catalog,
        Err(error) => {
            manifest.missing.push(lost(format!("the catalog could not be read: {error}")));
            return Ok(());
        }
    };
    let facts = match Facts::parse(&catalog) {
        Ok(facts) => facts,
        Err(error) => {
            manifest.missing.push(lost(format!("the catalog is not understood: {error}")));
            return Ok(());
        }
    };
    let script = script(&facts);
    let before = format!("{}{}", settings(manifest), script.before);
    let texts = Scripts {
        before: &before,
        sequences: &script.sequences,
        after: &script.after,
        on_purpose: &script.on_purpose,
        catalog: &catalog,
    };
    let PartRules { compression, sealing, .. } = &shared.rules;
    let stored = store_structure(shared.store.as_ref(), &shared.keys, *compression, sealing.as_deref(), texts).await;
    let (mut structure, files) = stored.map_err(|error| TableError::from(error).into_inner())?;
    structure.server = facts.server_version().unwrap_or_default().to_owned();
    structure.notes = script.notes;
    manifest.missing.extend(script.missing);
    manifest.missing.extend(newcomers(&facts, manifest));
    manifest.structure = Some(structure);
    manifest.files.extend(files);
    manifest.complete = manifest.missing.is_empty();
    Ok(())
}

/// Tables of the definition that the rows know nothing of: made while the run went on.
fn newcomers(facts: &Facts, manifest: &Manifest) -> Vec<Missing> {
    let known: HashSet<&TableName> =
        manifest.tables.iter().map(|t| &t.name).chain(manifest.passed_over.iter().map(|p| &p.name)).collect();
    let named: HashSet<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
    facts
        .tables_with_rows()
        .filter(|name| !known.contains(name))
        .map(|name| Missing {
            subject: super::discover::subject(&name),
            reason: "it was made while the run went on: its definition is here, its rows are not".to_owned(),
            fix: Some("run the backup again".to_owned()),
        })
        .filter(|missing| !named.contains(missing.subject.as_str()))
        .collect()
}
