//! Backups of a database that is being written to.
//!
//! The promise: a row that nobody touches from start to end is stored exactly once, whole, whatever
//! happens around it; a table that comes to rest is stored as it came to rest; one that does not is
//! named.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use supabackup::model::{Stability, TableEntry};

use crate::support::compare::{differences, json_rows, rows_of};
use crate::support::run::{finished, only_snapshot};
use crate::support::stack::psql;
use crate::support::{Run, Stack, restore_sql};

/// Rows 1 to 20,000 with a filler; ids above 12,000 belong to the writer.
const TABLE: &str = "
    CREATE TABLE busy (id bigint PRIMARY KEY, version int NOT NULL, note text, check_sum text);
    INSERT INTO busy SELECT g, 0, repeat(md5(g::text), 10), md5(g || ':' || 0) FROM generate_series(1, 20000) g;
    CREATE TABLE keyless (n bigint, note text);
    INSERT INTO keyless SELECT g, repeat(md5(g::text), 5) FROM generate_series(1, 20000) g;
    GRANT ALL ON busy, keyless TO service_role;
    NOTIFY pgrst, 'reload schema'";

/// One small transaction of the writer: updates move rows, inserts fill holes, deletes make them.
const WRITE: &str = "
    UPDATE busy SET version = version + 1, check_sum = md5(id || ':' || (version + 1)), note = repeat(md5(random()::text), (random() * 20)::int)
        WHERE id IN (SELECT 12001 + (random() * 7000)::int FROM generate_series(1, 25));
    DELETE FROM busy WHERE id IN (SELECT 19001 + (random() * 999)::int FROM generate_series(1, 3));
    INSERT INTO busy SELECT 100000 + nextval('writer'), 0, 'new', '' FROM generate_series(1, 5);
    UPDATE keyless SET note = note || '.' WHERE n > 19900;";

fn set_up(stack: &Stack) -> Result<()> {
    stack.sql(&format!("SET ROLE postgres; CREATE SEQUENCE writer; {TABLE}"))?;
    shown(stack, "public.keyless")
}

