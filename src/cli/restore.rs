//! What `restore` takes.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args};

use super::SnapshotChoice;
use super::seal::{OpenArgs, SealArgs};
use crate::config::{Flags, help};
use crate::error::Failure;
use crate::model::{ModeChoice, RowChoice, TableChoice, Through};

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Modes, from the one that can do least harm:
  into-empty      adds rows to tables that have none; refuses the others
  insert-missing  adds rows whose key is not there; changes nothing that is
  merge           adds rows, and changes those that differ back; other rows stay
  clear           makes the table equal to the snapshot: deletes the rows that are not in it

Examples:
  supabackup restore                                  asks for everything, shows what will happen, asks again
  supabackup restore latest --dry-run                 what would happen; nothing is written
  supabackup restore --table public.orders --where id=42 --where id=43
  supabackup restore --table public.orders=public.orders_restored --mode into-empty
  supabackup restore latest --mode merge --confirm abcdefghijklmnopqrst        without a terminal, or in CI
  supabackup restore latest --sql > restore.sql       the script instead of the restore

Exits 0 if everything was written and proven, 3 if something was not (the report names it), 1 if the restore
failed, was left or was stopped, 2 if it was asked for in a wrong way.")]
pub struct RestoreArgs {
    /// The snapshot's id, or `latest`; asked for on a terminal, else `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: Option<SnapshotChoice>,
    /// Show what would be done (added, changed, deleted, row by row counted) and write nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the plan (with --dry-run) or the report as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub(super) what: RestoreWhat,
    #[command(flatten)]
    pub(super) how: RestoreHow,
    #[command(flatten)]
    pub(super) target: RestoreTarget,
    #[command(flatten)]
    pub(super) open: OpenArgs,
    #[command(flatten)]
    pub(super) seal: SealArgs,
}

/// What is restored.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to restore")]
pub(super) struct RestoreWhat {
    /// Only this table; `A=B` writes the rows of A into table B. Repeatable
    #[arg(long = "table", value_name = "TABLE[=TABLE]", action = ArgAction::Append)]
    tables: Vec<TableChoice>,
    /// Only tables of this schema of the snapshot. Repeatable
    #[arg(long = "schema", value_name = "NAME", action = ArgAction::Append, value_delimiter = ',')]
    schemas: Vec<String>,
    /// Only rows with this value: `COLUMN=VALUE`, or `SCHEMA.TABLE:COLUMN=VALUE` for one table. Repeatable:
    /// of one column any of the values, of several columns all of them
    #[arg(long = "where", value_name = "COLUMN=VALUE", action = ArgAction::Append)]
    rows: Vec<RowChoice>,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Do not make missing tables from the snapshot's definition
    #[arg(long)]
    no_schema: bool,
}

/// How it is restored.
#[derive(Debug, Args)]
#[command(next_help_heading = "How")]
pub(super) struct RestoreHow {
    /// What to do with rows (see below), for all tables or with `TABLE=MODE` for one. Repeatable
    #[arg(long = "mode", value_name = "[TABLE=]MODE", action = ArgAction::Append)]
    modes: Vec<ModeChoice>,
    /// The way by which rows are written
    #[arg(long, value_name = "WAY", value_parser = ways(), default_value_t)]
    through: Through,
    /// The ref of the project that is written into: needed where nobody can be asked
    #[arg(long, value_name = "REF")]
    confirm: Option<String>,
    /// Use a snapshot that is incomplete or was found damaged; never in mode clear
    #[arg(long)]
    accept_incomplete: bool,
    /// Go on after a row that the database refuses; every such row is listed, and the exit code is 3
    #[arg(long)]
    keep_going: bool,
    /// Go on with a restore that was cut off
    #[arg(long)]
    resume: bool,
    #[arg(long, value_name = "COUNT", help = help("connections"))]
    connections: Option<String>,
}

/// How to reach the project.
#[derive(Debug, Args)]
#[command(next_help_heading = "The project to write into")]
pub(super) struct RestoreTarget {
    #[arg(long, value_name = "URL", help = help("url"))]
    url: Option<String>,
    #[arg(long, value_name = "REF", help = help("project_ref"))]
    project_ref: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("request_timeout"))]
    request_timeout: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("retries"))]
    retries: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("retry_delay"))]
    retry_delay: Option<String>,
    #[arg(
        long, value_name = "WAY", num_args = 0..=1, require_equals = true,
        help = "Alone: print the SQL that would restore, instead of running it. `--sql=WAY`: how SQL reaches the \
                database: auto, management, meta, helper, none [SUPABACKUP_SQL]"
    )]
    sql: Option<Option<String>>,
}

