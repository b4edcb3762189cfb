//! A store for one run, which takes no write once the run is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::store::{Entry, Key, Store, StoreError};

/// Hands everything on to a store until it is shut. A task that is told to end runs on to its next await point, and
/// may begin a write on the way there: behind a shut gate that write fails, so what is removed then stays removed.
#[derive(Debug)]
pub struct Gate {
    store: Arc<dyn Store>,
    inside: AtomicUsize,
    shut: AtomicBool,
}

/// One write that got in.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// An open gate before `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, inside: AtomicUsize::new(0), shut: AtomicBool::new(false) }
    }

    /// Lets no further write in, and returns when none is under way.
    pub async fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
        while self.inside.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // those whose callers were dropped are no longer inside, but the store knows of them
        self.store.settled().await;
    }

    /// Counted first and asked afterwards: whoever shuts the gate in between waits for this write.
    fn enter(&self, doing: &str, key: &Key) -> Result<Inside<'_>, StoreError> {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let inside = Inside(&self.inside);
        if self.shut.load(Ordering::SeqCst) {
            let doing = format!("{doing} {key}");
            return Err(StoreError::Other { doing, reason: "the run is over".to_owned() });
        }
        Ok(inside)
    }
}

#[async_trait]
impl Store for Gate {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let _inside = self.enter("writing", key)?;
        self.store.put(key, bytes).await
    }

    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let _inside = self.enter("creating", key)?;
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
        self.store.delete(key).await
    }

    async fn settled(&self) {
        self.store.settled().await;
    }

    fn describe(&self) -> String {
        self.store.describe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DirStore;

    /// Many tasks write without a pause while the gate is shut: what is there then is all that ever comes.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nothing_comes_in_after_it_is_shut() -> anyhow::Result<()> {
        for round in 0..20 {
            let directory = tempfile::tempdir()?;
            let gate = Arc::new(Gate::new(Arc::new(DirStore::new(directory.path()))));
            let mut writers = tokio::task::JoinSet::new();
            for writer in 0..8 {
                let gate = Arc::clone(&gate);
                writers.spawn(async move {
                    for number in 0.. {
                        let key = Key::new(format!("{writer}/{number}"))?;
                        gate.put(&key, Bytes::from_static(b"x")).await?;
                    }
                    Ok::<(), StoreError>(())
                });
            }
            tokio::time::sleep(Duration::from_millis(round)).await;
            writers.abort_all();
            gate.shut().await;
            let there = gate.list("").await?;
            while writers.join_next().await.is_some() {}
            gate.settled().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert_eq!(there, gate.list("").await?, "round {round}");
            let late = gate.create(&Key::new("late")?, Bytes::new()).await;
            assert!(matches!(late, Err(StoreError::Other { reason, .. }) if reason == "the run is over"));
        }
        Ok(())
    }
}
