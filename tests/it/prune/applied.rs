//! Stores that refuse, fail, or change while a plan is carried out; and leftovers of dead writes.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use supabackup::commands::prune::{apply, plan};
use supabackup::model::{PruneReport, Retention, SnapshotId};
use supabackup::store::{DirStore, Entry, Key, Store, StoreError};

use super::{Shelf, days, hours, set_age, tree};
use crate::sample::PROJECT;

/// An error, from what was being done.
type Refusal = fn(String) -> StoreError;

/// A directory that does not delete certain keys, or fails after so many changes, or does something
/// else at a certain one.
#[derive(Debug)]
struct Odd {
    store: DirStore,
    /// Deleting a key that holds this text fails so.
    refuses: Option<(&'static str, Refusal)>,
    /// When a key that holds this is written, this file is written before it.
    meanwhile: Mutex<Option<(&'static str, String)>>,
}

impl Odd {
    fn new(shelf: &Shelf) -> Self {
        Self { store: DirStore::new(shelf.root()), refuses: None, meanwhile: Mutex::default() }
    }

    async fn prune(&self, shelf: &Shelf) -> Result<PruneReport> {
        let plan = plan(self, None, &Retention::default(), shelf.now).await?;
        Ok(apply(self, plan).await?)
    }

    async fn happens(&self, key: &Key) -> Result<(), StoreError> {
        let due = self.meanwhile.lock().ok().and_then(|mut set| set.take_if(|(at, _)| key.as_str().contains(*at)));
        match due {
            Some((_, file)) => self.store.put(&Key::new(file)?, Bytes::from_static(b"{}")).await,
            None => Ok(()),
        }
    }
}

#[async_trait::async_trait]
impl Store for Odd {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.happens(key).await?;
        self.store.put(key, bytes).await
    }
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.store.create(key, bytes).await
    }
    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        self.store.get(key).await
    }
    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        self.store.list(folder).await
    }
    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.store.folders(folder).await
    }
    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        match &self.refuses {
            Some((text, error)) if key.as_str().contains(text) => Err(error(format!("deleting {key}"))),
            _ => self.store.delete(key).await,
        }
    }
    async fn settled(&self) {
        self.store.settled().await;
    }
    fn describe(&self) -> String {
        self.store.describe()
    }
}

fn codes(report: &PruneReport) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn locked(doing: String) -> StoreError {
    StoreError::Denied { doing, reason: "object is WORM protected".to_owned() }
}

fn broken(doing: String) -> StoreError {
    StoreError::Other { doing, reason: "input/output error".to_owned() }
}

fn gone(doing: String) -> StoreError {
    StoreError::Unreachable { doing, reason: "no route to host".to_owned() }
}

#[tokio::test]
async fn what_a_store_does_not_let_go_of_is_told_and_the_rest_goes() -> Result<()> {
    for (error, code) in [(locked as Refusal, "refused"), (broken, "not-removed")] {
        let shelf = Shelf::new().await?;
        shelf.daily(5)?;
        let olds = [shelf.good(days(50))?, shelf.good(days(60))?, shelf.good(days(70))?];
        // first the manifest: then it is as whole as before
        let before = tree(&shelf.folder(&olds[1]))?;
        let mut store = Odd::new(&shelf);
        store.refuses = Some(("manifest.json", error));
        let report = store.prune(&shelf).await?;
        ensure!(codes(&report) == [code; 3] && report.removed.is_empty(), "{report:?}");
        ensure!(report.findings[0].subject == format!("{PROJECT}/{}", olds[2]), "{:?}", report.findings);
        ensure!(tree(&shelf.folder(&olds[1]))? == before, "something of a refused snapshot is gone");
        // then a part: it is no snapshot any more, and the next one goes on
        store.refuses = Some(("json/public.orders-00002", error));
        let report = store.prune(&shelf).await?;
        ensure!(codes(&report) == [code; 3], "{report:?}");
        shelf.nothing_is_half()?;
        ensure!(shelf.whole()?.len() == 5);
        store.refuses = None;
        let report = store.prune(&shelf).await?;
        ensure!(report.findings.is_empty() && report.removed.len() == 3, "{report:?}");
        ensure!(olds.iter().all(|id| !shelf.folder(id).exists()));
    }
    Ok(())
}

#[tokio::test]
async fn a_store_that_does_not_answer_any_more_is_a_failure() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    shelf.good(days(50))?;
    let mut store = Odd::new(&shelf);
    store.refuses = Some(("manifest.json", gone));
    let plan = plan(&store, None, &Retention::default(), shelf.now).await?;
    let failure = apply(&store, plan).await.err().context("it went on")?;
    ensure!(failure.message.contains("no route to host") && failure.hint.is_some(), "{failure:?}");
    Ok(())
}

