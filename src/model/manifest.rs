//! The list of a snapshot's content: a ledger that must add up. The stored form is described in
//! `docs/FORMAT.md`; only the types of this file are ever written to a store.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Column, Seal, SnapshotId, TableName};

/// Version of the stored form that this program reads up to, and that snapshots in gzip are written in. A
/// newer one is refused with a hint.
pub const FORMAT_VERSION: u32 = 3;

/// Version of a snapshot that is sealed, in zstd.
pub const SEALED_FORMAT_VERSION: u32 = 2;

/// Version of a snapshot that is not sealed: programs that know no sealing read it.
pub const PLAIN_FORMAT_VERSION: u32 = 1;

/// Why a manifest could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Written by a newer program.
    #[error("the manifest has format version {0}, this program reads up to {FORMAT_VERSION}")]
    Newer(u32),
    /// Not a manifest.
    #[error("the manifest is not readable: {0}")]
    Unreadable(String),
}

/// `manifest.json`. It is written last: a snapshot exists if and only if its manifest does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this stored form.
    pub format: u32,
    /// The snapshot's id, equal to its folder's name.
    pub snapshot: SnapshotId,
    /// Program and version that wrote it.
    pub tool: String,
    /// What was backed up.
    pub project: Project,
    /// Present in a safety snapshot: the snapshot that was about to be restored. Then only the tables
    /// that the restore was going to change are here, and this is never the newest backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_of: Option<SnapshotId>,
    /// Present in a recompressed snapshot: the one that it was made from, and stands in place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<SnapshotId>,
    /// Present if the snapshot is sealed: who may open it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Seal>,
    /// When the run began.
    pub started: DateTime<Utc>,
    /// When the last row was read and counted.
    pub finished: DateTime<Utc>,
    /// True if and only if `missing` is empty.
    pub complete: bool,
    /// Everything seen and not captured, each with the reason.
    pub missing: Vec<Missing>,
    /// Relations that hold no rows of their own, or were excluded on purpose.
    pub passed_over: Vec<PassedOver>,
    /// Where the knowledge about tables came from, and what it cannot show.
    pub source: Source,
    /// Server settings that the text of values depends on, as far as they could be seen.
    pub settings: TextSettings,
    /// How consistent the tables are with each other.
    pub consistency: Consistency,
    /// One entry per captured table.
    pub tables: Vec<TableEntry>,
    /// The schema's definition, where it was read: which of `files` hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<Structure>,
    /// Every other stored file (the structure's, RECOVERY.md, report.md, report.html).
    pub files: Vec<File>,
    /// Sums over the tables.
    pub totals: Totals,
}

/// The project a snapshot came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// The project's ref, or the host where there is none; the folder's name in the store.
    pub name: String,
    /// The project's URL (it holds no secret).
    pub url: String,
}

/// Something that was seen and is not in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What: `table public.x`, `column public.x.y`.
    pub subject: String,
    /// Why it could not be captured.
    pub reason: String,
    /// What would fix it: a sentence or a SQL statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// A relation that was left out without anything being lost, or because the user said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOver {
    /// Schema and name.
    pub name: TableName,
    /// `view`, `materialized view`, `excluded by …`.
    pub reason: String,
}

/// Where the catalog came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Where the list of tables came from: `openapi`, or through SQL: `management`, `meta`, `helper`.
    pub catalog: String,
    /// The API server's version, as it states it.
    pub server: Option<String>,
    /// Schemas that were read.
    pub schemas: Vec<String>,
    /// What this source cannot show, in sentences.
    pub blind_spots: Vec<String>,
}

/// Settings that decide how values look as text. `None`: nothing in the data showed it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSettings {
    /// `exact` or `cut` (`extra_float_digits` below 1 rounds floating-point numbers).
    pub float_digits: Option<String>,
    /// `ISO`, or `other`.
    pub date_style: Option<String>,
    /// `postgres`, or `other`.
    pub interval_style: Option<String>,
    /// The offset that `timestamptz` values were printed with, when all seen were equal: `+00`.
    pub time_zone_offset: Option<String>,
    /// The settings that the Data API prints text under, as the server states them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<PrintSettings>,
    /// The settings that rows read through SQL were printed under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<PrintSettings>,
    /// PostgreSQL's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_version: Option<String>,
    /// The database's encoding. Text is sent and stored as UTF-8, whatever it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_encoding: Option<String>,
}

/// Everything that a session's text depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrintSettings {
    /// `ISO, MDY`
    pub date_style: String,
    /// `postgres`
    pub interval_style: String,
    /// `UTC`
    pub time_zone: String,
    /// `hex`
    pub bytea_output: String,
    /// `1`: floating-point numbers keep all their digits from 1 on.
    pub extra_float_digits: String,
    /// `en_US.UTF-8`: how `money` is printed.
    pub lc_monetary: String,
}

impl PrintSettings {
    /// Whether floating-point numbers keep all their digits.
    pub fn floats_are_exact(&self) -> bool {
        self.extra_float_digits.trim().parse::<i32>().is_ok_and(|digits| digits >= 1)
    }
}

/// Consistency of the whole set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consistency {
    /// Present if one sweep over all tables found nothing changed: every table, taken together,
    /// is the database as it was at every moment of this span.
    pub moment: Option<Moment>,
    /// Tables that were proven unchanged from their last read to their last check.
    pub stable: u64,
    /// Tables that went on changing.
    pub moved: u64,
    /// Tables that could not be checked.
    pub unproven: u64,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Begin.
    pub from: DateTime<Utc>,
    /// End.
    pub to: DateTime<Utc>,
}

