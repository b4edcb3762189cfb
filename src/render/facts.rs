//! Sentences that every report of a snapshot tells in the same words.

use crate::model::{Artifact, Manifest, Stability, TableEntry};
use crate::render::{bytes, count, duration, plural, time};

/// The whole snapshot in one line.
pub(super) fn headline(manifest: &Manifest) -> String {
    let totals = &manifest.totals;
    format!(
        "{} of {} in {}: {} of text, stored in {}",
        plural(totals.rows, "row"),
        plural(totals.tables, "table"),
        duration(manifest.finished - manifest.started),
        bytes(totals.raw_bytes),
        bytes(totals.stored_bytes)
    )
}

/// How consistent the tables are, in plain words.
pub(super) fn consistency(manifest: &Manifest) -> String {
    let found = &manifest.consistency;
    if manifest.totals.tables == 0 {
        return "No table was captured.".to_owned();
    }
    if let Some(moment) = found.moment {
        let (from, to) = (time(moment.from), time(moment.to));
        let span = if from == to { format!("at {to}") } else { format!("at every moment from {from} to {to}") };
        return format!("All tables together are the database as it was {span}.");
    }
    let mut sentence = match (found.stable, manifest.totals.tables) {
        (0, _) => "No table was proven unchanged while it was read.".to_owned(),
        (stable, all) if stable == all => {
            "Every table was proven unchanged while it was read, but they do not all show the same moment.".to_owned()
        }
        (1, all) => format!("Of {}, 1 was proven unchanged while it was read.", plural(all, "table")),
        (stable, all) => {
            format!("Of {}, {} were proven unchanged while they were read.", plural(all, "table"), count(stable))
        }
    };
    if found.moved > 0 {
        let whose = if found.moved == 1 { "its" } else { "their" };
        sentence.push_str(&format!(
            " {} went on changing: {whose} rows that changed meanwhile may be there in an older or a newer form.",
            plural(found.moved, "table")
        ));
    }
    if found.unproven > 0 {
        sentence.push_str(&format!(" {} could not be checked.", plural(found.unproven, "table")));
    }
    sentence
}

/// Whether the schema is in the snapshot.
pub(super) fn schema(manifest: &Manifest) -> &'static str {
    if manifest.hides_tables() {
        return "The names of its tables are sealed, and so is whether the schema is in it.";
    }
    match (&manifest.structure, manifest.source.catalog.as_str()) {
        (Some(_), _) => "The schema is in it: definitions, positions of sequences, rights.",
        (None, "openapi") => {
            "The schema is not in it, only rows: there was no SQL access (`supabackup doctor` says how to give it)."
        }
        (None, _) => "The schema is not in it, only rows: its definition could not be read.",
    }
}

/// One word for a table's steadiness.
pub(super) fn steadiness(stability: &Stability) -> &'static str {
    match stability {
        Stability::Stable { .. } => "stable",
        Stability::Moved { .. } => "moved",
        Stability::Unproven { .. } => "unproven",
    }
}

/// What the word means for this table; nothing to say where it was stable.
pub(super) fn unsteadiness(stability: &Stability) -> Option<String> {
    match stability {
        Stability::Stable { .. } => None,
        Stability::Moved { from, to, passes, reread, superseded } => {
            let passes = if *passes == 1 { "1 pass".to_owned() } else { format!("{passes} passes") };
            let dropped = match superseded {
                0 => String::new(),
                n => format!("; {} that were read in two versions are kept in the newer one", plural(*n, "row")),
            };
            let (from, to, reread) = (time(*from), time(*to), plural(*reread, "row"));
            Some(format!(
                "changed from {from} to {to}; {reread} stood in pages that were read again, in {passes}{dropped}"
            ))
        }
        Stability::Unproven { reason, .. } => Some(reason.clone()),
    }
}

/// Where the list of tables came from, and which of them the Data API does not show whole; `None`: the
/// Data API's own description, and the rows of all of them.
pub(super) fn coverage(manifest: &Manifest) -> Option<String> {
    let way = match manifest.source.catalog.as_str() {
        "management" => "the Management API",
        "meta" => "postgres-meta",
        "helper" => "the helper functions",
        _ => return None,
    };
    if manifest.hides_tables() {
        return None;
    }
    let through_sql = manifest.tables.iter().filter(|table| table.read_through.is_some());
    let names: Vec<String> = through_sql.map(|table| table.name.to_string()).collect();
    let listed = format!("The list of tables is the database's own, by SQL through {way}.");
    Some(match names.as_slice() {
        [] => format!("{listed} The Data API shows all that was stored."),
        [name] => format!("{listed} The Data API does not show all of {name}, which was read through SQL."),
        [first, ..] => format!(
            "{listed} The Data API does not show all of {} ({first}, …), which were read through SQL.",
            plural(names.len() as u64, "table")
        ),
    })
}

/// Text and stored bytes of a table.
pub(super) fn sizes(table: &TableEntry) -> (u64, u64) {
    table.parts.iter().fold((0, 0), |(raw, stored), part| (raw + part.raw_size, stored + part.size))
}

/// Whether any table has a part of this artifact.
pub(super) fn has(manifest: &Manifest, artifact: Artifact) -> bool {
    manifest.parts().any(|(_, part)| part.artifact == artifact)
}

/// What a snapshot does not hold, whatever the project.
pub(super) fn never_here(manifest: &Manifest) -> Vec<&'static str> {
    let (files, roles) = (
        "The files in Storage buckets, edge functions, secrets and project settings.",
        "Passwords of database roles; sessions, tokens and logs of `auth`, and other rows of the platform's own schemas.",
    );
    if manifest.structure.is_some() {
        return vec![files, roles];
    }
    vec![
        "The schema itself: types, tables, functions, triggers, indexes, policies, grants (keep your migrations, or \
         `pg_dump --schema-only`).",
        "Sequences' positions (set them from the rows, as above).",
        "Rows of schemas that the Data API does not expose, such as `auth.users` and `storage.objects`.",
        files,
        "Database roles and their passwords.",
    ]
}
