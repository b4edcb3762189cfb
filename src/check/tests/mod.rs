//! Every check with its boundaries, on a project where all is well but for one thing.

mod project;
mod snapshots;
mod tables;
mod trends;
mod year;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::model::{
    CatalogSeen, Described, Health, History, KeySeen, Limits, Live, LiveTable, Observation, Proof, SnapshotId,
    SnapshotPoint, SnapshotState, StoreSeen, TableCount, Unseen,
};

/// A Monday.
fn now() -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_780) + TimeDelta::hours(12)
}

fn hours(n: i64) -> TimeDelta {
    TimeDelta::hours(n)
}

fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}

fn table(name: &str) -> TableName {
    TableName::new("public", name)
}

/// A good snapshot with these rows.
fn point(history: &mut History, started: DateTime<Utc>, tables: &[(&str, u64)]) -> SnapshotPoint {
    let counts: Vec<TableCount> =
        tables.iter().map(|(name, rows)| TableCount { table: history.place(&table(name)), rows: *rows }).collect();
    let rows = counts.iter().map(|count| count.rows).sum();
    SnapshotPoint {
        id: SnapshotId::new(started, 7),
        started,
        finished: Some(started + TimeDelta::minutes(1)),
        state: SnapshotState::Complete,
        proof: Proof::Opened,
        verified: Some(started + TimeDelta::minutes(2)),
        restored: None,
        is_safety: false,
        is_pinned: false,
        rows,
        raw_bytes: rows * 100,
        stored_bytes: rows * 20,
        missing: 0,
        missing_named: Vec::new(),
        counts: Some(counts),
    }
}

fn live_table(name: &str, rows: u64) -> LiveTable {
    LiveTable { name: table(name), rows: Some(rows), exact: true, bytes: Some(rows * 150) }
}

const TABLES: [(&str, u64); 2] = [("orders", 5000), ("settings", 12)];

/// A project that is backed up every day, and where nothing is wrong.
fn well() -> Observation {
    let mut history = History::since(now() - days(30));
    for day in (0..30).rev() {
        let point = point(&mut history, now() - days(day) - hours(1), &TABLES);
        history.points.push(point);
    }
    if let Some(newest) = history.points.last_mut() {
        newest.restored = Some(now() - hours(1));
    }
    let newest = history.points.last().map(|point| (point.id.clone(), point.started));
    let columns = vec![("id".to_owned(), "bigint".to_owned()), ("note".to_owned(), "text".to_owned())];
    let described = Described {
        tables: TABLES.iter().map(|(name, _)| (table(name), columns.clone())).collect(),
        statements: Some(vec!["CREATE INDEX i ON t;".to_owned(), "CREATE FUNCTION f()\nAS 'x';".to_owned()]),
    };
    let id = SnapshotId::new(now() - hours(1), 7);
    Observation {
        project: "p".to_owned(),
        now: now(),
        history: Ok(history),
        live: Ok(Live {
            tables: TABLES.iter().map(|(name, rows)| live_table(name, *rows)).collect(),
            sees_all: true,
            database_bytes: Some(20_000_000),
            ..Live::default()
        }),
        health: Ok(Health { paused: false, status: None, services: Vec::new(), refused: None }),
        catalog: Ok(CatalogSeen { since: id, then: described.clone(), now: described }),
        key: Some(KeySeen { kind: "secret key".to_owned(), expires: None, refused: None }),
        stores: vec![StoreSeen { place: "the disk".to_owned(), newest: Ok(newest), free: Some(Ok(64_000_000_000)) }],
        schedule: None,
    }
}

fn history(seen: &mut Observation) -> &mut History {
    match &mut seen.history {
        Ok(history) => history,
        Err(why) => unreachable!("{why:?}"),
    }
}

fn live(seen: &mut Observation) -> &mut Live {
    match &mut seen.live {
        Ok(live) => live,
        Err(why) => unreachable!("{why:?}"),
    }
}

fn points(seen: &mut Observation) -> &mut Vec<SnapshotPoint> {
    &mut history(seen).points
}

fn newest(seen: &mut Observation) -> &mut SnapshotPoint {
    match points(seen).last_mut() {
        Some(point) => point,
        None => unreachable!("there are snapshots"),
    }
}

