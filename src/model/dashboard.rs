//! Everything that the dashboard shows of one project at one moment.

use chrono::{DateTime, Utc};

use crate::model::{
    Limits, Manifest, ProjectPlan, Retention, SnapshotFacts, SnapshotId, SnapshotSummary, StoreSeen, TableCount,
    TableName, Unseen, WatchReport,
};

/// Names of what is missing that a snapshot on the page has.
const MISSING_NAMED: usize = 20;

/// The page, before it is a page.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The program that wrote it.
    pub tool: String,
    /// What `monitor` says at the same moment, and what a run adds to it.
    pub watch: WatchReport,
    /// What is allowed.
    pub limits: Limits,
    /// Snapshots are shown from here on.
    pub since: DateTime<Utc>,
    /// How many are older, and not shown.
    pub older: u64,
    /// Those that are shown, oldest first.
    pub shots: Vec<Shot>,
    /// The newest good one, however old it is.
    pub good: Option<SnapshotSummary>,
    /// Names that the snapshots' counts refer to.
    pub tables: Vec<TableName>,
    /// What changed in tables and columns from one complete snapshot to the next, oldest first.
    pub schema: Vec<SchemaChange>,
    /// The rules of retention.
    pub retention: Retention,
    /// What they do with the snapshots; `None`: there are none, or they do not show.
    pub plan: Option<ProjectPlan>,
    /// Every store.
    pub stores: Vec<StoreSeen>,
    /// Why the snapshots do not show.
    pub unseen: Option<Unseen>,
    /// Why the tables of some snapshots do not show.
    pub sealed: Option<String>,
}

/// One snapshot on the page.
#[derive(Debug, Clone)]
pub struct Shot {
    /// What `list` says of it.
    pub summary: SnapshotSummary,
    /// The first things that were seen and are not in it.
    pub missing: Vec<String>,
    /// All tables together show one moment.
    pub is_one_moment: bool,
    /// Rows of each table; `None`: its tables do not show.
    pub counts: Option<Vec<TableCount>>,
}

/// What a snapshot shows that the complete one before it had otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// The later one.
    pub id: SnapshotId,
    /// The tables were found in another way than before (SQL, or the Data API alone), which may be the reason.
    pub is_other_way: bool,
    /// In words: `+` came, `-` went, `~` changed.
    pub changes: Vec<String>,
}

impl Shot {
    /// What summary and manifest tell.
    pub fn of(summary: SnapshotSummary, manifest: Option<&Manifest>, counts: Option<Vec<TableCount>>) -> Self {
        let named = manifest.iter().flat_map(|manifest| &manifest.missing).take(MISSING_NAMED);
        Self {
            missing: named.map(|missing| format!("{} ({})", missing.subject, missing.reason)).collect(),
            is_one_moment: manifest.is_some_and(|manifest| manifest.consistency.moment.is_some()),
            summary,
            counts,
        }
    }

    /// What retention knows of it.
    pub fn facts(&self) -> SnapshotFacts {
        SnapshotFacts::of(self.summary.clone())
    }
}
