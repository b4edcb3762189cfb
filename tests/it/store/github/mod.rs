//! Stores on GitHub, against the GitHub of the tests.

mod artifacts;
mod guard;
mod releases;
mod whole;

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use supabackup::github::{Runner, Settings};
use supabackup::store::{Access, ArtifactStore, GithubUrl, ReleaseStore, Store, StoreUrl};

use crate::support::GitHub;
use crate::support::github::Repo;

/// A repository with room for what the suite does.
pub(super) fn roomy() -> Result<Repo> {
    let repo = GitHub::shared()?.repo_with(json!({"max_artifacts": 100_000}))?;
    repo.set(&json!({"rate": {"limit": 1_000_000, "remaining": 1_000_000}}))?;
    Ok(repo)
}

/// What a step of the repository's run is told.
pub(super) fn settings(repo: &Repo) -> Result<Settings> {
    let github = GitHub::shared()?;
    Ok(Settings {
        token: Some(repo.made.token.clone().into()),
        api: github.api.parse()?,
        server: "https://github.com".parse()?,
        repository: repo.full().parse().ok(),
        run_id: Some(repo.made.run_id),
        runner: Some(Runner { results: github.results.parse()?, token: repo.made.runtime_token.clone().into() }),
        retries: 4,
        first_delay: Duration::from_millis(10),
        timeout: Duration::from_secs(20),
    })
}

/// The store that a URL of this kind names, for whoever has these settings.
fn url(kind: &str, repo: &Repo, settings: Settings) -> Result<GithubUrl> {
    let access = Access { github: Ok(settings), ..Access::default() };
    let url = format!("{kind}://{}", repo.full()).parse::<StoreUrl>().and_then(|url| url.with_access(&access));
    match url.map_err(anyhow::Error::msg)? {
        StoreUrl::Github(url) => Ok(*url),
        other => anyhow::bail!("{other} is no repository"),
    }
}

/// Kept alive, the repository looks at all requests when it is dropped.
pub(super) fn new_releases() -> Result<(Repo, ReleaseStore)> {
    let repo = roomy()?;
    let store = releases(&repo)?;
    Ok((repo, store))
}

fn releases(repo: &Repo) -> Result<ReleaseStore> {
    Ok(ReleaseStore::new(url("github-release", repo, settings(repo)?)?))
}

pub(super) fn new_artifacts() -> Result<(Repo, ArtifactStore)> {
    let repo = roomy()?;
    let store = artifacts(&repo)?;
    Ok((repo, store))
}

fn artifacts(repo: &Repo) -> Result<ArtifactStore> {
    Ok(ArtifactStore::new(url("github-artifact", repo, settings(repo)?)?))
}

/// Two of one kind, as two runs have them.
async fn twenty_rounds_of_two(one: &dyn Store, other: &dyn Store) -> Result<()> {
    for round in 0..10 {
        let key = super::key(&format!("p/lease/{round:010}.json"))?;
        let (a, b) = tokio::join!(one.create(&key, "one".into()), other.create(&key, "other".into()));
        anyhow::ensure!(a.is_ok() != b.is_ok(), "round {round}: {a:?} {b:?}");
        let winner = if a.is_ok() { "one" } else { "other" };
        anyhow::ensure!(one.get(&key).await? == winner && other.get(&key).await? == winner, "round {round}");
    }
    Ok(())
}

/// Requests of a kind that came in.
fn count(repo: &Repo, method: &str, path: &str) -> Result<usize> {
    Ok(repo.requests()?.iter().filter(|request| request.method == method && request.path.contains(path)).count())
}

fn list<'a>(state: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    state[name].as_array().into_iter().flatten()
}
