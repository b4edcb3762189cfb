//! `run`: what a schedule calls. One lease, and then
//!
//! observe → back up → verify → prune → recompress → replicate → report
//!
//! Nothing is removed before the new snapshot was read back from the stores that have it.

mod dry;
mod output;
mod stages;
mod told;
mod trends;

use std::sync::Arc;

use crate::cli::RunArgs;
use crate::commands::dashboard::after_run;
use crate::commands::guard;
use crate::commands::lease::{Asked, Leases};
use crate::commands::tell::Teller;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{Finding, RunFailure, RunReport, RunState, RunStore, Severity, TOOL, look_of};
use crate::notify::Beat;
use crate::store::Several;

use stages::Stages;
use told::{Told, note};

/// Runs the command.
pub async fn run(args: &RunArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = config.project()?;
    project.key.check(context.clock.now(), &project.name)?;
    if args.dry_run {
        return dry::run(args, config, context).await;
    }
    output::prepare(config)?;
    let told = Told::new(config)?;
    let mut teller = Teller::new(config, false)?;
    let stores = Arc::new(Several::new(config.stores.iter().map(crate::store::open)));
    tokio::select! {
        allowed = guard::keep_out(&stores, config) => allowed?,
        signal = context.stop.wait() => return Err(stopped(signal, "before it began").into()),
    }
    let asked = tokio::select! {
        asked = Leases::take(&stores, &project.name, config.wait, context) => asked,
        signal = context.stop.wait() => return Err(stopped(signal, "before it began").into()),
    };
    let (leases, held) = match asked {
        // the run that is at work is the one that a monitor hears of
        Ok(Asked::Busy(failure)) => return Err(failure.into()),
        Ok(Asked::Held(leases)) => (Some(leases), Ok(())),
        Err(error) => (None, Err(error)),
    };
    let mut report = begun(&project.name, context, &stores);
    let starts = note(&report);
    let mut stages = Stages { config, context, stores: &stores, report: &mut report, seal: None };
    let (is_told, ended) = tokio::join!(told.tell(Beat::Start, &starts), async {
        match (&leases, held) {
            (Some(leases), Ok(())) => stages.run(leases).await,
            (_, held) => held,
        }
    });
    stages.name_failed();
    let seal = stages.seal.take();
    report.findings.extend(is_told);
    let error = ended.err();
    report.failure = error.as_ref().map(failure);
    report.finished = context.clock.now();
    settle(&mut report, error.as_ref());
    output::store(&mut report, &stores, seal.as_ref()).await;
    if let Some(leases) = leases {
        report.findings.extend(leases.release().await);
    }
    if let Some(finding) = after_run(config, context, page_findings(&report)).await {
        report.findings.push(finding);
    }
    report.findings.extend(output::write(&report, config));
    settle(&mut report, error.as_ref());
    let written = report.findings.len();
    let beat = if report.state == RunState::Done { Beat::Success } else { Beat::Fail };
    report.findings.extend(told.tell(beat, &note(&report)).await);
    let not_told = teller.tell(&report.project, "run", vec![look_of(&report)], context).await;
    report.findings.extend(not_told);
    if report.findings.len() > written {
        settle(&mut report, error.as_ref());
        report.findings.extend(output::write(&report, config));
    }
    output::show(&report, args, config, context)?;
    match error {
        Some(error) => Err(error),
        None => Ok(outcome(report.state)),
    }
}

/// A report of which nothing is known yet.
fn begun(project: &str, context: &Context, stores: &Several) -> RunReport {
    let now = context.clock.now();
    RunReport {
        tool: TOOL.to_owned(),
        project: project.to_owned(),
        started: now,
        finished: now,
        state: RunState::Failed,
        exit_code: RunState::Failed.exit_code(),
        failure: None,
        snapshot: None,
        stores: stores.all().map(|store| RunStore::new(store.describe())).collect(),
        replicas: Vec::new(),
        trends: Vec::new(),
        findings: Vec::new(),
    }
}

/// What the page says of a run, beside what the watch sees.
fn page_findings(report: &RunReport) -> Vec<Finding> {
    let failed = report.failure.iter().map(|failure| {
        let finding = Finding::error("run-failed", "the last run", &failure.message);
        finding.hint(failure.hint.as_deref().unwrap_or("`supabackup doctor` checks what a run needs"))
    });
    failed.chain(report.findings_from(Severity::Warning).cloned()).collect()
}

fn failure(error: &anyhow::Error) -> RunFailure {
    let hint = Failure::of(error).and_then(|failure| failure.hint.clone());
    RunFailure { message: format!("{error:#}"), hint }
}

/// Puts the worst first, and draws the conclusion.
fn settle(report: &mut RunReport, error: Option<&anyhow::Error>) {
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    report.state = report.judged();
    report.exit_code = error.and_then(Failure::of).map_or_else(|| report.state.exit_code(), Failure::exit_code);
}

fn outcome(state: RunState) -> Outcome {
    match state {
        RunState::Done => Outcome::Done,
        RunState::Incomplete | RunState::Failed => Outcome::Incomplete,
        RunState::Findings => Outcome::Findings,
    }
}

fn stopped(signal: &str, when: &str) -> Failure {
    Failure::failed(format!("stopped by {signal}: {when}")).hint("run it again; it goes on from what is there")
}
