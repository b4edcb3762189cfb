//! How a file becomes an artifact: under a name of its own where it replaces another one, under the plain name
//! where only one of a run may win.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::Inner;
use super::runner::Tried;
use super::view::{Artifact, LONGEST, name};
use crate::store::github::{is_whole, mark};
use crate::store::{Key, StoreError};

/// So often a write is tried while names are taken, or answers get lost.
const TRIES: u32 = 12;
/// So often another one of the same run that has the name is waited for; then it is taken for dead.
const PATIENT: u32 = 8;

/// One file on its way in.
pub(super) struct Write {
    inner: Arc<Inner>,
    key: String,
    is_empty: bool,
    bytes: Bytes,
    doing: String,
    pause: Duration,
    /// Names that our own tries took.
    ours: Vec<String>,
    /// Tries whose answers were no answers.
    lost: u32,
}

impl Write {
    pub(super) fn new(inner: &Arc<Inner>, key: &Key, bytes: Bytes, verb: &str) -> Result<Self, StoreError> {
        let doing = inner.doing(verb, key.as_str());
        if name(key.as_str(), true, Some("000000000000")).len() > LONGEST {
            let reason = "its name is longer than that of an artifact may be".to_owned();
            return Err(StoreError::Other { doing, reason });
        }
        let pause = inner.url.settings.as_ref().map_or(Duration::from_millis(500), |settings| settings.first_delay);
        let is_empty = bytes.is_empty();
        let bytes = if is_empty { Bytes::from_static(b"\n") } else { bytes };
        let key = key.as_str().to_owned();
        Ok(Self { inner: Arc::clone(inner), key, is_empty, bytes, doing, pause, ours: Vec::new(), lost: 0 })
    }

    /// What is being done, to what.
    pub(super) fn doing(&self) -> String {
        self.doing.clone()
    }

    /// Waits before another try, unless there were enough of them.
    async fn again(&mut self, error: StoreError) -> Result<StoreError, StoreError> {
        if self.lost >= self.inner.url.settings.as_ref().map_or(0, |settings| settings.retries) {
            return Err(error);
        }
        self.lost += 1;
        self.wait().await?;
        Ok(error)
    }

    async fn wait(&mut self) -> Result<(), StoreError> {
        // two that withdrew from each other must not come back in step
        let jitter = u32::from_str_radix(&mark()?[..2], 16).unwrap_or_default();
        tokio::time::sleep(self.pause + self.pause * jitter / 256).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(10));
        Ok(())
    }

    /// One try, under this name; `Ok(None)`: it is taken, or what became of it is told by the list.
    async fn upload(&mut self, name: String) -> Result<Result<Artifact, Option<StoreError>>, StoreError> {
        let service = self.inner.service(&self.doing).await?;
        let unclear = match service.upload(&name, &self.bytes, &self.doing).await? {
            Tried::Done(artifact) => {
                self.inner.view().add(artifact.clone());
                self.ours.push(name);
                return Ok(Ok(artifact));
            }
            Tried::Taken if self.ours.contains(&name) => None,
            Tried::Taken => return Ok(Err(None)),
            Tried::Unclear(error) => Some(error),
        };
        self.ours.push(name.clone());
        self.inner.look(&self.doing).await?;
        let versions = self.inner.view().versions(&self.key);
        let arrived = versions
            .into_iter()
            .find(|artifact| artifact.name == name && is_whole(&self.bytes, artifact.size, artifact.digest.as_deref()));
        Ok(arrived.ok_or(unclear))
    }

    /// Replaces whatever is there: a newer version first, and only then the older ones go.
    pub(super) async fn put(mut self) -> Result<(), StoreError> {
        let mut taken = !self.inner.view().versions(&self.key).is_empty();
        let mut last = None;
        for _ in 0..TRIES {
            let version = if taken { Some(mark()?) } else { None };
            match self.upload(name(&self.key, self.is_empty, version.as_deref())).await? {
                Ok(artifact) => {
                    if taken {
                        self.inner.look(&self.doing).await?;
                    }
                    let versions = self.inner.view().versions(&self.key);
                    for old in versions.iter().filter(|other| other.id < artifact.id) {
                        self.inner.discard(old, &self.doing).await?;
                    }
                    return Ok(());
                }
                Err(None) => taken = true,
                Err(Some(error)) => {
                    taken = true;
                    last = Some(self.again(error).await?);
                }
            }
        }
        Err(last.unwrap_or_else(|| self.failed("every name for it is taken")))
    }

    /// Stores it if there is none, of whatever run.
    pub(super) async fn create(mut self) -> Result<(), StoreError> {
        let mut last = None;
        // the plain name went to a try of our own that failed, or to somebody who is dead
        let plain = name(&self.key, self.is_empty, None);
        let mut spoilt = self.inner.freed.lock().unwrap_or_else(PoisonError::into_inner).contains(&plain);
        for tried in 0..TRIES + PATIENT {
            self.inner.look(&self.doing).await?;
            if self.others(None) {
                return Err(StoreError::AlreadyExists { doing: self.doing });
            }
            let version = if spoilt { Some(mark()?) } else { None };
            match self.upload(name(&self.key, self.is_empty, version.as_deref())).await? {
                Ok(artifact) => {
                    self.inner.look(&self.doing).await?;
                    if !self.others(Some(artifact.id)) {
                        return Ok(());
                    }
                    self.inner.discard(&artifact, &self.doing).await?;
                    spoilt = true;
                    self.wait().await?;
                }
                Err(Some(error)) => {
                    spoilt = true;
                    last = Some(self.again(error).await?);
                }
                Err(None) => {
                    spoilt |= tried >= PATIENT;
                    self.wait().await?;
                }
            }
        }
        Err(last.unwrap_or_else(|| self.failed("others create and remove it, again and again")))
    }

    /// Whether there is a file of this key that is not ours.
    fn others(&self, ours: Option<u64>) -> bool {
        self.inner.view().versions(&self.key).iter().any(|artifact| Some(artifact.id) != ours)
    }

    fn failed(&self, reason: &str) -> StoreError {
        StoreError::Other { doing: self.doing.clone(), reason: reason.to_owned() }
    }
}
