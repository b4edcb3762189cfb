//! What a restore will do: shown before, and then done.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{RestoreMode, WriteWay};
use crate::model::{Finding, Project, Severity, SnapshotId, TableName};

/// Everything that a restore will do.
#[derive(Debug, Clone, Serialize)]
pub struct RestorePlan {
    /// The snapshot that is restored.
    pub snapshot: SnapshotId,
    /// When it was taken.
    pub taken: DateTime<Utc>,
    /// The project that it was taken of.
    pub from: Project,
    /// The project that rows are written into.
    pub to: Project,
    /// The snapshot is of another project than the one that is written into.
    pub is_other_project: bool,
    /// How rows are written: in words, with what follows from it.
    pub way: String,
    /// What is done about the definitions of tables.
    pub schema: SchemaStep,
    /// One entry for each table, in the order of work.
    pub tables: Vec<TablePlan>,
    /// What a person should know before: at `error` level, what keeps the restore from starting.
    pub findings: Vec<Finding>,
}

/// What is done about the definitions of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SchemaStep {
    /// The tables are there.
    Keep,
    /// Everything is made from the snapshot's own definition first.
    Create,
}

/// What is done with one table.
#[derive(Debug, Clone, Serialize)]
pub struct TablePlan {
    /// The table in the snapshot.
    pub source: TableName,
    /// The table in the project.
    pub target: TableName,
    /// What is done with its rows.
    pub mode: RestoreMode,
    /// How they are written.
    pub way: WriteWay,
    /// Columns that are written, in the snapshot's order.
    pub columns: Vec<String>,
    /// Columns of the snapshot that are not written.
    pub left_out: Vec<ColumnLeftOut>,
    /// Columns of the project's table that the snapshot does not have: they keep their values, and take
    /// their defaults in rows that are added.
    pub extra_columns: Vec<String>,
    /// Columns that tell rows apart; empty: rows are compared whole.
    pub key: Vec<String>,
    /// Columns that are written as NULL first and set once all rows are there: foreign keys in a circle.
    pub later: Vec<String>,
    /// Triggers that will fire, by name.
    pub triggers: Vec<String>,
    /// Tables of one step are written at the same time; steps follow each other.
    pub step: usize,
    /// How many rows. `None`: the table is made by this restore.
    pub counts: Counts,
    /// What a person should know before: at `error` level, what cannot be done.
    pub findings: Vec<Finding>,
}

/// A column of the snapshot that is not written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnLeftOut {
    /// Its name.
    pub column: String,
    /// Why: a phrase.
    pub reason: String,
    /// Whether values are lost by that. (Those of a generated column are not: they are computed anew.)
    pub loses: bool,
}

/// Rows of one table, compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// In the snapshot, as far as they are chosen.
    pub snapshot: u64,
    /// In the project before the restore, as far as they are chosen.
    pub target: u64,
    /// Only in the snapshot, and to be added.
    pub add: u64,
    /// In both with other values, and to be changed.
    pub change: u64,
    /// Only in the project, and to be deleted.
    pub delete: u64,
    /// In both with the same values.
    pub unchanged: u64,
    /// In the project as they are not in the snapshot, and left so by the mode.
    pub kept: u64,
    /// To be added, changed or deleted, and the database refuses that.
    pub refused: u64,
}

impl Counts {
    /// Rows that are written or deleted.
    pub fn writes(&self) -> u64 {
        self.add + self.change + self.delete
    }

    /// Rows that the project has and that do not stay as they are.
    pub fn destroys(&self) -> u64 {
        self.change + self.delete
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.snapshot += other.snapshot;
        self.target += other.target;
        self.add += other.add;
        self.change += other.change;
        self.delete += other.delete;
        self.unchanged += other.unchanged;
        self.kept += other.kept;
        self.refused += other.refused;
    }
}

impl RestorePlan {
    /// Sums over the tables.
    pub fn totals(&self) -> Counts {
        let mut totals = Counts::default();
        self.tables.iter().for_each(|table| totals += table.counts);
        totals
    }

    /// Every finding, of the run and of its tables.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.tables.iter().flat_map(|table| &table.findings))
    }

    /// Whether something keeps the restore from starting.
    pub fn is_blocked(&self) -> bool {
        self.all_findings().any(|finding| finding.severity == Severity::Error)
    }

    /// Whether rows that the project has may be changed or deleted by it.
    pub fn destroys(&self) -> bool {
        self.tables.iter().any(|table| table.counts.destroys() > 0)
    }
}

/// How a restore is taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undo {
    /// The snapshot that holds the affected tables as they were before.
    pub snapshot: SnapshotId,
    /// The command that puts them back.
    pub command: String,
}
