//! Says what to do about a damaged part: which intact part holds the same rows.

use std::collections::BTreeSet;

use crate::model::{Artifact, Depth, Finding, Manifest, Severity, TableEntry};
use crate::snapshot::MANIFEST;

/// Whether a file is one of the schema's.
fn is_structure(manifest: &Manifest, key: &str) -> bool {
    manifest.structure.as_ref().is_some_and(|s| {
        [Some(&s.before), s.sequences.as_ref(), Some(&s.after), s.on_purpose.as_ref(), Some(&s.catalog)]
            .into_iter()
            .flatten()
            .any(|k| k == key)
    })
}

/// Gives a hint to every finding that has none.
pub(super) fn advise(manifest: &Manifest, depth: Depth, findings: &mut [Finding]) {
    let errors = findings.iter().filter(|f| f.severity == Severity::Error);
    let damaged: BTreeSet<String> = errors.map(|f| f.subject.clone()).collect();
    for finding in findings.iter_mut().filter(|f| f.hint.is_none()) {
        let holder = manifest.tables.iter().find(|t| t.parts.iter().any(|p| p.key == finding.subject));
        finding.hint = Some(match holder {
            None if is_structure(manifest, &finding.subject) => {
                "no rows are in it, but the schema cannot be restored with it: take that of another snapshot, or of \
                 `supabackup schema`"
                    .to_owned()
            }
            None => "no rows are in it: they are not affected".to_owned(),
            Some(table) => of_part(table, &finding.subject, depth, &damaged),
        });
    }
}

fn of_part(table: &TableEntry, key: &str, depth: Depth, damaged: &BTreeSet<String>) -> String {
    let known = match depth {
        Depth::Listed => "is there in its size",
        Depth::Hashed => "has its checksum",
        Depth::Opened => "is intact",
    };
    match twin(table, key).filter(|twin| !damaged.contains(*twin)) {
        Some(twin) => format!("the same rows are in {twin}, which {known}; restore {} from there", table.name),
        None => format!("restore {} from another snapshot: `supabackup list` shows them", table.name),
    }
}

/// The part of the other artifact that holds the same rows.
fn twin<'a>(table: &'a TableEntry, key: &str) -> Option<&'a str> {
    let part = table.parts.iter().find(|p| p.key == key)?;
    let other = if part.artifact == Artifact::Sql { Artifact::Json } else { Artifact::Sql };
    let place = table.parts_of(part.artifact).position(|p| p.key == key)?;
    let twin = table.parts_of(other).nth(place)?;
    (twin.rows == part.rows && twin.digest == part.digest).then_some(twin.key.as_str())
}

/// Not damage, but not a whole backup either.
pub(super) fn incomplete(manifest: &Manifest) -> Finding {
    let missing = &manifest.missing;
    let first = missing.first();
    let named = first.map(|m| format!("{}: {}", m.subject, m.reason)).unwrap_or_default();
    let message = match missing.len() {
        0 => "something was seen and not captured; what it was stands in the sealed manifest".to_owned(),
        1 => format!("something was seen and not captured: {named}"),
        n => format!("{n} things were seen and not captured; first {named}"),
    };
    let fix = first.and_then(|m| m.fix.clone());
    let hint =
        fix.unwrap_or_else(|| format!("`supabackup list {}` names everything that is missing", manifest.snapshot));
    Finding::warning("snapshot-incomplete", MANIFEST, message).hint(hint)
}
