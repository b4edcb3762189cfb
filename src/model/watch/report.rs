//! What came of looking at a project.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{Change, Finding, Severity, Shape, SnapshotPoint, TableName, Trend};

/// The code of a check that could not run.
pub const NOT_CHECKED: &str = "not-checked";

/// Everything that a person or a program is told.
#[derive(Debug, Clone, Serialize)]
pub struct WatchReport {
    /// The project's name in the store.
    pub project: String,
    /// When it was looked at.
    pub at: DateTime<Utc>,
    /// The worst of the findings; `None`: there is none.
    pub worst: Option<Severity>,
    /// What is to be said, the worst first.
    pub findings: Vec<Finding>,
    /// Every table, by name.
    pub tables: Vec<TableStatus>,
    /// Rows of all tables; `None`: not known of any.
    pub rows: Option<u64>,
    /// Bytes of the database.
    pub database_bytes: Option<u64>,
    /// Of each table, and of all.
    pub trends: Vec<Trend>,
    /// The snapshots of the last weeks, oldest first.
    pub snapshots: Vec<SnapshotPoint>,
}

/// One table.
#[derive(Debug, Clone, Serialize)]
pub struct TableStatus {
    /// Schema and name.
    pub name: TableName,
    /// Its rows.
    pub rows: Option<u64>,
    /// They were counted now; else they are estimated, or those of the newest snapshot.
    pub is_live: bool,
    /// In a day.
    pub daily: Option<Change>,
    /// In a week.
    pub weekly: Option<Change>,
    /// How it moves.
    pub shape: Shape,
    /// What the findings say of it.
    pub state: TableState,
}

/// A table in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Nothing is to be said.
    Ok,
    /// Something is worth a look.
    Warning,
    /// Something has to be done.
    Error,
    /// It is in the newest snapshot, and not there any more.
    Gone,
    /// It is in no snapshot.
    New,
}

impl WatchReport {
    /// Adds a finding that is at least worth a look, in its place.
    pub fn add(&mut self, finding: Finding) {
        self.worst = self.worst.max(Some(finding.severity));
        self.findings.push(finding);
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
