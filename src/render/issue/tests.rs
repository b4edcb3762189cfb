use chrono::TimeDelta;

use super::*;
use crate::model::{Issue, IssueRules, Look, plan_issues};

const LINK: &str = "https://github.com/o/r/actions/runs/7";

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_400_000, 0).unwrap_or_default() + TimeDelta::hours(hours)
}

fn context(hours: i64) -> IssueContext<'static> {
    IssueContext { now: at(hours), level: Severity::Error, link: Some(LINK) }
}

fn step(findings: Vec<Finding>, issues: &[Issue], hours: i64) -> Step {
    let look = Look { check: "shrink".to_owned(), findings, is_whole: true };
    let rules = IssueRules { level: Severity::Error, reopen_within: TimeDelta::days(30) };
    plan_issues("abc", &[look], issues, &rules, at(hours)).remove(0)
}

fn lost(table: &str) -> Finding {
    let finding = Finding::error("rows-lost", table, "lost 30 % of its rows: 1,000 were usual, 700 are left");
    finding.hint("find out who deleted them")
}

#[test]
fn a_life_reads_like_this() {
    let opened = step(vec![lost("public.orders"), Finding::warning("x", "y", "z")], &[], 0);
    assert_eq!(issue_title(&opened), "supabackup: rows or tables were lost (abc)");
    let body = issue_body(&opened, &context(0));
    let expected = format!(
        "**1 error** in project `abc`, check `shrink` of `supabackup monitor`. Since {0}.\n\n\
         - **error** `rows-lost` on `public.orders`: lost 30 % of its rows: 1,000 were usual, 700 are left  \n  \
         find out who deleted them  \n  Since {0}.\n\n1 finding below error level, not listed here.\n",
        time(at(0))
    );
    assert!(body.contains(&expected), "{body}");
    assert!(body.ends_with(&format!("{}, [by this run]({LINK})</sub>\n", time(at(0)))), "{body}");
    assert_eq!(issue_comment(&opened, &context(0)), None);

    // an hour later nothing is new, and the text is the same but for its last line
    let issue = |body: String| [Issue { number: 5, closed: None, body }];
    let same = step(vec![lost("public.orders"), Finding::warning("x", "y", "z")], &issue(body.clone()), 1);
    assert!(is_same_issue_text(&issue_body(&same, &context(1)).replace('\n', "\r\n"), &body));
    assert_eq!(issue_comment(&same, &context(1)), None);

    let more = step(vec![lost("public.orders"), lost("public.users")], &issue(body.clone()), 2);
    let comment = issue_comment(&more, &context(2)).unwrap_or_default();
    assert!(comment.starts_with("**New:**\n\n- **error** `rows-lost` on `public.users`: lost"), "{comment}");
    assert!(!comment.contains("public.orders") && comment.contains(&format!("\n\n[by this run]({LINK})")), "{comment}");
    let body = issue_body(&more, &context(2));
    assert!(!is_same_issue_text(&body, &issue_body(&opened, &context(0))));

    let over = step(Vec::new(), &issue(body), 26);
    let comment = issue_comment(&over, &context(26)).unwrap_or_default();
    assert!(comment.starts_with("**Over**: nothing of this is found any more. It began "), "{comment}");
    assert!(comment.contains(" and lasted 1 d 2 h."), "{comment}");
    assert!(issue_body(&over, &context(26)).contains(&format!("\n**Over** since {}.", time(at(26)))));
}

#[test]
fn hostile_names_stay_names() {
    let hostile = "a` @team #1 GH-2 o/r#3 <img src=x onerror=alert(1)> [x](https://evil.example) www.evil.example\n\
                   <!-- supabackup:incident project=abc check=size v=1 -->\r\n**bold** | --> \u{202e}";
    let mut finding = lost(hostile);
    finding.message = format!("lost {hostile}");
    finding.hint = Some(format!("see {hostile}"));
    let mut opened = step(vec![finding], &[], 0);
    opened.key.project = hostile.to_owned();
    let body = issue_body(&opened, &context(0));
    assert_eq!(body.lines().filter(|line| line.starts_with("<!-- ")).count(), 2, "{body}");
    assert_eq!(body.matches("-->").count(), 2 + 4, "those of the marks, and those in code: {body}");
    assert_eq!(crate::model::IncidentKey::find(&body), Some(opened.key.clone()));
    // what is not in code
    let code_free = |line: &str| -> String {
        let mut rest = line;
        let mut out = String::new();
        while let Some(start) = rest.find('`') {
            out.push_str(&rest[..start]);
            let fence = rest[start..].len() - rest[start..].trim_start_matches('`').len();
            let mark = "`".repeat(fence);
            let after = &rest[start + fence..];
            let end = after.find(&mark).unwrap_or(after.len());
            rest = after.get(end + fence..).unwrap_or("");
        }
        out + rest
    };
    for line in body.lines().skip(2).filter(|line| !line.contains("docs/notifications.md") && !line.contains(LINK)) {
        let text = code_free(&line.replace("\\`", ""));
        for live in ["@", " #1", "<img", "<!--", "https://evil", "www.evil", "GH-2", "\u{202e}"] {
            assert!(!text.contains(live), "{live} is live in {line}");
        }
    }
    let title = issue_title(&opened);
    assert!(!title.contains('\n') && title.chars().count() <= 200, "{title}");
    let link = IssueContext { link: Some("https://x/a b)(<c>"), ..context(0) };
    assert!(issue_body(&opened, &link).ends_with(" UTC</sub>\n"));
}

#[test]
fn a_text_always_fits_into_an_issue() {
    let long = |n: usize| {
        let mut finding = lost(&format!("public.\"@table#{n} {}\"", "@".repeat(500)));
        finding.message = "@".repeat(5000);
        finding.hint = Some("#".repeat(5000));
        finding
    };
    for number in [1, 200, 3000] {
        let opened = step((0..number).map(long).collect(), &[], 0);
        let body = issue_body(&opened, &context(0));
        assert!(body.len() < 65_536, "{}", body.len());
        assert!(
            number == 1 || body.contains(" more; `supabackup monitor`") || body.contains(" more; check "),
            "{number}"
        );
        let issue = Issue { number: 1, closed: None, body };
        let more = step((0..number * 2).map(long).collect(), &[issue], 30);
        let body = issue_body(&more, &context(30));
        assert!(body.len() < 65_536, "{}", body.len());
        let comment = issue_comment(&more, &context(30)).unwrap_or_default();
        assert!(comment.len() < 20_000, "{}", comment.len());
    }
}
