//! One backup in time: its id, and what can be said about it without opening its parts.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// `20261123T031500Z-7f3a`: sorts by time, unique by its tail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SnapshotId(String);

const TIME: &str = "%Y%m%dT%H%M%SZ";

impl SnapshotId {
    /// The id of a snapshot that starts now; `tail` keeps two runs of one second apart.
    pub fn new(now: DateTime<Utc>, tail: u16) -> Self {
        Self(format!("{}-{tail:04x}", now.format(TIME)))
    }

    /// When the snapshot was started, to the second.
    pub fn started(&self) -> DateTime<Utc> {
        let time = self.0.split('-').next().unwrap_or_default();
        NaiveDateTime::parse_from_str(time, TIME).map_or(DateTime::<Utc>::MIN_UTC, |t| t.and_utc())
    }

    /// Another id of the same moment.
    #[must_use]
    pub fn sibling(&self, step: u16) -> Self {
        let tail = self.0.rsplit('-').next().and_then(|tail| u16::from_str_radix(tail, 16).ok());
        Self::new(self.started(), tail.unwrap_or_default().wrapping_add(step))
    }

    /// The text form, which is also the folder's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SnapshotId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is not a snapshot id (like 20261123T031500Z-7f3a)");
        let (time, tail) = text.split_once('-').ok_or_else(bad)?;
        NaiveDateTime::parse_from_str(time, TIME).map_err(|_| bad())?;
        if tail.len() != 4 || !tail.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(bad());
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for SnapshotId {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<SnapshotId> for String {
    fn from(id: SnapshotId) -> String {
        id.0
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a snapshot holds everything that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotState {
    /// Everything seen was captured.
    Complete,
    /// Something seen was not captured; the manifest's `missing` names it.
    Incomplete,
    /// A folder without a manifest: a run that did not end. It is not a snapshot.
    Unfinished,
    /// The manifest cannot be read (damaged, or written by a newer program), or a snapshot has lost it.
    Unreadable,
    /// Its removal was begun and cut off: the manifest is gone, and the rest is still to go.
    Pruned,
}

impl fmt::Display for SnapshotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Unfinished => "unfinished",
            Self::Unreadable => "unreadable",
            Self::Pruned => "pruned",
        })
    }
}

/// The record that `verify` leaves beside a snapshot, as `verified/<time>-<depth>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// When the verification ended.
    pub at: DateTime<Utc>,
    /// `listed`, `hashed`, `opened`, or `restored` of a drill.
    pub depth: String,
    /// Whether nothing was wrong.
    pub ok: bool,
    /// A drill could not try everything: nothing was wrong with the rest, and nothing is proven.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// How many findings at error level.
    pub errors: usize,
    /// SHA-256 of the manifest that was verified: a record of another manifest proves nothing.
    pub manifest_sha256: String,
    /// The program that verified.
    pub tool: String,
}

/// What `pin` leaves beside a snapshot, as `pin.json`: it is never pruned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// When it was pinned.
    pub at: DateTime<Utc>,
    /// What for, in the words of whoever did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The program that pinned it.
    pub tool: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[test]
    fn ids_sort_by_time_and_read_back() -> Result<(), Box<dyn std::error::Error>> {
        let at = Utc.with_ymd_and_hms(2026, 11, 23, 3, 15, 0).single().ok_or("time")?;
        let id = SnapshotId::new(at, 0x7f3a);
        assert_eq!(id.as_str(), "20261123T031500Z-7f3a");
        assert_eq!(id.as_str().parse::<SnapshotId>()?.started(), at);
        assert_eq!(id.sibling(0x80c7).as_str(), "20261123T031500Z-0001");
        assert!(SnapshotId::new(at + chrono::TimeDelta::seconds(1), 0) > id);
        for bad in ["", "latest", "20261123T031500Z", "20261123T031500Z-7F3A", "20261323T031500Z-7f3a", "../x-0000"] {
            assert!(bad.parse::<SnapshotId>().is_err(), "{bad}");
        }
        Ok(())
    }
}
