//! The texts of an issue. Names come from the project and end up in a page that people and robots read: none of them
//! may mention somebody, refer to something, or be taken for a tag.

use chrono::{DateTime, Utc};

use crate::model::{Again, Finding, Item, RUN, Severity, Step, Turn};
use crate::render::text::{REASON, clean, code, markdown, shorten, within_of};
use crate::render::{duration, plural, time};

/// GitHub takes 65,536 characters; so many bytes of findings leave room for what is remembered and for the rest.
const LISTED: usize = 36_000;
/// What a comment lists: it is read as a mail.
const NEWS: usize = 12_000;
/// Characters of a title; GitHub takes 256.
const TITLE: usize = 200;
/// How the line begins that is not compared: it changes only when something else does.
const CHANGED: &str = "<sub>Last changed ";

/// What an issue says beside its findings.
#[derive(Debug, Clone, Copy)]
pub struct IssueContext<'a> {
    /// The time.
    pub now: DateTime<Utc>,
    /// Findings below this are not listed.
    pub level: Severity,
    /// Where the job is to be seen that says it.
    pub link: Option<&'a str>,
}

/// The title, which stays as it is, so that mails about it stay together.
pub fn issue_title(step: &Step) -> String {
    let what = match step.key.check.as_str() {
        "health" => "the project does not serve",
        "key" => "the project's key",
        "freshness" => "no fresh backup",
        "incomplete" => "the newest snapshot is incomplete",
        "verification" => "snapshots are not verified",
        "retention" => "the last good snapshot is about to go",
        "stores" => "a store fails or lags behind",
        "collapse" => "tables were emptied",
        "shrink" => "rows or tables were lost",
        "coverage" => "tables are not backed up",
        "drift" => "the schema changed",
        "daily-growth" => "growth in a day",
        "weekly-growth" => "growth in a week",
        "size" => "more than is allowed",
        "quota" => "room runs out",
        "forecast" => "a limit comes near",
        "unusual" => "an unusual day",
        "schedule" => "the schedule is about to stop",
        "restoring" => "restoring is not proven",
        "not-checked" => "checks could not run",
        RUN => "a run did not do all",
        other => other,
    };
    shorten(&format!("supabackup: {what} ({})", step.key.project), TITLE)
}

/// The text: the marks that nobody sees, what is found, and how to deal with the issue.
pub fn issue_body(step: &Step, context: &IssueContext<'_>) -> String {
    let marks = format!("{}\n{}\n", step.key.mark(), step.record.line());
    if let Turn::Duplicate(of) = step.turn {
        return format!(
            "Two runs opened an issue for the same incident at the same moment. #{of} is the one that stays.\n"
        );
    }
    let project = code(&step.key.project, false);
    let whose = match step.key.check.as_str() {
        RUN => "`supabackup run`".to_owned(),
        check => format!("check {} of `supabackup monitor`", code(check, false)),
    };
    let listed = match step.turn {
        Turn::Close => {
            let lasted = duration(context.now - step.since);
            format!("**Over** since {}. It lasted {lasted}.\n\nProject {project}, {whose}.\n", time(context.now))
        }
        _ => format!(
            "{} in project {project}, {whose}. Since {}.\n\n{}",
            tally(&step.items),
            time(step.since),
            list(&step.items, LISTED, &whose)
        ),
    };
    let below = match step.below {
        0 => String::new(),
        below => format!("\n{}, not listed here.\n", remaining(below, context.level)),
    };
    format!(
        "{marks}{listed}{below}\n---\n\nThis text is kept up to date, and the issue is closed when nothing of this is found any \
         more: write notes as comments. Close it as \"not planned\" to hear no more of what it lists; remove its label, and it is \
         left alone. See [notifications]({}).\n\n{CHANGED}{}{}</sub>\n",
        concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/notifications.md"),
        time(context.now),
        run(context)
    )
}

