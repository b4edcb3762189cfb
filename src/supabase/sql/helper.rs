//! The helper: functions that a person reviewed and installed, called through the Data API. Each
//! answers one kind of question, and none runs SQL that comes from outside.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::error::Failure;
use crate::http::Http;
use crate::supabase::client::{ApiError, SINGLE_LIMIT, key_headers};
use crate::supabase::sql::install::HELPER_VERSION;
use crate::supabase::sql::post::{Post, Refusal, lost};
use crate::supabase::sql::question::positions_json;
use crate::supabase::sql::write::{call_arguments, names_json};
use crate::supabase::sql::{ChannelKind, PageOf, Question, SqlChannel, SqlError};

/// The schema that holds the functions.
pub const HELPER_SCHEMA: &str = "supabackup";

const INSTALL: &str = "run `supabackup helper-sql`, review what it prints, and run that once in the SQL editor; then add \
                       supabackup to the exposed schemas (Project Settings, Data API)";

const INSTALL_WRITING: &str = "install the helper again, whole: run `supabackup helper-sql` without --read-only, review what it \
                               prints, and run that once in the SQL editor";

/// How a call is treated.
#[derive(Debug, Clone, Copy)]
struct How {
    writes: bool,
    repeatable: bool,
}

/// Questions through the helper's functions.
#[derive(Debug)]
pub struct Helper {
    post: Post,
    address: String,
    /// Its version was asked, and is the one that is understood.
    fits: OnceCell<()>,
}

impl Helper {
    /// `url` is the project's URL.
    pub fn new(http: Arc<Http>, url: &str, key: &SecretString, is_jwt: bool) -> Result<Self, Failure> {
        let mut headers = key_headers(key, is_jwt)?;
        for name in ["content-profile", "accept-profile"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(HELPER_SCHEMA));
        }
        Ok(Self {
            post: Post::new(http, ChannelKind::Helper.name(), headers, key.clone()),
            address: format!("{}/rest/v1/rpc/", url.trim_end_matches('/')),
            fits: OnceCell::new(),
        })
    }

    async fn call(&self, function: &str, arguments: &Value, how: How, limit: usize) -> Result<Vec<u8>, SqlError> {
        let address = format!("{}{function}", self.address);
        let sent = self.post.send(&address, arguments, how.repeatable, limit).await;
        let answer = sent.map_err(|error| if how.writes { lost(error) } else { error })?;
        match answer.status {
            200..300 => Ok(answer.body),
            _ => Err(self.refused(&self.post.refusal(&answer), how.writes)),
        }
    }

    fn refused(&self, refusal: &Refusal, writes: bool) -> SqlError {
        let said = refusal.said();
        match (refusal.status, refusal.code.as_str()) {
            (406, _) | (_, "PGRST106") => SqlError::Absent(
                Failure::failed(
                    "the Data API does not expose the schema supabackup: the helper is not installed, or not exposed",
                )
                .hint(INSTALL),
            ),
            (_, "PGRST202" | "42883") => SqlError::Absent(
                Failure::failed(format!("the schema supabackup lacks a function of the helper: {said}"))
                    .hint(if writes { INSTALL_WRITING } else { INSTALL }),
            ),
            (401, _) | (403, "") => SqlError::Refused(Failure::failed(format!(
                "the Data API does not let this key call the helper: {said}"
            ))),
            (_, "42501")
                if refusal.message.contains("schema supabackup") || refusal.message.contains("for function") =>
            {
                SqlError::Refused(
                    Failure::failed(format!("this key may not call the helper: {said}")).hint(
                        "only the role service_role may: use the project's secret key, and install the helper again",
                    ),
                )
            }
            // turned away before anybody acted upon it
            (429, _) | (_, "PGRST000" | "PGRST002" | "PGRST003") => self.post.silent(&said),
            _ if writes => refusal.for_write(),
            (502 | 503, _) => self.post.silent(&said),
            _ => refusal.for_question(),
        }
    }

    /// Asks for the version, once.
    async fn fitting(&self) -> Result<(), SqlError> {
        let check = || async {
            let how = How { writes: false, repeatable: true };
            let body = self.call("version", &json!({}), how, SINGLE_LIMIT).await?;
            fits(std::str::from_utf8(&body).ok().and_then(|text| text.trim().parse().ok()))
        };
        self.fits.get_or_try_init(check).await.copied()
    }
}

