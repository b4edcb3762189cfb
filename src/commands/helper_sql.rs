//! `helper-sql`: prints one SQL file for a person to review and run.

use crate::cli::HelperSqlArgs;
use crate::error::Outcome;
use crate::render;
use crate::supabase::sql::{install_sql, uninstall_sql};

/// Runs the command.
pub fn run(args: &HelperSqlArgs) -> anyhow::Result<Outcome> {
    render::print(&if args.uninstall { uninstall_sql() } else { install_sql(args.read_only) })?;
    Ok(Outcome::Done)
}
