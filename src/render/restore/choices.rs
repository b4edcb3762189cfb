//! What a person chooses from, one line each, and what is said before the last question.

use chrono::{DateTime, Utc};

use super::{effect, other_project};
use crate::model::{RestorePlan, SnapshotState, SnapshotSummary, TableName};
use crate::render::columns::{columns, flat, left, paragraph, right, wrapped};
use crate::render::numbers::short_age;
use crate::render::text::clean;
use crate::render::{bytes, count, plural};

/// One line for each snapshot: id, age, state, rows, size, verified.
pub fn snapshot_choices(snapshots: &[&SnapshotSummary], now: DateTime<Utc>, width: usize) -> Vec<String> {
    let cells: Vec<[String; 6]> = snapshots
        .iter()
        .map(|s| {
            let verified = match &s.verified {
                None => "unverified",
                Some(record) if record.ok => "verified",
                Some(_) => "DAMAGED",
            };
            [
                s.id.to_string(),
                short_age(s.started, now).unwrap_or_else(|| "future".to_owned()),
                s.state.to_string(),
                plural(s.rows, "row"),
                bytes(s.stored_bytes),
                verified.to_owned(),
            ]
        })
        .collect();
    lines(&cells, &[false, true, false, true, true, false], width)
}

/// One line for each table: its rows, its name.
pub fn table_choices(tables: &[(TableName, u64)], width: usize) -> Vec<String> {
    let cells: Vec<[String; 2]> =
        tables.iter().map(|(name, rows)| [plural(*rows, "row"), clean(&name.to_string())]).collect();
    lines(&cells, &[true, false], width)
}

/// Cells in columns, numbers to the right; closer together where that makes them fit.
fn lines<const N: usize>(cells: &[[String; N]], to_right: &[bool; N], width: usize) -> Vec<String> {
    let widths: [usize; N] =
        std::array::from_fn(|i| cells.iter().map(|row| columns(&row[i])).max().unwrap_or_default());
    let gap = if widths.iter().sum::<usize>() + 2 * (N - 1) <= width { "  " } else { " " };
    let line = |row: &[String; N]| {
        let padded: [String; N] =
            std::array::from_fn(|i| if to_right[i] { right(&row[i], widths[i]) } else { left(&row[i], widths[i]) });
        flat(padded.join(gap).trim_end(), width)
    };
    cells.iter().map(line).collect()
}

/// What is in the store and cannot be restored, and why; at most `most` of each kind by name.
pub fn not_offered(others: &[&SnapshotSummary], now: DateTime<Utc>, width: usize, most: usize) -> String {
    let mut out = String::new();
    let ended = |state: SnapshotState| others.iter().filter(move |s| s.state == state).collect::<Vec<_>>();
    let unfinished = ended(SnapshotState::Unfinished);
    if !unfinished.is_empty() {
        let named: Vec<String> = unfinished
            .iter()
            .take(most)
            .map(|s| match short_age(s.started, now) {
                Some(age) => format!("{} ({age} ago)", s.id),
                None => s.id.to_string(),
            })
            .collect();
        let more = unfinished.len().saturating_sub(most);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let text = format!(
            "Not offered, because the run that made it did not end and there is no manifest: {}{more}.",
            named.join(", ")
        );
        out.push_str(&paragraph(&text, width));
    }
    let unreadable = ended(SnapshotState::Unreadable);
    for s in unreadable.iter().take(most) {
        let why = s.problem.as_deref().unwrap_or("the manifest cannot be read");
        out.push_str(&wrapped("", &format!("Not offered, because it cannot be read: {} ({why}).", s.id), width));
    }
    if unreadable.len() > most {
        out.push_str(&format!("Not offered either: {} more that cannot be read.\n", unreadable.len() - most));
    }
    out
}

/// What stands above the last question: what will happen, to which project, and what is kept.
pub fn last_word(plan: &RestorePlan, width: usize) -> String {
    let totals = plan.totals();
    let tables = plan.tables.iter().filter(|table| table.counts.writes() > 0).count() as u64;
    let mut text = format!(
        "{} in {} of project {}.",
        effect(&totals, "will be added", "changed", "deleted"),
        plural(tables, "table"),
        clean(&plan.to.name)
    );
    if totals.refused > 0 {
        text.push_str(&format!(" The database will refuse {} of them.", count(totals.refused)));
    }
    let mut out = format!("\n{}", paragraph(&text, width));
    if let Some(text) = other_project(plan) {
        out.push_str(&paragraph(&text, width));
    }
    if plan.destroys() {
        out.push_str(&paragraph("Before that, a safety snapshot keeps the affected tables as they are now.", width));
    }
    out
}
