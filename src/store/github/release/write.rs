//! How a file gets into a release: under a name of its own where it replaces another one, under the plain
//! name where only one may win.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;

use super::inner::Inner;
use super::view::{Asset, split};
use crate::github::{GithubError, Reason};
use crate::store::github::names::{Name, is_marked};
use crate::store::github::{is_whole, mark, told};
use crate::store::{Key, StoreError};

/// GitHub takes files below 2 GiB.
const LARGEST: usize = (1 << 31) - 1;

/// So often a write is tried while names are taken, releases vanish, or answers get lost.
const TRIES: u32 = 12;

/// An upload that somebody else began is given up as dead after so long.
const DEAD: TimeDelta = TimeDelta::minutes(30);

/// One file on its way in.
pub(super) struct Write {
    inner: Arc<Inner>,
    group: String,
    name: Name,
    bytes: Bytes,
    doing: String,
    /// Of all the tries so far.
    marks: Vec<String>,
    pause: Duration,
    /// Tries whose answers were no answers.
    lost: u32,
}

impl Write {
    pub(super) fn new(inner: &Arc<Inner>, key: &Key, bytes: Bytes, verb: &str) -> Result<Self, StoreError> {
        let doing = inner.doing(verb, key.as_str());
        if bytes.len() > LARGEST {
            let reason = "GitHub takes files below 2 GiB; choose a smaller --part-size".to_owned();
            return Err(StoreError::Other { doing, reason });
        }
        let (group, rest) = split(key.as_str());
        let name = Name::new(rest, &bytes);
        let pause = inner.url.settings.as_ref().map_or(Duration::from_millis(500), |settings| settings.first_delay);
        Ok(Self {
            inner: Arc::clone(inner),
            group: group.to_owned(),
            name,
            bytes,
            doing,
            marks: Vec::new(),
            lost: 0,
            pause,
        })
    }

    /// The release that it goes into, with a place taken in it.
    async fn room(&self) -> Result<(u64, String), StoreError> {
        let take = || {
            let mut view = self.inner.view();
            let (release, next) = view.room(&self.group);
            let shard = release.and_then(|id| view.shards.get_mut(&id));
            let taken = shard.map(|shard| {
                shard.reserved += 1;
                (shard.id, shard.upload_url.clone())
            });
            (taken, next)
        };
        if let (Some(release), _) = take() {
            return Ok(release);
        }
        let _one = self.inner.making.lock().await;
        self.inner.look(&self.doing).await?;
        for _ in 0..TRIES {
            let next = match take() {
                (Some(release), _) => return Ok(release),
                (None, next) => next,
            };
            self.inner.make(&self.group, next, &self.doing).await?;
        }
        Err(self.failed("no release for it stays there"))
    }

    fn failed(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Other { doing: self.doing.clone(), reason: reason.into() }
    }

    /// One try, under this name.
    async fn upload(&mut self, name: &str) -> Result<Result<Asset, GithubError>, StoreError> {
        let ((release, upload_url), mark) = (self.room().await?, mark()?);
        self.marks.push(mark.clone());
        let tried = self.inner.upload(release, &upload_url, &self.name, name, &mark, &self.bytes, &self.doing).await;
        if let Ok(Ok(asset)) = &tried
            && asset.named().is_none_or(|name| name.key != self.name.key)
        {
            // of a name that is hashed only the label tells the key, and nobody says how long one may be
            self.inner.discard(asset.id, &self.doing).await?;
            return Err(self.failed("GitHub keeps it under another name"));
        }
        let mut view = self.inner.view();
        if let Some(shard) = view.shards.get_mut(&release) {
            shard.reserved = shard.reserved.saturating_sub(1);
        }
        match tried? {
            Ok(asset) if asset.is_uploaded() && self.is_ours(&asset) => {
                view.add(release, &asset);
                Ok(Ok(asset))
            }
            Ok(_) => Ok(Err(GithubError {
                doing: self.doing.clone(),
                reason: Reason::Unreachable,
                words: "what GitHub stored is not what was sent".to_owned(),
                permission: "contents: write",
            })),
            Err(error) => {
                match error.reason {
                    Reason::NotFound => view.forget(release),
                    // it tells in no code that a release has all the files that it can have
                    Reason::Invalid if error.words.contains("limit") || error.words.contains("per release") => {
                        if let Some(shard) = view.shards.get_mut(&release) {
                            shard.full = true;
                        }
                    }
                    _ => {}
                }
                Ok(Err(error))
            }
        }
    }

    fn is_ours(&self, asset: &Asset) -> bool {
        let sent: &[u8] = if self.name.is_empty { b"\n" } else { &self.bytes };
        is_whole(sent, asset.size, asset.digest.as_deref())
    }

