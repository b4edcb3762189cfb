//! `prune`, `pin` and `unpin` on stores that hold real snapshots of every kind and age.

mod applied;
pub(crate) mod cut_off;
mod pins;
mod planned;
mod scale;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use serde_json::Value;
use supabackup::model::{Depth, Manifest, Missing, SnapshotId, Verification};
use supabackup::seal::sha256_hex;
use supabackup::snapshot::checksums;

use crate::sample::{PROJECT, Sample};
use crate::support::Run;

/// A store whose snapshots are copies of one real snapshot, under other ids and of other ages.
pub(crate) struct Shelf {
    pub(crate) dir: tempfile::TempDir,
    model: PathBuf,
    manifest: Manifest,
    /// The moment that ages are counted from: whole seconds, shortly before the binary looks.
    pub(crate) now: DateTime<Utc>,
    _model_dir: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the same clock")]
fn now() -> DateTime<Utc> {
    let now = Utc::now();
    now.with_nanosecond(0).unwrap_or(now)
}

impl Shelf {
    pub(crate) async fn new() -> Result<Self> {
        let model_dir = tempfile::tempdir()?;
        let sample = Sample::write(model_dir.path()).await?;
        let model = sample.path("");
        Ok(Self { dir: tempfile::tempdir()?, model, manifest: sample.manifest, now: now(), _model_dir: model_dir })
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn folder(&self, id: &SnapshotId) -> PathBuf {
        self.root().join(PROJECT).join(id.as_str())
    }

    /// A whole snapshot of this age, verified so deep, or not at all.
    pub(crate) fn add(&self, age: TimeDelta, depth: Option<Depth>) -> Result<SnapshotId> {
        self.add_changed(age, depth, |_| {})
    }

    /// A good one of this age.
    pub(crate) fn good(&self, age: TimeDelta) -> Result<SnapshotId> {
        self.add(age, Some(Depth::Opened))
    }

    /// One of each of so many days, the newest first.
    pub(crate) fn daily(&self, days: i64) -> Result<Vec<SnapshotId>> {
        (0..days).map(|day| self.good(TimeDelta::days(day) + TimeDelta::minutes(10))).collect()
    }

    pub(crate) fn add_changed(
        &self,
        age: TimeDelta,
        depth: Option<Depth>,
        change: impl FnOnce(&mut Manifest),
    ) -> Result<SnapshotId> {
        let started = self.now - age;
        let id = SnapshotId::new(started, 0x7f3a);
        let folder = self.folder(&id);
        let mut manifest = self.manifest.clone();
        (manifest.snapshot, manifest.started) = (id.clone(), started);
        manifest.finished = started + TimeDelta::seconds(42);
        change(&mut manifest);
        for (key, _, _) in manifest.stored() {
            let to = folder.join(key);
            fs::create_dir_all(to.parent().context("no parent")?)?;
            fs::hard_link(self.model.join(key), to)?;
        }
        let bytes = manifest.to_bytes()?;
        fs::write(folder.join("SHA256SUMS"), checksums(&manifest, &bytes))?;
        fs::write(folder.join("manifest.json"), &bytes)?;
        if let Some(depth) = depth {
            record(&folder, &sha256_hex(&bytes), &depth.to_string(), true, started + TimeDelta::minutes(1))?;
        }
        Ok(id)
    }

    /// A snapshot that is not complete.
    pub(crate) fn incomplete(&self, age: TimeDelta) -> Result<SnapshotId> {
        self.add_changed(age, Some(Depth::Opened), |manifest| {
            manifest.complete = false;
            let (subject, reason) = ("table public.x".to_owned(), "permission denied".to_owned());
            manifest.missing = vec![Missing { subject, reason, fix: None }];
        })
    }

    /// What a run left that was killed at this age; its newest file was written at that one.
    pub(crate) fn dead(&self, began: TimeDelta, touched: TimeDelta) -> Result<SnapshotId> {
        let id = SnapshotId::new(self.now - began, 0xdead);
        let file = self.folder(&id).join("sql/100-public.t-00001.sql.zst");
        fs::create_dir_all(file.parent().context("no parent")?)?;
        fs::write(&file, "half")?;
        set_age(&file, self.now - touched)?;
        Ok(id)
    }

    pub(crate) fn run(&self, arguments: &str) -> Run {
        Run::new(&arguments.split(' ').collect::<Vec<_>>()).store(self.root())
    }

    /// The ids that are there with a manifest, oldest first.
    pub(crate) fn whole(&self) -> Result<Vec<SnapshotId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.root().join(PROJECT))? {
            let entry = entry?;
            if entry.path().join("manifest.json").exists() {
                found.push(entry.file_name().to_string_lossy().parse().map_err(anyhow::Error::msg)?);
            }
        }
        found.sort();
        Ok(found)
    }

