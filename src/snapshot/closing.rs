//! The files of a snapshot that people read, and the list of checksums: what is written last.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::model::{File, Manifest};
use crate::seal::{Compression, Sealing};
use crate::snapshot::writer::WriteError;
use crate::snapshot::{
    CHECKSUMS, RECOVERY, REPORT_HTML, REPORT_MD, SnapshotKeys, WHOLE_MANIFEST, WHOLE_RECOVERY, checksums,
    store_identity, store_text, stored_file,
};
use crate::store::{Entry, Store};

/// Who writes what people read.
#[derive(Debug, Clone, Copy)]
pub struct Books {
    /// `RECOVERY.md`.
    pub recovery: fn(&Manifest) -> String,
    /// `RECOVERY.md` where names of tables are hidden: how to open the other one.
    pub cover: fn(&Manifest) -> String,
    /// `report.md`.
    pub report_md: fn(&Manifest) -> String,
    /// `report.html`.
    pub report_html: fn(&Manifest) -> String,
}

/// Where a snapshot is being written, and how.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The snapshot.
    pub keys: &'a SnapshotKeys,
    /// How it is sealed; `None`: not at all.
    pub sealing: Option<&'a Arc<Sealing>>,
    /// How they are compressed.
    pub compression: Compression,
    /// Who writes what people read.
    pub books: Books,
}

impl Closing<'_> {
    /// Stores everything that is no part and no script, adds it to `manifest`, and gives the manifest that is to be
    /// stored in the open: the same, or one that hides names.
    pub async fn store_books(&self, manifest: &mut Manifest) -> Result<Manifest, WriteError> {
        if let Some(sealing) = self.sealing {
            manifest.files.extend(store_identity(self.store, self.keys, Arc::clone(sealing)).await?);
        }
        let hides = self.sealing.is_some_and(|sealing| sealing.hides_names());
        let recovery = if hides { WHOLE_RECOVERY } else { RECOVERY };
        let files = [
            (recovery, (self.books.recovery)(manifest)),
            (REPORT_MD, (self.books.report_md)(manifest)),
            (REPORT_HTML, (self.books.report_html)(manifest)),
        ];
        for (name, text) in files {
            let file = if hides { self.sealed(name, text.as_bytes()).await? } else { self.plain(name, text).await? };
            manifest.files.push(file);
        }
        if !hides {
            return Ok(manifest.clone());
        }
        manifest.files.push(self.plain(RECOVERY, (self.books.cover)(manifest)).await?);
        let whole = self.sealed(WHOLE_MANIFEST, &bytes_of(manifest)?).await?;
        Ok(manifest.without_names(whole))
    }

    /// Stores the list of checksums, and gives the bytes of the manifest that it names.
    pub async fn store_checksums(&self, public: &Manifest) -> Result<Bytes, WriteError> {
        let bytes = bytes_of(public)?;
        self.plain(CHECKSUMS, checksums(public, &bytes)).await?;
        Ok(Bytes::from(bytes))
    }

    async fn plain(&self, name: &str, text: String) -> Result<File, WriteError> {
        let bytes = Bytes::from(text);
        let file = stored_file(name, &bytes);
        self.store.put(&self.keys.at(name)?, bytes).await?;
        Ok(file)
    }

    /// `report.md` becomes `report.md.zst.age`.
    async fn sealed(&self, name: &str, text: &[u8]) -> Result<File, WriteError> {
        let name = if name.ends_with(".zst") { name.to_owned() } else { format!("{name}.zst") };
        store_text(self.store, self.keys, &name, text, self.compression, self.sealing.map(Arc::as_ref)).await
    }
}

fn bytes_of(manifest: &Manifest) -> Result<Vec<u8>, WriteError> {
    manifest.to_bytes().map_err(|error| WriteError::Seal(std::io::Error::other(error)))
}

/// The first file of the manifest that is not among `entries` in its size.
pub fn lost<'m>(folder: &str, entries: &[Entry], manifest: &'m Manifest) -> Option<&'m str> {
    let sizes: HashMap<&str, u64> = entries.iter().map(|e| (e.key.as_str(), e.size)).collect();
    let is_lost = |key: &str, size: u64| sizes.get(format!("{folder}/{key}").as_str()) != Some(&size);
    manifest.stored().find(|(key, size, _)| is_lost(key, *size)).map(|(key, ..)| key)
}