/// One captured table: the ledger's line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Schema and name.
    pub name: TableName,
    /// Columns in the order in which every row's values are stored.
    pub columns: Vec<Column>,
    /// Names of the primary key's columns.
    pub primary_key: Vec<String>,
    /// How the rows were read.
    pub read_as: ReadAs,
    /// `ctid` or `keyset`.
    pub paging: String,
    /// `sql` where the rows came through SQL; absent: through the Data API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_through: Option<String>,
    /// Exact count before reading; `None` where counting took too long.
    pub counted_before: Option<u64>,
    /// Rows stored.
    pub rows: u64,
    /// Exact count after reading; `None` where counting took too long.
    pub counted_after: Option<u64>,
    /// Sum over all rows of `hashtextextended(row::text, 0)`, as a decimal number: independent of
    /// the rows' order, and comparable with a database by one query (see `docs/FORMAT.md`).
    pub digest: String,
    /// How steady the table was while it was read.
    pub stability: Stability,
    /// Tables that inherit from this one and are stored by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TableName>,
    /// The stored parts, in the order of the rows.
    pub parts: Vec<Part>,
}

/// The rung of the ladder that the rows were read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadAs {
    /// Postgres' own output of the whole row.
    RecordOut,
    /// The same text through `concat`, where a column is called `record_out`.
    Concat,
    /// Each readable column cast to text.
    Columns,
}

/// How steady a table was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "level", rename_all = "lowercase")]
pub enum Stability {
    /// A pass over every row's address and version found nothing changed since it was read.
    Stable {
        /// When the last row was read.
        from: DateTime<Utc>,
        /// When the check that found nothing began.
        to: DateTime<Utc>,
        /// How many passes it took.
        passes: u32,
    },
    /// Writes went on: rows that changed in this span may be there in their older or newer form.
    Moved {
        /// When the first row was read.
        from: DateTime<Utc>,
        /// When the last row was read.
        to: DateTime<Utc>,
        /// How many passes were made.
        passes: u32,
        /// How many rows stood in pages that had to be read again, over all passes.
        reread: u64,
        /// How many rows had been read in an older version too, which was dropped: of rows with one
        /// primary key, the one that was read last is kept.
        superseded: u64,
    },
    /// The table has no row addresses that could be checked.
    Unproven {
        /// When the first row was read.
        from: DateTime<Utc>,
        /// When the last row was read.
        to: DateTime<Utc>,
        /// Why it could not be checked.
        reason: String,
    },
}

/// Which of the two forms a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Artifact {
    /// COPY blocks for `psql`.
    Sql,
    /// JSON Lines for people, `jq` and the REST restore.
    Json,
}

/// One stored file of bounded size that holds rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name inside the snapshot.
    pub key: String,
    /// SQL or JSON.
    pub artifact: Artifact,
    /// Rows in it.
    pub rows: u64,
    /// Bytes as stored.
    pub size: u64,
    /// SHA-256 of the bytes as stored, in hex.
    pub sha256: String,
    /// Bytes before compression.
    pub raw_size: u64,
    /// Heap blocks that its rows came from: first, and one past the last. Absent with keyset paging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<[u64; 2]>,
    /// Sum of the rows' hashes, as in the table's digest.
    pub digest: String,
}

/// The definition of everything that is not rows, as files of SQL. Each is a key among the
/// manifest's `files`; a script that would be empty is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// The server that it was read from, in its own words.
    pub server: String,
    /// Before the rows: roles, schemas, types, functions, tables, views.
    pub before: String,
    /// Positions of sequences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequences: Option<String>,
    /// After the rows: indexes, keys, triggers, policies, grants, comments.
    pub after: String,
    /// What acts by itself once it is there (event triggers, jobs, webhooks): a person runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_purpose: Option<String>,
    /// What all of them were made from: the catalog as JSON.
    pub catalog: String,
    /// What a person should know about them, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Any other stored file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its name inside the snapshot.
    pub key: String,
    /// Bytes as stored.
    pub size: u64,
    /// SHA-256 of the bytes as stored, in hex.
    pub sha256: String,
}

/// Sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
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
}

impl Manifest {
    /// The stored bytes: pretty-printed JSON with a final newline.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|e| ManifestError::Unreadable(e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the stored bytes; refuses a newer format before looking at anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let unreadable = |e: serde_json::Error| ManifestError::Unreadable(e.to_string());
        let version: Version = serde_json::from_slice(bytes).map_err(unreadable)?;
        if version.format > FORMAT_VERSION {
            return Err(ManifestError::Newer(version.format));
        }
        serde_json::from_slice(bytes).map_err(unreadable)
    }

    /// Every part of every table.
    pub fn parts(&self) -> impl Iterator<Item = (&TableEntry, &Part)> {
        self.tables.iter().flat_map(|t| t.parts.iter().map(move |p| (t, p)))
    }

    /// Key, size and SHA-256 of every stored file but the manifest and the checksum list.
    pub fn stored(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        let parts = self.parts().map(|(_, p)| (p.key.as_str(), p.size, p.sha256.as_str()));
        parts.chain(self.files.iter().map(|f| (f.key.as_str(), f.size, f.sha256.as_str())))
    }
}

impl TableEntry {
    /// The parts of one artifact.
    pub fn parts_of(&self, artifact: Artifact) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |p| p.artifact == artifact)
    }
}