    /// Every folder with a manifest has all of its files, and every other one is marked or absent.
    pub(crate) fn nothing_is_half(&self) -> Result<()> {
        for entry in fs::read_dir(self.root().join(PROJECT))? {
            let folder = entry?.path();
            match fs::read(folder.join("manifest.json")) {
                Ok(bytes) => {
                    let manifest = Manifest::parse(&bytes)?;
                    for (key, size, _) in manifest.stored() {
                        let there =
                            fs::metadata(folder.join(key)).with_context(|| format!("{folder:?} has no {key}"))?;
                        ensure!(there.len() == size, "{folder:?}: {key}");
                    }
                    ensure!(folder.join("SHA256SUMS").exists(), "{folder:?}");
                }
                Err(_) => ensure!(
                    folder.join("pruned.json").exists() || tree(&folder)?.is_empty(),
                    "{folder:?} is neither whole nor marked: {:?}",
                    tree(&folder)?
                ),
            }
        }
        Ok(())
    }
}

/// A record of a verification, as `verify` leaves it.
fn record(folder: &Path, manifest_sha256: &str, depth: &str, ok: bool, at: DateTime<Utc>) -> Result<()> {
    let record = Verification {
        at,
        depth: depth.to_owned(),
        ok,
        partial: false,
        errors: usize::from(!ok),
        manifest_sha256: manifest_sha256.to_owned(),
        tool: "supabackup 0.1.0".to_owned(),
    };
    fs::create_dir_all(folder.join("verified"))?;
    let name = format!("verified/{}-{depth}.json", at.format("%Y%m%dT%H%M%SZ"));
    Ok(fs::write(folder.join(name), serde_json::to_vec(&record)?)?)
}

fn set_age(file: &Path, modified: DateTime<Utc>) -> Result<()> {
    Ok(fs::File::options().write(true).open(file)?.set_modified(modified.into())?)
}

/// Every file below a directory, with its bytes.
pub(crate) fn tree(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.insert(path.clone(), fs::read(path)?);
            }
        }
    }
    Ok(found)
}

/// What `--json` says of one snapshot: `+` or `-`, and the codes of the reasons.
pub(crate) fn verdict(report: &Value, id: &SnapshotId) -> String {
    let projects = report["plan"]["projects"].as_array().into_iter().flatten();
    let mut decisions = projects.flat_map(|p| p["decisions"].as_array().into_iter().flatten());
    let Some(decision) = decisions.find(|d| d["id"] == id.as_str()) else { return "absent".to_owned() };
    let codes = decision["reasons"].as_array().into_iter().flatten().filter_map(|r| r["code"].as_str());
    format!("{} {}", if decision["keep"] == true { "+" } else { "-" }, codes.collect::<Vec<_>>().join(" "))
}

pub(crate) fn hours(n: i64) -> TimeDelta {
    TimeDelta::hours(n)
}

pub(crate) fn days(n: i64) -> TimeDelta {
    TimeDelta::days(n)
}
