//! After writing: is every row what it should be, do foreign keys hold, and does the next insert work?

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::apply::Apply;
use super::comparison::Sum;
use super::differences::Differences;
use super::planned::Planned;
use super::send::Tally;
use super::work::{Mark, Work};
use crate::config::Config;
use crate::model::{Counts, Finding, RestoreMode, RestoreReport, Severity, TablePlan, TableReport, WriteWay};
use crate::render::plural;
use crate::supabase::sql::{DigestOf, SqlError};

/// Compares every table with what it should be.
pub(super) async fn prove(
    apply: &Apply<'_>,
    planned: &Planned,
    tallies: &[Arc<Tally>],
    config: &Config,
) -> anyhow::Result<Vec<TableReport>> {
    let mut reports = Vec::new();
    for plan in &planned.plan.tables {
        let work = planned.works.iter().position(|work| work.plan.target == plan.target);
        reports.push(match work {
            Some(i) => proven(apply, planned, &planned.works[i], &tallies[i], config).await?,
            None => untouched(plan),
        });
    }
    Ok(reports)
}

/// A table that could not be restored.
fn untouched(plan: &TablePlan) -> TableReport {
    TableReport {
        target: plan.target.clone(),
        done: Counts { snapshot: plan.counts.snapshot, target: plan.counts.target, ..Counts::default() },
        rows_after: None,
        is_equal: None,
        refused: Vec::new(),
        differences: Vec::new(),
        more_differences: 0,
        findings: plan.findings.clone(),
    }
}

async fn proven(
    apply: &Apply<'_>,
    planned: &Planned,
    work: &Work,
    tally: &Tally,
    config: &Config,
) -> anyhow::Result<TableReport> {
    let load = |n: &std::sync::atomic::AtomicU64| n.load(Ordering::Relaxed);
    let refused = tally.refused();
    let planned_counts = work.plan.counts;
    let done = Counts {
        add: load(&tally.added),
        change: load(&tally.changed),
        delete: load(&tally.deleted),
        refused: refused.len() as u64,
        ..planned_counts
    };
    let mut report = TableReport {
        target: work.plan.target.clone(),
        done,
        rows_after: None,
        is_equal: None,
        refused,
        differences: Vec::new(),
        more_differences: 0,
        findings: Vec::new(),
    };
    let dropped = load(&tally.dropped);
    let target = work.plan.target.to_string();
    if load(&tally.unknown) > 0 {
        let message =
            format!("the answers to {} requests were lost: whether they were done shows below", load(&tally.unknown));
        let finding = Finding::warning("answers-lost", &target, message);
        report.findings.push(finding.hint("if rows are missing, run the same command again: it goes on from there"));
    }
    if dropped > 0 {
        let message = format!(
            "the server took {dropped} rows and did not store them: a trigger or a rule dropped them, or they had come meanwhile"
        );
        report.findings.push(Finding::warning("rows-dropped", &target, message));
    }
    if let Some(now) = quick(planned, work).await?
        && work.rows.is_all()
        && Some(now) == work.expected(planned.plan.schema)
    {
        report.rows_after = Some(now.rows);
        report.is_equal = Some(true);
        return Ok(report);
    }
    let Some((comparing, _)) = planned.site.comparing(apply.reader, &work.entry, work, config, true)? else {
        report.findings.push(Finding::error("not-proven", &target, "its rows cannot be read back"));
        return Ok(report);
    };
    let mut bar = apply.progress.table(&work.plan.target, report_rows(work));
    bar.phase("checking");
    let mut now = comparing.compare(&mut |rows, bytes| bar.add(rows, bytes)).await?;
    bar.read_all();
    report.rows_after = Some(now.in_project().rows);
    if work.plan.mode == RestoreMode::InsertMissing {
        now.only_added(|place| work.marks.of(place as u64) == Mark::Add);
    }
    let wrong: u64 = now.wrong(work.plan.mode).iter().sum();
    // with insert-missing, rows that were there and differ are nobody's business
    let is_as_expected =
        work.after().is_none_or(|after| after == now.in_project()) || work.plan.mode != RestoreMode::InsertMissing;
    report.is_equal = Some(wrong == 0 && is_as_expected);
    if wrong > 0 {
        let Differences { named, more, respelled } =
            comparing.differences(&now, work.plan.mode, MOST_DIFFERENCES).await?;
        (report.differences, report.more_differences) = (named, more);
        let are = if wrong == 1 { "is" } else { "are" };
        let message =
            format!("{} {are} not as {} should be", plural(wrong, "row"), if wrong == 1 { "it" } else { "they" });
        let why = why_differs(&work.plan, wrong, respelled, planned.knows(&work.plan.target));
        report.findings.push(Finding::error("differs", &target, message).hint(why));
    } else if !is_as_expected {
        let message = "every row of the snapshot is there, and rows that were not to change did: others wrote to it meanwhile, or a trigger";
        report.findings.push(Finding::warning("moved", &target, message));
        report.is_equal = Some(true);
    }
    Ok(report)
}

