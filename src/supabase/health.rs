//! How a project is, as the Management API tells it.

use std::sync::Arc;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::Failure;
use crate::http::{Http, Request};
use crate::model::{Health, ServiceHealth};
use crate::supabase::client::{ApiError, ErrorBody, PAUSED, sensitive, whole_json, without_key};

/// Larger answers are none.
const LARGEST: usize = 1 << 20;

/// Services that a backup, or a project's users, cannot do without.
const SERVICES: [&str; 4] = ["db", "rest", "auth", "storage"];

/// Statuses of a project that sleeps.
const ASLEEP: [&str; 2] = ["INACTIVE", "PAUSING"];

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HealthError {
    /// The token may not ask that.
    #[error("the access token may not see how the project is: {0}")]
    NotPermitted(String),
    /// Something broke.
    #[error("asking the Management API how the project is: {0}")]
    Failed(String),
}

#[derive(Deserialize)]
struct Project {
    status: String,
}

#[derive(Deserialize)]
struct Service {
    name: String,
    status: String,
    #[serde(default)]
    error: Option<String>,
}

/// Whether an error of the Data API says that the project is paused.
pub fn is_paused(error: &ApiError) -> bool {
    matches!(error, ApiError::Fatal(failure) if failure.message == PAUSED)
}

/// Asks for the project's status, and for its services if it is awake. `url` is the API's address without
/// `/v1`, `project` the project's ref.
pub async fn project_health(
    http: &Arc<Http>,
    url: &str,
    project: &str,
    token: &SecretString,
) -> Result<Health, HealthError> {
    let failed = |failure: Failure| HealthError::Failed(failure.message);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, sensitive(format!("Bearer {}", token.expose_secret())).map_err(failed)?);
    let base = format!("{}/v1/projects/{project}", url.trim_end_matches('/'));
    let api = Api { http, headers, token };
    let Project { status } = api.get(&base).await?;
    let paused = ASLEEP.contains(&status.as_str());
    let services: Vec<Service> = match paused {
        true => Vec::new(),
        false => {
            let wanted: Vec<String> = SERVICES.iter().map(|name| format!("services={name}")).collect();
            api.get(&format!("{base}/health?{}", wanted.join("&"))).await?
        }
    };
    let service = |service: Service| ServiceHealth {
        name: service.name,
        status: service.status,
        error: service.error.map(|error| without_key(&error, token.expose_secret())),
    };
    Ok(Health { paused, status: Some(status), services: services.into_iter().map(service).collect(), refused: None })
}

struct Api<'a> {
    http: &'a Arc<Http>,
    headers: HeaderMap,
    token: &'a SecretString,
}

impl Api<'_> {
    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, HealthError> {
        let url = Url::parse(url).map_err(|error| HealthError::Failed(error.to_string()))?;
        let request = Request::get(url, self.headers.clone(), LARGEST, whole_json);
        let answer = self.http.send(&request).await.map_err(|error| HealthError::Failed(error.to_string()))?;
        if (200..300).contains(&answer.status) {
            let unreadable = |error| HealthError::Failed(format!("the answer is not understood: {error}"));
            return serde_json::from_slice(&answer.body).map_err(unreadable);
        }
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let said = without_key(&body.told(), self.token.expose_secret());
        let said = format!("{} ({said})", answer.status);
        // 401 too: a token that serves for nothing is told where it is used for SQL
        Err(match answer.status {
            401 | 403 => HealthError::NotPermitted(said),
            _ => HealthError::Failed(said),
        })
    }
}
