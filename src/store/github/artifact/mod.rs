//! Artifacts of workflow runs as a store. Each stored file is one artifact, as it is and not in an archive:
//! written through the runner's service, which only a step of a run sees; listed, read and removed over the API.
//!
//! What GitHub does not promise, and how the store's promises are kept all the same:
//! - A file cannot be replaced. So a newer version is there before the older one goes, and the newest counts.
//! - A name is taken within one run only. So whoever created a file looks afterwards whether there is another
//!   one of that key, from whatever run: then it withdraws, and tries again. Never do both go on, as long as
//!   the list shows what was finished before it was asked for.

mod runner;
mod view;
mod write;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use crate::github::{Ask, Github, Reason};
use crate::store::github::tasks::Tasks;
use crate::store::github::{GithubUrl, Page, below, download, folder_of, is_there, is_whole, page, remove, told};
use crate::store::{Entry, Key, Store, StoreError};

use runner::Service;
use view::{Listed, View, read_name};

const READ: &str = "actions: read";
const WRITE: &str = "actions: write";

/// Artifacts in one answer.
const PAGE: usize = 100;
/// More answers than this are somebody's mistake.
const PAGES: usize = 1000;

/// Artifacts that are removed at once.
const AT_ONCE: usize = 8;

/// Why nothing can be written.
const NO_RUNNER: &str = "artifacts are written by a step of a workflow's run only, and this is none that sees the runner's artifact \
     service (ACTIONS_RUNTIME_TOKEN and ACTIONS_RESULTS_URL): it is there in a Docker action, not in a `run:` step";

/// A store in a repository's artifacts. Nothing is sent before it is used.
#[derive(Debug, Clone)]
pub struct ArtifactStore {
    inner: Arc<Inner>,
    tasks: Tasks,
}

#[derive(Debug)]
struct Inner {
    url: GithubUrl,
    client: OnceCell<Github>,
    service: OnceCell<Service>,
    view: Mutex<View>,
    /// What the newest page of the list was marked with; held while the next one is made.
    etag: tokio::sync::Mutex<Option<String>>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// Names that we gave up: nobody says that a run gives them twice.
    freed: Mutex<HashSet<String>>,
}

impl Inner {
    async fn github(&self, doing: &str) -> Result<&Github, StoreError> {
        let make = async || Github::new(self.url.settings.as_ref().ok_or("nobody said where GitHub is")?);
        let refused = |reason: String| StoreError::Credentials { doing: doing.to_owned(), reason };
        self.client.get_or_try_init(make).await.map_err(refused)
    }

