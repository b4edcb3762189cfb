//! Raw values to checked values, once: flags before environment before file before default. After
//! this room there are only types. Every mistake is found before any of them is told, and none of
//! them repeats a secret.
//!
//! [`SETTINGS`] is the one table of all settings; `docs/configuration.md` is made from it.

mod environment;
mod file;
mod filter;
mod github;
mod key;
mod limits;
mod notify;
mod postgres;
mod project;
mod reader;
mod redact;
mod retention;
mod run;
mod seal;
mod settings;
mod sources;
mod stores;
mod values;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use crate::error::Failure;
use crate::model::{Artifact, HeartbeatKind, IssueRules, Limits, NotifyOn, Recompress, Retention, ServerAddress};
use crate::seal::{Compression, Identities, Method, Recipients, Sealing};
use crate::store::StoreUrl;

pub use filter::{Selection, TableFilter};
pub use key::{ApiKey, KeyKind};
pub use project::ProjectConfig;
pub use redact::{Redactor, redact};
pub use settings::{Kind, SETTINGS, Setting, Unset, help, markdown};
pub use sources::Flags;
pub(crate) use values::duration as parse_duration;

/// Everything a run is told, checked. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// The project, if both its address and a key were given; see [`Config::project`].
    pub project: Option<ProjectConfig>,
    /// The project's name, known from its address or ref even without a key.
    pub project_name: Option<String>,
    /// For the Management API.
    pub access_token: Option<SecretString>,
    /// The Management API's address, without `/v1`.
    pub management_url: String,
    /// The ref that the Management API knows the project by; `None` where nothing says that it is a
    /// hosted project.
    pub management_ref: Option<String>,
    /// How SQL reaches the database.
    pub sql: SqlChoice,
    /// What `service_role` was not granted is left out on purpose.
    pub only_granted: bool,
    /// Where snapshots are read from: the first of [`Config::stores`].
    pub store: StoreUrl,
    /// Where a backup goes: at least one, none twice.
    pub stores: Vec<StoreUrl>,
    /// Where snapshots are copied to, if that was asked for; none twice.
    pub copy_to: Vec<StoreUrl>,
    /// Further stores that each run keeps complete; none twice.
    pub replicate_to: Vec<StoreUrl>,
    /// Plain snapshots may go into repositories that everybody can read.
    pub allow_plaintext: bool,
    /// Which snapshots are compressed again, and how.
    pub recompress: Recompress,
    /// Who may open what is written; nobody: it is not sealed.
    pub recipients: Recipients,
    /// Names of tables stand in no file's name and in no plain file.
    pub seal_manifest: bool,
    /// What opens what is read.
    pub identities: Identities,
    /// Schemas to back up; empty: all that are exposed.
    pub schemas: Vec<String>,
    /// Include patterns as given; empty: every table.
    pub include: Vec<String>,
    /// Exclude patterns as given.
    pub exclude: Vec<String>,
    /// Both of them, compiled.
    pub filter: TableFilter,
    /// Forms to store the rows in: at least one, SQL first, none twice.
    pub artifacts: Vec<Artifact>,
    /// Requests in flight at once, 1 to 32.
    pub connections: usize,
    /// The form of compressed files.
    pub compression: Method,
    /// The level, -7 to 19; of gzip 1 to 9.
    pub compression_level: i32,
    /// Bytes of one part before compression.
    pub part_size: usize,
    /// Bytes that one response should have.
    pub page_size: usize,
    /// How tables are read.
    pub paging: Paging,
    /// Passes over a table that keeps changing before it is marked as moved, at least 1.
    pub passes: u32,
    /// Time limit of one request, body included.
    pub request_timeout: Duration,
    /// How often a request is sent again, after the first time.
    pub retries: u32,
    /// The pause before the first retry.
    pub retry_delay: Duration,
    /// How progress is shown; `None` if `quiet`.
    pub progress: Progress,
    /// Only what needs a person is said.
    pub quiet: bool,
    /// What needs a person becomes annotations of a step.
    pub annotations: bool,
    /// The report is shown on a job's page.
    pub job_summary: bool,
    /// Which snapshots stay.
    pub retention: Retention,
    /// What the watch allows.
    pub limits: Limits,
    /// The scheduled workflow that this is a job of.
    pub workflow: Option<Workflow>,
    /// GitHub, or what is wrong with what the environment says about it: a mistake only to those who use it.
    pub github: Result<crate::github::Settings, String>,
    /// How long a run waits for another one.
    pub wait: Duration,
    /// Who is told when a run starts, succeeds and fails: an `http(s)` URL. It is a secret as a whole.
    pub heartbeat_url: Option<SecretString>,
    /// How it wants to be told; `None`: its address tells.
    pub heartbeat: Option<HeartbeatKind>,
    /// Where a run writes its report.
    pub report_dir: Option<PathBuf>,
    /// The file that the dashboard is written into, if that was asked for.
    pub dashboard: Option<PathBuf>,
    /// How far back it shows snapshots.
    pub dashboard_history: TimeDelta,
    /// The server that a drill restores into.
    pub restore_into: Option<ServerAddress>,
    /// Which channels are told, and when.
    pub channels: ChannelConfig,
    /// Issues on GitHub, and whether they are wanted.
    pub issues: IssueConfig,
    /// The time when the program starts; `None`: the machine's.
    pub clock: Option<DateTime<Utc>>,
}

