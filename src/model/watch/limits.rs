//! What is allowed, as a person sets it. 0 switches a limit of rows, percents or bytes off.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::model::TableName;

/// What the rows of one table may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// More rows than this are told.
    pub max_rows: u64,
    /// More growth in a day than so many percent is told.
    pub daily_growth: u64,
    /// More growth in a week than so many percent is told.
    pub weekly_growth: u64,
    /// More loss than so many percent of what was usual in the week before is told.
    pub max_shrink: u64,
    /// A change of fewer rows than this is never told.
    pub min_change: u64,
    /// A table that never had fewer rows than this in the time that is looked at may not be empty.
    pub min_emptied: u64,
}

/// What the project, its snapshots and its stores may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// For every table that has no limits of its own, and for the growth of all together.
    pub tables: TableLimits,
    /// By `schema.table`.
    pub own: BTreeMap<String, TableLimits>,
    /// How far back is looked.
    pub history: TimeDelta,
    /// The newest good snapshot is not older than this.
    pub max_age: TimeDelta,
    /// A schedule may be late by this.
    pub schedule_grace: TimeDelta,
    /// Rows of all tables together.
    pub max_total_rows: u64,
    /// Bytes of one snapshot as stored.
    pub max_snapshot_size: u64,
    /// A complete snapshot is read back before it is so old.
    pub max_unverified: TimeDelta,
    /// The newest good snapshot is told of so long before its age lets it go.
    pub archive_notice: TimeDelta,
    /// Good snapshots that are not older than this stay, by the rules of retention.
    pub keep_within: TimeDelta,
    /// A store is not further behind the first one than this.
    pub max_lag: TimeDelta,
    /// A key is told of so long before it ends.
    pub key_notice: TimeDelta,
    /// Bytes of the database that the plan allows.
    pub max_database_size: u64,
    /// Somebody said so; else it is that of the free plan, and the project may be on another.
    pub is_database_size_given: bool,
    /// So many percent of it are told.
    pub quota_notice: u64,
    /// Bytes that are free in a directory.
    pub min_free: u64,
    /// A repository is told of that nobody touched for so long.
    pub max_idle: TimeDelta,
    /// Restoring is proven so often.
    pub max_unrestored: TimeDelta,
    /// A limit that will be reached within this is told.
    pub forecast_notice: TimeDelta,
    /// A day is unusual that is so many deviations from its weekday's median.
    pub unusual_score: u64,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self { max_rows: 10_000, daily_growth: 10, weekly_growth: 50, max_shrink: 20, min_change: 100, min_emptied: 10 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tables: TableLimits::default(),
            own: BTreeMap::new(),
            history: TimeDelta::days(30),
            max_age: TimeDelta::hours(24),
            schedule_grace: TimeDelta::hours(6),
            max_total_rows: 50_000,
            max_snapshot_size: 100_000_000,
            max_unverified: TimeDelta::hours(48),
            archive_notice: TimeDelta::days(7),
            keep_within: TimeDelta::days(30),
            max_lag: TimeDelta::hours(12),
            key_notice: TimeDelta::days(30),
            max_database_size: 500_000_000,
            is_database_size_given: false,
            quota_notice: 80,
            min_free: 500_000_000,
            max_idle: TimeDelta::days(50),
            max_unrestored: TimeDelta::days(30),
            forecast_notice: TimeDelta::days(14),
            unusual_score: 5,
        }
    }
}

impl Limits {
    /// Those of one table.
    pub fn of(&self, table: &TableName) -> &TableLimits {
        self.own.get(&table.plain()).unwrap_or(&self.tables)
    }
}
