//! The preview of a restore, for a terminal.

use chrono::{DateTime, Utc};

use super::{effect, finding, mode_line, other_project};
use crate::model::{Counts, RestorePlan, SchemaStep, Severity, TablePlan, WriteWay};
use crate::render::columns::{columns, flat, left, listed, paragraph, right, wrapped};
use crate::render::text::clean;
use crate::render::{Palette, age, count, plural, time};

/// The plan: where from and where to, each table in numbers, then what matters of each, then totals.
/// No line is wider than `width`.
pub fn restore_plan_human(plan: &RestorePlan, now: DateTime<Utc>, width: usize, palette: Palette) -> String {
    let width = width.max(40);
    let mut out = head(plan, now, width, palette);
    out.push('\n');
    out.push_str(&numbers(plan, width, palette));
    let order = order(plan, width);
    if !order.is_empty() {
        out.push_str(&format!("\n{order}"));
    }
    for table in &plan.tables {
        let about = about(table, plan, width, palette);
        if !about.is_empty() {
            out.push_str(&format!("\n{}\n{about}", palette.bold(&flat(&table.source.to_string(), width))));
        }
    }
    if !plan.findings.is_empty() {
        out.push('\n');
        plan.findings.iter().for_each(|f| out.push_str(&finding(f, "", width, palette)));
    }
    out.push_str(&format!("\n{}", verdict(plan, width)));
    out
}

fn head(plan: &RestorePlan, now: DateTime<Utc>, width: usize, palette: Palette) -> String {
    let mut out = String::new();
    let mut line = |word: &str, text: &str| out.push_str(&wrapped(&left(word, 10), text, width));
    line("snapshot", plan.snapshot.as_str());
    line("taken", &format!("{}, {}", time(plan.taken), age(plan.taken, now)));
    line("from", &format!("{}, {}", plan.from.name, plan.from.url));
    line("into", &format!("{}, {}", plan.to.name, plan.to.url));
    line("written", &plan.way);
    line(
        "schema",
        match plan.schema {
            SchemaStep::Keep => "stays as it is",
            SchemaStep::Create => "is made from the snapshot's own definition first",
        },
    );
    if let Some(mode) = one_mode(plan) {
        line("mode", &format!("{mode}: {}", mode_line(mode)));
    }
    if let Some(text) = other_project(plan) {
        for text in paragraph(&text, width).lines() {
            out.push_str(&format!("{}\n", palette.yellow(text)));
        }
    }
    out
}

/// The mode, if all tables have the same.
fn one_mode(plan: &RestorePlan) -> Option<crate::model::RestoreMode> {
    let first = plan.tables.first()?.mode;
    plan.tables.iter().all(|table| table.mode == first).then_some(first)
}

