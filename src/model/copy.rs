//! What came of copying snapshots from one store to another.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::model::{Finding, Severity, SnapshotId};

/// What `copy` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyReport {
    /// The store that was read, in a few words.
    pub from: String,
    /// The store that was written.
    pub to: String,
    /// Snapshots that are there now, in the order in which they were copied.
    pub copied: Vec<CopiedSnapshot>,
    /// Snapshots that were there already.
    pub there: Vec<SnapshotId>,
    /// Snapshots that were not copied, each with the reason.
    pub left_out: Vec<LeftOut>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// One snapshot that was copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedSnapshot {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// Files that were sent.
    pub files: u64,
    /// Files that an earlier attempt had sent.
    pub kept: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Whether it was made anew: sealed for others, or opened.
    pub anew: bool,
}

/// One that was not copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// Why: lower case, no period.
    pub reason: String,
}

impl CopyReport {
    /// Nothing was done yet.
    pub fn new(from: String, to: String) -> Self {
        Self { from, to, copied: Vec::new(), there: Vec::new(), left_out: Vec::new(), findings: Vec::new() }
    }

    /// Whether everything that was asked for is there.
    pub fn is_whole(&self) -> bool {
        self.left_out.is_empty() && !self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// How complete a further store is, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplicaReport {
    /// The further store, in a few words.
    pub store: String,
    /// The moment that ages are counted from.
    pub at: DateTime<Utc>,
    /// Snapshots that are there now, newest first.
    pub copied: Vec<CopiedSnapshot>,
    /// How many were there already.
    pub there: u64,
    /// How many were not copied because the rules of retention would remove them at once.
    pub spared: u64,
    /// Those that it should have and has not, newest first.
    pub lacking: Vec<Lacking>,
    /// Why it could not be brought up to date; absent: everything was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// One that the further store has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lacking {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// When the run began that took it.
    pub started: DateTime<Utc>,
}

/// How far a further store is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Behind {
    /// How many snapshots it lacks.
    pub snapshots: u64,
    /// When the newest of them was begun.
    pub newest: DateTime<Utc>,
    /// Seconds since then.
    pub seconds: i64,
}

impl ReplicaReport {
    /// Nothing was done yet.
    pub fn new(store: String, at: DateTime<Utc>) -> Self {
        Self {
            store,
            at,
            copied: Vec::new(),
            there: 0,
            spared: 0,
            lacking: Vec::new(),
            failed: None,
            findings: Vec::new(),
        }
    }

    /// Whether it holds all that it should.
    pub fn is_complete(&self) -> bool {
        self.lacking.is_empty() && self.failed.is_none()
    }

    /// How far it is behind; `None`: it lacks nothing that is known.
    pub fn behind(&self) -> Option<Behind> {
        let newest = self.lacking.iter().map(|lacking| lacking.started).max()?;
        let age: TimeDelta = self.at - newest;
        Some(Behind { snapshots: self.lacking.len() as u64, newest, seconds: age.num_seconds() })
    }
}
