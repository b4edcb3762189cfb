//! Writes a snapshot: rows into bounded parts, parts into the store, the manifest last.

use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join_all;
use tokio::task::JoinHandle;

use crate::buffers::Buffers;
use crate::format::{CopyReader, Digest, Fields, JsonReader, Malformed, write_record};
use crate::model::{Artifact, Part, TableName};
use crate::seal::{Frame, Sealed, Sealer};
pub use crate::snapshot::rows::{Chunk, PartRules, RowFormat};
use crate::snapshot::rows::{Form, LEAST_FRAME};
use crate::snapshot::stored::StoredRows;
use crate::snapshot::{SnapshotKeys, stored_name};
use crate::store::{Key, Store, StoreError};

/// Why a part could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store refused it.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// It could not be compressed.
    #[error("compressing a part: {0}")]
    Seal(#[from] std::io::Error),
    /// What was stored does not read back.
    #[error("reading a part back: {0}")]
    Reread(#[from] Malformed),
}

/// The parts that hold the same rows, one per artifact.
#[derive(Debug, Clone)]
pub struct PartPair {
    /// One or two.
    pub parts: Vec<Part>,
    /// Rows in each.
    pub rows: u64,
    /// Sum of their hashes.
    pub digest: Digest,
}

/// Writes the parts of one table.
#[derive(Debug)]
pub struct TableWriter {
    store: Arc<dyn Store>,
    keys: SnapshotKeys,
    stem: String,
    format: Arc<RowFormat>,
    rules: PartRules,
    number: u32,
    open: Option<OpenPart>,
    outputs: Buffers,
    /// The part before, on its way into the store: that takes a while, and rows are written meanwhile.
    storing: Option<JoinHandle<Result<(), StoreError>>>,
}

#[derive(Debug)]
struct OpenPart {
    sql: Option<OpenForm>,
    json: Option<OpenForm>,
    rows: u64,
    digest: Digest,
}

/// One form of a part that is being written: what is sealed, and text that waits for more.
#[derive(Debug)]
struct OpenForm {
    sealer: Sealer,
    text: Vec<u8>,
}

impl OpenForm {
    fn raw_size(&self) -> u64 {
        self.sealer.raw_size() + self.text.len() as u64
    }

    /// Adds rows behind those that are there.
    fn add(&mut self, form: Form, format: &RowFormat) -> std::io::Result<()> {
        match form {
            Form::Text(text) => {
                self.text.extend_from_slice(&text);
                format.buffers.give(text);
                if self.text.len() < LEAST_FRAME { Ok(()) } else { self.flush(format) }
            }
            Form::Frame(frame) => {
                self.flush(format)?;
                self.take(frame, format)
            }
        }
    }

    fn flush(&mut self, format: &RowFormat) -> std::io::Result<()> {
        if !self.text.is_empty() {
            let frame = format.frame(&self.text)?;
            self.take(frame, format)?;
            self.text.clear();
        }
        Ok(())
    }

    fn take(&mut self, frame: Frame, format: &RowFormat) -> std::io::Result<()> {
        let added = self.sealer.add(&frame);
        format.frames.give(frame.into_buffer());
        added
    }
}

impl TableWriter {
    /// A writer for a table of the snapshot at `keys`.
    pub fn new(
        store: Arc<dyn Store>,
        keys: SnapshotKeys,
        table: &TableName,
        format: Arc<RowFormat>,
        rules: PartRules,
        outputs: Buffers,
    ) -> Self {
        let stem = match &rules.sealing {
            Some(sealing) if sealing.hides_names() => sealing.pseudonym(&table.file_stem()),
            _ => table.file_stem(),
        };
        Self { store, keys, stem, format, rules, number: 0, open: None, outputs, storing: None }
    }

    /// The row format that the parts are written in.
    pub fn format(&self) -> &Arc<RowFormat> {
        &self.format
    }

    /// Adds rows. True if the part is full: then [`TableWriter::close`] it.
    pub async fn append(&mut self, chunk: Chunk) -> Result<bool, WriteError> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.begin()?,
        };
        open.rows += chunk.rows;
        open.digest += chunk.digest;
        let format = &self.format;
        // both artifacts at once: where rows are not compressed yet, that is most of the work
        let (sql, json) = (open.sql.take(), open.json.take());
        let (sql, json) = tokio::join!(add(sql, chunk.sql, format), add(json, chunk.json, format));
        (open.sql, open.json) = (sql?, json?);
        let raw = if self.rules.sql { &open.sql } else { &open.json };
        let full = raw.as_ref().is_some_and(|form| form.raw_size() >= self.rules.part_size);
        self.open = Some(open);
        Ok(full)
    }

    fn begin(&self) -> Result<OpenPart, WriteError> {
        let open = |head: &[u8]| {
            let mut open = OpenForm {
                sealer: Sealer::new(self.outputs.take(), self.rules.sealing.as_deref())?,
                text: self.format.texts.take(),
            };
            open.text.extend_from_slice(head);
            open.flush(&self.format)?;
            Ok::<_, std::io::Error>(open)
        };
        Ok(OpenPart {
            sql: self.format.copy.as_ref().map(|copy| open(copy.head())).transpose()?,
            json: self.format.json.as_ref().map(|_| open(b"")).transpose()?,
            rows: 0,
            digest: Digest::default(),
        })
    }

    /// Ends the part and begins to store it; [`TableWriter::stored`] waits for that. `None` if it would
    /// hold no rows.
    pub async fn close(&mut self, blocks: Option<[u64; 2]>) -> Result<Option<PartPair>, WriteError> {
        let Some(open) = self.open.take() else { return Ok(None) };
        if open.rows == 0 {
            return Ok(None);
        }
        self.number += 1;
        let tail = self.format.copy.as_ref().map(|c| c.tail().to_vec()).unwrap_or_default();
        let (sql, json) =
            tokio::join!(finish(open.sql, tail, &self.format), finish(open.json, Vec::new(), &self.format));
        let (mut parts, mut sealed_parts) = (Vec::new(), Vec::new());
        for (artifact, sealed) in [(Artifact::Sql, sql?), (Artifact::Json, json?)] {
            let Some(sealed) = sealed else { continue };
            let name = self.keys.part(artifact, &self.stem, self.number);
            let key = stored_name(&name, self.rules.compression.method, self.rules.sealing.as_deref());
            let size = sealed.bytes.len() as u64;
            sealed_parts.push((self.keys.at(&key)?, sealed.bytes));
            parts.push(Part {
                key,
                artifact,
                rows: open.rows,
                size,
                sha256: sealed.sha256,
                raw_size: sealed.raw_size,
                blocks,
                digest: open.digest.to_string(),
            });
        }
        self.stored().await?;
        self.storing = Some(tokio::spawn(put_all(Arc::clone(&self.store), sealed_parts, self.outputs.clone())));
        Ok(Some(PartPair { parts, rows: open.rows, digest: open.digest }))
    }

    /// Waits until every part that was closed is in the store.
    pub async fn stored(&mut self) -> Result<(), WriteError> {
        match self.storing.take() {
            Some(storing) => Ok(storing.await.map_err(std::io::Error::other)??),
            None => Ok(()),
        }
    }

    /// What `look` says of every row of a stored part, in the order of rows.
    pub async fn map_rows<T: Send + 'static>(
        &self,
        pair: &PartPair,
        mut look: impl FnMut(&Fields) -> T + Send + 'static,
    ) -> Result<Vec<T>, WriteError> {
        let mut rows = self.stored_rows(pair).await?;
        let work = move || {
            let mut fields = Fields::default();
            let mut seen = Vec::new();
            while rows.next_row(&mut fields)? {
                seen.push(look(&fields));
            }
            Ok(seen)
        };
        tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
    }

    /// Writes a stored part anew without the rows at these positions. `None` if none is left.
    pub async fn rewrite(&mut self, pair: &PartPair, without: &HashSet<u64>) -> Result<Option<PartPair>, WriteError> {
        let mut rows = self.stored_rows(pair).await?;
        let (format, without) = (Arc::clone(&self.format), without.clone());
        let work = move || {
            let (mut fields, mut record) = (Fields::default(), Vec::new());
            let mut chunk = format.chunk();
            let mut position = 0;
            while rows.next_row(&mut fields)? {
                if !without.contains(&position) {
                    record.clear();
                    write_record(fields.iter(), &mut record);
                    format.row(&record, &fields, &mut chunk);
                }
                position += 1;
            }
            Ok::<_, WriteError>(chunk)
        };
        let chunk = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)??;
        self.append(chunk).await?;
        self.close(pair.parts.first().and_then(|p| p.blocks)).await
    }

    async fn stored_rows(&self, pair: &PartPair) -> Result<StoredRows, WriteError> {
        let Some(part) = pair.parts.first() else {
            return Err(WriteError::Reread("a part has no artifact".into()));
        };
        let sealed = self.store.get(&self.keys.at(&part.key)?).await?;
        let own = self.rules.sealing.as_ref().map(|sealing| sealing.own()).unwrap_or_default();
        let text: Box<dyn BufRead + Send> = crate::seal::open(&part.key, sealed, &own)?;
        Ok(match part.artifact {
            Artifact::Sql => StoredRows::Sql(CopyReader::new(text, &self.format.names())?),
            Artifact::Json => StoredRows::Json(JsonReader::new(text, &self.format.names())),
        })
    }

    /// Removes a part that another one replaced.
    pub async fn remove(&mut self, pair: &PartPair) -> Result<(), WriteError> {
        self.stored().await?;
        for part in &pair.parts {
            self.store.delete(&self.keys.at(&part.key)?).await?;
        }
        Ok(())
    }

    /// Forgets rows that were not stored yet.
    pub fn discard(&mut self) {
        self.open = None;
    }
}

