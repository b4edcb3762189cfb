//! What changed between two snapshots, in numbers. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{Manifest, SnapshotId, TableEntry, TableName};

/// A table's change is worth a line from so many rows on,
const LEAST_ROWS: u64 = 10;
/// if they are so many percent of those that it had.
const LEAST_PERCENT: u64 = 10;

/// A number then and now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ThenNow {
    /// In the earlier snapshot.
    pub before: u64,
    /// In the new one.
    pub now: u64,
}

impl ThenNow {
    /// How much it grew, or shrank.
    pub fn by(self) -> i128 {
        i128::from(self.now) - i128::from(self.before)
    }

    /// In percent of what it was; `None` where there was nothing.
    pub fn percent(self) -> Option<f64> {
        (self.before > 0).then(|| self.by() as f64 * 100.0 / self.before as f64)
    }

    fn is_notable(self) -> bool {
        let by = self.by().unsigned_abs();
        by >= u128::from(LEAST_ROWS) && by * 100 >= u128::from(self.before) * u128::from(LEAST_PERCENT)
    }
}

/// A new snapshot beside an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Since {
    /// The earlier one.
    pub against: SnapshotId,
    /// When its run began.
    pub started: DateTime<Utc>,
    /// Captured tables.
    pub tables: ThenNow,
    /// Rows stored.
    pub rows: ThenNow,
    /// Bytes of all parts before compression.
    pub raw_bytes: ThenNow,
    /// Bytes of all parts as stored.
    pub stored_bytes: ThenNow,
    /// Tables that came, went, or changed notably, the largest change first. `None`: the names of tables of one
    /// of the two are sealed.
    pub changed: Option<Vec<TableSince>>,
}

/// One table of it. A table that came has no rows before, one that went none now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableSince {
    /// Schema and name.
    pub table: TableName,
    /// It is in both; `came` or `went` where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only: Option<&'static str>,
    /// Rows stored.
    pub rows: ThenNow,
    /// Bytes before compression.
    pub raw_bytes: ThenNow,
}

impl Since {
    /// Compares two snapshots of one project.
    pub fn between(before: &Manifest, now: &Manifest) -> Self {
        let change = |of: fn(&Manifest) -> u64| ThenNow { before: of(before), now: of(now) };
        Self {
            against: before.snapshot.clone(),
            started: before.started,
            tables: change(|m| m.totals.tables),
            rows: change(|m| m.totals.rows),
            raw_bytes: change(|m| m.totals.raw_bytes),
            stored_bytes: change(|m| m.totals.stored_bytes),
            changed: (!before.hides_tables() && !now.hides_tables()).then(|| changed(before, now)),
        }
    }
}

fn changed(before: &Manifest, now: &Manifest) -> Vec<TableSince> {
    let mut both: BTreeMap<&TableName, [Option<&TableEntry>; 2]> = BTreeMap::new();
    for (place, manifest) in [before, now].into_iter().enumerate() {
        for table in &manifest.tables {
            both.entry(&table.name).or_default()[place] = Some(table);
        }
    }
    let raw = |table: &TableEntry| table.parts.iter().map(|part| part.raw_size).sum::<u64>();
    let trend = |(name, pair): (&TableName, [Option<&TableEntry>; 2])| {
        let change = |of: &dyn Fn(&TableEntry) -> u64| {
            let [before, now] = pair.map(|table| table.map_or(0, of));
            ThenNow { before, now }
        };
        let only = match pair {
            [None, _] => Some("came"),
            [_, None] => Some("went"),
            _ => None,
        };
        TableSince { table: name.clone(), only, rows: change(&|table| table.rows), raw_bytes: change(&raw) }
    };
    let mut found: Vec<TableSince> =
        both.into_iter().map(trend).filter(|table| table.only.is_some() || table.rows.is_notable()).collect();
    found.sort_by_key(|table| std::cmp::Reverse(table.rows.by().unsigned_abs()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_notable_by_number_and_by_share() {
        for (before, now, notable) in [
            (0, 9, false),
            (0, 10, true),
            (100, 109, false),
            (100, 110, true),
            (100, 90, true),
            (10, 0, true),
            (9, 0, false),
            (1_000_000, 1_050_000, false),
            (u64::MAX, 0, true),
        ] {
            assert_eq!(ThenNow { before, now }.is_notable(), notable, "{before} to {now}");
        }
        assert_eq!(ThenNow { before: 0, now: 3 }.percent(), None);
        assert_eq!(ThenNow { before: 4, now: 3 }.percent(), Some(-25.0));
    }
}
