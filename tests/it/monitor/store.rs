//! Without a project: only its snapshots are there to look at.

use anyhow::{Result, ensure};
use serde_json::json;
use supabackup::model::Depth;

use super::{message, report, serious};
use crate::prune::{Shelf, days, hours};
use crate::sample::PROJECT;
use crate::support::Run;

#[tokio::test]
async fn snapshots_alone_are_looked_at_and_what_cannot_be_is_named() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(40)?;
    let ran = shelf.run("monitor").expect(0)?;
    ensure!(ran.stderr.is_empty() && ran.stdout.lines().all(|line| line.chars().count() <= 80), "{ran:?}");
    for part in [
        PROJECT,
        "TABLE ",
        "public.orders",
        "ok\n",
        "steady",
        "30 complete snapshots, the newest 10 min old",
        "not checked: ",
        "SUPABASE_URL",
        "all is well\n",
    ] {
        ensure!(ran.stdout.contains(part) || part == "SUPABASE_URL", "{part:?}:\n{}", ran.stdout);
    }
    let found = report(shelf.run("monitor"), 0)?;
    ensure!(found["project"] == PROJECT && found["worst"] == "info" && serious(&found).is_empty(), "{found}");
    for check in ["health", "key", "coverage", "drift"] {
        let is_named = |f: &serde_json::Value| f["code"] == "not-checked" && f["subject"] == check;
        ensure!(found["findings"].as_array().is_some_and(|all| all.iter().any(is_named)), "{check}: {found}");
    }
    // the window, and nothing else
    ensure!(found["snapshots"].as_array().map(Vec::len) == Some(30), "{}", found["snapshots"]);
    ensure!(found["snapshots"][29]["proof"] == "opened" && found["snapshots"][29]["state"] == "complete");
    let table = &found["tables"][0];
    for key in ["name", "rows", "is_live", "daily", "weekly", "shape", "state"] {
        ensure!(table.get(key).is_some(), "{key}: {table}");
    }
    ensure!(table["is_live"] == false && table["state"] == "ok" && table["daily"]["percent"] == 0.0, "{table}");
    let trend = &found["trends"][0];
    for key in ["of", "days", "latest", "slope", "shape", "forecasts", "unusual", "series"] {
        ensure!(trend.get(key).is_some(), "{key}: {trend}");
    }
    ensure!(trend["of"] == "all_rows" && trend["days"] == 30 && trend["forecasts"][0]["limit"] == "max_total_rows");
    // only what needs a person, and that is nothing
    ensure!(shelf.run("monitor --quiet").expect(0)?.stdout.is_empty());
    Ok(())
}

#[tokio::test]
async fn backups_that_stopped_are_an_error_and_limits_come_from_everywhere() -> Result<()> {
    let shelf = Shelf::new().await?;
    for day in 1..20 {
        shelf.good(days(day) + hours(8))?;
    }
    let found = report(shelf.run("monitor"), 4)?;
    ensure!(serious(&found) == ["error stale snapshots"], "{found}");
    ensure!(message(&found, "stale").contains("is 32 h old, more than 24 h and a grace of 6 h"), "{found}");
    ensure!(found["worst"] == "error");
    let text = shelf.run("monitor").expect(4)?.stdout;
    ensure!(text.contains("error [stale] snapshots: ") && text.ends_with("\n1 error\n"), "{text}");
    // an hour late, for a schedule of 31 hours
    ensure!(serious(&report(shelf.run("monitor --max-age 31h"), 0)?) == ["warning late snapshots"]);
    ensure!(serious(&report(shelf.run("monitor").env("SUPABACKUP_MAX_AGE", "40h"), 0)?).is_empty());
    let settings = tempfile::tempdir()?;
    let rows = |table: &str, max| format!("max_age = '40h'\n[tables.\"{table}\"]\nmax_rows = {max}\n");
    std::fs::write(settings.path().join("supabackup.toml"), rows("public.orders", 1))?;
    let found = report(shelf.run("monitor").inside(settings.path()), 0)?;
    ensure!(serious(&found) == ["warning table-size public.orders"], "{found}");
    std::fs::write(settings.path().join("supabackup.toml"), rows("public.orders", -1))?;
    let wrong = shelf.run("monitor").inside(settings.path()).expect(2)?;
    ensure!(wrong.stderr.contains("tables.\"public.orders\".max_rows in line 3"), "{}", wrong.stderr);
    Ok(())
}