async fn put_all(store: Arc<dyn Store>, parts: Vec<(Key, Bytes)>, outputs: Buffers) -> Result<(), StoreError> {
    let put = |(key, bytes): (Key, Bytes)| {
        let (store, outputs) = (&store, &outputs);
        async move {
            store.put(&key, bytes.clone()).await?;
            // the store is done with it, so this takes the memory back without a copy
            outputs.give(Vec::from(bytes));
            Ok(())
        }
    };
    try_join_all(parts.into_iter().map(put)).await.map(drop)
}

/// Compression never runs on the threads that drive requests.
async fn add(open: Option<OpenForm>, form: Form, format: &Arc<RowFormat>) -> Result<Option<OpenForm>, std::io::Error> {
    let Some(mut open) = open else { return Ok(None) };
    let format = Arc::clone(format);
    let work = move || open.add(form, &format).map(|()| Some(open));
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

async fn finish(
    open: Option<OpenForm>,
    tail: Vec<u8>,
    format: &Arc<RowFormat>,
) -> Result<Option<Sealed>, std::io::Error> {
    let Some(mut open) = open else { return Ok(None) };
    let format = Arc::clone(format);
    let work = move || {
        open.text.extend_from_slice(&tail);
        open.flush(&format)?;
        format.texts.give(open.text);
        open.sealer.finish().map(Some)
    };
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}
