//! One project's Data API: addresses, keys, and what its errors mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::Failure;
use crate::http::{Answer, Http, HttpError, Patience, Request};
use crate::model::TableName;
use crate::supabase::rows::RowLimit;

/// Limit of small answers, and the least limit of pages.
pub(crate) const PAGE_LIMIT: usize = 8 << 20;
/// Limit where the page cannot be made smaller: one row, or the API's description of itself.
pub(crate) const SINGLE_LIMIT: usize = 1 << 30;

/// The REST API of one project.
#[derive(Debug)]
pub struct Client {
    pub(super) http: Arc<Http>,
    pub(super) base: String,
    pub(super) keys: HeaderMap,
    /// To cut it out of whatever a server or a proxy repeats.
    key: SecretString,
    pub(crate) row_limit: RowLimit,
    give_ups: AtomicU32,
    /// Bodies of pages up to this size are taken; a larger one is given up and asked for in halves.
    pub(crate) page_limit: usize,
}

/// After so many requests in a row that failed in spite of every retry, the project counts as gone:
/// hundreds of tables would otherwise be waited for one by one.
const GIVE_UPS: u32 = 4;

/// A table that no project has: PostgREST answers 404 for it.
const NO_SUCH_TABLE: &str = "supabackup_asks_whether_anybody_is_there?limit=0";

/// What is said of a project that is paused.
pub(crate) const PAUSED: &str = "the project is paused (the API answers 540)";

/// What the API's refusal means for the caller.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Nothing more can be had from this project in this run: wrong key, paused, unreachable.
    #[error("{0}")]
    Fatal(Failure),
    /// The table is not there (any more).
    #[error("{0}")]
    Gone(String),
    /// The role may not read it.
    #[error("{0}")]
    Denied(String),
    /// A column is not there; on views, that is `ctid`.
    #[error("{0}")]
    NoColumn(String),
    /// The relation cannot do what was asked: foreign tables have no system columns.
    #[error("{0}")]
    NotSupported(String),
    /// A function is not there for these types.
    #[error("{0}")]
    NoFunction(String),
    /// The statement ran into its time limit: ask for less.
    #[error("{0}")]
    TimedOut(String),
    /// The answer was too large: ask for less.
    #[error("{0}")]
    TooLarge(String),
    /// The answer broke off or never came, every time: something on the way may limit size or time.
    #[error("{0}")]
    Broken(String),
    /// The answer is not what was asked for (broken off, other content).
    #[error("{0}")]
    Damaged(String),
    /// Anything else.
    #[error("{0}")]
    Rejected(String),
}

/// The body of a PostgREST error.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ErrorBody {
    #[serde(default)]
    pub(crate) code: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) hint: Option<String>,
    #[serde(default)]
    pub(crate) details: Option<serde_json::Value>,
}

/// Whether a part of a message is for people: not one that is empty, and not the values of a whole row, because what
/// is in users' rows is not for logs.
pub(crate) fn is_for_people(part: &str) -> bool {
    let part = part.trim_start();
    !part.is_empty() && !part.starts_with("Failing row contains (")
}

impl ErrorBody {
    /// Message, details and hint in one line.
    pub(crate) fn told(&self) -> String {
        let details = self.details.as_ref().and_then(serde_json::Value::as_str);
        let parts = [self.message.as_deref(), details, self.hint.as_deref()];
        let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| is_for_people(part)).collect();
        if parts.is_empty() { "no reason given".to_owned() } else { parts.join("; ") }
    }
}

impl Client {
    /// `url` is the project's URL without `/rest/v1`; for the key see `key_headers`.
    pub fn new(http: Arc<Http>, url: &str, key: &SecretString, is_jwt: bool) -> Result<Self, Failure> {
        Ok(Self {
            http,
            base: format!("{}/rest/v1/", url.trim_end_matches('/')),
            keys: key_headers(key, is_jwt)?,
            key: key.clone(),
            row_limit: RowLimit::default(),
            give_ups: AtomicU32::new(0),
            page_limit: PAGE_LIMIT,
        })
    }

    /// With room for pages of several times the size that is aimed at.
    #[must_use]
    pub fn with_page_size(mut self, aim: usize) -> Self {
        self.page_limit = PAGE_LIMIT.max(aim.saturating_mul(4));
        self
    }

    /// The pause before something is tried again.
    pub(crate) fn pause(&self) -> std::time::Duration {
        self.http.patience().first_delay
    }

    /// How patient it is.
    pub(crate) fn patience(&self) -> Patience {
        self.http.patience()
    }

