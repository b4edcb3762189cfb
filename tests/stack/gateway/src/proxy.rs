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
    http::{
        request::Parts,
        uri::{Authority, PathAndQuery, Scheme},
    },
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
    management::Management,
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
    meta: Option<Authority>,
    keys: Keys,
    latency_ms: AtomicU64,
    /// The stand-in for the Management API.
    pub(crate) management: Option<Management>,
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
            meta: config.meta.as_deref().map(str::parse).transpose().context("meta must be host:port")?,
            keys: Keys::new(config)?,
            management: Management::new(config),
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

    /// The plain way: latency, then to whom the path belongs.
    async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        self.wait().await;
        let target = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        if let Some(rest) = below("/rest/v1", target) {
            let rest = rest.to_owned();
            return self.to_postgrest(request, rest).await;
        }
        if let (Some(meta), Some(rest)) = (&self.meta, below("/pg", target)) {
            let rest = rest.to_owned();
            return self.to_meta(request, meta, rest).await;
        }
        match &self.management {
            Some(management) if below("/v1", target).is_some() => management.answer(request).await,
            _ => message(StatusCode::NOT_FOUND, "no Route matched with those values", None),
        }
    }

    /// To postgres-meta, for the service key alone.
    async fn to_meta(&self, request: Request<Incoming>, meta: &Authority, rest: String) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let query = rest.find('?').map_or("", |start| &rest[start..]);
        if let Err((status, text)) = self.keys.service_only(&parts.headers, query_key(query)) {
            return message(status, text, None);
        }
        let rest = if rest.starts_with('/') { rest } else { format!("/{rest}") };
        self.pass_on(parts, body, meta, rest).await
    }

    /// To PostgREST, with the key's token.
    async fn to_postgrest(&self, request: Request<Incoming>, rest: String) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let path_end = rest.find('?').unwrap_or(rest.len());
        let root = matches!(&rest[..path_end], "" | "/");
        let in_header = parts.headers.contains_key(&APIKEY);
        let query_key = if in_header { None } else { query_key(&rest[path_end..]).map(str::to_owned) };
        let rest = match &query_key {
            // PostgREST would take the key for a filter on a column.
            Some(key) => without_key(&rest, key),
            None if path_end == 0 => format!("/{rest}"),
            None => rest,
        };
        if let Err(refusal) = self.keys.authorize(&mut parts.headers, query_key.as_deref(), root) {
            return refused(&refusal);
        }
        self.pass_on(parts, body, &self.upstream, rest).await
    }

    /// The request as it came to another address, and the answer as it came back.
    async fn pass_on(&self, mut parts: Parts, body: Incoming, authority: &Authority, target: String) -> Response<Body> {
        let Ok(uri) = upstream_uri(authority, target) else {
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
}

fn upstream_uri(authority: &Authority, target: String) -> Result<Uri> {
    let mut parts = hyper::http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(target))?);
    Ok(Uri::from_parts(parts)?)
}

/// What follows `prefix`: empty, a path or a query. `None` for any other address.
fn below<'a>(prefix: &str, target: &'a str) -> Option<&'a str> {
    target.strip_prefix(prefix).filter(|rest| matches!(rest.as_bytes().first(), None | Some(b'/' | b'?')))
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
    fn a_prefix_ends_with_a_word_and_the_rest_is_untouched() {
        assert_eq!(below("/rest/v1", "/rest/v1/a%2Fb?x=%22y%22"), Some("/a%2Fb?x=%22y%22"));
        assert_eq!(below("/rest/v1", "/rest/v1"), Some(""));
        assert_eq!(below("/rest/v1", "/rest/v1?x"), Some("?x"));
        assert_eq!(below("/rest/v1", "/rest/v10/a"), None);
        assert_eq!(below("/pg", "/pgx"), None);
    }

    #[test]
    fn a_key_in_the_query_is_taken_out() {
        assert_eq!(query_key("?a=1&apikey=k&b=2"), Some("k"));
        assert_eq!(query_key(""), None);
        assert_eq!(without_key("/t?a=1&apikey=k&b=2", "k"), "/t?a=1&b=2");
        assert_eq!(without_key("?apikey=k", "k"), "/");
    }
}
