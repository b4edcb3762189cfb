//! Arguments: one struct per command, no logic. Flags that are settings stay texts here, in
//! [`Flags`]; `config` checks them together with environment and file, and its table gives the help.

mod args;
mod copy;
mod dashboard;
mod keep;
mod monitor;
mod more;
mod notify;
mod restore;
mod run;
mod seal;

use std::convert::Infallible;
use std::ffi::OsString;
use std::str::FromStr;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::config::{Flags, Need, help};
use crate::error::Failure;

pub use args::{BackupArgs, DoctorArgs, HelperSqlArgs, ListArgs, SchemaArgs, SnapshotChoice, SqlArgs, VerifyArgs};
pub use copy::{CopyArgs, RecompressArgs};
pub use dashboard::DashboardArgs;
pub use keep::{PinArgs, PruneArgs, UnpinArgs};
pub use monitor::MonitorArgs;
pub use more::arguments;
pub use restore::RestoreArgs;
pub use run::RunArgs;

/// Lossless, verified, restorable backups of a Supabase project over nothing but HTTPS.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true, after_help = AFTER)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    global: Global,
}

const AFTER: &str = "\
Examples:
  export SUPABASE_URL=https://abcdefghijklmnopqrst.supabase.co SUPABASE_SECRET_KEY=sb_secret_…
  supabackup doctor                 check credentials, permissions and limits
  supabackup backup                 back up into ./backups
  supabackup verify latest          prove that it can be read back
  supabackup run                    all that a schedule needs: back up, verify, prune, report
  supabackup restore                put rows back: asks, shows what will happen, then asks again

Exit codes:
  0  done
  1  failed
  2  wrong usage or configuration
  3  done, but incomplete: what is missing is named
  4  findings at error level

Keys are taken from the environment only. Every setting: docs/configuration.md";

/// One verb each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Back up, verify, prune, report: what a schedule calls
    Run(Box<RunArgs>),
    /// Back up the project into the store
    Backup(Box<BackupArgs>),
    /// Prove that snapshots can be read back, whole and unchanged
    Verify(VerifyArgs),
    /// Put rows of a snapshot back into a project
    Restore(Box<RestoreArgs>),
    /// List the snapshots of the store, or what one of them holds
    List(ListArgs),
    /// Watch the project and its snapshots: findings, tables, trends
    Monitor(Box<MonitorArgs>),
    /// Write all that as one page for a browser, with the history
    Dashboard(Box<DashboardArgs>),
    /// Remove the snapshots that the rules of retention do not keep
    Prune(Box<PruneArgs>),
    /// Compress older snapshots again, harder
    Recompress(RecompressArgs),
    /// Keep a snapshot whatever the rules say
    Pin(PinArgs),
    /// Take the pin of a snapshot away
    Unpin(UnpinArgs),
    /// Copy verified snapshots to another store
    Copy(Box<CopyArgs>),
    /// Print a snapshot as one SQL script for psql
    Sql(SqlArgs),
    /// Print the project's definition as SQL
    Schema(SchemaArgs),
    /// Check address, key, permissions and limits before the first run
    Doctor(DoctorArgs),
    /// Print the SQL file that lets a backup see the whole database through the Data API
    HelperSql(HelperSqlArgs),
}

/// Flags that every command knows.
#[derive(Debug, Args)]
struct Global {
    #[arg(long, global = true, value_name = "FILE", help = help("config"))]
    config: Option<String>,
    #[arg(long, global = true, value_name = "STORE", action = ArgAction::Append, help = help("store"))]
    store: Vec<String>,
    #[arg(long, global = true, value_name = "HOW", help = help("progress"))]
    progress: Option<String>,
    #[arg(long, short, global = true, help = help("quiet"))]
    quiet: bool,
    #[arg(long, global = true, help = "No colours [NO_COLOR]")]
    no_color: bool,
    /// Takes every flag that a key might be given by, in order to refuse it without repeating it.
    #[arg(
        long = "secret-key", global = true, hide = true, num_args = 0..=1, default_missing_value = "", action = ArgAction::Append,
        aliases = ["key", "api-key", "apikey", "service-key", "service-role-key", "supabase-key", "access-token",
                   "token", "secret", "password", "passphrase", "identity", "heartbeat-url", "webhook-url",
                   "webhook-secret", "slack-url", "discord-url", "teams-url", "github-token"],
    )]
    refused: Vec<Refused>,
}

