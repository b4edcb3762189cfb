//! What `monitor` and `run` tell others: issues on GitHub, and channels.

mod channels;
mod issues;
mod listener;
mod refused;
mod schedule;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::prune::Shelf;
use crate::sample::PROJECT;
use crate::support::Run;
use crate::support::github::{GitHub, Repo, Request};
use crate::support::run::Ran;

/// A watched store, and a repository, on a clock that both share.
struct Watch {
    shelf: Shelf,
    repo: Repo,
}

impl Watch {
    async fn new() -> Result<Self> {
        Self::with(json!({})).await
    }

    async fn with(settings: Value) -> Result<Self> {
        Ok(Self { shelf: Shelf::new().await?, repo: GitHub::shared()?.repo_with(settings)? })
    }

    fn at(&self, hours: f64) -> DateTime<Utc> {
        self.shelf.now + TimeDelta::seconds((hours * 3600.0) as i64)
    }

    /// A good snapshot of that hour.
    fn backs_up(&self, hours: f64) -> Result<()> {
        self.shelf.good(self.shelf.now - self.at(hours)).map(drop)
    }

    /// `monitor` with issues at that hour, to be started.
    fn monitor(&self, hours: f64) -> Result<Run> {
        let now = self.at(hours).format("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.repo.set(&json!({ "now": now }))?;
        let run = self.shelf.run(&format!("monitor --github-issues --project {PROJECT}"));
        Ok(told_to(run, &self.repo, &GitHub::shared()?.api).env("SUPABACKUP_CLOCK", now))
    }

    /// It looks, and this is what it says.
    fn looks(&self, hours: f64, code: i32) -> Result<Ran> {
        self.monitor(hours)?.expect(code)
    }

    /// The issue with this number, as GitHub has it.
    fn issue(&self, number: u64) -> Result<Value> {
        let state = self.repo.state()?;
        let issue = state["issues"].as_array().into_iter().flatten().find(|issue| issue["number"] == number);
        issue.cloned().with_context(|| format!("there is no issue {number}: {}", state["issues"]))
    }

    fn issues(&self) -> Result<usize> {
        Ok(self.repo.state()?["issues"].as_array().map_or(0, Vec::len))
    }

    /// The comments of all issues, oldest first.
    fn comments(&self) -> Result<Vec<String>> {
        let state = self.repo.state()?;
        let comments = state["comments"].as_array().into_iter().flatten();
        Ok(comments.filter_map(|comment| comment["body"].as_str()).map(str::to_owned).collect())
    }

    /// Requests that changed something, as `METHOD rest`; each is told once.
    fn writes(&self, seen: &mut usize) -> Result<Vec<String>> {
        let all = self.repo.requests()?;
        let prefix = format!("/repos/{}", self.repo.full());
        let new = all.iter().skip(*seen).filter(|request| request.method != "GET");
        let told = |r: &Request| format!("{} {}", r.method, r.path.strip_prefix(&prefix).unwrap_or(&r.path));
        let told = new.map(told).collect();
        *seen = all.len();
        Ok(told)
    }

    /// What a person does to an issue.
    fn person(&self, number: u64, patch: &Value) -> Result<()> {
        let output = std::process::Command::new("curl")
            .args([
                "-sS",
                "--fail-with-body",
                "-X",
                "PATCH",
                "-H",
                &format!("Authorization: Bearer {}", self.repo.made.token),
            ])
            .args(["-H", "Content-Type: application/json", "-d", &patch.to_string()])
            .arg(self.repo.url(&format!("/issues/{number}")))
            .output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        Ok(())
    }
}

/// With the repository and its token, as a runner sets them.
fn told_to(run: Run, repo: &Repo, api: &str) -> Run {
    run.env("GITHUB_API_URL", api)
        .env("GITHUB_REPOSITORY", repo.full())
        .env("GITHUB_TOKEN", &repo.made.token)
        .env("GITHUB_RUN_ID", "4711")
        .env("SUPABACKUP_RETRY_DELAY", "10ms")
}

/// The `not-told` findings of a report: `subject: message (hint)`.
fn not_told(ran: &Ran) -> Result<Vec<String>> {
    let report: Value = serde_json::from_str(&ran.stdout).with_context(|| format!("{ran:?}"))?;
    let findings = report["findings"].as_array().into_iter().flatten().filter(|finding| finding["code"] == "not-told");
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or("").to_owned();
    let told = |f: &Value| {
        format!("{} {}: {} ({})", text(f, "severity"), text(f, "subject"), text(f, "message"), text(f, "hint"))
    };
    Ok(findings.map(told).collect())
}
