//! Two runs at once, and runs that die or sleep while they hold the lease.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{at, files, nothing_else, run, today, whole};
use crate::support::run::{finished, snapshots};
use crate::support::{Run, Stack};

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_so()? {
        ensure!(begun.elapsed() < Duration::from_secs(60), "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Whether a lease lies in the store.
fn is_held(store: &std::path::Path) -> Result<bool> {
    Ok(files(store)?.iter().any(|file| file.to_string_lossy().contains("/lease/00")))
}

/// Whether a part was stored.
fn has_begun(store: &std::path::Path) -> Result<bool> {
    Ok(files(store)?.iter().any(|file| file.to_string_lossy().contains("/sql/100-")))
}

#[test]
fn of_two_runs_at_once_one_works_and_the_other_leaves_or_waits() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "60"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    let first = run(&stack, store.path(), base).start()?;
    until("a lease", || is_held(store.path()))?;
    let second = run(&stack, store.path(), at(base, 0, 1)).expect(1)?;
    let pid = format!("process {}, since ", first.id());
    for said in [
        "error: another run of samplestackprojectre is at work in directory ",
        &pid,
        "its lease ends at ",
        "hint: wait for it with --wait",
    ] {
        ensure!(second.stderr.contains(said), "{said}: {}", second.stderr);
    }
    ensure!(second.stdout.is_empty(), "{}", second.stdout);
    let waiting = run(&stack, store.path(), at(base, 0, 1)).args(&["--wait", "2m"]).start()?;
    let (first, waiting) = (finished(first)?, finished(waiting)?);
    ensure!(first.code == 0 && waiting.code == 0, "{first:?}\n{waiting:?}");
    ensure!(waiting.stderr.contains("waiting for another run of samplestackprojectre"), "{}", waiting.stderr);
    ensure!(whole(store.path())?.len() == 2);
    // what the lease looks like is nobody's business
    for command in [&["list"][..], &["verify", "--all"], &["prune"]] {
        let ran = Run::new(command).store(store.path()).expect(0)?;
        ensure!(!format!("{}{}", ran.stdout, ran.stderr).contains("lease"), "{ran:?}");
    }
    nothing_else(store.path())
}

#[test]
fn a_run_that_was_killed_holds_others_up_until_its_lease_ends() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "40"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    let mut child = run(&stack, store.path(), base).start()?;
    until("a part", || has_begun(store.path()))?;
    child.kill()?;
    finished(child)?;
    run(&stack, store.path(), at(base, 0, 9)).expect(1)?;
    // a lease that is left is nothing to list, verify or prune
    let listed = Run::new(&["list"]).store(store.path()).expect(0)?;
    ensure!(listed.stdout.contains("unfinished") && !listed.stdout.contains("lease"), "{}", listed.stdout);
    let ran = run(&stack, store.path(), at(base, 0, 13)).expect(0)?;
    ensure!(ran.stdout.contains("done") && !is_held(store.path())?, "{}", ran.stdout);
    // and what the dead one had written goes with time
    run(&stack, store.path(), at(base, 1, 0)).expect(0)?;
    ensure!(snapshots(store.path())?.len() == 3);
    run(&stack, store.path(), at(base, 8, 0)).args(&["--freeze-after", "30d"]).expect(0)?;
    nothing_else(store.path())
}

#[test]
fn a_run_that_slept_over_its_lease_commits_nothing_and_removes_nothing() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "40"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    let sleeper = run(&stack, store.path(), base).start()?;
    until("a part", || has_begun(store.path()))?;
    let signal = |signal: &str| -> Result<()> {
        let done = Command::new("kill").args(["-s", signal, &sleeper.id().to_string()]).status()?;
        ensure!(done.success());
        Ok(())
    };
    signal("STOP")?;
    // hours later, another one comes and goes
    let other = run(&stack, store.path(), at(base, 0, 300)).expect(0)?;
    ensure!(other.stdout.contains("done"), "{}", other.stdout);
    signal("CONT")?;
    let slept = finished(sleeper)?;
    ensure!(slept.code == 1, "{slept:?}");
    for said in [
        "error: this run was taken for dead, and its lease in directory ",
        "another run, which has ended since",
        "hint: it was suspended",
    ] {
        ensure!(slept.stderr.contains(said), "{said}: {}", slept.stderr);
    }
    ensure!(slept.stdout.contains("FAILED") && slept.stdout.contains("no snapshot was made"), "{}", slept.stdout);
    ensure!(whole(store.path())?.len() == 1, "it committed");
    nothing_else(store.path())
}

#[test]
fn a_run_that_is_asked_to_stop_gives_up_its_lease() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "40"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    let child = run(&stack, store.path(), base).start()?;
    until("a part", || has_begun(store.path()))?;
    Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status()?;
    let ran = finished(child)?;
    ensure!(ran.code == 1 && ran.stderr.contains("error: stopped by SIGTERM"), "{ran:?}");
    ensure!(files(store.path())?.is_empty(), "{:?}", files(store.path()));
    run(&stack, store.path(), at(base, 0, 1)).expect(0)?;
    // while it waits, too
    let holder = run(&stack, store.path(), at(base, 0, 2)).start()?;
    until("a lease", || is_held(store.path()))?;
    let waiting = run(&stack, store.path(), at(base, 0, 2)).args(&["--wait", "10m"]).start()?;
    crate::kills::until_it_listens(waiting.id()).context("waiting")?;
    Command::new("kill").args(["-s", "TERM", &waiting.id().to_string()]).status()?;
    let (waiting, holder) = (finished(waiting)?, finished(holder)?);
    ensure!(waiting.code == 1 && waiting.stderr.contains("before it began"), "{waiting:?}");
    ensure!(holder.code == 0, "{holder:?}");
    nothing_else(store.path())
}
