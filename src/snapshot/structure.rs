//! The schema's scripts, sealed and stored.

use crate::model::{File, Structure};
use crate::seal::{Framer, Sealer};
use crate::snapshot::writer::WriteError;
use crate::snapshot::{CATALOG, ON_PURPOSE, SCHEMA_AFTER, SCHEMA_BEFORE, SEQUENCES, SnapshotKeys};
use crate::store::Store;

/// What is to be stored.
#[derive(Debug, Clone, Copy)]
pub struct Scripts<'a> {
    /// SQL before the rows.
    pub before: &'a str,
    /// SQL that sets sequences; may be empty.
    pub sequences: &'a str,
    /// SQL after the rows.
    pub after: &'a str,
    /// SQL that a person runs; may be empty.
    pub on_purpose: &'a str,
    /// The catalog as JSON.
    pub catalog: &'a str,
}

/// Stores them. What is empty is not stored. `server` and `notes` of the result are left to the caller.
pub async fn store_structure(
    store: &dyn Store,
    keys: &SnapshotKeys,
    level: i32,
    scripts: Scripts<'_>,
) -> Result<(Structure, Vec<File>), WriteError> {
    let mut files = Vec::new();
    for (key, text) in [
        (SCHEMA_BEFORE, scripts.before),
        (SEQUENCES, scripts.sequences),
        (SCHEMA_AFTER, scripts.after),
        (ON_PURPOSE, scripts.on_purpose),
        (CATALOG, scripts.catalog),
    ] {
        if text.is_empty() {
            continue;
        }
        let mut sealer = Sealer::new(Vec::new());
        sealer.add(&Framer::new(level)?.frame(text.as_bytes(), Vec::new())?);
        let sealed = sealer.finish();
        let size = sealed.bytes.len() as u64;
        store.put(&keys.at(key)?, sealed.bytes).await?;
        files.push(File { key: key.to_owned(), size, sha256: sealed.sha256 });
    }
    let there = |key: &str| files.iter().any(|f| f.key == key).then(|| key.to_owned());
    let structure = Structure {
        server: String::new(),
        before: SCHEMA_BEFORE.to_owned(),
        sequences: there(SEQUENCES),
        after: SCHEMA_AFTER.to_owned(),
        on_purpose: there(ON_PURPOSE),
        catalog: CATALOG.to_owned(),
        notes: Vec::new(),
    };
    Ok((structure, files))
}
