//! The project itself: awake, reachable, with room; its schema; its key; its schedule.

use super::*;
use crate::model::{Schedule, ServiceHealth};

fn health(seen: &mut Observation) -> &mut Health {
    match &mut seen.health {
        Ok(health) => health,
        Err(why) => unreachable!("{why:?}"),
    }
}

fn service(seen: &mut Observation, status: &str) {
    let error = Some("no disk".to_owned());
    health(seen).services.push(ServiceHealth { name: "db".to_owned(), status: status.to_owned(), error });
}

#[test]
fn the_project_is_awake_and_well() {
    expect(&[
        ("paused", |seen, _| health(seen).paused = true, &["error paused project"]),
        ("well", |seen, _| health(seen).status = Some("ACTIVE_HEALTHY".to_owned()), &[]),
        ("ill", |seen, _| health(seen).status = Some("ACTIVE_UNHEALTHY".to_owned()), &["error unhealthy project"]),
        ("a new word", |seen, _| health(seen).status = Some("MELTING".to_owned()), &["error unhealthy project"]),
        ("it passes", |seen, _| health(seen).status = Some("UPGRADING".to_owned()), &["warning unhealthy project"]),
        ("a service is well", |seen, _| service(seen, "ACTIVE_HEALTHY"), &[]),
        ("a service starts", |seen, _| service(seen, "COMING_UP"), &["warning unhealthy service db"]),
        ("a service is ill", |seen, _| service(seen, "UNHEALTHY"), &["error unhealthy service db"]),
        ("refused", |seen, _| health(seen).refused = Some("401".to_owned()), &["error unreachable project"]),
    ]);
}

fn key(seen: &mut Observation, left: TimeDelta) {
    let expires = Some(now() + left);
    seen.key = Some(KeySeen { kind: "legacy JWT".to_owned(), expires, refused: None });
}

#[test]
fn the_key_serves_for_a_while() {
    expect(&[
        ("31 days", |seen, _| key(seen, days(31)), &[]),
        ("30 days", |seen, _| key(seen, days(30)), &["warning key-expires key"]),
        ("4 days", |seen, _| key(seen, days(4)), &["warning key-expires key"]),
        ("3 days", |seen, _| key(seen, days(3)), &["error key-expires key"]),
        (
            "as set",
            |seen, limits| {
                key(seen, days(30));
                limits.key_notice = days(7);
            },
            &[],
        ),
        (
            "refused",
            |seen, _| {
                let refused = Some(Unseen::failed("it is the anon key"));
                seen.key = Some(KeySeen { kind: "key".to_owned(), expires: None, refused });
            },
            &["error key key"],
        ),
        ("none", |seen, _| seen.key = None, &["info not-checked key"]),
    ]);
}

#[test]
fn there_is_room() {
    expect(&[
        ("80 % of the free plan", |seen, _| live(seen).database_bytes = Some(400_000_000), &["warning quota database"]),
        ("a byte less than a percent", |seen, _| live(seen).database_bytes = Some(399_999_999), &[]),
        (
            "all of it, of a plan that nobody named",
            |seen, _| {
                live(seen).database_bytes = Some(600_000_000);
            },
            &["warning quota database"],
        ),
        (
            "nearly all of it",
            |seen, limits| {
                live(seen).database_bytes = Some(499_999_999);
                limits.is_database_size_given = true;
            },
            &["warning quota database"],
        ),
        (
            "all of it",
            |seen, limits| {
                live(seen).database_bytes = Some(500_000_000);
                limits.is_database_size_given = true;
            },
            &["error quota database"],
        ),
        (
            "another plan",
            |seen, limits| {
                live(seen).database_bytes = Some(600_000_000);
                limits.max_database_size = 8_000_000_000;
            },
            &[],
        ),
        (
            "any size",
            |seen, limits| {
                (live(seen).database_bytes, live(seen).size_unseen) = (None, Some(Unseen::not_given("no SQL")));
                limits.max_database_size = 0;
            },
            &[],
        ),
        (
            "not seen",
            |seen, _| {
                (live(seen).database_bytes, live(seen).size_unseen) = (None, Some(Unseen::not_given("no SQL")));
            },
            &["info not-checked quota"],
        ),
        (
            "a full disk",
            |seen, _| {
                newest(seen).stored_bytes = 90_000_000;
                seen.stores[0].free = Some(Ok(80_000_000));
            },
            &["error space the disk"],
        ),
        ("nearly", |seen, _| seen.stores[0].free = Some(Ok(499_999_999)), &["warning space the disk"]),
        ("enough", |seen, _| seen.stores[0].free = Some(Ok(500_000_000)), &[]),
        (
            "unknown",
            |seen, _| {
                seen.stores[0].free = Some(Err(Unseen::failed("denied")));
            },
            &["warning space-unknown the disk"],
        ),
    ]);
}

