//! Why GitHub did not do what it was asked: what was being done, to what, why not, and what to do.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;

use crate::error::Failure;
use crate::github::Ask;
use crate::http::{rate_limit_remaining, rate_limit_reset, retry_after};

/// One request that failed for good. Its texts hold no token and no signed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubError {
    /// What was being done, to what.
    pub doing: String,
    /// What can be done about it.
    pub reason: Reason,
    /// GitHub's own words, or what happened on the way.
    pub words: String,
    /// The permission that the request needs, as a workflow writes it.
    pub permission: &'static str,
}

/// Kinds of refusals that a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It does not know the token, or there is none.
    Credentials,
    /// The token may not do that.
    Denied,
    /// There is no such thing, or the token may not see it.
    NotFound,
    /// There is such a thing already.
    AlreadyExists,
    /// What was sent cannot be meant, or breaks a rule.
    Invalid,
    /// Too many requests; `None`: it did not say until when.
    RateLimited(Option<DateTime<Utc>>),
    /// No answer, or a broken one. Nobody knows whether the request was acted upon.
    Unreachable,
    /// Anything else.
    Other,
}

impl fmt::Display for GithubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.words)?;
        match self.reason {
            Reason::RateLimited(Some(until)) => write!(f, " (until {})", until.format("%Y-%m-%d %H:%M:%S UTC")),
            _ => Ok(()),
        }
    }
}

impl StdError for GithubError {}

impl GithubError {
    /// What to do about it: a sentence, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        let permission = self.permission;
        match self.reason {
            Reason::Credentials => Some(format!(
                "set GITHUB_TOKEN to a token of this server that has not expired, with the permission `{permission}`"
            )),
            Reason::Denied => Some(format!("the token needs `permissions: {permission}` in the workflow, or the same right as a fine-grained token")),
            Reason::NotFound => Some(format!(
                "check the repository's name; to a token without `{permission}` a private repository looks as if it was not there"
            )),
            Reason::RateLimited(_) => Some(
                "run again later, or less often; a GITHUB_TOKEN of a workflow has 1,000 requests an hour for each repository".to_owned(),
            ),
            Reason::Unreachable => Some("see https://www.githubstatus.com, then run again".to_owned()),
            Reason::AlreadyExists | Reason::Invalid | Reason::Other => None,
        }
    }
}

