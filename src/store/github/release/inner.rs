//! Requests about releases, and when to make which.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::OnceCell;

use super::view::{Asset, Release, View, tag};
use crate::github::{Ask, Github, GithubError, Reason};
use crate::store::StoreError;
use crate::store::github::names::Name;
use crate::store::github::{GithubUrl, Page, download, is_there, is_whole, page, remove, told};

/// Releases in one list; a page that is asked for again and did not change costs nothing.
const PAGE: usize = 100;
/// More pages than this are somebody's mistake.
const PAGES: usize = 100;

/// Drafts are shown to those who may write, and to nobody else.
const WRITE: &str = "contents: write";

const BODY: &str = "Files of [supabackup](https://github.com/supabackup/supabackup): parts of snapshots, each under a name that \
     tells its key. Do not publish, rename or edit this draft. `supabackup list` shows what is here, and `supabackup copy` gets it out.";

/// A page of the last list.
#[derive(Debug)]
struct Seen {
    etag: Option<String>,
    releases: Vec<Release>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) url: GithubUrl,
    client: OnceCell<Github>,
    view: Mutex<View>,
    /// The last list, page by page; held while the next one is made.
    pages: tokio::sync::Mutex<Vec<Seen>>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// Held while a release is made: two at once would be two releases.
    pub(super) making: tokio::sync::Mutex<()>,
    /// The server's clock at the last list.
    date: Mutex<Option<DateTime<Utc>>>,
}

