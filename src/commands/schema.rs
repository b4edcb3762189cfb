//! `schema`: the project's definition as SQL, read through SQL where there is a way to it, and
//! inferred from the Data API's description where there is none.

use std::io::Write;
use std::sync::Arc;

use super::backup::discover::{Wanted, discover};
use super::channel::{self, Choice};
use super::connect;
use crate::buffers::Buffers;
use crate::cli::SchemaArgs;
use crate::config::{Config, SqlChoice};
use crate::context::Context;
use crate::ddl::{UNKNOWN, inferred, script};
use crate::error::Outcome;
use crate::model::Relation;
use crate::supabase::Client;
use crate::supabase::sql::SqlChannel;

/// Runs the command.
pub async fn run(args: &SchemaArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = config.project()?;
    project.key.check(context.clock.now(), &project.name)?;
    let http = connect::http(config, Buffers::default())?;
    let client = connect::client(config, project, &http)?;
    let exposed = client.exposed_schemas().await.map_err(super::backup::api_failure)?;
    if !args.inferred {
        let choice = channel::choose(config, project, &http, exposed.as_deref()).await;
        choice.check()?;
        if let Some(sql) = &choice.sql {
            return exact(sql.tables.channel().as_ref(), context).await;
        }
        if let Some((_, failure)) = choice.failed().next() {
            return Err(failure.clone().into());
        }
    }
    guessed(config, &client, exposed.as_deref(), context).await
}

async fn exact(channel: &dyn SqlChannel, context: &Context) -> anyhow::Result<Outcome> {
    let facts = channel::facts(channel).await?;
    let script = script(&facts);
    let acting = if script.on_purpose.is_empty() {
        String::new()
    } else {
        let lines: Vec<String> = script.on_purpose.lines().map(|line| format!("-- {line}\n")).collect();
        format!("\n--\n-- What acts by itself, to be run on purpose:\n--\n{}", lines.concat())
    };
    crate::render::print(&format!("{}\n{}\n{}{acting}", script.before, script.sequences, script.after))?;
    let missing: Vec<String> = script.missing.iter().map(|m| format!("{}: {}", m.subject, m.reason)).collect();
    if missing.is_empty() {
        return Ok(Outcome::Done);
    }
    say(context, "not written:", &missing);
    Ok(Outcome::Incomplete)
}

async fn guessed(
    config: &Config,
    client: &Arc<Client>,
    exposed: Option<&[String]>,
    context: &Context,
) -> anyhow::Result<Outcome> {
    let wanted = Wanted { only_granted: false, ..Wanted::of(config, exposed) };
    let found = discover(client, &wanted, &Choice::default()).await?;
    let relations: Vec<Relation> = found.tables.iter().map(|(relation, _)| relation.clone()).collect();
    let mut others: Vec<String> = found.passed_over.iter().map(|p| format!("{}: {}", p.name, p.reason)).collect();
    others.extend(found.missing.iter().map(|m| format!("{}: {}", m.subject, m.reason)));
    crate::render::print(&inferred(&relations, &others))?;
    let mut unknown: Vec<String> = UNKNOWN.iter().map(|u| (*u).to_owned()).collect();
    if config.sql == SqlChoice::Auto {
        unknown.push("`supabackup doctor` says how to give it SQL, which tells all of this".to_owned());
    }
    say(context, "inferred from the Data API alone, which does not tell:", &unknown);
    Ok(Outcome::Incomplete)
}

fn say(context: &Context, title: &str, lines: &[String]) {
    if context.terminal.quiet {
        return;
    }
    let mut err = std::io::stderr().lock();
    // nobody may be left to hear it
    let _ = writeln!(err, "{title}");
    for line in lines {
        let _ = writeln!(err, "  {}", line.replace(char::is_control, " "));
    }
}
