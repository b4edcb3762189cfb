//! `report.md`: what a backup came to, for job summaries, which take 1 MiB at most.

use crate::model::Manifest;
use crate::render::facts::{consistency, coverage, headline, schema, sizes, steadiness, unsteadiness};
use crate::render::text::{REASON, code, markdown, shorten, within};
use crate::render::{bytes, count, ratio, time};

/// Bytes that one list of the report may take; with four lists it stays below 1 MiB.
const BUDGET: usize = 220 << 10;

/// The report as Markdown.
pub fn backup_report_md(manifest: &Manifest) -> String {
    let state = if manifest.complete { "complete" } else { "**incomplete**" };
    let mut out =
        format!("# Backup of {}: {state}\n\n{}.\n\n", code(&manifest.project.name, false), headline(manifest));
    out.push_str(&format!("{} {}\n\n", consistency(manifest), schema(manifest)));
    if let Some(coverage) = coverage(manifest) {
        out.push_str(&format!("{}\n\n", markdown(&shorten(&coverage, REASON))));
    }
    if !manifest.missing.is_empty() {
        out.push_str("## Missing\n\nThese were seen and are **not** in the snapshot:\n\n");
        out.push_str(&within(BUDGET, &manifest.missing, |missing| {
            let fix = missing.fix.as_ref().map(|fix| format!("\n  Fix: {}", code(&shorten(fix, REASON), false)));
            format!(
                "- {}: {}{}\n",
                code(&missing.subject, false),
                markdown(&shorten(&missing.reason, REASON)),
                fix.unwrap_or_default()
            )
        }));
        out.push('\n');
    }
    out.push_str(
        "## Tables\n\n| Table | Rows | Text | Stored | Ratio | Parts | State |\n|:--|--:|--:|--:|--:|--:|:--|\n",
    );
    out.push_str(&within(BUDGET * 2, &manifest.tables, |table| {
        let (raw, stored) = sizes(table);
        format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            code(&table.name.to_string(), true),
            count(table.rows),
            bytes(raw),
            bytes(stored),
            ratio(raw, stored),
            count(table.parts.len() as u64),
            steadiness(&table.stability)
        )
    }));
    let unsteady: Vec<_> =
        manifest.tables.iter().filter_map(|t| Some((&t.name, unsteadiness(&t.stability)?))).collect();
    if !unsteady.is_empty() {
        out.push_str("\n### Not proven steady\n\n");
        out.push_str(&within(BUDGET / 2, &unsteady, |(name, why)| {
            format!("- {}: {}\n", code(&name.to_string(), false), markdown(&shorten(why, REASON)))
        }));
    }
    if !manifest.passed_over.is_empty() {
        out.push_str("\n## Passed over\n\nThese hold no rows of their own, or were excluded on purpose:\n\n");
        out.push_str(&within(BUDGET / 2, &manifest.passed_over, |passed| {
            format!("- {}: {}\n", code(&passed.name.to_string(), false), markdown(&shorten(&passed.reason, REASON)))
        }));
    }
    if !manifest.source.blind_spots.is_empty() {
        out.push_str("\n## What this way of looking cannot see\n\n");
        out.push_str(&within(BUDGET / 4, &manifest.source.blind_spots, |spot| {
            format!("- {}\n", markdown(&shorten(spot, REASON)))
        }));
    }
    out.push_str(&format!(
        "\n---\n\nSnapshot {}, read from {} to {} by {}. How to restore it by hand stands in `RECOVERY.md`.\n",
        code(manifest.snapshot.as_str(), false),
        time(manifest.started),
        time(manifest.finished),
        markdown(&manifest.tool)
    ));
    out
}
