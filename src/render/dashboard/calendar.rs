//! The months, day by day. A day shows the best of its snapshots; every mark is a shape too, and not only a colour.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc};
use maud::{Markup, html};

use super::outlook::{Kind, Outlook};
use crate::model::{Dashboard, Shot};
use crate::render::{count, plural};

/// So many months are shown before a person has to ask for more.
const SHOWN: usize = 6;

/// What a day shows.
struct Day<'a> {
    date: NaiveDate,
    /// Snapshots of the day, the best first, and the newest of equals.
    shots: Vec<(Kind, &'a Shot)>,
    /// There should be one.
    is_missing: bool,
}

pub(super) fn calendar(page: &Dashboard, outlook: &Outlook<'_>) -> Markup {
    let months = months(page, outlook);
    let (first, more) = months.split_at(months.len().min(SHOWN));
    html! {
        section id="calendar" aria-labelledby="calendar-head" {
            h2 id="calendar-head" { "Calendar" }
            @if months.is_empty() { p.calm { "There is no snapshot to show." } }
            @else {
                ul.legend {
                    li { span.key.good { "1" } "good: complete, every row read back" }
                    li { span.key.unproven { "1" } "complete, not read back" }
                    li { span.key.look { "1" } "incomplete" }
                    li { span.key.bad { "1" } "damaged" }
                    li { span.key.missing { "1" } "missing" }
                    li { span.key.good.pinned { "1" } "pinned" }
                    li { span.key.good.leaving { "1" } "next to be pruned" }
                }
                div.months data-calendar { @for month in first { (month) } }
                @if !more.is_empty() {
                    details { summary { (plural(more.len() as u64, "earlier month")) } div.months data-calendar { @for month in more { (month) } } }
                }
            }
        }
    }
}

/// Newest first.
fn months(page: &Dashboard, outlook: &Outlook<'_>) -> Vec<Markup> {
    let mut days: BTreeMap<NaiveDate, Vec<(Kind, &Shot)>> = BTreeMap::new();
    for shot in &page.shots {
        let kind = Kind::of(shot);
        if kind.is_of_the_calendar() && shot.summary.started <= page.watch.at {
            days.entry(shot.summary.started.date_naive()).or_default().push((kind, shot));
        }
    }
    let today = page.watch.at.date_naive();
    let Some(first) = days.keys().next().copied() else { return Vec::new() };
    let mut found = Vec::new();
    let mut month = today.with_day(1).unwrap_or(today);
    while month >= first.with_day(1).unwrap_or(first) {
        let of_month = month.iter_days().take_while(|date| date.month() == month.month());
        let of_month = of_month.map(|date| day(date, &days, page, outlook)).collect();
        found.push(table(month, of_month, today, outlook));
        let Some(before) = month.checked_sub_months(Months::new(1)) else { break };
        month = before;
    }
    found
}

fn day<'a>(
    date: NaiveDate,
    days: &BTreeMap<NaiveDate, Vec<(Kind, &'a Shot)>>,
    page: &Dashboard,
    outlook: &Outlook<'_>,
) -> Day<'a> {
    let mut shots = days.get(&date).cloned().unwrap_or_default();
    shots.sort_by(|(a, left), (b, right)| a.cmp(b).then(right.summary.started.cmp(&left.summary.started)));
    let is_missing = shots.is_empty() && is_missing(date, days, page, outlook);
    Day { date, shots, is_missing }
}

/// Whether the limits were passed on a day without a snapshot. Of days that retention has thinned out nobody knows.
fn is_missing(
    date: NaiveDate,
    days: &BTreeMap<NaiveDate, Vec<(Kind, &Shot)>>,
    page: &Dashboard,
    outlook: &Outlook<'_>,
) -> bool {
    let Some(from) = outlook.whole_from else { return false };
    let ends = |date: NaiveDate| date.checked_add_days(Days::new(1)).map_or(DateTime::<Utc>::MAX_UTC, midnight);
    let end = ends(date).min(page.watch.at);
    let before =
        days.range(..date).next_back().and_then(|(_, shots)| shots.iter().map(|(_, s)| s.summary.started).max());
    let allowed: TimeDelta = page.limits.max_age + page.limits.schedule_grace;
    let is_past = midnight(date) <= page.watch.at;
    is_past && date >= from.date_naive() && before.is_some_and(|before| end - before > allowed)
}

fn midnight(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn table(month: NaiveDate, days: Vec<Day<'_>>, today: NaiveDate, outlook: &Outlook<'_>) -> Markup {
    let before = month.weekday().num_days_from_monday() as usize;
    let mut cells: Vec<Option<Day<'_>>> = (0..before).map(|_| None).collect();
    cells.extend(days.into_iter().map(Some));
    html! {
        table.month {
            caption { (month.format("%B %Y").to_string()) }
            thead {
                tr {
                    @for (short, long) in [
                        ("M", "Monday"), ("T", "Tuesday"), ("W", "Wednesday"), ("T", "Thursday"), ("F", "Friday"),
                        ("S", "Saturday"), ("S", "Sunday"),
                    ] { th scope="col" abbr=(long) { (short) } }
                }
            }
            tbody {
                @for week in cells.chunks(7) {
                    tr {
                        @for cell in week {
                            @match cell { None => td {}, Some(day) => (cell_of(day, today, outlook)) }
                        }
                    }
                }
            }
        }
    }
}

fn cell_of(day: &Day<'_>, today: NaiveDate, outlook: &Outlook<'_>) -> Markup {
    let number = day.date.day();
    let Some((kind, best)) = day.shots.first() else {
        return html! {
            @if day.is_missing { td.day.missing { (number) span.unseen { ": missing" } } }
            @else if day.date > today { td.day.ahead { (number) } }
            @else { td.day.none { (number) } }
        };
    };
    let is_pinned = day.shots.iter().any(|(_, shot)| shot.summary.pin.is_some());
    let is_leaving = day.shots.iter().any(|(_, shot)| outlook.is_leaving(&shot.summary.id));
    let others = day.shots.iter().filter(|(other, _)| other.class() != kind.class()).count();
    let mut words = format!("{}: ", day.date.format("%-d %B %Y"));
    words.push_str(&match day.shots.len() {
        1 => format!("{}, {}", kind.word(), plural(best.summary.rows, "row")),
        several => {
            let tally = tally(&day.shots);
            format!("{} snapshots: {tally}", count(several as u64))
        }
    });
    if is_pinned {
        words.push_str("; pinned");
    }
    if is_leaving {
        words.push_str("; next to be pruned");
    }
    html! {
        td.day.(kind.class()).pinned[is_pinned].leaving[is_leaving].mixed[others > 0] data-date=(day.date) {
            a href={ "#s-" (best.summary.id) } title=(words) {
                span aria-hidden="true" { (number) } span.unseen { (words) }
            }
        }
    }
}

/// `3 good, 1 incomplete`
fn tally(shots: &[(Kind, &Shot)]) -> String {
    let mut parts: Vec<(Kind, u64)> = Vec::new();
    for (kind, _) in shots {
        match parts.iter_mut().find(|(known, _)| known == kind) {
            Some((_, number)) => *number += 1,
            None => parts.push((*kind, 1)),
        }
    }
    parts.into_iter().map(|(kind, number)| format!("{} {}", count(number), kind.word())).collect::<Vec<_>>().join(", ")
}
