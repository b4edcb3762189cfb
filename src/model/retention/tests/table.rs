//! Each rule at its boundaries.

use super::*;
use crate::model::{Profile, SnapshotSummary, Verification};

const NOW: &str = "2026-11-23 12:00";

/// Beside four good snapshots of today, so that neither floor nor freeze decides.
fn judged(snapshot: SnapshotFacts, retention: &Retention) -> String {
    let now = at(NOW);
    let mut all: Vec<SnapshotFacts> = (0..4).map(|n| good(now - TimeDelta::minutes(n))).collect();
    all.push(snapshot.clone());
    let plan = plan(&all, retention, now);
    assert!(plan.projects[0].freeze.is_empty(), "{:?}", plan.projects[0].freeze);
    verdict(&plan, &snapshot)
}

#[test]
fn each_kind_of_snapshot_stays_for_its_time_to_the_second() {
    use SnapshotState::{Incomplete, Pruned, Unfinished, Unreadable};
    let rules = Retention::default();
    let now = at(NOW);
    let before = |days: i64, seconds: i64| now - TimeDelta::days(days) - TimeDelta::seconds(seconds);
    let proof = |started, proof| SnapshotFacts { proof, ..good(started) };
    let safety = |started| SnapshotFacts { safety_of: Some(SnapshotId::new(now, 1)), ..good(started) };
    let dead = |began, touched| SnapshotFacts { touched: Some(touched), ..in_state(began, Unfinished) };
    for (snapshot, expected) in [
        (good(before(30, 0)), "+ within"),
        (good(before(30, 1)), "- old"),
        (proof(before(30, 0), Proof::Never), "+ unproven-young"),
        (proof(before(30, 1), Proof::Never), "- unproven-old"),
        (proof(before(29, 0), Proof::Shallow), "+ unproven-young"),
        (proof(before(31, 0), Proof::Failed), "- unproven-old"),
        (in_state(before(7, 0), Incomplete), "+ incomplete-young"),
        (in_state(before(7, 1), Incomplete), "- incomplete-old"),
        (in_state(before(7, 0), Unfinished), "+ unfinished-young"),
        (in_state(before(7, 1), Unfinished), "- unfinished-old"),
        // a run that is still going on: it began long ago, and writes
        (dead(before(40, 0), before(0, 5)), "+ unfinished-young"),
        (dead(before(40, 0), before(7, 0)), "+ unfinished-young"),
        (dead(before(40, 0), before(7, 1)), "- unfinished-old"),
        // the store's clock is behind, or a folder was copied with its old times
        (dead(before(1, 0), before(90, 0)), "+ unfinished-young"),
        // the store's clock is ahead
        (dead(before(40, 0), now + TimeDelta::days(2)), "+ unfinished-young"),
        (safety(before(30, 0)), "+ safety-young"),
        (safety(before(30, 1)), "- safety-old"),
        (in_state(before(3000, 0), Unreadable), "+ unreadable"),
        (in_state(before(1, 0), Pruned), "- removal-begun"),
        (pinned(good(before(3000, 0))), "+ pinned"),
        (pinned(in_state(before(3000, 0), Incomplete)), "+ pinned"),
        (pinned(in_state(before(3000, 0), Unfinished)), "+ pinned"),
        (pinned(in_state(before(3000, 0), Pruned)), "+ pinned"),
        (pinned(safety(before(3000, 0))), "+ pinned"),
    ] {
        assert_eq!(judged(snapshot.clone(), &rules), expected, "{snapshot:?}");
    }
}

#[test]
fn the_floor_stays_however_old_it_is_and_counts_only_good_ones() {
    let now = at(NOW);
    let rules = Retention { freeze_after: TimeDelta::days(4000), ..Retention::default() };
    let old = |n: i64| good(now - TimeDelta::days(100 + n));
    let mut all: Vec<SnapshotFacts> = (0..5).map(old).collect();
    all[1].state = SnapshotState::Incomplete;
    all[3].proof = Proof::Shallow;
    let planned = plan(&all, &rules, now);
    let verdicts: Vec<String> = all.iter().map(|s| verdict(&planned, s)).collect();
    assert_eq!(verdicts, ["+ newest-good floor", "- incomplete-old", "+ floor", "- unproven-old", "+ floor"]);
    for (floor, left) in [(0, 1), (1, 1), (2, 2), (9, 3)] {
        let rules = Retention { floor, ..rules.clone() };
        assert_eq!(applied(&all, &plan(&all, &rules, now)).len(), left, "floor {floor}");
    }
}

#[test]
fn projects_do_not_count_for_each_other() {
    let now = at(NOW);
    let mut all = daily(now, 40);
    all.extend(daily(now, 2).into_iter().map(|s| SnapshotFacts { project: "q".to_owned(), ..s }));
    let old = good(now - TimeDelta::days(90));
    all.push(SnapshotFacts { project: "q".to_owned(), ..old });
    let plan = plan(&all, &Retention::default(), now);
    let names: Vec<&str> = plan.projects.iter().map(|p| p.project.as_str()).collect();
    assert_eq!(names, ["p", "q"]);
    assert_eq!(plan.removals().filter(|(project, _)| *project == "p").count(), 9);
    assert_eq!(plan.removals().filter(|(project, _)| *project == "q").count(), 0, "the floor of q");
}

