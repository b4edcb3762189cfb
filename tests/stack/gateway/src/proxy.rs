//! From a client's request to PostgREST and back.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    Request, Response, StatusCode, Uri, Version,
    body::Incoming,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING,
        UPGRADE,
    },
    http::uri::{Authority, PathAndQuery, Scheme},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    body::{Body, BoxError},
    config::Config,
    faults::{Action, Faults, Rule},
    keys::{APIKEY, Keys, Refusal},
    record::{Record, Ticket},
};

/// `application/json`.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Headers that end at each hop.
const HOP: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Everything a request needs on its way through.
pub(crate) struct Gateway {
    client: Client<HttpConnector, Incoming>,
    upstream: Authority,
    keys: Keys,
    latency_ms: AtomicU64,
    /// The fault rules in force.
    pub(crate) faults: Faults,
    /// The requests answered.
    pub(crate) record: Arc<Record>,
}

impl Gateway {
    /// A gateway with no faults and no record.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            // PostgREST folds Content-Location over two lines for a table whose name holds a newline
            client: Client::builder(TokioExecutor::new())
                .http1_allow_obsolete_multiline_headers_in_responses(true)
                .build(connector),
            upstream: config.upstream.parse().context("upstream must be host:port")?,
            keys: Keys::new(config)?,
            latency_ms: AtomicU64::new(config.latency_ms),
            faults: Faults::new(),
            record: Arc::new(Record::new()),
        })
    }

    /// Sets the delay before every response.
    pub(crate) fn set_latency(&self, ms: u64) {
        self.latency_ms.store(ms, Ordering::Relaxed);
    }

    /// Answers one public request; an error closes the connection.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
        if !self.record.is_on() && !self.faults.any() {
            return Ok(self.forward(request).await);
        }
        let start = Instant::now();
        let method = request.method().as_str().to_owned();
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        let rule = self.faults.pick(&method, &target);
        let mut ticket = self.record.is_on().then(|| {
            let profile = ["accept-profile", "content-profile"]
                .iter()
                .find_map(|name| request.headers().get(*name)?.to_str().ok());
            Ticket::new(&self.record, start, &method, &target, profile)
        });
        if let (Some(ticket), Some(rule)) = (&mut ticket, &rule) {
            ticket.fault(&rule.id);
        }
        // On an error the ticket is dropped here: recorded as a request without an answer.
        let (mut response, cut_after) = self.spoiled(request, rule.as_deref()).await?;
        if let Some(ticket) = &mut ticket {
            ticket.status(response.status().as_u16());
        }
        if ticket.is_some() || cut_after.is_some() {
            response = response.map(|body| body.watched(cut_after, ticket));
        }
        Ok(response)
    }

    /// The answer as `rule` wants it, and where to cut it.
    async fn spoiled(
        &self,
        request: Request<Incoming>,
        rule: Option<&Rule>,
    ) -> Result<(Response<Body>, Option<u64>), BoxError> {
        let Some(rule) = rule else {
            return Ok((self.forward(request).await, None));
        };
        match &rule.action {
            Action::Status { status, headers, body } => {
                self.wait().await;
                return Ok((made_up(*status, headers, body)?, None));
            }
            Action::Hang {} => pending::<()>().await,
            Action::Close {} => return Err("closed by a fault rule".into()),
            Action::Delay { ms } => sleep(Duration::from_millis(*ms)).await,
            Action::Cut { .. } | Action::Truncate { .. } | Action::Replace { .. } => {}
        }
        let response = self.forward(request).await;
        match &rule.action {
            Action::Cut { after } => {
                let length = content_length(response.headers());
                // All bytes of a body of known length would be a complete answer.
                let after = length.map_or(*after, |length| (*after).min(length.saturating_sub(1)));
                Ok((response, Some(after)))
            }
            action if action.rewrites() => Ok((rewritten(response, action).await?, None)),
            _ => Ok((response, None)),
        }
    }

    /// The plain way: keys, latency, PostgREST.
    async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        self.wait().await;
        let (mut parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let Some(rest) = rest_target(target) else {
            return message(StatusCode::NOT_FOUND, "no Route matched with those values", None);
        };
        let path_end = rest.find('?').unwrap_or(rest.len());
        let root = matches!(&rest[..path_end], "" | "/");
        let query_key = if parts.headers.contains_key(&APIKEY) { None } else { query_key(&rest[path_end..]) };
        let rest = match query_key {
            // PostgREST would take the key for a filter on a column.
            Some(key) => without_key(rest, key),
            None if path_end == 0 => format!("/{rest}"),
            None => rest.to_owned(),
        };
        let query_key = query_key.map(str::to_owned);
        if let Err(refusal) = self.keys.authorize(&mut parts.headers, query_key.as_deref(), root) {
            return refused(&refusal);
        }
        let Ok(uri) = self.upstream_uri(rest) else {
            return message(StatusCode::BAD_REQUEST, "the request target is not a URL", None);
        };
        parts.uri = uri;
        parts.version = Version::HTTP_11;
        strip_hop(&mut parts.headers);
        parts.headers.remove(EXPECT);
        match self.client.request(Request::from_parts(parts, body)).await {
            Ok(response) => {
                let (mut parts, body) = response.into_parts();
                strip_hop(&mut parts.headers);
                parts.version = Version::HTTP_11;
                Response::from_parts(parts, Body::Upstream(body))
            }
            Err(_) => {
                let text = "An invalid response was received from the upstream server";
                message(StatusCode::BAD_GATEWAY, text, None)
            }
        }
    }

    async fn wait(&self) {
        match self.latency_ms.load(Ordering::Relaxed) {
            0 => {}
            ms => sleep(Duration::from_millis(ms)).await,
        }
    }

    fn upstream_uri(&self, rest: String) -> Result<Uri> {
        let mut parts = hyper::http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.upstream.clone());
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(rest))?);
        Ok(Uri::from_parts(parts)?)
    }
}

