//! Restoring: what a person asks for, what a project is found to be, what will be done (the plan),
//! and what came of it.

mod choice;
mod order;
mod plan;
mod report;
mod target;

pub use choice::{ModeChoice, RowChoice, RowFilter, TableChoice, Through, TypedTable};
pub use order::{WorkOrder, work_order};
pub use plan::{ColumnLeftOut, Counts, RestorePlan, SchemaStep, TablePlan, Undo};
pub use report::{Difference, RestoreReport, RowRefused, SequenceLeft, TableReport};
pub use target::{Identity, Reference, Target, TargetColumn, TargetTable, TargetTrigger, sequence_of_default};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is done with the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestoreMode {
    /// Rows of the snapshot are added or, where their key is there, changed to what they were. Other
    /// rows stay.
    Merge,
    /// Rows whose key is not there are added. Nothing that is there changes.
    InsertMissing,
    /// The table becomes equal to the snapshot: rows that are not in it are deleted.
    Clear,
    /// Rows are added to a table that has none.
    IntoEmpty,
}

impl RestoreMode {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Merge, Self::InsertMissing, Self::Clear, Self::IntoEmpty];

    /// The word for it in arguments, plans and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::InsertMissing => "insert-missing",
            Self::Clear => "clear",
            Self::IntoEmpty => "into-empty",
        }
    }

    /// Whether it may change or delete a row that is there.
    pub fn is_destructive(self) -> bool {
        matches!(self, Self::Merge | Self::Clear)
    }
}

impl fmt::Display for RestoreMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for RestoreMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|mode| mode.word() == text);
        known.ok_or_else(|| format!("{text:?} is not a mode; write merge, insert-missing, clear or into-empty"))
    }
}

/// The way by which rows get into a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteWay {
    /// The Data API: triggers fire and foreign keys are checked.
    Api,
    /// SQL over HTTPS: triggers and foreign keys stay quiet where the database allows that.
    Sql,
}

impl WriteWay {
    /// The word for it in arguments, plans and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Sql => "sql",
        }
    }
}
