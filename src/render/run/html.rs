//! `run.html`: one file, nothing loaded from anywhere; escaped by construction.

use maud::{Markup, html};

use super::{kept, needs, proof, snapshot_line, table_line, trend_line, when};
use crate::model::{Decision, RunReport, RunState, RunStore, Severity, Since};
use crate::render::copy::replica_html;
use crate::render::html::page;
use crate::render::text::clean;
use crate::render::{bytes, count, duration, time};

/// The report as a page.
pub fn run_html(report: &RunReport) -> String {
    let name = clean(&report.project);
    let body = html! {
        (head(report, &name))
        (tiles(report))
        (troubles(report))
        (trends(report))
        @for store in &report.stores { (one(store)) }
        @if !report.replicas.is_empty() {
            section { h2 { "Replicas" } ul.plain { @for replica in &report.replicas { (replica_html(&replica.replica)) } } }
        }
        footer { p { "From " (time(report.started)) " to " (time(report.finished)) " by " (clean(&report.tool)) "." } }
    };
    page(&format!("Run of {name}: {}", report.state), &body)
}

fn head(report: &RunReport, name: &str) -> Markup {
    let class = if report.state == RunState::Done { "complete" } else { "incomplete" };
    html! {
        header {
            p.eyebrow { "Run" }
            h1 { (name) " " span class={ "badge " (class) } { (report.state) } }
            p.when {
                time { (time(report.started)) }
                @if let Some(snapshot) = &report.snapshot { " · snapshot " code { (snapshot.id) } }
                @else { " · " (snapshot_line(report)) ", and nothing was removed" }
            }
        }
    }
}

fn tiles(report: &RunReport) -> Markup {
    let tile = |value: String, label: &str, note: String| {
        html! { div.tile { b { (value) } span { (label) } small { (note) } } }
    };
    let proven = report.stores.iter().filter(|store| store.is_proven()).count() as u64;
    let prunes = || report.stores.iter().filter_map(|store| store.prune.as_ref());
    let removed = prunes().map(|prune| prune.removed.len() as u64).sum();
    let freed = prunes().flat_map(|prune| &prune.removed).map(|removed| removed.bytes).sum();
    html! {
        section.tiles aria-label="Totals" {
            @if let Some(snapshot) = &report.snapshot {
                (tile(count(snapshot.totals.rows), "rows", format!("in {} tables", count(snapshot.totals.tables))))
                (tile(bytes(snapshot.totals.stored_bytes), "stored", if snapshot.sealed { "sealed".to_owned() } else { "not sealed".to_owned() }))
            }
            (tile(format!("{} of {}", count(proven), count(report.stores.len() as u64)), "stores proven", format!("after {}", duration(report.finished - report.started))))
            (tile(count(removed), "removed", bytes(freed)))
        }
    }
}

/// What a person has to act upon.
fn troubles(report: &RunReport) -> Markup {
    html! {
        @if let Some(failure) = &report.failure {
            section.missing {
                h2 { "It did not come to its end" }
                p { (clean(&failure.message)) }
                @if let Some(hint) = &failure.hint { p.fix { (clean(hint)) } }
            }
        }
        @if !report.findings.is_empty() {
            section.missing {
                h2 { "What needs a person" @if let Some(needs) = needs(report) { ": " (needs) } }
                ul {
                    @for finding in &report.findings {
                        li {
                            code { (clean(&finding.subject)) } " "
                            span class={ "pill " (if finding.severity == Severity::Info { "unproven" } else { "moved" }) } { (word(finding.severity)) }
                            p { (clean(&finding.message)) }
                            @if let Some(hint) = &finding.hint { p.fix { (clean(hint)) } }
                        }
                    }
                }
            }
        }
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

fn trends(report: &RunReport) -> Markup {
    html! {
        @if !report.trends.is_empty() {
            section {
                h2 { "Against earlier snapshots" }
                @for trend in &report.trends { (against(trend, report)) }
            }
        }
    }
}

fn against(trend: &Since, report: &RunReport) -> Markup {
    let when = when(trend, report);
    html! {
        p { (when) " (" code { (trend.against) } "): " (trend_line(trend)) }
        @if let Some(tables) = trend.changed.as_deref().filter(|tables| !tables.is_empty()) {
            ul.plain { @for table in tables { li { code { (clean(&table.table.to_string())) } " " (table_line(table)) } } }
        }
    }
}

fn one(store: &RunStore) -> Markup {
    let plans = store.prune.iter().flat_map(|report| &report.plan.projects);
    let decisions: Vec<&Decision> = plans.flat_map(|plan| &plan.decisions).collect();
    html! {
        section {
            h2 { (clean(&store.store)) }
            p.lead { (clean(&proof(store))) @if let Some(kept) = kept(store) { ". " (kept) "." } }
            @if !decisions.is_empty() {
                table {
                    thead { tr { th scope="col" { "Snapshot" } th.n scope="col" { "Stored" } th scope="col" { "Why" } } }
                    tbody { @for decision in decisions { (row(decision)) } }
                }
            }
        }
    }
}

fn row(decision: &Decision) -> Markup {
    let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
    let (class, verb) = if decision.keep { ("stable", "keep") } else { ("moved", "remove") };
    html! {
        tr {
            th scope="row" { code { (decision.id) } " " span class={ "pill " (class) } { (verb) } }
            td.n { (bytes(decision.bytes)) }
            td { (clean(&reasons.join("; "))) }
        }
    }
}
