//! `prune`: one line per snapshot with the reasons, then what has to be looked at, then the sum.

use crate::model::{Decision, Finding, ProjectPlan, PruneReport, RunStore, Severity};
use crate::render::columns::wrapped;
use crate::render::text::clean;
use crate::render::{Palette, bytes, plural};

const WIDTH: usize = 80;

/// The plan, and what came of it. `quiet`: only what goes, and what a person should know.
pub fn prune_human(report: &PruneReport, quiet: bool, palette: Palette) -> String {
    let mut out = String::new();
    let several = report.plan.projects.len() > 1;
    for project in &report.plan.projects {
        if several {
            out.push_str(&format!("{}\n", palette.bold(&clean(&project.project))));
        }
        for decision in project.decisions.iter().filter(|decision| !quiet || !decision.keep) {
            out.push_str(&line(decision, WIDTH, palette));
        }
        out.push_str(&format!("{}{}\n", balance(project), if several { "\n" } else { "" }));
    }
    for finding in &report.findings {
        out.push_str(&finding_lines(finding, palette));
    }
    out.push_str(&last_line(report, palette));
    out
}

/// Several stores, each below its name.
pub fn prune_stores_human(stores: &[RunStore], quiet: bool, palette: Palette) -> String {
    let mut out = String::new();
    for store in stores {
        out.push_str(&format!("{}\n", palette.bold(&clean(&store.store))));
        out.push_str(&match (&store.prune, &store.failed) {
            (Some(report), _) => prune_human(report, quiet, palette),
            (None, Some(why)) => {
                let text = format!("FAILED: {}", clean(why));
                wrapped("", &text, WIDTH).replacen("FAILED", &palette.red("FAILED"), 1)
            }
            (None, None) => "holds nothing of this project yet\n".to_owned(),
        });
    }
    out
}

/// A decision in lines of at most so many columns.
pub(super) fn line(decision: &Decision, width: usize, palette: Palette) -> String {
    let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
    let (verb, painted) =
        if decision.keep { ("keep  ", "keep  ".to_owned()) } else { ("remove", palette.yellow("remove")) };
    let text = wrapped(&format!("{verb} {}  ", decision.id), &reasons.join("; "), width);
    text.replacen(verb, &painted, 1)
}

/// How many stay and how many go.
pub(super) fn balance(project: &ProjectPlan) -> String {
    let count = |keep: bool| project.decisions.iter().filter(|d| d.keep == keep).count() as u64;
    let good = project.decisions.iter().filter(|d| d.good && d.keep).count();
    let size: u64 = project.decisions.iter().filter(|d| !d.keep).map(|d| d.bytes).sum();
    let frozen = if project.freeze.is_empty() { "" } else { "; FROZEN" };
    format!("{} ({good} good), {} ({}){frozen}", stay(count(true)), go(count(false)), bytes(size))
}

fn stay(number: u64) -> String {
    format!("{} {}", plural(number, "snapshot"), if number == 1 { "stays" } else { "stay" })
}

fn go(number: u64) -> String {
    format!("{number} {}", if number == 1 { "goes" } else { "go" })
}

/// A finding and its hint, in 80 columns.
pub(super) fn finding_lines(finding: &Finding, palette: Palette) -> String {
    let mark = match finding.severity {
        Severity::Error => palette.red("error"),
        Severity::Warning => palette.yellow("warning"),
        Severity::Info => "info".to_owned(),
    };
    let text = format!("[{}] {}: {}", finding.code, finding.subject, finding.message);
    let mut out = format!("{mark} {}", wrapped("", &text, WIDTH - "warning ".len()).replace('\n', "\n  "));
    out.truncate(out.trim_end().len());
    out.push('\n');
    if let Some(hint) = &finding.hint {
        out.push_str(&wrapped("  hint: ", hint, WIDTH));
    }
    out
}

pub(super) fn last_line(report: &PruneReport, palette: Palette) -> String {
    let leftovers = |number: usize| match number {
        0 => String::new(),
        number => format!(", {} of dead runs", plural(number as u64, "half-written file")),
    };
    if report.applied {
        let size: u64 =
            report.removed.iter().map(|r| r.bytes).sum::<u64>() + report.swept.iter().map(|l| l.size).sum::<u64>();
        let what = plural(report.removed.len() as u64, "snapshot");
        return format!("{} {what}{} ({})\n", palette.green("removed"), leftovers(report.swept.len()), bytes(size));
    }
    let goes = report.plan.removals().count();
    if goes == 0 && report.plan.leftovers.is_empty() {
        return "nothing is to be removed\n".to_owned();
    }
    let what = plural(goes as u64, "snapshot");
    format!("{what}{} would be removed; --apply does it\n", leftovers(report.plan.leftovers.len()))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::model::{Proof, PrunePlan, Retention, SnapshotFacts, SnapshotId, SnapshotState};
    use crate::render::columns::columns;

    fn report() -> PruneReport {
        let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let snapshot = |project: &str, hours: i64, state: SnapshotState| {
            let id = SnapshotId::new(now - TimeDelta::hours(hours), 7);
            SnapshotFacts {
                project: project.to_owned(),
                started: id.started(),
                id,
                finished: None,
                state,
                proof: Proof::Opened,
                rows: 10,
                tables: 2,
                bytes: 1 << 20,
                pin: None,
                safety_of: None,
                touched: None,
            }
        };
        let (complete, incomplete) = (SnapshotState::Complete, SnapshotState::Incomplete);
        let mut facts = vec![
            snapshot("a", 3, complete),
            snapshot("a", 200, incomplete),
            snapshot("b", 80, complete),
            snapshot("b", 3000, incomplete),
        ];
        facts.extend((0..60).map(|n| snapshot("a", 4 + n, complete)));
        PruneReport::unapplied(PrunePlan::new(facts, &Retention::default(), now))
    }

    #[test]
    fn every_snapshot_has_its_line_and_no_line_is_too_wide() {
        let mut report = report();
        let freeze = &report.plan.projects[1].freeze[0];
        report.findings.push(Finding::error(freeze.code(), "b", freeze.to_string()).hint(freeze.hint()));
        let text = prune_human(&report, false, Palette::default());
        assert!(text.lines().all(|line| columns(line) <= WIDTH), "{text}");
        assert_eq!(text.lines().filter(|l| l.starts_with("keep  ") || l.starts_with("remove ")).count(), 64);
        for part in [
            "newest good one; one of the 3 newest good ones;",
            "remove 20240925T",
            "incomplete, older than 7 days",
            "over the limit of 50 snapshots",
            "50 snapshots stay (50 good), 12 go (12.0 MiB)\n",
            "2 snapshots stay (1 good), 0 go (0 B); FROZEN\n",
            "frozen; else it would go",
            "error [stale] b: the newest good snapshot",
            "12 snapshots would be removed; --apply does it\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let quiet = prune_human(&report, true, Palette::default());
        assert!(!quiet.contains("keep  ") && quiet.contains("remove "), "{quiet}");
    }
}
