//! One `send` for every edge: time limits, retries that honour `Retry-After`, fewer requests at once
//! when the server is out of breath, and errors that name no secret. It knows no service.

mod headers;
mod lanes;

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};

use crate::buffers::Buffers;

pub(crate) use headers::{rate_limit_remaining, rate_limit_reset, retry_after};
use lanes::Lanes;

/// How patient a client is.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts per request, the first one included.
    pub tries: u32,
    /// The first pause; each later one is up to twice as long, with jitter, up to 30 s.
    pub first_delay: Duration,
    /// Limit of one attempt, body included.
    pub timeout: Duration,
}

/// The longest pause that a server's `Retry-After` can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);

/// What is to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET, HEAD or POST.
    pub method: Method,
    /// The full URL. It may be a secret as a whole: no error shows any of it.
    pub url: Url,
    /// Headers, secrets among them marked sensitive.
    pub headers: HeaderMap,
    /// What goes with a POST; else empty.
    pub body: Bytes,
    /// Whether it may be acted upon twice. One that may not is sent again only where it was certainly
    /// not acted upon: there was no connection, or it was turned away (429).
    pub repeatable: bool,
    /// Bodies larger than this are given up with [`HttpError::TooLarge`].
    pub body_limit: usize,
    /// Whether a body can be what was asked for. One that cannot (cut off by something on the way
    /// that ended it cleanly, or a page of somebody else's) counts as broken, and is asked for again.
    pub plausible: fn(status: u16, body: &[u8]) -> bool,
}

impl Request {
    /// A GET, which can always be repeated.
    pub fn get(
        url: Url,
        headers: HeaderMap,
        body_limit: usize,
        plausible: fn(status: u16, body: &[u8]) -> bool,
    ) -> Self {
        Self { method: Method::GET, url, headers, body: Bytes::new(), repeatable: true, body_limit, plausible }
    }
}

/// A complete answer: the body's framing was whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Response headers.
    pub headers: HeaderMap,
    /// The decoded body.
    pub body: Vec<u8>,
}

/// Why no answer could be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// Every try failed on the way: no connection, cut body, time-out.
    #[error("{reason} (after {tries} tries)")]
    Unreachable {
        /// What went wrong the last time, without URL.
        reason: String,
        /// How often it was tried.
        tries: u32,
        /// Whether there was a connection, and it was the answer that failed.
        connected: bool,
    },
    /// The body exceeds the request's limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// A client with its own limit of requests in flight.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    patience: Patience,
    lanes: Lanes,
    buffers: Buffers,
}

