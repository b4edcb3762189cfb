//! What each command hands over: what needs a person, and nothing that is expected.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::context::Context;
use crate::model::{
    CopyReport, Finding, Manifest, NOT_CHECKED, Output, PruneReport, RecompressReport, RestorePlan, RestoreReport,
    RunReport, RunStore, Severity, StepReport, Totals, Verified, WatchReport,
};
use crate::render;
use crate::snapshot::SnapshotKeys;
use crate::store::{StoreOutcome, StoreUrl};

fn of_snapshot(report: StepReport, project: &str, id: impl ToString, totals: Totals) -> StepReport {
    report
        .with(Output::Project, project)
        .with(Output::Snapshot, id)
        .with(Output::Tables, totals.tables)
        .with(Output::Rows, totals.rows)
        .with(Output::Bytes, totals.stored_bytes)
}

/// With the path of a report, as the other steps of the job know it.
fn at(report: StepReport, path: Option<PathBuf>, context: &Context) -> StepReport {
    let path = path.filter(|path| path.exists());
    match (path, &context.step) {
        (Some(path), Some(step)) => report.with(Output::Report, step.path(&path).display()),
        _ => report,
    }
}

/// With the path of the dashboard, where one was written.
fn with_page(report: StepReport, findings: &[Finding], config: &Config, context: &Context) -> StepReport {
    let is_written = findings.iter().all(|finding| finding.code != "dashboard-not-written");
    let path = config.dashboard.as_ref().filter(|path| is_written && path.exists());
    match (path, &context.step) {
        (Some(path), Some(step)) => report.with(Output::Dashboard, step.path(path).display()),
        _ => report,
    }
}

/// A file of a snapshot in the first store that is a directory.
fn in_directory(config: &Config, folder: &str, file: &str) -> Option<PathBuf> {
    config.stores.iter().find_map(|store| match store {
        StoreUrl::Directory(path) => Some(path.join(folder).join(file)),
        _ => None,
    })
}

/// Of a run.
pub(crate) fn of_run(report: &RunReport, config: &Config, context: &Context) -> StepReport {
    let summary = render::run_md(report);
    let told = StepReport::new(summary, report.findings.iter().cloned()).with(Output::Project, &report.project);
    let told = with_page(told, &report.findings, config, context);
    let Some(snapshot) = &report.snapshot else { return told };
    let told = of_snapshot(told, &report.project, &snapshot.id, snapshot.totals);
    let folder = format!("{}/{}", report.project, snapshot.id);
    let beside = || in_directory(config, &folder, "run/report.html").filter(|_| !snapshot.sealed);
    at(told, config.report_dir.as_deref().map(|place: &Path| place.join("run.html")).or_else(beside), context)
}

/// Of a backup.
pub(crate) fn of_backup(
    manifest: &Manifest,
    outcomes: &[StoreOutcome],
    keys: &SnapshotKeys,
    config: &Config,
    context: &Context,
) -> StepReport {
    let missing = manifest.missing.iter().map(|missing| {
        let hint = "`supabackup doctor` says what a backup of it needs";
        Finding::warning("missing", &missing.subject, &missing.reason).hint(missing.fix.as_deref().unwrap_or(hint))
    });
    let failed = outcomes.iter().filter_map(|store| {
        let error = store.failed.as_ref()?;
        let hint = error.hint().unwrap_or("`supabackup doctor` checks every store, one by one").to_owned();
        Some(Finding::error("store-failed", &store.store, error.to_string()).hint(hint))
    });
    let told = StepReport::new(render::backup_report_md(manifest), failed.chain(missing));
    let told = of_snapshot(told, keys.project(), &manifest.snapshot, manifest.totals);
    let path = in_directory(config, &keys.folder(), "report.html").filter(|_| manifest.sealed.is_none());
    at(told, path, context)
}

/// Of a plan that was only shown. `missing`: what it could not do.
pub(crate) fn of_plan(verb: &str, plan: &str, missing: &[crate::model::Missing]) -> StepReport {
    let findings = missing.iter().map(|missing| Finding::warning("missing", &missing.subject, &missing.reason));
    StepReport::new(render::plan_md(verb, plan), findings)
}