/// Waits until the API shows a table: it learns of new ones by a notification.
fn shown(stack: &Stack, table: &str) -> Result<()> {
    for _ in 0..50 {
        if Run::new(&["backup", "--dry-run"]).on(stack).go()?.stdout.contains(table) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("the API does not show {table}")
}

/// Writes until it is told to stop.
struct Writer {
    on: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<Result<u32>>>,
}

impl Writer {
    fn start(stack: &Stack) -> Result<Self> {
        let on = Arc::new(AtomicBool::new(true));
        let mut psql: Child = Command::new("psql")
            .args([stack.get("STACK_DATABASE_URL"), "-Xqv", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        let mut input = psql.stdin.take().context("psql has no input")?;
        let flag = Arc::clone(&on);
        let thread = std::thread::spawn(move || {
            let mut writes = 0;
            while flag.load(Ordering::Relaxed) {
                std::io::Write::write_all(&mut input, WRITE.as_bytes())?;
                writes += 1;
                std::thread::sleep(Duration::from_millis(15));
            }
            drop(input);
            ensure!(psql.wait()?.success(), "the writer failed");
            Ok(writes)
        });
        Ok(Self { on, thread: Some(thread) })
    }

    fn stop(mut self) -> Result<u32> {
        self.on.store(false, Ordering::Relaxed);
        self.thread.take().context("stopped twice")?.join().map_err(|_| anyhow::anyhow!("the writer panicked"))?
    }
}

#[test]
fn rows_that_nobody_touches_are_stored_exactly_once_while_others_are_written() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--max-rows", "300"])?;
    set_up(&stack)?;
    // whether a row is read in two versions is chance: a few runs make it all but certain
    let mut runs = 0;
    let (_directory, ran, snapshot, manifest) = loop {
        runs += 1;
        let directory = tempfile::tempdir()?;
        let writer = Writer::start(&stack)?;
        let run = Run::new(&["backup"]).on(&stack).store(directory.path());
        let ran = run.env("SUPABACKUP_PASSES", "3").env("SUPABACKUP_PART_SIZE", "512KiB").go()?;
        ensure!(writer.stop()? > 5, "the writer hardly wrote");
        ensure!(ran.code == 0, "{}\n{}", ran.code, ran.stderr);
        let (snapshot, manifest) = only_snapshot(directory.path())?;
        let doubled = |t: &TableEntry| matches!(t.stability, Stability::Moved { superseded, .. } if superseded > 0);
        if manifest.tables.iter().any(doubled) || runs == 8 {
            break (directory, ran, snapshot, manifest);
        }
    };
    let busy = manifest.tables.iter().find(|t| t.name.name == "busy").context("busy is missing")?;
    let Stability::Moved { from, to, reread, superseded, .. } = &busy.stability else {
        anyhow::bail!("a table that is written to all the time is not marked as moved: {:?}", busy.stability)
    };
    ensure!(from < to && *reread > 0);
    ensure!(*superseded > 0, "no row was read in two versions, so nothing was shown");
    ensure!(ran.stderr.contains("public.busy went on changing"), "{}", ran.stderr);
    ensure!(manifest.consistency.moment.is_none(), "a moment is claimed");
    // every stored row is a version that existed: untorn, by its own check sum
    let mut seen: HashMap<u64, u32> = HashMap::new();
    for row in json_rows(&snapshot, busy)? {
        let text = String::from_utf8(row)?;
        let fields: Vec<&str> = text.trim_matches(['(', ')']).split(',').collect();
        let id: u64 = fields[0].parse()?;
        *seen.entry(id).or_default() += 1;
        if id <= 20000 {
            ensure!(
                md5(&stack, &format!("{id}:{}", fields[1]))? == fields[3] || id > 12000 && fields[3].len() == 32,
                "torn: {text}"
            );
        }
    }
    // a row that was read before and after a change would break the primary key on restore
    let doubled: Vec<_> = seen.iter().filter(|(_, n)| **n > 1).collect();
    ensure!(doubled.is_empty(), "stored in two versions: {doubled:?}");
    let (admin, postgres) = stack.new_database("moved")?;
    restore_sql(stack.get("STACK_DATABASE_URL"), &snapshot, &admin, &postgres, &["public"])?;
    psql(&admin, "ALTER TABLE busy ADD PRIMARY KEY (id)")?;
    for id in 1..=12000 {
        ensure!(seen.get(&id) == Some(&1), "untouched row {id} is stored {:?} times", seen.get(&id));
    }
    Ok(())
}

/// Computing check sums in the database keeps the test free of an own md5; untouched rows are all
/// version 0, so one query answers for all of them.
fn md5(stack: &Stack, text: &str) -> Result<String> {
    use std::sync::OnceLock;
    static SUMS: OnceLock<HashMap<String, String>> = OnceLock::new();
    if SUMS.get().is_none() {
        let rows = stack.sql("SELECT g || ':0', md5(g || ':0') FROM generate_series(1, 20000) g")?;
        let map = rows.lines().filter_map(|l| l.split_once('|')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let _ = SUMS.set(map);
    }
    Ok(SUMS.get().and_then(|m| m.get(text)).cloned().unwrap_or_default())
}

#[test]
fn once_the_writer_stops_every_table_is_stable_and_equals_the_database() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--max-rows", "300"])?;
    set_up(&stack)?;
    let directory = tempfile::tempdir()?;
    let writer = Writer::start(&stack)?;
    // answers slow enough that the writer works for most of the first pass
    stack.control("PUT", "/latency", "8")?;
    let child =
        Run::new(&["backup"]).on(&stack).store(directory.path()).env("SUPABACKUP_PART_SIZE", "512KiB").start()?;
    std::thread::sleep(Duration::from_millis(900));
    writer.stop()?;
    stack.control("PUT", "/latency", "0")?;
    let ran = finished(child)?;
    ensure!(ran.code == 0, "{}\n{}", ran.code, ran.stderr);
    let (snapshot, manifest) = only_snapshot(directory.path())?;
    for table in &manifest.tables {
        ensure!(matches!(table.stability, Stability::Stable { .. }), "{}: {:?}", table.name, table.stability);
        ensure!(table.counted_after == Some(table.rows), "{}", table.name);
    }
    let passes = manifest.tables.iter().map(|t| match t.stability {
        Stability::Stable { passes, .. } => passes,
        _ => 0,
    });
    ensure!(passes.max() > Some(1), "the writer did not disturb the first pass, so nothing was shown");
    ensure!(manifest.consistency.moment.is_some(), "the set shows one moment");
    let (admin, postgres) = stack.new_database("rested")?;
    restore_sql(stack.get("STACK_DATABASE_URL"), &snapshot, &admin, &postgres, &["public"])?;
    let differ = differences(&snapshot, &manifest, stack.get("STACK_DATABASE_URL"), &admin)?;
    ensure!(differ.is_empty(), "{differ:?}");
    Ok(())
}

/// `VACUUM FULL` and `CLUSTER` keep row versions and move rows. Rows of one transaction can trade
/// places without address or version telling: only the guard sees it.
#[test]
fn rows_that_a_rewrite_moves_are_neither_lost_nor_doubled() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--max-rows", "500"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE shuffled (id int PRIMARY KEY, rank int NOT NULL UNIQUE, pad text);
         INSERT INTO shuffled SELECT g, (g * 7919) % 30011, repeat('x', 100) FROM generate_series(1, 30000) g;
         CREATE TABLE nokey (id int, rank int NOT NULL UNIQUE, pad text);
         INSERT INTO nokey SELECT * FROM shuffled;
         CREATE TABLE unhashable (id int, rank int NOT NULL UNIQUE, pad text, j json);
         INSERT INTO unhashable SELECT *, '{}' FROM shuffled;",
    )?;
    shown(&stack, "public.unhashable")?;
    for (guard, table, index) in [
        ("the key", "shuffled", "shuffled_rank_key"),
        ("the hash", "nokey", "nokey_rank_key"),
        ("the row", "unhashable", "unhashable_rank_key"),
    ] {
        let directory = tempfile::tempdir()?;
        stack.control("PUT", "/latency", "10")?;
        let child = Run::new(&["backup", "--include", table]).on(&stack).store(directory.path()).start()?;
        std::thread::sleep(Duration::from_millis(450));
        stack.sql(&format!("CLUSTER {table} USING {index}"))?;
        stack.control("PUT", "/latency", "0")?;
        let ran = finished(child)?;
        ensure!(ran.code == 0, "{guard}: {}\n{}", ran.code, ran.stderr);
        let (snapshot, manifest) = only_snapshot(directory.path())?;
        let entry = manifest.tables.first().context("no table")?;
        ensure!(
            matches!(entry.stability, Stability::Stable { passes, .. } if passes > 1),
            "{guard}: the rewrite was not seen: {:?}",
            entry.stability
        );
        ensure!(
            json_rows(&snapshot, entry)? == rows_of(stack.get("STACK_DATABASE_URL"), entry)?,
            "{guard}: rows differ"
        );
        stack.sql(&format!("CLUSTER {table} USING {}", if table == "shuffled" { "shuffled_pkey" } else { index }))?;
    }
    Ok(())
}
