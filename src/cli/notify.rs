//! Whom `run` and `monitor` tell.

use clap::Args;

use crate::config::{Flags, help};

/// Channels and issues.
#[derive(Debug, Args)]
#[command(next_help_heading = "Telling others")]
pub(super) struct NotifyArgs {
    #[arg(long, value_name = "LEVEL", help = help("notify_on"))]
    notify_on: Option<String>,
    #[arg(long, help = help("github_issues"))]
    github_issues: bool,
    #[arg(long, value_name = "LEVEL", help = help("issue_level"))]
    issue_level: Option<String>,
}

impl NotifyArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("notify_on", &self.notify_on);
        flags.set("issue_level", &self.issue_level);
        flags.set("github_issues", self.github_issues.then_some("yes"));
    }
}
