//! A stand-in for the Management API, answering from the real database and PostgREST's real settings.
//!
//! | request below `/v1/projects/{ref}` | runs as | permission |
//! |---|---|---|
//! | `POST /database/query` | `postgres` | `database_write` |
//! | `POST /database/query` with `"read_only": true` | `supabase_read_only_user`, read-only | `database_read` or `database_write` |
//! | `POST /database/query/read-only` | `supabase_read_only_user`, read-only | `database_read` or `database_write` |
//! | `GET` itself | | `project_admin_read` |
//! | `GET /health?services=…` | | `project_admin_read` |
//! | `GET /postgrest` | | `data_api_config_read` |
//! | `GET /api-keys[?reveal=true]`, `/api-keys/legacy` | | `api_gateway_keys_read` |
//!
//! In this order: 401 for a token nobody has, 404 for an address nobody serves, 429 beyond the limit,
//! 404 for another project, 403 without the permission, 400 for SQL that fails.

mod limits;
mod project;
mod query;
mod values;
mod wire;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use http_body_util::BodyExt;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::limits::Limits;
use crate::{
    body::Body,
    config::{Config, Managed},
    proxy::JSON,
};

/// What a token may do.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Permission {
    /// SQL that only reads.
    DatabaseRead,
    /// Any SQL.
    DatabaseWrite,
    /// What the project is and how it is.
    ProjectAdminRead,
    /// PostgREST's settings.
    DataApiConfigRead,
    /// The project's keys.
    ApiGatewayKeysRead,
}

/// An address that is served; each has its own rate limit.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Endpoint {
    Query,
    QueryReadOnly,
    Project,
    Health,
    Postgrest,
    ApiKeys,
    LegacyKeys,
}

/// What tests may change through the control API.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Requests that each endpoint takes in a window.
    pub(crate) requests: u32,
    /// How long a window is.
    pub(crate) window_ms: u64,
    /// How long SQL may run.
    pub(crate) query_timeout_ms: u64,
}

/// A status and a JSON body.
type Answer = (StatusCode, Value);

/// The stand-in.
pub(crate) struct Management {
    managed: Managed,
    keys: project::Keys,
    limits: Limits,
    query_timeout_ms: AtomicU64,
}

