use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::model::{
    Finding, Limits, PrunePlan, Retention, Severity, Shot, SnapshotId, SnapshotState, SnapshotSummary, TableCount,
    TableName, Verification, WatchReport,
};

fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_780) + TimeDelta::hours(12)
}

fn shot(age: TimeDelta, depth: Option<&str>, counts: &[(u32, u64)]) -> Shot {
    let started = now() - age;
    let mut summary = SnapshotSummary::bare("p", SnapshotId::new(started, 0x7f3a), SnapshotState::Complete, None);
    summary.finished = Some(started + TimeDelta::seconds(3));
    summary.rows = counts.iter().map(|(_, rows)| rows).sum();
    summary.verified = depth.map(|depth| Verification {
        at: started + TimeDelta::minutes(1),
        depth: depth.to_owned(),
        ok: true,
        partial: false,
        errors: 0,
        manifest_sha256: String::new(),
        tool: String::new(),
    });
    summary.proven = depth.map(str::to_owned);
    let counts = counts.iter().map(|(table, rows)| TableCount { table: *table, rows: *rows }).collect();
    Shot::of(summary, None, Some(counts))
}

fn page(shots: Vec<Shot>) -> Dashboard {
    let facts: Vec<_> = shots.iter().map(Shot::facts).collect();
    Dashboard {
        tool: "supabackup 0.1.0".to_owned(),
        watch: WatchReport {
            project: "p".to_owned(),
            at: now(),
            worst: None,
            findings: Vec::new(),
            tables: Vec::new(),
            rows: None,
            database_bytes: None,
            trends: Vec::new(),
            snapshots: Vec::new(),
        },
        limits: Limits::default(),
        since: now() - TimeDelta::days(400),
        older: 0,
        good: shots.iter().rfind(|shot| shot.facts().is_good()).map(|shot| shot.summary.clone()),
        plan: PrunePlan::new(facts, &Retention::default(), now()).projects.pop(),
        shots,
        tables: vec![TableName::new("public", "</script>"), TableName::new("public", "b")],
        schema: Vec::new(),
        retention: Retention::default(),
        stores: Vec::new(),
        unseen: None,
        sealed: None,
    }
}

fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}

#[test]
fn the_numbers_for_the_script_are_steps_and_cannot_end_their_block() {
    let shots = vec![
        shot(days(3), Some("opened"), &[(0, 10)]),
        shot(days(2), Some("opened"), &[(1, 5)]),
        shot(days(1), Some("opened"), &[(0, 7), (1, 5)]),
    ];
    let json = data::json(&page(shots));
    assert!(!json.contains('<'), "{json}");
    let steps = r#""steps":[10,null,-3],"#;
    assert!(json.contains(steps) && json.contains(r#""steps":[null,5,0],"#), "{json}");
    assert!(json.contains(r#"\"\u003c/script>\""#), "{json}");
}

#[test]
fn the_answer_follows_the_age_and_the_proof() {
    let tone = |age, depth| hero::tone(&page(vec![shot(age, depth, &[(0, 1)])]));
    let opened = Some("opened");
    let hours = TimeDelta::hours;
    assert_eq!(tone(hours(24), opened), Tone::Good);
    assert_eq!(tone(hours(25), opened), Tone::Look);
    assert_eq!(tone(hours(30), opened), Tone::Look);
    assert_eq!(tone(hours(31), opened), Tone::Bad);
    assert_eq!(tone(hours(1), Some("hashed")), Tone::Bad);
    assert_eq!(tone(hours(1), None), Tone::Bad);
    // a clock was wrong
    assert_eq!(tone(hours(-1), opened), Tone::Look);
    assert_eq!(hero::tone(&page(Vec::new())), Tone::Bad);
    let mut found = page(vec![shot(hours(1), opened, &[(0, 1)])]);
    found.watch.worst = Some(Severity::Warning);
    assert_eq!(hero::tone(&found), Tone::Look);
}

/// A day is missing only where retention would have kept its snapshot.
#[test]
fn days_that_have_none_and_should_are_told_from_days_that_were_thinned_out() {
    let ages = [0, 1, 2, 5, 6, 29, 60, 90];
    let shots = ages.iter().rev().map(|age| shot(days(*age) + TimeDelta::hours(1), Some("opened"), &[(0, 1)]));
    let html = dashboard_html(&page(shots.collect()));
    // days 3 and 4 before today, and those between 6 and 29
    assert_eq!(html.matches("td class=\"day missing\"").count(), 2 + 22, "{html}");
    assert_eq!(html.matches("td class=\"day good leaving\"").count(), 2);
    assert!(html.contains("With the next prune:"));
}

#[test]
fn what_goes_next_is_known_before_it_is_due() {
    let shots = (0..10).rev().map(|age| shot(days(age) + TimeDelta::hours(1), Some("opened"), &[(0, 1)])).collect();
    let mut page = page(shots);
    let html = dashboard_html(&page);
    let oldest = super::day(now() - TimeDelta::days(9) - TimeDelta::hours(1) + TimeDelta::days(30));
    assert!(html.contains(&format!("about {oldest}, when it is too old")), "{html}");
    page.retention.keep_at_most = 10;
    assert!(dashboard_html(&page).contains("there are as many as there may be"));
}

#[test]
fn the_policy_allows_what_is_in_the_page_and_nothing_else() {
    let mut page = page(Vec::new());
    page.watch.findings = vec![Finding::warning("x", "<b>", "a `command <i>` b").hint("c")];
    let html = dashboard_html(&page);
    assert!(html.contains(&format!("content=\"{}\"", policy())), "{html}");
    assert!(!html.contains(" style=") && !html.contains(" onclick") && !html.contains("http://www.w3.org/1999"));
    assert!(html.contains("<code>&lt;b&gt;</code>") && html.contains("A <code>command &lt;i&gt;</code> b."), "{html}");
    assert!(!STYLE.contains("</") && !SCRIPT.contains("</script") && !STYLE.contains("url("));
}
