use chrono::{DateTime, TimeDelta, Utc};

use super::{hint, told};
use crate::commands::doctor::judge::store;
use crate::commands::doctor::observe::StoreSeen;
use crate::model::{SnapshotId, SnapshotState, SnapshotSummary};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;
const MIB: u64 = 1 << 20;

fn seen(free: u64, snapshots: Vec<SnapshotSummary>) -> StoreSeen {
    StoreSeen {
        place: "/backups".into(),
        writable: Ok(()),
        only_adds: false,
        free: Some(Ok(free)),
        snapshots: Ok(snapshots),
    }
}

/// A snapshot so many hours old.
fn snapshot(hours: i64, state: SnapshotState, stored_bytes: u64) -> SnapshotSummary {
    let started = NOW - TimeDelta::hours(hours);
    let bare = SnapshotSummary::bare("abc", SnapshotId::new(started, 1), state, None);
    let read = matches!(state, SnapshotState::Complete | SnapshotState::Incomplete);
    SnapshotSummary { stored_bytes, finished: read.then_some(started), ..bare }
}

#[test]
fn room_is_held_against_an_estimate_of_one_snapshot() {
    for (free, estimate, expected) in [
        (30 * MIB, Some(10 * MIB), "ok space: 30.0 MiB are free there, and one snapshot takes about 10.0 MiB\n"),
        (
            30 * MIB - 1,
            Some(10 * MIB),
            "! space-small: 30.0 MiB are free there, and one snapshot takes about 10.0 MiB: fewer than 3 fit\n",
        ),
        (
            10 * MIB - 1,
            Some(10 * MIB),
            "x space-too-small: 10.0 MiB are free there, and one snapshot takes about 10.0 MiB: not even one fits\n",
        ),
        (10 * MIB, None, "ok space: 10.0 MiB are free there; how much a snapshot takes is not known yet\n"),
    ] {
        let text = told(&store(&seen(free, vec![]), estimate, NOW));
        assert!(text.contains(expected), "{text}");
        assert!(text.starts_with("ok store: snapshots go to /backups, which can be written to\n"), "{text}");
        assert!(text.ends_with("ok snapshots: no snapshot of this project is there yet\n"), "{text}");
    }
}

#[test]
fn what_the_last_snapshot_took_counts_if_it_is_more_than_the_estimate() {
    let older = snapshot(50, SnapshotState::Complete, MIB);
    let newest = snapshot(2, SnapshotState::Incomplete, 20 * MIB);
    let unfinished = snapshot(1, SnapshotState::Unfinished, 0);
    let text = told(&store(&seen(50 * MIB, vec![newest, unfinished, older]), Some(10 * MIB), NOW));
    assert!(text.contains("! space-small: 50.0 MiB are free there, and one snapshot takes about 20.0 MiB"), "{text}");
    assert!(
        text.contains("ok snapshots: there are 2 snapshots of this project, the newest from 2 h ago (incomplete)\n"),
        "{text}"
    );
}

#[test]
fn a_store_that_cannot_be_used_is_told_with_its_reason() {
    let broken = StoreSeen {
        writable: Err(("writing to directory /backups: Not a directory (os error 20)".to_owned(), None)),
        free: Some(Err("asking for free space: no".to_owned())),
        snapshots: Err("listing: no".to_owned()),
        ..seen(0, vec![])
    };
    let findings = store(&broken, Some(MIB), NOW);
    assert_eq!(
        told(&findings),
        "x store-unwritable: snapshots cannot be written to /backups: writing to directory /backups: \
         Not a directory (os error 20)\n\
         ! space-unknown: how much space is free does not show: asking for free space: no\n\
         ! snapshots-unreadable: older snapshots cannot be listed: listing: no\n"
    );
    assert!(hint(&findings, "store-unwritable").contains("--store"));
}

#[test]
fn snapshots_that_cannot_be_read_are_worth_a_look() {
    let bad = snapshot(3, SnapshotState::Unreadable, 0);
    let findings = store(&seen(50 * MIB, vec![snapshot(5, SnapshotState::Complete, MIB), bad]), None, NOW);
    assert!(told(&findings).contains("! snapshots-unreadable: 1 snapshot of this project cannot be read\n"));
    assert!(hint(&findings, "snapshots-unreadable").contains("supabackup verify 19691231T210000Z-0001"));
}

#[test]
fn a_bucket_has_no_end_and_one_reason_is_enough() {
    let bucket = StoreSeen { place: "s3://b/x".to_owned(), free: None, ..seen(0, vec![]) };
    assert_eq!(
        told(&store(&bucket, Some(MIB), NOW)),
        "ok store: snapshots go to s3://b/x, which can be written to\n\
         ok snapshots: no snapshot of this project is there yet\n"
    );
    let adds = StoreSeen { only_adds: true, ..bucket };
    assert!(told(&store(&adds, None, NOW)).contains("which can be added to; nothing may be removed from it\n"));
    let dead = StoreSeen { writable: Err(("writing to s3://b/x: no connection".to_owned(), None)), ..adds };
    let text = told(&store(&dead, None, NOW));
    assert!(text.starts_with("x store-unwritable: ") && text.lines().count() == 1, "{text}");
}
