//! What the days before tell.

use super::*;
use crate::model::{Forecast, Reach, Shape};

/// A project whose table `t` had these rows on the days before, the last value being that of today.
fn trend(rows: &[u64]) -> Trend {
    let mut seen = well();
    let mut history = History::since(now() - days(400));
    for (age, rows) in rows.iter().rev().enumerate() {
        let at = now() - days(i64::try_from(age).unwrap_or(0));
        let point = point(&mut history, at, &[("t", *rows)]);
        history.points.insert(0, point);
    }
    seen.history = Ok(history);
    seen.live = Err(Unseen::not_given("no key"));
    let all = trends(&seen, &Limits::default());
    match all.into_iter().find(|trend| trend.subject == Subject::Table(table("t"))) {
        Some(trend) => trend,
        None => unreachable!("there is a table"),
    }
}

fn reach(rows: &[u64]) -> Reach {
    match trend(rows).forecasts.as_slice() {
        [Forecast { limit: "max_rows", value: 10_000, reach }] => reach.clone(),
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn a_word_says_how_a_series_moves() {
    // a little noise, always the same
    let noise = |n: u64| (n * 7919) % 13;
    let weekly = |n: u64| if n % 7 < 5 { 60 } else { 2 };
    let cases: [(&str, Vec<u64>, Shape); 9] = [
        ("too few", (0..7).map(|n| 1000 + n * 100).collect(), Shape::Unknown),
        ("eight days", (0..8).map(|n| 1000 + n * 100).collect(), Shape::Growing),
        ("constant", vec![3000; 30], Shape::Steady),
        ("noise", (0..30).map(|n| 3000 + noise(n)).collect(), Shape::Steady),
        ("small and restless", (0..30).map(|n| [1, 4, 2, 0, 5][n % 5]).collect(), Shape::Steady),
        ("upwards through noise", (0..30).map(|n| 3000 + n * 20 + noise(n)).collect(), Shape::Growing),
        (
            "on weekdays",
            (0..30)
                .scan(3000, |sum, n| {
                    *sum += weekly(n);
                    Some(*sum)
                })
                .collect(),
            Shape::Growing,
        ),
        ("downwards", (0..30).map(|n| 9000 - n * 30).collect(), Shape::Shrinking),
        ("in one go", (0..30).map(|n| if n < 17 { 3000 + noise(n) } else { 4500 + noise(n) }).collect(), Shape::Bursty),
    ];
    for (what, rows, shape) in cases {
        assert_eq!(trend(&rows).shape, shape, "{what}: {:?}", trend(&rows).slope);
    }
}

#[test]
fn a_forecast_says_when_or_why_it_cannot() {
    assert_eq!(reach(&[9000, 9100, 9200]), Reach::TooFew { days: 3, needed: 8 });
    assert_eq!(reach(&[10_000; 30]), Reach::Past);
    assert_eq!(reach(&[9000; 30]), Reach::Far, "it does not move");
    assert_eq!(reach(&(0..30).map(|n| 9000 - n).collect::<Vec<_>>()), Reach::Far, "it moves away");
    // ups and downs, and no direction that is certain
    let restless: Vec<u64> = (0..30).map(|n| 9000 + (n * 7919) % 500).collect();
    assert_eq!(reach(&restless), Reach::NoDirection);
    assert_eq!(reach(&(0..30).map(|n| 1000 + n).collect::<Vec<_>>()), Reach::Far, "in 24 years");
    // 29 days of 100 rows, from 6,000: 8,900 today, and 11 days are left
    let steady: Vec<u64> = (0..30).map(|n| 6000 + n * 100).collect();
    let day = Some(now() + days(11));
    let Reach::Ahead { earliest, likely, latest } = reach(&steady) else { unreachable!("it is reached") };
    assert_eq!((Some(earliest), Some(likely), latest), (day, day, day));
    // noise widens the span, and one wild day does not move it by much
    let mut noisy: Vec<u64> = (0..30).map(|n| 6000 + n * 100 + (n * 7919) % 150).collect();
    noisy[12] = 60;
    let Reach::Ahead { earliest, likely, latest } = reach(&noisy) else { unreachable!("it is reached") };
    assert!(earliest < likely && Some(likely) < latest, "{earliest} {likely} {latest:?}");
    assert!((likely - now() - days(10)).num_days().abs() <= 2, "{likely}");
}

#[test]
fn a_limit_that_is_near_is_told() {
    let told = |per_day: u64| {
        let (mut seen, limits) = (well(), Limits { max_total_rows: 0, ..Limits::default() });
        for day in 0..30 {
            set_before(&mut seen, "orders", day..day + 1, 9000 - per_day * u64::try_from(day).unwrap_or(0));
        }
        set(&mut seen, "orders", 9000);
        let report = judge(&seen, &limits);
        report.findings.iter().map(|finding| format!("{} {}", finding.code, finding.subject)).collect::<Vec<_>>()
    };
    assert_eq!(told(60), Vec::<String>::new(), "17 days");
    assert_eq!(told(80), ["limit-ahead public.orders"], "13 days");
}

#[test]
fn a_day_is_held_against_its_weekday() {
    // five busy days and two quiet ones
    let week = |n: u64| if n % 7 < 5 { 400 + n % 3 } else { 20 + n % 2 };
    let rows = |odd: &[(u64, u64)]| -> Vec<u64> {
        let mut sum = 100;
        let step = |n: u64| odd.iter().find(|(day, _)| *day == n).map_or_else(|| week(n), |(_, step)| *step);
        (0..36)
            .map(|n| {
                sum += step(n);
                sum
            })
            .collect()
    };
    let days = |rows: &[u64]| trend(rows).unusual.iter().map(|day| (day.change, day.usual)).collect::<Vec<_>>();
    assert_eq!(days(&rows(&[])), []);
    // the number of a busy day, on a quiet one; and the other way round
    let found = days(&rows(&[(33, 400)]));
    assert!(matches!(found.as_slice(), [(400.0, usual)] if (20.0..=21.0).contains(usual)), "{found:?}");
    let found = days(&rows(&[(30, 20)]));
    assert!(matches!(found.as_slice(), [(20.0, usual)] if (400.0..=402.0).contains(usual)), "{found:?}");
    // fewer rows than `min_change`
    assert_eq!(days(&rows(&[(33, 115)])), []);
    // two weeks do not tell what a Tuesday is like
    assert_eq!(days(&rows(&[(16, 4000)])[..17]), []);
}
