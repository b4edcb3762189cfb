//! A directory of this machine as a store. A key is written to a temporary file beside its place,
//! synced, renamed into place, and the directory synced: the order that makes it whole and durable
//! on every Unix file system. Files are created with the rights that the process's umask gives.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::store::files::{Temporary, children, holds_a_key, nearest_existing, remove, rename_new, walk, write};
use crate::store::{Entry, Key, Store, StoreError, leftovers};

/// A store in a directory. The directory is made by the first write.
#[derive(Debug, Clone)]
pub struct DirStore {
    root: Arc<Path>,
    under_way: Arc<AtomicUsize>,
}

/// Counts one piece of work on the file system, which goes on even when nobody waits for it.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl DirStore {
    /// The store in `root`; nothing is touched yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: Arc::from(root.into()), under_way: Arc::default() }
    }

    /// Bytes that this user may still write there.
    pub async fn free_space(&self) -> Result<u64, StoreError> {
        let doing = format!("asking for free space in {}", self.describe());
        self.blocking(doing, |root| {
            let stat = rustix::fs::statvfs(nearest_existing(root))?;
            Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
        })
        .await
    }

    /// Writes and removes a file where the store is, or would be made.
    pub async fn check_writable(&self) -> Result<(), StoreError> {
        let doing = format!("writing to {}", self.describe());
        self.blocking(doing, |root| Temporary::write(nearest_existing(root), b"supabackup was here").map(drop)).await
    }

    /// Runs `work` where it may block, and names its failure.
    async fn blocking<T: Send + 'static>(
        &self,
        doing: String,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let root = Arc::clone(&self.root);
        let under_way = UnderWay::begin(&self.under_way);
        let work = move || {
            let _under_way = under_way;
            work(&root)
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(StoreError::io(doing, &error)),
            Err(stopped) => Err(StoreError::Other { doing, reason: stopped.to_string() }),
        }
    }

    fn doing(&self, verb: &str, key: &str) -> String {
        format!("{verb} {}", self.root.join(key).display())
    }
}

#[async_trait]
impl Store for DirStore {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let path = self.root.join(key.as_str());
        let write = move |_: &Path| write(&path, &bytes, |from, to| fs::rename(from, to));
        self.blocking(self.doing("writing", key.as_str()), write).await.map_err(not_absent)
    }

    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let path = self.root.join(key.as_str());
        let write = move |_: &Path| write(&path, &bytes, rename_new);
        self.blocking(self.doing("creating", key.as_str()), write).await.map_err(not_absent)
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let path = self.root.join(key.as_str());
        self.blocking(self.doing("reading", key.as_str()), move |_| {
            let absent =
                |e: io::Error| if e.kind() == ErrorKind::NotADirectory { ErrorKind::NotFound.into() } else { e };
            // A pipe in place of a part must not make the reader wait for ever.
            match fs::metadata(&path).map_err(absent)? {
                m if m.is_file() => fs::read(&path).map(Bytes::from),
                m if m.is_dir() => Err(ErrorKind::NotFound.into()),
                _ => Err(io::Error::other("it is not a regular file")),
            }
        })
        .await
    }

    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let (folder, _) = self.folder(folder)?;
        self.blocking(self.doing("listing", &folder), move |root| {
            let mut entries = walk(root, &folder)?;
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(entries)
        })
        .await
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let (folder, start) = self.folder(folder)?;
        self.blocking(self.doing("listing", &folder), move |_| {
            let mut names = Vec::new();
            for (name, path) in children(&start)? {
                if path.is_dir() && holds_a_key(&path)? {
                    names.push(name);
                }
            }
            names.sort();
            Ok(names)
        })
        .await
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let path = self.root.join(key.as_str());
        self.blocking(self.doing("deleting", key.as_str()), move |root| remove(root, &path)).await
    }

    async fn leftovers(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let (folder, start) = self.folder(folder)?;
        self.blocking(self.doing("looking for leftovers in", &folder), move |_| leftovers::find(&start, &folder)).await
    }

    async fn sweep(&self, folder: &str, before: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        let (folder, start) = self.folder(folder)?;
        let doing = self.doing("removing leftovers from", &folder);
        self.blocking(doing, move |root| leftovers::sweep(root, &start, &folder, before)).await
    }

    async fn settled(&self) {
        while self.under_way.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn describe(&self) -> String {
        format!("directory {}", self.root.display())
    }
}

impl DirStore {
    /// A folder's checked name and its path.
    fn folder(&self, name: &str) -> Result<(String, PathBuf), StoreError> {
        if name.is_empty() {
            return Ok((String::new(), self.root.to_path_buf()));
        }
        let folder = Key::new(name.strip_suffix('/').unwrap_or(name))?;
        Ok((folder.as_str().to_owned(), self.root.join(folder.as_str())))
    }
}

/// A write asks for no file that must be there, so "there is no such file" would mislead.
fn not_absent(error: StoreError) -> StoreError {
    match error {
        StoreError::NotFound { doing } => {
            StoreError::Other { doing, reason: "its directory cannot be made".to_owned() }
        }
        other => other,
    }
}
