//! A snapshot made anew from a snapshot: sealed for others, or compressed harder. Rows, digests, times and whatever
//! was found stay; files, their sizes and checksums, RECOVERY.md and the reports are new. The manifest is created last.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::Failure;
use crate::model::{File, Manifest, Part, SnapshotId, Structure, TOOL, TableEntry};
use crate::seal::{Compression, Identities, Method, Press, SEALED, Sealed, Sealing, anew, is_compressed, sha256_hex};
use crate::snapshot::room::Room;
use crate::snapshot::transfer::{all_there, make_way, unmark};
use crate::snapshot::writer::WriteError;
use crate::snapshot::{
    Books, Closing, CopyError, IDENTITY, MANIFEST, RECOVERY, REPORT_HTML, REPORT_MD, Reader, SnapshotKeys,
    WHOLE_MANIFEST, WHOLE_RECOVERY, method_of, seal_of, stored_name,
};
use crate::store::{Store, StoreError};

/// Parts that are worked on at once.
const AT_ONCE: usize = 2;

/// What is made of what, and where.
#[derive(Debug, Clone)]
pub struct Rewrite<'a> {
    /// Where the snapshot is.
    pub from: &'a dyn Store,
    /// Which it is.
    pub source: &'a SnapshotKeys,
    /// What opens it, if it is sealed.
    pub identities: &'a Identities,
    /// Where the new one goes.
    pub to: &'a dyn Store,
    /// Which that is.
    pub target: &'a SnapshotKeys,
    /// How it is sealed; `None`: not at all.
    pub sealing: Option<Arc<Sealing>>,
    /// The level of zstd that the text is compressed at again; `None`: the compressed bytes stay as they are.
    pub level: Option<i32>,
    /// Who writes what people read.
    pub books: Books,
}

/// How many bytes a part would have if it was compressed again with zstd at this level; `None` if it is not what the
/// manifest says. Nothing is written.
pub async fn try_dense(
    store: &dyn Store,
    keys: &SnapshotKeys,
    part: &Part,
    level: i32,
) -> Result<Option<u64>, StoreError> {
    let stored = match store.get(&keys.at(&part.key)?).await {
        Ok(stored) if sha256_hex(&stored) == part.sha256 => stored,
        Ok(_) | Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let (name, raw_size) = (part.key.clone(), part.raw_size);
    let work = move || anew(&name, stored, &Identities::default(), None, Press::Dense(level), Some(raw_size));
    let made = tokio::task::spawn_blocking(work).await;
    Ok(made.ok().and_then(Result::ok).map(|sealed| sealed.bytes.len() as u64))
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Rewritten {
    /// SHA-256 of the stored manifest.
    pub manifest_sha256: String,
    /// Files of the new snapshot.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Bytes of the parts before, and now.
    pub parts: (u64, u64),
}

/// Level of the few files that are compressed here, where the parts keep their compression.
const LEVEL: i32 = 3;

impl Rewrite<'_> {
    /// Makes it. It may be dropped at any moment: without its manifest the new one is no snapshot, and the next attempt
    /// writes over what this one left.
    pub async fn run(&self) -> Result<Rewritten, CopyError> {
        let reader = Reader::open(self.from, self.source.clone(), self.identities).await.map_err(CopyError::Damaged)?;
        make_way(self.to, self.target).await?;
        let old = reader.manifest();
        let mut manifest = old.clone();
        manifest.files = Vec::new();
        let memory = Room::default();
        for (table, entry) in manifest.tables.iter_mut().zip(&old.tables) {
            let parts = stream::iter(&entry.parts).map(async |part| self.part(&reader, &memory, entry, part).await);
            table.parts = parts.buffered(AT_ONCE).try_collect().await?;
        }
        for file in old.files.iter().filter(|file| !is_remade(&file.key)) {
            manifest.files.push(self.file(&reader, &memory, file).await?);
        }
        let method = method_of(old);
        self.rename(&mut manifest, method);
        manifest.totals.stored_bytes = manifest.parts().map(|(_, part)| part.size).sum();
        let closing = Closing {
            store: self.to,
            keys: self.target,
            sealing: self.sealing.as_ref(),
            compression: Compression { method, level: self.level.unwrap_or(LEVEL) },
            books: self.books,
        };
        let public = closing.store_books(&mut manifest).await.map_err(unwritten)?;
        let bytes = closing.store_checksums(&public).await.map_err(unwritten)?;
        all_there(self.to, self.target, &public).await?;
        let key = self.target.at(MANIFEST).map_err(CopyError::Target)?;
        self.to.create(&key, bytes.clone()).await.map_err(CopyError::Target)?;
        unmark(self.to, self.target).await.map_err(CopyError::Target)?;
        Ok(Rewritten {
            manifest_sha256: sha256_hex(&bytes),
            files: public.stored().count() as u64,
            bytes: public.stored().map(|(_, size, _)| size).sum(),
            parts: (old.totals.stored_bytes, manifest.totals.stored_bytes),
        })
    }

    /// What the manifest says of itself.
    fn rename(&self, manifest: &mut Manifest, method: Method) {
        manifest.format = Manifest::version(self.sealing.is_some(), method == Method::Gzip);
        TOOL.clone_into(&mut manifest.tool);
        manifest.sealed = self.sealing.as_deref().map(|sealing| seal_of(sealing, method));
        if self.source.id() != self.target.id() {
            let first: Option<SnapshotId> = manifest.instead_of.take();
            manifest.instead_of = Some(first.unwrap_or_else(|| self.source.id().clone()));
            manifest.snapshot = self.target.id().clone();
        }
        if let Some(structure) = &mut manifest.structure {
            let name = |key: &mut String| *key = self.named(key);
            let Structure { before, sequences, after, on_purpose, catalog, .. } = structure;
            [before, after, catalog].into_iter().for_each(name);
            sequences.iter_mut().chain(on_purpose).for_each(name);
        }
    }

    /// A file's name in the new snapshot.
    fn named(&self, key: &str) -> String {
        let key = key.strip_suffix(SEALED).unwrap_or(key);
        format!("{key}{}", if self.sealing.is_some() { SEALED } else { "" })
    }

    async fn part(
        &self,
        reader: &Reader<'_>,
        memory: &Room,
        table: &TableEntry,
        part: &Part,
    ) -> Result<Part, CopyError> {
        let stem = match self.sealing.as_deref() {
            Some(sealing) if sealing.hides_names() => sealing.pseudonym(&table.name.file_stem()),
            _ => table.name.file_stem(),
        };
        let number = number(&part.key).ok_or_else(|| odd(self.source, &part.key, "it has no number"))?;
        let name = self.target.part(part.artifact, &stem, number);
        let key = stored_name(&name, Method::of(&part.key).unwrap_or_default(), self.sealing.as_deref());
        let sealed = self.make(reader, memory, &part.key, part.size, &part.sha256, Some(part.raw_size)).await?;
        let made = Part { key, size: sealed.bytes.len() as u64, sha256: sealed.sha256, ..part.clone() };
        self.put(&made.key, sealed.bytes).await?;
        Ok(made)
    }

    /// A script, the catalog, or whatever else a later version puts there.
    async fn file(&self, reader: &Reader<'_>, memory: &Room, file: &File) -> Result<File, CopyError> {
        if !is_compressed(&file.key) {
            let bytes = reader.stored(&file.key, file.size, &file.sha256).await.map_err(CopyError::Damaged)?;
            self.put(&file.key, bytes).await?;
            return Ok(file.clone());
        }
        let sealed = self.make(reader, memory, &file.key, file.size, &file.sha256, None).await?;
        let made = File { key: self.named(&file.key), size: sealed.bytes.len() as u64, sha256: sealed.sha256 };
        self.put(&made.key, sealed.bytes).await?;
        Ok(made)
    }

    async fn make(
        &self,
        reader: &Reader<'_>,
        memory: &Room,
        key: &str,
        size: u64,
        sha256: &str,
        raw_size: Option<u64>,
    ) -> Result<Sealed, CopyError> {
        let _room = memory.of(size).await;
        let bytes = reader.stored(key, size, sha256).await.map_err(CopyError::Damaged)?;
        let (name, sealing) = (key.to_owned(), self.sealing.clone());
        let press = self.level.map_or(Press::Kept, Press::Dense);
        let identities = reader.identities().clone();
        let work = move || anew(&name, bytes, &identities, sealing.as_deref(), press, raw_size);
        let made = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other);
        made.and_then(|made| made).map_err(|error| odd(self.source, key, &error.to_string()))
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), CopyError> {
        let key = self.target.at(key).map_err(CopyError::Target)?;
        self.to.put(&key, bytes).await.map_err(CopyError::Target)
    }
}

