//! The table of tables.

use std::collections::HashMap;
use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::growth::ahead;
use crate::model::{Dashboard, Subject, TableName, TableState, TableStatus, Trend};
use crate::render::text::clean;
use crate::render::watch::percent;
use crate::render::{count, plural};

/// The picture of a series: so wide and so high.
const BOX: (f64, f64) = (120.0, 28.0);

pub(super) fn tables(page: &Dashboard) -> Markup {
    let places: HashMap<&TableName, usize> = page.tables.iter().enumerate().map(|(i, name)| (name, i)).collect();
    let trends: HashMap<&TableName, &Trend> = page
        .watch
        .trends
        .iter()
        .filter_map(|trend| match &trend.subject {
            Subject::Table(name) => Some((name, trend)),
            _ => None,
        })
        .collect();
    html! {
        section id="tables" aria-labelledby="tables-head" {
            h2 id="tables-head" { "Tables" }
            @if page.watch.tables.is_empty() {
                p.calm { "No table shows." @if let Some(why) = &page.sealed { " Their names are sealed: " (clean(why)) "." } }
            } @else {
                p.controls data-needs-script hidden {
                    label.choice { span { "Find" } input type="search" id="find" autocomplete="off" spellcheck="false"; }
                    span.quiet role="status" data-found { (plural(page.watch.tables.len() as u64, "table")) }
                }
                table.tables {
                    thead {
                        tr {
                            th scope="col" data-sort="text" { "Table" }
                            th.n scope="col" data-sort="number" { "Rows" }
                            th.n.wide scope="col" data-sort="number" { "Day" }
                            th.n.wide scope="col" data-sort="number" { "Week" }
                            th scope="col" { "30 days" }
                            th scope="col" data-sort="number" { "State" }
                        }
                    }
                    tbody {
                        @for status in &page.watch.tables {
                            (row(status, places.get(&status.name).copied(), trends.get(&status.name).copied()))
                        }
                    }
                }
            }
        }
    }
}

fn row(status: &TableStatus, place: Option<usize>, trend: Option<&Trend>) -> Markup {
    let name = clean(&status.name.to_string());
    let rows = status.rows.filter(|_| status.state != TableState::Gone);
    let (rank, class, word) = state(status.state);
    let change = |change: Option<crate::model::Change>| change.and_then(|change| change.percent);
    html! {
        tr {
            th scope="row" data-value=(name) {
                @match place {
                    Some(place) => a href="#growth" data-table=(place) title="Show it in the chart" { (name) },
                    None => (name),
                }
                @if let Some(words) = trend.and_then(|trend| ahead(trend, count)) { small { (words) } }
            }
            td.n data-value=[rows] { @match rows { Some(rows) => (count(rows)), None => "–" } }
            td.n.wide data-value=[change(status.daily)] { (percent(status.daily)) }
            td.n.wide data-value=[change(status.weekly)] { (percent(status.weekly)) }
            td { div.trend { (trend.map(spark).unwrap_or_default()) span { (status.shape.word()) } } }
            td data-value=(rank) { span.pill.(class) { (word) } }
        }
    }
}

fn state(state: TableState) -> (u8, &'static str, &'static str) {
    match state {
        TableState::Error => (0, "bad", "error"),
        TableState::Gone => (1, "bad", "gone"),
        TableState::Warning => (2, "look", "look"),
        TableState::New => (3, "quiet", "new"),
        TableState::Ok => (4, "good", "ok"),
    }
}

/// One line, from the least value to the most. A series that does not move lies in the middle.
fn spark(trend: &Trend) -> Markup {
    let (Some((first, _)), Some((last, _))) = (trend.series.first(), trend.series.last()) else { return html! {} };
    let values = || trend.series.iter().map(|(_, value)| *value);
    let (least, most) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
    let time = (*last - *first).num_seconds().max(1) as f64;
    let mut path = String::new();
    for (at, value) in &trend.series {
        let x = 2.0 + (*at - *first).num_seconds() as f64 / time * (BOX.0 - 4.0);
        let share = if most == least { 0.5 } else { (value - least) as f64 / (most - least) as f64 };
        let y = BOX.1 - 3.0 - share * (BOX.1 - 6.0);
        // writing into a string does not fail
        let _ = write!(path, "{}{x:.0} {y:.1}", if path.is_empty() { "M" } else { "L" });
    }
    if trend.series.len() == 1 {
        path.push_str("h.1");
    }
    PreEscaped(format!(
        "<svg class=\"spark\" viewBox=\"0 0 {} {}\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>",
        BOX.0, BOX.1
    ))
}