#[tokio::test]
async fn what_changed_since_the_plan_is_left_alone() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    let (old, dead) = (shelf.good(days(50))?, shelf.dead(days(20), days(20))?);
    let store = Odd::new(&shelf);
    let planned = plan(&store, None, &Retention::default(), shelf.now).await?;
    ensure!(planned.removals().count() == 2);
    // somebody pins the one in the very moment in which its removal begins, and the run was not dead
    let pin = format!("{PROJECT}/{old}/pin.json");
    *store.meanwhile.lock().map_err(|e| anyhow::anyhow!("{e}"))? = Some(("pruned.json", pin));
    fs::write(shelf.folder(&dead).join("sql/100-public.t-00002.sql.zst"), "more")?;
    let report = apply(&store, planned).await?;
    ensure!(codes(&report) == ["pinned-meanwhile", "in-use"] && report.removed.is_empty(), "{report:?}");
    shelf.nothing_is_half().ok();
    ensure!(shelf.folder(&old).join("manifest.json").exists() && !shelf.folder(&old).join("pruned.json").exists());
    ensure!(tree(&shelf.folder(&dead))?.len() == 2);
    Ok(())
}

#[tokio::test]
async fn files_of_others_stay_and_are_named() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    let old = shelf.good(days(50))?;
    fs::write(shelf.folder(&old).join("notes (copy) é.txt"), "mine")?;
    for _ in 0..2 {
        let ran = shelf.run("prune --apply").expect(0)?;
        ensure!(ran.stdout.contains("warning [foreign-files]"), "{}", ran.stdout);
        let left: Vec<String> = tree(&shelf.folder(&old))?
            .into_keys()
            .map(|p| p.display().to_string())
            .filter(|p| !p.contains("notes (copy)"))
            .collect();
        ensure!(left.len() == 1 && left[0].ends_with("pruned.json"), "{left:?}");
    }
    let listed = shelf.run("list").expect(0)?;
    ensure!(listed.stdout.contains(" pruned "), "{}", listed.stdout);
    ensure!(shelf.run("verify --all").expect(0)?.stderr.contains("or a removal"));
    let verified = shelf.run(&format!("verify {old}")).expect(4)?;
    ensure!(verified.stdout.contains("error [snapshot-pruned]"), "{}", verified.stdout);
    Ok(())
}

#[tokio::test]
async fn half_written_files_of_dead_runs_go_and_those_of_living_ones_stay() -> Result<()> {
    let shelf = Shelf::new().await?;
    let newest = shelf.daily(5)?.remove(0);
    let place = |inside: &str, age| -> Result<std::path::PathBuf> {
        let file = shelf.root().join(inside);
        fs::create_dir_all(file.parent().context("no parent")?)?;
        fs::write(&file, "half")?;
        set_age(&file, shelf.now - age)?;
        Ok(file)
    };
    let gone = [
        place(&format!("{PROJECT}/{newest}/sql/.tmp-0123456789abcdef"), hours(25))?,
        place("alone/20260101T000000Z-0000/json/.tmp-fedcba9876543210", days(200))?,
        place(".tmp-00000000000000ff", hours(30))?,
    ];
    let stays = [
        place(&format!("{PROJECT}/{newest}/sql/.tmp-0123456789abcdee"), hours(23))?,
        place(&format!("{PROJECT}/.tmp-somebodys"), days(99))?,
        place(&format!("{PROJECT}/.tmp-0123456789ABCDEF"), days(99))?,
        place(&format!("{PROJECT}/x.tmp-0123456789abcdef"), days(99))?,
    ];
    let before = tree(shelf.root())?;
    let ran = shelf.run("prune").expect(0)?;
    ensure!(ran.stdout.contains("0 snapshots, 3 half-written files of dead runs would be removed"), "{}", ran.stdout);
    ensure!(tree(shelf.root())? == before);
    let ran = shelf.run("prune --apply").expect(0)?;
    ensure!(ran.stdout.ends_with("removed 0 snapshots, 3 half-written files of dead runs (12 B)\n"), "{}", ran.stdout);
    ensure!(gone.iter().all(|file| !file.exists()) && stays.iter().all(|file| file.exists()));
    ensure!(!shelf.root().join("alone").exists(), "an empty folder is left");
    Ok(())
}

/// Two at once: each removal is done by one of them or by both, and nothing else happens.
#[tokio::test]
async fn two_prunes_at_once_do_what_one_does() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(45)?;
    let runs = [shelf.run("prune --apply").start()?, shelf.run("prune --apply").start()?];
    for child in runs {
        let ran = crate::support::run::finished(child)?;
        ensure!(ran.code == 0, "{} {}", ran.stdout, ran.stderr);
    }
    shelf.nothing_is_half()?;
    ensure!(shelf.whole()?.len() == 30, "{}", shelf.whole()?.len());
    let left: BTreeSet<SnapshotId> = shelf.whole()?.into_iter().collect();
    let oldest: DateTime<Utc> = left.first().map(SnapshotId::started).context("none")?;
    ensure!(shelf.now - oldest <= days(30) && fs::read_dir(shelf.root().join(PROJECT))?.count() == 30);
    Ok(())
}
