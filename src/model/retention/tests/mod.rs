//! The rules against tables of cases, any input at all, and a year of schedules.

mod frozen;
mod properties;
mod table;
mod year;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

use crate::model::{Pin, Proof, PrunePlan, Retention, SnapshotFacts, SnapshotId, SnapshotState};

/// `2026-11-23 03:15`
fn at(text: &str) -> DateTime<Utc> {
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M");
    time.unwrap_or_else(|error| panic!("{text}: {error}")).and_utc()
}

/// A good snapshot of project `p` with 1,000 rows in 10 tables.
fn good(started: DateTime<Utc>) -> SnapshotFacts {
    SnapshotFacts {
        project: "p".to_owned(),
        id: SnapshotId::new(started, 0),
        started,
        finished: Some(started + TimeDelta::minutes(3)),
        state: SnapshotState::Complete,
        proof: Proof::Opened,
        rows: 1000,
        tables: 10,
        bytes: 100,
        pin: None,
        safety_of: None,
        touched: None,
    }
}

fn in_state(started: DateTime<Utc>, state: SnapshotState) -> SnapshotFacts {
    SnapshotFacts { state, ..good(started) }
}

fn pinned(snapshot: SnapshotFacts) -> SnapshotFacts {
    let pin = Pin { at: snapshot.started, note: Some("why".to_owned()), tool: "test".to_owned() };
    SnapshotFacts { pin: Some(pin), ..snapshot }
}

/// `day 3, hour 0 before now`: one snapshot a day for so many days.
fn daily(now: DateTime<Utc>, days: i64) -> Vec<SnapshotFacts> {
    (0..days).map(|day| good(now - TimeDelta::days(day))).collect()
}

fn plan(snapshots: &[SnapshotFacts], retention: &Retention, now: DateTime<Utc>) -> PrunePlan {
    PrunePlan::new(snapshots.to_vec(), retention, now)
}

/// What is left when a plan has been carried out.
fn applied(snapshots: &[SnapshotFacts], plan: &PrunePlan) -> Vec<SnapshotFacts> {
    let goes = |s: &SnapshotFacts| plan.removals().any(|(project, d)| project == s.project && d.id == s.id);
    snapshots.iter().filter(|snapshot| !goes(snapshot)).cloned().collect()
}

/// The codes of why one snapshot stays (`+`) or goes (`-`).
fn verdict(plan: &PrunePlan, of: &SnapshotFacts) -> String {
    let project = plan.projects.iter().find(|p| p.project == of.project);
    let decision = project.and_then(|p| p.decisions.iter().find(|d| d.id == of.id));
    decision.map_or_else(
        || "absent".to_owned(),
        |d| {
            let codes: Vec<&str> = d.reasons.iter().map(|reason| reason.code()).collect();
            format!("{} {}", if d.keep { "+" } else { "-" }, codes.join(" "))
        },
    )
}