/// What follows `/rest/v1`: empty, a path or a query. `None` for any other address.
fn rest_target(target: &str) -> Option<&str> {
    target.strip_prefix("/rest/v1").filter(|rest| matches!(rest.as_bytes().first(), None | Some(b'/' | b'?')))
}

/// The value of `apikey` in a query that starts with `?`.
fn query_key(query: &str) -> Option<&str> {
    query.strip_prefix('?')?.split('&').find_map(|pair| pair.strip_prefix("apikey="))
}

/// `rest` without `apikey=key`.
fn without_key(rest: &str, key: &str) -> String {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let kept: Vec<&str> = query.split('&').filter(|pair| pair.strip_prefix("apikey=") != Some(key)).collect();
    let path = if path.is_empty() { "/" } else { path };
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

fn strip_hop(headers: &mut HeaderMap) {
    for name in &HOP {
        headers.remove(name);
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The whole body of `response`, changed by `action`, with the headers that go with it.
async fn rewritten(response: Response<Body>, action: &Action) -> Result<Response<Body>, BoxError> {
    let (mut parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let body = action.rewrite(&body).map_or(body, Bytes::from);
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Response::from_parts(parts, Body::held(body)))
}

/// The answer of a `status` rule.
fn made_up(
    status: u16,
    headers: &std::collections::BTreeMap<String, String>,
    body: &str,
) -> Result<Response<Body>, BoxError> {
    let mut response = Response::new(Body::held(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status)?;
    let kind = if body.starts_with(['{', '[']) { JSON } else { HeaderValue::from_static("text/html") };
    response.headers_mut().insert(CONTENT_TYPE, kind);
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(response)
}

fn refused(refusal: &Refusal) -> Response<Body> {
    message(StatusCode::UNAUTHORIZED, refusal.message, Some(refusal.hint))
}

fn message(status: StatusCode, message: &str, hint: Option<&str>) -> Response<Body> {
    let body = match hint {
        Some(hint) => json!({ "message": message, "hint": hint }),
        None => json!({ "message": message }),
    };
    let mut response = Response::new(Body::held(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rest_prefix_is_served_and_the_rest_is_untouched() {
        assert_eq!(rest_target("/rest/v1/a%2Fb?x=%22y%22"), Some("/a%2Fb?x=%22y%22"));
        assert_eq!(rest_target("/rest/v1"), Some(""));
        assert_eq!(rest_target("/rest/v1?x"), Some("?x"));
        assert_eq!(rest_target("/rest/v10/a"), None);
        assert_eq!(rest_target("/auth/v1/a"), None);
    }

    #[test]
    fn a_key_in_the_query_is_taken_out() {
        assert_eq!(query_key("?a=1&apikey=k&b=2"), Some("k"));
        assert_eq!(query_key(""), None);
        assert_eq!(without_key("/t?a=1&apikey=k&b=2", "k"), "/t?a=1&b=2");
        assert_eq!(without_key("?apikey=k", "k"), "/");
    }
}
