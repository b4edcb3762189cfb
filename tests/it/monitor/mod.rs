//! `monitor` on real stores and on a real project: what it says, and with which exit code.

mod project;
mod screen;
mod store;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use supabackup::model::{Manifest, SnapshotId, Verification};
use supabackup::seal::sha256_hex;

use crate::support::Run;
use crate::support::run::snapshots;

/// Runs it with `--json`, which must end with this exit code.
fn report(run: Run, code: i32) -> Result<Value> {
    Ok(serde_json::from_str(&run.args(&["--json"]).expect(code)?.stdout)?)
}

/// The findings as `severity code subject`, without those that are only good to know.
fn serious(report: &Value) -> Vec<String> {
    let told = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap_or("?").to_owned();
        format!("{} {} {}", text("severity"), text("code"), text("subject"))
    };
    let findings = report["findings"].as_array().into_iter().flatten();
    findings.filter(|finding| finding["severity"] != "info").map(told).collect()
}

/// The message of the first finding with this code.
fn message<'a>(report: &'a Value, code: &str) -> &'a str {
    let mut findings = report["findings"].as_array().into_iter().flatten();
    findings.find(|finding| finding["code"] == code).and_then(|finding| finding["message"].as_str()).unwrap_or("")
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the same clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// One more copy of the newest snapshot, as if it had been taken and read back so long ago.
fn copy_back(store: &Path, age: TimeDelta) -> Result<SnapshotId> {
    let newest = snapshots(store)?.pop().context("there is no snapshot")?;
    let started = now() - age;
    let id = SnapshotId::new(started, 0xc0de);
    let folder = newest.parent().context("no project")?.join(id.as_str());
    let copied = std::process::Command::new("cp").arg("-a").args([&newest, &folder]).status()?;
    ensure!(copied.success(), "cp -a: {copied}");
    let mut manifest = Manifest::parse(&fs::read(folder.join("manifest.json"))?)?;
    (manifest.snapshot, manifest.started, manifest.finished) = (id.clone(), started, started);
    let bytes = manifest.to_bytes()?;
    fs::write(folder.join("manifest.json"), &bytes)?;
    let record = Verification {
        at: started,
        depth: "opened".to_owned(),
        ok: true,
        partial: false,
        errors: 0,
        manifest_sha256: sha256_hex(&bytes),
        tool: "supabackup 0.1.0".to_owned(),
    };
    fs::create_dir_all(folder.join("verified"))?;
    let name = format!("verified/{}-opened.json", started.format("%Y%m%dT%H%M%SZ"));
    fs::write(folder.join(name), serde_json::to_vec(&record)?)?;
    Ok(id)
}