fn ways() -> impl TypedValueParser<Value = Through> {
    let words = [
        PossibleValue::new("auto").help("SQL where there is a way to send it, the Data API elsewhere"),
        PossibleValue::new("api").help("the Data API: triggers fire, foreign keys are checked row by row"),
        PossibleValue::new("sql").help("SQL over HTTPS: triggers stay quiet, every column can be written"),
    ];
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}

impl RestoreArgs {
    /// The tables that were named; none: all of the chosen schemas.
    pub fn tables(&self) -> &[TableChoice] {
        &self.what.tables
    }

    /// The schemas that were named; none: all.
    pub fn schemas(&self) -> &[String] {
        &self.what.schemas
    }

    /// The rows that were named; none: all.
    pub fn rows(&self) -> &[RowChoice] {
        &self.what.rows
    }

    /// The folder of the project in the store whose snapshots are meant.
    pub fn project(&self) -> Option<&str> {
        self.what.project.as_deref()
    }

    /// Missing tables are not made.
    pub fn no_schema(&self) -> bool {
        self.what.no_schema
    }

    /// The modes that were named; none: asked for on a terminal, else insert-missing.
    pub fn modes(&self) -> &[ModeChoice] {
        &self.how.modes
    }

    /// The way by which rows are written.
    pub fn through(&self) -> Through {
        self.how.through
    }

    /// The project that a person says they mean. An empty text counts as nothing, as in `--confirm "$REF"`
    /// where the variable is unset.
    pub fn confirm(&self) -> Option<&str> {
        self.how.confirm.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }

    /// A snapshot that is incomplete or damaged may be used.
    pub fn accept_incomplete(&self) -> bool {
        self.how.accept_incomplete
    }

    /// A refused row does not end the run.
    pub fn keep_going(&self) -> bool {
        self.how.keep_going
    }

    /// A restore that was cut off goes on.
    pub fn resume(&self) -> bool {
        self.how.resume
    }

    /// `--sql` alone: the script is printed instead of being run.
    pub fn prints_script(&self) -> bool {
        matches!(self.target.sql, Some(None))
    }

    /// Whether everything that can be asked for was said, so that only the confirmation is left.
    pub fn says_everything(&self) -> bool {
        self.snapshot.is_some() && (!self.tables().is_empty() || !self.schemas().is_empty()) && !self.modes().is_empty()
    }

    /// What contradicts itself.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.prints_script() {
            let other = [("--json", self.json), ("--dry-run", self.dry_run), ("--resume", self.resume())];
            if let Some((flag, _)) = other.into_iter().find(|(_, given)| *given) {
                return Err(Failure::usage(format!("--sql prints a script, and {flag} asks for something else"))
                    .hint("write --sql=WAY to choose how SQL reaches the database"));
            }
        }
        let named: Vec<&TableChoice> = self.tables().iter().collect();
        for (i, choice) in named.iter().enumerate() {
            if named[..i].iter().any(|other| other.source == choice.source && other.target == choice.target) {
                return Err(Failure::usage(format!("table {} is chosen twice", choice.source)));
            }
            let into = choice.target.as_ref();
            if into.is_some() && named[..i].iter().any(|other| other.target.as_ref() == into) {
                return Err(Failure::usage(format!(
                    "rows of two tables would go into one: {}",
                    into.map(ToString::to_string).unwrap_or_default()
                )));
            }
        }
        Ok(())
    }

    pub(super) fn fill(&self, flags: &mut Flags) {
        let target = &self.target;
        flags.set("url", &target.url);
        flags.set("project_ref", &target.project_ref);
        flags.set("request_timeout", &target.request_timeout);
        flags.set("retries", &target.retries);
        flags.set("retry_delay", &target.retry_delay);
        flags.set("sql", target.sql.iter().flatten());
        flags.set("connections", &self.how.connections);
        self.open.fill(flags);
        self.seal.fill(flags);
    }
}
