//! `report.md` of a restore, for job summaries, which take 1 MiB at most.

use super::{effect, finding_line, findings, other_project, proof, rate};
use crate::model::{Difference, Finding, RestoreReport, RowRefused, Severity, TableName};
use crate::render::text::{REASON, block, code, markdown, shorten, within_of};
use crate::render::{count, duration, plural, time};

/// Bytes that one list may take; with the six there are it stays below 1 MiB.
const BUDGET: usize = 150 << 10;
/// What holds everything.
const WHOLE: &str = "the output of `--json`";

/// The report as Markdown.
pub fn restore_report_md(report: &RestoreReport) -> String {
    document(report, true)
}

/// The same for the page of a job, which more people see than the store: rows are counted there and not named.
pub fn restore_summary_md(report: &RestoreReport) -> String {
    document(report, false)
}

fn document(report: &RestoreReport, names_rows: bool) -> String {
    let (plan, totals) = (&report.plan, report.totals());
    let state = if report.complete { "complete" } else { "**incomplete**" };
    let rate = rate(totals.writes(), report.seconds_writing).map(|rate| format!(", {rate}")).unwrap_or_default();
    let mut out = format!(
        "# Restore into {}: {state}\n\n{} in {} in {}{rate}.\n\nSnapshot {}, taken {} of {}. Written {}.\n",
        code(&plan.to.name, false),
        effect(&totals, "added", "changed", "deleted"),
        plural(report.tables.len() as u64, "table"),
        duration(report.finished - report.started),
        code(plan.snapshot.as_str(), false),
        time(plan.taken),
        code(&plan.from.name, false),
        markdown(&shorten(&plan.way, REASON)),
    );
    if let Some(text) = other_project(plan) {
        out.push_str(&format!("\n**{}**\n", markdown(&text)));
    }
    out.push_str(
        "\n## Tables\n\n| Table | Mode | Added | Changed | Deleted | Refused | Rows now | Proof |\n\
         |:--|:--|--:|--:|--:|--:|--:|:--|\n",
    );
    let rows: Vec<_> = report.tables.iter().zip(&plan.tables).collect();
    out.push_str(&within_of(WHOLE, BUDGET, &rows, |(table, planned)| {
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |\n",
            code(&table.target.to_string(), true),
            planned.mode,
            count(table.done.add),
            count(table.done.change),
            count(table.done.delete),
            count(table.refused.len() as u64),
            table.rows_after.map_or_else(|| "-".to_owned(), count),
            proof(table)
        )
    }));
    let (errors, others): (Vec<&Finding>, Vec<&Finding>) =
        findings(report).partition(|f| f.severity == Severity::Error);
    let said = |f: &&Finding| format!("- {}\n", markdown(&shorten(&finding_line(f), REASON)));
    list(&mut out, "To look into", &errors, said);
    let refused: Vec<(&TableName, &RowRefused)> =
        report.tables.iter().flat_map(|t| t.refused.iter().map(|row| (&t.target, row))).collect();
    if names_rows {
        list(&mut out, "Rows that the database refused", &refused, |(table, row)| line(table, &row.row, &row.reason));
    }
    let differences: Vec<(&TableName, &Difference)> =
        report.tables.iter().flat_map(|t| t.differences.iter().map(|row| (&t.target, row))).collect();
    let unnamed: u64 = report.tables.iter().map(|t| t.more_differences).sum();
    if names_rows {
        list(&mut out, "Rows that are not what they should be", &differences, |(table, row)| {
            line(table, &row.row, &row.what)
        });
    } else if refused.len() + differences.len() > 0 {
        out.push_str(&format!(
            "\n{} refused by the database, {} not what they should be: the report beside the snapshot names them.\n",
            plural(refused.len() as u64, "row"),
            count(differences.len() as u64 + unnamed)
        ));
    }
    if names_rows && unnamed > 0 {
        out.push_str(&format!("\nAnd {} that are not named.\n", plural(unnamed, "row")));
    }
    list(&mut out, "What else to know", &others, said);
    let left_out: Vec<_> = plan.tables.iter().flat_map(|t| t.left_out.iter().map(|c| (&t.target, c))).collect();
    list(&mut out, "Columns that were not written", &left_out, |(table, column)| {
        line(table, &column.column, &column.reason)
    });
    if !report.sequences.is_empty() {
        out.push_str("\n## Sequences to move\n\nThe next insert may fail until this has been run:\n\n");
        let sql: String = report.sequences.iter().map(|s| format!("{}\n", shorten(&s.sql, REASON))).collect();
        out.push_str(&block("sql", &sql));
    }
    if let Some(undo) = &report.undo {
        out.push_str(&format!(
            "\n## Undo\n\nThe tables as they were before are in safety snapshot {}.\n\n{}",
            code(undo.snapshot.as_str(), false),
            block("sh", &shorten(&undo.command, REASON))
        ));
    }
    out.push_str(&format!("\n---\n\nFrom {} to {}.\n", time(report.started), time(report.finished)));
    out
}

fn list<T>(out: &mut String, title: &str, items: &[T], line: impl Fn(&T) -> String) {
    if !items.is_empty() {
        out.push_str(&format!("\n## {title}\n\n{}", within_of(WHOLE, BUDGET, items, line)));
    }
}

fn line(table: &TableName, what: &str, why: &str) -> String {
    format!(
        "- {} {}: {}\n",
        code(&table.to_string(), false),
        code(&shorten(what, REASON), false),
        markdown(&shorten(why, REASON))
    )
}
