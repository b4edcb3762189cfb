//! The schedule check, with what GitHub tells.

use anyhow::{Result, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{Watch, told_to};
use crate::sample::PROJECT;
use crate::support::github::GitHub;

#[tokio::test]
async fn the_schedule_check_asks_when_the_repository_was_touched_last() -> Result<()> {
    for (visibility, idle, state, permissions, expected) in [
        ("public", 10, "active", "read", None),
        ("public", 55, "active", "read", Some("warning schedule-idle backup")),
        ("public", 61, "active", "read", Some("error schedule-idle backup")),
        ("private", 300, "active", "read", None),
        ("public", 10, "disabled_inactivity", "read", Some("error schedule-off backup")),
        ("private", 10, "disabled_manually", "read", Some("error schedule-off backup")),
        // who may not ask for the workflow is told the rest
        ("private", 300, "active", "none", None),
        ("missing", 0, "active", "read", Some("warning not-checked schedule")),
    ] {
        let watch = Watch::with(json!({ "permissions": { "metadata": "read", "actions": permissions } })).await?;
        watch.shelf.daily(10)?;
        watch.repo.put("workflows", &json!({ "state": state }))?;
        let pushed = watch.shelf.now - TimeDelta::days(idle);
        watch
            .repo
            .set(&json!({ "visibility": visibility, "pushed_at": pushed.format("%Y-%m-%dT%H:%M:%SZ").to_string() }))?;
        let run = watch.shelf.run(&format!("monitor --json --project {PROJECT}"));
        let reference = format!("{}/.github/workflows/backup.yml@refs/heads/main", watch.repo.full());
        let run = told_to(run, &watch.repo, &GitHub::shared()?.api).env("GITHUB_WORKFLOW_REF", reference);
        let ran = run.env("GITHUB_EVENT_NAME", "schedule").env("GITHUB_WORKFLOW", "backup").go()?;
        let report: Value = serde_json::from_str(&ran.stdout)?;
        let of =
            |f: &&Value| f["code"].as_str().is_some_and(|c| c.starts_with("schedule")) || f["subject"] == "schedule";
        let found = report["findings"].as_array().into_iter().flatten().find(of);
        let text = |f: &Value, key: &str| f[key].as_str().unwrap_or("").to_owned();
        let found = found.map(|f| format!("{} {} {}", text(f, "severity"), text(f, "code"), text(f, "subject")));
        ensure!(found.as_deref() == expected, "{visibility} {idle} {state}: {found:?}, not {expected:?}");
    }
    // nobody gave a token
    let watch = Watch::new().await?;
    watch.shelf.daily(3)?;
    let run = watch.shelf.run(&format!("monitor --json --project {PROJECT}"));
    let run = run.env("GITHUB_EVENT_NAME", "schedule").env("GITHUB_REPOSITORY", watch.repo.full());
    let report = run.expect(0)?.stdout;
    ensure!(report.contains("there is no token to ask GitHub about"), "{report}");
    Ok(())
}
