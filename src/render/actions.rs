//! What a runner of GitHub Actions understands: annotations, outputs, and a summary that is not too large. The form is
//! that of its own source (`ActionCommand.cs`, `SetOutputFileCommand.cs`, `CreateStepSummaryCommand`).

use std::collections::BTreeMap;

use crate::model::{Finding, Output, RunFailure, Severity};
use crate::render::text::{block, clean, code, markdown, shorten};
use crate::render::{count, plural};

/// Annotations of one kind of which a runner keeps all; the one after them sums up the rest.
const MOST: usize = 9;
/// A runner cuts a message here, counted as UTF-16.
const LONGEST: usize = 4096;
/// Titles are shown on one line.
const LONGEST_TITLE: usize = 200;
/// Bytes that the summary of a step may have, all of its commands together, less a reserve: a larger one is dropped
/// as a whole.
pub const SUMMARY_LIMIT: u64 = (1 << 20) - (8 << 10);
/// What a cut summary has to say takes no more.
const RESERVE: usize = 1 << 10;

/// One line for each finding, the failure first; of each kind nine at most and one that sums up the rest. `where_all`:
/// the place that names all.
pub fn annotations(verb: &str, failure: Option<&RunFailure>, findings: &[Finding], where_all: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (severity, command) in [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "notice")]
    {
        let of_kind: Vec<&Finding> = findings.iter().filter(|finding| finding.severity == severity).collect();
        let mut all: Vec<String> = failure
            .filter(|_| severity == Severity::Error)
            .map(|failure| {
                let title = format!("{}: failed", named(verb));
                annotation(command, &title, &failure.message, failure.hint.as_deref())
            })
            .into_iter()
            .collect();
        all.extend(of_kind.iter().map(|finding| {
            let title = format!("supabackup: {} {}", finding.code, finding.subject);
            annotation(command, &title, &finding.message, finding.hint.as_deref())
        }));
        let more = all.len().saturating_sub(MOST);
        if more > 0 {
            all.truncate(MOST);
            let title = format!("{}: {} more", named(verb), count(more as u64));
            let kind = if severity == Severity::Info { "notice" } else { command };
            let text = format!("and {}: see {where_all}", plural(more as u64, &format!("more {kind}")));
            all.push(annotation(command, &title, &text, None));
        }
        lines.extend(all);
    }
    lines
}

/// `supabackup run`; alone where the command is not known.
fn named(verb: &str) -> String {
    format!("supabackup {verb}").trim_end().to_owned()
}

/// `::error title=…::…`, on one line whatever the texts hold.
fn annotation(command: &str, title: &str, message: &str, hint: Option<&str>) -> String {
    let hint = hint.map(|hint| format!("\nhint: {}", clean(hint))).unwrap_or_default();
    let message = cut(&format!("{}{hint}", clean(message)), LONGEST);
    format!("::{command} title={}::{}", property(&shorten(title, LONGEST_TITLE)), data(&message))
}

/// The text in so many units of UTF-16.
fn cut(text: &str, most: usize) -> String {
    if text.encode_utf16().count() <= most {
        return text.to_owned();
    }
    let mut left = most - 1;
    let fits = |c: &char| left.checked_sub(c.len_utf16()).inspect(|&rest| left = rest).is_some();
    text.chars().take_while(fits).chain(['…']).collect()
}

/// `%` first: it begins what the others become.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The lines that set a step's outputs. `delimiter`: a word that no value can hold.
pub fn outputs(values: &BTreeMap<Output, String>, delimiter: &str) -> String {
    values.iter().map(|(output, value)| format!("{}<<{delimiter}\n{value}\n{delimiter}\n", output.name())).collect()
}

/// The summary of a command that did not come to its end.
pub fn failure_md(verb: &str, failure: &RunFailure) -> String {
    let hint = failure.hint.as_ref().map(|hint| format!("\nHint: {}\n", markdown(hint))).unwrap_or_default();
    format!("# {}: **failed**\n\n{}\n{hint}", code(&named(verb), false), markdown(&failure.message))
}

/// The summary of a command that only showed what it would do.
pub fn plan_md(verb: &str, plan: &str) -> String {
    let lines: Vec<String> = plan.lines().map(clean).collect();
    format!("# {}: what would be done\n\n{}", code(&named(verb), false), block("text", &lines.join("\n")))
}

