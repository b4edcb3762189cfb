//! `report.html` of a restore: one file, nothing loaded from anywhere; escaped by construction.

use maud::{Markup, html};

use super::{finding_line, findings, mode_line, other_project, proof, rate};
use crate::model::{Finding, RestoreMode, RestoreReport, Severity, TableReport};
use crate::render::html::page;
use crate::render::text::clean;
use crate::render::{count, duration, plural, time};

/// The report as a page.
pub fn restore_report_html(report: &RestoreReport) -> String {
    let name = clean(&report.plan.to.name);
    let state = if report.complete { "complete" } else { "incomplete" };
    let body = html! {
        (head(report, &name, state))
        (tiles(report))
        (troubles(report))
        (tables(report))
        (rest(report))
        footer { p { "From " (time(report.started)) " to " (time(report.finished)) "." } }
    };
    page(&format!("Restore into {name}: {state}"), &body)
}

fn head(report: &RestoreReport, name: &str, state: &str) -> Markup {
    let plan = &report.plan;
    html! {
        header {
            p.eyebrow { "Restore" }
            h1 { (name) " " span class={ "badge " (state) } { (state) } }
            p.when { "snapshot " code { (plan.snapshot) } " of " code { (clean(&plan.from.name)) } ", taken " time { (time(plan.taken)) } }
            @if let Some(text) = other_project(plan) { p.when { strong { (text) } } }
        }
    }
}

fn tiles(report: &RestoreReport) -> Markup {
    let totals = report.totals();
    let tile = |value: String, label: &str, note: String| {
        html! { div.tile { b { (value) } span { (label) } small { (note) } } }
    };
    let rate = rate(totals.writes(), report.seconds_writing).unwrap_or_else(|| "rows and proofs".to_owned());
    html! {
        section.tiles aria-label="Totals" {
            (tile(count(totals.add), "added", format!("in {} tables", count(report.tables.len() as u64))))
            (tile(count(totals.change), "changed", "to what they were".to_owned()))
            (tile(count(totals.delete), "deleted", "not in the snapshot".to_owned()))
            (tile(duration(report.finished - report.started), "taken", rate))
        }
    }
}

/// What a person has to act upon.
fn troubles(report: &RestoreReport) -> Markup {
    let refused: u64 = report.tables.iter().map(|t| t.refused.len() as u64).sum();
    let differ: u64 = report.tables.iter().map(|t| t.differences.len() as u64 + t.more_differences).sum();
    let errors: Vec<&Finding> = findings(report).filter(|f| f.severity == Severity::Error).collect();
    html! {
        @if !errors.is_empty() {
            section.missing {
                h2 { (plural(errors.len() as u64, "thing")) " to look into" }
                ul {
                    @for f in &errors {
                        li {
                            code { (clean(&f.subject)) }
                            p { (clean(&f.message)) }
                            @if let Some(hint) = &f.hint { p { (clean(hint)) } }
                        }
                    }
                }
            }
        }
        @if refused > 0 {
            section.missing {
                h2 { (count(refused)) " refused by the database" }
                ul { @for t in &report.tables { @for row in &t.refused { (item(t, &row.row, &row.reason)) } } }
            }
        }
        @if differ > 0 {
            section.missing {
                h2 { (count(differ)) " not what they should be" }
                ul {
                    @for t in &report.tables {
                        @for row in &t.differences { (item(t, &row.row, &row.what)) }
                        @if t.more_differences > 0 { (item(t, "more", &format!("{} that are not named", count(t.more_differences)))) }
                    }
                }
            }
        }
        @if !report.sequences.is_empty() {
            section.missing {
                h2 { "Sequences to move" }
                p { "The next insert may fail until this has been run, as their owner:" }
                pre.copy { @for sequence in &report.sequences { code { (clean(&sequence.sql)) } "\n" } }
            }
        }
    }
}

fn item(table: &TableReport, what: &str, why: &str) -> Markup {
    html! { li { code { (clean(&table.target.to_string())) " " (clean(what)) } p { (clean(why)) } } }
}

fn tables(report: &RestoreReport) -> Markup {
    html! {
        section {
            h2 { "Tables" }
            table {
                thead {
                    tr {
                        th scope="col" { "Table" }
                        th.n scope="col" { "Rows now" }
                        th.n.wide scope="col" { "Added" }
                        th.n.wide scope="col" { "Changed" }
                        th.n.wide scope="col" { "Deleted" }
                        th.n.wide scope="col" { "Refused" }
                        th scope="col" { "Proof" }
                    }
                }
                tbody { @for (table, plan) in report.tables.iter().zip(&report.plan.tables) { (row(table, plan.mode)) } }
            }
        }
    }
}

fn row(table: &TableReport, mode: RestoreMode) -> Markup {
    let class = match table.is_equal {
        Some(true) => "equal",
        Some(false) => "differs",
        None => "uncompared",
    };
    let done = &table.done;
    html! {
        tr {
            th scope="row" {
                code { (clean(&table.target.to_string())) } " " small title=(mode_line(mode)) { (mode) }
                small.narrow { (count(done.add)) " added, " (count(done.change)) " changed, " (count(done.delete)) " deleted" }
            }
            td.n.rows { (table.rows_after.map_or_else(|| "-".to_owned(), count)) }
            td.n.wide { (count(done.add)) }
            td.n.wide { (count(done.change)) }
            td.n.wide { (count(done.delete)) }
            td.n.wide { (count(table.refused.len() as u64)) }
            td { span class={ "pill " (class) } { (proof(table)) } }
        }
    }
}

fn rest(report: &RestoreReport) -> Markup {
    let findings: Vec<&Finding> = findings(report).filter(|f| f.severity != Severity::Error).collect();
    let left_out: Vec<_> = report.plan.tables.iter().flat_map(|t| t.left_out.iter().map(move |c| (t, c))).collect();
    html! {
        @if let Some(undo) = &report.undo {
            section {
                h2 { "Undo" }
                p { "The tables as they were before are in safety snapshot " code { (undo.snapshot) } "." }
                pre.copy { code { (clean(&undo.command)) } }
            }
        }
        @if !findings.is_empty() {
            section {
                h2 { "What else to know" }
                ul.plain { @for f in findings { li { (clean(&finding_line(f))) } } }
            }
        }
        @if !left_out.is_empty() {
            details {
                summary { "Columns that were not written: " (count(left_out.len() as u64)) }
                ul.plain { @for (table, column) in left_out { li { code { (clean(&format!("{}.{}", table.target, column.column))) } " " (clean(&column.reason)) } } }
            }
        }
        section {
            h2 { "How" }
            p { "Written " (clean(&report.plan.way)) "." }
        }
    }
}
