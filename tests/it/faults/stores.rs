//! Stores that run full, cannot be made or written, or are changed while a run goes on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::sample;
use crate::support::honest::{Ended, Truth};
use crate::support::run::{BINARY, Ran, finished, manifest, snapshots};
use crate::support::{Run, Stack};

/// The bytes that a store of this kind can take: none, a part of the snapshot, all but its end.
fn into_a_store_of(stack: &Stack, kilobytes: usize, wrapper: &str) -> Result<(tempfile::TempDir, Ran)> {
    let out = tempfile::tempdir()?;
    let disk = out.path().join("disk");
    let copy = out.path().join("copy");
    std::fs::create_dir(&disk)?;
    let script = wrapper.replace("SIZE", &kilobytes.to_string());
    let text = |path: &Path| path.display().to_string();
    let args = ["-c", &script, BINARY, &text(&disk), &text(&copy)];
    let ran = Run::program("sh", &args).on(stack).store(&disk).go()?;
    Ok((out, ran))
}

/// A file system of its own, which nobody else sees and which goes with the process.
const SMALL_DISK: &str = "[ $(id -u) = 0 ] || mapped='--user --map-root-user'
    exec unshare $mapped --mount sh -c '
    mount -t tmpfs -o size=SIZEk tmpfs \"$1\" || exit 99
    \"$0\" backup; code=$?
    cp -a \"$1\" \"$2\"; exit $code' \"$0\" \"$1\" \"$2\"";

/// Files that may not grow.
const SMALL_FILES: &str = "trap '' XFSZ
    prlimit --fsize=$((SIZE * 1024)) \"$0\" backup; code=$?
    cp -a \"$1\" \"$2\"; exit $code";

/// A file system of its own that takes no writes.
const READ_ONLY: &str = "[ $(id -u) = 0 ] || mapped='--user --map-root-user'
    exec unshare $mapped --mount sh -c '
    mount -t tmpfs -o ro tmpfs \"$1\" || exit 99
    \"$0\" backup; code=$?
    cp -a \"$1\" \"$2\"; exit $code' \"$0\" \"$1\" \"$2\"";

fn full_is_told(truth: &Truth, out: &Path, ran: &Ran, kilobytes: usize) -> Result<bool> {
    let ended = truth.judge(&out.join("copy"), ran).with_context(|| format!("{kilobytes} KiB"))?;
    let Ended::Nothing(why) = ended else {
        ended.complete()?;
        return Ok(true);
    };
    ensure!(
        why.contains("error: storing the snapshot: ") && why.contains(&out.join("disk").display().to_string()),
        "{why}"
    );
    Ok(false)
}

#[test]
fn a_store_that_runs_full_at_any_moment_leaves_nothing_behind() -> Result<()> {
    let (stack, truth) = sample()?;
    let mut told = Vec::new();
    for kilobytes in [4, 100, 250, 400, 440, 470, 500, 530, 560, 2048] {
        let (out, ran) = into_a_store_of(&stack, kilobytes, SMALL_DISK)?;
        if ran.code == 99 || ran.stderr.contains("unshare failed") {
            break; // no file systems of their own here: then the size of files has to do
        }
        let whole = full_is_told(&truth, out.path(), &ran, kilobytes)?;
        ensure!(whole || ran.stderr.contains("hint: free some space"), "{}", ran.stderr);
        told.push(whole);
    }
    ensure!(told.is_empty() || told[0] != told[told.len() - 1], "{told:?}");
    for kilobytes in [0, 3, 30, 100] {
        let (out, ran) = into_a_store_of(&stack, kilobytes, SMALL_FILES)?;
        ensure!(!full_is_told(&truth, out.path(), &ran, kilobytes)?);
    }
    Ok(())
}

#[test]
fn a_store_that_is_read_only_is_named() -> Result<()> {
    let (stack, truth) = sample()?;
    let (out, ran) = into_a_store_of(&stack, 0, READ_ONLY)?;
    if ran.code != 99 && !ran.stderr.contains("unshare failed") {
        ensure!(!full_is_told(&truth, out.path(), &ran, 0)? && ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
    Ok(())
}

#[test]
fn a_store_that_cannot_be_made_is_named() -> Result<()> {
    let (stack, _) = sample()?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("file");
    std::fs::write(&file, "not a directory")?;
    for store in [file.clone(), file.join("below"), PathBuf::from("/proc/nowhere"), PathBuf::from("/dev/null")] {
        let ran = Run::new(&["backup"]).on(&stack).store(&store).expect(1)?;
        let told = ran.stderr.lines().filter(|l| l.starts_with("error: ")).count();
        ensure!(told == 1 && ran.stderr.contains(&store.display().to_string()), "{}", ran.stderr);
        ensure!(ran.stdout.is_empty());
    }
    ensure!(std::fs::read_to_string(&file)? == "not a directory");
    Ok(())
}

/// Somebody tidies up while the run goes on.
#[test]
fn a_part_that_disappears_during_the_run_is_noticed_before_the_manifest() -> Result<()> {
    let (stack, _) = sample()?;
    let directory = tempfile::tempdir()?;
    stack.control("PUT", "/latency", "20")?;
    let child =
        Run::new(&["backup"]).on(&stack).store(directory.path()).env("SUPABACKUP_PART_SIZE", "128KiB").start()?;
    let begun = Instant::now();
    let part = loop {
        ensure!(begun.elapsed() < Duration::from_secs(20), "no part was written");
        let parts = snapshots(directory.path())?;
        let sql = parts.first().and_then(|s| std::fs::read_dir(s.join("sql")).ok());
        if let Some(part) = sql
            .and_then(|mut entries| entries.find_map(|e| e.ok().map(|e| e.path()).filter(|p| p.extension().is_some())))
        {
            break part;
        }
    };
    std::fs::remove_file(&part)?;
    stack.control("PUT", "/latency", "0")?;
    let ran = finished(child)?;
    ensure!(ran.code != 0, "a part is gone, and exit 0: {}", ran.stderr);
    Ok(())
}

#[test]
fn two_runs_at_once_share_a_store() -> Result<()> {
    let (stack, truth) = sample()?;
    let directory = tempfile::tempdir()?;
    let runs: Vec<_> =
        (0..3).map(|_| Run::new(&["backup"]).on(&stack).store(directory.path()).start()).collect::<Result<_>>()?;
    for run in runs {
        let ran = finished(run)?;
        ensure!(ran.code == 0, "{ran:?}");
    }
    let all = snapshots(directory.path())?;
    ensure!(all.len() == 3, "{all:?}");
    for snapshot in all {
        truth.holds(&snapshot, &manifest(&snapshot)?)?;
    }
    Run::new(&["verify", "--all"]).store(directory.path()).expect(0)?;
    Ok(())
}
