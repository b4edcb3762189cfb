//! What every check is given, and the questions that several of them ask.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::trend::trends;
use crate::model::{History, Limits, Live, Observation, Seen, SnapshotPoint, TableName, Trend, Unseen};

/// What was seen, what is allowed, and what the days before tell.
#[derive(Debug)]
pub struct Case<'a> {
    /// What was seen.
    pub seen: &'a Observation,
    /// What is allowed.
    pub limits: &'a Limits,
    /// What the days before tell.
    pub trends: Vec<Trend>,
}

/// A table and its rows: as they are now, or as the newest snapshot has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Present {
    pub(super) name: TableName,
    pub(super) rows: Option<u64>,
    /// Counted just now.
    pub(super) is_live: bool,
    /// Not counted at all: only good for saying how large it is.
    pub(super) is_estimate: bool,
}

/// So long before is looked for what was usual.
pub(super) const WEEK: TimeDelta = TimeDelta::days(7);

impl<'a> Case<'a> {
    /// Works out the trends.
    pub fn new(seen: &'a Observation, limits: &'a Limits) -> Self {
        Self { seen, limits, trends: trends(seen, limits) }
    }

    /// The snapshots; or why they do not show.
    pub(super) fn history(&self) -> Seen<&'a History> {
        self.seen.history.as_ref().map_err(Clone::clone)
    }

    /// The project; or why it does not show.
    pub(super) fn live(&self) -> Seen<&'a Live> {
        self.seen.live.as_ref().map_err(Clone::clone)
    }

    /// The newest complete snapshot that shows its tables.
    pub(super) fn newest_counted(&self) -> Seen<&'a SnapshotPoint> {
        let history = self.history()?;
        let newest = history.complete().rfind(|point| point.counts.is_some());
        newest.ok_or_else(|| match &history.sealed {
            Some(why) => Unseen::not_given(format!("the names of tables are sealed: {why}")),
            None => Unseen::not_given("there is no complete snapshot to compare with")
                .hint("the first `supabackup backup` makes one"),
        })
    }

    /// Whether the rows of tables show at all, and why not.
    pub(super) fn needs_tables(&self) -> Seen<()> {
        match (self.live(), self.newest_counted()) {
            (Ok(_), _) | (_, Ok(_)) => Ok(()),
            // what broke says more than what was not given
            (Err(live), Err(stored)) => Err(if stored.is_failure || !live.is_failure { stored } else { live }),
        }
    }

    /// Every table that is there now; where the project does not show, that of the newest snapshot.
    pub(super) fn present(&self) -> Vec<Present> {
        if let Ok(live) = self.live() {
            let present = |table: &crate::model::LiveTable| Present {
                name: table.name.clone(),
                rows: table.rows,
                is_live: table.exact,
                is_estimate: !table.exact,
            };
            return live.tables.iter().map(present).collect();
        }
        let Ok(newest) = self.newest_counted() else { return Vec::new() };
        let rows = self.rows_in(newest);
        let present = |(name, rows): (&TableName, u64)| Present {
            name: name.clone(),
            rows: Some(rows),
            is_live: false,
            is_estimate: false,
        };
        rows.into_iter().map(present).collect()
    }

    /// Rows of all tables, as far as they are known.
    pub(super) fn total(&self) -> Option<u64> {
        if self.live().is_err() && self.newest_counted().is_err() {
            // a sealed manifest tells the sum all the same
            return Some(self.history().ok()?.newest_complete()?.rows);
        }
        Some(self.present().iter().filter_map(|present| present.rows).sum())
    }

    /// Tables of a snapshot with their rows.
    pub(super) fn rows_in(&self, point: &SnapshotPoint) -> BTreeMap<&'a TableName, u64> {
        let Ok(history) = &self.seen.history else { return BTreeMap::new() };
        let counts = point.counts.iter().flatten();
        counts.filter_map(|count| Some((history.name(*count)?, count.rows))).collect()
    }

    /// Tables that were in a snapshot of the week before, and are neither there now nor left out on purpose.
    /// Those that an incomplete look misses are not among them, nor those that only SQL showed, without it.
    pub(super) fn gone(&self) -> Vec<TableName> {
        let Ok(history) = self.history() else { return Vec::new() };
        let now: BTreeSet<TableName> = self.present().into_iter().map(|present| present.name).collect();
        let mut excused: BTreeSet<&TableName> = BTreeSet::new();
        if let Ok(live) = self.live() {
            excused.extend(&live.left_out);
        } else if self.newest_counted().is_err() {
            return Vec::new();
        }
        let unread: Vec<String> = match self.live() {
            Ok(live) => live.missing.iter().map(|missing| missing.subject.clone()).collect(),
            Err(_) => Vec::new(),
        };
        let mut gone: BTreeSet<TableName> = BTreeSet::new();
        for (_, point) in self.days_before(history, self.compared_at()) {
            gone.extend(self.rows_in(point).into_keys().cloned());
        }
        let is_unseen =
            |name: &TableName| self.live().is_ok_and(|live| !live.sees_all) && history.through_sql.contains(name);
        gone.retain(|name| {
            !is_unseen(name)
                && !now.contains(name)
                && !excused.contains(name)
                && !unread.iter().any(|s| *s == format!("table {name}"))
        });
        gone.into_iter().collect()
    }

    /// The moment that the present rows are of.
    pub(super) fn compared_at(&self) -> DateTime<Utc> {
        match (self.live(), self.newest_counted()) {
            (Err(_), Ok(newest)) => newest.started,
            _ => self.seen.now,
        }
    }

    /// The last complete snapshot with tables of each day of the week before a moment, oldest first. Where
    /// the present rows are those of a snapshot, that one is not among them.
    pub(super) fn days_before<'h>(&self, history: &'h History, at: DateTime<Utc>) -> Vec<(i64, &'h SnapshotPoint)> {
        let is_stored = self.live().is_err();
        let before = history.complete().filter(|point| {
            point.counts.is_some()
                && point.started > at - WEEK
                && (point.started < at || (!is_stored && point.started == at))
        });
        let mut days: BTreeMap<i64, &SnapshotPoint> = BTreeMap::new();
        for point in before {
            days.insert(point.started.timestamp().div_euclid(86_400), point);
        }
        days.into_iter().collect()
    }

    /// Rows of one table on the days of the week before, oldest first; days without it are left out.
    pub(super) fn week_of(&self, days: &[(i64, &SnapshotPoint)], name: &TableName) -> Vec<u64> {
        days.iter().filter_map(|(_, point)| self.rows_of(point, name)).collect()
    }

    /// Rows of one table in one snapshot.
    pub(super) fn rows_of(&self, point: &SnapshotPoint, name: &TableName) -> Option<u64> {
        let history = self.seen.history.as_ref().ok()?;
        let counts = point.counts.as_ref()?;
        counts.iter().find(|count| history.name(**count) == Some(name)).map(|count| count.rows)
    }
}