    /// The server's `max_rows`, where it showed.
    pub fn max_rows(&self) -> Option<u64> {
        self.row_limit.known()
    }

    /// GET of a path below `/rest/v1/` (already escaped), for one schema.
    pub(crate) async fn get(
        &self,
        path: &str,
        schema: &str,
        extra: &[(&'static str, &'static str)],
        body_limit: usize,
    ) -> Result<Answer, ApiError> {
        let url = Url::parse(&format!("{}{path}", self.base))
            .map_err(|e| ApiError::Rejected(format!("the address cannot be written as a URL: {e}")))?;
        let mut headers = self.keys.clone();
        let profile = HeaderValue::from_bytes(schema.as_bytes())
            .map_err(|_| ApiError::Rejected("the schema's name cannot be sent in a header".to_owned()))?;
        headers.insert(HeaderName::from_static("accept-profile"), profile);
        for (name, value) in extra {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let request = Request::get(url, headers, body_limit, whole_json);
        let sent = self.http.send(&request).await;
        let gave_up = match &sent {
            Ok(answer) => answer.status >= 502 && answer.status != 540,
            Err(error) => matches!(error, HttpError::Unreachable { .. }),
        };
        if !gave_up {
            self.give_ups.store(0, Ordering::Relaxed);
        } else if self.give_ups.fetch_add(1, Ordering::Relaxed) + 1 >= GIVE_UPS && !self.answers().await {
            let why = match &sent {
                Ok(answer) => self.meaning(answer).to_string(),
                Err(error) => error.to_string(),
            };
            return Err(self.unreachable(&format!("the project stopped answering: {why}")));
        }
        match sent {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
            Ok(answer) => Err(self.meaning(&answer)),
            Err(HttpError::TooLarge(limit)) => {
                Err(ApiError::TooLarge(format!("the answer is larger than {limit} bytes")))
            }
            Err(error @ HttpError::Unreachable { connected: true, .. }) => Err(ApiError::Broken(error.to_string())),
            Err(error) => Err(self.unreachable(&error.to_string())),
        }
    }

    /// The answer to a request that is expected to be refused.
    pub(crate) async fn get_refusal(&self, path: &str, schema: &'static str) -> Result<ErrorBody, ApiError> {
        let url = Url::parse(&format!("{}{path}", self.base)).map_err(|e| ApiError::Rejected(e.to_string()))?;
        let mut headers = self.keys.clone();
        headers.insert(HeaderName::from_static("accept-profile"), HeaderValue::from_static(schema));
        let request = Request::get(url, headers, PAGE_LIMIT, whole_json);
        match self.http.send(&request).await {
            Ok(answer) if answer.status == 406 => serde_json::from_slice(&answer.body)
                .map_err(|e| ApiError::Damaged(format!("the API's answer is not its own: {e}"))),
            Ok(answer) if (200..300).contains(&answer.status) => Err(ApiError::Damaged(
                "the API accepts a schema that no project has; something between here and it answers instead"
                    .to_owned(),
            )),
            Ok(answer) => Err(self.meaning(&answer)),
            Err(error) => Err(self.unreachable(&error.to_string())),
        }
    }

    /// Whether the project still answers anything: then only what was asked for does not come.
    async fn answers(&self) -> bool {
        let Ok(url) = Url::parse(&format!("{}{NO_SUCH_TABLE}", self.base)) else { return false };
        let headers = self.keys.clone();
        let request = Request::get(url, headers, PAGE_LIMIT, whole_json);
        let answered = matches!(self.http.send(&request).await, Ok(answer) if answer.status == 404);
        if answered {
            self.give_ups.store(0, Ordering::Relaxed);
        }
        answered
    }

    fn unreachable(&self, why: &str) -> ApiError {
        ApiError::Fatal(Failure::failed(format!("reading from {}: {why}", self.base)).hint(
            "check the project's URL and state, and whether this machine reaches it; then run `supabackup doctor`",
        ))
    }
}

/// The headers that carry a project's key. A JWT also goes into `Authorization`; a `sb_secret_…` key
/// must not.
pub(crate) fn key_headers(key: &SecretString, is_jwt: bool) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("apikey"), sensitive(key.expose_secret().to_owned())?);
    if is_jwt {
        headers.insert(AUTHORIZATION, sensitive(format!("Bearer {}", key.expose_secret()))?);
    }
    Ok(headers)
}

