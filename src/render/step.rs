//! Summaries for a job's page, of commands that leave no document: what needs a person first, then the rest. No name
//! may leave its place.

use crate::model::{
    CopyReport, Decision, Finding, NOT_CHECKED, PrunePlan, RecompressReport, RunStore, Severity, TableStatus, Verified,
    WatchReport,
};
use crate::render::chart::chart_md;
use crate::render::prune::{balance, last_line};
use crate::render::recompress::recompress_md;
use crate::render::text::{REASON, code, markdown, shorten, within_of};
use crate::render::watch::{percent, word};
use crate::render::{Palette, bytes, count, plural, time, verified_summary};

/// Bytes that one list may take; the few there are stay below 1 MiB.
const BUDGET: usize = 150 << 10;
/// What holds everything.
const WHOLE: &str = "the output of `--json`";

/// A finding as an item of a list.
pub(super) fn finding_md(finding: &Finding) -> String {
    let mark = match finding.severity {
        Severity::Error => "**error**",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let hint =
        finding.hint.as_ref().map(|hint| format!("\n  {}", markdown(&shorten(hint, REASON)))).unwrap_or_default();
    format!(
        "- {mark} {}: {}{hint}\n",
        code(&shorten(&finding.subject, REASON), false),
        markdown(&shorten(&finding.message, REASON))
    )
}

/// `2 errors, 1 warning`; nothing where there are none.
fn needs<'f>(findings: impl Iterator<Item = &'f Finding> + Clone) -> Option<String> {
    let of = |severity| findings.clone().filter(|finding| finding.severity == severity).count() as u64;
    match (of(Severity::Error), of(Severity::Warning)) {
        (0, 0) => None,
        (0, warnings) => Some(plural(warnings, "warning")),
        (errors, 0) => Some(plural(errors, "error")),
        (errors, warnings) => Some(format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))),
    }
}

fn findings_md(findings: &[&Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    format!("\n## Findings\n\n{}", within_of(WHOLE, BUDGET, findings, |finding| finding_md(finding)))
}

/// Of `monitor`.
pub fn watch_md(report: &WatchReport) -> String {
    let state = needs(report.findings.iter()).map_or_else(|| "all is well".to_owned(), |needs| format!("**{needs}**"));
    let mut out = format!("# Watch of {}: {state}\n\nAt {}", code(&report.project, false), time(report.at));
    if let Some(rows) = report.rows {
        let tables = plural(report.tables.len() as u64, "table");
        out.push_str(&format!(": {} in {tables}", plural(rows, "row")));
    }
    if let Some(size) = report.database_bytes {
        out.push_str(&format!(", a database of {}", bytes(size)));
    }
    out.push_str(".\n");
    let is_blind = |finding: &&Finding| finding.code == NOT_CHECKED && finding.severity == Severity::Info;
    let (blind, said): (Vec<&Finding>, Vec<&Finding>) = report.findings.iter().partition(is_blind);
    out.push_str(&findings_md(&said));
    let points: Vec<_> =
        report.snapshots.iter().filter(|point| point.is_complete()).map(|point| (point.started, point.rows)).collect();
    let chart = chart_md("Rows by snapshot", "rows", &points);
    if !chart.is_empty() {
        out.push_str(&format!("\n## Rows\n\n{chart}"));
    }
    if !report.tables.is_empty() {
        out.push_str("\n## Tables\n\n| Table | Rows | Day | Week | Trend | State |\n|:--|--:|--:|--:|:--|:--|\n");
        out.push_str(&within_of(WHOLE, BUDGET * 2, &report.tables, table_md));
    }
    if !blind.is_empty() {
        out.push_str("\n## Not checked\n\n");
        out.push_str(&within_of(WHOLE, BUDGET / 2, &blind, |finding| finding_md(finding)));
    }
    out
}

fn table_md(status: &TableStatus) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} |\n",
        code(&shorten(&status.name.to_string(), REASON), true),
        status.rows.map_or_else(|| "-".to_owned(), count),
        percent(status.daily),
        percent(status.weekly),
        status.shape.word(),
        word(status.state)
    )
}

