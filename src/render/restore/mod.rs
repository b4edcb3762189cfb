//! What people read about a restore: what they choose from, what will be done, what was done.

mod choices;
mod html;
mod markdown;
mod plan;
mod report;

use crate::model::{Counts, Finding, RestoreMode, RestorePlan, RestoreReport, Severity, TableReport};
use crate::render::columns::wrapped;
use crate::render::text::clean;
use crate::render::{Palette, count, plural};

pub use choices::{last_word, not_offered, snapshot_choices, table_choices};
pub use html::restore_report_html;
pub use markdown::{restore_report_md, restore_summary_md};
pub use plan::restore_plan_human;
pub use report::restore_report_human;

/// A mode in one line.
pub fn mode_line(mode: RestoreMode) -> &'static str {
    match mode {
        RestoreMode::IntoEmpty => "adds rows to tables that have none; refuses the others",
        RestoreMode::InsertMissing => "adds rows whose key is not there; changes nothing that is",
        RestoreMode::Merge => "adds rows, changes those that differ back; other rows stay",
        RestoreMode::Clear => "makes tables equal to the snapshot; deletes all other rows",
    }
}

/// `1,200 rows to add, 1 to change, 2 to delete`; the words are given.
fn effect(counts: &Counts, add: &str, change: &str, delete: &str) -> String {
    format!(
        "{} {add}, {} {change} and {} {delete}",
        plural(counts.add, "row"),
        count(counts.change),
        count(counts.delete)
    )
}

/// Where rows come from and go to, where that is not the same project.
fn other_project(plan: &RestorePlan) -> Option<String> {
    plan.is_other_project.then(|| {
        format!(
            "The snapshot was taken of project {}. Its rows go into another project: {}.",
            clean(&plan.from.name),
            clean(&plan.to.name)
        )
    })
}

/// Whether the rows are what they should be, in a word.
fn proof(table: &TableReport) -> String {
    match (table.is_equal, table.done.kept) {
        (Some(true), 0) => "equal".to_owned(),
        // the mode leaves them alone: that is as planned, and no equality
        (Some(true), kept) => format!("equal but {} kept", count(kept)),
        (Some(false), _) => "DIFFERS".to_owned(),
        (None, _) => "not compared".to_owned(),
    }
}

/// Rows that were written or deleted in a second; nothing where it was too short to tell.
fn rate(rows: u64, seconds: f64) -> Option<String> {
    (seconds >= 0.05 && rows > 0).then(|| format!("{} rows/s", count((rows as f64 / seconds).round() as u64)))
}

/// A finding and its hint, within so many columns.
fn finding(finding: &Finding, indent: &str, width: usize, palette: Palette) -> String {
    let mark = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let text = format!("[{}] {}: {}", finding.code, finding.subject, finding.message);
    let plain = wrapped(&format!("{indent}{mark} "), &text, width);
    let painted = match finding.severity {
        Severity::Error => palette.red(mark),
        Severity::Warning => palette.yellow(mark),
        Severity::Info => mark.to_owned(),
    };
    let mut out = plain.replacen(mark, &painted, 1);
    if let Some(hint) = &finding.hint {
        out.push_str(&wrapped(&format!("{indent}  hint: "), hint, width));
    }
    out
}

/// What was found of the run and of its tables.
fn findings(report: &RestoreReport) -> impl Iterator<Item = &Finding> {
    report.findings.iter().chain(report.tables.iter().flat_map(|table| &table.findings))
}

/// A finding on one line, for documents.
fn finding_line(finding: &Finding) -> String {
    let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}: {}{hint}", finding.subject, finding.message)
}