/// A scheduled workflow on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// `owner/name`
    pub repository: String,
    /// Its name.
    pub name: Option<String>,
    /// The name of its file in `.github/workflows`.
    pub file: Option<String>,
}

/// Who is told what is found. Each address is a secret as a whole.
#[derive(Debug, Clone)]
pub struct ChannelConfig {
    /// When they are told.
    pub on: NotifyOn,
    /// Any program that takes JSON.
    pub webhook: Option<SecretString>,
    /// What messages to it are signed with.
    pub webhook_secret: Option<SecretString>,
    /// An incoming webhook.
    pub slack: Option<SecretString>,
    /// A channel's webhook.
    pub discord: Option<SecretString>,
    /// A workflow of Power Automate.
    pub teams: Option<SecretString>,
}

/// Issues for incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueConfig {
    /// Somebody wants them.
    pub wanted: bool,
    /// Which findings have one, and when an old one serves again.
    pub rules: IssueRules,
    /// The label by which they are found.
    pub label: String,
    /// More labels of a new one.
    pub labels: Vec<String>,
    /// Who a new one is assigned to.
    pub assignees: Vec<String>,
}

/// How tables are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By address where that works, else by key.
    Auto,
    /// By physical address only.
    Ctid,
    /// By key only.
    Keyset,
}

/// How SQL reaches the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlChoice {
    /// The first way that works, or none.
    Auto,
    /// Through the Management API, or the run fails.
    Management,
    /// Through postgres-meta, or the run fails.
    Meta,
    /// Through the helper's functions, or the run fails.
    Helper,
    /// Not at all.
    None,
}

/// How progress is shown, on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere.
    Auto,
    /// Live bars.
    Bars,
    /// A plain line every few seconds.
    Lines,
    /// Nothing.
    None,
}

/// Whether a command can do without a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// It is a mistake to give no address or no key.
    Project,
    /// The store is enough.
    Store,
}

impl Config {
    /// Reads all sources. `directory` is where a configuration file is looked for. The failure
    /// names every mistake at once.
    pub fn load(
        need: Need,
        flags: &Flags,
        vars: impl IntoIterator<Item = (OsString, OsString)>,
        directory: &Path,
    ) -> Result<Self, Failure> {
        reader::load(need, flags, vars, directory)
    }

    /// How files are compressed.
    pub fn compression(&self) -> Compression {
        Compression { method: self.compression, level: self.compression_level }
    }

    /// How a snapshot that is written now is sealed; `None`: not at all.
    pub fn sealing(&self) -> Option<Sealing> {
        Sealing::new(&self.recipients, self.seal_manifest)
    }

    /// The project, or what has to be given for it.
    pub fn project(&self) -> Result<&ProjectConfig, Failure> {
        self.project.as_ref().ok_or_else(|| match self.project_name {
            Some(_) => Failure::usage(reader::NO_KEY),
            None => Failure::usage(reader::NO_ADDRESS),
        })
    }
}

#[cfg(test)]
mod tests;