/// The summary in so many bytes, cut at a line, with a sentence that says so and where the rest is. `None`: there is no
/// room even for that.
pub fn fitted(summary: &str, room: u64, where_all: &str) -> Option<String> {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if summary.len() <= room {
        return Some(summary.to_owned());
    }
    let room = room.checked_sub(RESERVE)?;
    let mut kept = 0;
    let mut fence: Option<&str> = None;
    for line in summary.split_inclusive('\n') {
        if kept + line.len() > room {
            break;
        }
        kept += line.len();
        let marks = &line[..line.len() - line.trim_start_matches('`').len()];
        match fence {
            None if marks.len() > 2 => fence = Some(marks),
            Some(open) if marks.len() >= open.len() && line.trim_end() == marks => fence = None,
            _ => {}
        }
    }
    let close = fence.map(|marks| format!("{marks}\n")).unwrap_or_default();
    let lines = summary[kept..].lines().count() as u64;
    let why = "a step's summary may have 1 MiB, all of its commands together";
    Some(format!(
        "{}{close}\n**Cut here**: {} more; {why}. All of it: {}.\n",
        &summary[..kept],
        plural(lines, "line"),
        shorten(where_all, RESERVE / 4)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, n: usize) -> Finding {
        Finding { severity, ..Finding::error("table-emptied", format!("public.t{n}"), "it had 12 rows") }
    }

    #[test]
    fn a_finding_is_one_line_and_its_texts_stay_in_their_places() {
        let one = Finding::error("table-emptied", "public.a,b::c%", "100 %\n::error::x").hint("do\rthis");
        assert_eq!(
            annotations("run", None, &[one], "the summary"),
            [
                "::error title=supabackup%3A table-emptied public.a%2Cb%3A%3Ac%25::100 %25\\n::error::x%0Ahint: do\\rthis"
            ]
        );
        let failure = RunFailure { message: "no key".to_owned(), hint: None };
        assert_eq!(
            annotations("backup", Some(&failure), &[], "the log"),
            ["::error title=supabackup backup%3A failed::no key"]
        );
    }

    #[test]
    fn of_each_kind_the_rest_is_summed_up() {
        for (number, lines, last) in
            [(9, 9, "t8::"), (10, 10, "::and 1 more warning: see the log"), (300, 10, "and 291 more")]
        {
            let findings: Vec<Finding> = (0..number).map(|n| finding(Severity::Warning, n)).collect();
            let found = annotations("monitor", None, &findings, "the log");
            assert_eq!(found.len(), lines);
            assert!(found.iter().all(|line| line.starts_with("::warning title=")), "{found:?}");
            assert!(found.last().is_some_and(|line| line.contains(last)), "{number}: {found:?}");
        }
        let failure = RunFailure { message: "x".to_owned(), hint: None };
        let errors: Vec<Finding> = (0..20).map(|n| finding(Severity::Error, n)).collect();
        let found = annotations("run", Some(&failure), &errors, "the log");
        assert_eq!(found.len(), 10);
        assert!(found[0].ends_with("failed::x") && found[9].contains("and 12 more errors"), "{found:?}");
    }

    #[test]
    fn no_message_is_longer_than_a_runner_takes() {
        let long = Finding::error("x", "y", "😀".repeat(5000));
        let found = annotations("run", None, &[long], "the log");
        let message = found[0].rsplit("::").next().unwrap_or_default();
        assert!(message.encode_utf16().count() <= LONGEST && message.ends_with('…'), "{}", message.len());
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
    }

    #[test]
    fn a_summary_that_is_too_large_is_cut_at_a_line_and_says_so() {
        let text = format!("# x\n\n```mermaid\n{}```\n{}", "line\n".repeat(300), "- é\n".repeat(3000));
        assert_eq!(fitted(&text, text.len() as u64, "x").as_deref(), Some(text.as_str()));
        for room in [1100, 2500, 2700, 6000] {
            let cut = fitted(&text, room, "`report.md`").unwrap_or_default();
            assert!(cut.len() as u64 <= room && cut.ends_with("All of it: `report.md`.\n"), "{room}: {cut}");
            assert_eq!(cut.matches("```").count() % 2, 0, "{cut}");
        }
        assert_eq!(fitted(&text, 900, "x"), None);
    }
}
