//! What the page shows of each snapshot, taken down while the watch reads the manifests.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::check::{Columns, column_changes};
use crate::commands::monitor::columns_of;
use crate::model::{Manifest, SchemaChange, Shot, SnapshotFacts, SnapshotSummary, TableCount, TableName};

/// All snapshots of a project as the rules of retention need them, and those of the last months as a person does.
#[derive(Debug)]
pub(crate) struct Album {
    since: DateTime<Utc>,
    /// Those of the last months, oldest first.
    pub(super) shots: Vec<Shot>,
    /// Every one: what is not seen cannot be weighed.
    pub(super) facts: Vec<SnapshotFacts>,
    /// The newest good one.
    pub(super) good: Option<SnapshotSummary>,
    /// How many are older than those that are shown.
    pub(super) older: u64,
    /// Names that counts refer to.
    pub(super) tables: Vec<TableName>,
    /// From one complete snapshot to the next.
    pub(super) schema: Vec<SchemaChange>,
    places: HashMap<TableName, u32>,
    /// Columns of the newest complete snapshot so far, and where the knowledge of them came from.
    before: Option<(String, Columns)>,
}

impl Album {
    /// An empty one that shows snapshots from this moment on.
    pub(super) fn since(since: DateTime<Utc>) -> Self {
        Self {
            since,
            shots: Vec::new(),
            facts: Vec::new(),
            good: None,
            older: 0,
            tables: Vec::new(),
            schema: Vec::new(),
            places: HashMap::new(),
            before: None,
        }
    }

    /// The moment that it shows snapshots from.
    pub(super) fn reaches(&self) -> DateTime<Utc> {
        self.since
    }

    /// Takes out what is in it.
    pub(crate) fn cleared(&mut self) -> &mut Self {
        *self = Self::since(self.since);
        self
    }

    /// Adds a snapshot; they come oldest first.
    pub(crate) fn add(&mut self, summary: &SnapshotSummary, manifest: Option<&Manifest>) {
        let facts = SnapshotFacts::of(summary.clone());
        let is_complete = facts.is_complete();
        if facts.is_good() {
            self.good = Some(summary.clone());
        }
        self.facts.push(facts);
        if summary.id.started() < self.since {
            self.older += 1;
            return;
        }
        let manifest = manifest.filter(|manifest| !manifest.hides_tables());
        if let Some(manifest) = manifest.filter(|_| is_complete) {
            self.compare(manifest);
        }
        let counts = manifest.map(|manifest| {
            let tables = manifest.tables.iter();
            tables.map(|table| TableCount { table: self.place(&table.name), rows: table.rows }).collect()
        });
        self.shots.push(Shot::of(summary.clone(), manifest, counts));
    }

    fn compare(&mut self, manifest: &Manifest) {
        let now = (manifest.source.catalog.clone(), columns_of(manifest));
        if let Some((way, before)) = self.before.replace(now)
            && let Some((now_way, now)) = &self.before
        {
            let changes = column_changes(&before, now);
            if !changes.is_empty() {
                let id = manifest.snapshot.clone();
                self.schema.push(SchemaChange { id, is_other_way: way != *now_way, changes });
            }
        }
    }

    fn place(&mut self, name: &TableName) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = u32::try_from(self.tables.len()).unwrap_or(u32::MAX);
        self.tables.push(name.clone());
        self.places.insert(name.clone(), place);
        place
    }
}
