//! Rows back into a project: by the Data API ([`RestWriter`]), or by SQL over HTTPS ([`SqlWriter`]).

mod deliver;
mod probe;
mod request;
mod rest;
mod sql;

use async_trait::async_trait;

use crate::error::Failure;
use crate::format::{Batch, RowForm, Tid};
use crate::model::TableName;

pub use probe::Writable;
pub use rest::RestWriter;
pub use sql::SqlWriter;

/// Writes rows of any table, one batch at a time. A batch is one transaction: all of it is written, or
/// nothing.
#[async_trait]
pub trait Writer: std::fmt::Debug + Send + Sync {
    /// The form that batches must have.
    fn form(&self) -> RowForm;

    /// The most bytes of rows that one batch should have. A batch that turns out to be too large all the
    /// same is refused with [`WriteError::TooMuch`] before it is sent.
    fn batch_bytes(&self) -> usize;

    /// The most rows that one batch should have.
    fn batch_rows(&self) -> usize;

    /// The most rows that one [`Delete`] should have; more may be [`WriteError::TooMuch`].
    fn delete_rows(&self) -> usize;

    /// The fewest rows with which a [`Load`] can be rehearsed: fewer are [`WriteError::Refused`] with the
    /// code [`NO_REHEARSAL`], and nothing is sent.
    fn least_rehearsed(&self) -> usize {
        1
    }

    /// The most bytes of a request, where the service has such a limit.
    fn largest_request(&self) -> Option<usize> {
        None
    }

    /// Whether a batch of one row can be sent at all.
    fn fits(&self, _batch: &Batch) -> bool {
        true
    }

    /// Writes a batch, and returns how many rows the server says were inserted or updated.
    async fn write(&self, load: &Load<'_>) -> Result<u64, WriteError>;

    /// Deletes exactly these versions of rows, and returns how many were. A version that is not there any
    /// more is passed over.
    async fn delete(&self, delete: &Delete<'_>) -> Result<u64, WriteError>;
}

/// The code of a [`WriteError::Refused`] for what cannot be rehearsed.
pub const NO_REHEARSAL: &str = "rehearsal";

/// A batch of rows for one table.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// The table.
    pub table: &'a TableName,
    /// The columns that are written; the batch may hold more.
    pub columns: &'a [String],
    /// What a row does whose key is there.
    pub conflict: Conflict<'a>,
    /// The rows.
    pub batch: &'a Batch,
    /// Which of them.
    pub range: (usize, usize),
    /// Do everything, and then take it back: shows what the database would say.
    pub rehearse: bool,
}

/// What a row does whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict<'a> {
    /// The database refuses it.
    Refuse,
    /// It takes the place of the one that is there; these columns are the key.
    Update(&'a [String]),
    /// It is left out; these columns are the key.
    Ignore(&'a [String]),
}

/// Rows to delete.
#[derive(Debug, Clone, Copy)]
pub struct Delete<'a> {
    /// The table.
    pub table: &'a TableName,
    /// Each version of a row.
    pub rows: &'a [RowVersion],
    /// Do everything, and then take it back.
    pub rehearse: bool,
}

/// One version of a row: a later one has another address or another xmin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowVersion {
    /// The oid of the table that holds it: of a partition, or of the table itself.
    pub tableoid: u32,
    /// Its address.
    pub tid: Tid,
    /// The transaction that wrote it.
    pub xmin: u32,
}

/// Why a batch was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The database refuses the batch: at least one of its rows cannot be written.
    #[error("{message} ({code})")]
    Refused {
        /// SQLSTATE, or PostgREST's own code.
        code: String,
        /// What the server says, details and hint included, in one line.
        message: String,
    },
    /// It is too much at once: the statement ran into its time limit, or a limit of size.
    #[error("{0}")]
    TooMuch(String),
    /// Nobody knows whether it was written: the answer was lost. Only looking at the table tells.
    #[error("{0}")]
    Unknown(String),
    /// Nothing more can be written in this run.
    #[error("{0}")]
    Fatal(Failure),
}

impl Load<'_> {
    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.range.1.saturating_sub(self.range.0)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its rows as one JSON array.
    fn array(&self) -> Vec<u8> {
        let rows = self.batch.rows(self.range.0, self.range.1);
        let mut array = Vec::with_capacity(rows.len() + 2);
        array.push(b'[');
        array.extend_from_slice(rows);
        array.push(b']');
        array
    }
}

fn refused(code: &str, message: impl Into<String>) -> WriteError {
    WriteError::Refused { code: code.to_owned(), message: message.into() }
}

/// SQLSTATEs of a statement that was too large or took too long.
fn is_too_much(code: &str) -> bool {
    matches!(code, "57014" | "54000" | "53200" | "53400")
}

/// SQLSTATEs of a transaction that was taken back because of others: it may well succeed the next time.
fn is_collision(code: &str) -> bool {
    matches!(code, "40001" | "40P01" | "55P03")
}
