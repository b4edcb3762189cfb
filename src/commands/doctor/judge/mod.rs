//! Observations to findings. Pure: no I/O, no clock.
//!
//! Messages follow the rule of all findings (lower case, no period); they are written so that they
//! are plain sentences once they begin with a capital and end with a period.

mod key;
mod project;
mod reach;
mod sql;
mod store;

pub(super) use key::{is_accepted, key, why_not};
pub(super) use project::{estimate, project};
pub(super) use reach::{is_reached, reach};
pub(super) use store::store;

use super::observe::Reply;
use crate::model::Finding;

/// Something that could not be looked at, because of something that was said before.
fn not_checked(subject: &str, what: &str, because: &str) -> Finding {
    Finding::info("not-checked", subject, format!("{what} not checked because {because}"))
}

/// What an answer tells about the server, whatever key it was asked with; `None`: it is well.
fn unwell(reply: &Reply, url: &str) -> Option<Finding> {
    let error = |code: &str, text: String, hint: &str| Some(Finding::error(code, "project", text).hint(hint));
    let said = reply.said();
    match reply.status {
        540 => error(
            "project-paused",
            "the project is paused (the API answers 540)".to_owned(),
            "resume it in the Supabase dashboard, then run again; a free project can be restored for one year after \
             it was paused, later its last backup can only be downloaded there",
        ),
        300..=399 => {
            let place = reply.location.as_deref().unwrap_or("another address");
            error("redirected", format!("{url} sends requests on to {place}"), "give the project's own URL")
        }
        404 => error(
            "no-api",
            format!("there is no Data API at {url}/rest/v1/ (it answers 404)"),
            "check that this is the project's own URL, and that its Data API is switched on in the dashboard \
             (Project Settings, Data API)",
        ),
        429 => error(
            "overloaded",
            format!("the API turns requests away: {said}"),
            "wait until the project is less busy, then run again",
        ),
        500..=599 => error(
            "unwell",
            format!("the API answers {said}"),
            "the project may be starting, restarting or overloaded: look at its state in the dashboard, then run again",
        ),
        _ => None,
    }
}

/// `a`, `a and b`, `a, b and 3 more`: so many by name.
fn some_of<T: ToString>(items: &[T], most: usize) -> String {
    let named: Vec<String> = items.iter().take(most).map(T::to_string).collect();
    match (named.split_last(), items.len() - named.len()) {
        (None, _) => String::new(),
        (Some((last, [])), 0) => last.clone(),
        (Some((last, others)), 0) => format!("{} and {last}", others.join(", ")),
        (_, more) => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests;
