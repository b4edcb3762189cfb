//! A year of schedules, pruned after every run, beside an expectation that is written another way:
//! names of days and months as text, and sets, where the rules count periods in one pass.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::Profile;

type Time = DateTime<Utc>;

/// A project that is backed up and pruned, and everything that was ever made of it.
struct Life {
    rules: Retention,
    there: Vec<SnapshotFacts>,
    /// How many runs found the project frozen, by reason.
    frozen: BTreeMap<&'static str, usize>,
    rows: u64,
    tail: u16,
}

impl Life {
    fn new(rules: Retention) -> Self {
        Self { rules, there: Vec::new(), frozen: BTreeMap::new(), rows: 1000, tail: 0 }
    }

    /// A run at this moment, by a clock that shows it.
    fn run(&mut self, now: Time) {
        self.add(SnapshotFacts { rows: self.rows, ..good(now) });
        self.prune(now);
    }

    fn add(&mut self, snapshot: SnapshotFacts) {
        self.tail = self.tail.wrapping_add(1);
        let id = SnapshotId::new(snapshot.started, self.tail);
        self.there.push(SnapshotFacts { id, ..snapshot });
    }

    fn prune(&mut self, now: Time) {
        let planned = plan(&self.there, &self.rules, now);
        for freeze in &planned.projects[0].freeze {
            *self.frozen.entry(freeze.code()).or_default() += 1;
        }
        self.there = applied(&self.there, &planned);
    }

    fn good(&self) -> Vec<Time> {
        let mut times: Vec<Time> = self.there.iter().filter(|s| s.is_good()).map(|s| s.started).collect();
        times.sort();
        times
    }
}

/// What should be left of good snapshots, oldest first: in the order of importance, as many as may stay.
fn expected(made: &[Time], rules: &Retention, now: Time) -> Vec<Time> {
    let mut newest_first = made.to_vec();
    newest_first.sort();
    newest_first.reverse();
    let last_by = |form: &str, among: &[Time]| -> Vec<Time> {
        let mut last: BTreeMap<String, Time> = BTreeMap::new();
        for time in among {
            let entry = last.entry(time.format(form).to_string()).or_insert(*time);
            *entry = (*entry).max(*time);
        }
        last.into_values().rev().collect()
    };
    let oldest = now - rules.keep_within;
    let young: Vec<Time> = newest_first.iter().copied().filter(|time| *time >= oldest).collect();
    let mut by_importance: Vec<Time> = newest_first.iter().copied().take(rules.floor).collect();
    for (form, most) in
        [("%Y", rules.yearly), ("%Y-%m", rules.monthly), ("%G-%V", rules.weekly), ("%Y-%m-%d", rules.daily)]
    {
        by_importance.extend(last_by(form, &newest_first).into_iter().take(most));
    }
    by_importance.extend(last_by("%Y-%m-%d", &young));
    by_importance.extend(young);
    let mut stay = BTreeSet::new();
    for time in by_importance {
        if stay.len() < rules.keep_at_most.max(rules.floor) {
            stay.insert(time);
        }
    }
    stay.into_iter().collect()
}

/// Every so many hours of the year 2026, and three days.
fn schedule(hours: i64) -> Vec<Time> {
    let first = at("2025-12-29 03:15");
    (0..).map(|n| first + TimeDelta::hours(hours * n)).take_while(|time| *time < at("2027-01-01 00:00")).collect()
}

/// The same numbers on every machine: xorshift64*.
struct Dice(u64);

impl Dice {
    fn one_in(&mut self, number: u64) -> bool {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).is_multiple_of(number)
    }
}

#[test]
fn a_year_of_daily_backups_leaves_thirty_days_and_the_ends_of_months() {
    let mut life = Life::new(Profile::Production.retention());
    schedule(24).into_iter().for_each(|time| life.run(time));
    let day = |text: &str| at(&format!("{text} 03:15"));
    let mut expected: Vec<Time> =
        ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30"]
            .map(day)
            .to_vec();
    expected.extend(["2026-07-31", "2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30"].map(day));
    expected.extend((1..=31).map(|n| day(&format!("2026-12-{n:02}"))));
    assert_eq!(life.good(), expected);
    assert!(life.frozen.is_empty());
    for (profile, days) in [(Profile::Development, 7), (Profile::Staging, 14)] {
        let mut life = Life::new(profile.retention());
        schedule(24).into_iter().for_each(|time| life.run(time));
        assert_eq!(life.good(), expected[expected.len() - days - 1..], "{profile}");
    }
}

#[test]
fn a_year_of_hourly_backups_covers_all_of_its_days_within_the_limit() {
    let mut life = Life::new(Retention::default());
    schedule(1).into_iter().for_each(|time| life.run(time));
    // 23:15 of each day from 1 December on, which is thirty days old to the second, and the newest 19 more
    let last = at("2026-12-31 23:15");
    let mut expected: Vec<Time> = (0..=30).map(|day| last - TimeDelta::days(day)).collect();
    expected.extend((1..=19).map(|hour| last - TimeDelta::hours(hour)));
    expected.sort();
    assert_eq!((life.good(), expected.len()), (expected, 50));
}