/// Of `doctor`.
pub fn checkup_md(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count() as u64;
    let state = match errors {
        0 => "a backup can run".to_owned(),
        _ => format!("**{} must be fixed**", plural(errors, "thing")),
    };
    let mut out = format!("# Doctor: {state}\n");
    let (good, looks): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.severity == Severity::Info);
    out.push_str(&findings_md(&looks));
    if !good.is_empty() {
        out.push_str("\n## What was looked at\n\n");
        out.push_str(&within_of(WHOLE, BUDGET, &good, |finding| {
            format!("- {}\n", markdown(&shorten(&finding.message, REASON)))
        }));
    }
    out
}

/// Of `verify`.
pub fn verified_md(verified: &[Verified]) -> String {
    let damaged = verified.iter().filter(|one| !one.intact()).count() as u64;
    let state = match (damaged, verified.iter().all(|one| one.complete)) {
        (0, true) => "intact".to_owned(),
        (0, false) => "intact, but **incomplete**".to_owned(),
        _ => format!("**{} not as it should be**", plural(damaged, "snapshot")),
    };
    let mut out = format!("# Verification: {state}\n\n");
    out.push_str(&within_of(WHOLE, BUDGET, verified, |one| {
        format!("- {}\n", markdown(&verified_summary(one, Palette::default())))
    }));
    let findings: Vec<&Finding> = verified.iter().flat_map(|one| &one.findings).collect();
    out.push_str(&findings_md(&findings));
    out
}

/// Of `prune`.
pub fn prune_md(stores: &[RunStore]) -> String {
    let applied = stores.iter().filter_map(|store| store.prune.as_ref()).any(|report| report.applied);
    let mut out = format!("# Prune: {}\n", if applied { "applied" } else { "what would be removed" });
    for store in stores {
        out.push_str(&format!("\n## {}\n\n", code(&store.store, false)));
        if let Some(why) = &store.failed {
            out.push_str(&format!("**Failed:** {}\n", markdown(&shorten(why, REASON))));
        }
        let Some(report) = &store.prune else { continue };
        for finding in &report.findings {
            out.push_str(&finding_md(finding));
        }
        for project in &report.plan.projects {
            out.push_str(&format!("\n{}: {}\n", code(&project.project, false), balance(project)));
            out.push_str("\n| | Snapshot | Size | Why |\n|:--|:--|--:|:--|\n");
            out.push_str(&within_of(WHOLE, BUDGET / 2, &project.decisions, decision_md));
        }
        out.push_str(&format!("\n{}", markdown(&last_line(report, Palette::default()))));
    }
    out
}

/// A snapshot that stays or goes, as a row of a table.
pub(super) fn decision_md(decision: &Decision) -> String {
    let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
    let verb = if decision.keep { "keep" } else { "**remove**" };
    let why = markdown(&shorten(&reasons.join("; "), REASON));
    format!("| {verb} | {} | {} | {why} |\n", code(decision.id.as_str(), true), bytes(decision.bytes))
}

/// Rows of the good snapshots of a project, over days.
pub(super) fn rows_md(plan: &PrunePlan, project: &str) -> String {
    let decisions = plan.projects.iter().filter(|plan| plan.project == project).flat_map(|plan| &plan.decisions);
    let points: Vec<_> = decisions.filter(|one| one.good).map(|one| (one.id.started(), one.rows)).collect();
    chart_md("Rows by snapshot", "rows", &points)
}

