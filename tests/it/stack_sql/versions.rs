//! Other versions of PostgreSQL than the system's.

use std::process::Command;

use anyhow::{Result, ensure};

use super::{ask, query};
use crate::support::Stack;
use crate::support::stack::psql;

/// The schema of a database as this stack's own `pg_dump` sees it.
pub(super) fn dumped(stack: &Stack, url: &str, more: &[&str]) -> Result<String> {
    let output = Command::new(stack.get("STACK_PG_DUMP")).arg(url).args(more).output()?;
    ensure!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_newest_postgresql_runs_behind_postgrest_and_can_be_dumped() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--pg", "newest"])?;
    let version: u32 = stack.sql("SHOW server_version_num")?.trim().parse()?;
    ensure!((180_000..190_000).contains(&version), "{version}");

    let key = format!("apikey: {}", stack.get("SUPABASE_SECRET_KEY"));
    let rest = |path: &str| ask(&format!("{}/rest/v1/{path}", stack.get("SUPABASE_URL")), &[&key], None);
    assert_eq!(rest("voice_sessions?select=id")?.body.as_array().map(Vec::len), Some(287));
    let window = rest("profiles?select=ctid,xmin,tableoid,r:record_out&ctid=gte.(0,0)&ctid=lt.(1,0)")?;
    assert_eq!((window.status, window.body.as_array().map(Vec::len)), (200, Some(1)));
    assert_eq!(query(&stack, "SELECT current_user AS who")?.body[0]["who"], "postgres");

    // extensions that Supabase has by default
    let extensions = stack.sql("SELECT string_agg(extname, ',' ORDER BY extname) FROM pg_extension")?;
    for wanted in ["pgcrypto", "uuid-ossp"] {
        ensure!(extensions.contains(wanted), "{extensions}");
    }

    let dump = dumped(&stack, stack.get("STACK_POSTGRES_URL"), &["--schema=public"])?;
    ensure!(dump.contains("CREATE TABLE public.voice_sessions") && dump.contains("\nCOPY public."), "no tables");

    // and the one more database, for restores
    let (admin, postgres) = stack.new_database("target")?;
    assert_eq!(
        psql(&admin, "SELECT to_regrole('service_role'), to_regclass('public.profiles') IS NULL")?.trim(),
        "service_role|t"
    );
    psql(&postgres, "SET session_replication_role = replica; CREATE TABLE public.t (id int)")?;
    Ok(())
}

#[test]
fn the_systems_postgresql_has_a_pg_dump_of_its_own() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    let server = stack.sql("SHOW server_version_num")?;
    let dump = dumped(&stack, stack.get("STACK_POSTGRES_URL"), &["--schema-only"])?;
    let major = server.trim().get(..2).unwrap_or_default();
    ensure!(dump.contains(&format!("Dumped from database version {major}.")), "{dump}");
    Ok(())
}

#[test]
fn a_version_that_nobody_has_is_refused_in_one_sentence() -> Result<()> {
    let refused = Stack::up(&["--data", "none", "--pg", "13"]).err().map(|e| e.to_string()).unwrap_or_default();
    ensure!(refused.contains("stack: no PostgreSQL 13 here: the system has "), "{refused}");
    let refused = Stack::up(&["--sql", "psql"]).err().map(|e| e.to_string()).unwrap_or_default();
    ensure!(refused.contains("unknown SQL transports: psql"), "{refused}");
    Ok(())
}
