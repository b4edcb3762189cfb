//! The torture database: every type, every nasty value, every shape of name and key. What comes back
//! from SQL and from JSON is, row by row, what PostgreSQL prints of the source.

use anyhow::{Result, ensure};

use crate::support::compare::differences;
use crate::support::run::only_snapshot;
use crate::support::{Run, Stack, restore_sql};

/// What REST cannot reach in this database; everything else must be captured.
const MISSING: [&str; 2] = ["column public.r_col_grant.hidden", "table public.\"..\""];

/// Tables that hold rows, by the database itself (`ONLY`: without those of inheriting tables).
const TABLES: &str = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname IN ('public', 'shop') AND relkind IN ('r', 'p') AND NOT relispartition";

fn everything_comes_back(stack: &Stack, max_rows: &str, connections: &str, database: &str) -> Result<()> {
    stack.script("set", &["max_rows", max_rows])?;
    let directory = tempfile::tempdir()?;
    let ran = Run::new(&["backup"])
        .on(stack)
        .store(directory.path())
        .env("SUPABACKUP_CONNECTIONS", connections)
        .env("SUPABACKUP_PART_SIZE", "1MiB") // several parts for the larger tables
        .expect(3)?;
    let (snapshot, manifest) = only_snapshot(directory.path())?;
    let missing: Vec<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
    ensure!(missing == MISSING, "{missing:?}");
    ensure!(MISSING.iter().all(|m| ran.stderr.contains(m)), "{}", ran.stderr);
    // `r_no_grant` is invisible without SQL, `..` cannot be named by a URL
    let expected: u64 = stack.sql(TABLES)?.trim().parse::<u64>()? - 2;
    ensure!(manifest.totals.tables == expected, "{} of {expected} tables", manifest.totals.tables);
    let (admin, postgres) = stack.new_database(database)?;
    let source = stack.get("STACK_DATABASE_URL");
    restore_sql(source, &snapshot, &admin, &postgres, &["public", "shop"])?;
    let differ = differences(&snapshot, &manifest, source, &admin)?;
    ensure!(differ.is_empty(), "{differ:?}");
    Run::new(&["verify", "latest"]).store(directory.path()).expect(3)?;
    stack.sql(&format!("DROP DATABASE {database}"))?;
    Ok(())
}

#[test]
fn every_table_comes_back_whatever_the_row_limit_and_the_connections() -> Result<()> {
    let stack = Stack::up(&["--data", "torture"])?;
    for (max_rows, connections) in
        [("1000", "1"), ("1000", "8"), ("7", "8"), ("7", "1"), ("100000", "1"), ("100000", "8")]
    {
        everything_comes_back(&stack, max_rows, connections, &format!("r{max_rows}_{connections}"))
            .map_err(|e| e.context(format!("max_rows {max_rows}, {connections} connections")))?;
    }
    Ok(())
}
