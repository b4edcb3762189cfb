//! Every snapshot with its details, month by month.

use chrono::Datelike;
use maud::{Markup, html};

use super::outlook::{Kind, Outlook};
use super::retention::why;
use super::{ago, short};
use crate::model::{Dashboard, Proof, Shot, SnapshotSummary};
use crate::render::text::{clean, shorten};
use crate::render::{bytes, count, duration, plural, ratio, time};

/// Longest line of a detail, in characters.
const LONGEST: usize = 600;
/// A month with fewer snapshots does not stand open alone.
const ENOUGH: usize = 5;

pub(super) fn shots(page: &Dashboard, outlook: &Outlook<'_>) -> Markup {
    let numbered: Vec<(usize, &Shot)> = page.shots.iter().enumerate().collect();
    let month = |(_, shot): &(usize, &Shot)| (shot.summary.started.year(), shot.summary.started.month());
    let months: Vec<&[(usize, &Shot)]> = numbered.chunk_by(|a, b| month(a) == month(b)).rev().collect();
    let mut open = 0;
    html! {
        section id="snapshots" aria-labelledby="snapshots-head" {
            h2 id="snapshots-head" { "Snapshots" }
            @if months.is_empty() { p.calm { "There is none." } }
            @for of_month in months {
                @let before = shown(&mut open, of_month.len());
                details.month-of open[before < ENOUGH] {
                    summary {
                        h3 { (of_month[0].1.summary.started.format("%B %Y").to_string()) }
                        span.quiet { (plural(of_month.len() as u64, "snapshot")) }
                    }
                    @for (number, shot) in of_month.iter().rev() { (one(*number, shot, page, outlook)) }
                }
            }
            @if page.older > 0 {
                p.quiet { (plural(page.older, "snapshot")) " from before " (super::day(page.since)) " " @if page.older == 1 { "is" } @else { "are" } " not shown." }
            }
        }
    }
}

/// How many are shown already, and from now on so many more.
fn shown(open: &mut usize, more: usize) -> usize {
    let before = *open;
    *open += more;
    before
}

fn one(number: usize, shot: &Shot, page: &Dashboard, outlook: &Outlook<'_>) -> Markup {
    let summary = &shot.summary;
    let kind = Kind::of(shot);
    let decision = outlook.decision(&summary.id);
    html! {
        details.shot id={ "s-" (summary.id) } data-shot=(number) {
            summary {
                span.when { (short(summary.started)) } " "
                span.pill.(kind.class()) { (kind.word()) } " "
                span.n { @if summary.finished.is_some() { (count(summary.rows)) small { " rows" } } }
                " " span.n.wide { (bytes(summary.stored_bytes)) } " "
                span.marks {
                    @if summary.pin.is_some() { span.mark { "pinned" } } " "
                    @if decision.is_some_and(|decision| !decision.keep) { span.mark.going { "goes" } }
                }
            }
            dl.details {
                dt { "Snapshot" } dd { code { (summary.id) } @if summary.sealed { ", sealed" } }
                dt { "Taken" } dd { (taken(summary)) @if shot.is_one_moment { "; all tables show one moment" } }
                @if summary.finished.is_some() { dt { "Holds" } dd { (holds(summary)) } }
                @if let Some(problem) = &summary.problem { dt { "Problem" } dd { (shorten(problem, LONGEST)) } }
                dt { "Proof" } dd { (proof(shot, page)) }
                @if let Some(restored) = summary.restored { dt { "Restored" } dd { "proven " (ago(restored, page)) } }
                @if let Some(decision) = decision {
                    dt { "Retention" }
                    dd { @if decision.keep { "stays: " } @else { "goes with the next prune: " } (shorten(&why(decision), LONGEST)) }
                }
                @if let Some(pin) = &summary.pin {
                    dt { "Pinned" }
                    dd { (time(pin.at)) @if let Some(note) = &pin.note { ": " (shorten(note, LONGEST)) } }
                }
                @if let Some(of) = &summary.safety_of { dt { "Safety" } dd { "taken before " code { (of) } " was restored, of the tables that this changed" } }
                @if let Some(of) = &summary.instead_of { dt { "Made from" } dd { code { (of) } ", by compressing it harder" } }
                @if summary.missing > 0 {
                    dt { "Missing" }
                    dd {
                        ul.plain {
                            @for missing in &shot.missing { li { (shorten(missing, LONGEST)) } }
                            @if summary.missing > shot.missing.len() as u64 { li { "and " (count(summary.missing - shot.missing.len() as u64)) " more" } }
                        }
                    }
                }
                @if summary.finished.is_some() { dt { "Restore" } dd { code { "supabackup restore " (summary.id) } } }
            }
        }
    }
}

fn taken(summary: &SnapshotSummary) -> String {
    let took = summary.finished.map(|finished| format!(", in {}", duration(finished - summary.started)));
    format!("{}{}", time(summary.started), took.unwrap_or_default())
}

fn holds(summary: &SnapshotSummary) -> String {
    format!(
        "{} of {}: {} of text, stored in {} ({}) and {}",
        plural(summary.rows, "row"),
        plural(summary.tables, "table"),
        bytes(summary.raw_bytes),
        bytes(summary.stored_bytes),
        ratio(summary.raw_bytes, summary.stored_bytes),
        plural(summary.parts, "part")
    )
}

fn proof(shot: &Shot, page: &Dashboard) -> Markup {
    let verified = &shot.summary.verified;
    html! {
        @match (shot.facts().proof, verified) {
            (Proof::Failed, Some(last)) => { "found damaged " (ago(last.at, page)) ": " (plural(last.errors as u64, "error")) },
            (Proof::Opened, Some(last)) => { "every row read back; last verified " (ago(last.at, page)) " (" (clean(&last.depth)) ")" },
            (_, Some(last)) => { "verified " (ago(last.at, page)) " as " (clean(&last.depth)) " only: no row was read back" },
            (_, None) => "never verified",
        }
    }
}
