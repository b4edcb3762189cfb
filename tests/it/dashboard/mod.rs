//! `dashboard`: the page as a person meets it, in a real browser, and the commands that write it.

mod browser;
mod page;
mod written;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use serde_json::Value;
use supabackup::model::{Depth, Manifest, Missing, TableEntry, TableName};

use crate::prune::{Shelf, days, hours};
use crate::sample::column;
use crate::support::Run;

/// Names that would do something if they were anything but text.
const HOSTILE: [&str; 7] = [
    "</script><script>window.hostileScript=1</script>",
    "<img src=x onerror=\"window.hostileImage=1\">",
    "\"><svg onload=window.hostileAttribute=1>",
    "'; window.hostileQuote=1; //",
    "<!--<script>",
    "__proto__",
    "turned \u{202e}around\u{0} ]]> &lt;b&gt;",
];

/// What the page is opened with, installed by the project's own script.
fn modules() -> Result<PathBuf> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = INSTALLED.get_or_init(|| {
        let output = Command::new(root.join("tests/stack/stack")).args(["install", "browser"]).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    });
    installed.as_ref().map_err(|why| anyhow::anyhow!("installing the browser: {why}"))?;
    #[expect(clippy::disallowed_methods, reason = "where the stack's script installs, as it finds it itself")]
    let cache = std::env::var_os("STACK_CACHE").map_or(root.join("target/stack"), PathBuf::from);
    Ok(cache.join("browser/node_modules"))
}

/// Opens a page in Chromium, plays one of the stories of `browser.cjs`, and returns what it saw.
fn browse(file: &Path, story: &str) -> Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/dashboard/browser.cjs");
    let output = Command::new("node").arg(script).arg(modules()?).arg(file).arg(story).output().context("node")?;
    ensure!(output.status.success(), "{story}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Writes the page of a shelf's snapshots, as they are some minutes after the newest.
fn written(shelf: &Shelf, more: &[&str]) -> Result<PathBuf> {
    let file = shelf.dir.path().join("page/index.html");
    let path = file.to_str().context("path")?.to_owned();
    let run = Run::new(&["dashboard", &path]).args(more).store(shelf.root());
    run.args(&["--project", crate::sample::PROJECT]).env("SUPABACKUP_CLOCK", shelf.now.to_rfc3339()).expect(0)?;
    Ok(file)
}

/// A table with so many rows, and without parts: the page opens none.
fn entry(model: &Manifest, name: TableName, rows: u64) -> Result<TableEntry> {
    let mut entry = model.tables.first().context("no table")?.clone();
    (entry.name, entry.rows) = (name, rows);
    entry.parts = Vec::new();
    Ok(entry)
}

/// A hundred days of a project that grows, with everything that can happen to its snapshots.
fn eventful(shelf: &Shelf) -> Result<()> {
    let minutes = TimeDelta::minutes(20);
    for day in (0..100).rev() {
        if [40, 41, 7].contains(&day) {
            continue; // no run came
        }
        let depth = match day {
            12 => Some(Depth::Hashed),
            13 => None,
            _ => Some(Depth::Opened),
        };
        shelf.add_changed(days(day) + minutes, depth, |manifest| {
            let grown = 100 - u64::try_from(day).unwrap_or(0);
            for (number, table) in manifest.tables.iter_mut().enumerate() {
                table.rows += grown * grown * (number as u64 + 1);
            }
            if day < 50 {
                manifest.tables[0].columns.push(column("added", "text"));
            }
            if day < 20 {
                let model = manifest.clone();
                for (rows, name) in (7..).zip(HOSTILE) {
                    manifest.tables.extend(entry(&model, TableName::new("public", name), rows * grown).ok());
                }
            }
            if day == 3 {
                manifest.complete = false;
                let reason = format!("permission denied: {}", HOSTILE[0]);
                manifest.missing = vec![Missing { subject: format!("table {}", HOSTILE[1]), reason, fix: None }];
            }
            manifest.totals.rows = manifest.tables.iter().map(|table| table.rows).sum();
            manifest.totals.tables = manifest.tables.len() as u64;
            manifest.totals.stored_bytes = manifest.totals.rows * 21;
            manifest.totals.raw_bytes = manifest.totals.rows * 160;
        })?;
    }
    shelf.dead(days(9) - hours(3), days(9) - hours(3))?;
    let pinned = shelf.whole()?[60].clone();
    let pin = ["pin", pinned.as_str(), "--note", HOSTILE[2]];
    Run::new(&pin).store(shelf.root()).expect(0)?;
    Ok(())
}
