//! Snapshots that are compressed again when they are older: the rules, and what came of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Finding, Severity, SnapshotId};

/// Which snapshots are compressed again, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recompress {
    /// Those that are older.
    pub after: TimeDelta,
    /// zstd level, 1 to 19.
    pub level: i32,
    /// Time that one run may spend on it; zero: it does nothing.
    pub budget: TimeDelta,
}

impl Recompress {
    /// It pays if it saves so many percent at least.
    pub const PAYS: u64 = 10;
}

impl Default for Recompress {
    fn default() -> Self {
        Self { after: TimeDelta::days(7), level: 19, budget: TimeDelta::minutes(10) }
    }
}

/// What a trial leaves beside a snapshot that does not pay, so that it is not tried each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecompressTrial {
    /// When it was tried.
    pub at: DateTime<Utc>,
    /// The level that was tried.
    pub level: i32,
    /// What it would save, in percent of what is stored.
    pub saves: u64,
    /// The program that tried.
    pub tool: String,
}

/// What was compressed again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecompressReport {
    /// The store, in a few words.
    pub store: String,
    /// The moment that ages are counted from.
    pub at: DateTime<Utc>,
    /// Whether it was done; else it was only tried out.
    pub applied: bool,
    /// What was compressed, or would be; newest first.
    pub done: Vec<Recompressed>,
    /// Old snapshots that are gone because an earlier run was cut off before it could remove them.
    pub ended: Vec<SnapshotId>,
    /// Those that stay as they are, each with the reason.
    pub left: Vec<LeftAsItIs>,
    /// How many are old enough and wait for the next run.
    pub waiting: u64,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// One snapshot that was compressed again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recompressed {
    /// The folder of its project.
    pub project: String,
    /// The id that it had.
    pub was: SnapshotId,
    /// Its id.
    pub id: SnapshotId,
    /// Bytes of its parts before.
    pub before: u64,
    /// Bytes of its parts now; where it was only tried out, an estimate.
    pub after: u64,
    /// Seconds that it took, or would take.
    pub seconds: f64,
}

/// One that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftAsItIs {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// Why: lower case, no period.
    pub reason: String,
}

impl RecompressReport {
    /// Nothing was done yet.
    pub fn new(store: String, at: DateTime<Utc>, applied: bool) -> Self {
        Self {
            store,
            at,
            applied,
            done: Vec::new(),
            ended: Vec::new(),
            left: Vec::new(),
            waiting: 0,
            findings: Vec::new(),
        }
    }

    /// Bytes that were saved, or would be.
    pub fn saved(&self) -> u64 {
        self.done.iter().map(|one| one.before.saturating_sub(one.after)).sum()
    }

    /// Whether any finding is at error level.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}