impl From<GithubError> for Failure {
    fn from(error: GithubError) -> Self {
        let failure = Failure::failed(error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// One attempt that failed.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) words: String,
    /// Whether it certainly was not acted upon: then everything may be sent again.
    pub(super) turned_away: bool,
    /// Whether another try may help.
    pub(super) passing: bool,
    /// When GitHub wants to be asked again.
    pub(super) wait: Option<Duration>,
}

/// A secondary limit that names no time: GitHub asks for at least so long.
const UNNAMED: Duration = Duration::from_secs(60);

impl Refusal {
    pub(super) fn of(error: &octocrab::Error) -> Self {
        match error {
            octocrab::Error::GitHub { source, .. } => Self::answered(source),
            octocrab::Error::Json { .. } | octocrab::Error::Serde { .. } => Self {
                reason: Reason::Unreachable,
                words: "the answer is not what GitHub promises".to_owned(),
                turned_away: false,
                passing: true,
                wait: None,
            },
            other => Self::broken(other),
        }
    }

    /// The time limit of an attempt.
    pub(super) fn late() -> Self {
        Self {
            reason: Reason::Unreachable,
            words: "the answer took too long".to_owned(),
            turned_away: false,
            passing: true,
            wait: None,
        }
    }

    fn answered(said: &octocrab::GitHubError) -> Self {
        let status = said.status_code.as_u16();
        let none = HeaderMap::new();
        let headers = said.headers.as_ref().unwrap_or(&none);
        let codes = || said.errors.iter().flatten().filter_map(|error| error.get("code")?.as_str());
        let lower = said.message.to_ascii_lowercase();
        let is_limit = matches!(status, 403 | 429)
            && (status == 429
                || headers.contains_key("retry-after")
                || rate_limit_remaining(headers) == Some(0)
                || lower.contains("secondary rate limit")
                || lower.contains("abuse detection"));
        let words = words(said);
        let settled = |reason| Self { reason, words: words.clone(), turned_away: false, passing: false, wait: None };
        match status {
            _ if is_limit => {
                let wait = limit(headers);
                let until =
                    date(headers).and_then(|now| now.checked_add_signed(chrono::TimeDelta::from_std(wait).ok()?));
                Self { reason: Reason::RateLimited(until), words, turned_away: true, passing: true, wait: Some(wait) }
            }
            401 => settled(Reason::Credentials),
            403 => settled(Reason::Denied),
            404 | 410 => settled(Reason::NotFound),
            422 | 409 if codes().any(|code| code == "already_exists") || lower.contains("already_exists") => {
                settled(Reason::AlreadyExists)
            }
            400 | 409 | 413 | 415 | 422 => settled(Reason::Invalid),
            408 | 500..=599 => Self { passing: true, ..settled(Reason::Unreachable) },
            _ => settled(Reason::Other),
        }
    }

    fn broken(error: &octocrab::Error) -> Self {
        let (mut connected, mut late, mut last) = (true, false, String::new());
        let mut next: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            // addresses are signed, and octocrab's own words are for its developers
            if !text.contains("://") && !text.contains('\n') {
                last = text;
            }
            if let Some(error) = cause.downcast_ref::<reqwest::Error>() {
                connected &= !error.is_connect();
                late |= error.is_timeout();
            }
            next = cause.source();
        }
        let what = match (late, connected) {
            (true, _) => "the answer took too long",
            (_, false) => "no connection",
            _ => "the connection broke off",
        };
        let is_new = !last.is_empty() && !what.contains(&last) && !late;
        let words = if is_new { format!("{what}: {last}") } else { what.to_owned() };
        Self { reason: Reason::Unreachable, words, turned_away: !connected, passing: true, wait: None }
    }

    pub(super) fn told(self, ask: &Ask) -> GithubError {
        GithubError { doing: ask.doing.clone(), reason: self.reason, words: self.words, permission: ask.permission }
    }
}

/// How long until a limit is over.
fn limit(headers: &HeaderMap) -> Duration {
    // its reset stands on every answer, and means something only where nothing remains
    if headers.contains_key("retry-after") {
        return retry_after(headers).unwrap_or(UNNAMED);
    }
    match rate_limit_remaining(headers) {
        Some(0) => rate_limit_reset(headers).map_or(UNNAMED, |reset| reset + Duration::from_secs(1)),
        _ => UNNAMED,
    }
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    let text = headers.get("date")?.to_str().ok()?;
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}

/// GitHub's words in one line.
fn words(said: &octocrab::GitHubError) -> String {
    let short = |text: &str| text.lines().next().unwrap_or_default().chars().take(200).collect::<String>();
    let detail = |error: &serde_json::Value| {
        let word = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
        match (word("message"), word("field"), word("code")) {
            (Some(message), ..) => Some(short(message)),
            (None, Some(field), Some(code)) => Some(short(&format!("{field} {code}"))),
            _ => error.as_str().map(short),
        }
    };
    let details: Vec<String> = said.errors.iter().flatten().filter_map(detail).collect();
    let needs = said.headers.as_ref().and_then(|headers| headers.get("x-accepted-github-permissions")?.to_str().ok());
    let needs = needs.filter(|_| said.status_code == 403).map(|needs| format!("needs {}", short(needs)));
    let message = if said.message.trim_start().starts_with('<') { String::new() } else { short(&said.message) };
    let parts: Vec<String> =
        std::iter::once(message).chain(details).chain(needs).filter(|part| !part.is_empty()).collect();
    let status = said.status_code.as_u16();
    if parts.is_empty() {
        format!("GitHub answers {status}")
    } else {
        format!("GitHub answers {status} ({})", parts.join("; "))
    }
}