/// Of a verification.
pub(crate) fn of_verify(verified: &[Verified]) -> StepReport {
    let several = verified.len() > 1;
    let findings = verified.iter().flat_map(|one| {
        one.findings.iter().map(move |finding| {
            let mut finding = finding.clone();
            if several {
                finding.subject = format!("{}, {}", one.id, finding.subject);
            }
            finding
        })
    });
    let told = StepReport::new(render::verified_md(verified), findings);
    let [one] = verified else { return told };
    told.with(Output::Project, &one.project)
        .with(Output::Snapshot, &one.id)
        .with(Output::Tables, one.tables)
        .with(Output::Rows, one.rows)
}

/// Standing remarks of the watch, which say the same every day: they are in the summary.
const STANDING: [&str; 3] = [NOT_CHECKED, "blind-spot", "restore-unproven"];

/// Of the watch.
pub(crate) fn of_watch(report: &WatchReport, config: &Config, context: &Context) -> StepReport {
    let is_new = |f: &&Finding| f.severity > Severity::Info || !STANDING.contains(&f.code.as_str());
    let told = StepReport::new(render::watch_md(report), report.findings.iter().filter(is_new).cloned());
    let told = told.with(Output::Project, &report.project).with(Output::Tables, report.tables.len());
    let told = with_page(told, &report.findings, config, context);
    match report.rows {
        Some(rows) => told.with(Output::Rows, rows),
        None => told,
    }
}

/// Of a checkup: that all is well is expected.
pub(crate) fn of_doctor(findings: &[Finding]) -> StepReport {
    let needs = findings.iter().filter(|finding| finding.severity > Severity::Info);
    StepReport::new(render::checkup_md(findings), needs.cloned())
}

/// Of a prune of all stores.
pub(crate) fn of_prune(stores: &[RunStore]) -> StepReport {
    let of = |store: &RunStore| -> Vec<Finding> {
        let failed = store.failed.as_ref().map(|why| Finding::error("store-failed", &store.store, why));
        let found = store.prune.iter().flat_map(|report: &PruneReport| report.findings.iter().cloned());
        failed.into_iter().chain(found).collect()
    };
    StepReport::new(render::prune_md(stores), stores.iter().flat_map(of))
}

/// Of a restore: rows are counted, and not named.
pub(crate) fn of_restore(report: &RestoreReport) -> StepReport {
    let of_tables = report.tables.iter().flat_map(|table| {
        let refused = (!table.refused.is_empty()).then(|| {
            let message = format!("the database refused {}", render::plural(table.refused.len() as u64, "row"));
            Finding::error("rows-refused", table.target.to_string(), message)
        });
        let differs = (table.is_equal == Some(false)).then(|| {
            Finding::error("rows-differ", table.target.to_string(), "after the restore it is not what it should be")
        });
        refused.into_iter().chain(differs).chain(table.findings.iter().cloned())
    });
    let needs = report.findings.iter().cloned().chain(of_tables).filter(|f| f.severity > Severity::Info);
    let plan = &report.plan;
    let left = report.sequences.iter().map(|left| {
        let message = format!("the sequence of {} stands where the next insert fails", left.column);
        Finding::warning("sequence-left", left.table.to_string(), message)
            .hint("the report has the statement that moves it")
    });
    StepReport::new(render::restore_summary_md(report), needs.chain(left).collect::<Vec<_>>())
        .with(Output::Project, &plan.to.name)
        .with(Output::Snapshot, &plan.snapshot)
        .with(Output::Tables, report.tables.len())
        .with(Output::Rows, report.totals().writes())
}

/// Of a restore that was only planned.
pub(crate) fn of_restore_plan(plan: &RestorePlan, shown: &str) -> StepReport {
    let needs = plan.all_findings().filter(|finding| finding.severity > Severity::Info);
    StepReport::new(render::plan_md("restore", shown), needs.cloned())
        .with(Output::Project, &plan.to.name)
        .with(Output::Snapshot, &plan.snapshot)
        .with(Output::Tables, plan.tables.len())
}

/// Of copies.
pub(crate) fn of_copy(report: &CopyReport) -> StepReport {
    let left = report.left_out.iter().map(|left| Finding::warning("not-copied", left.id.to_string(), &left.reason));
    StepReport::new(render::copy_md(report), report.findings.iter().cloned().chain(left))
}

/// Of snapshots that were compressed again.
pub(crate) fn of_recompress(report: &RecompressReport) -> StepReport {
    StepReport::new(render::recompressed_md(report), report.findings.iter().cloned())
}
