//! `restore`, on a real database behind a real PostgREST: rows come back exactly, the preview says
//! beforehand what will happen, and nothing is lost on the way.

mod empty_project;
mod foreseen;
mod kills;
mod modes;
mod safety;
mod said;
mod script;
mod whole;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::support::run::Ran;
use crate::support::{Run, Stack};

/// Number of rows and digest of every table that holds rows, by the database itself.
type Prints = BTreeMap<String, String>;

const PRINTS: &str = r#"
SET session_replication_role = origin;
SELECT coalesce(json_object_agg(format('%I.%I', n.nspname, c.relname), (xpath('/row/p/text()', query_to_xml(format(
  'SELECT count(*) || '' '' || coalesce(sum(hashtextextended((x.*)::text, 0)), 0) AS p FROM %s %I.%I AS x',
  CASE WHEN c.relkind = 'r' THEN 'ONLY' ELSE '' END, n.nspname, c.relname), false, true, '')))[1]::text), '{}')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'auth', 'storage', 'extensions', 'fixture_tools', 'supabackup', 'vault', 'graphql', 'realtime')"#;

/// What every table holds.
fn prints(stack: &Stack) -> Result<Prints> {
    Ok(serde_json::from_str(&stack.sql(PRINTS)?)?)
}

/// Empties every table without firing anything.
fn empty(stack: &Stack) -> Result<()> {
    stack
        .sql(
            "DO $$ DECLARE t record; BEGIN
         SET LOCAL session_replication_role = replica;
         FOR t IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'shop') LOOP
           EXECUTE format('TRUNCATE %I.%I CASCADE', t.nspname, t.relname);
         END LOOP;
         END $$",
        )
        .map(drop)
}

/// Puts every sequence to its start, as in a new project.
fn restart_sequences(stack: &Stack) -> Result<()> {
    stack
        .sql(
            "DO $$ DECLARE t record; BEGIN
         FOR t IN SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'S' AND n.nspname IN ('public', 'shop') LOOP
           EXECUTE format('ALTER SEQUENCE %I.%I RESTART', t.nspname, t.relname);
         END LOOP; END $$",
        )
        .map(drop)
}

/// The name that has to be typed to confirm.
fn project_name(stack: &Stack) -> String {
    stack.get("SUPABASE_PROJECT_REF").to_owned()
}

/// The Management API's limit of 120 requests a minute would make a large restore a long one.
fn no_rate_limit(stack: &Stack) -> Result<()> {
    let limits = r#"{"requests":1000000,"window_ms":60000,"query_timeout_ms":60000}"#;
    stack.control("PUT", "/management", limits).map(drop)
}

/// `backup` without SQL.
fn back_up(stack: &Stack, store: &Path, code: i32) -> Result<()> {
    Run::new(&["backup"]).on(stack).store(store).expect(code).map(drop)
}

/// `restore` with these arguments, confirmed.
fn restore(stack: &Stack, store: &Path, arguments: &[&str]) -> Run {
    let name = project_name(stack);
    let mut all = vec!["restore"];
    all.extend_from_slice(arguments);
    all.extend_from_slice(&["--confirm", &name]);
    Run::new(&all).on(stack).store(store)
}

/// The plan as JSON.
fn plan(stack: &Stack, store: &Path, arguments: &[&str], code: i32) -> Result<Value> {
    let mut all = vec!["restore", "--dry-run", "--json"];
    all.extend_from_slice(arguments);
    let ran = Run::new(&all).on(stack).store(store).expect(code)?;
    let mut document: Value = serde_json::from_str(&ran.stdout)?;
    Ok(document["plan"].take())
}

/// The report that the run printed as JSON.
fn report(ran: &Ran) -> Result<Value> {
    let mut document: Value = serde_json::from_str(&ran.stdout).with_context(|| ran.stderr.clone())?;
    Ok(document["report"].take())
}

/// `[add, change, delete, unchanged, kept, refused]` of a table.
fn counts(table: &Value) -> Vec<u64> {
    ["add", "change", "delete", "unchanged", "kept", "refused"].map(|k| table[k].as_u64().unwrap_or(u64::MAX)).to_vec()
}

/// One table of a plan or of a report.
fn table<'v>(tables: &'v Value, name: &str) -> Result<&'v Value> {
    let (schema, table) = name.split_once('.').context("schema.table")?;
    let all = tables.as_array().context("no tables")?;
    let found = all.iter().find(|t| t["target"]["schema"] == schema && t["target"]["name"] == table);
    found.with_context(|| format!("{name} is not among {} tables", all.len()))
}

/// What a preview said of every table is what then happened.
fn as_planned(plan: &Value, report: &Value) -> Result<()> {
    for planned in plan["tables"].as_array().context("no tables")? {
        let name = format!(
            "{}.{}",
            planned["target"]["schema"].as_str().unwrap_or(""),
            planned["target"]["name"].as_str().unwrap_or("")
        );
        let done = &table(&report["tables"], &name)?["done"];
        ensure!(counts(&planned["counts"]) == counts(done), "{name}: planned {} and done {done}", planned["counts"]);
    }
    Ok(())
}

/// Tables whose rows are not the same.
fn differ(before: &Prints, after: &Prints) -> Vec<String> {
    before.iter().filter(|(name, print)| after.get(*name) != Some(print)).map(|(name, _)| name.clone()).collect()
}
