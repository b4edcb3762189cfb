//! One `send` for every edge: time limits, retries that honour `Retry-After`, fewer requests at once
//! when the server is out of breath, and errors that name no secret. It knows no service.

use std::sync::Mutex;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::StreamExt;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::buffers::Buffers;

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

/// A request without a body. Everything that is sent here is safe to repeat.
#[derive(Debug, Clone)]
pub struct Request {
    /// GET or HEAD.
    pub method: Method,
    /// The full URL; it never holds a secret.
    pub url: Url,
    /// Headers, secrets among them marked sensitive.
    pub headers: HeaderMap,
    /// Bodies larger than this are given up with [`HttpError::TooLarge`].
    pub body_limit: usize,
    /// Whether a body can be what was asked for. One that cannot (cut off by something on the way
    /// that ended it cleanly, or a page of somebody else's) counts as broken, and is asked for again.
    pub plausible: fn(status: u16, body: &[u8]) -> bool,
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
            let last = attempt >= self.patience.tries;
            let overloaded = matches!(&result, Ok(answer) if is_transient(answer));
            self.lanes.leave(lane, overloaded);
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
        let sent = self.client.request(request.method.clone(), request.url.clone()).headers(request.headers.clone());
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

/// Statuses that another try may change. 500 counts only without a database error code: a page that
/// ran into the statement limit, for one, is not asked for again but made smaller.
fn is_transient(answer: &Answer) -> bool {
    match answer.status {
        408 | 425 | 429 | 502 | 503 | 504 | 520..=524 | 530 | 544 => true,
        500 => {
            let text = String::from_utf8_lossy(&answer.body);
            !text.contains("\"code\":")
                || text.contains("\"40001\"")
                || text.contains("\"40P01\"")
                || text.contains("\"55P03\"")
        }
        // what PostgREST makes of a connection that the database ended under a statement
        400 => String::from_utf8_lossy(&answer.body).contains("\"code\":\"\""),
        _ => false,
    }
}

/// `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3), else `X-RateLimit-Reset` in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(value) = text("retry-after") {
        if let Ok(seconds) = value.trim().parse() {
            return Some(Duration::from_secs(seconds));
        }
        let at = chrono::DateTime::parse_from_rfc2822(value).ok()?;
        let now = chrono::DateTime::parse_from_rfc2822(text("date")?).ok()?;
        return (at - now).to_std().ok();
    }
    text("x-ratelimit-reset").and_then(|v| v.trim().parse().ok()).map(Duration::from_secs)
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

/// Requests in flight: one lane less after each sign of overload, one more after a run of successes.
#[derive(Debug)]
struct Lanes {
    open: Semaphore,
    most: usize,
    state: Mutex<LaneState>,
}

#[derive(Debug)]
struct LaneState {
    current: usize,
    successes: usize,
}

/// So many good answers in a row open a closed lane again.
const SUCCESSES_PER_LANE: usize = 25;

impl Lanes {
    fn new(most: usize) -> Self {
        Self { open: Semaphore::new(most), most, state: Mutex::new(LaneState { current: most, successes: 0 }) }
    }

    async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // the semaphore is never closed; if it were, a request without a lane is better than none
        self.open.acquire().await.ok()
    }

    fn leave(&self, lane: Option<SemaphorePermit<'_>>, overloaded: bool) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if overloaded {
            state.successes = 0;
            if state.current > 1 {
                state.current -= 1;
                if let Some(lane) = lane {
                    lane.forget();
                }
            }
        } else {
            state.successes += 1;
            if state.successes >= SUCCESSES_PER_LANE && state.current < self.most {
                state.successes = 0;
                state.current += 1;
                self.open.add_permits(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| (reqwest::header::HeaderName::from_static(k), reqwest::header::HeaderValue::from_static(v)))
            .collect()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(retry_after(&headers(&[("retry-after", "7")])), Some(Duration::from_secs(7)));
        let dates =
            headers(&[("retry-after", "Mon, 23 Nov 2026 10:00:30 GMT"), ("date", "Mon, 23 Nov 2026 10:00:00 GMT")]);
        assert_eq!(retry_after(&dates), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[("x-ratelimit-reset", "12")])), Some(Duration::from_secs(12)));
        assert_eq!(retry_after(&headers(&[])), None);
    }

    #[test]
    fn a_statement_time_out_is_an_answer_and_a_bare_500_is_not() {
        let answer =
            |status, body: &'static str| Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        assert!(!is_transient(&answer(500, r#"{"code":"57014"}"#)));
        assert!(is_transient(&answer(500, "<html>")));
        assert!(is_transient(&answer(500, r#"{"code":"40001"}"#)));
        assert!(is_transient(&answer(544, "")));
        assert!(is_transient(&answer(400, r#"{"code":"","details":null,"hint":null,"message":""}"#)));
        assert!(!is_transient(&answer(400, r#"{"code":"42703"}"#)));
        assert!(!is_transient(&answer(540, "")));
        assert!(!is_transient(&answer(404, "")));
    }

    #[tokio::test]
    async fn lanes_close_under_overload_and_open_again() {
        let lanes = Lanes::new(2);
        let lane = lanes.enter().await;
        lanes.leave(lane, true);
        assert_eq!(lanes.open.available_permits(), 1);
        let lane = lanes.enter().await;
        lanes.leave(lane, true);
        assert_eq!(lanes.open.available_permits(), 1, "the last lane stays open");
        for _ in 0..SUCCESSES_PER_LANE {
            let lane = lanes.enter().await;
            lanes.leave(lane, false);
        }
        assert_eq!(lanes.open.available_permits(), 2);
    }
}
