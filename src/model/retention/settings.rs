//! The rules as a person sets them.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Serialize, Serializer};

/// What is kept. The defaults are those of a project without a profile: 30 days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retention {
    /// Good snapshots that are not older than this stay.
    #[serde(serialize_with = "seconds")]
    pub keep_within: TimeDelta,
    /// At most so many good snapshots stay, pinned ones aside. Where the rules would keep more, the
    /// longest periods go first, then the last one of each day, then the newest.
    pub keep_at_most: usize,
    /// So many hours that have a good snapshot keep their newest one.
    pub hourly: usize,
    /// So many days.
    pub daily: usize,
    /// So many weeks, from Monday on.
    pub weekly: usize,
    /// So many months.
    pub monthly: usize,
    /// So many years.
    pub yearly: usize,
    /// So many of the newest good snapshots stay whatever else holds; the newest one always does.
    pub floor: usize,
    /// Incomplete snapshots, and what dead runs left, stay for so long.
    #[serde(serialize_with = "seconds")]
    pub keep_incomplete: TimeDelta,
    /// Safety snapshots stay for so long.
    #[serde(serialize_with = "seconds")]
    pub keep_safety: TimeDelta,
    /// A project whose newest good snapshot is older is frozen.
    #[serde(serialize_with = "seconds")]
    pub freeze_after: TimeDelta,
    /// A project whose newest complete snapshot lost more than so many percent of the rows is frozen.
    /// 100: never for that.
    pub freeze_rows: u8,
    /// The same for tables.
    pub freeze_tables: u8,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep_within: TimeDelta::days(30),
            keep_at_most: 50,
            hourly: 0,
            daily: 0,
            weekly: 0,
            monthly: 0,
            yearly: 0,
            floor: 3,
            keep_incomplete: TimeDelta::days(7),
            keep_safety: TimeDelta::days(30),
            freeze_after: TimeDelta::hours(48),
            freeze_rows: 50,
            freeze_tables: 50,
        }
    }
}

/// Rules that are ready to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// 7 days.
    Development,
    /// 14 days.
    Staging,
    /// 30 days, and the last snapshot of each month for a year.
    Production,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Development, Self::Staging, Self::Production];

    /// Its rules.
    pub fn retention(self) -> Retention {
        let within = |days| Retention { keep_within: TimeDelta::days(days), ..Retention::default() };
        match self {
            Self::Development => within(7),
            Self::Staging => within(14),
            // this month's and those of the twelve before it: each lives for a year at least
            Self::Production => Retention { monthly: 13, ..within(30) },
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        })
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|profile| profile.to_string() == text);
        known.ok_or_else(|| format!("{text:?} is not a profile; write development, staging or production"))
    }
}

/// In JSON a span of time is a number of seconds.
fn seconds<S: Serializer>(span: &TimeDelta, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(span.num_seconds())
}
