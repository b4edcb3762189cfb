//! What came of a restore, for a terminal.

use super::{effect, finding, proof, rate};
use crate::model::{RestoreReport, TableReport};
use crate::render::columns::{columns, flat, left, paragraph, right, wrapped};
use crate::render::text::clean;
use crate::render::{Palette, count, duration, plural};

/// Rows of one table that are named on a terminal.
const NAMED: usize = 20;

/// The report. Lines that are there to be copied (SQL, the command that undoes it) are not broken; no
/// other line is wider than `width`.
pub fn restore_report_human(report: &RestoreReport, width: usize, palette: Palette) -> String {
    let width = width.max(40);
    let mut out = headline(report, width, palette);
    out.push_str(&format!("\n{}", tables(report, width, palette)));
    for table in &report.tables {
        let about = about(table, width, palette);
        if !about.is_empty() {
            out.push_str(&format!("\n{}\n{about}", palette.bold(&flat(&table.target.to_string(), width))));
        }
    }
    if !report.findings.is_empty() {
        out.push('\n');
        report.findings.iter().for_each(|f| out.push_str(&finding(f, "", width, palette)));
    }
    if !report.sequences.is_empty() {
        let text = "These sequences stand where the next insert may fail, and could not be moved. Run, as their owner:";
        out.push_str(&format!("\n{}", paragraph(text, width)));
        for sequence in &report.sequences {
            out.push_str(&format!("  {}\n", clean(&sequence.sql)));
        }
    }
    if let Some(undo) = &report.undo {
        let text =
            format!("The tables as they were before are in safety snapshot {}. To undo this restore:", undo.snapshot);
        out.push_str(&format!("\n{}  {}\n", paragraph(&text, width), clean(&undo.command)));
    }
    out
}

fn headline(report: &RestoreReport, width: usize, palette: Palette) -> String {
    let totals = report.totals();
    let state = if report.complete { "restored" } else { "INCOMPLETE" };
    let rate = rate(totals.writes(), report.seconds_writing).map(|rate| format!(" ({rate})")).unwrap_or_default();
    let text = format!(
        "{} in {} in {}{rate}",
        effect(&totals, "added", "changed", "deleted"),
        plural(report.tables.len() as u64, "table"),
        duration(report.finished - report.started)
    );
    let plain = wrapped(&format!("{state}: "), &text, width);
    let painted = if report.complete { palette.green(state) } else { palette.yellow(state) };
    let mut out = plain.replacen(state, &painted, 1);
    let plan = &report.plan;
    out.push_str(&paragraph(&format!("snapshot {} into project {}", plan.snapshot, clean(&plan.to.name)), width));
    out
}

fn tables(report: &RestoreReport, width: usize, palette: Palette) -> String {
    const HEADS: [&str; 6] = ["ADDED", "CHANGED", "DELETED", "REFUSED", "ROWS NOW", "PROOF"];
    let cells: Vec<(String, [String; 6])> = report
        .tables
        .iter()
        .map(|table| {
            let numbers = [
                count(table.done.add),
                count(table.done.change),
                count(table.done.delete),
                count(table.refused.len() as u64),
                table.rows_after.map_or_else(|| "-".to_owned(), count),
                proof(table),
            ];
            (clean(&table.target.to_string()), numbers)
        })
        .collect();
    let widths: [usize; 6] =
        std::array::from_fn(|i| cells.iter().map(|(_, row)| row[i].len()).max().unwrap_or(0).max(HEADS[i].len()));
    let longest = cells.iter().map(|(name, _)| columns(name)).max().unwrap_or(0).max(5);
    let fits = |gap: usize| {
        let room = width.checked_sub(widths.iter().map(|w| w + gap).sum::<usize>())?;
        (room >= longest.min(16)).then_some((gap, room.min(longest)))
    };
    let Some((gap, room)) = fits(2).or_else(|| fits(1)) else {
        let words = |(name, row): &(String, [String; 6])| {
            let all: Vec<String> =
                HEADS.iter().zip(row).map(|(head, cell)| format!("{} {cell}", head.to_lowercase())).collect();
            format!("{}\n{}", flat(name, width), wrapped("  ", &all.join(", "), width))
        };
        return cells.iter().map(words).collect();
    };
    let gap = " ".repeat(gap);
    let line = |name: &str, row: [&str; 6]| {
        let mut line = left(&flat(name, room), room);
        for (i, cell) in row.into_iter().enumerate() {
            line.push_str(&gap);
            line.push_str(&if i == 5 { cell.to_owned() } else { right(cell, widths[i]) });
        }
        line
    };
    let mut out = format!("{}\n", palette.dim(&line("TABLE", HEADS)));
    for (name, row) in &cells {
        let text = line(name, row.each_ref().map(String::as_str));
        out.push_str(&text.replacen("DIFFERS", &palette.red("DIFFERS"), 1));
        out.push('\n');
    }
    out
}

fn about(table: &TableReport, width: usize, palette: Palette) -> String {
    let mut out = String::new();
    let more = |out: &mut String, hidden: u64| {
        if hidden > 0 {
            out.push_str(&format!("    … and {} more\n", count(hidden)));
        }
    };
    if !table.refused.is_empty() {
        out.push_str(&format!("  refused by the database: {}\n", plural(table.refused.len() as u64, "row")));
        for row in table.refused.iter().take(NAMED) {
            out.push_str(&wrapped("    ", &format!("{}: {}", flat(&row.row, width / 2), row.reason), width));
        }
        more(&mut out, table.refused.len().saturating_sub(NAMED) as u64);
    }
    let differences = table.differences.len() as u64 + table.more_differences;
    if differences > 0 {
        out.push_str(&format!("  not what they should be: {}\n", plural(differences, "row")));
        for row in table.differences.iter().take(NAMED) {
            out.push_str(&wrapped("    ", &format!("{}: {}", flat(&row.row, width / 2), row.what), width));
        }
        more(&mut out, differences - table.differences.len().min(NAMED) as u64);
    }
    table.findings.iter().for_each(|f| out.push_str(&finding(f, "  ", width, palette)));
    out
}
