//! What each command takes.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args};

use super::seal::{OpenArgs, SealArgs};
use crate::config::{Flags, help};
use crate::model::{Depth, SnapshotId};

/// How to reach the project.
#[derive(Debug, Args)]
#[command(next_help_heading = "The project")]
pub(super) struct ProjectArgs {
    #[arg(long, value_name = "URL", help = help("url"))]
    url: Option<String>,
    #[arg(long, value_name = "REF", help = help("project_ref"))]
    project_ref: Option<String>,
    #[arg(long = "schema", value_name = "NAME", action = ArgAction::Append, help = help("schemas"))]
    schemas: Vec<String>,
    #[arg(long, value_name = "DURATION", help = help("request_timeout"))]
    request_timeout: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("retries"))]
    retries: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("retry_delay"))]
    retry_delay: Option<String>,
    #[arg(long, value_name = "WAY", help = help("sql"))]
    sql: Option<String>,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup backup --dry-run                         show what would be backed up
  supabackup backup --exclude 'log_*' --schema public
  supabackup backup --store /srv/backups --json

Exits 0 if everything was captured, 3 if something is missing (the report names it), 1 if no snapshot was made.")]
pub struct BackupArgs {
    /// Show the plan (tables, rows, estimated bytes) and store nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the result (or the plan) as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    seal: SealArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What to back up")]
pub(super) struct WhatArgs {
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append, help = help("include"))]
    include: Vec<String>,
    #[arg(long, value_name = "PATTERN", action = ArgAction::Append, help = help("exclude"))]
    exclude: Vec<String>,
    #[arg(long, help = help("only_granted"))]
    only_granted: bool,
    #[arg(long, value_name = "FORMS", action = ArgAction::Append, help = help("artifacts"))]
    artifacts: Vec<String>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "How")]
pub(super) struct HowArgs {
    #[arg(long, value_name = "COUNT", help = help("connections"))]
    connections: Option<String>,
    #[arg(long, value_name = "FORM", help = help("compression"))]
    compression: Option<String>,
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, help = help("compression_level"))]
    compression_level: Option<String>,
    #[arg(long, value_name = "SIZE", help = help("part_size"))]
    part_size: Option<String>,
    #[arg(long, value_name = "SIZE", help = help("page_size"))]
    page_size: Option<String>,
    #[arg(long, value_name = "HOW", help = help("paging"))]
    paging: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("passes"))]
    passes: Option<String>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup verify                     the newest snapshot, every row read back
  supabackup verify --all --depth hashed
  supabackup verify 20261123T031500Z-7f3a
  supabackup verify --restore-into postgres://postgres@localhost:5432/postgres    a restore drill

Exits 0 if nothing is wrong, 3 if the snapshot is intact but was incomplete when it was made, or a drill could not
try everything, 4 if something is wrong: each finding names the file and what to do.")]
pub struct VerifyArgs {
    /// The snapshot's id, or `latest`
    #[arg(default_value = "latest", value_name = "SNAPSHOT")]
    pub snapshot: SnapshotChoice,
    /// Every snapshot
    #[arg(long, conflicts_with = "snapshot")]
    pub all: bool,
    /// How deep to look
    #[arg(long, value_name = "DEPTH", value_parser = depths(), default_value_t)]
    pub depth: Depth,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Print the findings as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[arg(long, value_name = "URL", help_heading = "Restore drill", help = help("restore_server"))]
    restore_into: Option<String>,
    /// Leave the scratch database of a drill there
    #[arg(long, help_heading = "Restore drill")]
    pub keep: bool,
    #[command(flatten)]
    open: OpenArgs,
}

impl VerifyArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("restore_server", &self.restore_into);
        self.open.fill(flags);
    }
}

/// Which snapshot is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotChoice {
    /// The newest one.
    Latest,
    /// This one.
    Id(SnapshotId),
}

impl FromStr for SnapshotChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "latest" { Ok(Self::Latest) } else { text.parse().map(Self::Id) }
    }
}

