//! Arguments of the watch.

use std::time::Duration;

use clap::Args;

use super::args::ProjectArgs;
use super::notify::NotifyArgs;
use super::seal::OpenArgs;
use crate::config::{Flags, help, parse_duration};

/// Arguments of `monitor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup monitor                       look at the project and its snapshots once
  supabackup monitor --watch 5m            again every five minutes, until Ctrl-C
  supabackup monitor --github-issues       keep one issue for each incident; --dry-run shows what it would do
  supabackup monitor --json | jq '.findings[] | select(.severity == \"error\")'

Without the project's address and key it looks at the snapshots alone, and says what it could not check.

Exits 0 if there is no finding at error level, 4 if there is one, 2 if the configuration is wrong. Every check,
its severity and its limits: docs/monitoring.md")]
pub struct MonitorArgs {
    /// Look again and again, until Ctrl-C: every minute, or as often as is said
    #[arg(long, value_name = "EVERY", num_args = 0..=1, default_missing_value = "1m", value_parser = every)]
    pub watch: Option<Duration>,
    /// Only this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Show who would be told what, and tell nobody
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print everything as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[arg(long, value_name = "FILE", help = help("dashboard"))]
    dashboard: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    of_project: ProjectArgs,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    notify: NotifyArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What is allowed")]
pub(super) struct LimitArgs {
    #[arg(long, value_name = "DURATION", help = help("history"))]
    history: Option<String>,
    #[arg(long, value_name = "DURATION", help = help("max_age"))]
    max_age: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("max_rows"))]
    max_rows: Option<String>,
    #[arg(long, value_name = "COUNT", help = help("max_total_rows"))]
    max_total_rows: Option<String>,
    #[arg(long, value_name = "PERCENT", help = help("daily_growth"))]
    daily_growth: Option<String>,
    #[arg(long, value_name = "PERCENT", help = help("weekly_growth"))]
    weekly_growth: Option<String>,
    #[arg(long, value_name = "PERCENT", help = help("max_shrink"))]
    max_shrink: Option<String>,
    #[arg(long, value_name = "SIZE", help = help("max_snapshot_size"))]
    max_snapshot_size: Option<String>,
    #[arg(long, value_name = "SIZE", help = help("max_database_size"))]
    max_database_size: Option<String>,
}

fn every(text: &str) -> Result<Duration, String> {
    let every = parse_duration(text)?;
    let range = Duration::from_secs(1)..=Duration::from_secs(86_400);
    if range.contains(&every) { Ok(every) } else { Err(format!("{text} is not between 1s and 1d")) }
}

impl MonitorArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("dashboard", &self.dashboard);
        self.of_project.fill(flags);
        self.open.fill(flags);
        self.notify.fill(flags);
        self.limits.fill(flags);
    }
}

impl LimitArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        for (name, value) in [
            ("history", &self.history),
            ("max_age", &self.max_age),
            ("max_rows", &self.max_rows),
            ("max_total_rows", &self.max_total_rows),
            ("daily_growth", &self.daily_growth),
            ("weekly_growth", &self.weekly_growth),
            ("max_shrink", &self.max_shrink),
            ("max_snapshot_size", &self.max_snapshot_size),
            ("max_database_size", &self.max_database_size),
        ] {
            flags.set(name, value);
        }
    }
}
