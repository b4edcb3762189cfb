//! `prune`: observe → plan → show → apply, in every store by itself.

mod apply;
mod observe;

use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::PruneArgs;
use crate::commands::step::of_prune;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{Finding, Freeze, PrunePlan, PruneReport, Reason, Retention, RunStore, Severity};
use crate::render::{self, Palette};
use crate::store::{self, Store};

pub use apply::apply;
pub use observe::plan;

/// A write that goes on for longer is dead.
const LONGEST_WRITE: TimeDelta = TimeDelta::days(1);

/// Runs the command. A store that fails does not stop the others.
pub async fn run(args: &PruneArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = args.project.as_deref().or(config.project_name.as_deref());
    let now = context.clock.now();
    let (mut stores, mut failures) = (Vec::new(), Vec::new());
    for url in &config.stores {
        let store = store::open(url);
        let mut one = RunStore::new(store.describe());
        match prune(store.as_ref(), project, &config.retention, now, args.apply).await {
            Ok(report) => one.prune = Some(report),
            Err(failure) => {
                one.failed = Some(failure.message.clone());
                failures.push(failure);
            }
        }
        stores.push(one);
    }
    if failures.len() == stores.len() {
        return Err(all_failed(failures).into());
    }
    context.hand_over(|| of_prune(&stores));
    show(args, &stores, &failures, context)?;
    Ok(outcome(&stores))
}

/// Plans, and carries it out if it is to be applied. What a person should know about the plan comes first among
/// the findings.
pub(crate) async fn prune(
    store: &dyn Store,
    project: Option<&str>,
    retention: &Retention,
    now: DateTime<Utc>,
    applies: bool,
) -> Result<PruneReport, Failure> {
    let plan = plan(store, project, retention, now).await?;
    let mut report = if applies { apply(store, plan).await? } else { PruneReport::unapplied(plan) };
    report.findings.splice(0..0, judge(&report.plan));
    Ok(report)
}

/// What a person should know about the plan, whatever becomes of it.
fn judge(plan: &PrunePlan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for project in &plan.projects {
        let frozen = |freeze: &Freeze| {
            Finding::error(freeze.code(), project.project.clone(), freeze.to_string()).hint(freeze.hint())
        };
        findings.extend(project.freeze.iter().map(frozen));
        for decision in project.decisions.iter().filter(|d| d.reasons.contains(&Reason::Unreadable)) {
            let subject = format!("{}/{}", project.project, decision.id);
            let message = "it cannot be read, so it is never removed by itself";
            let hint =
                format!("`supabackup verify {}` says more; remove its folder by hand if it is lost", decision.id);
            findings.push(Finding::warning("unreadable", subject, message).hint(hint));
        }
    }
    findings
}

fn show(args: &PruneArgs, stores: &[RunStore], failures: &[Failure], context: &Context) -> anyhow::Result<()> {
    let quiet = context.terminal.quiet;
    let palette = Palette::new(context.terminal.color_on_stdout());
    let says = |report: &PruneReport| !report.findings.is_empty() || report.plan.removals().next().is_some();
    match stores {
        [RunStore { prune: Some(report), .. }] if args.json => render::print(&render::prune_json(report)?)?,
        _ if args.json => render::print(&render::prune_stores_json(stores)?)?,
        [RunStore { prune: Some(report), .. }] if !quiet || says(report) => {
            render::print(&render::prune_human(report, quiet, palette))?;
        }
        [_] => {}
        stores if !quiet || !failures.is_empty() || stores.iter().filter_map(|s| s.prune.as_ref()).any(says) => {
            render::print(&render::prune_stores_human(stores, quiet, palette))?;
        }
        _ => {}
    }
    Ok(())
}

/// One store fails with its own reason.
fn all_failed(mut failures: Vec<Failure>) -> Failure {
    if failures.len() == 1 {
        return failures.remove(0);
    }
    let reasons: Vec<&str> = failures.iter().map(|failure| failure.message.as_str()).collect();
    Failure::failed(format!("every store failed: {}", reasons.join("; ")))
        .hint("`supabackup doctor` checks every store, one by one")
}

/// A frozen project weighs more than a file that would not go, or a store that failed.
fn outcome(stores: &[RunStore]) -> Outcome {
    let reports = || stores.iter().filter_map(|store| store.prune.as_ref());
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    if reports().any(|report| report.plan.is_frozen()) {
        Outcome::Findings
    } else if stores.iter().any(|s| s.failed.is_some()) || reports().any(|r| r.findings.iter().any(is_error)) {
        Outcome::Incomplete
    } else {
        Outcome::Done
    }
}
