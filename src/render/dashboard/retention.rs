//! What the rules keep, and why.

use maud::{Markup, html};

use super::outlook::{Goes, Outlook};
use super::{day, short};
use crate::model::{Dashboard, Decision, ProjectPlan, Reason, Retention, span};
use crate::render::text::clean;
use crate::render::{bytes, count, plural};

/// So many that go are named.
const NAMED: usize = 5;

pub(super) fn retention(page: &Dashboard, outlook: &Outlook<'_>) -> Markup {
    html! {
        section id="retention" aria-labelledby="retention-head" {
            h2 id="retention-head" { "Retention" }
            div.columns {
                div {
                    h3 { "The rules keep" }
                    ul.plain { @for rule in rules(&page.retention) { li { (rule) } } }
                }
                @match &page.plan {
                    Some(plan) => {
                        div { (kept(plan)) }
                        div { (goes(plan, outlook)) }
                    }
                    None => div { p.calm { "There is no snapshot to keep." } },
                }
            }
        }
    }
}

fn rules(rules: &Retention) -> Vec<String> {
    let most = plural(rules.keep_at_most as u64, "snapshot");
    let mut told = vec![format!("good snapshots for {}, {most} at most", span(rules.keep_within))];
    for (number, word) in [
        (rules.hourly, "hour"),
        (rules.daily, "day"),
        (rules.weekly, "week"),
        (rules.monthly, "month"),
        (rules.yearly, "year"),
    ] {
        if number > 0 {
            told.push(format!("the last good one of each of {}", plural(number as u64, word)));
        }
    }
    let floor = plural(rules.floor as u64, "newest good one");
    told.push(format!("always the {floor}, and every pinned one"));
    told.push(format!("incomplete ones for {}", span(rules.keep_incomplete)));
    told.push(format!("safety snapshots of restores for {}", span(rules.keep_safety)));
    told
}

/// How many stay for each reason. One snapshot may have several.
fn kept(plan: &ProjectPlan) -> Markup {
    let kept: Vec<&Decision> = plan.decisions.iter().filter(|decision| decision.keep).collect();
    let size = kept.iter().map(|decision| decision.bytes).sum();
    let mut reasons: Vec<(&'static str, String, u64)> = Vec::new();
    for reason in kept.iter().flat_map(|decision| &decision.reasons) {
        match reasons.iter_mut().find(|(code, _, _)| *code == reason.code()) {
            Some((_, _, number)) => *number += 1,
            None => reasons.push((reason.code(), in_general(reason), 1)),
        }
    }
    reasons.sort_by_key(|(_, _, number)| std::cmp::Reverse(*number));
    html! {
        h3 { (plural(kept.len() as u64, "snapshot")) " " @if kept.len() == 1 { "stays" } @else { "stay" } ", " (bytes(size)) }
        ul.plain.tally {
            @for (_, words, number) in &reasons { li { b { (count(*number)) } " " (words) } }
        }
    }
}

/// A reason without what belongs to a single snapshot.
fn in_general(reason: &Reason) -> String {
    match reason {
        Reason::Pinned(_) => "pinned".to_owned(),
        Reason::Newest => "the newest good one".to_owned(),
        Reason::Floor(floor) => format!("among the {floor} newest good ones"),
        Reason::LastOf(period, _) => format!("the last good one of its {period}"),
        other => other.to_string(),
    }
}

fn goes(plan: &ProjectPlan, outlook: &Outlook<'_>) -> Markup {
    html! {
        @if !plan.freeze.is_empty() {
            h3 { "Nothing is removed: the project is frozen" }
            ul.plain { @for freeze in &plan.freeze { li { (clean(&freeze.to_string())) ". " (clean(&freeze.hint())) "." } } }
        }
        h3 { "Next to go" }
        @if outlook.going.is_empty() {
            @match outlook.next {
                Some((next, when)) => p {
                    (link(next)) " "
                    @match when {
                        Goes::WithTheNext => "when the next good one comes: there are as many as there may be",
                        Goes::At(at) => { "about " (day(at)) ", when it is too old" },
                    }
                    "."
                },
                None => p.calm { "None, as it is now." },
            }
        } @else {
            p { "With the next prune:" }
            ul.plain {
                @for decision in outlook.going.iter().take(NAMED) {
                    li { (link(decision)) ": " (clean(&why(decision))) }
                }
                @if outlook.going.len() > NAMED { li { "and " (count((outlook.going.len() - NAMED) as u64)) " more" } }
            }
        }
    }
}

fn link(decision: &Decision) -> Markup {
    html! { a href={ "#s-" (decision.id) } { "that of " (short(decision.id.started())) } }
}

/// The reasons of one snapshot.
pub(super) fn why(decision: &Decision) -> String {
    decision.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
