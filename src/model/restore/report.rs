//! What came of a restore.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Counts, RestorePlan, Undo};
use crate::model::{Finding, Severity, TableName};

/// What a restore did, and what was proven of it afterwards.
#[derive(Debug, Clone, Serialize)]
pub struct RestoreReport {
    /// What was to be done.
    pub plan: RestorePlan,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When the last proof ended.
    pub finished: DateTime<Utc>,
    /// Seconds in which rows were written.
    pub seconds_writing: f64,
    /// How it is taken back, where a safety snapshot was taken.
    pub undo: Option<Undo>,
    /// One entry for each table of the plan, in its order.
    pub tables: Vec<TableReport>,
    /// Sequences that this run could not move: SQL for a person to run.
    pub sequences: Vec<SequenceLeft>,
    /// Everything else that a person has to know.
    pub findings: Vec<Finding>,
    /// Whether everything that was planned was done, and the proofs found no difference.
    pub complete: bool,
}

/// What became of one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    /// The table in the project.
    pub target: TableName,
    /// What was done, in rows: `add`, `change` and `delete` are those that the server confirmed.
    pub done: Counts,
    /// Rows in the project afterwards, counted; `None`: that was not possible.
    pub rows_after: Option<u64>,
    /// Whether every row is what it should be, by digest; `None`: it was not compared.
    pub is_equal: Option<bool>,
    /// Rows that the database refused.
    pub refused: Vec<RowRefused>,
    /// Rows that are not what they should be.
    pub differences: Vec<Difference>,
    /// How many more differences there are than are named.
    pub more_differences: u64,
    /// What else is to be said: foreign keys, first writes.
    pub findings: Vec<Finding>,
}

/// A row that the database refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowRefused {
    /// Its key: `id=42`, or the beginning of the row where there is no key.
    pub row: String,
    /// The server's code and message.
    pub reason: String,
}

/// A row that is not what it should be after a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its key: `id=42`, or the beginning of the row where there is no key.
    pub row: String,
    /// `missing`, `extra`, or `differs in column …`.
    pub what: String,
}

/// A sequence that stands where the next insert would fail, and that this run could not move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SequenceLeft {
    /// The table whose rows it numbers.
    pub table: TableName,
    /// The column.
    pub column: String,
    /// The statement that moves it.
    pub sql: String,
}

impl RestoreReport {
    /// Sums over the tables.
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        self.tables.iter().for_each(|table| totals += table.done);
        totals
    }

    /// Whether any finding is at error level.
    pub fn has_errors(&self) -> bool {
        let all = self.findings.iter().chain(self.tables.iter().flat_map(|t| &t.findings));
        all.into_iter().any(|finding| finding.severity == Severity::Error)
    }
}
