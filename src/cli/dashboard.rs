//! Arguments of `dashboard`.

use clap::Args;

use super::args::ProjectArgs;
use super::keep::RulesArgs;
use super::monitor::LimitArgs;
use super::seal::OpenArgs;
use crate::config::{Flags, help};

/// Where the page goes instead of a file.
const STDOUT: &str = "-";

/// Arguments of `dashboard`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  supabackup dashboard                     look at the project and its snapshots, and write ./dashboard.html
  supabackup dashboard site/index.html     into a file that a web server shows
  supabackup run --dashboard site/index.html

The page loads nothing from anywhere and works from a file. It names tables: whoever sees it sees their names.
Without the project's address and key it shows the snapshots alone.

Exits 0 when the page is written, whatever is on it: it is to be published on a bad day too; `monitor` is what exits
4. More: docs/dashboard.md")]
pub struct DashboardArgs {
    #[arg(value_name = "FILE", help = help("dashboard") + " [default: ./dashboard.html; -: stdout]")]
    file: Option<String>,
    /// Only this project: its folder's name in the store
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    rules: RulesArgs,
    #[command(flatten)]
    of_project: ProjectArgs,
    #[command(flatten)]
    open: OpenArgs,
}

impl DashboardArgs {
    /// Whether the page goes to stdout.
    pub fn is_for_stdout(&self) -> bool {
        self.file.as_deref() == Some(STDOUT)
    }

    pub(super) fn fill(&self, flags: &mut Flags) {
        if !self.is_for_stdout() {
            flags.set("dashboard", &self.file);
        }
        self.limits.fill(flags);
        self.rules.fill(flags);
        self.of_project.fill(flags);
        self.open.fill(flags);
    }
}
