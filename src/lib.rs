//! supabackup: lossless, verified, restorable backups of a Supabase project over nothing but HTTPS.
//!
//! # The tour
//!
//! A **project** has a [catalog](model::Catalog) of tables. A backup reads every **row** as the text
//! that Postgres prints ([`supabase`]), writes it as COPY text and as JSON Lines ([`mod@format`]),
//! compresses and hashes it ([`seal`]) into **parts** of bounded size, and puts these into a
//! **store** ([`store`]). The **manifest** ([`model::Manifest`]) is written last: then there is a
//! **snapshot** ([`snapshot`]).
//!
//! The path of a row is one direction through five rooms: [`supabase`] → [`mod@format`] → [`seal`] →
//! [`snapshot`] → [`store`].
//!
//! The **watch** sees all of that at one moment ([`model::Observation`]), and [`check`] says what is wrong with it.
//!
//! # Who may know whom
//!
//! Everything may name [`model`]; `model` names nobody. [`mod@format`], [`seal`], [`ddl`] and [`check`] are pure. The edges
//! [`supabase`], [`store`], [`notify`] and [`psql`] never name each other; only [`commands`] knows them, and only
//! [`snapshot`] knows both `seal` and `store`. A test reads the sources and holds them to this.

pub mod ask;
pub mod buffers;
pub mod check;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod context;
pub mod ddl;
pub mod error;
pub mod format;
pub mod github;
pub mod http;
pub mod model;
pub mod notify;
pub mod progress;
pub mod psql;
pub mod render;
pub mod seal;
pub mod snapshot;
pub mod stdio;
pub mod store;
pub mod supabase;

pub use commands::step::close as close_step;

use std::ffi::OsString;
use std::path::Path;

use crate::cli::{Cli, Command};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};

/// One run: all settings checked, then the command. Nothing is sent or written before every mistake
/// in flags, environment and file has been found.
pub async fn run(
    cli: Cli,
    vars: impl IntoIterator<Item = (OsString, OsString)>,
    mut context: Context,
) -> anyhow::Result<Outcome> {
    let config = Config::load(cli.need(), &cli.flags()?, vars, Path::new("."))?;
    context.terminal.quiet = config.quiet;
    if let Some(step) = &context.step {
        step.wants(config.annotations, config.job_summary);
    }
    if let Some(at) = config.clock {
        context.clock = Clock::running_from(at);
        stdio::say(&format!("the clock is set to {at} by SUPABACKUP_CLOCK, which is for tests"));
    }
    if let (false, true, [first, _, ..]) = (config.quiet, cli.reads_one_store(), config.stores.as_slice()) {
        stdio::say(&format!("using {first}, the first of {} stores", config.stores.len()));
    }
    match &cli.command {
        // ends in its own way when it is asked to stop: what it has written must be cleared away
        Command::Backup(args) => commands::backup::run(args, &config, &context).await,
        // ends in its own way too: somebody is to be told, and a lease is to be given up
        Command::Run(args) => commands::run::run(args, &config, &context).await,
        // and so is what it has written
        Command::Restore(args) => commands::restore::run(args, &config, &context).await,
        // a drill ends in its own way: the database that it made must be dropped
        Command::Verify(args) if config.restore_into.is_some() => commands::verify::run(args, &config, &context).await,
        Command::Verify(args) => or_stop(&context, commands::verify::run(args, &config, &context)).await,
        Command::List(args) => or_stop(&context, commands::list::run(args, &config, &context)).await,
        // ends in its own way when it is asked to stop: a watch has nothing to clear away
        Command::Monitor(args) => commands::monitor::run(args, &config, &context).await,
        Command::Dashboard(args) => or_stop(&context, commands::dashboard::run(args, &config, &context)).await,
        Command::Prune(args) => or_stop(&context, commands::prune::run(args, &config, &context)).await,
        Command::Recompress(args) => or_stop(&context, commands::recompress::run(args, &config, &context)).await,
        Command::Pin(args) => or_stop(&context, commands::pin::pin(args, &config, &context)).await,
        Command::Unpin(args) => or_stop(&context, commands::pin::unpin(args, &config, &context)).await,
        Command::Copy(args) => or_stop(&context, commands::copy::run(args, &config, &context)).await,
        Command::Sql(args) => or_stop(&context, commands::sql::run(args, &config, &context)).await,
        Command::Schema(args) => or_stop(&context, commands::schema::run(args, &config, &context)).await,
        Command::Doctor(args) => or_stop(&context, commands::doctor::run(args, &config, &context)).await,
        Command::HelperSql(args) => commands::helper_sql::run(args),
    }
}

/// For commands that may be dropped at any moment.
async fn or_stop(context: &Context, command: impl Future<Output = anyhow::Result<Outcome>>) -> anyhow::Result<Outcome> {
    tokio::select! {
        outcome = command => outcome,
        signal = context.stop.wait() => Err(Failure::failed(format!("stopped by {signal}")).into()),
    }
}
