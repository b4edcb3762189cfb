//! Snapshots: age, completeness, proof, stores.

use super::*;

/// Snapshots that are younger than this are not there.
fn stop(seen: &mut Observation, since: TimeDelta) {
    let now = seen.now;
    points(seen).retain(|point| now - point.started >= since);
    newest(seen).restored = Some(now);
    let last = newest(seen);
    let newest = (last.id.clone(), last.started);
    seen.stores[0].newest = Ok(Some(newest));
}

#[test]
fn the_newest_good_snapshot_is_young() {
    expect(&[
        (
            "24 h",
            |seen, _| {
                stop(seen, hours(2));
                seen.now = newest(seen).started + hours(24);
            },
            &[],
        ),
        (
            "a minute more",
            |seen, _| {
                stop(seen, hours(2));
                seen.now = newest(seen).started + hours(24) + TimeDelta::minutes(1);
            },
            &["warning late snapshots"],
        ),
        (
            "the grace",
            |seen, _| {
                stop(seen, hours(2));
                seen.now = newest(seen).started + hours(30);
            },
            &["warning late snapshots"],
        ),
        (
            "over",
            |seen, _| {
                stop(seen, hours(2));
                seen.now = newest(seen).started + hours(30) + TimeDelta::minutes(1);
            },
            &["error stale snapshots"],
        ),
        (
            "a weekly schedule",
            |seen, limits| {
                points(seen).retain(|point| (now() - point.started).num_days() % 7 == 6);
                stop(seen, hours(1));
                limits.max_age = days(7);
            },
            &[],
        ),
        (
            "usually every hour",
            |seen, _| {
                let mut extra = Vec::new();
                for hour in 10..22 {
                    extra.push(point(history(seen), now() - hours(hour), &TABLES));
                }
                points(seen).extend(extra);
                points(seen).sort_by_key(|point| point.started);
                stop(seen, hours(10));
            },
            &["warning late snapshots"],
        ),
        (
            "in the future",
            |seen, _| {
                let at = seen.now + TimeDelta::minutes(6);
                newest(seen).started = at;
                seen.stores[0].newest = Ok(None);
            },
            &["warning future snapshots"],
        ),
        (
            "none",
            |seen, _| {
                points(seen).clear();
                seen.stores[0].newest = Ok(None);
                seen.catalog = Err(Unseen::not_given("none"));
                seen.live = Err(Unseen::not_given("no key"));
            },
            &[
                "error no-good-snapshot snapshots",
                "info not-checked collapse",
                "info not-checked shrink",
                "info not-checked coverage",
                "info not-checked drift",
                "info not-checked daily-growth",
                "info not-checked weekly-growth",
                "info not-checked size",
                "info not-checked quota",
            ],
        ),
        (
            "only old ones",
            |seen, _| {
                let mut old = newest(seen).clone();
                old.started = now() - days(45);
                points(seen).clear();
                history(seen).older_good = Some(Box::new(old));
                seen.live = Err(Unseen::not_given("no key"));
                seen.catalog = Err(Unseen::not_given("none"));
                seen.stores[0].newest = Ok(None);
            },
            &[
                "error stale snapshots",
                "error last-archive snapshots",
                "info not-checked collapse",
                "info not-checked shrink",
                "info not-checked coverage",
                "info not-checked drift",
                "info not-checked daily-growth",
                "info not-checked weekly-growth",
                "info not-checked size",
                "info not-checked quota",
            ],
        ),
    ]);
}

#[test]
fn snapshots_are_complete_and_runs_end() {
    expect(&[
        (
            "incomplete",
            |seen, _| {
                newest(seen).state = SnapshotState::Incomplete;
                newest(seen).missing = 7;
                newest(seen).restored = Some(now());
            },
            &["error incomplete snapshots", "warning late snapshots"],
        ),
        ("it was made good", |seen, _| points(seen)[20].state = SnapshotState::Incomplete, &[]),
        (
            "unreadable",
            |seen, _| {
                points(seen)[20].state = SnapshotState::Unreadable;
            },
            &["warning snapshot-unreadable snapshot 20261114T110000Z-0007"],
        ),
        (
            "the newest",
            |seen, _| {
                let unreadable = point(history(seen), now() - TimeDelta::minutes(5), &TABLES);
                points(seen).push(SnapshotPoint { state: SnapshotState::Unreadable, ..unreadable });
            },
            &["error snapshot-unreadable snapshot 20261123T115500Z-0007"],
        ),
        (
            "at work",
            |seen, _| {
                let running = point(history(seen), now() - TimeDelta::minutes(5), &TABLES);
                points(seen).push(SnapshotPoint { state: SnapshotState::Unfinished, ..running });
            },
            &[],
        ),
        (
            "dead",
            |seen, limits| {
                let dead = point(history(seen), now() - TimeDelta::minutes(50), &TABLES);
                points(seen).push(SnapshotPoint { state: SnapshotState::Unfinished, ..dead });
                limits.max_age = TimeDelta::minutes(49);
            },
            &["warning late snapshots", "warning unfinished snapshots"],
        ),
        (
            "of a restore",
            |seen, _| {
                let safety = point(history(seen), now() - TimeDelta::minutes(50), &[("settings", 1)]);
                points(seen).push(SnapshotPoint { is_safety: true, ..safety });
            },
            &[],
        ),
    ]);
}

