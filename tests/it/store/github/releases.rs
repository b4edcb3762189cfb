//! What is special about releases.

use anyhow::{Result, ensure};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::json;
use supabackup::store::{Store, StoreError};

use super::super::{key, keys};
use super::{count, list, new_releases, releases, settings, twenty_rounds_of_two, url};
use supabackup::store::ReleaseStore;

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test]
async fn a_snapshot_is_a_draft_with_one_request_for_each_file() -> Result<()> {
    let (repo, store) = new_releases()?;
    for number in 0..8 {
        store.put(&key(&format!("p/20261123T093222Z-285f/sql/{number}.sql.zst"))?, bytes("x")).await?;
    }
    let state = repo.state()?;
    let releases: Vec<_> = list(&state, "releases").collect();
    ensure!(releases.len() == 1 && releases[0]["draft"] == true && releases[0]["prerelease"] == true, "{releases:?}");
    ensure!(releases[0]["name"] == "supabackup p/20261123T093222Z-285f", "{releases:?}");
    ensure!(count(&repo, "POST", "/assets")? == 8);
    let all = repo.requests()?.len();
    ensure!(all <= 8 + 5, "{all} requests for eight files");
    // reading back what was written needs no list
    repo.faults(&json!([{"method": "GET", "path": "/releases$", "status": 500, "times": 99}]))?;
    ensure!(store.get(&key("p/20261123T093222Z-285f/sql/3.sql.zst")?).await? == "x");
    Ok(())
}

#[tokio::test]
async fn of_two_runs_that_meet_one_wins() -> Result<()> {
    let (repo, one) = new_releases()?;
    twenty_rounds_of_two(&one, &releases(&repo)?).await
}

