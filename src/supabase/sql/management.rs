//! The Management API of hosted projects: `POST /v1/projects/{ref}/database/query`, with a personal
//! access token.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::error::Failure;
use crate::http::Http;
use crate::supabase::client::sensitive;
use crate::supabase::sql::pace::Pace;
use crate::supabase::sql::post::{Post, Refusal, lost, one_text};
use crate::supabase::sql::{ChannelKind, Question, SqlChannel, SqlError};

/// Where tokens are made.
const TOKENS: &str = "https://supabase.com/dashboard/account/tokens";

/// SQL through the Management API.
#[derive(Debug)]
pub struct Management {
    post: Post,
    address: String,
    project: String,
    /// 120 requests a minute for a user, a project and an address, says the documentation; what holds
    /// is what the answers say.
    pace: Pace,
}

impl Management {
    /// `url` is the API's address without `/v1`, `project` the project's ref.
    pub fn new(http: Arc<Http>, url: &str, project: &str, token: &SecretString) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, sensitive(format!("Bearer {}", token.expose_secret()))?);
        Ok(Self {
            post: Post::new(http, ChannelKind::Management.name(), headers, token.clone()),
            address: format!("{}/v1/projects/{project}/database/query", url.trim_end_matches('/')),
            project: project.to_owned(),
            pace: Pace::default(),
        })
    }

    /// What a refusal means.
    fn refused(&self, refusal: &Refusal, writes: bool) -> SqlError {
        let said = refusal.said();
        let permission = if writes { "database_write" } else { "database_read" };
        match refusal.status {
            401 => SqlError::Refused(
                Failure::failed(format!("the Management API does not accept the access token: {said}")).hint(format!(
                    "make a token with the permission {permission} at {TOKENS}, and set SUPABASE_ACCESS_TOKEN to it"
                )),
            ),
            403 => SqlError::Refused(
                Failure::failed(format!(
                    "the access token may not use the database of project {}: {said}",
                    self.project
                ))
                .hint(format!("grant it the permission {permission} for this project at {TOKENS}")),
            ),
            404 => SqlError::Refused(
                Failure::failed(format!(
                    "the Management API shows no project {} to this access token: {said}",
                    self.project
                ))
                .hint(
                    "check SUPABASE_PROJECT_REF, and that the token belongs to a member of the project's organization",
                ),
            ),
            429 => self.post.silent(&said),
            _ if writes => refusal.for_write(),
            500..=503 | 505..=523 | 525..=543 => self.post.silent(&said),
            _ => refusal.for_question(),
        }
    }
}

#[async_trait]
impl SqlChannel for Management {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Management
    }

    async fn ask(&self, question: &Question) -> Result<String, SqlError> {
        let writes = question.writes();
        let url = if writes { self.address.clone() } else { format!("{}/read-only", self.address) };
        self.pace.turn().await;
        let body = json!({ "query": question.statement() });
        let or_lost = |error| if writes { lost(error) } else { error };
        let sent = self.post.send(&url, &body, question.is_repeatable(), question.body_limit()).await;
        let answer = sent.map_err(or_lost)?;
        self.pace.learn(&answer.headers);
        match answer.status {
            200..300 => one_text(&answer.body).map_err(or_lost),
            _ => Err(self.refused(&self.post.refusal(&answer), writes)),
        }
    }
}
