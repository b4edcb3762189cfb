//! `schema`: the project's definition as SQL, read through SQL where there is a way to it, and
//! inferred from the Data API's description where there is none.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use super::backup::discover::{Wanted, discover};
use super::channel::{self, Choice};
use super::connect;
use super::talk::talk;
use crate::buffers::Buffers;
use crate::cli::SchemaArgs;
use crate::config::{Config, SqlChoice};
use crate::context::Context;
use crate::ddl::{UNKNOWN, inferred, script};
use crate::error::Outcome;
use crate::model::Relation;
use crate::stdio::Script;
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
    print(&format!("{}\n{}\n{}{acting}", script.before, script.sequences, script.after), context)?;
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
    print(&inferred(&relations, &others), context)?;
    let mut unknown: Vec<String> = UNKNOWN.iter().map(|u| (*u).to_owned()).collect();
    if config.sql == SqlChoice::Auto {
        unknown.push("`supabackup doctor` says how to give it SQL, which tells all of this".to_owned());
    }
    say(context, "inferred from the Data API alone, which does not tell:", &unknown);
    Ok(Outcome::Incomplete)
}

/// That nobody reads it to its end is no error.
fn print(script: &str, context: &Context) -> io::Result<()> {
    let mut out = Script::new(context.step.is_some())?;
    match out.write_all(script.as_bytes()).and_then(|()| out.end()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn say(context: &Context, title: &str, lines: &[String]) {
    talk(context, title);
    for line in lines {
        talk(context, &format!("  {line}"));
    }
}
