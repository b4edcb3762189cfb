//! `report.html`: one file, no scripts, nothing loaded from anywhere; light and dark; from a phone to
//! a wall. Everything is escaped by construction.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::model::{Manifest, Missing, Stability, TableEntry};
use crate::render::facts::{consistency, coverage, schema, sizes, steadiness, unsteadiness};
use crate::render::text::clean;
use crate::render::{bytes, count, duration, ratio, time};

const STYLE: &str = include_str!("report.css");

/// The report as a page.
pub fn backup_report_html(manifest: &Manifest) -> String {
    let name = clean(&manifest.project.name);
    let state = if manifest.complete { "complete" } else { "incomplete" };
    let body = html! {
        (head(manifest, &name, state))
        (tiles(manifest))
        @if !manifest.missing.is_empty() { (missing(&manifest.missing)) }
        (steady(manifest))
        (tables(manifest))
        (rest(manifest))
        footer {
            p { "Written by " (clean(&manifest.tool)) ". How to restore this snapshot by hand, without it: "
                a href="RECOVERY.md" { "RECOVERY.md" } "." }
        }
    };
    page(&format!("Backup of {name}: {state}"), &body)
}

/// A page of its own: no network, light and dark.
pub(crate) fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
    .into_string()
}

fn head(manifest: &Manifest, name: &str, state: &str) -> Markup {
    html! {
        header {
            p.eyebrow { "Backup" }
            h1 { (name) " " span class={ "badge " (state) } { (state) } }
            p.when { time { (time(manifest.started)) } " · snapshot " code { (manifest.snapshot) } }
        }
    }
}

fn tiles(manifest: &Manifest) -> Markup {
    let totals = &manifest.totals;
    let tile = |value: String, label: &str, note: String| {
        html! { div.tile { b { (value) } span { (label) } small { (note) } } }
    };
    html! {
        section.tiles aria-label="Totals" {
            (tile(count(totals.rows), "rows", format!("in {} tables", count(totals.tables))))
            (tile(bytes(totals.stored_bytes), "stored", format!("in {} parts", count(totals.parts))))
            (tile(ratio(totals.raw_bytes, totals.stored_bytes), "smaller", format!("than {} of text", bytes(totals.raw_bytes))))
            (tile(duration(manifest.finished - manifest.started), "taken", format!("until {}", manifest.finished.format("%H:%M:%S UTC"))))
        }
    }
}

fn missing(missing: &[Missing]) -> Markup {
    html! {
        section.missing {
            h2 { (count(missing.len() as u64)) @if missing.len() == 1 { " thing is" } @else { " things are" } " not in this snapshot" }
            ul {
                @for item in missing {
                    li {
                        code { (clean(&item.subject)) }
                        p { (clean(&item.reason)) }
                        @if let Some(fix) = &item.fix { p.fix { "Fix: " code { (clean(fix)) } } }
                    }
                }
            }
        }
    }
}

fn steady(manifest: &Manifest) -> Markup {
    let unsteady: Vec<_> = manifest.tables.iter().filter_map(|t| Some((t, unsteadiness(&t.stability)?))).collect();
    html! {
        section {
            h2 { "Consistency" }
            p.lead { (consistency(manifest)) " " (schema(manifest)) }
            @if let Some(coverage) = coverage(manifest) { p { (clean(&coverage)) } }
            @if !unsteady.is_empty() {
                ul.plain {
                    @for (table, why) in &unsteady {
                        li { code { (table.name) } " " (pill(&table.stability)) " " (clean(why)) }
                    }
                }
            }
        }
    }
}

fn pill(stability: &Stability) -> Markup {
    let word = steadiness(stability);
    html! { span class={ "pill " (word) } { (word) } }
}

fn tables(manifest: &Manifest) -> Markup {
    let largest = manifest.tables.iter().map(|t| sizes(t).1).max().unwrap_or(0).max(1);
    html! {
        section {
            h2 { "Tables" }
            table {
                thead {
                    tr {
                        th scope="col" { "Table" }
                        th.n scope="col" { "Rows" }
                        th.n.wide scope="col" { "Text" }
                        th.n scope="col" { "Stored" }
                        th.n.wide scope="col" { "Ratio" }
                        th.n.wide scope="col" { "Parts" }
                        th scope="col" { "State" }
                    }
                }
                tbody { @for table in &manifest.tables { (row(table, largest)) } }
            }
        }
    }
}

fn row(table: &TableEntry, largest: u64) -> Markup {
    let (raw, stored) = sizes(table);
    let share = stored as f64 * 100.0 / largest as f64;
    html! {
        tr {
            th scope="row" {
                code { (table.name) }
                small.narrow { (bytes(raw)) " of text, " (ratio(raw, stored)) ", " (table.parts.len()) " parts" }
            }
            td.n.rows { (count(table.rows)) }
            td.n.wide { (bytes(raw)) }
            td.n { (bytes(stored)) span.bar { i style=(format!("width:{share:.1}%")) {} } }
            td.n.wide { (ratio(raw, stored)) }
            td.n.wide { (count(table.parts.len() as u64)) }
            td { (pill(&table.stability)) }
        }
    }
}

fn rest(manifest: &Manifest) -> Markup {
    let spots = &manifest.source.blind_spots;
    html! {
        @if !manifest.passed_over.is_empty() {
            details {
                summary { "Passed over: " (count(manifest.passed_over.len() as u64)) }
                p { "These hold no rows of their own, or were excluded on purpose." }
                ul.plain {
                    @for passed in &manifest.passed_over { li { code { (passed.name) } " " (clean(&passed.reason)) } }
                }
            }
        }
        @if !spots.is_empty() {
            details {
                summary { "What this way of looking cannot see: " (count(spots.len() as u64)) }
                ul.plain { @for spot in spots { li { (clean(spot)) } } }
            }
        }
    }
}
