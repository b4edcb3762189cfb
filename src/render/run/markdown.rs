//! `run.md`: for job summaries, which take 1 MiB at most.

use super::{kept, kept_of, needs, proof, snapshot_line, table_line, trend_line, when};
use crate::model::{Decision, RunReport, RunState};
use crate::render::copy::replica_md;
use crate::render::step::{decision_md, finding_md, rows_md};
use crate::render::text::{REASON, code, markdown, shorten, within_of};
use crate::render::{duration, time};

/// Bytes that one list may take; with those of a dozen stores it stays below 1 MiB.
const BUDGET: usize = 60 << 10;
/// What holds everything.
const WHOLE: &str = "`run.json`";

/// The report as Markdown.
pub fn run_md(report: &RunReport) -> String {
    let state = if report.state == RunState::Done { "done".to_owned() } else { format!("**{}**", report.state) };
    let took = duration(report.finished - report.started);
    let mut out = format!("# Run of {}: {state}\n\n", code(&report.project, false));
    out.push_str(&match &report.snapshot {
        Some(snapshot) => {
            let whole = if snapshot.complete { "complete" } else { "**incomplete**" };
            format!(
                "Snapshot {}, {whole}: {}. The run took {took}.\n",
                code(snapshot.id.as_str(), false),
                snapshot_line(report)
            )
        }
        None => format!("No snapshot was made, and nothing was removed. The run took {took}.\n"),
    });
    if let Some(failure) = &report.failure {
        out.push_str(&format!("\n**It did not come to its end:** {}\n", markdown(&shorten(&failure.message, REASON))));
        if let Some(hint) = &failure.hint {
            out.push_str(&format!("\n{}\n", markdown(&shorten(hint, REASON))));
        }
    }
    if !report.findings.is_empty() {
        out.push_str(&format!(
            "\n## What needs a person{}\n\n",
            needs(report).map(|n| format!(": {n}")).unwrap_or_default()
        ));
        out.push_str(&within_of(WHOLE, BUDGET, &report.findings, finding_md));
    }
    if !report.trends.is_empty() {
        out.push_str("\n## Against earlier snapshots\n\n");
        for trend in &report.trends {
            let when = when(trend, report);
            out.push_str(&format!("- {when} ({}): {}\n", code(trend.against.as_str(), false), trend_line(trend)));
            out.push_str(&within_of(WHOLE, BUDGET, trend.changed.as_deref().unwrap_or_default(), |table| {
                format!("  - {}: {}\n", code(&table.table.to_string(), false), table_line(table))
            }));
        }
    }
    let plans = report.stores.iter().filter_map(|store| store.prune.as_ref()).map(|prune| &prune.plan);
    let chart = plans.map(|plan| rows_md(plan, &report.project)).find(|chart| !chart.is_empty());
    if let Some(chart) = chart {
        out.push_str(&format!("\n## Rows\n\n{chart}"));
    }
    if !report.stores.is_empty() {
        out.push_str("\n## Stores\n");
    }
    for store in &report.stores {
        let proof = markdown(&shorten(&proof(store), REASON));
        out.push_str(&format!("\n### {}\n\n{proof}\n", markdown(&store.store)));
        let Some(kept) = kept(store) else { continue };
        out.push_str(&format!("\n{kept}.\n\n| | Snapshot | Stored | Why |\n|:--|:--|--:|:--|\n"));
        let plans = store.prune.iter().flat_map(|report| &report.plan.projects);
        let decisions: Vec<&Decision> = plans.flat_map(|plan| &plan.decisions).collect();
        out.push_str(&within_of(WHOLE, BUDGET, &decisions, |decision| decision_md(decision)));
    }
    if !report.replicas.is_empty() {
        out.push_str("\n## Replicas\n\n");
    }
    for replica in &report.replicas {
        out.push_str(&replica_md(&replica.replica));
        if let Some(prune) = &replica.prune {
            out.push_str(&format!("  - {}\n", kept_of(prune)));
        }
    }
    out.push_str(&format!(
        "\n---\n\nFrom {} to {} by {}.\n",
        time(report.started),
        time(report.finished),
        markdown(&report.tool)
    ));
    out
}