#[test]
fn of_each_period_the_newest_good_one_stands_for_it() {
    let now = at("2027-01-03 12:00"); // a Sunday
    let times = [
        "2027-01-03 11:50",
        "2027-01-03 11:10",
        "2027-01-03 10:59",
        "2027-01-02 23:59",
        "2027-01-01 00:00",
        "2026-12-31 23:59",
        "2026-12-28 00:00", // Monday of the same week
        "2026-12-27 23:59",
        "2026-11-30 23:59",
        "2026-11-30 23:58",
        "2025-12-31 23:59",
        "2025-01-01 00:00",
        "2024-06-01 00:00",
    ];
    let all: Vec<SnapshotFacts> = times.iter().map(|time| good(at(time))).collect();
    let none = Retention { keep_within: TimeDelta::zero(), floor: 1, ..Retention::default() };
    for (rules, expected) in [
        (Retention { hourly: 2, ..none.clone() }, &times[..1].iter().chain(&times[2..3]).collect::<Vec<_>>()),
        (Retention { daily: 3, ..none.clone() }, &vec![&times[0], &times[3], &times[4]]),
        (Retention { weekly: 3, ..none.clone() }, &vec![&times[0], &times[7], &times[8]]),
        (Retention { monthly: 3, ..none.clone() }, &vec![&times[0], &times[5], &times[8]]),
        (Retention { yearly: 4, ..none.clone() }, &vec![&times[0], &times[5], &times[10], &times[12]]),
        (Retention { yearly: 2, daily: 2, ..none }, &vec![&times[0], &times[3], &times[5]]),
    ] {
        let left: Vec<DateTime<Utc>> = applied(&all, &plan(&all, &rules, now)).iter().map(|s| s.started).collect();
        assert_eq!(left, expected.iter().map(|time| at(time)).collect::<Vec<_>>(), "{rules:?}");
    }
    let rules = Retention { weekly: 2, monthly: 1, yearly: 1, ..Retention::default() };
    let plan = plan(&all, &rules, now);
    let said: Vec<String> = plan.projects[0].decisions[0].reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "newest good one",
            "one of the 3 newest good ones",
            "last good one of year 2027",
            "last good one of month 2027-01",
            "last good one of week 2026-W53",
            "not older than 30 days"
        ]
    );
}

#[test]
fn the_limit_thins_out_days_before_it_cuts_off_the_past() {
    let now = at("2026-11-23 23:30");
    // every hour for 40 days
    let all: Vec<SnapshotFacts> =
        (0..40 * 24).map(|hour| good(at("2026-11-23 23:00") - TimeDelta::hours(hour))).collect();
    let left = |rules: &Retention| -> Vec<DateTime<Utc>> {
        applied(&all, &plan(&all, rules, now)).iter().map(|s| s.started).collect()
    };
    // thirty days at 23:00 (the one of 24 October is half an hour too old), and twenty more hours
    let mut expected: Vec<_> = (0..21).map(|hour| at("2026-11-23 23:00") - TimeDelta::hours(hour)).collect();
    expected.extend((1..30).map(|day| at("2026-11-23 23:00") - TimeDelta::days(day)));
    assert_eq!(left(&Retention::default()), expected);
    assert_eq!(left(&Retention { keep_at_most: 2, ..Retention::default() }), expected[..3], "the floor comes first");
    let rules = Retention { keep_at_most: 1000, ..Retention::default() };
    assert_eq!(left(&rules).len(), 720);
    let first_out = plan(&all, &Retention::default(), now);
    assert_eq!(verdict(&first_out, &all[21]), "- over-limit");
    // a pinned one takes nobody's place
    let mut all = all.clone();
    all[5] = pinned(all[5].clone());
    assert_eq!(applied(&all, &plan(&all, &Retention::default(), now)).len(), 51);
}

#[test]
fn profiles_are_what_their_names_promise() {
    let days = |profile: Profile| profile.retention().keep_within.num_days();
    assert_eq!(Profile::ALL.map(days), [7, 14, 30]);
    assert_eq!(Profile::ALL.map(|p| p.retention().monthly), [0, 0, 13]);
    for profile in Profile::ALL {
        assert_eq!(profile.to_string().parse(), Ok(profile));
        let rules = profile.retention();
        assert_eq!((rules.keep_at_most, rules.floor, rules.keep_incomplete.num_days()), (50, 3, 7));
    }
    assert!("prod".parse::<Profile>().is_err());
}

#[test]
fn a_summary_is_proven_by_its_deepest_verification() {
    let record = |depth: &str, ok| Verification {
        at: at(NOW),
        depth: depth.to_owned(),
        ok,
        partial: false,
        errors: usize::from(!ok),
        manifest_sha256: String::new(),
        tool: String::new(),
    };
    for (verified, proven, expected) in [
        (None, None, Proof::Never),
        (Some(record("opened", false)), None, Proof::Failed),
        // a failure is not made good by what came before it
        (Some(record("hashed", false)), Some("opened"), Proof::Failed),
        (Some(record("listed", true)), Some("listed"), Proof::Shallow),
        (Some(record("hashed", true)), Some("hashed"), Proof::Shallow),
        (Some(record("hashed", true)), Some("opened"), Proof::Opened),
        (Some(record("restored", true)), Some("restored"), Proof::Opened),
        (Some(record("guessed", true)), Some("guessed"), Proof::Shallow),
    ] {
        let bare = SnapshotSummary::bare("p", SnapshotId::new(at(NOW), 1), SnapshotState::Complete, None);
        let summary = SnapshotSummary { verified, proven: proven.map(str::to_owned), ..bare };
        assert_eq!(SnapshotFacts::of(summary.clone()).proof, expected, "{summary:?}");
    }
}
