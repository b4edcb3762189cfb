//! `list`: the snapshots of a store, or one of them table by table.

use super::choice::chosen;
use super::talk::say;
use crate::cli::{ListArgs, SnapshotChoice};
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::render::{self, Palette};
use crate::snapshot::{list_snapshots, look, whole_manifest};
use crate::store::{self, Store};

/// Runs the command.
pub async fn run(args: &ListArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let store = store::open(&config.store);
    match &args.snapshot {
        Some(choice) => one(args, choice, store.as_ref(), config, context).await?,
        None => all(args, store.as_ref(), context).await?,
    }
    Ok(Outcome::Done)
}

async fn all(args: &ListArgs, store: &dyn Store, context: &Context) -> anyhow::Result<()> {
    let snapshots = list_snapshots(store, args.project.as_deref()).await?;
    if args.json {
        return Ok(render::print(&render::list_json(&snapshots)?)?);
    }
    if snapshots.is_empty() {
        if !context.terminal.quiet {
            say(&format!("{} holds no snapshots", store.describe()));
        }
        return Ok(());
    }
    let palette = Palette::new(context.terminal.color_on_stdout());
    Ok(render::print(&render::list_human(&snapshots, context.clock.now(), palette))?)
}

async fn one(
    args: &ListArgs,
    choice: &SnapshotChoice,
    store: &dyn Store,
    config: &Config,
    context: &Context,
) -> anyhow::Result<()> {
    let keys = chosen(store, args.project.as_deref(), choice, config).await?;
    let (summary, manifest) = look(store, &keys).await?;
    let Some(manifest) = manifest else {
        let reason =
            summary.problem.unwrap_or_else(|| "it has no manifest: the run that wrote it did not end".to_owned());
        let hint = format!("`supabackup verify {}` says more", keys.id());
        return Err(Failure::failed(format!("reading snapshot {}: {reason}", keys.id())).hint(hint).into());
    };
    let (manifest, closed) = whole_manifest(store, &keys, manifest, &config.identities).await;
    if let Some(why) = closed.filter(|_| !context.terminal.quiet) {
        say(&format!("the names of its tables are sealed: {why}"));
    }
    if args.json {
        return Ok(render::print(&render::snapshot_json(&summary, &manifest)?)?);
    }
    let palette = Palette::new(context.terminal.color_on_stdout());
    Ok(render::print(&render::snapshot_human(&summary, &manifest, context.clock.now(), palette))?)
}
