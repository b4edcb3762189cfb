//! Rows: growth, size, loss, coverage.

use super::*;
use crate::model::{Missing, TableLimits, Uncovered};

#[test]
fn growth_is_told_beyond_its_percent_and_above_the_least_number_of_rows() {
    expect(&[
        // the snapshot of a day before is 25 hours old: of 10.4 % in these, 10 % are those of a day
        ("10 % is allowed", |seen, _| set(seen, "orders", 5520), &[]),
        ("a row more is not", |seen, _| set(seen, "orders", 5521), &["warning daily-growth public.orders"]),
        (
            "nor of all together",
            |seen, _| set(seen, "orders", 5523),
            &["warning daily-growth all tables", "warning daily-growth public.orders"],
        ),
        // 12 rows become 111, which is 825 %, and 99 rows
        ("99 rows are nothing", |seen, _| set(seen, "settings", 111), &[]),
        (
            "100 are something",
            |seen, _| set(seen, "settings", 112),
            &["warning daily-growth public.settings", "warning weekly-growth public.settings"],
        ),
        (
            "what was empty has no percent",
            |seen, _| {
                set_before(seen, "settings", 0..40, 0);
                set(seen, "settings", 4000);
            },
            &["warning daily-growth all tables", "warning weekly-growth all tables"],
        ),
        (
            "a week of 8 % a day",
            |seen, _| {
                for day in 0..8 {
                    set_before(
                        seen,
                        "orders",
                        day..day + 1,
                        (5000.0 / 1.08_f64.powi(i32::try_from(day).unwrap_or(0))) as u64,
                    );
                }
                set_before(seen, "orders", 8..40, 2917);
            },
            &["warning weekly-growth all tables", "warning weekly-growth public.orders"],
        ),
        (
            "a table has its own limit",
            |seen, limits| {
                set(seen, "orders", 5510);
                limits.tables.daily_growth = 0;
                limits.own.insert("public.orders".to_owned(), TableLimits { daily_growth: 5, ..limits.tables });
            },
            &["warning daily-growth public.orders"],
        ),
        (
            "0 switches it off",
            |seen, limits| {
                set(seen, "orders", 9000);
                (limits.tables.daily_growth, limits.tables.weekly_growth) = (0, 0);
            },
            &[],
        ),
        (
            "an estimate tells no growth",
            |seen, _| {
                set(seen, "orders", 9000);
                live(seen).tables.iter_mut().for_each(|table| table.exact = false);
            },
            &[],
        ),
        (
            "after two days without a snapshot the day is half of it",
            |seen, limits| {
                points(seen).retain(|point| now() - point.started > hours(47));
                (limits.max_age, newest(seen).restored) = (days(5), Some(now()));
                set(seen, "orders", 5990);
            },
            &[],
        ),
    ]);
}

#[test]
fn size_is_told_beyond_its_limit() {
    expect(&[
        (
            "10,000 rows are allowed",
            |seen, _| {
                set_before(seen, "orders", 0..40, 10_000);
                set(seen, "orders", 10_000);
            },
            &[],
        ),
        (
            "one more is not",
            |seen, _| {
                set_before(seen, "orders", 0..40, 10_001);
                set(seen, "orders", 10_001);
            },
            &["warning table-size public.orders"],
        ),
        (
            "unless the table may have more",
            |seen, limits| {
                set_before(seen, "orders", 0..40, 40_000);
                set(seen, "orders", 40_000);
                limits.own.insert("public.orders".to_owned(), TableLimits { max_rows: 0, ..limits.tables });
            },
            &[],
        ),
        (
            "all together",
            |seen, limits| {
                set_before(seen, "orders", 0..40, 49_989);
                set(seen, "orders", 49_989);
                limits.tables.max_rows = 0;
            },
            &["warning total-size all tables"],
        ),
        (
            "an estimate is good enough for that",
            |seen, _| {
                set(seen, "orders", 20_000);
                live(seen).tables.iter_mut().for_each(|table| table.exact = false);
            },
            &["warning table-size public.orders"],
        ),
        ("100 MB", |seen, _| newest(seen).stored_bytes = 100_000_000, &[]),
        ("and a byte", |seen, _| newest(seen).stored_bytes = 100_000_001, &["warning snapshot-size snapshots"]),
    ]);
}

