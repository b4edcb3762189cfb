//! Hours, days, weeks, months and years, in UTC.

use std::fmt;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// A span of the calendar that one snapshot can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// From minute 0 on.
    Hour,
    /// From midnight UTC on.
    Day,
    /// From Monday on, as ISO 8601 counts weeks.
    Week,
    /// From the first on.
    Month,
    /// From January on.
    Year,
}

impl Period {
    /// The number of the period that holds a moment: equal for moments of the same one, higher for
    /// later ones.
    pub(super) fn number(self, at: DateTime<Utc>) -> i64 {
        // day 1 is Monday, 1 January of the year 1
        let day = i64::from(at.num_days_from_ce());
        match self {
            Self::Hour => day * 24 + i64::from(at.hour()),
            Self::Day => day,
            Self::Week => (day - 1).div_euclid(7),
            Self::Month => i64::from(at.year()) * 12 + i64::from(at.month0()),
            Self::Year => i64::from(at.year()),
        }
    }

    /// The name of the period that holds a moment: `2026-11`, `2026-W48`.
    pub(super) fn name(self, at: DateTime<Utc>) -> String {
        let form = match self {
            Self::Hour => "%Y-%m-%d %H:00",
            Self::Day => "%Y-%m-%d",
            Self::Week => "%G-W%V",
            Self::Month => "%Y-%m",
            Self::Year => "%Y",
        };
        at.format(form).to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        })
    }
}
