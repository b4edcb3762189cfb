//! Where parts live. A store moves whole byte strings under flat keys; it promises what
//! [`Store`] says in words, and every kind of store is held to it by one suite of tests. Nothing
//! here knows what a snapshot is.

mod access;
mod dir;
mod error;
mod files;
mod gate;
mod github;
mod key;
mod leftovers;
mod object;
mod several;
mod url;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

pub use access::{Access, Variables};
pub use dir::DirStore;
pub use error::StoreError;
pub use gate::Gate;
pub use github::{ArtifactStore, GithubKind, GithubUrl, ReleaseStore};
pub use key::Key;
pub use object::{BucketStore, Lock, ObjectUrl, Service};
pub use several::{Several, StoreOutcome};
pub use url::StoreUrl;

/// One stored byte string, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key as the store has it. Files that somebody else put there are shown too, and their
    /// names may be ones that [`Key`] refuses.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written, by the store's clock.
    pub modified: DateTime<Utc>,
}

/// A place that keeps byte strings under keys.
///
/// What every store promises:
/// - **Whole.** A reader sees all the bytes of one `put`, or those of another, or no key: never a
///   beginning, never a mixture, whatever dies at whatever moment. A `put` that failed left nothing
///   that a list shows, or the key as it was, or as it was to become.
/// - **Durable.** When a write or a delete returns, it survives the loss of power.
/// - **Seen at once.** What was written is read, and listed, by whoever asks after it returned.
/// - **One winner.** Of any number of `create`s of one key, from any number of machines, exactly
///   one succeeds.
/// - **Flat.** A folder is only a way to say "keys that begin like this": it exists exactly while
///   there is a key below it.
///
/// A folder is named without a `/` at its end (`""` is the root), and only whole segments count:
/// `a` is not the folder of `ab/c`.
#[async_trait]
pub trait Store: Send + Sync + Debug {
    /// Stores `bytes` under `key`, replacing what was there.
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError>;

    /// Like [`put`](Store::put), but never replaces: [`StoreError::AlreadyExists`] if there is such a key.
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError>;

    /// The bytes under `key`; [`StoreError::NotFound`] if there are none.
    async fn get(&self, key: &Key) -> Result<Bytes, StoreError>;

    /// Every key below a folder, at any depth, sorted by key. A folder that does not exist is empty.
    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError>;

    /// The names of the direct sub-folders of a folder, sorted.
    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError>;

    /// Removes `key`. That there is none is fine.
    async fn delete(&self, key: &Key) -> Result<(), StoreError>;

    /// What writes that died left behind and no list shows, below a folder, sorted by key. Their names
    /// are not keys. A store whose writes leave nothing has none.
    async fn leftovers(&self, _folder: &str) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }

    /// Removes the leftovers below a folder that were last written before `before`, and says which.
    /// Newer ones may belong to a write that is under way. Empty folders go along unmentioned.
    async fn sweep(&self, _folder: &str, _before: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }

    /// Removes a folder with everything below it in fewer steps than one for each file, what was written last at
    /// the end, where the store can do that and nobody else put anything there; else nothing happens, and the
    /// answer is false.
    async fn remove_folder(&self, _folder: &str) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// Returns when no write is under way any more whose caller was dropped. What comes in after it
    /// was asked for by somebody else.
    async fn settled(&self);

    /// The store in a few words for people; no secrets.
    fn describe(&self) -> String;
}

/// The store that a URL names. It is not contacted: a directory need not exist yet.
pub fn open(url: &StoreUrl) -> Arc<dyn Store> {
    match url {
        StoreUrl::Directory(path) => Arc::new(DirStore::new(path)),
        StoreUrl::Github(url) => match url.kind {
            GithubKind::Release => Arc::new(ReleaseStore::new((**url).clone())),
            GithubKind::Artifact => Arc::new(ArtifactStore::new((**url).clone())),
        },
        StoreUrl::Object(url) => Arc::new(BucketStore::new((**url).clone())),
    }
}