impl Management {
    /// The stand-in that the configuration asks for, if it does.
    pub(crate) fn new(config: &Config) -> Option<Self> {
        Some(Self {
            managed: config.management.clone()?,
            keys: project::Keys::new(config),
            limits: Limits::new(),
            query_timeout_ms: AtomicU64::new(60_000),
        })
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> Settings {
        let (requests, window) = self.limits.get();
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        Settings { requests, window_ms, query_timeout_ms: self.query_timeout_ms.load(Ordering::Relaxed) }
    }

    /// Other settings from now on, and a new window for every endpoint.
    pub(crate) fn set(&self, settings: &Settings) {
        self.limits.set(settings.requests, Duration::from_millis(settings.window_ms));
        self.query_timeout_ms.store(settings.query_timeout_ms, Ordering::Relaxed);
    }

    /// Answers one request below `/v1`.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let Some(permissions) = self.permissions(&parts.headers) else {
            return response(refusal(StatusCode::UNAUTHORIZED, "Unauthorized"));
        };
        let Some((project, endpoint)) = endpoint(&parts.method, parts.uri.path()) else {
            let text = format!("Cannot {} {}", parts.method, parts.uri.path());
            return response(refusal(StatusCode::NOT_FOUND, &text));
        };
        let quota = self.limits.spend(endpoint, Instant::now());
        let answer = if !quota.allowed {
            refusal(StatusCode::TOO_MANY_REQUESTS, "ThrottlerException: Too Many Requests")
        } else if project != self.managed.project_ref {
            refusal(StatusCode::NOT_FOUND, "Project not found")
        } else {
            match body.collect().await {
                Ok(body) => self.carry_out(endpoint, permissions, parts.uri.query(), &body.to_bytes()).await,
                Err(_) => refusal(StatusCode::BAD_REQUEST, "request aborted"),
            }
        };
        let mut response = response(answer);
        quota.write(response.headers_mut());
        response
    }

    async fn carry_out(
        &self,
        endpoint: Endpoint,
        permissions: &[Permission],
        query: Option<&str>,
        body: &[u8],
    ) -> Answer {
        use Permission::{ApiGatewayKeysRead, DataApiConfigRead, DatabaseRead, DatabaseWrite, ProjectAdminRead};
        let may = |any: &[Permission]| any.iter().any(|one| permissions.contains(one));
        match endpoint {
            Endpoint::Query | Endpoint::QueryReadOnly => {
                let asked = match query::Asked::parse(body, endpoint == Endpoint::QueryReadOnly) {
                    Ok(asked) => asked,
                    Err(text) => return refusal(StatusCode::BAD_REQUEST, &text),
                };
                let allowed = if asked.read_only { may(&[DatabaseRead, DatabaseWrite]) } else { may(&[DatabaseWrite]) };
                if !allowed {
                    return forbidden();
                }
                asked.run(&self.managed.postgres, self.settings().query_timeout_ms).await
            }
            Endpoint::Project if may(&[ProjectAdminRead]) => project::project(&self.managed).await,
            Endpoint::Health if may(&[ProjectAdminRead]) => {
                project::health(&self.managed, query.unwrap_or_default()).await
            }
            Endpoint::Postgrest if may(&[DataApiConfigRead]) => project::postgrest(&self.managed),
            Endpoint::ApiKeys if may(&[ApiGatewayKeysRead]) => {
                let reveal = query.is_some_and(|query| query.split('&').any(|pair| pair == "reveal=true"));
                (StatusCode::OK, self.keys.list(reveal))
            }
            Endpoint::LegacyKeys if may(&[ApiGatewayKeysRead]) => (StatusCode::OK, json!({ "enabled": true })),
            Endpoint::Project | Endpoint::Health | Endpoint::Postgrest | Endpoint::ApiKeys | Endpoint::LegacyKeys => {
                forbidden()
            }
        }
    }

    /// What the request's token may do; `None` when there is no such token.
    fn permissions(&self, headers: &HeaderMap) -> Option<&[Permission]> {
        let token = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let known = self.managed.tokens.iter().find(|known| known.token == token)?;
        Some(&known.permissions)
    }
}

/// The project and the endpoint that an address means.
fn endpoint<'a>(method: &Method, path: &'a str) -> Option<(&'a str, Endpoint)> {
    let (project, rest) = match path.strip_prefix("/v1/projects/")?.split_once('/') {
        Some((project, rest)) => (project, rest),
        None => (path.strip_prefix("/v1/projects/")?, ""),
    };
    let endpoint = match (method, rest) {
        (&Method::POST, "database/query") => Endpoint::Query,
        (&Method::POST, "database/query/read-only") => Endpoint::QueryReadOnly,
        (&Method::GET, "") => Endpoint::Project,
        (&Method::GET, "health") => Endpoint::Health,
        (&Method::GET, "postgrest") => Endpoint::Postgrest,
        (&Method::GET, "api-keys") => Endpoint::ApiKeys,
        (&Method::GET, "api-keys/legacy") => Endpoint::LegacyKeys,
        _ => return None,
    };
    Some((project, endpoint))
}

fn refusal(status: StatusCode, text: &str) -> Answer {
    (status, json!({ "message": text }))
}

fn forbidden() -> Answer {
    refusal(
        StatusCode::FORBIDDEN,
        "Your account does not have the necessary privileges to access this endpoint. For more details, refer to \
         our documentation https://supabase.com/docs/guides/platform/access-control",
    )
}

fn response((status, body): Answer) -> Response<Body> {
    let mut response = Response::new(Body::held(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}