/// A header's value that is shown nowhere.
pub(crate) fn sensitive(text: String) -> Result<HeaderValue, Failure> {
    let mut value =
        HeaderValue::try_from(text).map_err(|_| Failure::usage("the key holds characters that no key has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether a body can be PostgREST's: an array or an object that ends. What another program sends
/// with an error status is looked at by [`meaning`].
pub(crate) fn whole_json(status: u16, body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let closed = matches!((body.first(), body.last()), (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')));
    closed || !((200..300).contains(&status) || status == 406)
}

/// Path and query of a table, all bytes outside RFC 3986's unreserved set escaped. `None` for the
/// names `.` and `..`, which every URL parser on the way removes.
pub(crate) fn table_path(table: &TableName, query: &[(&str, String)]) -> Option<String> {
    if table.name == "." || table.name == ".." {
        return None;
    }
    let mut path = escape(&table.name);
    for (i, (key, value)) in query.iter().enumerate() {
        path.push(if i == 0 { '?' } else { '&' });
        path.push_str(&escape(key));
        path.push('=');
        path.push_str(&escape(value));
    }
    Some(path)
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A column's name inside `select=` and `order=`.
pub(crate) fn quote_column(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Client {
    /// What an answer that is no success says.
    pub(crate) fn meaning(&self, answer: &Answer) -> ApiError {
        meaning(answer.status, self.error_body(answer))
    }

    /// The reason that an answer gives, cleaned.
    pub(crate) fn error_body(&self, answer: &Answer) -> ErrorBody {
        let mut body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(other) = body.details.as_ref().filter(|details| !details.is_string() && !details.is_null()) {
            body.details = Some(other.to_string().into());
        }
        let details = match &mut body.details {
            Some(serde_json::Value::String(text)) => Some(text),
            _ => None,
        };
        for text in [body.code.as_mut(), body.message.as_mut(), body.hint.as_mut(), details].into_iter().flatten() {
            *text = without_key(text, self.key.expose_secret());
        }
        body
    }
}

/// A text that came from outside, with the key cut out and nothing in it that could forge a line.
pub(crate) fn without_key(text: &str, key: &str) -> String {
    let text = if key.is_empty() { text.to_owned() } else { text.replace(key, "***") };
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn meaning(status: u16, body: ErrorBody) -> ApiError {
    let code = body.code.as_deref().unwrap_or_default();
    let message = body.message.clone().unwrap_or_else(|| "no reason given".to_owned());
    let said =
        if code.is_empty() { format!("{} ({message})", status) } else { format!("{} {code} ({message})", status) };
    let fatal = |text: String, hint: &str| ApiError::Fatal(Failure::failed(text).hint(hint));
    match (status, code, by_sqlstate(code, &message)) {
        (540, ..) => fatal(
            PAUSED.to_owned(),
            "un-pause it in the Supabase dashboard (a paused free project can be restored for a limited time only), then run again",
        ),
        (401, ..) | (403, "", _) => fatal(
            format!("the API refuses the key: {said}"),
            "use the project's secret key (sb_secret_…) from Settings > API keys; `supabackup doctor` checks it",
        ),
        (_, _, Some(error)) => error,
        (_, "PGRST204", _) => ApiError::NoColumn(message),
        (_, "PGRST202" | "PGRST203", _) => ApiError::NoFunction(message),
        (404, ..) | (_, "42P01" | "PGRST205", _) => ApiError::Gone(format!("the API does not know it: {said}")),
        (414 | 431, ..) => ApiError::Rejected(format!("the address is too long for the server: {said}")),
        _ => ApiError::Rejected(format!(
            "the API answers {said}{}",
            body.hint.map(|h| format!("; {h}")).unwrap_or_default()
        )),
    }
}

/// What the database's own code for an error means, where it means the same for whoever asked.
pub(crate) fn by_sqlstate(code: &str, message: &str) -> Option<ApiError> {
    let message = message.to_owned();
    match code {
        "42501" => Some(ApiError::Denied(message)),
        "42703" => Some(ApiError::NoColumn(message)),
        "42883" => Some(ApiError::NoFunction(message)),
        "0A000" => Some(ApiError::NotSupported(message)),
        "57014" => Some(ApiError::TimedOut(message)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_name_is_escaped_and_dot_names_are_refused() {
        let path = |name: &str| table_path(&TableName::new("public", name), &[("select", "\"a\",b".to_owned())]);
        assert_eq!(path("sl/ash?#%41 é").as_deref(), Some("sl%2Fash%3F%23%2541%20%C3%A9?select=%22a%22%2Cb"));
        assert_eq!(path(".."), None);
        assert_eq!(path("."), None);
        assert_eq!(quote_column("a\"b\\c"), "\"a\\\"b\\\\c\"");
    }
}
