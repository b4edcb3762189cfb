//! The dashboard: one page that answers in this order whether there is a good backup, what needs doing, and what
//! has been. It loads nothing, works from a file, and is whole without its script, which draws the charts.
//!
//! Names and messages are foreign text. The page escapes them by construction; to the script they come as JSON in
//! a block that is no script, and it puts them into the page as text only. A policy in the page itself allows
//! exactly the style and the script that it was written with, and no connection anywhere.

mod calendar;
mod data;
mod findings;
mod growth;
mod hero;
mod outlook;
mod retention;
mod schema;
mod shots;
mod tables;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::model::Dashboard;
use crate::render::text::clean;
use crate::render::{time, watch_verdict};

use outlook::Outlook;

const STYLE: &str = include_str!("dashboard.css");
const SCRIPT: &str = include_str!("dashboard.js");

/// How something looks to a person in a hurry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tone {
    Good,
    Look,
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Bad => "bad",
        }
    }
}

/// The page.
pub fn dashboard_html(page: &Dashboard) -> String {
    let outlook = Outlook::of(page);
    let name = clean(&page.watch.project);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex, nofollow";
                title { (hero::headline(page)) ", " (watch_verdict(&page.watch)) " – " (name) }
                link rel="icon" href=(icon(hero::tone(page)));
                style { (PreEscaped(STYLE)) }
            }
            body {
                (hero::hero(page, &name))
                main {
                    (findings::needs(page))
                    (growth::growth(page))
                    (tables::tables(page))
                    (calendar::calendar(page, &outlook))
                    (retention::retention(page, &outlook))
                    (shots::shots(page, &outlook))
                    (schema::schema(page))
                    (findings::rest(page))
                }
                footer {
                    p {
                        "Written by " (clean(&page.tool)) " on " (time(page.watch.at)) ". All times are UTC. \
                        This page loads nothing and sends nothing."
                    }
                }
                script type="application/json" id="data" { (PreEscaped(data::json(page))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// What the page may do: show its own style, run its own script, and nothing else.
fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// A dot in the tab, in the colour of the state.
fn icon(tone: Tone) -> String {
    let colour = match tone {
        Tone::Good => "1f9d6b",
        Tone::Look => "d98a1f",
        Tone::Bad => "d2453b",
    };
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
         %3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
    )
}

/// A moment that the script shows as an age, counted from when somebody looks.
fn ago(at: chrono::DateTime<chrono::Utc>, page: &Dashboard) -> Markup {
    html! {
        time datetime=(at.format("%Y-%m-%dT%H:%M:%SZ")) title=(time(at)) data-age { (crate::render::age(at, page.watch.at)) }
    }
}

/// `23 Nov 2026`
fn day(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// `23 Nov, 09:32`
fn short(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%-d %b, %H:%M").to_string()
}

#[cfg(test)]
mod tests;
