//! Everything that can go wrong on the way to the project, in its server, and in the store.
//!
//! Each story ends in the one rule of [`honest`](crate::support::honest).

mod answers;
mod anywhere;
mod paging;
mod server;
mod stores;
mod values;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::support::honest::{Ended, Truth};
use crate::support::{Run, Stack};

/// One fault of the gateway: on requests whose path and query hold `path`, after `skip` of them.
fn rule(path: &str, skip: usize, times: i64, action: Value) -> Value {
    json!({"id": format!("{path} {skip}"), "path": path, "skip": skip, "times": times, "action": action})
}

/// A made-up answer.
fn answer(status: u16, body: &str) -> Value {
    json!({"kind": "status", "status": status, "body": body})
}

/// One run into an empty store, and what it came to.
fn run_and_judge(truth: &Truth, run: Run) -> Result<Ended> {
    let directory = tempfile::tempdir()?;
    let ran = run.store(directory.path()).go()?;
    truth.judge(directory.path(), &ran)
}

/// A backup while these rules spoil answers. Every rule must have been hit.
fn spoiled(stack: &Stack, truth: &Truth, rules: &[Value], more: &[(&str, &str)]) -> Result<Ended> {
    stack.faults(&json!(rules))?;
    let run = more.iter().fold(Run::new(&["backup"]).on(stack), |run, (key, value)| run.env(key, value));
    let ended = run_and_judge(truth, run).with_context(|| format!("{rules:?}"))?;
    let hits = stack.faults_hit()?;
    stack.no_faults()?;
    ensure!(hits.iter().all(|&hit| hit > 0), "not every planned fault was hit: {hits:?} of {rules:?}: {ended:?}");
    Ok(ended)
}

/// Waits until a run has sent so many requests that hold `path`.
fn wait_for_requests(stack: &Stack, path: &str, count: usize) -> Result<()> {
    let begun = Instant::now();
    while stack.log()?.iter().filter(|r| r.target.contains(path)).count() < count {
        ensure!(begun.elapsed() < Duration::from_secs(20), "the run never sent {count} requests for {path:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Requests for rows, whatever the table.
const ROWS: &str = "record_out&ctid=gte";
/// Requests for rows of one table.
const SESSIONS: &str = "/voice_sessions?select=ctid%2Cxmin%2Ctableoid%2Ck0%3A%22id%22%2Cr%3Arecord_out&ctid=gte";

fn sample() -> Result<(Stack, Truth)> {
    let stack = Stack::up(&["--data", "sample", "--max-rows", "100"])?;
    let truth = Truth::of(&stack)?;
    Ok((stack, truth))
}

/// Tables of every shape that has its own way of being asked for, in two schemas.
const SHAPES: &str = "
    CREATE TABLE items (id int PRIMARY KEY, note text, price float8, at timestamptz);
    INSERT INTO items SELECT g, repeat(md5(g::text), 12), g / 7.0, to_timestamp(g) FROM generate_series(1, 70) g;
    CREATE TABLE keyless (n int, j json);
    INSERT INTO keyless SELECT g, json_build_object('g', g) FROM generate_series(1, 5) g;
    CREATE TABLE void (id int PRIMARY KEY);
    CREATE SCHEMA shop;
    GRANT USAGE ON SCHEMA shop TO service_role;
    CREATE TABLE shop.orders (a int, b text, PRIMARY KEY (a, b));
    INSERT INTO shop.orders SELECT g % 5, md5(g::text) FROM generate_series(1, 30) g;
    GRANT SELECT ON shop.orders TO service_role;";

fn shapes() -> Result<Stack> {
    let stack = Stack::up(&["--data", "none", "--max-rows", "20"])?;
    stack.sql(&format!("SET ROLE postgres; {SHAPES}"))?;
    stack.script("set", &["schemas", "public,shop"])?;
    Ok(stack)
}