fn schema(seen: &mut Observation) -> &mut CatalogSeen {
    match &mut seen.catalog {
        Ok(catalog) => catalog,
        Err(why) => unreachable!("{why:?}"),
    }
}

fn message(change: Change) -> String {
    let (mut seen, mut limits) = (well(), Limits::default());
    change(&mut seen, &mut limits);
    let report = judge(&seen, &limits);
    report.findings.first().map(|finding| finding.message.clone()).unwrap_or_default()
}

#[test]
fn the_schema_is_that_of_the_newest_snapshot_and_each_difference_is_readable() {
    type Case = (&'static str, Change, &'static [&'static str], &'static str);
    let cases: [Case; 7] = [
        (
            "a column came",
            |seen, _| {
                let columns = schema(seen).now.tables.get_mut(&table("orders"));
                columns.into_iter().for_each(|columns| columns.push(("paid".to_owned(), "boolean".to_owned())));
            },
            &["info schema-changed schema"],
            "+ column public.orders.paid (boolean)",
        ),
        (
            "a column went",
            |seen, _| {
                let columns = schema(seen).now.tables.get_mut(&table("orders"));
                columns.into_iter().for_each(|columns| drop(columns.pop()));
            },
            &["warning schema-changed schema"],
            "- column public.orders.note",
        ),
        (
            "a type changed",
            |seen, _| {
                let columns = schema(seen).now.tables.get_mut(&table("orders"));
                columns.into_iter().for_each(|columns| "uuid".clone_into(&mut columns[0].1));
            },
            &["warning schema-changed schema"],
            "~ column public.orders.id: bigint became uuid",
        ),
        (
            "a table went",
            |seen, _| drop(schema(seen).now.tables.remove(&table("orders"))),
            &["warning schema-changed schema"],
            "- table public.orders",
        ),
        (
            "an index went",
            |seen, _| drop(schema(seen).now.statements.as_mut().map(|all| all.remove(0))),
            &["warning schema-changed schema"],
            "- CREATE INDEX i ON t",
        ),
        (
            "a function changed",
            |seen, _| {
                schema(seen)
                    .now
                    .statements
                    .iter_mut()
                    .for_each(|all| all[1] = "CREATE FUNCTION f()\nAS 'y';".to_owned())
            },
            &["warning schema-changed schema"],
            "~ CREATE FUNCTION f()",
        ),
        (
            "a policy came, and the table's own statement is told by its columns",
            |seen, _| {
                let now = schema(seen).now.statements.iter_mut();
                now.for_each(|all| {
                    all.extend(["CREATE TABLE x (a int);".to_owned(), "CREATE POLICY p ON t;".to_owned()])
                });
            },
            &["info schema-changed schema"],
            ": + CREATE POLICY p ON t",
        ),
    ];
    for (what, change, expected, told) in cases {
        assert_eq!(found(change), *expected, "{what}");
        assert!(message(change).ends_with(told), "{what}: {}", message(change));
    }
    // one side knows less: then only the columns are compared
    expect(&[("columns alone", |seen, _| schema(seen).then.statements = None, &[])]);
    let many: Change = |seen, _| {
        let all = (0..50).map(|n| format!("CREATE VIEW v{n:02};"));
        schema(seen).now.statements.iter_mut().for_each(|now| now.extend(all.clone()));
    };
    assert!(message(many).ends_with("+ CREATE VIEW v19; and 30 more"), "{}", message(many));
}

fn schedule(seen: &mut Observation, idle: Option<i64>) {
    seen.schedule = Some(Schedule {
        repository: "o/r".to_owned(),
        workflow: Some("backup".to_owned()),
        is_public: None,
        last_activity: idle.map(|idle| now() - days(idle)),
        is_enabled: None,
        unseen: None,
    });
}

#[test]
fn the_schedule_is_not_about_to_be_switched_off() {
    expect(&[
        ("unknown", |seen, _| schedule(seen, None), &["info not-checked schedule"]),
        ("50 days", |seen, _| schedule(seen, Some(50)), &[]),
        ("51 days", |seen, _| schedule(seen, Some(51)), &["warning schedule-idle backup"]),
        ("60 days", |seen, _| schedule(seen, Some(60)), &["error schedule-idle backup"]),
        (
            "in private nobody minds",
            |seen, _| {
                schedule(seen, Some(90));
                seen.schedule.iter_mut().for_each(|schedule| schedule.is_public = Some(false));
            },
            &[],
        ),
        (
            "off",
            |seen, _| {
                schedule(seen, Some(1));
                seen.schedule.iter_mut().for_each(|schedule| schedule.is_enabled = Some(false));
            },
            &["error schedule-off backup"],
        ),
    ]);
}