/// What those hear who follow the issue; `None`: nothing that is news.
pub fn issue_comment(step: &Step, context: &IssueContext<'_>) -> Option<String> {
    if !step.is_news() {
        return None;
    }
    let fresh: Vec<Item> = step.items.iter().filter(|item| item.is_new).cloned().collect();
    let news = |items: &[Item]| list(items, NEWS, "the text above");
    let text = match step.turn {
        Turn::Close => {
            let (from, lasted) = (time(step.since), duration(context.now - step.since));
            let left = match step.below {
                0 => String::new(),
                below => format!(" {} remain.", remaining(below, context.level)),
            };
            format!("**Over**: nothing of this is found any more. It began {from} and lasted {lasted}.{left}")
        }
        Turn::Reopen(Again::Back) => format!("**It is back.**\n\n{}", news(&step.items)),
        Turn::Reopen(Again::StillThere) => {
            format!("This was closed, and it is **still there**.\n\n{}", news(&step.items))
        }
        Turn::Reopen(Again::Worse) => {
            let grew = turned(step).unwrap_or_default();
            format!("This was closed as \"not planned\"; **something has come since then**. {grew}\n\n{}", news(&fresh))
        }
        _ => match (turned(step), fresh.is_empty()) {
            (Some(turned), true) => format!("{turned}\n\n{}", news(&step.items)),
            (turned, _) => format!("{} **New:**\n\n{}", turned.unwrap_or_default(), news(&fresh)),
        },
    };
    Some(format!("{}{}\n", text.trim(), run(context).replacen(", ", "\n\n", 1)))
}

/// Whether two texts say the same, whenever they were written. Forms end lines in their own way.
pub fn is_same_issue_text(one: &str, other: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        let lines = text.trim_end().lines().map(|line| line.trim_end().to_owned());
        lines.filter(|line| !line.starts_with(CHANGED)).collect()
    };
    lines(one) == lines(other)
}

/// From which severity to which.
fn turned(step: &Step) -> Option<String> {
    let (before, now) = (step.before?, step.worst()?);
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => Some(format!("**Worse**: at {} level, was {}.", word(now), word(before))),
        std::cmp::Ordering::Less => Some(format!("**Better**: at {} level, was {}.", word(now), word(before))),
        std::cmp::Ordering::Equal => None,
    }
}

fn remaining(below: usize, level: Severity) -> String {
    format!("{} below {} level", plural(below as u64, "finding"), word(level))
}

/// `**2 errors, 1 warning**`
fn tally(items: &[Item]) -> String {
    let number = |severity| items.iter().filter(|item| item.finding.severity == severity).count() as u64;
    let counted = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")];
    let counted =
        counted.into_iter().map(|(severity, word)| (number(severity), word)).filter(|(number, _)| *number > 0);
    format!("**{}**", counted.map(|(number, word)| plural(number, word)).collect::<Vec<_>>().join(", "))
}

fn list(items: &[Item], budget: usize, whole: &str) -> String {
    within_of(whole, budget, items, |item| {
        let Finding { severity, code: kind, subject, message, hint } = &item.finding;
        let hint = hint.as_ref().map(|hint| format!("  \n  {}", inert(&shorten(hint, REASON)))).unwrap_or_default();
        format!(
            "- **{}** {} on {}: {}{hint}  \n  Since {}.\n",
            word(*severity),
            code(kind, false),
            code(&shorten(subject, REASON), false),
            inert(&shorten(message, REASON)),
            time(item.since)
        )
    })
}

fn run(context: &IssueContext<'_>) -> String {
    // the address is made of the runner's variables
    let is_plain = |link: &&str| link.starts_with("http") && !link.contains([' ', '<', '>', '(', ')', '"']);
    context.link.filter(is_plain).map(|link| format!(", [by this run]({})", clean(link))).unwrap_or_default()
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// Text of others in an issue. GitHub finds mentions, references and addresses after Markdown is read, so escaping
/// does not keep them from being found; a joiner that nobody sees does.
fn inert(text: &str) -> String {
    const JOINER: &str = "&#8288;";
    let mut out = markdown(text);
    for (mark, broken) in [
        ("&#64;", format!("&#64;{JOINER}")),
        ("\\#", format!("\\#{JOINER}")),
        ("://", format!(":{JOINER}//")),
        ("www.", format!("www{JOINER}.")),
        ("GH-", format!("GH{JOINER}-")),
        ("gh-", format!("gh{JOINER}-")),
    ] {
        out = out.replace(mark, &broken);
    }
    out
}

#[cfg(test)]
mod tests;
