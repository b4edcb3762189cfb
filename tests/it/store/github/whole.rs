//! Whole runs of the binary with a repository as the store.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{list, roomy};
use crate::support::github::Repo;
use crate::support::{GitHub, Run, Stack};

fn in_step(run: Run, kind: &str, repo: &Repo) -> Result<Run> {
    let github = GitHub::shared()?;
    Ok(run
        .env("SUPABACKUP_STORE", format!("{kind}://{}", repo.full()))
        .env("GITHUB_API_URL", &github.api)
        .env("GITHUB_TOKEN", &repo.made.token)
        .env("GITHUB_REPOSITORY", repo.full())
        .env("GITHUB_RUN_ID", repo.made.run_id.to_string())
        .env("ACTIONS_RESULTS_URL", &github.results)
        .env("ACTIONS_RUNTIME_TOKEN", &repo.made.runtime_token))
}

/// Runs on several days, which verify and prune; then copies the newest snapshot out, and restores from it.
fn lives(kind: &str) -> Result<Repo> {
    let (stack, repo) = (Stack::up(&["--data", "sample"])?, roomy()?);
    let call = |args: &[&str], day: u32| {
        let clock = format!("2030-03-{:02}T03:15:00Z", day + 1);
        in_step(Run::new(args).on(&stack).env("SUPABACKUP_CLOCK", clock), kind, &repo)
    };
    let mut said = Vec::new();
    for day in 0..3 {
        let ran =
            call(&["run", "--keep-within", "30h", "--keep-floor", "1", "--recompress-budget", "0s"], day)?.expect(0)?;
        ensure!(ran.stdout.contains("verified (opened)"), "{}", ran.stdout);
        said.push(ran);
    }
    let listed = call(&["list", "--json"], 3)?.expect(0)?;
    let listed: Value = serde_json::from_str(&listed.stdout)?;
    let snapshots = listed["snapshots"].as_array().or_else(|| listed.as_array()).context("no list")?;
    ensure!(snapshots.len() == 2, "the first one was not pruned: {listed:#}");
    let copies = tempfile::tempdir()?;
    let place = copies.path().to_str().context("no UTF-8")?;
    said.push(call(&["copy", "latest", "--to", place], 3)?.expect(0)?);
    Run::new(&["verify", "latest", "--store", place]).expect(0)?;
    let reference = stack.get("SUPABASE_PROJECT_REF");
    let table = ["restore", "latest", "--schema", "public", "--mode", "insert-missing", "--confirm", reference];
    said.push(call(&table, 3)?.expect(0)?);
    for ran in said {
        let text = format!("{}{}", ran.stdout, ran.stderr);
        ensure!(!text.contains(&repo.made.token) && !text.contains(&repo.made.runtime_token), "a token was said");
    }
    Ok(repo)
}

#[test]
fn a_backup_lives_in_releases() -> Result<()> {
    let repo = lives("github-release")?;
    let state = repo.state()?;
    ensure!(list(&state, "releases").all(|release| release["draft"] == json!(true)));
    Ok(())
}

#[test]
fn a_backup_lives_in_artifacts() -> Result<()> {
    lives("github-artifact").map(drop)
}
