//! What the plan knows about a snapshot: a few numbers, not its manifest.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{Pin, SnapshotId, SnapshotState, SnapshotSummary};

/// How far a snapshot was proven to be readable, since a verification last found it damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// The newest verification found errors.
    Failed,
    /// No verification of this manifest is recorded.
    Never,
    /// Verified, and not every row was read back: `listed` or `hashed`.
    Shallow,
    /// Every row was read back: `opened`, or more.
    Opened,
}

/// One snapshot, or what is left of one, as far as retention needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// When the run began: by the manifest, or by the id where there is none.
    pub started: DateTime<Utc>,
    /// When the last row was read.
    pub finished: Option<DateTime<Utc>>,
    /// Complete, incomplete, unfinished, …
    pub state: SnapshotState,
    /// How far it was verified.
    pub proof: Proof,
    /// Rows stored.
    pub rows: u64,
    /// Captured tables.
    pub tables: u64,
    /// Bytes stored.
    pub bytes: u64,
    /// Somebody wants it kept.
    pub pin: Option<Pin>,
    /// It was taken before this snapshot was restored, of a few tables only.
    pub safety_of: Option<SnapshotId>,
    /// When the newest file of a folder without a manifest was written, by the store's clock.
    pub touched: Option<DateTime<Utc>>,
}

impl SnapshotFacts {
    /// The facts in a summary.
    pub fn of(summary: SnapshotSummary) -> Self {
        let proof = match (&summary.verified, summary.is_read_back()) {
            (None, _) => Proof::Never,
            (Some(last), _) if !last.ok => Proof::Failed,
            (Some(_), true) => Proof::Opened,
            (Some(_), _) => Proof::Shallow,
        };
        Self {
            project: summary.project,
            id: summary.id,
            started: summary.started,
            finished: summary.finished,
            state: summary.state,
            proof,
            rows: summary.rows,
            tables: summary.tables,
            bytes: summary.stored_bytes,
            pin: summary.pin,
            safety_of: summary.safety_of,
            touched: summary.touched,
        }
    }

    /// Whether it is a whole snapshot of the project, by its own account.
    pub fn is_complete(&self) -> bool {
        self.state == SnapshotState::Complete && self.safety_of.is_none()
    }

    /// Whether it counts as a backup: complete, and proven by reading every row back.
    pub fn is_good(&self) -> bool {
        self.is_complete() && self.proof == Proof::Opened
    }
}
