//! Rows of one table in the forms that parts hold, compressed on the thread that wrote them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::buffers::Buffers;
use crate::format::{CopyWriter, Digest, Fields, JsonWriter};
use crate::model::{Column, TableName};
use crate::seal::{Compression, Frame, Framer, Identities, Sealing};

/// How rows become parts; the same for every table of a snapshot.
#[derive(Debug, Clone)]
pub struct PartRules {
    /// Whether the SQL artifact is written.
    pub sql: bool,
    /// Whether the JSON artifact is written.
    pub json: bool,
    /// How they are compressed.
    pub compression: Compression,
    /// How they are sealed; `None`: not at all.
    pub sealing: Option<Arc<Sealing>>,
    /// A part ends with the page that brings its raw text to this size.
    pub part_size: u64,
}

impl PartRules {
    /// What opens what is written so: the own key of the run, if it seals.
    pub fn own(&self) -> Identities {
        self.sealing.as_ref().map(|sealing| sealing.own()).unwrap_or_default()
    }
}

/// Rows in both written forms.
#[derive(Debug, Default)]
pub struct Chunk {
    pub(super) sql: Form,
    pub(super) json: Form,
    /// How many rows.
    pub rows: u64,
    /// Sum of their hashes.
    pub digest: Digest,
}

/// One written form: text, or compressed already.
#[derive(Debug)]
pub(super) enum Form {
    Text(Vec<u8>),
    Frame(Frame),
}

impl Default for Form {
    fn default() -> Self {
        Self::Text(Vec::new())
    }
}

impl Form {
    fn text(&mut self) -> &mut Vec<u8> {
        if let Self::Frame(_) = self {
            *self = Self::default();
        }
        match self {
            Self::Text(text) => text,
            Self::Frame(_) => unreachable!("it was replaced by text"),
        }
    }
}

/// Text of fewer bytes waits for more before it is compressed: small frames compress badly.
pub(super) const LEAST_FRAME: usize = 512 << 10;

/// Writes rows of one table in both forms. Shared by the threads that read its pages.
#[derive(Debug)]
pub struct RowFormat {
    pub(super) copy: Option<CopyWriter>,
    pub(super) json: Option<JsonWriter>,
    pub(super) buffers: Buffers,
    columns: Vec<String>,
    compression: Compression,
    framers: Mutex<Vec<Framer>>,
    pub(super) frames: Buffers,
    /// For text that waits: among those of pages they would make each of them as large, in time.
    pub(super) texts: Buffers,
}

impl RowFormat {
    /// For rows with these columns.
    pub fn new(table: &TableName, columns: &[Column], rules: &PartRules, buffers: Buffers) -> Self {
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        Self {
            copy: rules.sql.then(|| CopyWriter::new(table, &names)),
            json: rules.json.then(|| JsonWriter::new(columns)),
            buffers,
            columns: columns.iter().map(|c| c.name.clone()).collect(),
            compression: rules.compression,
            framers: Mutex::default(),
            frames: Buffers::default(),
            texts: Buffers::default(),
        }
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.columns.iter().map(String::as_str).collect()
    }

    /// A chunk without rows.
    pub fn chunk(&self) -> Chunk {
        let buffer = |wanted: bool| Form::Text(if wanted { self.buffers.take() } else { Vec::new() });
        Chunk {
            sql: buffer(self.copy.is_some()),
            json: buffer(self.json.is_some()),
            rows: 0,
            digest: Digest::default(),
        }
    }

    /// Adds one row: `record` is its text, `fields` the same split.
    pub fn row(&self, record: &[u8], fields: &Fields, chunk: &mut Chunk) {
        if let Some(copy) = &self.copy {
            copy.row(fields.iter(), chunk.sql.text());
        }
        if let Some(json) = &self.json {
            json.row(fields.iter(), chunk.json.text());
        }
        chunk.rows += 1;
        chunk.digest.add_row(record);
    }

    /// Compresses the rows, if they are enough for a frame of their own. Called on the thread that wrote
    /// them: they are still in its cache, and while they wait for their turn they take up less memory.
    pub fn press(&self, chunk: Chunk) -> std::io::Result<Chunk> {
        Ok(Chunk { sql: self.press_form(chunk.sql)?, json: self.press_form(chunk.json)?, ..chunk })
    }

    fn press_form(&self, form: Form) -> std::io::Result<Form> {
        match form {
            Form::Text(text) if text.len() >= LEAST_FRAME => {
                let frame = self.frame(&text)?;
                self.buffers.give(text);
                Ok(Form::Frame(frame))
            }
            other => Ok(other),
        }
    }

    pub(super) fn frame(&self, text: &[u8]) -> std::io::Result<Frame> {
        let spare = self.framers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut framer = spare.map_or_else(|| Framer::new(self.compression), Ok)?;
        let frame = framer.frame(text, self.frames.take());
        self.framers.lock().unwrap_or_else(PoisonError::into_inner).push(framer);
        frame
    }
}
