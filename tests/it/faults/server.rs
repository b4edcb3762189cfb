//! A server that restarts, reloads, runs out of connections, or has no time.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{ROWS, run_and_judge, sample, wait_for_requests};
use crate::support::honest::{Ended, Truth};
use crate::support::run::finished;
use crate::support::{Run, Stack};

#[test]
fn a_server_that_is_killed_is_waited_for() -> Result<()> {
    let (stack, truth) = sample()?;
    for after in [5, 20, 35] {
        let directory = tempfile::tempdir()?;
        stack.start_log()?;
        stack.control("PUT", "/latency", "30")?;
        let patient = Run::new(&["backup"])
            .on(&stack)
            .env("SUPABACKUP_RETRY_DELAY", "200ms")
            .env("SUPABACKUP_CONNECTIONS", "2")
            .store(directory.path());
        let child = patient.start()?;
        wait_for_requests(&stack, "", after)?;
        stack.script("kill-postgrest", &[])?;
        stack.script("start-postgrest", &[])?;
        let ran = finished(child)?;
        stack.control("PUT", "/latency", "0")?;
        ensure!(stack.log()?.iter().any(|r| r.status == 502), "the run did not notice");
        truth.judge(directory.path(), &ran)?.complete().with_context(|| format!("killed after {after} requests"))?;
    }
    Ok(())
}

#[test]
fn a_server_that_is_killed_for_good_leaves_a_marked_snapshot_or_none() -> Result<()> {
    let (stack, truth) = sample()?;
    for after in [2, 12, 25, 40] {
        let directory = tempfile::tempdir()?;
        stack.start_log()?;
        stack.control("PUT", "/latency", "30")?;
        let child = Run::new(&["backup"])
            .on(&stack)
            .env("SUPABACKUP_RETRIES", "2")
            .env("SUPABACKUP_CONNECTIONS", "2")
            .store(directory.path())
            .start()?;
        wait_for_requests(&stack, "", after)?;
        stack.script("kill-postgrest", &[])?;
        let ran = finished(child)?;
        stack.control("PUT", "/latency", "0")?;
        truth.judge(directory.path(), &ran).with_context(|| format!("killed after {after} requests"))?;
        stack.script("start-postgrest", &[])?;
    }
    Ok(())
}

/// Backends that are shut down under a request, as a database that restarts does.
#[test]
fn connections_that_the_database_ends_are_made_again() -> Result<()> {
    let (stack, truth) = sample()?;
    let directory = tempfile::tempdir()?;
    stack.start_log()?;
    stack.control("PUT", "/latency", "25")?;
    let run = Run::new(&["backup"]).on(&stack).env("SUPABACKUP_RETRY_DELAY", "100ms").store(directory.path());
    let child = run.start()?;
    for _ in 0..3 {
        wait_for_requests(&stack, "", stack.log()?.len() + 5)?;
        stack.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'authenticator'")?;
    }
    stack.control("PUT", "/latency", "0")?;
    let ran = finished(child)?;
    let met = stack.log()?.iter().filter(|r| r.status >= 500).count();
    ensure!(met > 0, "no request met it");
    truth.judge(directory.path(), &ran)?.complete()?;
    Ok(())
}

#[test]
fn reloads_of_the_schema_cache_do_no_harm() -> Result<()> {
    let (stack, truth) = sample()?;
    let directory = tempfile::tempdir()?;
    stack.control("PUT", "/latency", "15")?;
    let mut child = Run::new(&["backup"]).on(&stack).store(directory.path()).start()?;
    let mut reloads = 0;
    while child.try_wait()?.is_none() {
        stack.sql("NOTIFY pgrst, 'reload schema'; NOTIFY pgrst, 'reload config'")?;
        reloads += 1;
        std::thread::sleep(Duration::from_millis(30));
    }
    stack.control("PUT", "/latency", "0")?;
    ensure!(reloads > 3, "{reloads} reloads");
    truth.judge(directory.path(), &finished(child)?)?.complete()?;
    Ok(())
}

