//! A prune that dies: every snapshot is whole or is none, and the next prune ends what was begun.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use supabackup::commands::prune::{apply, plan};
use supabackup::model::Retention;
use supabackup::store::{DirStore, Entry, Key, Store, StoreError};

use super::{Shelf, days, tree};
use crate::support::run::finished;

/// A directory that dies after so many changes: from then on nothing is written any more.
#[derive(Debug)]
pub(crate) struct Dying {
    store: DirStore,
    left: AtomicUsize,
}

impl Dying {
    pub(crate) fn new(root: &std::path::Path, changes: usize) -> Self {
        Self { store: DirStore::new(root), left: AtomicUsize::new(changes) }
    }

    fn lives(&self, key: &Key) -> Result<(), StoreError> {
        let alive = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        let dead = |_| StoreError::Unreachable { doing: format!("changing {key}"), reason: "power cut".to_owned() };
        alive.map(drop).map_err(dead)
    }
}

#[async_trait::async_trait]
impl Store for Dying {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.lives(key)?;
        self.store.put(key, bytes).await
    }
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.lives(key)?;
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
        self.lives(key)?;
        self.store.delete(key).await
    }
    async fn settled(&self) {
        self.store.settled().await;
    }
    fn describe(&self) -> String {
        self.store.describe()
    }
}

/// At every single step of the removal of two snapshots.
#[tokio::test]
async fn a_power_cut_at_every_step_leaves_whole_snapshots_and_the_next_prune_ends_it() -> Result<()> {
    let mut cuts = 0;
    loop {
        let shelf = Shelf::new().await?;
        shelf.daily(4)?;
        let (old, pinned) = (shelf.good(days(50))?, shelf.good(days(55))?);
        shelf.good(days(60))?;
        shelf.run(&format!("pin {pinned}")).expect(0)?;
        let whole = tree(&shelf.folder(&pinned))?;
        let store = Dying::new(shelf.root(), cuts);
        let planned = plan(&store, None, &Retention::default(), shelf.now).await?;
        ensure!(planned.removals().count() == 2);
        let died = apply(&store, planned).await.is_err();
        shelf.nothing_is_half().with_context(|| format!("after {cuts} changes"))?;
        let left = shelf.whole()?.len();
        ensure!((5..=7).contains(&left), "{left} after {cuts} changes");

        // what was begun is no snapshot, also while the project is frozen
        let ran = shelf.run("prune --apply").expect(0)?;
        ensure!(shelf.whole()?.len() == 5 && !shelf.folder(&old).exists(), "after {cuts} changes: {}", ran.stdout);
        let folders = std::fs::read_dir(shelf.root().join(crate::sample::PROJECT))?.count();
        ensure!(folders == 5 && tree(&shelf.folder(&pinned))? == whole, "after {cuts} changes");
        if !died {
            break;
        }
        cuts += 1;
    }
    // a mark, a manifest, ten more files and the mark again, twice
    ensure!(cuts >= 24, "only {cuts} steps");
    Ok(())
}

#[tokio::test]
async fn killed_at_any_moment_a_prune_leaves_whole_snapshots_and_the_next_one_ends_it() -> Result<()> {
    let mut took = Duration::ZERO;
    let mut cut = 0;
    for n in 0..14_u32 {
        let shelf = Shelf::new().await?;
        shelf.daily(30)?;
        for old in 31..71 {
            let id = shelf.good(days(old))?;
            if old % 10 == 0 {
                shelf.run(&format!("pin {id}")).expect(0)?;
            }
        }
        let begun = Instant::now();
        let mut child = shelf.run("prune --apply").start()?;
        if n > 0 {
            // evenly spread over the time that the first one took, which was not killed
            std::thread::sleep(took.mul_f64(f64::from(n) / 14.0));
            child.kill()?;
        }
        let ran = finished(child)?;
        if n == 0 {
            took = begun.elapsed();
        }
        shelf.nothing_is_half().with_context(|| format!("run {n}, killed after {:?} of {took:?}", begun.elapsed()))?;
        let (left, all) = (shelf.whole()?.len(), 70);
        cut += u32::from(left > 34 && left < all);
        ensure!(n > 0 || (ran.code == 0 && left == 34), "{left}: {}", ran.stdout);

        shelf.run("prune --apply").expect(0)?;
        ensure!(shelf.whole()?.len() == 34, "run {n}: {}", shelf.whole()?.len());
        // an empty folder may be left, which goes a day later
        let mut folders = std::fs::read_dir(shelf.root().join(crate::sample::PROJECT))?;
        let held =
            folders.try_fold(0, |held, folder| anyhow::Ok(held + u32::from(!tree(&folder?.path())?.is_empty())))?;
        ensure!(held == 34, "run {n}: something is left");
        ensure!(shelf.run("prune").expect(0)?.stdout.ends_with("nothing is to be removed\n"), "run {n}");
    }
    ensure!(cut >= 3, "only {cut} of the kills fell into the removal");
    Ok(())
}
