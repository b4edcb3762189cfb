//! A table that is changed, rewritten or taken away while it is read.
//!
//! Each change is made twice: while the rows are copied, and while they are looked at again. Then
//! the database rests, and is the judge.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::support::honest::{Ended, Truth, is_stable, outcome_is_honest};
use crate::support::run::{Ran, finished};
use crate::support::{Run, Stack};

/// Several pages of rows, dead ones among them.
const VICTIM: &str = "
    DROP TABLE IF EXISTS victim, moved;
    DROP TYPE IF EXISTS temper;
    CREATE TYPE temper AS ENUM ('fine', 'cross');
    CREATE TABLE victim (id int PRIMARY KEY, size int NOT NULL, note text, mood temper);
    INSERT INTO victim SELECT g, g * 7 % 1009, repeat(md5(g::text), 10), 'fine' FROM generate_series(1, 2000) g;
    DELETE FROM victim WHERE id % 3 = 0;
    GRANT ALL ON victim TO service_role;";

/// Requests that copy the victim's rows, and those that look at them again.
const COPYING: &str = "/victim?select=ctid%2Cxmin%2Ctableoid%2Ck0%3A%22id%22%2Cr%3Arecord_out&ctid=gte";
const CHECKING: &str = "/victim?select=ctid%2Cxmin%2Ctableoid%2Ck0%3A%22id%22&ctid=gte";

/// A project with the victim and a neighbour that nobody touches.
struct Project {
    stack: Stack,
    /// Of every answer after the change, in milliseconds.
    latency: u64,
    /// Whether the API's description of the victim shows the change: the run is held until it does.
    learned: fn(&Value) -> bool,
}

impl Project {
    fn new() -> Result<Self> {
        let stack = Stack::up(&["--data", "none", "--max-rows", "70"])?;
        stack.sql("SET ROLE postgres; CREATE TABLE neighbour (id int PRIMARY KEY); INSERT INTO neighbour SELECT generate_series(1, 200)")?;
        Ok(Self { stack, latency: 40, learned: |_| true })
    }

