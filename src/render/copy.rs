//! `copy`, and what became of further stores.

use crate::model::{CopiedSnapshot, CopyReport, Finding, ReplicaReport, Severity};
use crate::render::prune::finding_lines;
use crate::render::text::{clean, code, markdown, shorten};
use crate::render::{Palette, age, bytes, plural};

/// What was copied, what was there, and what was left out.
pub fn copy_human(report: &CopyReport, palette: Palette) -> String {
    let mut out = String::new();
    for copied in &report.copied {
        out.push_str(&line(copied, palette));
    }
    for id in &report.there {
        out.push_str(&format!("{id} is there already\n"));
    }
    for left in &report.left_out {
        out.push_str(&format!("{} {}: {}\n", left.id, palette.yellow("NOT copied"), clean(&left.reason)));
    }
    for finding in &report.findings {
        out.push_str(&finding_lines(finding, palette));
    }
    let (copied, there) = (report.copied.len() as u64, report.there.len() as u64);
    out.push_str(&format!("{} copied to {}, {there} there already", plural(copied, "snapshot"), clean(&report.to)));
    match report.left_out.len() {
        0 => out.push('\n'),
        left => out.push_str(&format!(", {left} left out\n")),
    }
    out
}

fn line(copied: &CopiedSnapshot, palette: Palette) -> String {
    let mut out = format!("{} {}: {} sent", copied.id, palette.green("copied"), plural(copied.files, "file"));
    out.push_str(&format!(" ({})", bytes(copied.bytes)));
    if copied.kept > 0 {
        out.push_str(&format!(", {} there from an earlier attempt", plural(copied.kept, "file")));
    }
    if copied.anew {
        out.push_str(", sealed anew or opened; verified");
    }
    out.push('\n');
    out
}

/// One sentence on a further store: `directory /mnt/b is complete: 1 snapshot copied, 3 there`.
pub fn replica_line(report: &ReplicaReport) -> String {
    let mut said = vec![
        format!("{} copied", plural(report.copied.len() as u64, "snapshot")),
        format!("{} there already", report.there),
    ];
    if report.spared > 0 {
        said.push(format!("{} not needed by its retention", report.spared));
    }
    let said = said.join(", ");
    let store = clean(&report.store);
    let why = report.failed.as_ref().map(|why| format!(": {}", shorten(why, 300))).unwrap_or_default();
    match (report.behind(), report.is_complete()) {
        (_, true) => format!("{store} is complete: {said}"),
        (None, false) => format!("{store} could not be brought up to date{why}"),
        (Some(behind), false) => format!(
            "{store} is behind by {}, the newest of them taken {}{why}; {said}",
            plural(behind.snapshots, "snapshot"),
            age(behind.newest, report.at)
        ),
    }
}

/// The lines of a further store for a terminal.
pub fn replica_human(report: &ReplicaReport, palette: Palette) -> String {
    let mark = if report.is_complete() { palette.green("replica") } else { palette.yellow("replica") };
    let mut out = format!("{mark} {}\n", replica_line(report));
    for finding in &report.findings {
        out.push_str(&finding_lines(finding, palette));
    }
    out
}

/// The lines of a further store for a job summary.
pub fn replica_md(report: &ReplicaReport) -> String {
    let mut out = format!("- {}\n", markdown(&replica_line(report)));
    for finding in &report.findings {
        let mark = if finding.severity == Severity::Error { "**error**" } else { "note" };
        out.push_str(&format!("  - {mark} {}: {}\n", code(&finding.subject, false), markdown(&said(finding))));
    }
    for lacking in report.lacking.iter().take(20) {
        out.push_str(&format!("  - lacks {}\n", code(lacking.id.as_str(), false)));
    }
    out
}

fn said(finding: &Finding) -> String {
    match &finding.hint {
        Some(hint) => format!("{}; {hint}", finding.message),
        None => finding.message.clone(),
    }
}

/// The item of a further store for a browser.
pub fn replica_html(report: &ReplicaReport) -> maud::Markup {
    maud::html! {
        li class=(if report.is_complete() { "good" } else { "bad" }) {
            (replica_line(report))
            @if !report.findings.is_empty() {
                ul { @for finding in &report.findings { li { code { (clean(&finding.subject)) } ": " (clean(&said(finding))) } } }
            }
        }
    }
}