#[test]
fn loss_is_told_against_the_week_before() {
    expect(&[
        ("20 % may go", |seen, _| set(seen, "orders", 4000), &[]),
        ("a row more may not", |seen, _| set(seen, "orders", 3999), &["error rows-lost public.orders"]),
        (
            "99 rows are nothing",
            |seen, _| {
                set_before(seen, "settings", 0..40, 109);
                set(seen, "settings", 10);
            },
            &[],
        ),
        (
            "100 are something",
            |seen, _| {
                set_before(seen, "settings", 0..40, 110);
                set(seen, "settings", 10);
            },
            &["error rows-lost public.settings"],
        ),
        (
            "it is told for days",
            |seen, _| {
                set_before(seen, "orders", 0..3, 3000);
                set(seen, "orders", 3000);
            },
            &["error rows-lost public.orders"],
        ),
        (
            "and is usual at last",
            |seen, _| {
                set_before(seen, "orders", 0..4, 3000);
                set(seen, "orders", 3000);
            },
            &[],
        ),
        ("one odd day before is none of today's business", |seen, _| set_before(seen, "orders", 3..4, 9000), &[]),
        ("emptied", |seen, _| set(seen, "orders", 0), &["error table-emptied public.orders"]),
        (
            "with ten rows too",
            |seen, _| {
                set_before(seen, "settings", 0..40, 10);
                set(seen, "settings", 0);
            },
            &["error table-emptied public.settings"],
        ),
        (
            "with nine it is noise",
            |seen, _| {
                set_before(seen, "settings", 0..40, 9);
                set(seen, "settings", 0);
            },
            &[],
        ),
        (
            "a queue is empty now and then",
            |seen, _| {
                set_before(seen, "settings", 3..4, 0);
                set(seen, "settings", 0);
            },
            &[],
        ),
        (
            "and stays told",
            |seen, _| {
                set_before(seen, "settings", 0..7, 0);
                set(seen, "settings", 0);
            },
            &["error table-emptied public.settings"],
        ),
        (
            "for a week",
            |seen, _| {
                set_before(seen, "settings", 0..8, 0);
                set(seen, "settings", 0);
            },
            &[],
        ),
        (
            "a table is gone",
            |seen, _| live(seen).tables.retain(|found| found.name != table("settings")),
            &["error table-lost public.settings"],
        ),
        (
            "or left out",
            |seen, _| {
                live(seen).tables.retain(|found| found.name != table("settings"));
                live(seen).left_out.push(table("settings"));
            },
            &[],
        ),
    ]);
}

#[test]
fn every_table_is_backed_up_and_can_be_read() {
    expect(&[
        ("new", |seen, _| live(seen).tables.push(live_table("late", 5)), &["warning table-in-no-snapshot public.late"]),
        (
            "without a grant, but through SQL",
            |seen, _| live(seen).uncovered.push(Uncovered { name: table("orders"), read_through_sql: true }),
            &["info table-without-grant public.orders"],
        ),
        (
            "without a grant",
            |seen, _| live(seen).uncovered.push(Uncovered { name: table("x"), read_through_sql: false }),
            &["warning table-without-grant public.x"],
        ),
        (
            "a column",
            |seen, _| {
                let (subject, reason) = ("column public.orders.x".to_owned(), "denied".to_owned());
                live(seen).missing.push(Missing { subject, reason, fix: Some("GRANT".to_owned()) });
            },
            &["error unreadable column public.orders.x"],
        ),
        (
            "a table that cannot be read is not gone",
            |seen, _| {
                live(seen).tables.retain(|found| found.name != table("settings"));
                let (subject, reason) = ("table public.settings".to_owned(), "denied".to_owned());
                live(seen).missing.push(Missing { subject, reason, fix: None });
            },
            &["error unreadable public.settings"],
        ),
        (
            "a table that only SQL showed",
            |seen, _| {
                live(seen).tables.retain(|found| found.name != table("settings"));
                live(seen).sees_all = false;
                history(seen).through_sql.insert(table("settings"));
            },
            &["info blind-spot coverage"],
        ),
        ("blind", |seen, _| live(seen).sees_all = false, &["info blind-spot coverage"]),
    ]);
    let mut seen = well();
    live(&mut seen).tables.push(live_table("late", 5));
    let report = judge(&seen, &Limits::default());
    assert!(report.tables.iter().any(|status| status.name == table("late") && status.state == TableState::New));
}
