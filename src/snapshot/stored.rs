//! Parts of a run, read back by the run itself.

use std::io::BufRead;

use crate::format::{CopyReader, Fields, JsonReader};
use crate::snapshot::writer::WriteError;

/// Rows of a part that was stored in this run.
pub(super) enum StoredRows {
    Sql(CopyReader<Box<dyn BufRead + Send>>),
    Json(JsonReader<Box<dyn BufRead + Send>>),
}

impl StoredRows {
    /// Reads the next row; `false` after the last one.
    pub(super) fn next_row(&mut self, fields: &mut Fields) -> Result<bool, WriteError> {
        match self {
            Self::Sql(reader) => reader.next_row(fields),
            Self::Json(reader) => reader.next_row(fields),
        }
        .map_err(WriteError::from)
    }
}