/// A value that is dropped where it is read.
#[derive(Debug, Clone)]
struct Refused;

impl FromStr for Refused {
    type Err = Infallible;
    fn from_str(_: &str) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

impl Cli {
    /// Reads the command line. The error prints itself and knows its exit code; it is the caller's
    /// to hide whatever secret a person typed.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(arguments)
    }

    /// Whether colours were switched off.
    pub fn no_color(&self) -> bool {
        self.global.no_color
    }

    /// The command's name, as it was typed.
    pub fn verb(&self) -> &'static str {
        match self.command {
            Command::Run(_) => "run",
            Command::Backup(_) => "backup",
            Command::Verify(_) => "verify",
            Command::Restore(_) => "restore",
            Command::List(_) => "list",
            Command::Monitor(_) => "monitor",
            Command::Dashboard(_) => "dashboard",
            Command::Prune(_) => "prune",
            Command::Recompress(_) => "recompress",
            Command::Pin(_) => "pin",
            Command::Unpin(_) => "unpin",
            Command::Copy(_) => "copy",
            Command::Sql(_) => "sql",
            Command::Schema(_) => "schema",
            Command::Doctor(_) => "doctor",
            Command::HelperSql(_) => "helper-sql",
        }
    }

    /// Whether the command can do without a project.
    pub fn need(&self) -> Need {
        match self.command {
            Command::Run(_) | Command::Backup(_) | Command::Restore(_) => Need::Project,
            Command::Doctor(_) | Command::Schema(_) => Need::Project,
            Command::Verify(_) | Command::List(_) | Command::Sql(_) | Command::HelperSql(_) => Need::Store,
            Command::Prune(_) | Command::Pin(_) | Command::Unpin(_) | Command::Monitor(_) => Need::Store,
            Command::Copy(_) | Command::Recompress(_) | Command::Dashboard(_) => Need::Store,
        }
    }

    /// Whether the command uses the first of several stores only.
    pub fn reads_one_store(&self) -> bool {
        matches!(
            self.command,
            Command::Verify(_) | Command::List(_) | Command::Sql(_) | Command::Restore(_) | Command::Copy(_)
        )
    }

    /// The flags that are settings. Refuses keys: every user of the machine can read a command line.
    pub fn flags(&self) -> Result<Flags, Failure> {
        if !self.global.refused.is_empty() {
            let hint = "set SUPABASE_SECRET_KEY (or SUPABASE_ACCESS_TOKEN, SUPABACKUP_PASSPHRASE, SUPABACKUP_IDENTITY, \
                        SUPABACKUP_HEARTBEAT_URL, …) in the environment instead, and consider this key as seen by others";
            return Err(
                Failure::usage("a key cannot be given as a flag: every user of this machine can read it").hint(hint)
            );
        }
        let mut flags = Flags::default();
        let global = &self.global;
        flags.set("config", &global.config);
        flags.set("store", &global.store);
        flags.set("progress", &global.progress);
        flags.set("quiet", global.quiet.then_some("yes"));
        match &self.command {
            Command::Run(args) => args.fill(&mut flags),
            Command::Backup(args) => args.fill(&mut flags),
            Command::Restore(args) => {
                args.check()?;
                args.fill(&mut flags);
            }
            Command::Doctor(args) => args.fill(&mut flags),
            Command::Schema(args) => args.fill(&mut flags),
            Command::Prune(args) => args.fill(&mut flags),
            Command::Monitor(args) => args.fill(&mut flags),
            Command::Dashboard(args) => args.fill(&mut flags),
            Command::Pin(_) | Command::Unpin(_) | Command::HelperSql(_) => {}
            Command::Verify(args) => args.fill(&mut flags),
            Command::List(args) => args.open.fill(&mut flags),
            Command::Sql(args) => args.open.fill(&mut flags),
            Command::Copy(args) => args.fill(&mut flags),
            Command::Recompress(args) => args.fill(&mut flags),
        }
        Ok(flags)
    }
}

#[cfg(test)]
mod tests;
