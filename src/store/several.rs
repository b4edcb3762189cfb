//! Several stores that get the same files. One that fails is out for the rest of the run, with its
//! reason; the others go on.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;

use crate::store::{Entry, Key, Store, StoreError};

/// What became of one of several stores.
#[derive(Debug, Clone)]
pub struct StoreOutcome {
    /// The store in a few words.
    pub store: String,
    /// Why it was given up; `None`: it has everything.
    pub failed: Option<StoreError>,
}

/// Writes go to every store, reads to the first that answers. A write fails only where every store
/// failed: with the store's own error if there is but one.
#[derive(Debug)]
pub struct Several {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    store: Arc<dyn Store>,
    failed: Mutex<Option<StoreError>>,
}

impl Member {
    fn failure(&self) -> Option<StoreError> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The first reason counts.
    fn give_up(&self, error: StoreError) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

impl Several {
    /// These stores, none of which failed yet.
    pub fn new(stores: impl IntoIterator<Item = Arc<dyn Store>>) -> Self {
        Self { members: stores.into_iter().map(|store| Member { store, failed: Mutex::default() }).collect() }
    }

    /// The stores, each with its place among them, that did not fail yet.
    pub fn standing(&self) -> Vec<(usize, &Arc<dyn Store>)> {
        let all = self.members.iter().enumerate();
        all.filter(|(_, member)| member.failure().is_none()).map(|(n, member)| (n, &member.store)).collect()
    }

    /// The store at this place, if it did not fail yet.
    pub fn at(&self, place: usize) -> Option<&Arc<dyn Store>> {
        self.members.get(place).filter(|member| member.failure().is_none()).map(|member| &member.store)
    }

    /// The stores that failed, each with the reason.
    pub fn failed(&self) -> Vec<(&Arc<dyn Store>, StoreError)> {
        self.members.iter().filter_map(|member| Some((&member.store, member.failure()?))).collect()
    }

    /// Every store, whatever became of it.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Store>> {
        self.members.iter().map(|member| &member.store)
    }

    /// Takes a store out: nothing more is written there. The error comes back if it was the last one.
    pub fn give_up(&self, place: usize, error: StoreError) -> Result<(), StoreError> {
        if let Some(member) = self.members.get(place) {
            member.give_up(error.clone());
        }
        if self.standing().is_empty() { Err(self.verdict(error)) } else { Ok(()) }
    }

    /// What became of each, in the order in which they were named.
    pub fn outcomes(&self) -> Vec<StoreOutcome> {
        let outcome = |member: &Member| StoreOutcome { store: member.store.describe(), failed: member.failure() };
        self.members.iter().map(outcome).collect()
    }

    /// What to say when no store is left.
    fn verdict(&self, last: StoreError) -> StoreError {
        let mut failed: Vec<StoreError> = self.failed().into_iter().map(|(_, error)| error).collect();
        match failed.len() {
            0 => last,
            1 => failed.remove(0),
            _ => StoreError::All { reasons: failed.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ") },
        }
    }

    /// The same write in every store that stands.
    async fn everywhere<'a, F>(&'a self, write: impl Fn(&'a dyn Store) -> F) -> Result<(), StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let standing = self.standing();
        let done = join_all(standing.iter().map(|&(_, store)| write(store.as_ref()))).await;
        let mut last = None;
        for ((place, _), result) in standing.into_iter().zip(done) {
            if let Err(error) = result {
                last = self.give_up(place, error).err();
            }
        }
        match last {
            Some(error) => Err(error),
            None if self.standing().is_empty() => Err(self.verdict(nobody())),
            None => Ok(()),
        }
    }

    /// The first answer; or the first store's error.
    async fn first<'a, T, F>(&'a self, read: impl Fn(&'a dyn Store) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut first = None;
        for (_, store) in self.standing() {
            match read(store.as_ref()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => drop(first.get_or_insert(error)),
            }
        }
        Err(first.unwrap_or_else(|| self.verdict(nobody())))
    }
}

fn nobody() -> StoreError {
    StoreError::All { reasons: "there is none".to_owned() }
}

#[async_trait]
impl Store for Several {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.everywhere(|store| store.put(key, bytes.clone())).await
    }

    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.everywhere(|store| store.create(key, bytes.clone())).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        self.first(|store| store.get(key)).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        self.first(|store| store.list(folder)).await
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.first(|store| store.folders(folder)).await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.everywhere(|store| store.delete(key)).await
    }

    async fn settled(&self) {
        join_all(self.all().map(|store| store.settled())).await;
    }

    fn describe(&self) -> String {
        self.all().map(|store| store.describe()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::DirStore;

    #[tokio::test]
    async fn a_single_store_fails_with_its_own_reason_however_often_it_is_asked() -> anyhow::Result<()> {
        let one = Several::new([Arc::new(DirStore::new("/proc/nowhere")) as Arc<dyn Store>]);
        let (key, mut told) = (Key::new("a/b")?, Vec::new());
        for _ in 0..2 {
            told.extend(one.put(&key, Bytes::new()).await.err());
        }
        assert!(told.len() == 2 && told[0] == told[1] && told[0].to_string().contains("/proc/nowhere"), "{told:?}");
        Ok(())
    }

    #[tokio::test]
    async fn the_others_go_on_without_the_one_that_failed() -> anyhow::Result<()> {
        let directory = tempfile::tempdir()?;
        let good: Arc<dyn Store> = Arc::new(DirStore::new(directory.path()));
        let several = Several::new([Arc::new(DirStore::new("/proc/nowhere")) as Arc<dyn Store>, Arc::clone(&good)]);
        let key = Key::new("a/b")?;
        several.put(&key, Bytes::from_static(b"x")).await?;
        assert_eq!(several.get(&key).await?, "x");
        let outcomes: Vec<bool> = several.outcomes().iter().map(|outcome| outcome.failed.is_some()).collect();
        assert_eq!((outcomes, several.standing().len()), (vec![true, false], 1));
        let last = StoreError::NotFound { doing: "reading".to_owned() };
        assert!(matches!(several.give_up(1, last), Err(StoreError::All { reasons }) if reasons.contains("; reading")));
        Ok(())
    }
}