impl Inner {
    pub(super) fn new(url: GithubUrl) -> Self {
        Self {
            url,
            client: OnceCell::new(),
            view: Mutex::default(),
            pages: tokio::sync::Mutex::default(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            making: tokio::sync::Mutex::default(),
            date: Mutex::default(),
        }
    }

    pub(super) async fn github(&self, doing: &str) -> Result<&Github, StoreError> {
        let make = async || {
            let settings = self.url.settings.as_ref().ok_or("nobody said where GitHub is")?;
            Github::new(settings)
        };
        let refused = |reason: String| StoreError::Credentials { doing: doing.to_owned(), reason };
        self.client.get_or_try_init(make).await.map_err(refused)
    }

    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn date(&self) -> Option<DateTime<Utc>> {
        *self.date.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn route(&self, rest: &str) -> String {
        format!("/repos/{}/releases{rest}", self.url.repository)
    }

    pub(super) fn doing(&self, verb: &str, key: &str) -> String {
        match key.is_empty() {
            true => format!("{verb} {}", self.url),
            false => format!("{verb} {}/{key}", self.url),
        }
    }

    /// Looks at all releases, unless somebody began to do so after this was called. What was written
    /// before the call is in the view then.
    pub(super) async fn look(&self, doing: &str) -> Result<(), StoreError> {
        let asked = self.begun.load(Ordering::SeqCst);
        let mut pages = self.pages.lock().await;
        if self.ended.load(Ordering::SeqCst) > asked {
            return Ok(());
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let github = self.github(doing).await?;
        let ask = Ask::harmless(doing, WRITE);
        let mut all = Vec::new();
        for at in 0..PAGES {
            let etag = pages.get(at).and_then(|seen| seen.etag.as_deref());
            let route = self.route(&format!("?per_page={PAGE}&page={}", at + 1));
            let Page { items, etag, date } = page::<Vec<Release>>(github, &ask, route, etag).await.map_err(told)?;
            *self.date.lock().unwrap_or_else(PoisonError::into_inner) = date;
            if let Some(releases) = items {
                pages.truncate(at);
                pages.push(Seen { etag, releases });
            }
            let Some(seen) = pages.get(at) else { break };
            all.extend(seen.releases.iter().cloned());
            if seen.releases.len() < PAGE {
                pages.truncate(at + 1);
                break;
            }
        }
        // a list may lag behind what we wrote, and somebody may have removed it: the file itself tells which
        let unlisted = self.view().unlisted(&all);
        for id in unlisted {
            if !is_there(github, &ask, self.route(&format!("/assets/{id}"))).await.map_err(told)? {
                self.view().remove(id);
            }
        }
        self.view().take(&all);
        if all.is_empty() && number == 1 {
            self.check_that_drafts_show(github, doing).await?;
        }
        self.ended.store(number, Ordering::SeqCst);
        Ok(())
    }

    /// To a token that may only read, a store full of snapshots looks empty.
    async fn check_that_drafts_show(&self, github: &Github, doing: &str) -> Result<(), StoreError> {
        let ask = Ask::harmless(doing, WRITE);
        let (owner, name) = (&self.url.repository.owner, &self.url.repository.name);
        let found = github.ask(&ask, |crab| async move { crab.repos(owner, name).get().await }).await.map_err(told)?;
        match found.permissions {
            Some(rights) if !rights.push => Err(StoreError::Denied {
                doing: doing.to_owned(),
                reason: format!(
                    "drafts are shown only to those who may write; the token needs the permission `{WRITE}`"
                ),
            }),
            _ => Ok(()),
        }
    }

    /// Makes a release for a group.
    pub(super) async fn make(&self, group: &str, shard: usize, doing: &str) -> Result<(), StoreError> {
        let github = self.github(doing).await?;
        let tag = tag(group, shard);
        let title = if group.is_empty() { "supabackup".to_owned() } else { format!("supabackup {group}") };
        let title = if shard > 1 { format!("{title} ({shard})") } else { title };
        let fields = json!({ "tag_name": tag, "name": title, "body": BODY, "draft": true, "prerelease": true });
        let request = |crab: octocrab::Octocrab| {
            let (route, fields) = (self.route(""), fields.clone());
            async move { crab.post::<_, Release>(route, Some(&fields)).await }
        };
        let made = github.ask(&Ask::once(doing, WRITE), request).await;
        match made {
            Ok(release) => self.view().made(&release),
            // the answer got lost, or there is one by now: the list tells
            Err(error) if matches!(error.reason, Reason::Unreachable | Reason::AlreadyExists) => {
                self.look(doing).await?;
                if self.view().room(group).0.is_none() {
                    return Err(told(error));
                }
                return Ok(());
            }
            Err(error) => return Err(told(error)),
        }
        // another run may have made one in the same moment: then both see both, and take the first
        self.look(doing).await
    }

    /// One try to upload a file.
    #[expect(clippy::too_many_arguments, reason = "each is another thing")]
    pub(super) async fn upload(
        &self,
        release: u64,
        upload_url: &str,
        file: &Name,
        name: &str,
        mark: &str,
        bytes: &Bytes,
        doing: &str,
    ) -> Result<Result<Asset, GithubError>, StoreError> {
        let github = self.github(doing).await?;
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("name", name)
            .append_pair("label", &file.label(mark))
            .finish()
            // the form's plus sign is a plus sign to some
            .replace('+', "%20");
        let route = self.route(&format!("/{release}/assets?{query}"));
        let body = if file.is_empty { Bytes::from_static(b"\n") } else { bytes.clone() };
        let length = body.len();
        let request = http::Request::post(route)
            .header(http::header::CONTENT_TYPE, "application/octet-stream")
            .header(http::header::CONTENT_LENGTH, length)
            .body(body)
            .map_err(|error| StoreError::Other { doing: doing.to_owned(), reason: error.to_string() })?;
        let request = |crab: octocrab::Octocrab| {
            let request = request.clone();
            async move {
                let answer = octocrab::map_github_error(crab.execute(request).await?).await?;
                <Asset as octocrab::FromResponse>::from_response(answer).await
            }
        };
        Ok(github.ask_uploads(upload_url, &Ask::once(doing, WRITE), request).await)
    }

    /// The bytes of a file; `None`: it is gone.
    pub(super) async fn bytes(&self, asset: &Asset, name: &Name, doing: &str) -> Result<Option<Bytes>, StoreError> {
        let github = self.github(doing).await?;
        let route = self.route(&format!("/assets/{}", asset.id));
        let mut last = String::new();
        for _ in 0..=github.settings().retries.min(3) {
            let ask = Ask::harmless(doing, WRITE);
            match download(github, &ask, route.clone(), "application/octet-stream").await {
                Ok(bytes) if !is_whole(&bytes, asset.size, asset.digest.as_deref()) => {
                    last = format!("{} bytes came that are not those that were stored", bytes.len());
                }
                Ok(_) if name.is_empty => return Ok(Some(Bytes::new())),
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if error.reason == Reason::NotFound => return Ok(None),
                Err(error) => return Err(told(error)),
            }
        }
        Err(StoreError::Other { doing: doing.to_owned(), reason: last })
    }

    /// Removes one file.
    pub(super) async fn discard(&self, asset: u64, doing: &str) -> Result<(), StoreError> {
        let github = self.github(doing).await?;
        let route = self.route(&format!("/assets/{asset}"));
        remove(github, &Ask::harmless(doing, WRITE), route).await.map_err(told)?;
        self.view().remove(asset);
        Ok(())
    }

    /// Removes a release with all that it holds.
    pub(super) async fn discard_release(&self, release: u64, doing: &str) -> Result<(), StoreError> {
        let github = self.github(doing).await?;
        let route = self.route(&format!("/{release}"));
        remove(github, &Ask::harmless(doing, WRITE), route).await.map_err(told)?;
        self.view().forget(release);
        Ok(())
    }
}
