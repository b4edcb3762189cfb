//! Records of verifications, and stores that hold several projects or fail.

use std::fs;

use anyhow::{Context, Result, ensure};
use supabackup::model::{Artifact, Depth, SnapshotState};
use supabackup::seal::Identities;
use supabackup::snapshot::{find, list_snapshots, record, verify};
use supabackup::store::{Store, StoreError};

use super::{Found, at_depth, expected, found, sample};
use crate::sample::{PROJECT, Sample};

#[tokio::test]
async fn a_verification_is_recorded_and_counts_only_for_the_manifest_it_saw() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    for (depth, second) in [(Depth::Opened, 1), (Depth::Hashed, 2), (Depth::Hashed, 2)] {
        let mut verified = at_depth(&sample, depth).await?;
        record(&sample.store, &mut verified, sample.manifest.finished + chrono::TimeDelta::seconds(second)).await;
        ensure!(verified.findings.is_empty(), "{:?}", verified.findings);
    }
    ensure!(sample.path("verified/20261123T031543Z-opened.json").exists());
    let listed = list_snapshots(&sample.store, None).await?;
    let last = listed[0].verified.clone().context("no record")?;
    ensure!(last.depth == "hashed" && last.ok && last.errors == 0);
    ensure!(found(&sample, Depth::Opened).await?.is_empty(), "records are nothing extra");
    sample.manifest.tool.push('x');
    sample.seal_manifest().await?;
    ensure!(list_snapshots(&sample.store, None).await?[0].verified.is_none());
    Ok(())
}

/// Refuses every write, as a store mounted read-only does, and cannot read one key, as a failing disk.
#[derive(Debug)]
struct Failing {
    store: supabackup::store::DirStore,
    unreadable: String,
}

#[async_trait::async_trait]
impl Store for Failing {
    async fn put(&self, key: &supabackup::store::Key, _: bytes::Bytes) -> Result<(), StoreError> {
        Err(StoreError::Denied { doing: format!("writing {key}"), reason: "read-only".to_owned() })
    }
    async fn create(&self, key: &supabackup::store::Key, bytes: bytes::Bytes) -> Result<(), StoreError> {
        self.put(key, bytes).await
    }
    async fn get(&self, key: &supabackup::store::Key) -> Result<bytes::Bytes, StoreError> {
        if !self.unreadable.is_empty() && key.as_str().ends_with(&self.unreadable) {
            return Err(StoreError::Other { doing: format!("reading {key}"), reason: "input/output error".to_owned() });
        }
        self.store.get(key).await
    }
    async fn list(&self, folder: &str) -> Result<Vec<supabackup::store::Entry>, StoreError> {
        self.store.list(folder).await
    }
    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.store.folders(folder).await
    }
    async fn delete(&self, key: &supabackup::store::Key) -> Result<(), StoreError> {
        self.put(key, bytes::Bytes::new()).await
    }
    async fn settled(&self) {
        self.store.settled().await;
    }
    fn describe(&self) -> String {
        self.store.describe()
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_written_can_still_be_verified() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let store = Failing { store: sample.store.clone(), unreadable: String::new() };
    let mut verified = verify(&store, &sample.keys, Depth::Opened, &Identities::default()).await?;
    record(&store, &mut verified, sample.manifest.finished).await;
    ensure!(verified.intact() && verified.findings.len() == 1 && verified.findings[0].code == "not-recorded");
    Ok(())
}

#[tokio::test]
async fn snapshots_are_found_by_name_and_by_age_over_several_projects() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let id = |text: &str| text.parse().map_err(anyhow::Error::msg);
    for text in ["20261123T031500Z-7f3a", "20261124T031500Z-0001"] {
        Sample::write_as(dir.path(), id(text)?, &[Artifact::Sql]).await?;
    }
    fs::create_dir_all(dir.path().join(PROJECT).join("20261125T031500Z-dead/sql"))?;
    fs::write(dir.path().join(PROJECT).join("20261125T031500Z-dead/sql/x"), "left by a killed run")?;
    fs::create_dir_all(dir.path().join("lost+found/x"))?;
    fs::write(dir.path().join("lost+found/x/y"), "")?;
    let store = supabackup::store::DirStore::new(dir.path());
    let latest = find(&store, None, None).await?;
    ensure!(latest.id().as_str() == "20261124T031500Z-0001");
    ensure!(find(&store, None, Some(&id("20261123T031500Z-7f3a")?)).await?.project() == PROJECT);
    ensure!(find(&store, None, Some(&id("20200101T000000Z-0000")?)).await.is_err());
    let states: Vec<_> = list_snapshots(&store, None).await?.into_iter().map(|s| s.state).collect();
    ensure!(states == [SnapshotState::Unfinished, SnapshotState::Complete, SnapshotState::Complete], "{states:?}");

    let copy = |from: &str, to: &str| -> Result<()> {
        fs::create_dir_all(dir.path().join(to))?;
        for file in ["manifest.json", "SHA256SUMS"] {
            fs::copy(dir.path().join(from).join(file), dir.path().join(to).join(file))?;
        }
        Ok(())
    };
    copy(&format!("{PROJECT}/20261123T031500Z-7f3a"), "zzz/20261123T031500Z-7f3a")?;
    let Err(several) = find(&store, None, None).await else { anyhow::bail!("latest of which project?") };
    ensure!(several.message.ends_with(&format!("holds several projects: {PROJECT}, zzz")), "{several}");
    ensure!(find(&store, Some("zzz"), None).await?.project() == "zzz");
    let Err(unknown) = find(&store, Some("../x"), None).await else { anyhow::bail!("found ../x") };
    ensure!(unknown.hint == Some(format!("it holds: {PROJECT}, zzz; name one with --project")), "{unknown:?}");

    copy(&format!("{PROJECT}/20261123T031500Z-7f3a"), "zzz/20261123T031500Z-0000")?;
    let moved = find(&store, Some("zzz"), Some(&id("20261123T031500Z-0000")?)).await?;
    let verified = verify(&store, &moved, Depth::Listed, &Identities::default()).await?;
    ensure!(verified.findings[0].code == "wrong-folder");
    Ok(())
}

#[tokio::test]
async fn a_part_that_cannot_be_read_does_not_keep_others_from_being_verified() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let (unreadable, gone) = (sample.part(0, 0)?.key.clone(), sample.part(1, 1)?.key.clone());
    fs::remove_file(sample.path(&gone))?;
    let store = Failing { store: sample.store.clone(), unreadable: unreadable.clone() };
    let keys = sample.keys.clone();
    // on another thread: whoever calls it may run it as a task
    let verified =
        tokio::spawn(async move { verify(&store, &keys, Depth::Opened, &Identities::default()).await }).await??;
    let found: Found = verified.findings.into_iter().map(|f| (f.code, f.subject)).collect();
    ensure!(found == expected(&[("part-missing", &gone), ("part-unreadable", &unreadable)]), "{found:?}");
    Ok(())
}
