//! The schema now and in the newest complete snapshot, as deep as both can be read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::live::column;
use super::observe::{Watched, unseen};
use crate::commands::channel::{self, Sql};
use crate::config::Config;
use crate::ddl::{Facts, script, statements};
use crate::model::{CatalogSeen, Described, History, Live, Manifest, Seen, TableName, Unseen};
use crate::snapshot::{Reader, SnapshotKeys};
use crate::store::Store;

pub(super) async fn catalog(
    watched: &Watched<'_>,
    config: &Config,
    history: &Seen<History>,
    store: Option<&Arc<dyn Store>>,
    live: &Seen<Live>,
    mut now: Described,
    sql: Option<Sql>,
) -> Seen<CatalogSeen> {
    let live = live.as_ref().map_err(Clone::clone)?;
    let history = history.as_ref().map_err(Clone::clone)?;
    let (Some(newest), Some(store)) = (history.newest_complete(), store) else {
        return Err(Unseen::not_given("there is no complete snapshot to compare the schema with"));
    };
    if newest.counts.is_none() {
        let why = history.sealed.as_deref().unwrap_or("they do not show");
        return Err(Unseen::not_given(format!("the names of tables are sealed: {why}")));
    }
    let keys = SnapshotKeys::new(&watched.name, newest.id.clone());
    let reader = Reader::open(store.as_ref(), keys, &config.identities).await;
    let reader = match reader {
        Ok(reader) => reader,
        // rows that cannot be opened hide no names: the manifest does not show through this reader alone
        Err(failure) => return Err(Unseen { is_failure: false, ..unseen(failure) }),
    };
    let manifest = reader.manifest();
    let mut then = Described { tables: tables(manifest), statements: None };
    // what is left out now, or cannot be read now, is told elsewhere
    let unread = |name: &TableName| {
        let subject = format!("table {name}");
        live.left_out.contains(name) || live.missing.iter().any(|missing| missing.subject == subject)
    };
    then.tables.retain(|name, _| !unread(name) && (live.sees_all || !history.through_sql.contains(name)));
    now.tables.retain(|name, _| !manifest.passed_over.iter().any(|passed| passed.name == *name));
    if let (Some(structure), Some(sql)) = (&manifest.structure, &sql) {
        let stored = reader.text(&structure.catalog).await.map_err(unseen)?;
        let not_understood = |error| Unseen::failed(format!("the snapshot's catalog is not understood: {error}"));
        then.statements = Some(all(&Facts::parse(&stored).map_err(not_understood)?));
        let facts = channel::facts(sql.tables.channel().as_ref()).await;
        now.statements = Some(all(&facts.map_err(|error| Unseen::failed(format!("{error:#}")))?));
    }
    Ok(CatalogSeen { since: newest.id.clone(), then, now })
}

/// Names and types of the columns that a snapshot has.
pub(crate) fn tables(manifest: &Manifest) -> BTreeMap<TableName, Vec<(String, String)>> {
    manifest.tables.iter().map(|table| (table.name.clone(), table.columns.iter().map(column).collect())).collect()
}

/// Everything that makes the schema again. Positions of sequences are no part of it.
fn all(facts: &Facts) -> Vec<String> {
    let script = script(facts);
    [&script.before, &script.after, &script.on_purpose].into_iter().flat_map(|part| statements(part)).collect()
}
