use chrono::{DateTime, TimeDelta, Utc};

use super::*;
use crate::model::{
    Depth, Finding, Missing, Proof, PrunePlan, PruneReport, Removed, Retention, RunFailure, RunSnapshot, RunState,
    SnapshotFacts, SnapshotId, SnapshotState, TableName, Totals, Verified,
};
use crate::render::Palette;
use crate::render::columns::columns;

/// A name that tries to leave its place in each of the forms.
const HOSTILE: &str = "x</code><script>alert(1)</script>|`a`\n# forged\u{1b}[2J";

fn store(now: DateTime<Utc>, count: i64) -> RunStore {
    let snapshot = |n: i64| {
        let id = SnapshotId::new(now - TimeDelta::days(n), 7);
        SnapshotFacts {
            project: "p".to_owned(),
            started: id.started(),
            id,
            finished: None,
            state: SnapshotState::Complete,
            proof: Proof::Opened,
            rows: 10,
            tables: 2,
            bytes: 1 << 20,
            pin: None,
            safety_of: None,
            touched: None,
        }
    };
    let plan = PrunePlan::new((0..count).map(snapshot).collect(), &Retention::default(), now);
    let removed = plan.removals().map(|(project, decision)| Removed {
        project: project.to_owned(),
        id: decision.id.clone(),
        bytes: decision.bytes,
    });
    let removed = removed.collect();
    let verified = Verified {
        project: "p".to_owned(),
        id: SnapshotId::new(now, 7),
        depth: Depth::Opened,
        complete: true,
        manifest_sha256: Some("x".to_owned()),
        tables: 2,
        rows: 1_234_567,
        files: 29,
        bytes_read: 6 << 20,
        findings: Vec::new(),
    };
    RunStore {
        verified: Some(verified),
        prune: Some(PruneReport { applied: true, removed, ..PruneReport::unapplied(plan) }),
        ..RunStore::new("directory ./backups".to_owned())
    }
}

fn report(tables: u64) -> RunReport {
    let now = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
    let table = |n: u64| TableSince {
        table: TableName::new("public", format!("{n} {HOSTILE} {}", "long ".repeat(30))),
        only: (n == 0).then_some("came"),
        rows: ThenNow { before: 100 * n, now: 300 },
        raw_bytes: ThenNow { before: 0, now: 9 },
    };
    let id = SnapshotId::new(now, 7);
    let change = ThenNow { before: 1000, now: 990 };
    RunReport {
        tool: "supabackup 0.1.0".to_owned(),
        project: "p".to_owned(),
        started: now,
        finished: now + TimeDelta::seconds(42),
        state: RunState::Incomplete,
        exit_code: 3,
        failure: None,
        snapshot: Some(RunSnapshot {
            id: id.clone(),
            complete: false,
            sealed: true,
            started: now,
            finished: now + TimeDelta::seconds(5),
            totals: Totals { tables: 2, rows: 1_234_567, parts: 4, raw_bytes: 9 << 20, stored_bytes: 3 << 20 },
            missing: vec![Missing { subject: HOSTILE.to_owned(), reason: "denied".to_owned(), fix: None }],
        }),
        stores: vec![
            store(now, 40),
            RunStore { failed: Some("no connection".to_owned()), ..RunStore::new(HOSTILE.to_owned()) },
        ],
        replicas: Vec::new(),
        trends: vec![Since {
            against: SnapshotId::new(now - TimeDelta::minutes(1438), 1),
            started: now - TimeDelta::minutes(1438),
            tables: ThenNow { before: 3, now: 2 },
            rows: change,
            raw_bytes: change,
            stored_bytes: change,
            changed: Some((0..tables).map(table).collect()),
        }],
        findings: vec![
            Finding::error("store-failed", HOSTILE, "no connection ".repeat(20)).hint("look ".repeat(40)),
            Finding::warning("missing", HOSTILE, HOSTILE),
        ],
    }
}

