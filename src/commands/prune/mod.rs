//! `prune`: observe → plan → show → apply.

mod apply;
mod observe;

use chrono::TimeDelta;

use crate::cli::PruneArgs;
use crate::config::Config;
use crate::context::Context;
use crate::error::Outcome;
use crate::model::{Finding, Freeze, PrunePlan, PruneReport, Reason, Severity};
use crate::render::{self, Palette};
use crate::store;

pub use apply::apply;
pub use observe::plan;

/// A write that goes on for longer is dead.
const LONGEST_WRITE: TimeDelta = TimeDelta::days(1);

/// Runs the command.
pub async fn run(args: &PruneArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let store = store::open(&config.store);
    let store = store.as_ref();
    let project = args.project.as_deref().or(config.project_name.as_deref());
    let now = context.clock.now();
    let plan = plan(store, project, &config.retention, now).await?;
    let mut report = if args.apply { apply(store, plan).await? } else { PruneReport::unapplied(plan) };
    report.findings.splice(0..0, judge(&report.plan));
    if args.json {
        render::print(&render::prune_json(&report)?)?;
    } else if !context.terminal.quiet || !report.findings.is_empty() || report.plan.removals().next().is_some() {
        let palette = Palette::new(context.terminal.color_on_stdout());
        render::print(&render::prune_human(&report, context.terminal.quiet, palette))?;
    }
    Ok(outcome(&report))
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

/// A frozen project weighs more than a file that would not go.
fn outcome(report: &PruneReport) -> Outcome {
    if report.plan.is_frozen() {
        Outcome::Findings
    } else if report.findings.iter().any(|finding| finding.severity == Severity::Error) {
        Outcome::Incomplete
    } else {
        Outcome::Done
    }
}
