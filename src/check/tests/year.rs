//! A year of a project that is backed up every six hours by a schedule that is late and drops runs, looked
//! at every six hours too: what was planted is found while it lasts, and nothing else ever is.

use std::collections::BTreeSet;

use super::*;

/// The same numbers on every machine: xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, number: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % number
    }
}

/// The project at one moment.
#[derive(Clone)]
struct World {
    orders: u64,
    users: u64,
    sessions: u64,
    tiny: u64,
    queue: u64,
    has_old: bool,
    has_new: bool,
}

impl World {
    fn tables(&self) -> Vec<(&'static str, u64)> {
        let mut all = vec![
            ("orders", self.orders),
            ("users", self.users),
            ("sessions", self.sessions),
            ("tiny", self.tiny),
            ("queue", self.queue),
            ("settings", 12),
        ];
        all.extend(self.has_old.then_some(("old", 700)));
        all.extend(self.has_new.then_some(("new", 40)));
        all
    }
}

/// A finding, and the hours (of the year) in which it is allowed and in which it must be there.
struct Planted {
    code: &'static str,
    subject: &'static str,
    may: std::ops::RangeInclusive<i64>,
    must: std::ops::RangeInclusive<i64>,
}

fn planted(
    code: &'static str,
    subject: &'static str,
    may: std::ops::RangeInclusive<i64>,
    must: std::ops::RangeInclusive<i64>,
) -> Planted {
    Planted { code, subject, may, must }
}

const DAY: i64 = 24;

fn incidents() -> Vec<Planted> {
    let on = |day: i64| day * DAY;
    vec![
        // day 60: an import of 1,500 orders
        planted("daily-growth", "public.orders", on(60)..=on(62), on(60) + 1..=on(61)),
        planted("daily-growth", "all tables", on(60)..=on(62), on(60) + 1..=on(61)),
        planted("unusual-day", "public.orders", on(60)..=on(62) + 12, on(61)..=on(61) + 12),
        // day 90: sessions are gone, for good
        planted("table-emptied", "public.sessions", on(90)..=on(98), on(90) + 1..=on(96)),
        planted("unusual-day", "public.sessions", on(90)..=on(92) + 12, on(91)..=on(91) + 12),
        // day 130: the schedule is dead for three days
        planted("late", "snapshots", on(130)..=on(134), on(130) + 12..=on(130) + 12),
        planted("stale", "snapshots", on(130)..=on(134), on(131)..=on(133) - 1),
        // day 170: 40 % of the users are deleted
        planted("rows-lost", "public.users", on(170)..=on(175), on(170) + 1..=on(173)),
        planted("unusual-day", "public.users", on(170)..=on(172) + 12, on(171)..=on(171) + 12),
        // day 200: a table is dropped
        planted("table-lost", "public.old", on(200)..=on(208), on(200) + 1..=on(206)),
        // day 230: for two days every snapshot is incomplete
        planted("incomplete", "snapshots", on(230)..=on(232) + 12, on(230) + 12..=on(232) - 1),
        planted("late", "snapshots", on(230)..=on(232) + 12, on(230) + 12..=on(230) + 12),
        planted("stale", "snapshots", on(230)..=on(232) + 12, on(231)..=on(232) - 1),
        // day 260: one snapshot is found damaged, and goes with the window after 30 days
        planted("damaged", "snapshot", on(260)..=on(291), on(260) + 12..=on(289)),
        // day 300: the key ends on day 331, and is replaced on day 325
        planted("key-expires", "key", on(301)..=on(325), on(301) + 1..=on(325) - 1),
        // day 340: a table comes
        planted("table-in-no-snapshot", "public.new", on(340)..=on(341), on(340)..=on(340)),
        planted("schema-changed", "schema", on(340)..=on(341), on(340)..=on(340)),
        // day 350: the project is paused for a day
        planted("paused", "project", on(350)..=on(351), on(350) + 1..=on(351) - 1),
        planted("not-checked", "coverage", on(350)..=on(351) - 1, on(350)..=on(351) - 1),
        planted("not-checked", "quota", on(350)..=on(351) - 1, on(350)..=on(351) - 1),
        planted("late", "snapshots", on(350)..=on(352), on(351)..=on(350)),
    ]
}

fn step(world: &mut World, hour: i64, dice: &mut Dice) {
    // six hours of business: busy on weekdays
    let is_weekend = hour / DAY % 7 >= 5;
    world.orders += if is_weekend { dice.below(2) } else { 3 + dice.below(5) };
    world.users = world.users + dice.below(5) - 2;
    if world.sessions > 0 {
        world.sessions = 900 + dice.below(90);
    }
    world.tiny = dice.below(6);
    world.queue = if dice.below(4) == 0 { 0 } else { dice.below(60) };
    match hour / DAY {
        60 if hour % DAY == 0 => world.orders += 1500,
        90 if hour % DAY == 0 => world.sessions = 0,
        170 if hour % DAY == 0 => world.users = world.users * 6 / 10,
        _ => {}
    }
    (world.has_old, world.has_new) = (hour < 200 * DAY, hour >= 340 * DAY);
}

