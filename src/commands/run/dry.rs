//! `run --dry-run`: the plan of the backup, and what a prune would do with what is there now.

use serde_json::json;

use crate::cli::RunArgs;
use crate::commands::backup::{Observed, output::plan_text};
use crate::commands::prune::prune;
use crate::commands::step::of_plan;
use crate::commands::talk::talk;
use crate::commands::tell::Teller;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{PruneReport, RunStore};
use crate::render::{self, Palette};
use crate::snapshot::projects;
use crate::store::Store;

use super::stopped;

/// Shows both; nothing is written anywhere, and nobody is told.
pub(super) async fn run(args: &RunArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    tokio::select! {
        outcome = show(args, config, context) => outcome,
        signal = context.stop.wait() => Err(stopped(signal, "nothing was to be done").into()),
    }
}

async fn show(args: &RunArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let teller = Teller::new(config, false)?;
    let plan = Observed::look(config, context).await?.plan();
    let project = config.project()?;
    let mut stores = Vec::new();
    for url in &config.stores {
        let store = crate::store::open(url);
        let mut one = RunStore::new(store.describe());
        match pruned(store.as_ref(), &project.name, config, context).await {
            Ok(prune) => one.prune = prune,
            Err(failure) => one.failed = Some(failure.message),
        }
        stores.push(one);
    }
    context.hand_over(|| {
        let pruned = render::prune_stores_human(&stores, context.terminal.quiet, Palette::default());
        of_plan("run", &format!("{}\n{pruned}", plan_text(&plan)), &plan.missing)
    });
    if args.json {
        let document = json!({ "backup": plan, "stores": stores });
        render::print(&(serde_json::to_string_pretty(&document)? + "\n"))?;
    } else {
        let palette = Palette::new(context.terminal.color_on_stdout());
        let pruned = render::prune_stores_human(&stores, context.terminal.quiet, palette);
        render::print(&format!("{}\nas the stores are now, without the new snapshot:\n{pruned}", plan_text(&plan)))?;
    }
    if let Some(audience) = teller.audience() {
        talk(context, &format!("told of what a run finds: {audience}"));
    }
    let is_frozen = |store: &RunStore| store.prune.as_ref().is_some_and(|prune| prune.plan.is_frozen());
    Ok(if stores.iter().any(is_frozen) {
        Outcome::Findings
    } else if !plan.missing.is_empty() || stores.iter().any(|store| store.failed.is_some()) {
        Outcome::Incomplete
    } else {
        Outcome::Done
    })
}

/// `None`: the store holds nothing of the project yet.
async fn pruned(
    store: &dyn Store,
    project: &str,
    config: &Config,
    context: &Context,
) -> Result<Option<PruneReport>, Failure> {
    if !projects(store).await?.iter().any(|known| known == project) {
        return Ok(None);
    }
    prune(store, Some(project), &config.retention, context.clock.now(), false).await.map(Some)
}
