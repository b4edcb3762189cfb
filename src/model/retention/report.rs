//! What came of a plan.

use serde::Serialize;

use crate::model::{Finding, Leftover, PrunePlan, SnapshotId};

/// A plan, and what was done of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PruneReport {
    /// The plan.
    pub plan: PrunePlan,
    /// Whether it was carried out; else it was only shown.
    pub applied: bool,
    /// What is gone, in the order in which it went.
    pub removed: Vec<Removed>,
    /// Half-written files of dead runs that are gone.
    pub swept: Vec<Leftover>,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

/// A snapshot that is gone, or what was left of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// Bytes that it took, as far as they are known.
    pub bytes: u64,
}

impl PruneReport {
    /// Nothing was done.
    pub fn unapplied(plan: PrunePlan) -> Self {
        Self { plan, applied: false, removed: Vec::new(), swept: Vec::new(), findings: Vec::new() }
    }
}
