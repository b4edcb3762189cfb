//! Arguments of the commands that decide what stays.

use clap::Args;

use crate::cli::SnapshotChoice;
use crate::config::{Flags, help};

/// Arguments of `prune`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup prune                                  show what would stay and what would go, and why
  supabackup prune --apply
  supabackup prune --retention production --keep-yearly 5

Only complete snapshots that were verified as opened count as good. The newest good one, the floor and pinned ones
are never removed, and nothing is removed of a project that looks wrong.

Exits 0 if all is well (also if a store refuses to let go of a snapshot: that is said), 3 if something could not be
removed, 4 if a project is frozen, 1 if the store could not be read.")]
pub struct PruneArgs {
    /// Remove what goes; without it only the plan is shown
    #[arg(long)]
    pub apply: bool,
    /// Show the plan and remove nothing, which is the default
    #[arg(long, short = 'n', conflicts_with = "apply")]
    pub dry_run: bool,
    /// Only this project: its folder's name in the store [default: the project in the environment, or all]
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Print the plan, and what came of it, as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What to keep")]
pub(super) struct RulesArgs {
    #[arg(long, value_name = "PROFILE", help = help("retention"))]
    retention: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("keep_within"))]
    keep_within: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_at_most"))]
    keep_at_most: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_hourly"))]
    keep_hourly: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_daily"))]
    keep_daily: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_weekly"))]
    keep_weekly: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_monthly"))]
    keep_monthly: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_yearly"))]
    keep_yearly: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("keep_floor"))]
    keep_floor: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("keep_incomplete"))]
    keep_incomplete: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("keep_safety"))]
    keep_safety: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("freeze_after"))]
    freeze_after: Option<String>,
    #[arg(long, value_name = "PERCENT", help = help("freeze_rows"))]
    freeze_rows: Option<String>,
    #[arg(long, value_name = "PERCENT", help = help("freeze_tables"))]
    freeze_tables: Option<String>,
}

/// Arguments of `pin`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup pin 20261123T031500Z-7f3a --note 'before the migration'
  supabackup pin latest")]
pub struct PinArgs {
    /// The snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: SnapshotChoice,
    /// What it is kept for; `list` shows it
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
}

/// Arguments of `unpin`.
#[derive(Debug, Args)]
pub struct UnpinArgs {
    /// The snapshot's id, or `latest`
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: SnapshotChoice,
    /// Only snapshots of this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
}

impl PruneArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        self.rules.fill(flags);
    }
}

impl RulesArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        let rules = self;
        for (name, value) in [
            ("retention", &rules.retention),
            ("keep_within", &rules.keep_within),
            ("keep_at_most", &rules.keep_at_most),
            ("keep_hourly", &rules.keep_hourly),
            ("keep_daily", &rules.keep_daily),
            ("keep_weekly", &rules.keep_weekly),
            ("keep_monthly", &rules.keep_monthly),
            ("keep_yearly", &rules.keep_yearly),
            ("keep_floor", &rules.keep_floor),
            ("keep_incomplete", &rules.keep_incomplete),
            ("keep_safety", &rules.keep_safety),
            ("freeze_after", &rules.freeze_after),
            ("freeze_rows", &rules.freeze_rows),
            ("freeze_tables", &rules.freeze_tables),
        ] {
            flags.set(name, value);
        }
    }
}