/// What a person can do about rows that differ, of which so many are only spelled otherwise.
fn why_differs(plan: &TablePlan, wrong: u64, respelled: u64, is_known: bool) -> String {
    let again = "however often the restore is repeated";
    let table = plan.target.quoted();
    let disable =
        format!("run ALTER TABLE {table} DISABLE TRIGGER USER before and ENABLE TRIGGER USER after the restore");
    let quiet = if plan.way == WriteWay::Api { ", or restore through SQL, where triggers stay quiet" } else { "" };
    if respelled == wrong {
        return format!(
            "these rows hold the same JSON, in the Data API's spelling, and do so {again}: restore through SQL to keep \
             every byte"
        );
    }
    if !plan.triggers.is_empty() {
        let names = plan.triggers.join(", ");
        return format!(
            "the report names them. Triggers fired ({names}): what they change stays changed {again}. To keep the \
             stored values, {disable}{quiet}"
        );
    }
    if is_known {
        return "others wrote to it meanwhile, or rows were refused: the report names them".to_owned();
    }
    format!(
        "the report names them: others wrote to the table meanwhile, rows were refused, or a trigger changed values, \
         which the Data API does not show. What a trigger changes stays changed {again}: then {disable}{quiet}"
    )
}

/// Differences that a report names.
const MOST_DIFFERENCES: usize = 10_000;

fn report_rows(work: &Work) -> Option<u64> {
    work.after().map(|after| after.rows).or(Some(work.entry.rows))
}

/// Rows and digest in one question, where rows are compared as the server prints them.
async fn quick(planned: &Planned, work: &Work) -> anyhow::Result<Option<Sum>> {
    let Some(sql) = &planned.site.sql else { return Ok(None) };
    let names: Vec<String> = work.entry.columns.iter().map(|c| c.name.clone()).collect();
    let is_same = planned.site.tables.get(&work.plan.target).is_some_and(|(_, access)| access.column_names() == names);
    if !is_same || planned.has_children(&work.plan.target) {
        return Ok(None);
    }
    let of = DigestOf {
        table: work.plan.target.clone(),
        columns: None,
        without: Vec::new(),
        printed: planned.site.printed(&work.plan.target),
    };
    match sql.tables.channel().digest(of).await {
        Ok(seen) => Ok(Some(Sum { rows: seen.rows, digest: seen.digest })),
        // it takes too long in one statement: page by page, then
        Err(SqlError::Question(_)) => Ok(None),
        Err(error) => Err(error.failure().into()),
    }
}

/// Whether everything that was planned was done, and nothing is left to do.
pub(super) fn is_complete(report: &RestoreReport) -> bool {
    let whole = |table: &TableReport| {
        table.is_equal == Some(true)
            && table.refused.is_empty()
            && !table.findings.iter().any(|f| f.severity == Severity::Error)
    };
    report.sequences.is_empty() && report.tables.iter().all(whole) && !report.has_errors()
}