    /// What writes, where this is a step of a run of that repository.
    async fn service(&self, doing: &str) -> Result<&Service, StoreError> {
        let make = async || {
            let settings = self.url.settings.as_ref().ok_or("nobody said where GitHub is")?;
            let runner = settings.runner.as_ref().ok_or(NO_RUNNER)?;
            match &settings.repository {
                Some(repository) if *repository != self.url.repository => Err(format!(
                    "this run belongs to {repository}, and artifacts are written to the run's own repository only"
                )),
                _ => Service::new(settings, runner),
            }
        };
        let refused = |reason: String| StoreError::Denied { doing: doing.to_owned(), reason };
        self.service.get_or_try_init(make).await.map_err(refused)
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doing(&self, verb: &str, key: &str) -> String {
        match key.is_empty() {
            true => format!("{verb} {}", self.url),
            false => format!("{verb} {}/{key}", self.url),
        }
    }

    fn route(&self, rest: &str) -> String {
        format!("/repos/{}/actions/artifacts{rest}", self.url.repository)
    }

    /// Looks at all artifacts, unless somebody began to do so after this was called. The newest come first: where
    /// their number is right with those that were known, nothing else has changed.
    async fn look(&self, doing: &str) -> Result<(), StoreError> {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut etag = self.etag.lock().await;
        if self.ended.load(Ordering::SeqCst) > asked {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        self.view().remember();
        let known = if self.view().len() > 0 { etag.take() } else { None };
        let (total, marked) = match self.newest(doing, known.as_deref(), false).await? {
            Some(found) => found,
            None => {
                *etag = known;
                self.confirm(doing).await?;
                self.ended.store(number, Ordering::SeqCst);
                return Ok(());
            }
        };
        let mut marked = marked;
        if total != self.view().len() {
            // something went away, or two lists did not fit together
            self.view().clear();
            if let Some((_, again)) = self.newest(doing, None, true).await? {
                marked = again;
            }
        }
        *etag = marked;
        self.confirm(doing).await?;
        self.ended.store(number, Ordering::SeqCst);
        Ok(())
    }

    /// A list may lag behind what we wrote, and somebody may have removed it: the artifact itself tells which.
    async fn confirm(&self, doing: &str) -> Result<(), StoreError> {
        let unlisted = self.view().unlisted();
        for id in unlisted {
            let github = self.github(doing).await?;
            if !is_there(github, &Ask::harmless(doing, READ), self.route(&format!("/{id}"))).await.map_err(told)? {
                self.view().remove(id);
            }
        }
        Ok(())
    }

    /// Pages from the newest on, as far as they tell something new, or all. `None`: nothing changed.
    async fn newest(
        &self,
        doing: &str,
        known: Option<&str>,
        all: bool,
    ) -> Result<Option<(usize, Option<String>)>, StoreError> {
        let github = self.github(doing).await?;
        let ask = Ask::harmless(doing, READ);
        let (mut total, mut marked) = (0, None);
        for at in 0..PAGES {
            let condition = if at == 0 { known } else { None };
            let route = self.route(&format!("?per_page={PAGE}&page={}", at + 1));
            let Page { items, etag, date } = page::<Listed>(github, &ask, route, condition).await.map_err(told)?;
            let mut view = self.view();
            view.date = date.or(view.date);
            let Some(listed) = items else { return Ok(None) };
            if at == 0 {
                (total, marked) = (listed.total_count, etag);
            }
            let count = listed.artifacts.len();
            let new = view.take(listed.artifacts);
            if count < PAGE || (!all && new < count) {
                break;
            }
        }
        Ok(Some((total, marked)))
    }

    /// Removes one artifact.
    async fn discard(&self, artifact: &view::Artifact, doing: &str) -> Result<(), StoreError> {
        let id = artifact.id;
        self.freed.lock().unwrap_or_else(PoisonError::into_inner).insert(artifact.name.clone());
        let github = self.github(doing).await?;
        remove(github, &Ask::harmless(doing, WRITE), self.route(&format!("/{id}"))).await.map_err(told)?;
        self.view().remove(id);
        Ok(())
    }
}

impl ArtifactStore {
    /// The store that `url` names.
    pub fn new(url: GithubUrl) -> Self {
        let inner = Inner {
            url,
            client: OnceCell::new(),
            service: OnceCell::new(),
            view: Mutex::default(),
            etag: tokio::sync::Mutex::default(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            freed: Mutex::default(),
        };
        Self { inner: Arc::new(inner), tasks: Tasks::default() }
    }
}

#[async_trait]
impl Store for ArtifactStore {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let write = write::Write::new(&self.inner, key, bytes, "writing")?;
        self.tasks.run(write.doing(), write.put()).await
    }

    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let write = write::Write::new(&self.inner, key, bytes, "creating")?;
        self.tasks.run(write.doing(), write.create()).await
    }

    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let doing = self.inner.doing("reading", key.as_str());
        // a file is never changed: one that was seen and is still there holds what it held
        for is_fresh in [false, true, true, true] {
            if is_fresh {
                self.inner.look(&doing).await?;
            }
            let Some(artifact) = self.inner.view().versions(key.as_str()).pop() else {
                if is_fresh {
                    break;
                }
                continue;
            };
            let github = self.inner.github(&doing).await?;
            let route = self.inner.route(&format!("/{}/zip", artifact.id));
            match download(github, &Ask::harmless(&doing, READ), route, "application/vnd.github+json").await {
                Ok(bytes) if !is_whole(&bytes, artifact.size, artifact.digest.as_deref()) => {
                    let reason = format!("{} bytes came that are not those that were stored", bytes.len());
                    return Err(StoreError::Other { doing, reason });
                }
                Ok(_) if read_name(&artifact.name).is_some_and(|(_, is_empty)| is_empty) => return Ok(Bytes::new()),
                Ok(bytes) => return Ok(bytes),
                // replaced, removed or expired
                Err(error) if error.reason == Reason::NotFound => self.inner.view().remove(artifact.id),
                Err(error) => return Err(told(error)),
            }
        }
        Err(StoreError::NotFound { doing })
    }

    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let folder = folder_of(folder)?;
        self.inner.look(&self.inner.doing("listing", folder)).await?;
        let found = self.inner.view().newest();
        let entries = found.into_iter().filter(|(key, _)| below(key, folder).is_some());
        let entry = |(key, (artifact, is_empty)): (String, (view::Artifact, bool))| Entry {
            key,
            size: if is_empty { 0 } else { artifact.size },
            modified: artifact.created_at.unwrap_or_default(),
        };
        Ok(entries.map(entry).collect())
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let folder = folder_of(folder)?;
        self.inner.look(&self.inner.doing("listing", folder)).await?;
        let found = self.inner.view().newest();
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
            inner.look(&task).await?;
            let versions = inner.view().versions(key.as_str());
            for artifact in versions {
                inner.discard(&artifact, &task).await?;
            }
            Ok(())
        };
        self.tasks.run(doing, delete).await
    }

    async fn remove_folder(&self, folder: &str) -> Result<bool, StoreError> {
        let folder = folder_of(folder)?;
        let doing = self.inner.doing("removing", folder);
        self.inner.look(&doing).await?;
        let mut doomed = self.inner.view().below(folder);
        let Some(last) = doomed.pop() else { return Ok(false) };
        // one look for all of them
        let removed = stream::iter(doomed).map(async |artifact| self.inner.discard(&artifact, &doing).await);
        removed.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        self.inner.discard(&last, &doing).await?;
        Ok(true)
    }

    async fn settled(&self) {
        self.tasks.settled().await;
    }

    fn describe(&self) -> String {
        self.inner.url.to_string()
    }
}