fn depths() -> impl TypedValueParser<Value = Depth> {
    let words = [
        PossibleValue::new("listed").help("the manifest adds up, every file is there in its size, nothing else is"),
        PossibleValue::new("hashed").help("and every file has its SHA-256"),
        PossibleValue::new("opened")
            .help("and every row is read back; counts and digests are right; SQL and JSON agree"),
    ];
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}

/// Arguments of `list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup list
  supabackup list 20261123T031500Z-7f3a      the tables of one snapshot
  supabackup list --json | jq '.[0]'")]
pub struct ListArgs {
    /// Show what this snapshot holds (an id, or `latest`)
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: Option<SnapshotChoice>,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Print one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub(super) open: OpenArgs,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup sql latest | psql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\"
  supabackup sql latest --table public.orders --data-only > orders.sql
  supabackup sql latest --schema-only

The script is made for psql. Triggers and foreign keys stay quiet while it runs. What acts by itself once it is
there (event triggers, jobs, webhooks) is in no script: --on-purpose prints it.")]
pub struct SqlArgs {
    /// The snapshot's id, or `latest`
    #[arg(default_value = "latest", value_name = "SNAPSHOT")]
    pub snapshot: SnapshotChoice,
    /// Only the definitions: types, tables, functions, keys, policies, grants
    #[arg(long, conflicts_with = "data_only")]
    pub schema_only: bool,
    /// Only the rows, and the positions of sequences
    #[arg(long)]
    pub data_only: bool,
    /// Only these tables, with their own indexes, keys, triggers and policies: `schema.table`
    #[arg(long = "table", value_name = "TABLE", action = ArgAction::Append)]
    pub tables: Vec<String>,
    /// Rows as INSERT instead of COPY: slower, and for programs other than psql too
    #[arg(long, conflicts_with_all = ["schema_only", "on_purpose"])]
    pub inserts: bool,
    /// Only what acts by itself: event triggers, jobs, webhooks
    #[arg(long, conflicts_with_all = ["schema_only", "data_only", "tables"])]
    pub on_purpose: bool,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    #[command(flatten)]
    pub(super) open: OpenArgs,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup schema > schema.sql
  supabackup schema --inferred          as far as the Data API alone tells

Exits 0 if everything that was seen is written, 3 if something is not (it is named on stderr).")]
pub struct SchemaArgs {
    /// Infer it from the Data API's description, even where there is SQL
    #[arg(long)]
    pub inferred: bool,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exits 0 if a backup can run, 4 if something has to be fixed first, 2 if address or key are not given."
)]
pub struct DoctorArgs {
    /// Print the findings as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    project: ProjectArgs,
}

/// Arguments of `helper-sql`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup helper-sql > helper.sql        review it, then run it once in the SQL editor
  supabackup helper-sql --read-only          without the functions that a restore needs
  supabackup helper-sql --uninstall

Only projects without an access token and without postgres-meta need it.")]
pub struct HelperSqlArgs {
    /// Leave out the functions that write: enough for backups
    #[arg(long, conflicts_with = "uninstall")]
    pub read_only: bool,
    /// Print the file that takes the helper away
    #[arg(long)]
    pub uninstall: bool,
}

impl BackupArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        self.project.fill(flags);
        self.what.fill(flags);
        self.how.fill(flags);
        self.seal.fill(flags);
    }
}

impl SchemaArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        self.project.fill(flags);
    }
}

impl DoctorArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        self.project.fill(flags);
    }
}

impl ProjectArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("url", &self.url);
        flags.set("project_ref", &self.project_ref);
        flags.set("schemas", &self.schemas);
        flags.set("request_timeout", &self.request_timeout);
        flags.set("retries", &self.retries);
        flags.set("retry_delay", &self.retry_delay);
        flags.set("sql", &self.sql);
    }
}

impl WhatArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("include", &self.include);
        flags.set("exclude", &self.exclude);
        flags.set("only_granted", self.only_granted.then_some("yes"));
        flags.set("artifacts", &self.artifacts);
    }
}

impl HowArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("connections", &self.connections);
        flags.set("compression", &self.compression);
        flags.set("compression_level", &self.compression_level);
        flags.set("part_size", &self.part_size);
        flags.set("page_size", &self.page_size);
        flags.set("paging", &self.paging);
        flags.set("passes", &self.passes);
    }
}
