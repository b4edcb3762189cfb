//! The schema's scripts, sealed and stored.

use crate::model::{File, Structure};
use crate::seal::{Compression, Sealing};
use crate::snapshot::writer::WriteError;
use crate::snapshot::{
    CATALOG, ON_PURPOSE, SCHEMA_AFTER, SCHEMA_BEFORE, SEQUENCES, SnapshotKeys, store_text, stored_name,
};
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
    compression: Compression,
    sealing: Option<&Sealing>,
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
        files.push(store_text(store, keys, key, text.as_bytes(), compression, sealing).await?);
    }
    let name = |key: &str| stored_name(key, compression.method, sealing);
    let there = |key: &str| files.iter().any(|f| f.key == name(key)).then(|| name(key));
    let structure = Structure {
        server: String::new(),
        before: name(SCHEMA_BEFORE),
        sequences: there(SEQUENCES),
        after: name(SCHEMA_AFTER),
        on_purpose: there(ON_PURPOSE),
        catalog: name(CATALOG),
        notes: Vec::new(),
    };
    Ok((structure, files))
}