#[test]
fn a_row_limit_that_is_lowered_during_the_run_cuts_no_row_off() -> Result<()> {
    let (stack, truth) = sample()?;
    let directory = tempfile::tempdir()?;
    stack.start_log()?;
    stack.control("PUT", "/latency", "20")?;
    let child = Run::new(&["backup"]).on(&stack).store(directory.path()).start()?;
    wait_for_requests(&stack, ROWS, 4)?;
    stack.script("set", &["max_rows", "7"])?;
    stack.control("PUT", "/latency", "0")?;
    let ran = finished(child)?;
    truth.judge(directory.path(), &ran)?.complete()?;
    ensure!(stack.log()?.iter().filter(|r| r.target.contains(ROWS)).count() > 100, "the limit was not met");
    Ok(())
}

/// Rows that take the server long to print: many of them are too much for its limit, one is not.
#[test]
fn pages_that_run_into_the_statement_timeout_are_made_smaller() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE heavy (id int PRIMARY KEY, j jsonb);
         INSERT INTO heavy SELECT g, (SELECT jsonb_agg(md5((g * n)::text)) FROM generate_series(1, 2000) n) FROM generate_series(1, 120) g;
         RESET ROLE;
         ALTER ROLE service_role SET statement_timeout = '50ms'",
    )?;
    stack.script("restart-postgrest", &[])?;
    let truth = Truth::of(&stack)?;
    stack.start_log()?;
    let run = Run::new(&["backup"]).on(&stack).env("SUPABACKUP_CONNECTIONS", "1");
    run_and_judge(&truth, run)?.complete()?;
    ensure!(stack.log()?.iter().any(|r| r.status == 500), "no page ran into the limit");
    // not even one row can be had
    stack.sql("ALTER ROLE service_role SET statement_timeout = '1ms'")?;
    stack.script("restart-postgrest", &[])?;
    let ended = run_and_judge(&truth, Run::new(&["backup"]).on(&stack))?;
    ensure!(!matches!(ended, Ended::Complete(..)), "{ended:?}");
    Ok(())
}

/// A migration holds the table for a while.
#[test]
fn a_table_that_is_locked_for_a_while_is_waited_for() -> Result<()> {
    let (stack, truth) = sample()?;
    for limits in ["SET statement_timeout = '300ms'", "SET lock_timeout = '300ms'"] {
        stack.sql(&format!("ALTER ROLE service_role RESET ALL; ALTER ROLE service_role {limits}"))?;
        stack.script("restart-postgrest", &[])?;
        stack.start_log()?;
        let hold = "BEGIN; LOCK TABLE voice_sessions IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1); COMMIT";
        stack.control("PUT", "/latency", "30")?;
        let directory = tempfile::tempdir()?;
        let child = Run::new(&["backup"]).on(&stack).store(directory.path()).start()?;
        wait_for_requests(&stack, ROWS, 1)?;
        stack.sql(hold)?;
        let ran = finished(child)?;
        stack.control("PUT", "/latency", "0")?;
        ensure!(stack.log()?.iter().any(|r| r.status == 500), "the lock was not met");
        truth.judge(directory.path(), &ran)?.complete().context(limits)?;
    }
    Ok(())
}

#[test]
fn an_exhausted_pool_is_waited_for() -> Result<()> {
    let pool = [("PGRST_DB_POOL_ACQUISITION_TIMEOUT", "1")];
    let stack = Stack::up_with(&["--data", "sample", "--max-rows", "50", "--pool", "1"], &pool)?;
    stack.sql(
        "SET ROLE postgres; CREATE FUNCTION hog(seconds float) RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(seconds)'",
    )?;
    let truth = Truth::of(&stack)?;
    let directory = tempfile::tempdir()?;
    stack.start_log()?;
    stack.control("PUT", "/latency", "10")?;
    let run = Run::new(&["backup"]).on(&stack).env("SUPABACKUP_CONNECTIONS", "8").store(directory.path());
    let child = run.start()?;
    wait_for_requests(&stack, ROWS, 2)?;
    // once the schema cache knows the function, it holds the only connection for a while
    let url = format!("{}/rest/v1/rpc/hog?seconds=2.5", stack.get("SUPABASE_URL"));
    let key = format!("apikey: {}", stack.get("SUPABASE_SECRET_KEY"));
    ensure!(Command::new("curl").args(["-sSf", "-H", &key, &url]).output()?.status.success(), "no hog");
    let ran = finished(child)?;
    stack.control("PUT", "/latency", "0")?;
    let refused = stack.log()?.iter().filter(|r| r.status == 504).count();
    ensure!(refused > 0, "the pool never ran out");
    truth.judge(directory.path(), &ran)?.complete()?;
    Ok(())
}
