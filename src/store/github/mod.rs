//! Stores on GitHub: releases and artifacts of a repository.

mod artifact;
mod names;
mod release;
mod tasks;
mod url;

pub use artifact::ArtifactStore;
pub use release::ReleaseStore;
pub use url::{GithubKind, GithubUrl};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::github::{Ask, Github, GithubError, Reason};
use crate::store::{Key, StoreError};

/// The bytes of a file and what a list says of them agree, as far as it says something.
fn is_whole(bytes: &[u8], size: u64, digest: Option<&str>) -> bool {
    let digest_of = || format!("sha256:{}", names::hex(&Sha256::digest(bytes)));
    bytes.len() as u64 == size && digest.is_none_or(|digest| digest == digest_of())
}

/// Random text that tells one write from all others.
fn mark() -> Result<String, StoreError> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes)
        .map_err(|e| StoreError::Other { doing: "reading random bytes".to_owned(), reason: e.to_string() })?;
    Ok(names::hex(&bytes))
}

/// The kind of an error of GitHub's.
fn told(error: GithubError) -> StoreError {
    let text = error.to_string();
    let reason = text.strip_prefix(&format!("{}: ", error.doing)).unwrap_or(&text).to_owned();
    let GithubError { doing, permission, words, .. } = error;
    match error.reason {
        Reason::Credentials => StoreError::Credentials { doing, reason },
        _ if words.contains("immutable") => StoreError::Locked { doing, reason },
        Reason::Denied => {
            StoreError::Denied { doing, reason: format!("{reason}; the token needs the permission `{permission}`") }
        }
        Reason::NotFound => StoreError::Other {
            doing,
            reason: format!("{reason}; there is no such repository, or the token lacks `{permission}`"),
        },
        Reason::RateLimited(_) | Reason::Unreachable => StoreError::Unreachable { doing, reason },
        Reason::AlreadyExists => StoreError::AlreadyExists { doing },
        Reason::Invalid | Reason::Other => StoreError::Other { doing, reason },
    }
}

/// One page of a list, unless it is what it was.
struct Page<T> {
    /// `None`: it did not change.
    items: Option<T>,
    etag: Option<String>,
    /// The server's clock.
    date: Option<DateTime<Utc>>,
}

/// Asks for a page. One that did not change costs nothing of the limit of requests.
async fn page<T: serde::de::DeserializeOwned>(
    github: &Github,
    ask: &Ask,
    route: String,
    etag: Option<&str>,
) -> Result<Page<T>, GithubError> {
    let condition = etag.and_then(|etag| reqwest::header::HeaderValue::from_str(etag).ok());
    let request = |crab: octocrab::Octocrab| {
        let (route, condition) = (route.clone(), condition.clone());
        async move {
            let headers = condition.map(|tag| [(reqwest::header::IF_NONE_MATCH, tag)].into_iter().collect());
            let answer = crab._get_with_headers(route, headers).await?;
            let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let (etag, date) = (text("etag"), text("date"));
            let date = date.and_then(|date| DateTime::parse_from_rfc2822(&date).ok()).map(|at| at.to_utc());
            if answer.status() == 304 {
                return Ok(Page { items: None, etag: None, date });
            }
            let answer = octocrab::map_github_error(answer).await?;
            let items = <T as octocrab::FromResponse>::from_response(answer).await?;
            Ok(Page { items: Some(items), etag, date })
        }
    };
    github.ask(ask, request).await
}

/// Follows to the bytes of a file. The address that it is sent to gets no token.
async fn download(
    github: &Github,
    ask: &Ask,
    route: String,
    accept: &'static str,
) -> Result<bytes::Bytes, GithubError> {
    let request = |crab: octocrab::Octocrab| {
        let route = route.clone();
        async move {
            let accept = reqwest::header::HeaderValue::from_static(accept);
            let headers = [(reqwest::header::ACCEPT, accept)].into_iter().collect();
            let answer = crab._get_with_headers(route, Some(headers)).await?;
            let answer = octocrab::map_github_error(answer).await?;
            Ok(http_body_util::BodyExt::collect(answer.into_body()).await?.to_bytes())
        }
    };
    github.ask(ask, request).await
}

/// A folder's name, checked.
fn folder_of(folder: &str) -> Result<&str, StoreError> {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    if !folder.is_empty() {
        Key::new(folder)?;
    }
    Ok(folder)
}

/// What of a key is below a folder.
fn below<'a>(key: &'a str, folder: &str) -> Option<&'a str> {
    if folder.is_empty() { Some(key) } else { key.strip_prefix(folder)?.strip_prefix('/') }
}

/// Whether there is something here still.
async fn is_there(github: &Github, ask: &Ask, route: String) -> Result<bool, GithubError> {
    match page::<serde::de::IgnoredAny>(github, ask, route, None).await {
        Ok(_) => Ok(true),
        Err(error) if error.reason == Reason::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes something; that it is gone already is fine.
async fn remove(github: &Github, ask: &Ask, route: String) -> Result<(), GithubError> {
    let request = |crab: octocrab::Octocrab| {
        let route = route.clone();
        async move { octocrab::map_github_error(crab._delete(route, None::<&()>).await?).await.map(drop) }
    };
    match github.ask(ask, request).await {
        Err(error) if error.reason == Reason::NotFound => Ok(()),
        other => other,
    }
}
