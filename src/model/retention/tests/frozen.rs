//! When a project is frozen, and when it is not.

use super::*;

const NOW: &str = "2026-11-23 12:00";

/// The codes of every reason to freeze a project of these snapshots.
fn freezes(all: &[SnapshotFacts], rules: &Retention) -> Vec<&'static str> {
    let planned = plan(all, rules, at(NOW));
    let codes: Vec<&str> = planned.projects[0].freeze.iter().map(|freeze| freeze.code()).collect();
    let removed = planned.removals().filter(|(_, d)| d.state != SnapshotState::Pruned).count();
    assert!(codes.is_empty() || removed == 0, "frozen by {codes:?}, and {removed} go");
    for decision in planned.projects[0].decisions.iter().filter(|d| d.reasons[0].code() == "frozen") {
        assert!(decision.keep && decision.reasons.len() > 1, "{decision:?}");
    }
    for freeze in &planned.projects[0].freeze {
        assert!(!freeze.hint().is_empty() && !freeze.to_string().ends_with('.'));
    }
    codes
}

/// Forty days, and the newest of them changed.
fn with_newest(change: impl FnOnce(&mut SnapshotFacts)) -> Vec<SnapshotFacts> {
    let mut all = daily(at(NOW), 40);
    change(&mut all[0]);
    all
}

#[test]
fn each_reason_to_freeze_at_its_boundary() {
    let rules = Retention::default();
    let none: [&str; 0] = [];
    let older = |seconds: i64| {
        let shift = TimeDelta::hours(48) + TimeDelta::seconds(seconds);
        daily(at(NOW) - shift, 40)
    };
    let ahead =
        |seconds: i64| with_newest(|s| s.started = at(NOW) + TimeDelta::minutes(5) + TimeDelta::seconds(seconds));
    for (all, expected) in [
        (daily(at(NOW), 40), &none[..]),
        (older(0), &none),
        (older(1), &["stale"]),
        (with_newest(|s| s.proof = Proof::Never), &["not-verified"]),
        (with_newest(|s| s.proof = Proof::Shallow), &["not-verified"]),
        (with_newest(|s| s.proof = Proof::Failed), &["not-verified"]),
        (with_newest(|s| s.state = SnapshotState::Unreadable), &["newest-unreadable"]),
        // an incomplete one is no sign of damage: the good one before it is a day old
        (with_newest(|s| s.state = SnapshotState::Incomplete), &none),
        (with_newest(|s| s.state = SnapshotState::Unfinished), &none),
        (with_newest(|s| s.rows = 500), &none),
        (with_newest(|s| s.rows = 499), &["lost-rows"]),
        (with_newest(|s| s.tables = 5), &none),
        (with_newest(|s| s.tables = 4), &["lost-tables"]),
        (with_newest(|s| (s.rows, s.tables) = (0, 0)), &["lost-rows", "lost-tables"]),
        (with_newest(|s| s.rows = 1_000_000), &none),
        (ahead(0), &none),
        (ahead(1), &["future"]),
        (vec![in_state(at(NOW), SnapshotState::Incomplete)], &["none-good"]),
        (vec![in_state(at("2026-01-01 00:00"), SnapshotState::Unfinished)], &["none-good"]),
        (vec![in_state(at(NOW), SnapshotState::Pruned)], &["none-good"]),
    ] {
        assert_eq!(freezes(&all, &rules), expected, "{:?}", &all[0]);
    }
}

#[test]
fn the_freeze_can_be_set() {
    let lost = with_newest(|s| (s.rows, s.tables) = (0, 0));
    let off = Retention { freeze_rows: 100, freeze_tables: 100, ..Retention::default() };
    assert!(freezes(&lost, &off).is_empty());
    let strict = Retention { freeze_rows: 1, ..Retention::default() };
    assert_eq!(freezes(&with_newest(|s| s.rows = 989), &strict), ["lost-rows"]);
    assert!(freezes(&with_newest(|s| s.rows = 990), &strict).is_empty());
    let weekly: Vec<SnapshotFacts> = (0..10).map(|n| good(at(NOW) - TimeDelta::days(3 + 7 * n))).collect();
    assert_eq!(freezes(&weekly, &Retention::default()), ["stale"]);
    assert!(freezes(&weekly, &Retention { freeze_after: TimeDelta::days(8), ..Retention::default() }).is_empty());
}

/// The median is that of days: hourly backups must not call a loss usual before the day is over.
#[test]
fn a_loss_is_compared_with_days_and_not_with_hours() {
    let now = at("2026-11-23 23:00");
    let mut all: Vec<SnapshotFacts> = (0..24 * 12).map(|hour| good(now - TimeDelta::hours(hour))).collect();
    for lost in all.iter_mut().take(20) {
        lost.rows = 100;
    }
    let planned = plan(&all, &Retention::default(), now);
    assert_eq!(planned.projects[0].freeze.len(), 1);
    assert_eq!(
        planned.projects[0].freeze[0].to_string(),
        "the newest complete snapshot 20261123T230000Z-0000 has 100 rows; 1000 were usual"
    );
    // safety snapshots hold a few tables only, and say nothing about the project
    let mut all = daily(at(NOW), 40);
    all[0].safety_of = Some(all[1].id.clone());
    (all[0].rows, all[0].tables) = (1, 1);
    assert!(freezes(&all, &Retention::default()).is_empty());
    // nothing to compare with
    let first = SnapshotFacts { rows: 0, tables: 0, ..good(at(NOW)) };
    assert!(freezes(&[first], &Retention::default()).is_empty());
}

/// A clock that was ahead makes all the others look too old at once.
#[test]
fn a_leap_in_time_freezes_until_there_are_three_more() {
    let ago = |days: i64| good(at(NOW) - TimeDelta::days(days));
    let after_pause = |newer: i64| -> Vec<SnapshotFacts> {
        (0..newer).map(ago).chain((0..20).map(|n| ago(newer + 40 + n))).collect()
    };
    for (newer, expected) in [(1, &["leap"][..]), (2, &["leap"]), (3, &["leap"]), (4, &[])] {
        assert_eq!(freezes(&after_pause(newer), &Retention::default()), expected, "{newer}");
    }
    // a pause that is not longer than what is kept, and a schedule that is as sparse as that
    let short: Vec<SnapshotFacts> = (0..20).map(|n| if n == 0 { ago(0) } else { ago(29 + n) }).collect();
    assert!(freezes(&short, &Retention::default()).is_empty());
    let sparse: Vec<SnapshotFacts> = (0..20).map(|n| ago(7 * n)).collect();
    let rules = Retention { keep_within: TimeDelta::days(1), ..Retention::default() };
    assert!(freezes(&sparse, &rules).is_empty());
}

#[test]
fn what_is_no_snapshot_any_more_goes_from_a_frozen_project_too() {
    let now = at(NOW);
    let all = [in_state(now - TimeDelta::days(90), SnapshotState::Pruned), in_state(now, SnapshotState::Incomplete)];
    let planned = plan(&all, &Retention::default(), now);
    assert_eq!(verdict(&planned, &all[0]), "- removal-begun");
    assert!(planned.is_frozen());
}