/// The columns of numbers, each with whether it is shown though it is zero everywhere.
type Number = (&'static str, bool, fn(&Counts) -> u64);
const NUMBERS: [Number; 8] = [
    ("SNAPSHOT", true, |c| c.snapshot),
    ("TARGET", true, |c| c.target),
    ("ADD", true, |c| c.add),
    ("CHANGE", true, |c| c.change),
    ("DELETE", true, |c| c.delete),
    ("SAME", true, |c| c.unchanged),
    ("KEPT", false, |c| c.kept),
    ("REFUSED", false, |c| c.refused),
];

/// Fewer columns than these leave no room for a name beside the numbers.
const NAME: usize = 16;

fn numbers(plan: &RestorePlan, width: usize, palette: Palette) -> String {
    let totals = plan.totals();
    let shown: Vec<&Number> = NUMBERS.iter().filter(|(_, always, get)| *always || get(&totals) > 0).collect();
    let mut rows: Vec<(String, Counts)> =
        plan.tables.iter().map(|table| (clean(&table.source.to_string()), table.counts)).collect();
    if rows.len() > 1 {
        rows.push((format!("{} in all", plural(rows.len() as u64, "table")), totals));
    }
    let widths: Vec<usize> = shown
        .iter()
        .map(|(head, _, get)| rows.iter().map(|(_, c)| count(get(c)).len()).max().unwrap_or(0).max(head.len()))
        .collect();
    let longest = rows.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
    let fits = |gap: usize| {
        let room = width.checked_sub(widths.iter().map(|w| w + gap).sum::<usize>())?;
        (room >= longest.min(NAME)).then_some((gap, room.min(longest.max(5))))
    };
    // numbers too long for one line are said in words
    let Some((gap, room)) = fits(2).or_else(|| fits(1)) else { return words(&shown, &rows, width) };
    let gap = " ".repeat(gap);
    let mut head = left("TABLE", room);
    for ((name, ..), width) in shown.iter().zip(&widths) {
        head.push_str(&format!("{gap}{}", right(name, *width)));
    }
    let mut out = format!("{}\n", palette.dim(&head));
    for (name, counts) in &rows {
        out.push_str(&left(&flat(name, room), room));
        for ((head, _, get), width) in shown.iter().zip(&widths) {
            let number = right(&count(get(counts)), *width);
            let alarming = get(counts) > 0 && matches!(*head, "DELETE" | "REFUSED");
            out.push_str(&format!("{gap}{}", if alarming { palette.red(&number) } else { number }));
        }
        out.push('\n');
    }
    out
}

fn words(shown: &[&Number], rows: &[(String, Counts)], width: usize) -> String {
    let mut out = String::new();
    for (name, counts) in rows {
        let all: Vec<String> =
            shown.iter().map(|(head, _, get)| format!("{} {}", head.to_lowercase(), count(get(counts)))).collect();
        out.push_str(&format!("{}\n{}", flat(name, width), wrapped("  ", &all.join(", "), width)));
    }
    out
}

/// Which tables are written together and which after each other; nothing where all are written at once.
fn order(plan: &RestorePlan, width: usize) -> String {
    let mut steps: Vec<usize> = plan.tables.iter().map(|table| table.step).collect();
    steps.sort_unstable();
    steps.dedup();
    if steps.len() < 2 {
        return String::new();
    }
    let mut out = paragraph("order of work (foreign keys; deletions in the opposite order):", width);
    for (i, step) in steps.iter().enumerate() {
        let names: Vec<String> =
            plan.tables.iter().filter(|t| t.step == *step).map(|t| flat(&t.target.to_string(), 40)).collect();
        out.push_str(&wrapped(&format!("{:>4}. ", i + 1), &listed(&names), width));
    }
    out
}

/// What a person should know of one table; nothing where it is ordinary.
fn about(table: &TablePlan, plan: &RestorePlan, width: usize, palette: Palette) -> String {
    let mut out = String::new();
    let mut line = |text: &str| out.push_str(&wrapped("  ", text, width));
    if table.target != table.source {
        line(&format!("rows go into {}", table.target));
    }
    if one_mode(plan).is_none() {
        line(&format!("mode {}: {}", table.mode, mode_line(table.mode)));
    }
    // the head says how the others are written
    if table.way == WriteWay::Api && plan.tables.iter().any(|other| other.way != table.way) {
        line("written over the Data API");
    }
    for left_out in &table.left_out {
        let lost = if left_out.loses { "; its values are LOST" } else { "" };
        line(&format!("column {} is not written: {}{lost}", left_out.column, left_out.reason));
    }
    if !table.extra_columns.is_empty() {
        let names = listed(&table.extra_columns);
        line(&format!("columns that only the project has (they keep their values, added rows take defaults): {names}"));
    }
    // nothing is known of the key of a table that is not there
    if table.key.is_empty() && !table.columns.is_empty() {
        line("no primary key: rows are compared whole");
    }
    if !table.later.is_empty() {
        let names = listed(&table.later);
        line(&format!("written as NULL first, and set once all rows are there (foreign keys in a circle): {names}"));
    }
    if !table.triggers.is_empty() && table.counts.writes() > 0 {
        line(&format!("triggers that will fire: {}", listed(&table.triggers)));
    }
    let mut out = out.replace("are LOST", &format!("are {}", palette.red("LOST")));
    table.findings.iter().for_each(|f| out.push_str(&finding(f, "  ", width, palette)));
    out
}

fn verdict(plan: &RestorePlan, width: usize) -> String {
    if plan.is_blocked() {
        let errors = plan.all_findings().filter(|f| f.severity == Severity::Error).count() as u64;
        return paragraph(&format!("This restore cannot start: {} above.", plural(errors, "error")), width);
    }
    let totals = plan.totals();
    if totals.writes() == 0 {
        let text = match (totals.kept, totals.refused) {
            (0, 0) => "There is nothing to write: the project has these rows already.".to_owned(),
            (0, refused) => format!("There is nothing to write: the database refuses {}.", plural(refused, "row")),
            (kept, _) => format!(
                "There is nothing to write in this mode: {} of the project are not as they are in the snapshot, and are kept. \
                 The modes merge and clear change them back.",
                plural(kept, "row")
            ),
        };
        return paragraph(&text, width);
    }
    let mut text = format!(
        "{} in {}; {} stay as they are",
        effect(&totals, "to add", "to change", "to delete"),
        plural(plan.tables.len() as u64, "table"),
        count(totals.unchanged + totals.kept)
    );
    if totals.refused > 0 {
        text.push_str(&format!("; the database refuses {}", count(totals.refused)));
    }
    paragraph(&text, width)
}
