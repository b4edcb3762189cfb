//! Buckets as stores, through the crate `object_store`: S3 and what speaks its protocol, Google Cloud
//! Storage, Azure Blob Storage.
//!
//! Some servers accept the condition "only if there is none" and replace the file all the same. So
//! before the first write of a run a file is created twice under a name of its own: where that works
//! twice, nothing is written, unless the URL says that there is one writer only.

mod build;
mod identity;
mod refusal;
mod upload;
mod url;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use reqwest::header::HeaderMap;
use tokio::sync::OnceCell;

use crate::store::{Entry, Key, Store, StoreError};

use refusal::{broke_off, told};
use upload::Writer;
pub use url::{Lock, ObjectUrl, Service};

/// Files that a look at the server's habits may leave are called so, and are not listed.
const PROBE: &str = ".supabackup-probe-";

/// A store in a bucket. Nothing is sent before it is used.
#[derive(Debug, Clone)]
pub struct BucketStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    url: ObjectUrl,
    client: Result<Arc<dyn ObjectStore>, String>,
    writer: OnceCell<Writer>,
    under_way: AtomicUsize,
}

/// Counts one write, which goes on even when nobody waits for it.
struct UnderWay(Arc<Inner>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl BucketStore {
    /// The store that `url` names.
    pub fn new(url: ObjectUrl) -> Self {
        let client = build::client(&url, HeaderMap::new());
        Self { inner: Arc::new(Inner { url, client, writer: OnceCell::new(), under_way: AtomicUsize::new(0) }) }
    }

    /// Writes, creates, reads, lists and deletes a file that is gone afterwards. False if it may not be
    /// deleted: then it stays.
    pub async fn check(&self) -> Result<bool, StoreError> {
        let inner = &self.inner;
        let writer = inner.writer().await?;
        self.folders("").await?;
        Ok(writer.deletes)
    }

    /// Runs a write to its end, whoever waits for it.
    async fn write<T: Send + 'static>(
        &self,
        doing: String,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.inner.under_way.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(Arc::clone(&self.inner));
        let work = async move {
            let _under_way = under_way;
            work.await
        };
        let done = tokio::spawn(work).await;
        done.unwrap_or_else(|stopped| Err(StoreError::Other { doing, reason: stopped.to_string() }))
    }

    /// Asks again where an answer broke off in its middle.
    async fn ask<T>(
        &self,
        doing: &str,
        question: impl Fn(Arc<dyn ObjectStore>) -> BoxFuture<'static, object_store::Result<T>> + Send + Sync,
    ) -> Result<T, StoreError> {
        let client = self.inner.client(doing)?;
        let access = &self.inner.url.access;
        let mut pause = access.first_delay;
        for tried in 0.. {
            match question(Arc::clone(client)).await {
                Ok(answer) => return Ok(answer),
                Err(error) if tried < access.retries && broke_off(&error) => {}
                Err(error) => return Err(told(doing.to_owned(), &error)),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(30));
        }
        Err(StoreError::Other { doing: doing.to_owned(), reason: "no try was allowed".to_owned() })
    }
}

impl Inner {
    fn client(&self, doing: &str) -> Result<&Arc<dyn ObjectStore>, StoreError> {
        let refused = |reason: &String| StoreError::Credentials { doing: doing.to_owned(), reason: reason.clone() };
        self.client.as_ref().map_err(refused)
    }

    /// What writes, once it is known how this server must be written to.
    async fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.get_or_try_init(|| Writer::find_out(self)).await
    }

    fn doing(&self, verb: &str, key: &str) -> String {
        match key.is_empty() {
            true => format!("{verb} {}", self.url),
            false => format!("{verb} {}/{key}", self.url),
        }
    }

    fn path(&self, key: &str) -> Path {
        match (self.url.prefix.as_str(), key) {
            ("", key) => Path::from(key),
            (prefix, "") => Path::from(prefix),
            (prefix, key) => Path::from(format!("{prefix}/{key}")),
        }
    }

    /// The path of a folder; the bucket itself has none.
    fn folder(&self, folder: &str) -> Result<Option<Path>, StoreError> {
        if !folder.is_empty() {
            Key::new(folder.strip_suffix('/').unwrap_or(folder))?;
        }
        let path = self.path(folder.trim_end_matches('/'));
        Ok((!path.as_ref().is_empty()).then_some(path))
    }

    /// A key as the store's users know it.
    fn key(&self, path: &Path) -> Option<String> {
        let key = match self.url.prefix.as_str() {
            "" => path.as_ref(),
            prefix => path.as_ref().strip_prefix(prefix)?.strip_prefix('/')?,
        };
        (!key.is_empty() && !key.starts_with(PROBE)).then(|| key.to_owned())
    }
}

#[async_trait]
impl Store for BucketStore {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let (inner, path, doing) =
            (Arc::clone(&self.inner), self.inner.path(key.as_str()), self.inner.doing("writing", key.as_str()));
        self.write(doing.clone(), async move { inner.writer().await?.put(&path, bytes, &doing).await }).await
    }

    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let (inner, path, doing) =
            (Arc::clone(&self.inner), self.inner.path(key.as_str()), self.inner.doing("creating", key.as_str()));
        self.write(doing.clone(), async move { inner.writer().await?.create(&path, bytes, &doing).await }).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let path = self.inner.path(key.as_str());
        let get = |client: Arc<dyn ObjectStore>| {
            let path = path.clone();
            async move { client.get(&path).await?.bytes().await }.boxed()
        };
        self.ask(&self.inner.doing("reading", key.as_str()), get).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let path = self.inner.folder(folder)?;
        let list = |client: Arc<dyn ObjectStore>| {
            let path = path.clone();
            async move { client.list(path.as_ref()).try_collect::<Vec<_>>().await }.boxed()
        };
        let all = self.ask(&self.inner.doing("listing", folder), list).await?;
        let below = path.as_ref().map(|path| format!("{path}/")).unwrap_or_default();
        let mut entries: Vec<Entry> = all
            .into_iter()
            // an empty file that stands for a folder is not below it
            .filter(|meta: &object_store::ObjectMeta| meta.location.as_ref().starts_with(&below))
            .filter_map(|meta| {
                Some(Entry { key: self.inner.key(&meta.location)?, size: meta.size, modified: meta.last_modified })
            })
            .collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let path = self.inner.folder(folder)?;
        let list = |client: Arc<dyn ObjectStore>| {
            let path = path.clone();
            async move { client.list_with_delimiter(path.as_ref()).await }.boxed()
        };
        let found = self.ask(&self.inner.doing("listing", folder), list).await?;
        let names = found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(names)
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let (inner, path, doing) =
            (Arc::clone(&self.inner), self.inner.path(key.as_str()), self.inner.doing("deleting", key.as_str()));
        let delete = async move {
            match inner.client(&doing)?.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(told(doing, &error)),
            }
        };
        self.write(self.inner.doing("deleting", key.as_str()), delete).await
    }

    async fn settled(&self) {
        while self.inner.under_way.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn describe(&self) -> String {
        self.inner.url.to_string()
    }
}
