//! Tables whose rows have no addresses to page by.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{answer, rule, sample, shapes, spoiled};
use crate::support::Stack;
use crate::support::honest::Truth;

/// The address that OrioleDB gives every row of a table with a key, put into the answers of a heap.
#[test]
fn a_table_whose_rows_have_no_addresses_is_read_by_its_key() -> Result<()> {
    let (stack, truth) = sample()?;
    let constant = json!({"kind": "replace", "from": "\"ctid\":\"(0,", "to": "\"ctid\":\"(4294967295,"});
    let (_, manifest) = spoiled(&stack, &truth, &[rule("/voice_sessions?", 0, -1, constant)], &[])?.complete()?;
    for table in &manifest.tables {
        let expected = if table.name.name == "voice_sessions" { "keyset" } else { "ctid" };
        ensure!(table.paging == expected, "{}: {}", table.name, table.paging);
    }
    ensure!(manifest.consistency.moment.is_none() && manifest.consistency.unproven == 1);
    Ok(())
}

#[test]
fn a_table_with_neither_addresses_nor_a_key_is_named_as_missing() -> Result<()> {
    let stack = shapes()?;
    let truth = Truth::of(&stack)?;
    let constant = json!({"kind": "replace", "from": "\"ctid\":\"(0,", "to": "\"ctid\":\"(4294967295,"});
    spoiled(&stack, &truth, &[rule("/keyless?", 0, -1, constant)], &[])?.missing(&["table public.keyless"])?;
    Ok(())
}

#[test]
fn paging_by_key_equals_the_database_too() -> Result<()> {
    let (stack, truth) = sample()?;
    let by_key = || [("SUPABACKUP_PAGING", "keyset")];
    let (_, manifest) = spoiled(&stack, &truth, &[], &by_key())?.complete()?;
    ensure!(manifest.tables.iter().all(|t| t.paging == "keyset") && manifest.totals.rows == 1071);
    let stack = Stack::up(&["--data", "none", "--max-rows", "37"])?;
    stack.sql(
        r#"SET ROLE postgres;
         CREATE TABLE composite (day date, "who, ""really""" text, n numeric, at timestamptz, pad text, PRIMARY KEY (day, "who, ""really""", n, at));
         INSERT INTO composite SELECT '2026-01-01'::date + g % 3, E'a,b"c\\d(' || (g % 7) || ')', g / 8.0, to_timestamp(g % 11), repeat('x', 50)
             FROM generate_series(1, 900) g;
         CREATE TABLE texts (k text PRIMARY KEY);
         INSERT INTO texts VALUES (''), (' '), ('a,b'), ('"'), ('\'), ('null'), ('eq.1'), ('%41'), ('é'), (E'new\nline'), ('*'), ('(');
         CREATE TABLE uuids (k uuid PRIMARY KEY DEFAULT gen_random_uuid(), b bool);
         INSERT INTO uuids (b) SELECT g % 2 = 0 FROM generate_series(1, 200) g;
         CREATE TABLE keyless (n int);"#,
    )?;
    stack.script("restart-postgrest", &[])?;
    let truth = Truth::of(&stack)?;
    let (_, manifest) = spoiled(&stack, &truth, &[], &by_key())?.missing(&["table public.keyless"])?;
    ensure!(manifest.totals.rows == 900 + 12 + 200);
    // pages that break off or lie are no better here
    let rules = [
        rule("/composite?", 4, 1, json!({"kind": "truncate", "fraction": 0.5})),
        rule("/composite?", 9, 1, json!({"kind": "cut", "after": 10})),
        rule("/composite?", 12, 1, answer(200, "[]")),
        rule("/composite?", 15, 1, answer(200, "<html>")),
    ];
    spoiled(&stack, &truth, &rules, &by_key())?.missing(&["table public.keyless"])?;
    Ok(())
}