    /// What became of the tries whose answers were no answers; `Ok(None)`: nothing.
    async fn arrived(&self) -> Result<Option<Asset>, StoreError> {
        self.inner.look(&self.doing).await?;
        let of_ours = |asset: &Asset| is_marked(asset.label(), &self.marks);
        let found: Vec<Asset> = {
            let view = self.inner.view();
            view.group(&self.group).flat_map(|shard| shard.assets.values()).filter(|a| of_ours(a)).cloned().collect()
        };
        let mut arrived = None;
        for asset in found {
            if asset.is_uploaded() && self.is_ours(&asset) && arrived.is_none() {
                arrived = Some(asset);
            } else {
                // it stopped half-way, or came in after the next one was sent
                self.inner.discard(asset.id, &self.doing).await?;
            }
        }
        Ok(arrived)
    }

    /// Waits before another try, unless there were enough of them.
    async fn again(&mut self, error: GithubError) -> Result<GithubError, StoreError> {
        if self.lost >= self.inner.url.settings.as_ref().map_or(0, |settings| settings.retries) {
            return Err(told(error));
        }
        self.lost += 1;
        self.wait().await;
        Ok(error)
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(10));
    }

    /// Whether another try may help after this one.
    fn may_help(error: &GithubError) -> bool {
        match error.reason {
            Reason::AlreadyExists | Reason::NotFound | Reason::Unreachable => true,
            Reason::Invalid => error.words.contains("limit") || error.words.contains("per release"),
            _ => false,
        }
    }

    /// Replaces whatever is there: a newer version first, and only then the older ones go.
    pub(super) async fn put(mut self) -> Result<(), StoreError> {
        let mut taken = !self.inner.view().versions(&self.group, &self.name.key).is_empty();
        let mut last = None;
        for _ in 0..TRIES {
            let name = if taken { self.name.version(&mark()?) } else { self.name.plain() };
            match self.upload(&name).await? {
                Ok(asset) => {
                    if taken && last.is_some() {
                        self.inner.look(&self.doing).await?;
                    }
                    return self.tidy(asset.id).await;
                }
                Err(error) if !Self::may_help(&error) => return Err(told(error)),
                Err(mut error) => {
                    if error.reason == Reason::Unreachable {
                        if let Some(asset) = self.arrived().await? {
                            return self.tidy(asset.id).await;
                        }
                        error = self.again(error).await?;
                    }
                    if error.reason == Reason::NotFound {
                        self.inner.look(&self.doing).await?;
                    }
                    taken |= error.reason == Reason::AlreadyExists;
                    last = Some(error);
                }
            }
        }
        Err(last.map_or_else(|| self.failed("no try was allowed"), told))
    }

    /// Removes the versions that are older than this one.
    async fn tidy(&self, newest: u64) -> Result<(), StoreError> {
        let versions = self.inner.view().versions(&self.group, &self.name.key);
        for old in versions.iter().filter(|asset| asset.id < newest) {
            self.inner.discard(old.id, &self.doing).await?;
        }
        Ok(())
    }

    /// Stores it under the plain name, which GitHub gives to one only.
    pub(super) async fn create(mut self) -> Result<(), StoreError> {
        let mut last = None;
        for _ in 0..TRIES {
            self.inner.look(&self.doing).await?;
            if self.others(None) {
                return Err(StoreError::AlreadyExists { doing: self.doing });
            }
            let name = self.name.plain();
            let ours = match self.upload(&name).await? {
                Ok(asset) => Some(asset),
                Err(error) if !Self::may_help(&error) => return Err(told(error)),
                Err(error) => {
                    let arrived = self.arrived().await?;
                    last = match arrived {
                        None if error.reason == Reason::Unreachable => Some(self.again(error).await?),
                        None => {
                            self.wait_for_others(&name).await?;
                            Some(error)
                        }
                        Some(_) => Some(error),
                    };
                    arrived
                }
            };
            let Some(ours) = ours else { continue };
            // two runs that made the group's first release in the same moment may each have won in one
            self.inner.look(&self.doing).await?;
            if !self.others(Some(ours.id)) {
                return Ok(());
            }
            self.inner.discard(ours.id, &self.doing).await?;
        }
        Err(last.map_or_else(|| self.failed("others create and remove it, again and again"), told))
    }

    /// Whether there is a finished file of this key that is not ours.
    fn others(&self, ours: Option<u64>) -> bool {
        self.inner.view().versions(&self.group, &self.name.key).iter().any(|asset| Some(asset.id) != ours)
    }

    /// Somebody else's upload under the plain name: it ends, or it is dead.
    async fn wait_for_others(&mut self, name: &str) -> Result<(), StoreError> {
        let blocking = || {
            let unfinished = self.inner.view().unfinished(|group| group == self.group);
            unfinished.into_iter().map(|(_, asset)| asset).find(|asset| asset.name == name)
        };
        let Some(asset) = blocking() else { return Ok(()) };
        let is_dead = self.inner.date().is_some_and(|now| now - asset.created_at > DEAD);
        if is_dead {
            return self.inner.discard(asset.id, &self.doing).await;
        }
        self.wait().await;
        Ok(())
    }

    /// What is being done, to what.
    pub(super) fn doing(&self) -> String {
        self.doing.clone()
    }
}
