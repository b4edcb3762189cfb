//! Several stores: what one of them gets wrong, and what the others do meanwhile.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};

use super::{at, codes, days, files, nothing_else, report, run, today, whole};
use crate::store::servers::shared;
use crate::support::run::{finished, snapshots};
use crate::support::{Run, Stack};

/// Into both of these places.
fn into(stack: &Stack, stores: [&Path; 2], at: DateTime<Utc>) -> Run {
    let list = stores.map(|store| store.display().to_string()).join(",");
    run(stack, stores[0], at).env("SUPABACKUP_STORE", list).args(&["--json", "--keep-within", "2d"])
}

#[test]
fn a_store_that_fails_is_named_and_the_other_one_is_whole_and_pruned() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (good, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let base = today();
    for day in 0..5 {
        let ran = into(&stack, [good.path(), other.path()], at(base, day, 0)).expect(0)?;
        ensure!(report(&ran)?["stores"].as_array().map(Vec::len) == Some(2));
    }
    // each by its own content
    let oldest = whole(other.path())?.remove(0);
    std::fs::remove_dir_all(&oldest)?;
    let nowhere = Path::new("/proc/nowhere");
    let ran = into(&stack, [nowhere, good.path()], at(base, 5, 0)).expect(3)?;
    let told = report(&ran)?;
    ensure!(told["state"] == "incomplete" && codes(&told) == ["store-failed"], "{told:#}");
    ensure!(told["stores"][0]["failed"].as_str().is_some_and(|why| why.contains("/proc/nowhere")), "{told:#}");
    ensure!(told["stores"][1]["failed"].is_null() && told["stores"][1]["verified"]["depth"] == "opened", "{told:#}");
    ensure!(days(good.path(), base)? == [3, 4, 5], "{:?}", days(good.path(), base)?);
    ensure!(days(other.path(), base)? == [3, 4], "{:?}", days(other.path(), base)?);
    let ran = into(&stack, [good.path(), other.path()], at(base, 6, 0)).expect(0)?;
    ensure!(codes(&report(&ran)?).is_empty(), "{}", ran.stdout);
    ensure!(days(good.path(), base)? == [4, 5, 6] && days(other.path(), base)? == [3, 4, 6]);
    for store in [good.path(), other.path()] {
        Run::new(&["verify", "--all"]).store(store).expect(0)?;
        nothing_else(store)?;
    }
    // where none is left, it has failed
    let ran = into(&stack, [nowhere, Path::new("/dev/null")], at(base, 7, 0)).expect(1)?;
    ensure!(report(&ran)?["state"] == "failed" && ran.stderr.contains("every store failed"), "{ran:?}");
    Ok(())
}

/// Somebody changes a byte of one copy while the run goes on, and the sizes stay.
#[test]
fn while_a_copy_is_damaged_nothing_is_removed_anywhere() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (good, bad) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let base = today();
    let stores = [good.path(), bad.path()];
    for day in 0..4 {
        into(&stack, stores, at(base, day, 0)).expect(0)?;
    }
    let before = snapshots(bad.path())?;
    stack.control("PUT", "/latency", "60")?;
    let child = into(&stack, stores, at(base, 4, 0)).start()?;
    let begun = Instant::now();
    let part = loop {
        ensure!(begun.elapsed() < Duration::from_secs(60), "no part was written");
        let new = snapshots(bad.path())?.into_iter().find(|snapshot| !before.contains(snapshot));
        let parts = new.map(|new| files(&new)).transpose().unwrap_or_default().unwrap_or_default();
        let is_part = |file: &std::path::PathBuf| file.to_string_lossy().contains("/json/public.");
        if let Some(part) = parts.into_iter().find(is_part) {
            break part;
        }
    };
    let mut bytes = std::fs::read(&part)?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&part, bytes)?;
    stack.control("PUT", "/latency", "0")?;
    let ran = finished(child)?;
    ensure!(ran.code == 4, "{ran:?}");
    let told = report(&ran)?;
    let found = codes(&told);
    ensure!(
        found.contains(&"hash-differs") && found.contains(&"not-pruned") && told["state"] == "findings",
        "{told:#}"
    );
    for store in stores {
        ensure!(days(store, base)? == [1, 2, 3, 4], "{:?} in {store:?}", days(store, base)?);
    }
    // the day after, each is pruned as it is: the damaged one is old news
    let ran = into(&stack, stores, at(base, 5, 0)).expect(0)?;
    ensure!(days(good.path(), base)? == [3, 4, 5], "{}", ran.stdout);
    Ok(())
}

#[test]
fn prune_goes_over_every_store_too() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (one, other) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let base = today();
    for day in 0..5 {
        let both = format!("{},{}", one.path().display(), other.path().display());
        run(&stack, one.path(), at(base, day, 0)).env("SUPABACKUP_STORE", both).expect(0)?;
    }
    let prune = |stores: &[&Path]| {
        let list: Vec<String> = stores.iter().map(|store| store.display().to_string()).collect();
        Run::new(&["prune", "--keep-within", "2d", "--project", "samplestackprojectre"])
            .env("SUPABACKUP_STORE", list.join(","))
            .env("SUPABACKUP_CLOCK", at(base, 4, 1).to_rfc3339())
    };
    let shown = prune(&[one.path(), other.path()]).expect(0)?;
    ensure!(shown.stdout.matches("2 snapshots would be removed").count() == 2, "{}", shown.stdout);
    let ran = prune(&[one.path(), Path::new("/dev/null"), other.path()]).args(&["--apply"]).expect(3)?;
    ensure!(
        ran.stdout.contains("FAILED: ") && ran.stdout.matches("removed 2 snapshots").count() == 2,
        "{}",
        ran.stdout
    );
    ensure!(days(one.path(), base)? == [2, 3, 4] && days(other.path(), base)? == [2, 3, 4]);
    let ran = prune(&[one.path(), other.path()]).args(&["--json"]).expect(0)?;
    let told = report(&ran)?;
    ensure!(told["stores"][1]["report"]["applied"] == false, "{told:#}");
    let ran = prune(&[Path::new("/dev/null"), Path::new("/proc/nowhere")]).expect(1)?;
    ensure!(ran.stderr.contains("error: every store failed"), "{}", ran.stderr);
    Ok(())
}

#[test]
fn a_bucket_serves_as_well_as_a_directory() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "30"])?;
    let server = shared()?;
    let url = format!("s3://{}/backups?endpoint=http://127.0.0.1:{}&region=us-east-1", server.bucket()?, server.port);
    let base = today();
    let run = |day: i64, minute: i64| {
        run(&stack, Path::new("-"), at(base, day, minute))
            .env("SUPABACKUP_STORE", &url)
            .env("AWS_ACCESS_KEY_ID", &server.key.id)
            .env("AWS_SECRET_ACCESS_KEY", &server.key.secret)
            .args(&["--json", "--keep-within", "2d"])
    };
    for day in 0..5 {
        let ran = run(day, 0).expect(0)?;
        ensure!(report(&ran)?["stores"][0]["verified"]["depth"] == "opened", "{}", ran.stdout);
    }
    let last = report(&run(5, 0).expect(0)?)?;
    let removed = last["stores"][0]["prune"]["removed"].as_array().context("no list")?.len();
    ensure!(removed == 1, "{last:#}");
    // of three at once, one works at a time
    let started: Vec<_> = (0..3).map(|n| run(6, n).args(&["--wait", "2m"]).start()).collect::<Result<_>>()?;
    for child in started {
        let ran = finished(child)?;
        ensure!(ran.code == 0, "{ran:?}");
    }
    Ok(())
}
