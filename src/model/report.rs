//! What `list` and `verify` come to: values for the renderers, and for whoever judges snapshots.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Finding, Manifest, Pin, Severity, SnapshotId, SnapshotState, Verification};

/// How deep a verification looks. Each depth includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// The manifest adds up, every part is there in its size, nothing else is.
    Listed,
    /// And every part has its SHA-256.
    Hashed,
    /// And every part decompresses, every row reads back, counts and digests are the manifest's,
    /// and SQL and JSON hold the same rows.
    #[default]
    Opened,
}

impl Depth {
    /// All of them, shallowest first.
    pub const ALL: [Self; 3] = [Self::Listed, Self::Hashed, Self::Opened];
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listed => "listed",
            Self::Hashed => "hashed",
            Self::Opened => "opened",
        })
    }
}

impl FromStr for Depth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|depth| depth.to_string() == text);
        known.ok_or_else(|| format!("{text:?} is not a depth; write listed, hashed or opened"))
    }
}

/// One line of `list`: what a snapshot is, without opening its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotSummary {
    /// The folder of its project.
    pub project: String,
    /// Its id.
    pub id: SnapshotId,
    /// Whether it holds everything that was seen.
    pub state: SnapshotState,
    /// Why it is unreadable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// It was taken of a few tables before this snapshot was restored: it is no backup of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_of: Option<SnapshotId>,
    /// It was made from this snapshot, by compressing it harder, and stands in place of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<SnapshotId>,
    /// Whether it is sealed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// When the last row was read; `None` without a readable manifest.
    pub finished: Option<DateTime<Utc>>,
    /// Captured tables.
    pub tables: u64,
    /// Rows stored.
    pub rows: u64,
    /// Stored parts.
    pub parts: u64,
    /// Bytes of all parts before compression.
    pub raw_bytes: u64,
    /// Bytes of all parts as stored.
    pub stored_bytes: u64,
    /// How many things were seen and not captured.
    pub missing: u64,
    /// The newest verification of exactly this manifest.
    pub verified: Option<Verification>,
    /// The deepest verification since the last one that found errors, if the newest found none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven: Option<String>,
    /// When restoring it was proven last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored: Option<DateTime<Utc>>,
    /// Somebody wants it kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// When the newest file of a folder without a manifest was written, by the store's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touched: Option<DateTime<Utc>>,
}

impl SnapshotSummary {
    /// Whether every row of it was read back, by what its records say.
    pub fn is_read_back(&self) -> bool {
        matches!(self.proven.as_deref(), Some("opened" | "restored"))
    }

    /// What is known of a folder without a readable manifest.
    pub fn bare(project: &str, id: SnapshotId, state: SnapshotState, problem: Option<String>) -> Self {
        Self {
            project: project.to_owned(),
            started: id.started(),
            id,
            state,
            problem,
            safety_of: None,
            instead_of: None,
            sealed: false,
            finished: None,
            tables: 0,
            rows: 0,
            parts: 0,
            raw_bytes: 0,
            stored_bytes: 0,
            missing: 0,
            verified: None,
            proven: None,
            restored: None,
            pin: None,
            touched: None,
        }
    }

    /// The summary of a manifest.
    pub fn of(project: &str, manifest: &Manifest, verified: Option<Verification>) -> Self {
        let totals = manifest.totals;
        Self {
            project: project.to_owned(),
            id: manifest.snapshot.clone(),
            state: if manifest.complete { SnapshotState::Complete } else { SnapshotState::Incomplete },
            problem: None,
            safety_of: manifest.safety_of.clone(),
            instead_of: manifest.instead_of.clone(),
            sealed: manifest.sealed.is_some(),
            started: manifest.started,
            finished: Some(manifest.finished),
            tables: totals.tables,
            rows: totals.rows,
            parts: totals.parts,
            raw_bytes: totals.raw_bytes,
            stored_bytes: totals.stored_bytes,
            missing: manifest.missing.len() as u64,
            verified,
            proven: None,
            restored: None,
            pin: None,
            touched: None,
        }
    }

    /// Whether both hold the same backup: one may be the other one recompressed, or a copy of it.
    pub fn is_same_backup(&self, other: &Self) -> bool {
        let first = |summary: &Self| summary.instead_of.clone().unwrap_or_else(|| summary.id.clone());
        self.project == other.project && first(self) == first(other)
    }

    /// How long the run took.
    pub fn duration(&self) -> Option<TimeDelta> {
        self.finished.map(|end| end - self.started)
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// The folder of its project.
    pub project: String,
    /// The snapshot that was verified.
    pub id: SnapshotId,
    /// How deep.
    pub depth: Depth,
    /// The manifest says that everything seen was captured.
    pub complete: bool,
    /// SHA-256 of the manifest, where there is one.
    pub manifest_sha256: Option<String>,
    /// Tables of the manifest.
    pub tables: u64,
    /// Rows of the manifest.
    pub rows: u64,
    /// Parts and other files of the manifest.
    pub files: u64,
    /// Bytes that were read: 0 when only listed.
    pub bytes_read: u64,
    /// Everything found, in the order of the manifest.
    pub findings: Vec<Finding>,
}

/// What a finding is called that says why a sealed snapshot was not opened.
pub const SEALED: &str = "sealed";

impl Verified {
    /// Whether nothing is wrong but that no identity opens it.
    pub fn is_only_closed(&self) -> bool {
        let mut errors = self.findings.iter().filter(|f| f.severity == Severity::Error);
        self.errors() > 0 && errors.all(|f| f.code == SEALED && f.subject == "manifest.json")
    }

    /// How many findings are at error level.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|f| f.severity == Severity::Error).count()
    }

    /// Whether nothing is wrong with what is stored. (It may still be incomplete.)
    pub fn intact(&self) -> bool {
        self.errors() == 0
    }
}