    /// Makes the victim anew and waits until the API shows it as it is.
    fn fresh_victim(&self) -> Result<()> {
        self.stack.sql(&format!("SET ROLE postgres; {VICTIM}"))?;
        let begun = Instant::now();
        loop {
            let plan = Run::new(&["backup", "--dry-run"]).on(&self.stack).go()?;
            if plan.code == 0 && plan.stdout.contains("public.victim: 1,334 rows") {
                return Ok(());
            }
            ensure!(begun.elapsed() < Duration::from_secs(20), "the API does not show the table: {plan:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// A backup during which `sql` runs, once some requests of this kind were sent.
    fn changed(&self, store: &Path, phase: &str, sql: &str) -> Result<Ran> {
        self.fresh_victim()?;
        self.stack.start_log()?;
        self.stack.control("PUT", "/latency", "15")?;
        let child = Run::new(&["backup"]).on(&self.stack).env("SUPABACKUP_CONNECTIONS", "2").store(store).start()?;
        let begun = Instant::now();
        while self.stack.log()?.iter().filter(|r| r.target.contains(phase)).count() < 2 {
            ensure!(begun.elapsed() < Duration::from_secs(20), "the run never came to {phase}");
        }
        // the rest of it comes after the change, and after the API has learned of it
        self.stack.control("PUT", "/latency", &self.latency.to_string())?;
        // `VACUUM` will not stand behind another statement
        let role = if sql.starts_with("VACUUM") { "" } else { "SET ROLE postgres; " };
        self.stack.sql(&format!("{role}{sql}"))?;
        std::thread::sleep(Duration::from_millis(160));
        while !(self.learned)(&self.described()?) {
            ensure!(begun.elapsed() < Duration::from_secs(20), "the API does not learn of {sql}");
        }
        self.stack.control("PUT", "/latency", "0")?;
        finished(child)
    }

    /// What the API says of the victim's columns, asked past the gateway and its latency.
    fn described(&self) -> Result<Value> {
        let bearer = format!("Authorization: Bearer {}", self.stack.get("SUPABASE_SERVICE_ROLE_KEY_LEGACY"));
        let output =
            Command::new("curl").args(["-sS", "-H", &bearer, self.stack.get("STACK_POSTGREST_URL")]).output()?;
        let document: Value = serde_json::from_slice(&output.stdout)?;
        Ok(document["definitions"]["victim"]["properties"].clone())
    }

    /// The change at both moments.
    fn at_both_moments(&self, sql: &str, judge: impl Fn(Ended) -> Result<()>) -> Result<()> {
        let mut wrong = Vec::new();
        for phase in [COPYING, CHECKING] {
            let directory = tempfile::tempdir()?;
            let ran = self.changed(directory.path(), phase, sql)?;
            let mut truth = Truth::of(&self.stack)?;
            truth.forget("public.moved");
            if let Err(error) = truth.judge(directory.path(), &ran).and_then(&judge) {
                let when = if phase == COPYING { "copied" } else { "checked" };
                wrong.push(format!("{sql}\nwhile it was {when}: {error:#}\n{}", ran.stderr));
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }
}

/// The database as it is now, whole, and proven so.
fn as_it_is_now(ended: Ended) -> Result<()> {
    let (_, manifest) = ended.complete()?;
    for table in &manifest.tables {
        ensure!(is_stable(table), "{} is {:?}", table.name, table.stability);
    }
    ensure!(manifest.tables.len() == 2, "{} tables", manifest.tables.len());
    Ok(())
}

#[test]
fn a_table_that_goes_away_is_named_as_missing() -> Result<()> {
    let project = Project::new()?;
    // under another name it was not there when the run began, and nothing shows that it is the same
    for sql in ["DROP TABLE victim", "ALTER TABLE victim RENAME TO moved"] {
        project.at_both_moments(sql, |ended| {
            let (_, manifest) = ended.missing(&["table public.victim"])?;
            ensure!(manifest.missing[0].reason.contains("dropped"), "{:?}", manifest.missing);
            Ok(())
        })?;
    }
    project.at_both_moments("REVOKE ALL ON victim FROM service_role", |ended| {
        let (_, manifest) = ended.missing(&["table public.victim"])?;
        let fix = manifest.missing[0].fix.as_deref().unwrap_or_default();
        ensure!(fix == "GRANT SELECT ON TABLE \"public\".\"victim\" TO service_role;", "{fix}");
        Ok(())
    })
}

#[test]
fn a_table_that_is_dropped_and_made_again_is_stored_as_it_is_now() -> Result<()> {
    let project = Project::new()?;
    let same = "DROP TABLE victim; CREATE TABLE victim (id int PRIMARY KEY, size int NOT NULL, note text, mood temper);
        INSERT INTO victim SELECT g, g * 7 % 1009, repeat(md5(g::text), 10), 'fine' FROM generate_series(1, 1500) g";
    project.at_both_moments(same, as_it_is_now)?;
    let other = "DROP TABLE victim; CREATE TABLE victim (mood text, id int PRIMARY KEY, at timestamptz);
        INSERT INTO victim SELECT 'new', g, now() FROM generate_series(1, 900) g";
    project.at_both_moments(other, as_it_is_now)
}

#[test]
fn a_table_whose_rows_are_replaced_or_rewritten_is_stored_as_it_is_now() -> Result<()> {
    let project = Project::new()?;
    project.at_both_moments("TRUNCATE victim", as_it_is_now)?;
    project.at_both_moments(
        "TRUNCATE victim; INSERT INTO victim SELECT g, 1, 'again', 'cross' FROM generate_series(1, 1200) g",
        as_it_is_now,
    )?;
    project.at_both_moments("VACUUM FULL victim", as_it_is_now)
}

#[test]
fn columns_that_come_go_or_change_their_names_are_stored_as_they_are_now() -> Result<()> {
    let project = Project::new()?;
    let swap = "ALTER TABLE victim RENAME COLUMN note TO x; ALTER TABLE victim RENAME COLUMN size TO note;
        ALTER TABLE victim RENAME COLUMN x TO size";
    for sql in [
        "ALTER TABLE victim ADD COLUMN extra int DEFAULT 7",
        "ALTER TABLE victim DROP COLUMN size",
        // what tells its rows apart
        "ALTER TABLE victim DROP COLUMN id",
        "ALTER TABLE victim RENAME COLUMN mood TO temper",
        swap,
    ] {
        project.at_both_moments(sql, as_it_is_now)?;
    }
    Ok(())
}

#[test]
fn columns_that_change_their_type_are_stored_with_the_new_one() -> Result<()> {
    let retyped = Project { latency: 1000, learned: |columns| columns["size"]["format"] == "text", ..Project::new()? };
    retyped.at_both_moments("ALTER TABLE victim ALTER COLUMN size TYPE text USING 'n' || size", |ended| {
        let (_, manifest) = ended.complete()?;
        let victim = manifest.tables.iter().find(|t| t.name.name == "victim").context("no victim")?;
        let size = victim.columns.iter().find(|c| c.name == "size").context("no column")?;
        ensure!(size.type_name == "text", "its type is still {}", size.type_name);
        Ok(())
    })?;
    // this changes how rows look, and no row
    let renamed = Project { learned: |columns| columns["mood"]["enum"][0] == "well", ..retyped };
    renamed.at_both_moments("ALTER TYPE temper RENAME VALUE 'fine' TO 'well'; NOTIFY pgrst, 'reload schema'", |ended| {
        ended.complete().map(drop)
    })
}

/// Every URL parser on the way takes `..` out of a path.
#[test]
fn a_table_named_dot_dot_is_named_as_missing() -> Result<()> {
    let Project { stack, .. } = Project::new()?;
    let dots = |name: &str| format!("CREATE TABLE \"{name}\" (id int PRIMARY KEY); INSERT INTO \"{name}\" VALUES (1);");
    stack.sql(&format!("SET ROLE postgres; {}{}{}", dots("."), dots(".."), dots("...")))?;
    stack.script("restart-postgrest", &[])?;
    let directory = tempfile::tempdir()?;
    let ran = Run::new(&["backup"]).on(&stack).store(directory.path()).go()?;
    let ended = outcome_is_honest(directory.path(), &ran, &stack)?;
    let (_, manifest) = ended.missing(&["table public.\".\"", "table public.\"..\""])?;
    ensure!(manifest.tables.iter().any(|t| t.name.name == "..."));
    Ok(())
}

/// Rows change places while they are copied, and then there is nobody to ask which: that is not a
/// complete snapshot, though every page came.
#[test]
fn a_rewritten_table_that_could_not_be_checked_does_not_count_as_whole() -> Result<()> {
    let project = Project::new()?;
    project.fresh_victim()?;
    let gone =
        json!({"id": "gone", "path": CHECKING, "times": -1, "action": {"kind": "status", "status": 540, "body": ""}});
    project.stack.faults(&json!([gone]))?;
    let directory = tempfile::tempdir()?;
    let ran = project.changed(directory.path(), COPYING, "VACUUM FULL victim")?;
    ensure!(project.stack.faults_hit()?[0] > 0);
    let ended = outcome_is_honest(directory.path(), &ran, &project.stack);
    ensure!(!matches!(ended, Ok(Ended::Complete(..))) && ran.code != 0, "it counts as complete: {}", ran.stderr);
    Ok(())
}