fn unwritten(error: WriteError) -> CopyError {
    match error {
        WriteError::Store(error) => CopyError::Target(error),
        other => {
            CopyError::Target(StoreError::Other { doing: "writing a snapshot".to_owned(), reason: other.to_string() })
        }
    }
}

fn odd(keys: &SnapshotKeys, key: &str, why: &str) -> CopyError {
    let failure = Failure::failed(format!("reading {key} of snapshot {}: {why}", keys.id()));
    CopyError::Damaged(failure.hint(format!("`supabackup verify {}` says what is damaged", keys.id())))
}

/// What is written anew from the manifest, and so not copied.
fn is_remade(key: &str) -> bool {
    let base = key.strip_suffix(SEALED).unwrap_or(key);
    let base = [".zst", ".gz"].into_iter().find_map(|ending| base.strip_suffix(ending)).unwrap_or(base);
    let whole = [WHOLE_MANIFEST, WHOLE_RECOVERY].map(|name| name.strip_suffix(".zst").unwrap_or(name));
    key == IDENTITY || [RECOVERY, REPORT_MD, REPORT_HTML].contains(&base) || whole.contains(&base)
}

/// The number in a part's name.
fn number(key: &str) -> Option<u32> {
    let key = key.strip_suffix(SEALED).unwrap_or(key);
    let name =
        [".sql.zst", ".jsonl.zst", ".sql.gz", ".jsonl.gz"].into_iter().find_map(|ending| key.strip_suffix(ending))?;
    name.rsplit_once('-')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remade_is_not_copied_and_numbers_are_read() {
        for key in ["RECOVERY.md", "report.md", "report.html.zst.age", "identity.age", "manifest.full.json.zst.age"] {
            assert!(is_remade(key), "{key}");
        }
        for key in ["sql/000-schema.sql.zst", "catalog.json.zst.age", "sql/100-public.report.md-00001.sql.zst"] {
            assert!(!is_remade(key), "{key}");
        }
        for (key, expected) in [
            ("sql/100-public.a-2d-00012.sql.zst.age", Some(12)),
            ("json/public.a-00001.jsonl.zst", Some(1)),
            ("json/public.sql.x-123456.jsonl.zst", Some(123_456)),
            ("json/x", None),
        ] {
            assert_eq!(number(key), expected, "{key}");
        }
    }
}
