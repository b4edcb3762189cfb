//! Arguments of `run`.

use clap::{ArgAction, Args};

use super::args::{HowArgs, ProjectArgs, WhatArgs};
use super::copy::PressArgs;
use super::keep::RulesArgs;
use super::notify::NotifyArgs;
use super::seal::{OpenArgs, SealArgs};
use crate::config::{Flags, help};

/// Arguments of `run`: those of `backup` and of `prune`, and a few of its own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup run --dry-run                        what would be backed up, and what would be removed
  supabackup run --retention production --report-dir ./report
  supabackup run --store s3://bucket/backups --store /srv/backups --wait 30m

One run at a time for each project: a second one leaves at once, or waits (--wait). Nothing is removed before the
new snapshot was read back. It never asks anything.

Exits 0 if all was done, 3 if something is missing or a store failed, 4 if a snapshot did not verify or the project
is frozen, 1 if no snapshot was made, or another run is at work.")]
pub struct RunArgs {
    /// Show what would be backed up and what would be removed, and do neither
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Print the report (or the plan) as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[arg(long, value_name = "DURATION", help = help("wait"))]
    wait: Option<String>,
    #[arg(long, value_name = "DIRECTORY", help = help("report_dir"))]
    report_dir: Option<String>,
    #[arg(long, value_name = "FILE", help = help("dashboard"))]
    dashboard: Option<String>,
    #[arg(long, value_name = "KIND", help = help("heartbeat"))]
    heartbeat: Option<String>,
    #[arg(long, value_name = "STORE", action = ArgAction::Append, help = help("replicate_to"))]
    replicate_to: Vec<String>,
    #[command(flatten)]
    press: PressArgs,
    #[command(flatten)]
    project: ProjectArgs,
    #[command(flatten)]
    what: WhatArgs,
    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    seal: SealArgs,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    notify: NotifyArgs,
}

impl RunArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("wait", &self.wait);
        flags.set("report_dir", &self.report_dir);
        flags.set("dashboard", &self.dashboard);
        flags.set("heartbeat", &self.heartbeat);
        flags.set("replicate_to", &self.replicate_to);
        self.press.fill(flags);
        self.project.fill(flags);
        self.what.fill(flags);
        self.how.fill(flags);
        self.rules.fill(flags);
        self.seal.fill(flags);
        self.open.fill(flags);
        self.notify.fill(flags);
    }
}
