//! `schema`: the project's definition as SQL.

use std::io::Write;
use std::sync::Arc;

use super::backup::connect;
use super::backup::discover::{Wanted, discover};
use crate::buffers::Buffers;
use crate::cli::SchemaArgs;
use crate::config::{Config, Paging};
use crate::context::Context;
use crate::ddl::{UNKNOWN, inferred};
use crate::error::Outcome;
use crate::model::Relation;

/// Runs the command.
pub async fn run(_args: &SchemaArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = config.project()?;
    project.key.check(context.clock.now(), &project.name)?;
    let client = Arc::new(connect(config, project, Buffers::default())?);
    let wanted = Wanted {
        schemas: &config.schemas,
        filter: &config.filter,
        include: &config.include,
        force_keyset: config.paging == Paging::Keyset,
        connections: config.connections,
    };
    let found = discover(&client, &wanted).await?;
    let relations: Vec<Relation> = found.tables.iter().map(|(relation, _)| relation.clone()).collect();
    let others: Vec<String> = found.passed_over.iter().map(|p| format!("{}: {}", p.name, p.reason)).collect();
    crate::render::print(&inferred(&relations, &others))?;
    if !context.terminal.quiet {
        let mut err = std::io::stderr().lock();
        // nobody may be left to hear it
        let _ = writeln!(err, "inferred from the Data API alone; it does not tell:");
        UNKNOWN.iter().for_each(|unknown| {
            let _ = writeln!(err, "  {unknown}");
        });
    }
    Ok(Outcome::Incomplete)
}
