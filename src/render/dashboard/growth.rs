//! Rows and bytes over time. The script draws; without it the words stay.

use maud::{Markup, html};

use super::day;
use crate::model::{Dashboard, Reach, Subject, Trend};
use crate::render::text::clean;
use crate::render::watch::moves;
use crate::render::{bytes, count};

/// Ranges to choose from: days (0: all), and their words.
const RANGES: [(u32, &str, &str); 5] = [
    (7, "7 d", "7 days"),
    (30, "30 d", "30 days"),
    (90, "90 d", "90 days"),
    (365, "1 y", "1 year"),
    (0, "All", "all there is"),
];
/// The one that is chosen at first.
const FIRST: u32 = 30;

pub(super) fn growth(page: &Dashboard) -> Markup {
    html! {
        section id="growth" aria-labelledby="growth-head" {
            h2 id="growth-head" { "Growth" }
            div.controls data-needs-script hidden {
                fieldset.range {
                    legend { "Range" }
                    @for (days, short, long) in RANGES {
                        label {
                            input type="radio" name="range" value=(days) checked[days == FIRST];
                            span aria-hidden="true" { (short) }
                            span.unseen { (long) }
                        }
                    }
                }
                label.choice { span { "Table" }
                    select id="series" {
                        option value="all" { "all tables" }
                        @for (place, name) in page.tables.iter().enumerate() {
                            option value=(place) { (clean(&name.to_string())) }
                        }
                    }
                }
            }
            div.charts {
                (chart("rows", "Rows", &words(page, &Subject::AllRows, count)))
                (chart("stored", "Size of a snapshot, as stored", &words(page, &Subject::SnapshotSize, bytes)))
            }
            noscript { p.quiet { "The charts are drawn by the script in this page, which is switched off here." } }
        }
    }
}

fn chart(id: &str, title: &str, words: &str) -> Markup {
    html! {
        figure data-chart=(id) {
            figcaption { b data-title { (title) } " " span.quiet data-words { (words) } }
            div.plot data-plot hidden {}
        }
    }
}

/// The trend in words.
fn words(page: &Dashboard, of: &Subject, number: fn(u64) -> String) -> String {
    let Some(trend) = page.watch.trends.iter().find(|trend| trend.subject == *of) else { return String::new() };
    let moves = match (of, trend.slope) {
        // bytes have units
        (Subject::SnapshotSize, Some(slope)) if trend.shape != crate::model::Shape::Steady => {
            format!("{} by {} a day", trend.shape.word(), number(slope.per_day.abs() as u64))
        }
        _ => moves(trend).unwrap_or_default(),
    };
    [Some(moves).filter(|moves| !moves.is_empty()), ahead(trend, number)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("; ")
}

/// `reaches 50,000 about 3 Jan 2027`
pub(super) fn ahead(trend: &Trend, number: fn(u64) -> String) -> Option<String> {
    trend.forecasts.iter().find_map(|forecast| match forecast.reach {
        Reach::Ahead { likely, .. } => Some(format!("reaches {} about {}", number(forecast.value), day(likely))),
        _ => None,
    })
}
