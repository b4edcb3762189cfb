//! What the watch saw of one project at one moment. Every part says for itself when it could not be seen.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::{History, Missing, SnapshotId, TableName};

/// Something that could not be seen: why, and what would change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Lower case, no period.
    pub reason: String,
    /// What to do: a sentence.
    pub hint: Option<String>,
    /// It was to be seen and something broke; else nobody gave what it needs.
    pub is_failure: bool,
}

/// A part of an observation.
pub type Seen<T> = Result<T, Unseen>;

/// Everything that the checks look at.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The project's name in the store.
    pub project: String,
    /// When it was looked at.
    pub now: DateTime<Utc>,
    /// The snapshots, as the first store that answers has them.
    pub history: Seen<History>,
    /// The project itself.
    pub live: Seen<Live>,
    /// How its services are.
    pub health: Seen<Health>,
    /// The schema now, beside that of the newest complete snapshot.
    pub catalog: Seen<CatalogSeen>,
    /// The key that reads the project; `None`: none was given.
    pub key: Option<KeySeen>,
    /// Every store that snapshots should be in, the first one is where they are read from.
    pub stores: Vec<StoreSeen>,
    /// The scheduled workflow that this runs in; `None`: it runs elsewhere.
    pub schedule: Option<Schedule>,
}

/// The project as it is now.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Every table that a backup would store, by name.
    pub tables: Vec<LiveTable>,
    /// Tables that are left out on purpose.
    pub left_out: Vec<TableName>,
    /// What a backup would not capture now, with the statement that changes it.
    pub missing: Vec<Missing>,
    /// Tables that `service_role` was not granted, as far as that shows.
    pub uncovered: Vec<Uncovered>,
    /// Whether every table of the database shows, and not only those that the Data API does.
    pub sees_all: bool,
    /// Bytes of the whole database, as the plan's limit counts them.
    pub database_bytes: Option<u64>,
    /// Why they do not show.
    pub size_unseen: Option<Unseen>,
}

/// One table as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveTable {
    /// Schema and name.
    pub name: TableName,
    /// Its rows; `None`: counting takes too long, and there is no estimate.
    pub rows: Option<u64>,
    /// They were counted, not estimated.
    pub exact: bool,
    /// Bytes on the project's disk, indexes included.
    pub bytes: Option<u64>,
}

/// A table without a grant to `service_role`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncovered {
    /// Schema and name.
    pub name: TableName,
    /// Backups read it all the same, through SQL.
    pub read_through_sql: bool,
}

/// How the project's services are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Nothing runs: it has to be woken up.
    pub paused: bool,
    /// The project's status, as the Management API names it.
    pub status: Option<String>,
    /// Its services, where they were asked.
    pub services: Vec<ServiceHealth>,
    /// Why nothing can be read from it, if so.
    pub refused: Option<String>,
}

/// One service of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceHealth {
    /// `db`, `rest`, …
    pub name: String,
    /// `ACTIVE_HEALTHY`, `COMING_UP`, `UNHEALTHY`.
    pub status: String,
    /// What is wrong, in the service's words.
    pub error: Option<String>,
}

/// The schema at two moments.
#[derive(Debug, Clone)]
pub struct CatalogSeen {
    /// The snapshot that `then` is from.
    pub since: SnapshotId,
    /// As the snapshot has it.
    pub then: Described,
    /// As it is.
    pub now: Described,
}

/// A schema, as deep as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// Columns of each table: name and type, in order.
    pub tables: BTreeMap<TableName, Vec<(String, String)>>,
    /// Every statement that makes the schema; `None`: only its columns are known.
    pub statements: Option<Vec<String>>,
}

/// A key, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySeen {
    /// What a person calls it.
    pub kind: String,
    /// When it ceases to be valid, if it does.
    pub expires: Option<DateTime<Utc>>,
    /// Why it cannot serve, whatever the server says.
    pub refused: Option<Unseen>,
}

/// One store.
#[derive(Debug, Clone)]
pub struct StoreSeen {
    /// In a few words, without secrets.
    pub place: String,
    /// The newest complete snapshot in it, with the moment in which it was begun.
    pub newest: Seen<Option<(SnapshotId, DateTime<Utc>)>>,
    /// Free bytes; `None`: there is no end to them.
    pub free: Option<Seen<u64>>,
}

/// The scheduled workflow on GitHub that calls this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `owner/name`
    pub repository: String,
    /// The workflow's name or file.
    pub workflow: Option<String>,
    /// Whether anybody can see the repository: only then do schedules end by themselves.
    pub is_public: Option<bool>,
    /// The last commit or other activity in the repository.
    pub last_activity: Option<DateTime<Utc>>,
    /// Whether it is switched on.
    pub is_enabled: Option<bool>,
    /// Why GitHub did not tell.
    pub unseen: Option<Unseen>,
}

impl Unseen {
    /// Nobody gave what it needs.
    pub fn not_given(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, is_failure: false }
    }

    /// It was to be seen, and something broke.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: None, is_failure: true }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
