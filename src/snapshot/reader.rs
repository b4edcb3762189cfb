//! Reads a snapshot: its manifest, its parts, and the rows of a part. Nothing is handed out that is
//! not what the manifest says.

use std::io::{self, BufRead, Read};

use bytes::Bytes;

use crate::error::Failure;
use crate::format::{CopyReader, Fields, JsonReader, Malformed};
use crate::model::{Artifact, Manifest, ManifestError, Part, TableEntry};
use crate::seal::{self, Identities, sha256_hex};
use crate::snapshot::layout::parse_checksums;
use crate::snapshot::unlock::{Unlocked, unlock};
use crate::snapshot::{CHECKSUMS, MANIFEST, SnapshotKeys};
use crate::store::{Store, StoreError};

/// One snapshot, opened for reading.
#[derive(Debug)]
pub struct Reader<'s> {
    store: &'s dyn Store,
    keys: SnapshotKeys,
    manifest: Manifest,
    manifest_sha256: String,
    identities: Identities,
}

impl<'s> Reader<'s> {
    /// Reads the manifest. It must be that of this folder, and the one that `SHA256SUMS` names; of a sealed
    /// snapshot, one that an identity opens.
    pub async fn open(store: &'s dyn Store, keys: SnapshotKeys, identities: &Identities) -> Result<Self, Failure> {
        let id = keys.id();
        let refuse = |why: String, hint: &str| Failure::failed(format!("opening snapshot {id}: {why}")).hint(hint);
        let damaged =
            format!("`supabackup verify {id}` says what is damaged; older snapshots are in `supabackup list`");
        let absent = |e, file: &str| match e {
            StoreError::NotFound { .. } => refuse(format!("it has no {file}"), &damaged),
            other => other.into(),
        };
        let bytes = store.get(&keys.at(MANIFEST)?).await.map_err(|e| absent(e, MANIFEST))?;
        let sums = store.get(&keys.at(CHECKSUMS)?).await.map_err(|e| absent(e, CHECKSUMS))?;
        let manifest = Manifest::parse(&bytes).map_err(|e| match e {
            ManifestError::Newer(_) => refuse(e.to_string(), "use a newer supabackup to read it"),
            ManifestError::Unreadable(_) => refuse(e.to_string(), &damaged),
        })?;
        if manifest.snapshot != *id {
            return Err(refuse(format!("the manifest in its folder is that of {}", manifest.snapshot), &damaged));
        }
        let named = parse_checksums(&sums).and_then(|list| list.get(MANIFEST).map(|hash| (*hash).to_owned()));
        let manifest_sha256 = sha256_hex(&bytes);
        if named.as_ref() != Some(&manifest_sha256) {
            return Err(refuse(format!("its manifest is not the one that {CHECKSUMS} names"), &damaged));
        }
        let unlocked = unlock(store, &keys, manifest, identities).await;
        let Unlocked { manifest, identities } = unlocked.map_err(|locked| locked.failure(&keys))?;
        Ok(Self { store, keys, manifest, manifest_sha256, identities })
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the manifest as it is stored.
    pub fn manifest_sha256(&self) -> &str {
        &self.manifest_sha256
    }

    /// Where it lies.
    pub fn keys(&self) -> &SnapshotKeys {
        &self.keys
    }

    /// What opens its files.
    pub(super) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// The stored bytes of a part, proven by size and SHA-256.
    pub async fn part(&self, part: &Part) -> Result<Bytes, Failure> {
        self.stored(&part.key, part.size, &part.sha256).await
    }

    /// The stored bytes of a file, proven by size and SHA-256.
    pub(super) async fn stored(&self, key: &str, size: u64, sha256: &str) -> Result<Bytes, Failure> {
        let bytes = self.store.get(&self.keys.at(key)?).await?;
        if bytes.len() as u64 == size && sha256_hex(&bytes) == sha256 {
            return Ok(bytes);
        }
        Err(Failure::failed(format!("reading {key}: it is not what the manifest says"))
            .hint(format!("`supabackup verify {}` says what is damaged", self.keys.id())))
    }

    /// The text of a part, streamed.
    pub async fn raw(&self, part: &Part) -> Result<impl BufRead + Send + use<>, Failure> {
        let stored = self.part(part).await?;
        seal::open(&part.key, stored, &self.identities).map_err(|e| unread(part, &e.into()))
    }

    /// The text of another file of the snapshot, proven and decompressed.
    pub async fn text(&self, key: &str) -> Result<String, Failure> {
        let wrong = |why: String| {
            Failure::failed(format!("reading {key}: {why}"))
                .hint(format!("`supabackup verify {}` says what is damaged", self.keys.id()))
        };
        let Some(file) = self.manifest.files.iter().find(|f| f.key == key) else {
            return Err(wrong("the manifest does not list it".to_owned()));
        };
        let bytes = self.store.get(&self.keys.at(key)?).await?;
        if bytes.len() as u64 != file.size || sha256_hex(&bytes) != file.sha256 {
            return Err(wrong("it is not what the manifest says".to_owned()));
        }
        let mut text = String::new();
        seal::open(key, bytes, &self.identities)
            .and_then(|mut raw| raw.read_to_string(&mut text))
            .map_err(|e| wrong(e.to_string()))?;
        Ok(text)
    }

    /// Calls `each` for every row of a table, in the order of the parts, on a thread that may block;
    /// gives `each` back. One part at a time is in memory.
    pub async fn for_each_row<F>(&self, table: &TableEntry, artifact: Artifact, mut each: F) -> Result<F, Failure>
    where
        F: FnMut(&Fields) -> Result<(), Failure> + Send + 'static,
    {
        for part in table.parts_of(artifact) {
            each = self.rows_of_part(table, part, each, |each, fields| each(fields)).await?;
        }
        Ok(each)
    }

    /// Calls `each` with `state` for every row of a part, on a thread that may block; gives `state` back.
    pub async fn rows_of_part<S: Send + 'static>(
        &self,
        table: &TableEntry,
        part: &Part,
        mut state: S,
        each: impl Fn(&mut S, &Fields) -> Result<(), Failure> + Send + 'static,
    ) -> Result<S, Failure> {
        let mut rows =
            PartRows::open(self.part(part).await?, table, part, &self.identities).map_err(|e| unread(part, &e))?;
        let of = part.clone();
        let work = move || {
            let mut fields = Fields::default();
            while rows.next_row(&mut fields).map_err(|e| unread(&of, &e))? {
                each(&mut state, &fields)?;
            }
            Ok::<_, Failure>(state)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|e| Failure::failed(format!("reading rows of {}: {e}", table.name)))?
    }
}

