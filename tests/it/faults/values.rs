//! Settings of a database under which the text of a value is not the value.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::run_and_judge;
use crate::support::honest::{Ended, Truth};
use crate::support::{Run, Stack};

/// A project of its own for each setting: whatever is in force decides how every value is printed.
fn printed_with(settings: &[&str], tables: &str) -> Result<(Stack, Truth)> {
    let stack = Stack::up(&["--data", "none"])?;
    stack.sql(&format!("SET ROLE postgres; {tables}"))?;
    for setting in settings {
        stack.sql(&format!("ALTER DATABASE postgres SET {setting}"))?;
    }
    stack.script("restart-postgrest", &[])?;
    let truth = Truth::of(&stack)?;
    Ok((stack, truth))
}

fn only(stack: &Stack, truth: &Truth, table: &str) -> Result<Ended> {
    run_and_judge(truth, Run::new(&["backup", "--include", table]).on(stack)).with_context(|| table.to_owned())
}

#[test]
fn floats_whose_last_digits_are_cut_are_named_as_missing() -> Result<()> {
    let tables = "
        CREATE TABLE plain (id int PRIMARY KEY, f float8, r real, note text);
        INSERT INTO plain SELECT g, g / 7.0, g / 7.0, 'x' FROM generate_series(1, 20) g;
        CREATE TABLE one_row (id int PRIMARY KEY, f float8);
        INSERT INTO one_row VALUES (1, 2.0 / 3);
        CREATE TABLE unhashable (id int PRIMARY KEY, f float8, j json);
        INSERT INTO unhashable SELECT g, g / 7.0, '{}' FROM generate_series(1, 20) g;
        CREATE TABLE nested (id int PRIMARY KEY, l float8[], p point, s plain);
        INSERT INTO nested SELECT g, ARRAY[g / 7.0], point(g / 7.0, 1), ROW(1, g / 7.0, 1, '')::plain FROM generate_series(1, 20) g;
        CREATE TABLE without (id int PRIMARY KEY, n numeric, t text);
        INSERT INTO without SELECT g, g / 7.0, 'x' FROM generate_series(1, 20) g;";
    let (stack, truth) = printed_with(&["extra_float_digits = 0"], tables)?;
    let mut wrong = Vec::new();
    for (table, columns) in [("plain", "f, r"), ("nested", "l, p, s"), ("one_row", "f"), ("unhashable", "f")] {
        let subject = format!("last digits in table public.{table}: {columns}");
        if let Err(error) = only(&stack, &truth, table)?.missing(&[&subject]) {
            wrong.push(format!("{table}: {error:#}"));
        }
    }
    only(&stack, &truth, "without")?.complete()?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    // all at once, with a marked snapshot, whose hint is right
    let Ended::Incomplete(_, manifest) = run_and_judge(&truth, Run::new(&["backup"]).on(&stack))? else {
        bail!("not marked")
    };
    ensure!(manifest.settings.float_digits.as_deref() == Some("cut"));
    stack.sql("ALTER ROLE service_role SET extra_float_digits = 1; NOTIFY pgrst, 'reload config'")?;
    std::thread::sleep(Duration::from_millis(500));
    stack.sql("ALTER DATABASE postgres RESET extra_float_digits")?;
    let (_, manifest) = run_and_judge(&Truth::of(&stack)?, Run::new(&["backup"]).on(&stack))?.complete()?;
    ensure!(manifest.settings.float_digits.as_deref() == Some("exact"));
    Ok(())
}

#[test]
fn dates_and_intervals_in_another_style_are_named_as_missing() -> Result<()> {
    let tables = "
        CREATE TABLE dated (id int PRIMARY KEY, d date, t timestamptz);
        INSERT INTO dated SELECT g, '2026-02-01'::date + g, '2026-02-01'::timestamptz FROM generate_series(1, 5) g;
        CREATE TABLE date_range (id int PRIMARY KEY, r daterange);
        INSERT INTO date_range VALUES (1, '[2026-02-01,2026-03-02)');
        CREATE TABLE date_list (id int PRIMARY KEY, l date[]);
        INSERT INTO date_list VALUES (1, '{2026-02-01}');
        CREATE TABLE date_composite (id int PRIMARY KEY, d dated);
        INSERT INTO date_composite VALUES (1, ROW(1, '2026-02-01', '2026-02-01'));
        CREATE DOMAIN day AS date;
        CREATE TABLE date_domain (id int PRIMARY KEY, d day);
        INSERT INTO date_domain VALUES (1, '2026-02-01');
        CREATE TABLE spans (id int PRIMARY KEY, i interval);
        INSERT INTO spans VALUES (1, '1 year 2 mons 3 days 04:05:06'), (2, '-3 days');
        CREATE TABLE span_list (id int PRIMARY KEY, i interval[]);
        INSERT INTO span_list VALUES (1, '{1 year 2 mons,-3 days}');
        CREATE TABLE without (id int PRIMARY KEY, t text);
        INSERT INTO without VALUES (1, '01/02/2026');";
    let (stack, truth) = printed_with(&["datestyle = 'SQL, DMY'", "intervalstyle = 'sql_standard'"], tables)?;
    let mut wrong = Vec::new();
    for (table, subject) in [
        ("dated", "the meaning of dates and timestamps"),
        ("date_range", "the meaning of dates and timestamps"),
        ("date_list", "the meaning of dates and timestamps"),
        ("date_composite", "the meaning of dates and timestamps"),
        ("date_domain", "the meaning of dates and timestamps"),
        ("spans", "the meaning of intervals"),
        ("span_list", "the meaning of intervals"),
    ] {
        if let Err(error) = only(&stack, &truth, table)?.missing(&[subject]) {
            wrong.push(format!("{table}: {error:#}"));
        }
    }
    only(&stack, &truth, "without")?.complete()?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
