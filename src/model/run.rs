//! What a run came to: every stage, every store, and what needs a person.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{
    Finding, Manifest, Missing, PruneReport, RecompressReport, ReplicaReport, Severity, Since, SnapshotId, Totals,
    Verified,
};

/// How a run ended, over all of its stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Everything was done.
    Done,
    /// Something is missing, or a store failed.
    Incomplete,
    /// A snapshot did not verify, or nothing may be removed.
    Findings,
    /// It did not come to its end.
    Failed,
}

impl RunState {
    /// The exit code that goes with it; a failure may have another one.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Incomplete => 3,
            Self::Findings => 4,
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Incomplete => "incomplete",
            Self::Findings => "findings",
            Self::Failed => "failed",
        })
    }
}

/// The report of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// The program that ran.
    pub tool: String,
    /// The project's name: its folder in each store.
    pub project: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it ended.
    pub finished: DateTime<Utc>,
    /// How it ended.
    pub state: RunState,
    /// The exit code of the process.
    pub exit_code: u8,
    /// Why it did not come to its end.
    pub failure: Option<RunFailure>,
    /// What it took; `None`: no snapshot was made.
    pub snapshot: Option<RunSnapshot>,
    /// What became of each store, in the order in which they were named.
    pub stores: Vec<RunStore>,
    /// What became of the further stores that are kept complete.
    pub replicas: Vec<RunReplica>,
    /// The new snapshot beside earlier ones: the one before, and one that is a week older.
    pub trends: Vec<Since>,
    /// What needs a person, the worst first.
    pub findings: Vec<Finding>,
}

/// Why a run did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunFailure {
    /// What, on what, why.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The snapshot that a run took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSnapshot {
    /// Its id.
    pub id: SnapshotId,
    /// Whether everything that was seen is in it.
    pub complete: bool,
    /// Whether it is sealed.
    pub sealed: bool,
    /// When reading began.
    pub started: DateTime<Utc>,
    /// When the last row was read.
    pub finished: DateTime<Utc>,
    /// Tables, rows, parts and bytes.
    pub totals: Totals,
    /// What was seen and is not in it.
    pub missing: Vec<Missing>,
}

impl RunSnapshot {
    /// What the report says of it.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            id: manifest.snapshot.clone(),
            complete: manifest.complete,
            sealed: manifest.sealed.is_some(),
            started: manifest.started,
            finished: manifest.finished,
            totals: manifest.totals,
            missing: manifest.missing.clone(),
        }
    }
}

/// What became of one further store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReplica {
    /// What was copied, and how far it is behind.
    pub replica: ReplicaReport,
    /// What was kept and removed, and why. `None`: it did not come to that.
    pub prune: Option<PruneReport>,
}

/// What became of one store.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStore {
    /// The store in a few words.
    pub store: String,
    /// Why it was given up, at whatever stage.
    pub failed: Option<String>,
    /// What came of reading the new snapshot back.
    pub verified: Option<Verified>,
    /// What was kept and removed, and why. `None`: it did not come to that.
    pub prune: Option<PruneReport>,
    /// Which older snapshots were compressed again. `None`: it did not come to that.
    pub recompress: Option<RecompressReport>,
}

impl RunStore {
    /// A store of which nothing is known yet.
    pub fn new(store: String) -> Self {
        Self { store, failed: None, verified: None, prune: None, recompress: None }
    }

    /// Whether the new snapshot was read back from it, every row of it, and is as it was written.
    pub fn is_proven(&self) -> bool {
        let proven = |verified: &Verified| verified.intact() && verified.depth == crate::model::Depth::Opened;
        self.failed.is_none() && self.verified.as_ref().is_some_and(proven)
    }
}

impl RunReport {
    /// The state that stages and stores come to. What is damaged or looks wrong weighs more than what is missing.
    pub fn judged(&self) -> RunState {
        let damaged = |store: &RunStore| store.verified.as_ref().is_some_and(|verified| !verified.intact());
        let frozen = |store: &RunStore| store.prune.as_ref().is_some_and(|prune| prune.plan.is_frozen());
        if self.failure.is_some() {
            RunState::Failed
        } else if self.stores.iter().any(|store| damaged(store) || frozen(store)) {
            RunState::Findings
        } else if self.snapshot.as_ref().is_none_or(|snapshot| !snapshot.complete)
            || self.stores.iter().any(|store| store.failed.is_some())
            || self.findings.iter().any(|finding| finding.severity == Severity::Error)
        {
            RunState::Incomplete
        } else {
            RunState::Done
        }
    }

    /// Findings at or above a level.
    pub fn findings_from(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.severity >= severity)
    }
}
