//! The answer to the only question of a bad day: is there a good backup, and how old is it?

use chrono::TimeDelta;
use maud::{Markup, html};

use super::{Tone, ago};
use crate::model::{Dashboard, Severity, SnapshotState, SnapshotSummary, span};
use crate::render::text::clean;
use crate::render::{age, bytes, count, plural, time, watch_verdict};

/// What the whole page comes to.
pub(super) fn tone(page: &Dashboard) -> Tone {
    let found = match page.watch.worst {
        Some(Severity::Error) => Tone::Bad,
        Some(Severity::Warning) => Tone::Look,
        _ => Tone::Good,
    };
    found.max(backup_tone(page))
}

/// What the newest good snapshot's age comes to.
fn backup_tone(page: &Dashboard) -> Tone {
    let (limit, grace) = (page.limits.max_age, page.limits.schedule_grace);
    match page.good.as_ref().map(|good| page.watch.at - good.started) {
        None => Tone::Bad,
        Some(age) if age > limit + grace => Tone::Bad,
        Some(age) if age > limit || age < TimeDelta::minutes(-5) => Tone::Look,
        Some(_) => Tone::Good,
    }
}

/// For the title of the page.
pub(super) fn headline(page: &Dashboard) -> String {
    match (&page.good, &page.unseen) {
        (Some(good), _) => format!("Last good backup {}", age(good.started, page.watch.at)),
        (None, Some(_)) => "The snapshots cannot be seen".to_owned(),
        (None, None) => "No good backup".to_owned(),
    }
}

pub(super) fn hero(page: &Dashboard, name: &str) -> Markup {
    let tone = backup_tone(page);
    let limits = &page.limits;
    html! {
        header.hero.(tone.class()) id="top" data-hero data-max-age=(limits.max_age.num_seconds())
            data-grace=(limits.schedule_grace.num_seconds()) {
            div.inner {
                p.eyebrow { "Backups of " strong { (name) } }
                div.answer {
                    (sign())
                    div {
                        @match &page.good {
                            Some(good) => (there_is(page, good)),
                            None => (there_is_none(page)),
                        }
                        p.stale data-stale hidden {
                            "This page was written " (ago(page.watch.at, page)) ": what came after it does not show. \
                            A newer one may be there, or nothing writes it any more."
                        }
                        p.verdict {
                            a.pill.(tone_of_findings(page).class()) href="#needs" { (watch_verdict(&page.watch)) }
                            span { "seen " (ago(page.watch.at, page)) ", " (time(page.watch.at)) }
                        }
                    }
                }
                (facts(page))
                nav aria-label="Sections" {
                    @for (target, word) in [
                        ("needs", "What needs doing"), ("growth", "Growth"), ("tables", "Tables"), ("calendar", "Calendar"),
                        ("retention", "Retention"), ("snapshots", "Snapshots"), ("schema", "Schema"),
                    ] { a href={ "#" (target) } { (word) } " " }
                }
            }
        }
    }
}

fn tone_of_findings(page: &Dashboard) -> Tone {
    match (page.watch.count(Severity::Error), page.watch.count(Severity::Warning)) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Look,
        _ => Tone::Bad,
    }
}

fn there_is(page: &Dashboard, good: &SnapshotSummary) -> Markup {
    let limit = page.limits.max_age;
    let is_late = page.watch.at - good.started > limit;
    html! {
        h1 { "Last good backup: " span.nowrap { (ago(good.started, page)) } }
        p.what {
            strong { (plural(good.rows, "row")) } " in " (plural(good.tables, "table")) ", "
            span.nowrap { (bytes(good.stored_bytes)) } @if good.sealed { ", sealed" } ". "
            @if let Some(verified) = &good.verified { "Every row was read back " (ago(verified.at, page)) "." }
        }
        p.overdue data-overdue hidden[!is_late] { "It should not be older than " (hours(limit)) "." }
        p.restore { "To restore it: " code { "supabackup restore " (good.id) } }
    }
}

/// `24 h`, `7 days`
fn hours(time: TimeDelta) -> String {
    if time <= TimeDelta::hours(72) && time.num_minutes() % 60 == 0 {
        format!("{} h", time.num_hours())
    } else {
        span(time)
    }
}

fn there_is_none(page: &Dashboard) -> Markup {
    let complete = page.shots.iter().filter(|shot| shot.summary.state == SnapshotState::Complete);
    let complete = complete.filter(|shot| shot.summary.safety_of.is_none()).count() as u64;
    html! {
        @match &page.unseen {
            Some(why) => {
                h1 { "The snapshots cannot be seen" }
                p.what { (clean(&why.reason)) "." }
                @if let Some(hint) = &why.hint { p.what { (clean(hint)) } }
            }
            None => {
                h1 { "No good backup" }
                p.what {
                    @if page.shots.is_empty() && page.older == 0 { "There is no snapshot at all. " }
                    @else if complete == 0 { "There are snapshots, and none of them is complete. " }
                    @else { (plural(complete, "complete snapshot")) ", and none that was read back whole. " }
                    "A good one is complete, and " code { "supabackup verify" } " has read every row of it back."
                }
            }
        }
    }
}

/// A sign that is not only a colour. All of them are there: the one of the header's class shows.
fn sign() -> Markup {
    html! {
        svg.sign viewBox="0 0 48 48" aria-hidden="true" {
            circle cx="24" cy="24" r="22" {}
            path.of-good d="M14 25.5l7 7L34.5 17" {}
            path.of-look d="M24 13v14M24 33.5v1" {}
            path.of-bad d="M16.5 16.5l15 15M31.5 16.5l-15 15" {}
        }
    }
}

/// A few numbers of now.
fn facts(page: &Dashboard) -> Markup {
    let good = page.shots.iter().filter(|shot| shot.facts().is_good()).count() as u64;
    let newest = page.shots.iter().rfind(|shot| shot.facts().is_complete());
    let restored = page.shots.iter().filter_map(|shot| shot.summary.restored).max();
    let fact = |label: &str, value: Markup, note: Markup| {
        html! { div { dt { (label) } dd { b { (value) } small { (note) } } } }
    };
    let stores = page.stores.len() as u64;
    let reached = page.stores.iter().filter(|store| store.newest.is_ok()).count() as u64;
    let is_live = page.watch.tables.iter().any(|table| table.is_live);
    html! {
        dl.facts {
            @if let Some(rows) = page.watch.rows {
                (fact("Rows", html! { (count(rows)) }, html! { @if is_live { "in the project now" } @else { "in the newest snapshot" } }))
            }
            @if let Some(size) = page.watch.database_bytes {
                (fact("Database", html! { (bytes(size)) }, html! { "on the project's disk" }))
            }
            @if let Some(newest) = newest {
                (fact("Newest complete", html! { (bytes(newest.summary.stored_bytes)) }, html! { (ago(newest.summary.started, page)) }))
            }
            (fact("Good snapshots", html! { (count(good)) }, html! {
                "of " (count(page.shots.len() as u64))
                @if page.older > 0 { ", and " (count(page.older)) " older" }
            }))
            (fact("Restore proven", html! {
                @match restored { Some(at) => (ago(at, page)), None => "never" }
            }, html! { "with one of these snapshots" }))
            @if stores > 1 {
                (fact("Stores", html! { (count(reached)) " of " (count(stores)) }, html! { "answer" }))
            }
        }
    }
}