/// The snapshot of a run that was to begin now, if GitHub did not drop it.
fn run(history: &mut History, at: DateTime<Utc>, hour: i64, world: &World, dice: &mut Dice) -> Option<SnapshotPoint> {
    let late = TimeDelta::minutes(i64::try_from(dice.below(200)).unwrap_or(0));
    let is_dropped = dice.below(12) == 0 || (130 * DAY..133 * DAY).contains(&hour) || hour / DAY == 350;
    if is_dropped {
        return None;
    }
    let mut made = point(history, at - hours(4) + late, &world.tables());
    if (230 * DAY..232 * DAY).contains(&hour) {
        (made.state, made.missing) = (SnapshotState::Incomplete, 1);
    }
    if hour == 260 * DAY {
        made.proof = Proof::Failed;
    }
    // the weekly drill
    made.restored = (hour / DAY % 7 == 0).then_some(at);
    Some(made)
}

#[test]
fn in_a_year_exactly_what_was_planted_is_found() {
    let start = now() - days(400);
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut world =
        World { orders: 2500, users: 3000, sessions: 950, tiny: 2, queue: 9, has_old: true, has_new: false };
    let (mut all, limits) = (History::since(start), Limits::default());
    let (mut unplanted, mut missing): (BTreeSet<String>, Vec<String>) = Default::default();
    let incidents = incidents();
    for hour in (0..365 * DAY).step_by(6) {
        let at = start + hours(hour);
        let before = world.clone();
        step(&mut world, hour, &mut dice);
        if let Some(made) = run(&mut all, at, hour, &before, &mut dice) {
            all.points.push(made);
            all.points.sort_by_key(|point| point.started);
        }
        all.points.retain(|point| at - point.started < limits.history);
        if hour < 30 * DAY {
            continue; // a month to get to know it
        }
        let report = judge(&look(&all, at, hour, &world), &limits);
        let found: BTreeSet<(&str, &str)> =
            report.findings.iter().map(|finding| (finding.code.as_str(), finding.subject.as_str())).collect();
        let is_of = |planted: &Planted, (code, subject): (&str, &str)| {
            planted.code == code && subject.starts_with(planted.subject)
        };
        for finding in &found {
            let is_planted = incidents.iter().any(|planted| is_of(planted, *finding) && planted.may.contains(&hour));
            if !is_planted {
                unplanted.insert(format!("day {}: {} {}", hour / DAY, finding.0, finding.1));
            }
        }
        for planted in incidents.iter().filter(|planted| planted.must.contains(&hour)) {
            if !found.iter().any(|finding| is_of(planted, *finding)) {
                missing.push(format!("day {} h {}: {} {}", hour / DAY, hour % DAY, planted.code, planted.subject));
            }
        }
    }
    assert!(unplanted.is_empty() && missing.is_empty(), "not planted: {unplanted:#?}\nnot found: {missing:#?}");
}

/// What is to be seen then.
fn look(all: &History, at: DateTime<Utc>, hour: i64, world: &World) -> Observation {
    let newest = all.newest_complete().map(|point| (point.id.clone(), point.started));
    let is_paused = hour / DAY == 350;
    let names = |tables: Vec<(&str, u64)>| tables.into_iter().map(|(name, _)| (table(name), Vec::new())).collect();
    let then: Vec<(&str, u64)> = match all.newest_complete() {
        Some(point) if point.started < at => all
            .newest_complete()
            .into_iter()
            .flat_map(|point| point.counts.iter().flatten())
            .filter_map(|count| all.name(*count))
            .filter_map(|name| world.tables().into_iter().find(|(known, _)| *known == name.name))
            .collect(),
        _ => Vec::new(),
    };
    let key = (hour < 325 * DAY).then(|| at + hours(331 * DAY - hour));
    Observation {
        now: at,
        history: Ok(all.clone()),
        live: match is_paused {
            true => Err(Unseen::not_given("it is paused")),
            false => Ok(Live {
                tables: world.tables().into_iter().map(|(name, rows)| live_table(name, rows)).collect(),
                sees_all: true,
                database_bytes: Some(30_000_000),
                ..Live::default()
            }),
        },
        health: Ok(Health { paused: is_paused, status: None, services: Vec::new(), refused: None }),
        catalog: Ok(CatalogSeen {
            since: SnapshotId::new(at, 0),
            then: Described { tables: names(then), statements: None },
            now: Described { tables: names(world.tables()), statements: None },
        }),
        key: Some(KeySeen { kind: "legacy JWT".to_owned(), expires: key, refused: None }),
        stores: vec![StoreSeen { place: "s".to_owned(), newest: Ok(newest), free: None }],
        ..well()
    }
}