#[test]
fn snapshots_are_read_back_and_intact() {
    fn unproven(seen: &mut Observation, number: usize) {
        points(seen).iter_mut().rev().take(number).for_each(|point| point.proof = Proof::Shallow);
    }
    expect(&[
        ("one waits", |seen, _| unproven(seen, 1), &["warning late snapshots"]),
        (
            "48 h",
            |seen, limits| {
                unproven(seen, 2);
                (limits.max_age, limits.max_unverified) = (days(9), hours(25));
            },
            &[],
        ),
        (
            "longer",
            |seen, limits| {
                unproven(seen, 2);
                (limits.max_age, limits.max_unverified) = (days(9), hours(24));
            },
            &["warning unverified snapshots"],
        ),
        (
            "never",
            |seen, _| {
                points(seen).iter_mut().for_each(|point| point.proof = Proof::Never);
            },
            &["error no-good-snapshot snapshots", "warning unverified snapshots"],
        ),
        (
            "damaged",
            |seen, _| {
                points(seen)[3].proof = Proof::Failed;
            },
            &["error damaged snapshot 20261028T110000Z-0007"],
        ),
        (
            "restoring was never proven",
            |seen, _| {
                newest(seen).restored = None;
            },
            &["info restore-unproven snapshots"],
        ),
        ("30 days ago", |seen, _| newest(seen).restored = Some(now() - days(30)), &[]),
        (
            "longer ago",
            |seen, _| {
                newest(seen).restored = Some(now() - days(30) - hours(1));
            },
            &["warning restore-unproven snapshots"],
        ),
    ]);
}

/// One snapshot is left, and it is so old.
fn archive(seen: &mut Observation, limits: &mut Limits, age: TimeDelta) {
    points(seen).drain(..29);
    newest(seen).started = now() - age;
    let last = (newest(seen).id.clone(), now() - age);
    seen.stores[0].newest = Ok(Some(last));
    limits.max_age = days(90);
}

#[test]
fn the_last_archive_does_not_go_unseen() {
    expect(&[
        ("22 days", |seen, limits| archive(seen, limits, days(22)), &[]),
        ("a week is left", |seen, limits| archive(seen, limits, days(23)), &["error last-archive snapshots"]),
        ("none is left", |seen, limits| archive(seen, limits, days(29)), &["error last-archive snapshots"]),
        (
            "pinned",
            |seen, limits| {
                archive(seen, limits, days(29));
                newest(seen).is_pinned = true;
            },
            &[],
        ),
        (
            "a short retention has a short notice",
            |seen, limits| {
                archive(seen, limits, hours(23));
                limits.keep_within = days(2);
            },
            &[],
        ),
        (
            "and is told too",
            |seen, limits| {
                archive(seen, limits, hours(25));
                limits.keep_within = days(2);
            },
            &["error last-archive snapshots"],
        ),
    ]);
}

/// A second store, which has the snapshot of so many hours ago.
fn replica(seen: &mut Observation, behind: Option<i64>) {
    let newest = behind.map(|behind| {
        let at = now() - hours(1 + behind);
        (SnapshotId::new(at, 7), at)
    });
    seen.stores.push(StoreSeen { place: "the cloud".to_owned(), newest: Ok(newest), free: None });
}

#[test]
fn every_store_answers_and_keeps_up() {
    expect(&[
        ("level", |seen, _| replica(seen, Some(0)), &[]),
        ("12 h behind", |seen, _| replica(seen, Some(12)), &[]),
        ("more", |seen, _| replica(seen, Some(13)), &["warning store-behind the cloud"]),
        ("a copy is on its way", |seen, _| replica(seen, Some(6)), &[]),
        (
            "and does not come",
            |seen, _| {
                replica(seen, Some(6));
                seen.now += hours(12);
            },
            &["warning store-behind the cloud"],
        ),
        ("an empty one has time", |seen, _| replica(seen, None), &[]),
        (
            "but not for ever",
            |seen, _| {
                replica(seen, None);
                seen.now += hours(12);
            },
            &["warning store-behind the cloud"],
        ),
        (
            "unreachable",
            |seen, _| {
                replica(seen, Some(0));
                seen.stores[1].newest = Err(Unseen::failed("no route"));
            },
            &["error store-unreachable the cloud"],
        ),
    ]);
}
