//! Releases as a store. Each snapshot's folder is a draft, and each file of it an asset.
//!
//! What GitHub does not promise, and how the store's promises are kept all the same:
//! - A file cannot be replaced. So a newer version gets a name of its own, is there before the older one goes,
//!   and the newest counts: an asset's number only ever grows.
//! - An upload that was cut off leaves an asset that is not `uploaded`. No list here shows it, it takes no
//!   name that a later try needs, and [`Store::sweep`] removes it.
//! - Drafts may share a tag. Of two that two runs made in one moment the first one counts, and whoever created
//!   a file looks afterwards whether there is another one of that key: then it withdraws, and tries again.

mod inner;
mod view;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use crate::store::github::tasks::Tasks;
use crate::store::github::{GithubUrl, below, folder_of};
use crate::store::{Entry, Key, Store, StoreError};

use inner::Inner;
use view::{joined, split};
use write::Write;

/// A store in a repository's releases. Nothing is sent before it is used.
#[derive(Debug, Clone)]
pub struct ReleaseStore {
    inner: Arc<Inner>,
    tasks: Tasks,
}

/// Whether a group can hold keys below a folder.
fn concerns(group: &str, folder: &str) -> bool {
    let below = |text: &str, folder: &str| {
        text.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    folder.is_empty() || below(group, folder) || below(folder, group) || group.is_empty()
}

impl ReleaseStore {
    /// The store that `url` names.
    pub fn new(url: GithubUrl) -> Self {
        Self { inner: Arc::new(Inner::new(url)), tasks: Tasks::default() }
    }

    /// Uploads that did not end, below a folder.
    fn unfinished(&self, folder: &str) -> Vec<(u64, Entry)> {
        let found = self.inner.view().unfinished(|group| concerns(group, folder));
        let mut entries: Vec<(u64, Entry)> = found
            .into_iter()
            .map(|(group, asset)| {
                let key = joined(&group, &asset.name);
                (asset.id, Entry { key, size: asset.size, modified: asset.created_at })
            })
            .filter(|(_, entry)| below(&entry.key, folder).is_some())
            .collect();
        entries.sort_by(|(_, a), (_, b)| a.key.cmp(&b.key));
        entries
    }
}

#[async_trait]
impl Store for ReleaseStore {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let write = Write::new(&self.inner, key, bytes, "writing")?;
        self.tasks.run(write.doing(), write.put()).await
    }

    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let write = Write::new(&self.inner, key, bytes, "creating")?;
        self.tasks.run(write.doing(), write.create()).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let doing = self.inner.doing("reading", key.as_str());
        let (group, rest) = split(key.as_str());
        // a file is never changed: one that was seen and is still there holds what it held
        for is_fresh in [false, true, true, true] {
            if is_fresh {
                self.inner.look(&doing).await?;
            }
            let newest = self.inner.view().versions(group, rest).pop();
            let Some((asset, name)) = newest.and_then(|asset| asset.named().map(|name| (asset, name))) else {
                if is_fresh {
                    break;
                }
                continue;
            };
            if let Some(bytes) = self.inner.bytes(&asset, &name, &doing).await? {
                return Ok(bytes);
            }
            // replaced or removed by somebody else
            self.inner.view().remove(asset.id);
        }
        Err(StoreError::NotFound { doing })
    }

    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let folder = folder_of(folder)?;
        self.inner.look(&self.inner.doing("listing", folder)).await?;
        let found = self.inner.view().newest(|group| concerns(group, folder));
        let entries = found.into_iter().filter(|(key, _)| below(key, folder).is_some()).map(|(key, version)| Entry {
            key,
            size: if version.name.is_empty { 0 } else { version.asset.size },
            modified: version.asset.updated_at,
        });
        Ok(entries.collect())
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let folder = folder_of(folder)?;
        self.inner.look(&self.inner.doing("listing", folder)).await?;
        let found = self.inner.view().newest(|group| concerns(group, folder));
        let names = found.keys().filter_map(|key| below(key, folder)?.split_once('/').map(|(name, _)| name.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let doing = self.inner.doing("deleting", key.as_str());
        let (inner, key, task) = (Arc::clone(&self.inner), key.clone(), doing.clone());
        let delete = async move {
            let (group, rest) = split(key.as_str());
            inner.look(&task).await?;
            let versions = inner.view().versions(group, rest);
            // the oldest first: what is left of a removal that was cut off is the newest, as before
            for asset in versions {
                inner.discard(asset.id, &task).await?;
            }
            Ok(())
        };
        self.tasks.run(doing, delete).await
    }

    async fn leftovers(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let folder = folder_of(folder)?;
        self.inner.look(&self.inner.doing("listing", folder)).await?;
        Ok(self.unfinished(folder).into_iter().map(|(_, entry)| entry).collect())
    }

    async fn sweep(&self, folder: &str, before: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        let folder = folder_of(folder)?;
        let doing = self.inner.doing("tidying up", folder);
        self.inner.look(&doing).await?;
        let mut swept = Vec::new();
        for (id, entry) in self.unfinished(folder) {
            if entry.modified < before {
                self.inner.discard(id, &doing).await?;
                swept.push(entry);
            }
        }
        Ok(swept)
    }

    async fn remove_folder(&self, folder: &str) -> Result<bool, StoreError> {
        let folder = folder_of(folder)?;
        let doing = self.inner.doing("removing", folder);
        // only what is two levels deep is in releases of its own
        if folder.matches('/').count() != 1 {
            return Ok(false);
        }
        self.inner.look(&doing).await?;
        let releases: Vec<u64> = {
            let view = self.inner.view();
            let is_foreign = |asset: &view::Asset| asset.is_uploaded() && asset.named().is_none();
            if view.group(folder).any(|shard| shard.assets.values().any(is_foreign)) {
                return Ok(false);
            }
            view.group(folder).map(|shard| shard.id).collect()
        };
        // the last first: a removal that is cut off has taken whole releases
        for release in releases.iter().rev() {
            self.inner.discard_release(*release, &doing).await?;
        }
        Ok(!releases.is_empty())
    }

    async fn settled(&self) {
        self.tasks.settled().await;
    }

    fn describe(&self) -> String {
        self.inner.url.to_string()
    }
}
