//! The commands that write the page, and what they say when they cannot.

use std::fs;

use anyhow::{Result, ensure};

use super::written;
use crate::prune::{Shelf, days, hours};
use crate::sample::PROJECT;
use crate::support::{Run, Stack};

#[tokio::test]
async fn it_goes_where_it_is_told_and_a_bad_day_is_no_reason_not_to_write_it() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.good(days(3))?;
    let directory = tempfile::tempdir()?;
    let ran = shelf.run("dashboard").inside(directory.path()).expect(0)?;
    ensure!(ran.stdout.is_empty() && ran.stderr.contains("dashboard.html is written: 1 error"), "{ran:?}");
    let page = fs::read_to_string(directory.path().join("dashboard.html"))?;
    for part in ["Last good backup", "supabackup restore", "class=\"hero bad\"", PROJECT, "stale"] {
        ensure!(page.contains(part), "{part}");
    }
    ensure!(fs::read_dir(directory.path())?.count() == 1, "something is left beside it");
    // a directory that is not there yet is made, and an older page is replaced
    for _ in 0..2 {
        let run = shelf.run("dashboard").inside(directory.path()).env("SUPABACKUP_DASHBOARD", "site/a/index.html");
        run.expect(0)?;
    }
    ensure!(fs::read_dir(directory.path().join("site/a"))?.count() == 1);
    let printed = shelf.run("dashboard -").inside(directory.path()).expect(0)?;
    ensure!(printed.stdout.starts_with("<!DOCTYPE html>") && printed.stderr.is_empty());
    // nothing was seen yet, and that shows
    let empty = tempfile::tempdir()?;
    let run = Run::new(&["dashboard", "-", "--project", "x"]).store(empty.path());
    let page = run.expect(0)?.stdout;
    ensure!(page.contains("No good backup") && page.contains("There is no snapshot at all"), "{page}");
    Ok(())
}

#[tokio::test]
async fn a_page_that_cannot_be_written_is_told_before_and_after() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(3)?;
    let directory = tempfile::tempdir()?;
    fs::write(directory.path().join("file"), "x")?;
    for arguments in ["dashboard file/page.html", "monitor --dashboard file/page.html", "dashboard ."] {
        let ran = shelf.run(arguments).inside(directory.path()).expect(2)?;
        ensure!(ran.stderr.contains("the dashboard: ") && ran.stderr.contains("hint: "), "{ran:?}");
    }
    // what cannot be written at the end is a finding
    let ran = shelf.run("monitor --dashboard /dev/full/../null").go()?;
    ensure!(ran.code == 2, "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn older_snapshots_show_and_the_watch_sees_no_more_than_it_did() -> Result<()> {
    let shelf = Shelf::new().await?;
    for month in 0..12 {
        shelf.good(days(30 * month) + hours(2))?;
    }
    let directory = tempfile::tempdir()?;
    let page = directory.path().join("page.html");
    let arguments = format!("monitor --json --max-age 40d --dashboard {}", page.display());
    let with = shelf.run(&arguments).env("SUPABACKUP_CLOCK", shelf.now.to_rfc3339()).expect(0)?;
    let plain = shelf.run("monitor --json --max-age 40d").env("SUPABACKUP_CLOCK", shelf.now.to_rfc3339()).expect(0)?;
    // a second may lie between them
    let stable = |text: &str| -> Result<serde_json::Value> {
        let mut value: serde_json::Value = serde_json::from_str(text)?;
        value["at"] = serde_json::Value::Null;
        Ok(value["findings"].take())
    };
    ensure!(stable(&with.stdout)? == stable(&plain.stdout)?, "{}\n{}", with.stdout, plain.stdout);
    let shots = |page: &str| page.matches("class=\"shot\"").count();
    ensure!(shots(&fs::read_to_string(&page)?) == 12);
    let short = shelf.run("dashboard -").env("SUPABACKUP_DASHBOARD_HISTORY", "90d").expect(0)?.stdout;
    ensure!(shots(&short) == 3 && short.contains("9 snapshots from before"), "{}", shots(&short));
    let file = written(&shelf, &[])?;
    ensure!(shots(&fs::read_to_string(file)?) == 12);
    Ok(())
}

#[test]
fn a_run_writes_it_too_when_it_fails_as_well() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let directory = tempfile::tempdir()?;
    let (store, page) = (directory.path().join("store"), directory.path().join("site/index.html"));
    let run = || Run::new(&["run"]).on(&stack).store(&store).env("SUPABACKUP_DASHBOARD", &page);
    run().expect(0)?;
    let first = fs::read_to_string(&page)?;
    for part in ["Last good backup", "1,071 rows", "public.voice_sessions", "Every row was read back"] {
        ensure!(first.contains(part), "{part}: {first}");
    }
    ensure!(!first.contains(stack.get("SUPABASE_SECRET_KEY")));
    let failed = run().env("SUPABASE_URL", "http://127.0.0.1:9").env("SUPABACKUP_RETRIES", "0").go()?;
    ensure!(failed.code == 1, "{failed:?}");
    let second = fs::read_to_string(&page)?;
    for part in ["run-failed", "the last run", "Last good backup", "1,071 rows"] {
        ensure!(second.contains(part), "{part}: {second}");
    }
    Ok(())
}
