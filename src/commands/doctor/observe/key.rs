//! The key: what its form tells, and what the server says to it.

use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::{Reply, ask, http};
use crate::config::{Config, KeyKind, ProjectConfig};
use crate::context::Context;
use crate::error::Failure;

/// The key, as far as it is known. Its text is not in here.
#[derive(Debug, Clone)]
pub(crate) struct KeySeen {
    pub(crate) now: DateTime<Utc>,
    pub(crate) kind: KeyKind,
    /// The project is on supabase.co, so Supabase's rules and dates apply.
    pub(crate) hosted: bool,
    /// It cannot serve, whatever the server says.
    pub(crate) refused: Option<Failure>,
    /// What the server answered; `None`: it was not asked.
    pub(crate) reply: Option<Result<Reply, String>>,
}

/// Tries the key, unless it cannot serve anyway.
pub(crate) async fn key(config: &Config, project: &ProjectConfig, context: &Context, reached: bool) -> KeySeen {
    let now = context.clock.now();
    let refused = project.key.check(now, &project.name).err();
    let reply = if reached && refused.is_none() { Some(ask_with_key(config, project).await) } else { None };
    KeySeen { now, kind: project.key.kind().clone(), hosted: project.url.ends_with(".supabase.co"), refused, reply }
}

async fn ask_with_key(config: &Config, project: &ProjectConfig) -> Result<Reply, String> {
    let http = http(config, 3)?;
    let keys = headers(project).ok_or("the key holds characters that no header can hold")?;
    ask(&http, project, keys).await.map_err(|broken| broken.reason)
}

/// A JWT goes into `Authorization` too; a `sb_secret_…` key must not.
fn headers(project: &ProjectConfig) -> Option<HeaderMap> {
    let key = project.key.secret().expose_secret();
    let sensitive = |text: &str| {
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    };
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("apikey"), sensitive(key)?);
    if project.key.is_jwt() {
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {key}"))?);
    }
    Some(headers)
}
