//! What can be seen from here. All of the I/O, and no opinions.

mod key;
mod project;
mod reach;
mod store;

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::buffers::Buffers;
use crate::config::{Config, ProjectConfig};
use crate::http::{Answer, Http, HttpError, Patience, Request};

pub(crate) use key::{KeySeen, key};
pub(crate) use project::{ProjectSeen, RowLimit, Tried, Trouble, project};
pub(crate) use reach::{Dns, Reach, Sample, reach};
pub(crate) use store::{StoreSeen, stores};

/// Time limit of one request of this command: a person waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A schema's name that no project has: asking for it is answered at once, without work for the
/// database.
const NO_SUCH_SCHEMA: &str = "supabackup_asks_which_schemas_are_exposed";

/// An answer of the server, reduced to what tells something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The server's clock.
    pub(crate) date: Option<DateTime<Utc>>,
    /// Where it sends us instead.
    pub(crate) location: Option<String>,
    /// Of the body, where it is an error in JSON.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// No answer: why, and whether there was a connection.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) reason: String,
    pub(crate) connected: bool,
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    code: Option<serde_json::Value>,
    message: Option<String>,
    hint: Option<String>,
}

impl Reply {
    fn of(answer: &Answer) -> Self {
        let text = |name: &str| answer.headers.get(name).and_then(|value| value.to_str().ok());
        let date = text("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = match body.code {
            Some(serde_json::Value::String(code)) => code,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        Self {
            status: answer.status,
            date: date.map(|date| date.with_timezone(&Utc)),
            location: text("location").map(str::to_owned),
            code,
            message: body.message.unwrap_or_default(),
            hint: body.hint.unwrap_or_default(),
        }
    }

    /// Status and reason in a few words.
    pub(crate) fn said(&self) -> String {
        let words = [self.code.as_str(), self.message.as_str()];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        match words.is_empty() {
            true => self.status.to_string(),
            false => format!("{} ({})", self.status, words.join(": ")),
        }
    }
}

/// A client that tries so often and waits no longer than a person does.
fn http(config: &Config, tries: u32) -> Result<Http, String> {
    let timeout = PATIENCE.min(config.request_timeout);
    let patience = Patience { tries, first_delay: config.retry_delay, timeout };
    Http::new(patience, 1, concat!("supabackup/", env!("CARGO_PKG_VERSION")), Buffers::default())
}

/// Asks the API's root for a schema that does not exist: past the key, the answer is 406.
async fn ask(http: &Http, project: &ProjectConfig, mut headers: HeaderMap) -> Result<Reply, Broken> {
    let broken = |reason: String| Broken { reason, connected: false };
    let url = Url::parse(&format!("{}/rest/v1/", project.url)).map_err(|e| broken(e.to_string()))?;
    headers.insert(HeaderName::from_static("accept-profile"), HeaderValue::from_static(NO_SUCH_SCHEMA));
    match http.send(&Request::get(url, headers, 1 << 16, |_, _| true)).await {
        Ok(answer) => Ok(Reply::of(&answer)),
        // nothing that large is an error
        Err(HttpError::TooLarge(_)) => Ok(Reply { status: 200, ..Reply::default() }),
        Err(HttpError::Unreachable { reason, connected, .. }) => Err(Broken { reason, connected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_reduced_to_what_it_says() {
        let headers = [("date", "Mon, 23 Nov 2026 10:00:00 GMT"), ("location", "https://elsewhere")];
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let answer = |body: &str| Answer {
            status: 401,
            headers: headers.clone().into_iter().collect(),
            body: body.as_bytes().to_vec(),
        };
        let reply = Reply::of(&answer(r#"{"code":"PGRST301","message":"JWT expired","details":null,"hint":null}"#));
        assert_eq!(reply.said(), "401 (PGRST301: JWT expired)");
        assert_eq!(reply.date.map(|date| date.timestamp()), Some(1_795_428_000));
        assert_eq!(reply.location.as_deref(), Some("https://elsewhere"));
        assert_eq!(Reply::of(&answer(r#"{"code":401,"message":"no"}"#)).said(), "401 (401: no)");
        assert_eq!(Reply::of(&answer("<html>")).said(), "401");
    }
}
