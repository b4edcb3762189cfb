//! What needs doing, and what is good to know.

use maud::{Markup, html};

use crate::model::{Dashboard, Finding, NOT_CHECKED, Severity};
use crate::render::count;
use crate::render::text::{clean, shorten};

/// So many are shown before a person has to ask for more.
const SHOWN: usize = 12;
/// Longest message, in characters.
const LONGEST: usize = 2000;

pub(super) fn needs(page: &Dashboard) -> Markup {
    let found: Vec<&Finding> = page.watch.findings.iter().filter(|f| f.severity > Severity::Info).collect();
    let (first, more) = found.split_at(found.len().min(SHOWN));
    html! {
        section id="needs" aria-labelledby="needs-head" {
            h2 id="needs-head" { "What needs doing" }
            @if found.is_empty() { p.calm { "Nothing." } }
            (list(first))
            @if !more.is_empty() {
                details { summary { (count(more.len() as u64)) " more" } (list(more)) }
            }
        }
    }
}

/// What is only good to know, at the end of the page.
pub(super) fn rest(page: &Dashboard) -> Markup {
    let info = page.watch.findings.iter().filter(|finding| finding.severity == Severity::Info);
    let (blind, known): (Vec<&Finding>, Vec<&Finding>) = info.partition(|finding| finding.code == NOT_CHECKED);
    let mut reasons: Vec<(&str, Option<&str>, Vec<&str>)> = Vec::new();
    for finding in blind {
        let reason = finding.message.strip_prefix("not checked: ").unwrap_or(&finding.message);
        match reasons.iter_mut().find(|(known, _, _)| *known == reason) {
            Some((_, _, names)) => names.push(&finding.subject),
            None => reasons.push((reason, finding.hint.as_deref(), vec![&finding.subject])),
        }
    }
    html! {
        @if !known.is_empty() || !reasons.is_empty() {
            section id="notes" aria-labelledby="notes-head" {
                h2 id="notes-head" { "Good to know" }
                (list(&known))
                @if !reasons.is_empty() {
                    h3 { "Not checked" }
                    ul.plain {
                        @for (reason, hint, names) in &reasons {
                            li {
                                b { (clean(&names.join(", "))) } ": " (clean(reason)) "."
                                @if let Some(hint) = hint { " " (sentence(hint)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn list(findings: &[&Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            ul.findings {
                @for finding in findings {
                    li.(class(finding.severity)) {
                        p.head {
                            span.pill.(class(finding.severity)) { (word(finding.severity)) } " "
                            code { (shorten(&finding.subject, LONGEST)) } " "
                            small { (clean(&finding.code)) }
                        }
                        p { (sentence(&finding.message)) }
                        @if let Some(hint) = &finding.hint { p.hint { (sentence(hint)) } }
                    }
                }
            }
        }
    }
}

/// A sentence; what stands between backticks is something to type.
fn sentence(text: &str) -> Markup {
    let text = whole(text);
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// With a capital, and with an end.
fn whole(text: &str) -> String {
    let text = shorten(text.trim(), LONGEST);
    let mut letters = text.chars();
    // commands and names stay as they are
    let capital: String = match letters.next() {
        Some(first) if !text.starts_with("supabackup") => first.to_uppercase().chain(letters).collect(),
        _ => text.clone(),
    };
    if capital.ends_with(['.', '!', '?', '…', ';', '`']) { capital } else { capital + "." }
}

fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "bad",
        Severity::Warning => "look",
        Severity::Info => "quiet",
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "worth a look",
        Severity::Info => "to know",
    }
}
