//! `run`: the job that a schedule calls, on a clock that the tests set.

mod heartbeat;
mod kills;
mod leases;
mod schedule;
mod sealed;
mod stores;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde_json::Value;

use crate::support::run::{Ran, snapshots};
use crate::support::{Run, Stack};

/// The moment that simulated days are counted from: files are dated by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "stores date files by the machine's clock")]
fn today() -> DateTime<Utc> {
    let now = Utc::now();
    now.with_nanosecond(0).unwrap_or(now)
}

fn at(base: DateTime<Utc>, days: i64, minutes: i64) -> DateTime<Utc> {
    base + TimeDelta::days(days) + TimeDelta::minutes(minutes)
}

/// `run` of this project into this directory, at this time.
fn run(stack: &Stack, store: &Path, at: DateTime<Utc>) -> Run {
    Run::new(&["run"])
        .on(stack)
        .store(store)
        .env("SUPABACKUP_CLOCK", at.to_rfc3339())
        .env("SUPABACKUP_PROGRESS", "none")
}

/// What `--json` printed.
fn report(ran: &Ran) -> Result<Value> {
    serde_json::from_str(&ran.stdout).with_context(|| format!("{}{}", ran.stdout, ran.stderr))
}

/// The codes of the findings of a report, the worst first.
fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str()).collect()
}

/// The snapshots that have a manifest, oldest first.
fn whole(store: &Path) -> Result<Vec<PathBuf>> {
    Ok(snapshots(store)?.into_iter().filter(|snapshot| snapshot.join("manifest.json").exists()).collect())
}

/// The day, counted from `base`, of each whole snapshot.
fn days(store: &Path, base: DateTime<Utc>) -> Result<Vec<i64>> {
    let day = |snapshot: PathBuf| -> Result<i64> {
        let id = snapshot.file_name().and_then(|name| name.to_str()).context("no name")?;
        let id: supabackup::model::SnapshotId = id.parse().map_err(anyhow::Error::msg)?;
        // some begin a few minutes before their day
        Ok((id.started() - base + TimeDelta::hours(1)).num_days())
    };
    whole(store)?.into_iter().map(day).collect()
}

/// Every file below a directory.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// Nothing but whole snapshots: no lease, no half-written file, no folder of a run that died.
fn nothing_else(store: &Path) -> Result<()> {
    for project in std::fs::read_dir(store)? {
        for entry in std::fs::read_dir(project?.path())? {
            let path = entry?.path();
            ensure!(path.join("manifest.json").exists(), "{} is left: {:?}", path.display(), files(&path));
        }
    }
    let half = files(store)?.into_iter().find(|file| file.to_string_lossy().contains("/.tmp-"));
    ensure!(half.is_none(), "{half:?} is left");
    Ok(())
}
