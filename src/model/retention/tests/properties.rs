//! What holds for any input.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    at("2026-11-23 12:00")
}

fn state() -> impl Strategy<Value = SnapshotState> {
    prop_oneof![
        12 => Just(SnapshotState::Complete),
        2 => Just(SnapshotState::Incomplete),
        1 => Just(SnapshotState::Unfinished),
        1 => Just(SnapshotState::Unreadable),
        1 => Just(SnapshotState::Pruned),
    ]
}

fn proof() -> impl Strategy<Value = Proof> {
    prop_oneof![12 => Just(Proof::Opened), 1 => Just(Proof::Shallow), 1 => Just(Proof::Never), 1 => Just(Proof::Failed)]
}

/// Of two projects, from two years ago to rarely a little ahead.
fn snapshot() -> impl Strategy<Value = SnapshotFacts> {
    let minutes = prop_oneof![40 => 0..1_051_200_i64, 40 => 0..60_000_i64, 1 => -2000..0_i64];
    let touched = prop::option::weighted(0.5, 0..60_000_i64);
    let rows = prop_oneof![8 => 900..1100_u64, 1 => 0..2000_u64];
    (any::<bool>(), minutes, any::<u16>(), state(), proof(), rows, touched, 0..20_u8).prop_map(
        |(first, minutes, tail, state, proof, rows, touched, kind)| {
            let started = now() - TimeDelta::minutes(minutes);
            let snapshot = SnapshotFacts {
                project: if first { "p" } else { "q" }.to_owned(),
                id: SnapshotId::new(started, tail),
                state,
                proof,
                rows,
                touched: touched.map(|minutes| now() - TimeDelta::minutes(minutes)),
                safety_of: (kind == 0).then(|| SnapshotId::new(started, 0)),
                ..good(started)
            };
            if kind == 1 { pinned(snapshot) } else { snapshot }
        },
    )
}

fn snapshots() -> impl Strategy<Value = Vec<SnapshotFacts>> {
    prop::collection::vec(snapshot(), 0..120).prop_map(|all| {
        let mut seen = BTreeSet::new();
        all.into_iter().filter(|s| seen.insert((s.project.clone(), s.id.clone()))).collect()
    })
}

fn rules() -> impl Strategy<Value = Retention> {
    let counts = [0..6_usize, 0..40, 0..10, 0..15, 0..4];
    (0..60_i64, 1..70_usize, counts, 0..6_usize, (0..20_i64, 0..60_i64, 0..2000_i64), 1..=100_u8).prop_map(
        |(days, most, [hourly, daily, weekly, monthly, yearly], floor, (incomplete, safety, freeze), percent)| {
            Retention {
                keep_within: TimeDelta::days(days),
                keep_at_most: most,
                hourly,
                daily,
                weekly,
                monthly,
                yearly,
                floor,
                keep_incomplete: TimeDelta::days(incomplete),
                keep_safety: TimeDelta::days(safety),
                freeze_after: TimeDelta::days(freeze),
                freeze_rows: percent,
                freeze_tables: percent,
            }
        },
    )
}

fn left_of<'a>(left: &'a [SnapshotFacts], project: &'a str) -> impl Iterator<Item = &'a SnapshotFacts> {
    left.iter().filter(move |s| s.project == project)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn floor_newest_good_pins_and_unreadable_ones_survive(all in snapshots(), rules in rules()) {
        let planned = plan(&all, &rules, now());
        let left = applied(&all, &planned);
        for project in ["p", "q"] {
            let mut good: Vec<&SnapshotFacts> = left_of(&all, project).filter(|s| s.is_good()).collect();
            good.sort_by(|a, b| b.started.cmp(&a.started).then(b.id.cmp(&a.id)));
            for must in good.into_iter().take(rules.floor.max(1)) {
                prop_assert!(left.contains(must), "{:?}", must);
            }
        }
        for must in all.iter().filter(|s| s.pin.is_some() || s.state == SnapshotState::Unreadable) {
            prop_assert!(left.contains(must), "{:?}", must);
        }
    }

    #[test]
    fn planning_again_removes_nothing(all in snapshots(), rules in rules()) {
        let left = applied(&all, &plan(&all, &rules, now()));
        let again = plan(&left, &rules, now());
        prop_assert!(again.removals().next().is_none(), "{:?}", again.removals().collect::<Vec<_>>());
    }

    #[test]
    fn every_snapshot_has_one_decision_with_reasons_whatever_the_order(all in snapshots(), rules in rules()) {
        let planned = plan(&all, &rules, now());
        let decisions: usize = planned.projects.iter().map(|p| p.decisions.len()).sum();
        prop_assert_eq!(decisions, all.len());
        for project in &planned.projects {
            prop_assert!(project.decisions.iter().all(|d| !d.reasons.is_empty()));
            let goes = project.decisions.iter().filter(|d| !d.keep && d.state != SnapshotState::Pruned).count();
            prop_assert!(project.freeze.is_empty() || goes == 0, "{:?}", project.freeze);
        }
        let mut turned = all.clone();
        turned.reverse();
        let middle = turned.len() / 2;
        turned.rotate_left(middle);
        prop_assert_eq!(plan(&turned, &rules, now()), planned);
    }

    #[test]
    fn no_more_good_ones_stay_than_allowed(all in snapshots(), rules in rules()) {
        let planned = plan(&all, &rules, now());
        let left = applied(&all, &planned);
        for project in planned.projects.iter().filter(|p| p.freeze.is_empty()) {
            let stay = left_of(&left, &project.project).filter(|s| s.is_good() && s.pin.is_none()).count();
            prop_assert!(stay <= rules.keep_at_most.max(rules.floor).max(1), "{}", stay);
        }
    }

    /// What went would not be wanted back later, when there are more: pruning each hour leaves what
    /// pruning once a year does.
    #[test]
    fn what_is_removed_is_never_wanted_again(all in snapshots(), rules in rules(), days in 1..60_i64) {
        let rules = Retention { keep_at_most: 1000, ..rules };
        let earlier = now() - TimeDelta::days(days);
        let known: Vec<SnapshotFacts> = all.iter().filter(|s| s.started <= earlier).cloned().collect();
        let first = plan(&known, &rules, earlier);
        let later = plan(&all, &rules, now());
        for (project, gone) in first.removals() {
            let decision = later.projects.iter().filter(|p| p.project == project && p.freeze.is_empty())
                .flat_map(|p| &p.decisions).find(|d| d.id == gone.id);
            prop_assert!(decision.is_none_or(|d| !d.keep || d.state == SnapshotState::Unfinished), "{:?}", decision);
        }
    }
}
