//! The report of a run for a terminal of 80 columns.

use super::{kept, kept_of, proof, snapshot_line, table_line, trend_line, when};
use crate::model::{RunReport, RunState, RunStore};
use crate::render::columns::{columns, flat, wrapped};
use crate::render::copy::replica_line;
use crate::render::prune::{finding_lines, line};
use crate::render::text::clean;
use crate::render::{Palette, duration, plural};

const WIDTH: usize = 80;

/// Tables of a trend that are named; the documents name all.
const TABLES: usize = 10;

/// The report. `quiet`: without what stays as it was.
pub fn run_human(report: &RunReport, quiet: bool, palette: Palette) -> String {
    let state = match report.state {
        RunState::Done => palette.green("done"),
        RunState::Incomplete => palette.yellow("INCOMPLETE"),
        RunState::Findings => palette.red("FINDINGS"),
        RunState::Failed => palette.red("FAILED"),
    };
    let name = palette.bold(&clean(&report.project));
    let mut out = format!("run of {name}: {state} after {}\n", duration(report.finished - report.started));
    for finding in &report.findings {
        out.push_str(&finding_lines(finding, palette));
    }
    let Some(snapshot) = &report.snapshot else {
        out.push_str("no snapshot was made, and nothing was removed\n");
        return out;
    };
    let whole = if snapshot.complete { "complete" } else { "INCOMPLETE" };
    out.push_str(&format!("snapshot {}, {whole}\n", snapshot.id));
    out.push_str(&wrapped("  ", &snapshot_line(report), WIDTH));
    if !quiet {
        out.push_str(&trends(report));
    }
    for store in &report.stores {
        out.push_str(&one(store, quiet, palette));
    }
    for replica in &report.replicas {
        out.push_str(&wrapped("replica ", &replica_line(&replica.replica), WIDTH));
        if let Some(kept) = replica.prune.as_ref().map(kept_of) {
            out.push_str(&format!("  {kept}\n"));
        }
    }
    out
}

fn trends(report: &RunReport) -> String {
    let mut out = String::new();
    for trend in &report.trends {
        let when = when(trend, report);
        out.push_str(&wrapped("  ", &format!("{when} ({}): {}", trend.against, trend_line(trend)), WIDTH));
        let tables = trend.changed.as_deref().unwrap_or_default();
        for table in tables.iter().take(TABLES) {
            let change = table_line(table);
            let room = WIDTH.saturating_sub(columns(&change) + "    : ".len()).max(12);
            out.push_str(&wrapped("    ", &format!("{}: {change}", flat(&table.table.to_string(), room)), WIDTH));
        }
        if let Some(more) = tables.len().checked_sub(TABLES).filter(|more| *more > 0) {
            out.push_str(&format!("    … and {}\n", plural(more as u64, "more table")));
        }
    }
    out
}

fn one(store: &RunStore, quiet: bool, palette: Palette) -> String {
    let mut out = format!("{}\n", palette.bold(&clean(&store.store)));
    out.push_str(&wrapped("  ", &proof(store), WIDTH));
    let plans = store.prune.iter().flat_map(|report| &report.plan.projects);
    for decision in plans.flat_map(|plan| &plan.decisions).filter(|decision| !quiet || !decision.keep) {
        for text in line(decision, WIDTH - 2, palette).lines() {
            out.push_str(&format!("  {text}\n"));
        }
    }
    if let Some(kept) = kept(store) {
        out.push_str(&format!("  {kept}\n"));
    }
    out
}