#[test]
fn the_terminal_gets_eighty_columns_and_nothing_that_acts() {
    let text = run_human(&report(30), false, Palette::default());
    assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains("\n# forged"), "{text}");
    for part in [
        "run of p: INCOMPLETE after 42 s\nerror [store-failed] x</code>",
        "  24 h before (2024",
        "): 10 fewer rows (-1.0 %), 1 fewer table, 10\n",
        "… and 20 more tables\n",
        "directory ./backups\n  verified (opened): 29 files, 1,234,567 rows, 6.0 MiB read\n  keep   2024",
        "  31 snapshots kept, 9 removed (9.0 MiB)\n",
        "  FAILED: no connection\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let quiet = run_human(&report(3), true, Palette::default());
    assert!(!quiet.contains("keep  ") && quiet.contains("remove ") && !quiet.contains(" before ("), "{quiet}");
}

#[test]
fn documents_stay_whole_and_below_a_mebibyte() {
    let many = report(5000);
    let (markdown, html) = (run_md(&many), run_html(&many));
    assert!(markdown.len() < 1 << 20 && markdown.contains("; `run.json` names all of them"), "{}", markdown.len());
    assert!(!html.contains("<script") && !html.contains("src=") && html.contains("&lt;script&gt;"));
    assert!(!markdown.contains("\n# forged") && !markdown.contains('\u{1b}'));
    for part in ["## What needs a person: 1 error, 1 warning", "| **remove** | `2024", "24 h before (`2024"] {
        assert!(markdown.contains(part), "{part}");
    }
}

#[test]
fn a_run_without_a_snapshot_says_so_in_every_form() {
    let failure = Some(RunFailure { message: "no key".to_owned(), hint: Some("set one".to_owned()) });
    let failed = RunReport { state: RunState::Failed, failure, snapshot: None, trends: Vec::new(), ..report(0) };
    for text in [run_human(&failed, false, Palette::default()), run_md(&failed), run_html(&failed)] {
        assert!(text.to_lowercase().contains("no snapshot was made") && text.contains("nothing was removed"), "{text}");
    }
    assert!(run_md(&failed).contains("no key") && run_html(&failed).contains("set one"));
}

#[test]
fn the_state_is_the_worst_of_all_stages() {
    let done = || {
        let mut report = report(0);
        (report.stores, report.findings) = (vec![store(report.started, 5)], Vec::new());
        report.snapshot.iter_mut().for_each(|snapshot| snapshot.complete = true);
        report
    };
    assert_eq!(done().judged(), RunState::Done);
    let with = |change: fn(&mut RunReport)| {
        let mut report = done();
        change(&mut report);
        report.judged()
    };
    assert_eq!(with(|r| r.findings.push(Finding::warning("heartbeat", "x", "y"))), RunState::Done);
    assert_eq!(with(|r| r.findings.push(Finding::error("not-removed", "x", "y"))), RunState::Incomplete);
    assert_eq!(with(|r| r.stores[0].failed = Some("x".to_owned())), RunState::Incomplete);
    assert_eq!(with(|r| r.snapshot = None), RunState::Incomplete);
    let damage = |r: &mut RunReport| {
        r.stores[0].verified.iter_mut().for_each(|v| v.findings.push(Finding::error("hash-differs", "x", "y")));
        r.snapshot.iter_mut().for_each(|snapshot| snapshot.complete = false);
    };
    assert_eq!(with(damage), RunState::Findings);
    let freeze = |r: &mut RunReport| {
        let late = r.started + TimeDelta::days(9);
        r.stores[0].prune = Some(PruneReport::unapplied(PrunePlan::new(
            Vec::from([SnapshotFacts {
                project: "p".to_owned(),
                id: SnapshotId::new(r.started, 7),
                started: r.started,
                finished: None,
                state: SnapshotState::Complete,
                proof: Proof::Opened,
                rows: 1,
                tables: 1,
                bytes: 1,
                pin: None,
                safety_of: None,
                touched: None,
            }]),
            &Retention::default(),
            late,
        )));
    };
    assert_eq!(with(freeze), RunState::Findings);
    let fail = |r: &mut RunReport| r.failure = Some(RunFailure { message: "x".to_owned(), hint: None });
    assert_eq!(with(fail), RunState::Failed);
}
