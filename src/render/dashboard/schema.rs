//! What changed in tables and columns.

use maud::{Markup, html};

use super::day;
use crate::model::{Dashboard, SchemaChange};
use crate::render::count;
use crate::render::text::clean;

/// So many snapshots with changes are shown before a person has to ask for more.
const SHOWN: usize = 8;
/// So many changes of one snapshot are named.
const NAMED: usize = 100;

pub(super) fn schema(page: &Dashboard) -> Markup {
    let newest: Vec<&SchemaChange> = page.schema.iter().rev().collect();
    let (first, more) = newest.split_at(newest.len().min(SHOWN));
    html! {
        section id="schema" aria-labelledby="schema-head" {
            h2 id="schema-head" { "Schema changes" }
            @if newest.is_empty() {
                p.calm { "Tables and columns are the same in all snapshots that show them." }
            }
            (list(first))
            @if !more.is_empty() {
                details { summary { (count(more.len() as u64)) " earlier" } (list(more)) }
            }
        }
    }
}

fn list(changes: &[&SchemaChange]) -> Markup {
    html! {
        @if !changes.is_empty() {
            ul.changes {
                @for change in changes {
                    li {
                        p {
                            b { (day(change.id.started())) } " "
                            a href={ "#s-" (change.id) } { (change.id) }
                            @if change.is_other_way {
                                span.quiet { " Tables were found in another way than before, which may be why." }
                            }
                        }
                        ul.diff {
                            @for text in change.changes.iter().take(NAMED) { (line(text)) }
                            @if change.changes.len() > NAMED {
                                li { "and " (count((change.changes.len() - NAMED) as u64)) " more" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn line(text: &str) -> Markup {
    let (class, word) = match text.chars().next() {
        Some('+') => ("came", "came: "),
        Some('-') => ("went", "went: "),
        _ => ("other", "changed: "),
    };
    let rest = text.get(1..).unwrap_or_default().trim_start();
    html! { li.(class) { span.unseen { (word) } (clean(rest)) } }
}
