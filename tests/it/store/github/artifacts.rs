//! What is special about artifacts.

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use serde_json::json;
use supabackup::github::Settings;
use supabackup::store::{ArtifactStore, Store, StoreError};
use tokio::time::timeout;

use super::super::{key, keys};
use super::{artifacts, list, new_artifacts, settings, twenty_rounds_of_two, url};

fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Nothing here takes this long.
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_file_is_an_artifact_as_it_is() -> Result<()> {
    let (repo, store) = new_artifacts()?;
    let at = key("p/20261123T093222Z-285f/SHA256SUMS")?;
    store.put(&at, bytes("text")).await?;
    let state = repo.state()?;
    let found: Vec<_> = list(&state, "artifacts").collect();
    ensure!(found.len() == 1 && found[0]["size_in_bytes"] == 4, "{found:?}");
    // another process, which has no runner, reads and prunes it, and says why it cannot write
    let alone = Settings { runner: None, ..settings(&repo)? };
    let other = ArtifactStore::new(url("github-artifact", &repo, alone)?);
    ensure!(other.get(&at).await? == "text" && keys(&other, "p").await?.len() == 1);
    let denied = other.put(&at, bytes("x")).await.err();
    ensure!(
        matches!(&denied, Some(StoreError::Denied { reason, .. }) if reason.contains("ACTIONS_RUNTIME_TOKEN")),
        "{denied:?}"
    );
    other.delete(&at).await?;
    ensure!(matches!(store.get(&at).await, Err(StoreError::NotFound { .. })));
    Ok(())
}

#[tokio::test]
async fn of_two_that_meet_one_wins() -> Result<()> {
    let (repo, one) = new_artifacts()?;
    timeout(LONG, twenty_rounds_of_two(&one, &artifacts(&repo)?)).await?
}

#[tokio::test]
async fn an_upload_whose_answer_got_lost_is_found_or_made_again() -> Result<()> {
    let (repo, store) = new_artifacts()?;
    for (number, fault) in [
        json!({"host": "results", "path": "/CreateArtifact$", "lose": true}),
        json!({"host": "results", "path": "/CreateArtifact$", "status": 503}),
        json!({"host": "results", "path": "/FinalizeArtifact$", "lose": true}),
        json!({"host": "results", "path": "/FinalizeArtifact$", "cut": true}),
        json!({"host": "signed", "method": "PUT", "cut": true}),
        json!({"host": "signed", "method": "PUT", "status": 503}),
    ]
    .into_iter()
    .enumerate()
    {
        let (put, create) = (key(&format!("p/s/put-{number}"))?, key(&format!("p/s/create-{number}"))?);
        for (at, creates) in [(put, false), (create, true)] {
            repo.faults(&json!([fault]))?;
            let written = async {
                if creates { store.create(&at, bytes("text")).await } else { store.put(&at, bytes("text")).await }
            };
            timeout(LONG, written).await??;
            ensure!(store.get(&at).await? == "text", "{fault}");
        }
    }
    ensure!(keys(&store, "p/s").await?.len() == 12);
    ensure!(repo.faults_hit()?.iter().all(|hit| *hit == 1));
    Ok(())
}

#[tokio::test]
async fn what_expired_or_went_away_is_not_there() -> Result<()> {
    let (repo, store) = new_artifacts()?;
    store.put(&key("p/s/a")?, bytes("a")).await?;
    repo.put("artifacts", &json!({"name": "supabackup.p__s__b", "text": "b", "expired": true}))?;
    repo.put("artifacts", &json!({"name": "test-report", "text": "not ours"}))?;
    ensure!(keys(&store, "").await? == ["p/s/a"]);
    ensure!(matches!(store.get(&key("p/s/b")?).await, Err(StoreError::NotFound { .. })));
    // somebody else removes it, and adds one: the number of all is what it was
    artifacts(&repo)?.delete(&key("p/s/a")?).await?;
    repo.put("artifacts", &json!({"name": "supabackup.p__s__c", "text": "c"}))?;
    ensure!(keys(&store, "").await? == ["p/s/c"], "{:?}", keys(&store, "").await?);
    Ok(())
}

#[tokio::test]
async fn a_job_that_has_all_the_artifacts_that_it_may_have_is_full() -> Result<()> {
    let (repo, store) = new_artifacts()?;
    repo.set(&json!({"max_artifacts": 2}))?;
    for name in ["p/s/a", "p/s/b"] {
        store.put(&key(name)?, bytes("x")).await?;
    }
    let full = store.put(&key("p/s/c")?, bytes("x")).await.err();
    ensure!(matches!(&full, Some(StoreError::Full { reason, .. }) if reason.contains("500 artifacts")), "{full:?}");
    Ok(())
}