#[tokio::test]
async fn each_state_of_a_snapshot_is_told() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(10)?;
    shelf.incomplete(hours(0))?;
    let found = report(shelf.run("monitor"), 4)?;
    ensure!(serious(&found) == ["error incomplete snapshots"], "{found}");
    ensure!(message(&found, "incomplete").contains("table public.x (permission denied)"), "{found}");

    let shelf = Shelf::new().await?;
    let all = shelf.daily(10)?;
    std::fs::write(shelf.folder(&all[4]).join("manifest.json"), "{}")?;
    let found = report(shelf.run("monitor"), 0)?;
    ensure!(serious(&found) == [format!("warning snapshot-unreadable snapshot {}", all[4])], "{found}");

    // never read back
    let shelf = Shelf::new().await?;
    (0..5).try_for_each(|day| shelf.add(days(day), Some(Depth::Hashed)).map(drop))?;
    let found = report(shelf.run("monitor"), 4)?;
    let expected = ["error no-good-snapshot snapshots", "warning unverified snapshots"];
    ensure!(serious(&found) == expected, "{found}");
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_gone_or_behind_is_told_and_the_other_one_serves() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    let behind = Shelf::new().await?;
    behind.good(days(2))?;
    let empty = tempfile::tempdir()?;
    // nothing listens there
    let gone = "s3://bucket/x?region=x&endpoint=http://127.0.0.1:9";
    let run = |stores: &str| {
        let run = shelf.run(&format!("monitor --project {PROJECT}")).env("SUPABACKUP_STORE", stores);
        let run = run.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret");
        run.env("SUPABACKUP_RETRIES", "0").env("SUPABACKUP_RETRY_DELAY", "1ms")
    };
    let found = report(run(&format!("{gone},{},{}", shelf.root().display(), behind.root().display())), 4)?;
    let told = serious(&found);
    ensure!(told.len() == 2 && told[0].starts_with("error store-unreachable "), "{told:?}");
    ensure!(told[1].starts_with("warning store-behind directory "), "{told:?}");
    ensure!(found["snapshots"].as_array().map(Vec::len) == Some(5), "{found}");
    // a disk that is not mounted is an empty folder: the other store has the snapshots
    let found = report(run(&format!("{},{}", empty.path().display(), shelf.root().display())), 0)?;
    ensure!(found["snapshots"].as_array().map(Vec::len) == Some(5) && serious(&found).is_empty(), "{found}");
    Ok(())
}

#[test]
fn a_project_that_nobody_named_is_asked_for() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let ran = Run::new(&["monitor"]).store(empty.path()).expect(2)?;
    ensure!(ran.stderr.contains("holds no snapshots") && ran.stderr.contains("hint: "), "{}", ran.stderr);
    let found = report(Run::new(&["monitor", "--project", "x"]).store(empty.path()), 4)?;
    ensure!(serious(&found) == ["error no-good-snapshot snapshots"], "{found}");
    Ok(())
}

/// Tables whose names are sealed: the sums show, and the rest is named.
#[test]
fn sealed_names_are_said_to_be_unseen() -> Result<()> {
    let store = tempfile::tempdir()?;
    let fixture = "tests/fixtures/v2/nonestackprojectrefe";
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture).join("20261123T202006Z-a7eb");
    let to = store.path().join("nonestackprojectrefe");
    std::fs::create_dir(&to)?;
    let copied = std::process::Command::new("cp").arg("-a").args([&from, &to]).status()?;
    ensure!(copied.success(), "cp: {copied}");
    let run = || Run::new(&["monitor", "--history", "3650d", "--max-age", "36500d"]).store(store.path());
    let found = report(run(), 4)?;
    let blind = found["findings"].as_array().into_iter().flatten();
    let blind: Vec<_> = blind.filter(|f| f["code"] == "not-checked").collect();
    let sealed = |check: &str| {
        blind.iter().any(|f| f["subject"] == check && f["message"].as_str().is_some_and(|m| m.contains("sealed")))
    };
    ensure!(sealed("collapse") && sealed("shrink") && sealed("daily-growth"), "{found}");
    ensure!(found["tables"] == json!([]) && found["rows"].as_u64() > Some(0), "{found}");
    let key = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v2-key.txt");
    let found = report(run().env("SUPABACKUP_IDENTITY_FILE", key), 4)?;
    ensure!(found["tables"][1]["name"]["name"] == "orders", "{found}");
    Ok(())
}
