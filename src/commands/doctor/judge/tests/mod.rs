//! Tables of cases: what was seen, and what is said about it.

mod key;
mod project;
mod reach;
mod sql;
mod store;

use super::{some_of, unwell};
use crate::commands::doctor::observe::Reply;
use crate::model::{Finding, Severity};

/// Severity, code and message of all findings, a line each.
fn told(findings: &[Finding]) -> String {
    let line = |f: &Finding| {
        let mark = match f.severity {
            Severity::Info => "ok",
            Severity::Warning => "!",
            Severity::Error => "x",
        };
        format!("{mark} {}: {}\n", f.code, f.message)
    };
    findings.iter().map(line).collect()
}

/// The hint of the finding with this code.
fn hint<'a>(findings: &'a [Finding], code: &str) -> &'a str {
    findings.iter().find(|f| f.code == code).and_then(|f| f.hint.as_deref()).unwrap_or_default()
}

fn reply(status: u16, code: &str, message: &str) -> Reply {
    Reply { status, code: code.to_owned(), message: message.to_owned(), ..Reply::default() }
}

#[test]
fn a_status_that_no_key_can_change_is_told_in_words() {
    for (status, expected) in [
        (540, "x project-paused: the project is paused (the API answers 540)\n"),
        (301, "x redirected: https://x sends requests on to https://y\n"),
        (404, "x no-api: there is no Data API at https://x/rest/v1/ (it answers 404)\n"),
        (429, "x overloaded: the API turns requests away: 429 (PGRST: busy)\n"),
        (503, "x unwell: the API answers 503 (PGRST: busy)\n"),
        (544, "x unwell: the API answers 544 (PGRST: busy)\n"),
        (200, ""),
        (401, ""),
        (406, ""),
    ] {
        let reply = Reply { location: Some("https://y".to_owned()), ..reply(status, "PGRST", "busy") };
        let findings: Vec<Finding> = unwell(&reply, "https://x").into_iter().collect();
        assert_eq!(told(&findings), expected, "{status}");
        assert!(findings.iter().all(|f| f.hint.is_some()));
    }
    let paused: Vec<Finding> = unwell(&reply(540, "", ""), "https://x").into_iter().collect();
    assert!(hint(&paused, "project-paused").contains("one year"));
}

#[test]
fn lists_are_cut_with_a_count() {
    assert_eq!(some_of::<&str>(&[], 3), "");
    assert_eq!(some_of(&["a"], 3), "a");
    assert_eq!(some_of(&["a", "b", "c"], 3), "a, b and c");
    assert_eq!(some_of(&["a", "b", "c", "d"], 2), "a, b and 2 more");
}
