//! Why a snapshot stays or goes, in words and as a stable name.

use std::fmt;

use chrono::TimeDelta;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::model::retention::Period;

/// One reason. In JSON it is `{"code": …, "message": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Stays: somebody pinned it, with this note.
    Pinned(Option<String>),
    /// Stays: the newest good snapshot.
    Newest,
    /// Stays: one of so many newest good ones.
    Floor(usize),
    /// Stays: the newest good one of this period, by name.
    LastOf(Period, String),
    /// Stays: good, and not older than this.
    Within(TimeDelta),
    /// Stays: complete but not proven, and not older than this.
    UnprovenYoung(TimeDelta),
    /// Stays: incomplete, and not older than this.
    IncompleteYoung(TimeDelta),
    /// Stays: no manifest yet, and begun or written to within this time. A run may be at work.
    UnfinishedYoung(TimeDelta),
    /// Stays: a safety snapshot that is not older than this.
    SafetyYoung(TimeDelta),
    /// Stays: it cannot be read, so nobody knows what would be lost.
    Unreadable,
    /// Stays, although it would go for the other reasons: the project is frozen.
    Frozen,
    /// Goes: good, and older than this, and no rule keeps it.
    Old(TimeDelta),
    /// Goes: a rule would keep it, but so many others come before it.
    OverLimit(usize),
    /// Goes: complete but not proven, and older than this.
    UnprovenOld(TimeDelta),
    /// Goes: incomplete, and older than this.
    IncompleteOld(TimeDelta),
    /// Goes: what a dead run left, untouched for this time.
    UnfinishedOld(TimeDelta),
    /// Goes: a safety snapshot older than this.
    SafetyOld(TimeDelta),
    /// Goes: its removal had begun, and its manifest is gone.
    Begun,
}

impl Reason {
    /// A stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Pinned(_) => "pinned",
            Self::Newest => "newest-good",
            Self::Floor(_) => "floor",
            Self::LastOf(Period::Hour, _) => "hourly",
            Self::LastOf(Period::Day, _) => "daily",
            Self::LastOf(Period::Week, _) => "weekly",
            Self::LastOf(Period::Month, _) => "monthly",
            Self::LastOf(Period::Year, _) => "yearly",
            Self::Within(_) => "within",
            Self::UnprovenYoung(_) => "unproven-young",
            Self::IncompleteYoung(_) => "incomplete-young",
            Self::UnfinishedYoung(_) => "unfinished-young",
            Self::SafetyYoung(_) => "safety-young",
            Self::Unreadable => "unreadable",
            Self::Frozen => "frozen",
            Self::Old(_) => "old",
            Self::OverLimit(_) => "over-limit",
            Self::UnprovenOld(_) => "unproven-old",
            Self::IncompleteOld(_) => "incomplete-old",
            Self::UnfinishedOld(_) => "unfinished-old",
            Self::SafetyOld(_) => "safety-old",
            Self::Begun => "removal-begun",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned(None) => f.write_str("pinned"),
            Self::Pinned(Some(note)) => write!(f, "pinned: {note}"),
            Self::Newest => f.write_str("newest good one"),
            Self::Floor(floor) => write!(f, "one of the {floor} newest good ones"),
            Self::LastOf(period, name) => write!(f, "last good one of {period} {name}"),
            Self::Within(limit) => write!(f, "not older than {}", span(*limit)),
            Self::UnprovenYoung(limit) => write!(f, "not verified as opened; stays for {}", span(*limit)),
            Self::IncompleteYoung(limit) => write!(f, "incomplete; stays for {}", span(*limit)),
            Self::UnfinishedYoung(limit) => {
                write!(f, "unfinished; a run may be at work, or has been within {}", span(*limit))
            }
            Self::SafetyYoung(limit) => write!(f, "safety snapshot; stays for {}", span(*limit)),
            Self::Unreadable => f.write_str("cannot be read; only a person may remove it"),
            Self::Frozen => f.write_str("frozen; else it would go"),
            Self::Old(limit) => write!(f, "older than {}", span(*limit)),
            Self::OverLimit(most) => write!(f, "over the limit of {most} snapshots"),
            Self::UnprovenOld(limit) => write!(f, "not verified as opened, older than {}", span(*limit)),
            Self::IncompleteOld(limit) => write!(f, "incomplete, older than {}", span(*limit)),
            Self::UnfinishedOld(limit) => write!(f, "left by a dead run, untouched for {}", span(*limit)),
            Self::SafetyOld(limit) => write!(f, "safety snapshot, older than {}", span(*limit)),
            Self::Begun => f.write_str("its removal was begun and cut off"),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        coded(serializer, "Reason", self.code(), self.to_string())
    }
}

/// `{"code": …, "message": …}`
pub(super) fn coded<S: Serializer>(
    serializer: S,
    name: &'static str,
    code: &str,
    message: String,
) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct(name, 2)?;
    object.serialize_field("code", code)?;
    object.serialize_field("message", &message)?;
    object.end()
}

/// `30 days`, `36 hours`, `90 minutes`: the largest unit that leaves a whole number.
pub fn span(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    let unit = [(86_400, "day"), (3600, "hour"), (60, "minute")].into_iter().find(|(unit, _)| seconds % unit == 0);
    let (number, word) = unit.map_or((seconds, "second"), |(unit, word)| (seconds / unit, word));
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}