/// Rows of a table as they are now.
fn set(seen: &mut Observation, name: &str, rows: u64) {
    for found in live(seen).tables.iter_mut().filter(|found| found.name == table(name)) {
        found.rows = Some(rows);
    }
}

/// Rows of a table in the snapshots that are so old.
fn set_before(seen: &mut Observation, name: &str, ages: std::ops::Range<i64>, rows: u64) {
    let place = history(seen).place(&table(name));
    let now = seen.now;
    for point in points(seen).iter_mut().filter(|point| ages.contains(&(now - point.started).num_days())) {
        for count in point.counts.iter_mut().flatten().filter(|count| count.table == place) {
            point.rows = point.rows + rows - count.rows;
            count.rows = rows;
        }
    }
}

/// One thing that is not as it should be.
type Change = fn(&mut Observation, &mut Limits);

/// What is found: `error stale snapshots`, in the order of severity.
fn found(change: Change) -> Vec<String> {
    let (mut seen, mut limits) = (well(), Limits::default());
    change(&mut seen, &mut limits);
    let report = judge(&seen, &limits);
    let told = |finding: &Finding| {
        assert!(!finding.message.ends_with('.') && !finding.message.is_empty(), "{finding:?}");
        let severity = format!("{:?}", finding.severity).to_lowercase();
        format!("{severity} {} {}", finding.code, finding.subject)
    };
    // that a day is unusual has tests of its own: nearly every change here is
    report.findings.iter().filter(|finding| finding.code != "unusual-day").map(told).collect()
}

/// Each change, and all that is found then.
fn expect(cases: &[(&str, Change, &[&str])]) {
    for (what, change, expected) in cases {
        assert_eq!(found(*change), *expected, "{what}");
    }
}

#[test]
fn where_all_is_well_nothing_is_said() {
    expect(&[("well", |_, _| {}, &[])]);
    let report = judge(&well(), &Limits::default());
    assert_eq!((report.worst, report.rows, report.tables.len(), report.trends.len()), (None, Some(5012), 2, 5));
    assert!(report.tables.iter().all(|table| table.state == TableState::Ok));
}

/// What cannot be looked at is said, check by check: nothing is silent because it is blind.
#[test]
fn a_check_that_cannot_run_says_so() {
    let blind = |is_failure: bool| {
        let why = || if is_failure { Unseen::failed("broken") } else { Unseen::not_given("no key") };
        let mut seen = well();
        (seen.live, seen.health, seen.catalog, seen.key) = (Err(why()), Err(why()), Err(why()), None);
        (seen.history, seen.stores) = (Err(why()), Vec::new());
        judge(&seen, &Limits::default())
    };
    let report = blind(false);
    let mut subjects: Vec<&str> = report.findings.iter().map(|finding| finding.subject.as_str()).collect();
    subjects.sort_unstable();
    let mut names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
    // a store that was not named is no store, and what is no workflow cannot be switched off
    names.retain(|name| !["stores", "schedule"].contains(name));
    names.sort_unstable();
    assert_eq!(subjects, names);
    assert!(report.findings.iter().all(|finding| finding.code == NOT_CHECKED));
    assert_eq!(report.worst, None, "what nobody gave is no reason to worry");
    // what broke is
    assert_eq!(blind(true).worst, Some(Severity::Warning));
    assert_eq!((report.tables.len(), report.rows), (0, None));
}

#[test]
fn without_the_project_its_newest_snapshot_stands_for_it() {
    let (mut seen, limits) = (well(), Limits::default());
    seen.live = Err(Unseen::not_given("no key"));
    let report = judge(&seen, &limits);
    assert_eq!(report.rows, Some(5012));
    assert!(report.tables.iter().all(|table| !table.is_live && table.rows.is_some()));
    let checked: BTreeMap<&str, &str> =
        report.findings.iter().map(|finding| (finding.subject.as_str(), finding.code.as_str())).collect();
    assert_eq!(checked, [("coverage", NOT_CHECKED), ("quota", NOT_CHECKED)].into_iter().collect());
    set_before(&mut seen, "orders", 0..1, 0);
    let report = judge(&seen, &limits);
    assert!(report.findings.iter().any(|finding| finding.code == "table-emptied"), "{:?}", report.findings);
}