#[test]
fn schedules_with_missed_double_and_failed_runs_leave_exactly_what_is_expected() {
    for (hours, rules) in [
        (1, Retention::default()),
        (1, Profile::Production.retention()),
        (6, Retention::default()),
        (6, Retention { weekly: 8, yearly: 2, keep_at_most: 500, ..Profile::Production.retention() }),
        (24, Profile::Production.retention()),
        (24, Retention { daily: 10, ..Profile::Development.retention() }),
    ] {
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mut life = Life::new(rules.clone());
        let mut stay: Vec<Time> = Vec::new();
        let times = schedule(hours);
        for time in &times {
            if dice.one_in(12) {
                continue; // missed
            }
            if dice.one_in(9) {
                life.add(in_state(*time, SnapshotState::Incomplete));
            } else if dice.one_in(9) {
                life.add(SnapshotFacts { touched: Some(*time), ..in_state(*time, SnapshotState::Unfinished) });
            } else if dice.one_in(9) {
                life.add(SnapshotFacts { proof: Proof::Failed, ..good(*time) });
            } else {
                let double = dice.one_in(7).then(|| *time + TimeDelta::seconds(40));
                for time in [Some(*time), double].into_iter().flatten() {
                    let frozen = life.frozen.values().sum::<usize>();
                    life.run(time);
                    stay.push(time);
                    if life.frozen.values().sum::<usize>() == frozen {
                        stay = expected(&stay, &rules, time);
                    }
                    stay.sort();
                    assert_eq!(life.good(), stay, "every {hours} h, at {time}");
                }
            }
        }
        let end = times.last().copied().unwrap_or_default();
        life.run(end + TimeDelta::minutes(1));
        let failed = life.there.iter().filter(|s| !s.is_good());
        assert!(failed.clone().count() > 0, "every {hours} h");
        for s in failed {
            let limit = if s.state == SnapshotState::Complete { rules.keep_within } else { rules.keep_incomplete };
            assert!(end + TimeDelta::minutes(1) - s.started <= limit, "{s:?}");
        }
    }
}

/// A wrong clock removes nothing, and when it is right again and what it left is away, all is as it was.
#[test]
fn a_clock_that_jumps_costs_nothing() {
    let rules = Profile::Production.retention();
    for (jump, codes) in [
        (TimeDelta::days(400), &["future", "leap"][..]),
        (TimeDelta::days(45), &["future", "leap"]),
        // by then those of today are in the future; later, one that claims to be old is nothing special
        (TimeDelta::days(-200), &["future", "stale"]),
    ] {
        let mut life = Life::new(rules.clone());
        let mut made = Vec::new();
        for (n, time) in schedule(24).into_iter().enumerate() {
            made.push(time);
            if n == 250 {
                let before = life.good();
                life.run(time + jump);
                assert!(before.iter().all(|kept| life.good().contains(kept)), "{jump}: something went");
            }
            if n == 253 {
                // a person removes what is plainly wrong
                life.there.retain(|s| s.started <= time && s.started != schedule(24)[250] + jump);
            }
            life.run(time);
        }
        let end = at("2026-12-31 03:15");
        assert_eq!(life.good(), expected(&made, &rules, end), "{jump}");
        let seen: Vec<&str> = life.frozen.keys().copied().filter(|code| codes.contains(code)).collect();
        assert!(!seen.is_empty() && life.frozen.keys().all(|code| codes.contains(code)), "{jump}: {:?}", life.frozen);
    }
}

/// Nine tenths of the rows are gone: for six days nothing is removed, however often it is backed up.
#[test]
fn a_project_that_loses_its_rows_is_frozen_for_days() {
    for (hours, runs_a_day) in [(1, 24), (6, 4), (24, 1)] {
        let mut life = Life::new(Profile::Production.retention());
        let lost = at("2026-08-10 00:00");
        let mut before = Vec::new();
        let mut unfrozen = None;
        for time in schedule(hours) {
            if time > lost && life.rows == 1000 {
                life.rows = 100;
                before = life.good();
            }
            let frozen = life.frozen.get("lost-rows").copied().unwrap_or(0);
            life.run(time);
            if life.rows == 100 && life.frozen.get("lost-rows").copied().unwrap_or(0) == frozen {
                unfrozen.get_or_insert(time);
            } else if life.rows == 100 {
                assert!(before.iter().all(|kept| life.good().contains(kept)), "every {hours} h, at {time}");
            }
        }
        // one run of the seventh day: then the days with few rows are more than those with many
        let days = unfrozen.map(|time| (time - lost).num_days());
        assert_eq!(days, Some(6), "every {hours} h");
        let frozen = life.frozen.get("lost-rows").copied().unwrap_or(0);
        assert_eq!(frozen, 6 * runs_a_day, "every {hours} h");
        // months later the whole ones are still there
        let whole = life.there.iter().filter(|s| s.rows == 1000).count();
        assert_eq!(whole, 8, "every {hours} h: the ends of December to July");
    }
}
