//! A restore drill: a snapshot loaded into a scratch database, and what came of it.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Serialize;

use crate::model::{Finding, Severity, SnapshotId, TableName};

/// A PostgreSQL server, and how `psql` reaches it. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct ServerAddress {
    /// Variables of libpq (`PGHOST`, `PGPORT`, …) but for the database and the password.
    pub variables: Vec<(&'static str, String)>,
    /// The database that is connected to first: another one is made from there.
    pub database: String,
    /// The password, if one was given.
    pub password: Option<SecretString>,
    /// Where programs are looked for.
    pub path: Option<String>,
}

impl ServerAddress {
    /// What a person knows the server by: `127.0.0.1:5432`.
    pub fn shown(&self) -> String {
        let value = |name: &str| self.variables.iter().find(|(known, _)| *known == name).map(|(_, v)| v.as_str());
        let host = value("PGHOST").unwrap_or("localhost");
        match value("PGPORT") {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

/// What a drill came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DrillResult {
    /// Everything in the snapshot was loaded, and is what the snapshot says.
    Proven,
    /// Nothing is wrong with what was loaded, and something could not be tried.
    Partial,
    /// Something does not load, or is not what it should be.
    Failed,
}

/// What became of the first insert into a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FirstWrite {
    /// It works; it was taken back.
    Works,
    /// The number that its sequence gives is taken.
    Taken {
        /// The column that counts.
        column: String,
    },
    /// A copy of a row, which is what is tried with, is refused for another reason.
    Refused {
        /// Why.
        reason: String,
    },
}

/// One table of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrillTable {
    /// Its name.
    pub table: TableName,
    /// Rows in the snapshot.
    pub rows: u64,
    /// Whether count and digest are the snapshot's; `None`: it could not be loaded.
    pub is_equal: Option<bool>,
    /// `None`: it was not tried.
    pub first_write: Option<FirstWrite>,
}

/// Something of the platform that was made up for the drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandIn {
    /// `roles`, `schemas`, `functions`, `tables`
    pub kind: &'static str,
    /// Their names.
    pub names: Vec<String>,
}

/// What a drill found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrillReport {
    /// The folder of its project.
    pub project: String,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub finished: DateTime<Utc>,
    /// The server, as a person knows it.
    pub server: String,
    /// Its version of PostgreSQL.
    pub version: String,
    /// The scratch database.
    pub database: String,
    /// It was left for somebody to look at.
    pub kept: bool,
    /// Whether the snapshot holds the schema; else tables were made from what its manifest says of them.
    pub has_schema: bool,
    /// What it came to.
    pub result: DrillResult,
    /// Every table of the snapshot.
    pub tables: Vec<DrillTable>,
    /// Foreign keys that were made, and hold.
    pub foreign_keys: u64,
    /// Columns whose sequences stand past every row.
    pub sequences: u64,
    /// What was made up for it.
    pub stand_ins: Vec<StandIn>,
    /// What is wrong, what could not be tried, and what is good to know.
    pub findings: Vec<Finding>,
    /// Where the record of it stands, if it could be left.
    pub record: Option<String>,
}

/// Findings at the level of a warning by these codes are about what could not be tried.
const UNTRIED: [&str; 6] =
    ["schema-untried", "not-tried", "extension-absent", "users-made-up", "incomplete", "held-as-text"];

/// Findings at the level of an error by these codes are about the project itself: the snapshot holds it as it was.
const AS_IN_PROJECT: [&str; 1] = ["sequence-behind"];

impl DrillReport {
    /// What the findings come to.
    pub fn result_of(findings: &[Finding]) -> DrillResult {
        let is_untried = |f: &Finding| f.severity == Severity::Warning && UNTRIED.contains(&f.code.as_str());
        if findings.iter().any(|f| f.severity == Severity::Error) {
            DrillResult::Failed
        } else if findings.iter().any(is_untried) {
            DrillResult::Partial
        } else {
            DrillResult::Proven
        }
    }

    /// Whether something is wrong with the snapshot, or with how it is restored, and not with the project that is in it.
    pub fn is_snapshot_at_fault(&self) -> bool {
        let is_fault = |f: &&Finding| f.severity == Severity::Error && !AS_IN_PROJECT.contains(&f.code.as_str());
        self.findings.iter().any(|f| is_fault(&f))
    }

    /// Findings at error level.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|f| f.severity == Severity::Error).count()
    }

    /// Rows of tables that came back as they were.
    pub fn rows_proven(&self) -> u64 {
        self.tables.iter().filter(|t| t.is_equal == Some(true)).map(|t| t.rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_tried_is_never_proven_and_an_error_is_a_failure() {
        let result = |findings: &[Finding]| DrillReport::result_of(findings);
        let note = Finding::info("stand-in", "roles", "anon");
        let older = Finding::warning("older-server", "server", "15");
        assert_eq!(result(&[note.clone(), older.clone()]), DrillResult::Proven);
        let absent = Finding::warning("extension-absent", "vector", "not here");
        assert_eq!(result(&[note.clone(), absent.clone()]), DrillResult::Partial);
        let differs = Finding::error("differs", "public.t", "2 rows");
        assert_eq!(result(&[absent, differs, older]), DrillResult::Failed);
    }
}