impl Http {
    /// A client with at most `connections` requests in flight, whose bodies are read into `buffers`.
    pub fn new(patience: Patience, connections: usize, user_agent: &str, buffers: Buffers) -> Result<Self, String> {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| reqwest::Certificate::from_der(der));
        let roots = roots.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let client = reqwest::Client::builder()
            .user_agent(user_agent)
            .timeout(patience.timeout)
            .connect_timeout(Duration::from_secs(15).min(patience.timeout))
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(connections)
            .tcp_nodelay(true)
            // PostgREST folds Content-Location over two lines for a table whose name holds a newline
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            // merged, not replaced: a runner's own CA stays usable, and an image without any CA works
            .tls_certs_merge(roots)
            .build()
            .map_err(|e| reason(&e))?;
        Ok(Self { client, patience, lanes: Lanes::new(connections), buffers })
    }

    /// How patient it is.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Sends until there is an answer that another try would not change. Server errors that are not
    /// transient come back as answers.
    pub async fn send(&self, request: &Request) -> Result<Answer, HttpError> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(self.patience.first_delay)
            .with_max_delay(Duration::from_secs(30))
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .build();
        for attempt in 1.. {
            let lane = self.lanes.enter().await;
            let result = self.attempt(request).await;
            let overloaded = matches!(&result, Ok(answer) if is_transient(answer));
            self.lanes.leave(lane, overloaded);
            let last = attempt >= self.patience.tries || !(request.repeatable || was_not_acted_upon(&result));
            let wait = match result {
                Ok(answer) if !overloaded || last => return Ok(answer),
                Ok(answer) => retry_after(&answer.headers),
                Err(Attempt::TooLarge) => return Err(HttpError::TooLarge(request.body_limit)),
                Err(Attempt::Broken { reason, connected }) if last => {
                    return Err(HttpError::Unreachable { reason, tries: attempt, connected });
                }
                Err(Attempt::Broken { .. }) => None,
            };
            let pause = pauses.next().unwrap_or(self.patience.first_delay);
            tokio::time::sleep(wait.map_or(pause, |w| w.clamp(pause, LONGEST_RETRY_AFTER))).await;
        }
        Err(HttpError::Unreachable { reason: "no try was allowed".into(), tries: 0, connected: false })
    }

    async fn attempt(&self, request: &Request) -> Result<Answer, Attempt> {
        let mut sent =
            self.client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
        if !request.body.is_empty() {
            sent = sent.body(request.body.clone());
        }
        let response = sent.send().await.map_err(Attempt::broken)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let known = response.content_length().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        if known > request.body_limit {
            return Err(Attempt::TooLarge);
        }
        let mut chunks = response.bytes_stream();
        let mut body = self.buffers.take();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(Attempt::broken)?;
            if body.len() + chunk.len() > request.body_limit {
                return Err(Attempt::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        if !(request.plausible)(status, &body) {
            let what = if body.is_empty() { "empty" } else { "not the JSON that was asked for, or cut off" };
            return Err(Attempt::Broken { reason: format!("the answer ({status}) is {what}"), connected: true });
        }
        Ok(Answer { status, headers, body })
    }
}

enum Attempt {
    Broken { reason: String, connected: bool },
    TooLarge,
}

impl Attempt {
    fn broken(error: reqwest::Error) -> Self {
        Self::Broken { reason: reason(&error), connected: !error.is_connect() }
    }
}

/// Whether the server certainly did nothing: then even a write may be sent again.
fn was_not_acted_upon(result: &Result<Answer, Attempt>) -> bool {
    match result {
        Ok(answer) => answer.status == 429,
        Err(Attempt::Broken { connected, .. }) => !connected,
        Err(Attempt::TooLarge) => false,
    }
}

/// Statuses that another try may change. 500 counts only without a database error code: a page that
/// ran into the statement limit, for one, is not asked for again but made smaller.
fn is_transient(answer: &Answer) -> bool {
    match answer.status {
        408 | 425 | 429 | 502 | 503 | 504 | 520..=524 | 530 | 544 => true,
        500 => {
            let text = String::from_utf8_lossy(&answer.body);
            // a statement that ran into its time limit does so again, whoever says it
            (!text.contains("\"code\":") && !text.contains("57014"))
                || text.contains("\"40001\"")
                || text.contains("\"40P01\"")
                || text.contains("\"55P03\"")
        }
        // what PostgREST makes of a connection that the database ended under a statement
        400 => String::from_utf8_lossy(&answer.body).contains("\"code\":\"\""),
        _ => false,
    }
}

/// The causes of an error in one line. URLs are cut out: they say nothing that the caller does not say better.
fn reason(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() {
        "the answer took too long".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else if error.is_body() || error.is_decode() {
        "the answer broke off".to_owned()
    } else {
        "the request failed".to_owned()
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) && !cause_text.contains("://") {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_time_out_is_an_answer_and_a_bare_500_is_not() {
        let answer =
            |status, body: &'static str| Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        assert!(!is_transient(&answer(500, r#"{"code":"57014"}"#)));
        assert!(!is_transient(&answer(500, r#"{"message":"Failed to run sql query: ERROR:  57014: canceling"}"#)));
        assert!(is_transient(&answer(500, "<html>")));
        assert!(is_transient(&answer(500, r#"{"code":"40001"}"#)));
        assert!(is_transient(&answer(544, "")));
        assert!(is_transient(&answer(400, r#"{"code":"","details":null,"hint":null,"message":""}"#)));
        assert!(!is_transient(&answer(400, r#"{"code":"42703"}"#)));
        assert!(!is_transient(&answer(540, "")));
        assert!(!is_transient(&answer(404, "")));
    }
}
