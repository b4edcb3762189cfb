//! What a series of days tells: how it changes, where it leads, which days are not like others.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use crate::model::TableName;

/// What a series is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "of", content = "table", rename_all = "snake_case")]
pub enum Subject {
    /// Rows of all tables.
    AllRows,
    /// Bytes of a snapshot as stored.
    SnapshotSize,
    /// Bytes of the database. Only today's size is known: it is taken to grow as the text of the rows does.
    DatabaseSize,
    /// Rows of one table.
    Table(TableName),
}

/// One series.
#[derive(Debug, Clone, Serialize)]
pub struct Trend {
    /// What it is of.
    #[serde(flatten)]
    pub subject: Subject,
    /// Days that have a value.
    pub days: usize,
    /// The newest value.
    pub latest: u64,
    /// Against a day before; `None`: nothing is that old.
    pub daily: Option<Change>,
    /// Against a week before.
    pub weekly: Option<Change>,
    /// Its direction; `None`: too few days tell.
    pub slope: Option<Slope>,
    /// In one word.
    pub shape: Shape,
    /// When limits will be reached.
    pub forecasts: Vec<Forecast>,
    /// Days that were not like others of their weekday, oldest first.
    pub unusual: Vec<UnusualDay>,
    /// The last value of each day, oldest first.
    pub series: Vec<(DateTime<Utc>, u64)>,
}

/// From one value to a later one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The value before.
    pub from: u64,
    /// When that was.
    pub since: DateTime<Utc>,
    /// The value now.
    pub to: u64,
    /// Percent of `from`, brought to the length of the period where more time passed; `None`: of nothing.
    pub percent: Option<f64>,
}

/// The median of all slopes between two days (Theil, Sen), and the interval that holds the true one with 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slope {
    /// Change in a day.
    pub per_day: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Where the line is at the newest day.
    pub level: f64,
}

/// How a series moves, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Too few days tell.
    Unknown,
    /// No direction that is more than noise.
    Steady,
    /// Upwards.
    Growing,
    /// Downwards.
    Shrinking,
    /// Most of the change happened on few days.
    Bursty,
}

/// When a limit will be reached.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// The setting that is the limit.
    pub limit: &'static str,
    /// Its value.
    pub value: u64,
    /// When.
    #[serde(flatten)]
    pub reach: Reach,
}

/// An answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "reach", rename_all = "snake_case")]
pub enum Reach {
    /// It is reached.
    Past,
    /// If it goes on like this.
    Ahead {
        /// With the steepest direction that the days allow.
        earliest: DateTime<Utc>,
        /// With the median direction.
        likely: DateTime<Utc>,
        /// With the flattest; `None`: it may be never.
        latest: Option<DateTime<Utc>>,
    },
    /// Not within a year.
    Far,
    /// It does not go there, or that is not certain.
    NoDirection,
    /// Too few days tell: there are so many, and so many are needed.
    TooFew {
        /// Days that have a value.
        days: usize,
        /// Days that are needed.
        needed: usize,
    },
}

/// A day that was not like others of its weekday.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct UnusualDay {
    /// The day (UTC).
    pub day: NaiveDate,
    /// The change on it.
    pub change: f64,
    /// The median of the other days of this weekday.
    pub usual: f64,
    /// How many deviations lie between.
    pub score: f64,
}

impl Shape {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "-",
            Self::Steady => "steady",
            Self::Growing => "growing",
            Self::Shrinking => "shrinking",
            Self::Bursty => "bursty",
        }
    }
}
