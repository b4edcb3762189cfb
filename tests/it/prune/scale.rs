//! Ten thousand snapshots: seconds, and memory that does not grow with their number.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Shelf;
use crate::support::run::finished;

/// What one call took: time, peak of resident memory in KiB, standard output.
fn measured(shelf: &Shelf, arguments: &str) -> Result<(Duration, u64, String)> {
    let begun = Instant::now();
    let output = tempfile::NamedTempFile::new()?;
    let mut command = shelf.run(arguments).into_command();
    command.stdout(output.reopen()?);
    let mut child = command.spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let now = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(now.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = begun.elapsed();
    let ran = finished(child)?;
    ensure!(ran.code == 0, "{}", ran.stderr);
    Ok((took, peak, std::fs::read_to_string(output.path())?))
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "the figures, for whoever asks with --nocapture")]
async fn ten_thousand_snapshots_are_listed_and_planned_in_seconds() -> Result<()> {
    let shelf = Shelf::new().await?;
    for n in 0..10_000 {
        shelf.good(chrono::TimeDelta::minutes(53 * n))?;
    }
    let mut figures = String::new();
    for arguments in ["list", "list --json", "prune", "prune --json"] {
        let (took, peak, output) = measured(&shelf, arguments)?;
        figures += &format!("{arguments}: {:.1} s, {} MiB\n", took.as_secs_f64(), peak / 1024);
        ensure!(took < Duration::from_secs(40), "{figures}");
        ensure!(peak < 128 * 1024, "{figures}");
        if arguments == "prune --json" {
            let report: Value = serde_json::from_str(&output)?;
            let stay = report["plan"]["projects"][0]["decisions"].as_array().into_iter().flatten();
            ensure!(stay.filter(|d| d["keep"] == true).count() == 50);
        }
    }
    eprintln!("{figures}");
    Ok(())
}