#[tokio::test]
async fn what_another_run_did_is_seen() -> Result<()> {
    let (repo, one) = new_releases()?;
    let other = releases(&repo)?;
    let at = key("p/s/pin.json")?;
    one.put(&at, bytes("first")).await?;
    ensure!(other.get(&at).await? == "first");
    one.put(&at, bytes("second")).await?;
    ensure!(other.get(&at).await? == "second", "an older version was read");
    other.delete(&at).await?;
    ensure!(matches!(one.get(&at).await, Err(StoreError::NotFound { .. })));
    ensure!(keys(&one, "").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_cut_upload_leaves_nothing_that_shows_and_is_swept() -> Result<()> {
    let (repo, store) = new_releases()?;
    store.put(&key("p/s/a")?, bytes("a")).await?;
    repo.faults(&json!([
        {"method": "POST", "path": "/assets$", "starter": true},
        {"method": "POST", "path": "/assets$", "lose": true},
    ]))?;
    // the first try leaves half an asset, and the answer to the second one gets lost
    store.put(&key("p/s/b")?, bytes("b")).await?;
    ensure!(store.get(&key("p/s/b")?).await? == "b");
    ensure!(keys(&store, "p").await? == ["p/s/a", "p/s/b"]);
    repo.faults(&json!([{"method": "POST", "path": "/assets$", "starter": true, "times": 99}]))?;
    let failed = store.put(&key("p/s/c")?, bytes("c")).await;
    ensure!(matches!(failed, Err(StoreError::Unreachable { .. })), "{failed:?}");
    ensure!(keys(&store, "p").await? == ["p/s/a", "p/s/b"], "a write that failed left something");
    Ok(())
}

#[tokio::test]
async fn a_creation_whose_answer_got_lost_is_ours_and_one_of_a_dead_run_is_not_waited_for_forever() -> Result<()> {
    let (repo, store) = new_releases()?;
    store.put(&key("p/s/a")?, bytes("a")).await?;
    repo.faults(&json!([{"method": "POST", "path": "/assets$", "lose": true}]))?;
    store.create(&key("p/s/manifest.json")?, bytes("m")).await?;
    ensure!(store.get(&key("p/s/manifest.json")?).await? == "m");
    ensure!(keys(&store, "p/s").await? == ["p/s/a", "p/s/manifest.json"]);
    repo.faults(&json!([{"method": "POST", "path": "/assets$", "starter": true}]))?;
    store.create(&key("p/s/other.json")?, bytes("o")).await?;
    ensure!(store.leftovers("p").await?.is_empty(), "its own first try is still there");
    Ok(())
}

#[tokio::test]
async fn half_an_upload_of_a_dead_run_is_a_leftover() -> Result<()> {
    let (repo, store) = new_releases()?;
    store.put(&key("p/s/a")?, bytes("a")).await?;
    // what a run leaves that died while it uploaded
    let state = repo.state()?;
    let id = list(&state, "releases").next().map(|release| release["id"].clone()).unwrap_or_default();
    let address =
        format!("{}/repos/{}/releases/{id}/assets?name=b", crate::support::GitHub::shared()?.uploads, repo.full());
    repo.faults(&json!([{"method": "POST", "path": "/assets$", "starter": true}]))?;
    let upload = reqwest::Client::new().post(address).bearer_auth(&repo.made.token).header("user-agent", "test");
    upload.header("content-type", "application/octet-stream").body("half").send().await?;
    let left = store.leftovers("p").await?;
    ensure!(left.len() == 1 && left[0].key == "p/s/b" && keys(&store, "p").await? == ["p/s/a"], "{left:?}");
    ensure!(store.sweep("p", left[0].modified).await?.is_empty(), "a newer one was swept");
    ensure!(store.sweep("p", DateTime::<Utc>::MAX_UTC).await? == left && store.leftovers("").await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_release_that_is_full_is_followed_by_another_one() -> Result<()> {
    let (repo, store) = new_releases()?;
    repo.set(&json!({"max_assets": 3}))?;
    for number in 0..7 {
        store.put(&key(&format!("p/s/{number}"))?, bytes("x")).await?;
    }
    ensure!(keys(&store, "p/s").await?.len() == 7);
    ensure!(list(&repo.state()?, "releases").count() == 3);
    let other = releases(&repo)?;
    ensure!(other.get(&key("p/s/6")?).await? == "x");
    ensure!(other.remove_folder("p/s").await? && keys(&store, "").await?.is_empty());
    ensure!(list(&repo.state()?, "releases").count() == 0);
    Ok(())
}

#[tokio::test]
async fn limits_and_a_server_out_of_breath_are_waited_for() -> Result<()> {
    let (repo, store) = new_releases()?;
    repo.faults(&json!([
        {"method": "GET", "path": "/releases$", "limited": 1},
        {"method": "POST", "path": "/releases$", "secondary": 1},
        {"method": "GET", "path": "/releases$", "status": 502, "times": 2},
        {"method": "POST", "path": "/assets$", "status": 503},
        {"host": "signed", "truncate": 1},
        {"host": "signed", "corrupt": true},
    ]))?;
    store.put(&key("p/s/a")?, bytes("text")).await?;
    ensure!(store.get(&key("p/s/a")?).await? == "text");
    ensure!(repo.faults_hit()?.iter().all(|hit| *hit > 0), "{:?}", repo.faults_hit()?);
    ensure!(list(&repo.state()?, "releases").count() == 1);
    // an hour is not waited for
    repo.faults(&json!([{"method": "GET", "path": "/releases$", "limited": 3000}]))?;
    let failed = store.list("").await.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(failed.contains("rate limit") && failed.contains("(until 2"), "{failed}");
    Ok(())
}

#[tokio::test]
async fn rights_that_lack_are_named() -> Result<()> {
    let (repo, _) = new_releases()?;
    let with = |token: String| -> Result<ReleaseStore> {
        let settings = supabackup::github::Settings { token: Some(token.into()), ..settings(&repo)? };
        Ok(ReleaseStore::new(url("github-release", &repo, settings)?))
    };
    let stranger = with("ghs_sentinel0123456789sentinel".to_owned())?.list("").await.err();
    ensure!(matches!(&stranger, Some(StoreError::Credentials { .. })), "{stranger:?}");
    ensure!(!format!("{stranger:?}").contains("sentinel"));
    let reader = with(repo.token(&json!({"metadata": "read"}))?)?;
    let denied = reader.put(&key("p/s/a")?, bytes("x")).await.err();
    ensure!(
        matches!(&denied, Some(StoreError::Denied { reason, .. }) if reason.contains("contents: write")),
        "{denied:?}"
    );
    repo.set(&json!({"visibility": "missing"}))?;
    let gone = releases(&repo)?.list("").await.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(gone.contains("there is no such repository"), "{gone}");
    repo.set(&json!({"visibility": "private"}))?;
    Ok(())
}
