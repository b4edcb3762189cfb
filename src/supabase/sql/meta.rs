//! postgres-meta, which self-hosted projects have behind their gateway: `POST /pg/query`, with the
//! service key.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::json;

use crate::error::Failure;
use crate::http::Http;
use crate::supabase::client::key_headers;
use crate::supabase::sql::post::{Post, Refusal, lost, one_text};
use crate::supabase::sql::{ChannelKind, Question, SqlChannel, SqlError};

/// SQL through postgres-meta.
#[derive(Debug)]
pub struct Meta {
    post: Post,
    address: String,
}

impl Meta {
    /// `url` is the project's URL.
    pub fn new(http: Arc<Http>, url: &str, key: &SecretString, is_jwt: bool) -> Result<Self, Failure> {
        let headers = key_headers(key, is_jwt)?;
        Ok(Self {
            post: Post::new(http, ChannelKind::Meta.name(), headers, key.clone()),
            address: format!("{}/pg/query", url.trim_end_matches('/')),
        })
    }

    fn refused(&self, refusal: &Refusal, writes: bool) -> SqlError {
        let said = refusal.said();
        match refusal.status {
            401 | 403 => SqlError::Refused(
                Failure::failed(format!("the gateway does not let this key use postgres-meta: {said}"))
                    .hint("use the key of the role service_role, and look at the gateway's rules for /pg/"),
            ),
            404 | 405 => SqlError::Absent(
                Failure::failed(format!("there is no postgres-meta at {}: it answers {said}", self.address)).hint(
                    "hosted projects have none: use SUPABASE_ACCESS_TOKEN; self-hosted ones have it at the gateway's /pg/",
                ),
            ),
            429 => self.post.silent(&said),
            _ if writes => refusal.for_write(),
            502 | 503 => self.post.silent(&said),
            _ => refusal.for_question(),
        }
    }
}

#[async_trait]
impl SqlChannel for Meta {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Meta
    }

    async fn ask(&self, question: &Question) -> Result<String, SqlError> {
        let body = json!({ "query": question.statement() });
        let writes = question.writes();
        let or_lost = |error| if writes { lost(error) } else { error };
        let sent = self.post.send(&self.address, &body, question.is_repeatable(), question.body_limit()).await;
        let answer = sent.map_err(or_lost)?;
        match answer.status {
            200..300 => one_text(&answer.body).map_err(or_lost),
            _ => Err(self.refused(&self.post.refusal(&answer), writes)),
        }
    }
}
