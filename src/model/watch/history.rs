//! The snapshots of the last weeks: a few numbers of each, and never its manifest.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{Manifest, Proof, SnapshotFacts, SnapshotId, SnapshotState, SnapshotSummary, TableName};

/// Names of what is missing that a point remembers.
const MISSING_NAMED: usize = 20;

/// What the store tells about the last weeks.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Nothing older was looked at, but for the newest good snapshot.
    pub since: DateTime<Utc>,
    /// Oldest first.
    pub points: Vec<SnapshotPoint>,
    /// The newest good snapshot, where it is older than all points.
    pub older_good: Option<Box<SnapshotPoint>>,
    /// How many snapshots are older than the first point.
    pub older: u64,
    /// Why the tables of some snapshots do not show: their names are sealed.
    pub sealed: Option<String>,
    /// Names that the points' counts refer to.
    pub tables: Vec<TableName>,
    /// Of tables that others inherit from: those whose rows are counted with them and stored by themselves.
    pub children: HashMap<TableName, Vec<TableName>>,
    /// Tables that were read through SQL: without it nothing can be said of them.
    pub through_sql: BTreeSet<TableName>,
    places: HashMap<TableName, u32>,
}

/// One snapshot.
#[derive(Debug, Clone, Serialize)]
pub struct SnapshotPoint {
    /// Its id.
    pub id: SnapshotId,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// When the last row was read.
    pub finished: Option<DateTime<Utc>>,
    /// Complete, incomplete, unfinished, …
    pub state: SnapshotState,
    /// How far it was verified.
    pub proof: Proof,
    /// When it was verified last.
    pub verified: Option<DateTime<Utc>>,
    /// When restoring it was proven last.
    pub restored: Option<DateTime<Utc>>,
    /// It was taken of a few tables before a restore.
    pub is_safety: bool,
    /// Somebody wants it kept.
    pub is_pinned: bool,
    /// Rows stored.
    pub rows: u64,
    /// Bytes of all parts before compression.
    pub raw_bytes: u64,
    /// Bytes of all parts as stored.
    pub stored_bytes: u64,
    /// How many things were seen and not captured.
    pub missing: u64,
    /// The first of them.
    pub missing_named: Vec<String>,
    /// Rows of each table; `None`: its tables do not show.
    #[serde(skip)]
    pub counts: Option<Vec<TableCount>>,
}

/// Rows of one table in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableCount {
    /// Its place in [`History::tables`].
    pub table: u32,
    /// Rows stored.
    pub rows: u64,
}

impl History {
    /// An empty one that reaches back to this moment.
    pub fn since(since: DateTime<Utc>) -> Self {
        Self { since, ..Self::default() }
    }

    /// Adds a snapshot; they may come in any order until [`History::finish`].
    pub fn add(&mut self, summary: SnapshotSummary, manifest: Option<&Manifest>) {
        let counts = manifest.filter(|manifest| !manifest.hides_tables()).map(|manifest| {
            let count = |(name, rows): (&TableName, u64)| TableCount { table: self.place(name), rows };
            manifest.tables.iter().map(|t| (&t.name, t.rows)).map(count).collect()
        });
        let parents = manifest.iter().flat_map(|manifest| &manifest.tables).filter(|table| !table.children.is_empty());
        self.children.extend(parents.map(|table| (table.name.clone(), table.children.clone())));
        let through_sql = manifest.iter().flat_map(|manifest| &manifest.tables).filter(|t| t.read_through.is_some());
        self.through_sql.extend(through_sql.map(|table| table.name.clone()));
        let mut point = SnapshotPoint::of(summary, counts);
        if let Some(manifest) = manifest {
            let names = manifest.missing.iter().take(MISSING_NAMED);
            point.missing_named = names.map(|missing| format!("{} ({})", missing.subject, missing.reason)).collect();
        }
        self.points.push(point);
    }

    /// Puts the points in their order.
    pub fn finish(&mut self) {
        self.points.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    }

    /// The place of a name, which is made if it is new.
    pub fn place(&mut self, name: &TableName) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = u32::try_from(self.tables.len()).unwrap_or(u32::MAX);
        self.tables.push(name.clone());
        self.places.insert(name.clone(), place);
        place
    }

    /// Whole snapshots of the project by their own account, oldest first.
    pub fn complete(&self) -> impl DoubleEndedIterator<Item = &SnapshotPoint> {
        self.points.iter().filter(|point| point.is_complete())
    }

    /// The newest whole one.
    pub fn newest_complete(&self) -> Option<&SnapshotPoint> {
        self.complete().next_back()
    }

    /// The newest that is whole and was proven by reading every row back.
    pub fn newest_good(&self) -> Option<&SnapshotPoint> {
        self.complete().rfind(|point| point.is_good()).or(self.older_good.as_deref())
    }

    /// The name of a counted table.
    pub fn name(&self, count: TableCount) -> Option<&TableName> {
        self.tables.get(usize::try_from(count.table).ok()?)
    }
}

impl SnapshotPoint {
    /// What a summary tells.
    pub fn of(summary: SnapshotSummary, counts: Option<Vec<TableCount>>) -> Self {
        let (raw_bytes, stored_bytes, missing) = (summary.raw_bytes, summary.stored_bytes, summary.missing);
        let (verified, restored) = (summary.verified.as_ref().map(|record| record.at), summary.restored);
        let facts = SnapshotFacts::of(summary);
        Self {
            id: facts.id,
            started: facts.started,
            finished: facts.finished,
            state: facts.state,
            proof: facts.proof,
            verified,
            restored,
            is_safety: facts.safety_of.is_some(),
            is_pinned: facts.pin.is_some(),
            rows: facts.rows,
            raw_bytes,
            stored_bytes,
            missing,
            missing_named: Vec::new(),
            counts,
        }
    }

    /// Whether it is a whole snapshot of the project, by its own account.
    pub fn is_complete(&self) -> bool {
        self.state == SnapshotState::Complete && !self.is_safety
    }

    /// Whether it counts as a backup.
    pub fn is_good(&self) -> bool {
        self.is_complete() && self.proof == Proof::Opened
    }
}