/// Whether the helper in the database is the one that this program knows.
fn fits(version: Option<u32>) -> Result<(), SqlError> {
    let other = |text: String, hint: &str| Err(SqlError::Refused(Failure::failed(text).hint(hint)));
    match version {
        Some(HELPER_VERSION) => Ok(()),
        Some(older) if older < HELPER_VERSION => other(
            format!("the helper in the database has version {older}, and this program needs version {HELPER_VERSION}"),
            "install the present one over it: run `supabackup helper-sql`, and what it prints in the SQL editor",
        ),
        Some(newer) => other(
            format!("the helper in the database has version {newer}, and this program knows version {HELPER_VERSION}"),
            "use the newer supabackup that installed it, or install this one's over it with `supabackup helper-sql`",
        ),
        None => Err(SqlError::Absent(
            Failure::failed("what answers in the place of the helper does not tell its version").hint(INSTALL),
        )),
    }
}

/// The function for a question, and its arguments.
fn call(question: &Question) -> Result<(&'static str, Value), SqlError> {
    Ok(match question {
        Question::Catalog => ("catalog", json!({})),
        Question::Settings => ("settings", json!({})),
        Question::Tables => ("tables", json!({})),
        Question::Sequences { schemas } => ("sequences", json!({ "schemas": schemas })),
        Question::Count { table, without } => {
            ("count", json!({ "table_schema": table.schema, "table_name": table.name, "without": without }))
        }
        Question::Page(page) => (if page.content { "page" } else { "fingerprints" }, page_arguments(page)),
        Question::Tops { columns } => {
            ("tops", json!({ "columns": serde_json::to_string(columns).unwrap_or_default() }))
        }
        Question::SetSequences { positions } => ("set_sequences", json!({ "positions": positions_json(positions) })),
        Question::WriteAccess => ("write_access", json!({})),
        Question::Load(load) => ("load", call_arguments(load.arguments())),
        Question::Delete(delete) => ("delete", call_arguments(delete.arguments())),
        Question::Digest(digest) => ("digest", call_arguments(digest.arguments())),
        Question::Orphans { tables } => ("orphans", json!({ "tables": names_json(tables) })),
        Question::Sizes => {
            return Err(SqlError::Absent(
                Failure::failed("the helper's functions do not tell how large the database is")
                    .hint("the Management API (SUPABASE_ACCESS_TOKEN) and postgres-meta do"),
            ));
        }
        Question::Script { .. } => {
            return Err(SqlError::Refused(
                Failure::failed("the helper's functions run no scripts: none of them runs SQL that it is given").hint(
                    "give SUPABASE_ACCESS_TOKEN (hosted) or use postgres-meta (self-hosted); or print the script with \
                     `supabackup sql` and run it in the SQL editor",
                ),
            ));
        }
    })
}

fn page_arguments(page: &PageOf) -> Value {
    let window = page.window;
    json!({
        "table_schema": page.table.schema,
        "table_name": page.table.name,
        "key_columns": page.key,
        "hashed": page.hashed,
        "first_block": window.from.block,
        "first_offset": window.from.offset,
        "end_block": window.to.map(|to| to.block),
        "end_offset": window.to.map(|to| to.offset),
        "first_oid": window.oids.map(|(low, _)| low),
        "end_oid": window.oids.map(|(_, high)| high),
        "row_limit": page.limit,
    })
}

#[async_trait]
impl SqlChannel for Helper {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Helper
    }

    async fn ask(&self, question: &Question) -> Result<String, SqlError> {
        let (function, arguments) = call(question)?;
        self.fitting().await?;
        let how = How { writes: question.writes(), repeatable: question.is_repeatable() };
        let body = self.call(function, &arguments, how, question.body_limit()).await?;
        let damaged = |e| SqlError::Question(ApiError::Damaged(format!("the helper's answer is not a text: {e}")));
        serde_json::from_slice(&body).map_err(damaged).map_err(|error| if how.writes { lost(error) } else { error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_refused_with_a_sentence() {
        assert!(fits(Some(HELPER_VERSION)).is_ok());
        let sentence = |version| fits(version).err().map(|e| e.failure().message).unwrap_or_default();
        assert!(sentence(Some(0)).contains("has version 0, and this program needs version"));
        assert!(sentence(Some(HELPER_VERSION + 1)).contains("and this program knows version"));
        assert!(sentence(None).contains("does not tell its version"));
    }
}