/// Of `copy`.
pub fn copy_md(report: &CopyReport) -> String {
    let whole = if report.is_whole() { "done" } else { "**not everything was copied**" };
    let (copied, there) = (plural(report.copied.len() as u64, "snapshot"), count(report.there.len() as u64));
    let (from, to) = (code(&report.from, false), code(&report.to, false));
    let mut out = format!("# Copy: {whole}\n\n{copied} copied from {from} to {to}, {there} there already.\n\n");
    out.push_str(&within_of(WHOLE, BUDGET, &report.copied, |one| {
        format!("- {}: {} ({})\n", code(one.id.as_str(), false), plural(one.files, "file"), bytes(one.bytes))
    }));
    out.push_str(&within_of(WHOLE, BUDGET, &report.left_out, |one| {
        format!("- {} **not copied**: {}\n", code(one.id.as_str(), false), markdown(&shorten(&one.reason, REASON)))
    }));
    let findings: Vec<&Finding> = report.findings.iter().collect();
    out.push_str(&findings_md(&findings));
    out
}

/// Of `recompress`.
pub fn recompressed_md(report: &RecompressReport) -> String {
    format!("# Compression of older snapshots\n\n{}", recompress_md(report))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Depth, SnapshotId, TableName};

    /// A name that tries to leave its place, to call somebody, and to link.
    const HOSTILE: &str =
        "x</code><script>|`a`\n# forged @someone owner/x#12 GH-7 https://evil.example www.evil.example [a](b) ![c](d)";

    fn inert(text: &str) {
        // all that is left outside of code has lost its power
        let prose: String = text.split('`').step_by(2).collect();
        for live in ["<script", "\n# forged", "@someone", "x#12", "GH-7", "https://", "www.evil", "[a](", "!["] {
            assert!(!prose.contains(live), "{live}: {text}");
        }
        assert!(text.len() < 1 << 20);
    }

    fn finding() -> Finding {
        Finding::error("x", HOSTILE.replace('`', ""), HOSTILE.replace('`', "")).hint(HOSTILE.replace('`', ""))
    }

    #[test]
    fn hostile_names_are_inert_in_every_summary() {
        let id = SnapshotId::new(chrono::DateTime::UNIX_EPOCH, 7);
        let findings: Vec<Finding> = (0..3000).map(|_| finding()).collect();
        inert(&checkup_md(&findings));
        assert!(checkup_md(&findings).contains("# Doctor: **3,000 things must be fixed**"));
        let verified = Verified {
            project: "p".to_owned(),
            id: id.clone(),
            depth: Depth::Opened,
            complete: true,
            manifest_sha256: Some("x".to_owned()),
            tables: 2,
            rows: 7,
            files: 9,
            bytes_read: 1,
            findings: findings.clone(),
        };
        inert(&verified_md(&[verified]));
        let mut copied = CopyReport::new(HOSTILE.replace('`', ""), "b".to_owned());
        copied.findings.clone_from(&findings);
        inert(&copy_md(&copied));
        let failed = RunStore { failed: Some(HOSTILE.replace('`', "")), ..RunStore::new(HOSTILE.replace('`', "")) };
        inert(&prune_md(&[failed]));
        let table = TableStatus {
            name: TableName::new("public", HOSTILE),
            rows: Some(3),
            is_live: true,
            daily: None,
            weekly: None,
            shape: crate::model::Shape::Unknown,
            state: crate::model::TableState::Ok,
        };
        let report = WatchReport {
            project: HOSTILE.replace('`', ""),
            at: chrono::DateTime::UNIX_EPOCH,
            worst: Some(Severity::Error),
            findings,
            tables: vec![table],
            rows: Some(3),
            database_bytes: Some(9),
            trends: Vec::new(),
            snapshots: Vec::new(),
        };
        let text = watch_md(&report);
        assert!(text.contains("**3,000 errors**") && text.contains("; the output of `--json` names all of them"));
        // a cell keeps its bars
        let cells = text.lines().filter(|line| line.starts_with("| ``")).collect::<Vec<_>>();
        assert!(cells.len() == 1 && cells[0].replace("\\|", "").matches('|').count() == 7, "{cells:?}");
    }
}