fn unread(part: &Part, error: &Malformed) -> Failure {
    Failure::failed(format!("reading rows of {}: {error}", part.key))
}

/// The rows of one part, whichever artifact it is of. Blocking, streamed.
pub struct PartRows {
    rows: Rows,
}

enum Rows {
    Sql(Option<CopyReader<Measured>>),
    Json(JsonReader<Measured>),
}

impl std::fmt::Debug for PartRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartRows").finish_non_exhaustive()
    }
}

impl PartRows {
    /// Begins to read the stored bytes of a part of `table`.
    pub fn open(stored: Bytes, table: &TableEntry, part: &Part, identities: &Identities) -> Result<Self, Malformed> {
        let columns: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
        let input = Measured { inner: seal::open(&part.key, stored, identities)?, left: part.raw_size };
        let rows = match part.artifact {
            Artifact::Sql => Rows::Sql(Some(CopyReader::new(input, &columns)?)),
            Artifact::Json => Rows::Json(JsonReader::new(input, &columns)),
        };
        Ok(Self { rows })
    }

    /// Reads the next row. `false` only once the part was read to its last byte, and had as many as
    /// the manifest says.
    pub fn next_row(&mut self, fields: &mut Fields) -> Result<bool, Malformed> {
        match &mut self.rows {
            Rows::Json(reader) => reader.next_row(fields),
            Rows::Sql(slot) => {
                let Some(reader) = slot else { return Ok(false) };
                let more = reader.next_row(fields)?;
                if !more && let Some(reader) = slot.take() {
                    reader.finish()?;
                }
                Ok(more)
            }
        }
    }
}

/// Refuses to give more bytes, or to end with fewer, than it was told: what a damaged part can make
/// us hold in memory is bounded by the manifest.
struct Measured {
    inner: Box<dyn BufRead + Send>,
    left: u64,
}

impl BufRead for Measured {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let bytes = self.inner.fill_buf()?;
        if bytes.len() as u64 > self.left {
            return Err(io::Error::other("it holds more bytes than the manifest says"));
        }
        if bytes.is_empty() && self.left > 0 {
            return Err(io::Error::other("it holds fewer bytes than the manifest says"));
        }
        Ok(bytes)
    }

    fn consume(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes as u64);
        self.inner.consume(bytes);
    }
}

impl Read for Measured {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}
