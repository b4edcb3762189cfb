//! One POST to a service that answers with JSON, and what its refusals mean.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::error::Failure;
use crate::http::{Answer, Http, HttpError, Request};
use crate::supabase::client::{ApiError, by_sqlstate, is_for_people, without_key};
use crate::supabase::sql::SqlError;

/// After so many questions in a row without an answer, in spite of every retry, the service counts as
/// gone: the tables that only it can read would otherwise be waited for one by one.
const GIVE_UPS: u32 = 4;

const NO_REASON: &str = "no reason given";

/// One address that questions are posted to.
#[derive(Debug)]
pub(super) struct Post {
    http: Arc<Http>,
    /// What a person calls the service.
    name: &'static str,
    headers: HeaderMap,
    /// To cut it out of whatever a server or a proxy repeats.
    secret: SecretString,
    give_ups: AtomicU32,
}

impl Post {
    /// `headers` carry the credential, which is `secret`.
    pub(super) fn new(http: Arc<Http>, name: &'static str, mut headers: HeaderMap, secret: SecretString) -> Self {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Self { http, name, headers, secret, give_ups: AtomicU32::new(0) }
    }

    /// Sends, and gives back whatever answer there is.
    pub(super) async fn send(
        &self,
        url: &str,
        body: &serde_json::Value,
        repeatable: bool,
        body_limit: usize,
    ) -> Result<Answer, SqlError> {
        if self.give_ups.load(Ordering::Relaxed) >= GIVE_UPS {
            return Err(self.silent("it has stopped answering"));
        }
        let url = Url::parse(url).map_err(|e| self.silent(&format!("its address is no URL: {e}")))?;
        let request = Request {
            method: Method::POST,
            url,
            headers: self.headers.clone(),
            body: Bytes::from(body.to_string()),
            repeatable,
            body_limit,
            plausible: whole_json,
        };
        let sent = self.http.send(&request).await;
        let gave_up = match &sent {
            Ok(answer) => answer.status >= 500,
            Err(error) => matches!(error, HttpError::Unreachable { .. }),
        };
        if gave_up {
            self.give_ups.fetch_add(1, Ordering::Relaxed);
        } else {
            self.give_ups.store(0, Ordering::Relaxed);
        }
        sent.map_err(|error| match error {
            HttpError::TooLarge(limit) => {
                SqlError::Question(ApiError::TooLarge(format!("the answer is larger than {limit} bytes")))
            }
            error @ HttpError::Unreachable { connected: true, .. } => {
                SqlError::Question(ApiError::Broken(error.to_string()))
            }
            error @ HttpError::Unreachable { .. } => self.silent(&error.to_string()),
        })
    }

    /// No answer that could be used.
    pub(super) fn silent(&self, why: &str) -> SqlError {
        let failure = Failure::failed(format!("{} gives no answer: {why}", self.name));
        SqlError::Silent(failure.hint("check its address and state, and whether this machine reaches it"))
    }

    /// What an answer that is no success says.
    pub(super) fn refusal(&self, answer: &Answer) -> Refusal {
        let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
        let clean = |text: &str| without_key(text, self.secret.expose_secret()).trim().to_owned();
        let told = body.told();
        let told = clean(&told);
        let message = body.message.or(body.error).map(|text| clean(&text)).filter(|text| !text.is_empty());
        let message = message.unwrap_or_else(|| NO_REASON.to_owned());
        let given = body.code.as_ref().and_then(serde_json::Value::as_str).map(clean);
        let code = given.or_else(|| sqlstate(&message).map(str::to_owned)).unwrap_or_default();
        Refusal { status: answer.status, code, message: plain(&message).to_owned(), told }
    }
}

/// A question that writes, and whose answer did not come: nobody knows what became of it.
pub(super) fn lost(error: SqlError) -> SqlError {
    match error {
        SqlError::Question(ApiError::Broken(why)) => SqlError::Lost(why),
        SqlError::Question(ApiError::Damaged(why)) => SqlError::Lost(why),
        other => other,
    }
}

/// An answer that is no success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// Of the database or of PostgREST; empty where there is none.
    pub(super) code: String,
    pub(super) message: String,
    /// Message, details and hint, the same from every service.
    pub(super) told: String,
}

impl Refusal {
    /// Status and reason in a few words.
    pub(super) fn said(&self) -> String {
        format!("{} ({})", self.status, self.message)
    }

    /// What it means for a question that writes, where it is not about the credential.
    pub(super) fn for_write(&self) -> SqlError {
        let no_code = self.code.is_empty() || self.code.starts_with("PGRST001");
        // the service stopped waiting, or lost the database on the way; the database may have gone on
        let gone_on = ["imeout", "terminated", "onnection"].iter().any(|word| self.message.contains(word));
        match self.status {
            413 => SqlError::Question(ApiError::TooLarge(self.said())),
            // postgres-meta says it with a 500
            _ if no_code && self.message.contains("too large") => SqlError::Question(ApiError::TooLarge(self.said())),
            408 | 500.. if no_code => SqlError::Lost(self.said()),
            // and a refusal without a reason may be the rest of an answer that was cut
            _ if no_code && (gone_on || self.told == NO_REASON) => SqlError::Lost(self.said()),
            status => {
                let code = if self.code.is_empty() { status.to_string() } else { self.code.clone() };
                SqlError::Database { code, message: self.told.clone() }
            }
        }
    }

    /// What it means for the question, where it is not about the credential.
    pub(super) fn for_question(&self) -> SqlError {
        let text = self.message.clone();
        if let Some(error) = by_sqlstate(&self.code, &text) {
            return SqlError::Question(error);
        }
        SqlError::Question(match self.code.as_str() {
            "42P01" | "3F000" => ApiError::Gone(text),
            // a value, or all of them together, do not fit into PostgreSQL's memory
            "54000" | "53200" => ApiError::TooLarge(text),
            _ if matches!(self.status, 408 | 504 | 524 | 544) => ApiError::TimedOut(self.said()),
            // a service that leaves out the database's code
            "" if text.contains("statement timeout") || text.contains("read timeout") => ApiError::TimedOut(text),
            "" if text.contains("permission denied") => ApiError::Denied(text),
            _ => ApiError::Rejected(format!("the database refuses the question: {}", self.said())),
        })
    }
}

/// The forms in which the three services say why.
#[derive(Default, Deserialize)]
struct ErrorBody {
    message: Option<String>,
    error: Option<String>,
    code: Option<serde_json::Value>,
    #[serde(alias = "details")]
    detail: Option<serde_json::Value>,
    hint: Option<String>,
}

impl ErrorBody {
    /// Message, details and hint in one line: they come apart, or all in the message as psql shows them.
    fn told(&self) -> String {
        let message = self.message.as_ref().or(self.error.as_ref()).map_or("", |text| plain(text));
        let detail = self.detail.as_ref().and_then(serde_json::Value::as_str);
        let mut parts = vec![String::new()];
        let mut skip = false;
        for line in message.lines() {
            let label = ["DETAIL:  ", "HINT:  "].into_iter().find_map(|label| line.strip_prefix(label));
            if let Some(text) = label {
                skip = false;
                parts.push(text.to_owned());
            } else if ["LINE ", "QUERY:  ", "CONTEXT:  "].iter().any(|label| line.starts_with(label)) {
                skip = true;
            } else if let Some(last) = parts.last_mut().filter(|_| !skip) {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
        }
        parts.extend([detail, self.hint.as_deref()].into_iter().flatten().map(str::to_owned));
        parts.retain(|part| is_for_people(part));
        if parts.is_empty() { NO_REASON.to_owned() } else { parts.join("; ") }
    }
}

/// `… ERROR:  42P01: relation …` → `42P01`
fn sqlstate(message: &str) -> Option<&str> {
    let rest = message.split_once("ERROR:")?.1.trim_start();
    let (code, _) = rest.split_once(':')?;
    let plain = code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    plain.then_some(code)
}

/// The sentence without what the service puts before it: `Failed to run sql query: ERROR:  42P01: …`.
fn plain(message: &str) -> &str {
    let Some(code) = sqlstate(message) else { return message };
    message.split_once(code).map_or(message, |(_, rest)| rest.trim_start_matches(':').trim_start())
}

/// Whether a body can be JSON that came whole.
fn whole_json(status: u16, body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let closed = match (body.first(), body.last()) {
        (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')) => true,
        (Some(b'"'), Some(b'"')) => body.len() > 1,
        (Some(first), Some(last)) => first.is_ascii_digit() && last.is_ascii_digit(),
        _ => false,
    };
    closed || !(200..300).contains(&status)
}

/// The one text in `[{"any name":"text"}]`: what a statement gives that has one row and one column.
pub(super) fn one_text(body: &[u8]) -> Result<String, SqlError> {
    let rows: Result<Vec<std::collections::HashMap<String, String>>, _> = serde_json::from_slice(body);
    let text = rows.ok().filter(|rows| rows.len() == 1).and_then(|mut rows| rows.pop()).and_then(|row| {
        let only = row.len() == 1;
        row.into_values().next().filter(|_| only)
    });
    text.ok_or_else(|| SqlError::Question(ApiError::Damaged("the answer is not one row with one text".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_databases_code_is_found_in_a_sentence() {
        assert_eq!(
            sqlstate("Failed to run sql query: ERROR:  57014: canceling statement due to statement timeout"),
            Some("57014")
        );
        assert_eq!(sqlstate("ERROR: relation \"x\" does not exist"), None);
        assert_eq!(sqlstate("Unauthorized"), None);
        assert_eq!(plain("Failed to run sql query: ERROR:  42501: permission denied"), "permission denied");
        assert_eq!(plain("Unauthorized"), "Unauthorized");
    }

    #[test]
    fn a_refusal_is_understood_with_and_without_a_code() {
        let meaning = |status, code: &str, message: &str| {
            let refusal =
                Refusal { status, code: code.to_owned(), message: message.to_owned(), told: message.to_owned() };
            match refusal.for_question() {
                SqlError::Question(error) => error,
                other => ApiError::Rejected(other.to_string()),
            }
        };
        assert!(matches!(meaning(400, "42501", "permission denied for table t"), ApiError::Denied(_)));
        assert!(matches!(meaning(400, "", "permission denied for table t"), ApiError::Denied(_)));
        assert!(matches!(meaning(400, "57014", "canceling"), ApiError::TimedOut(_)));
        assert!(matches!(meaning(544, "", "upstream timeout"), ApiError::TimedOut(_)));
        assert!(matches!(meaning(400, "42P01", "no relation"), ApiError::Gone(_)));
        assert!(matches!(meaning(400, "22P02", "no number"), ApiError::Rejected(_)));
    }

    #[test]
    fn every_service_tells_the_same_reason() -> Result<(), serde_json::Error> {
        for body in [
            r#"{"message":"Failed to run sql query: ERROR:  23505: duplicate key\nDETAIL:  Key (id)=(1)\n exists.\nHINT:  h\nQUERY:  SELECT\n 1\nCONTEXT:  PL/pgSQL\n function\n"}"#,
            r#"{"message":"duplicate key","code":"23505","detail":"Key (id)=(1)  exists.","hint":"h","where":"PL/pgSQL"}"#,
            r#"{"message":"duplicate key","code":"23505","details":"Key (id)=(1)  exists.","hint":"h"}"#,
        ] {
            let body: ErrorBody = serde_json::from_str(body)?;
            assert_eq!(body.told(), "duplicate key; Key (id)=(1)  exists.; h");
        }
        assert_eq!(ErrorBody::default().told(), "no reason given");
        Ok(())
    }

    #[test]
    fn a_write_that_the_service_gave_up_on_is_lost_and_one_that_the_database_refused_is_not() {
        let meaning = |status, code: &str, message: &str| {
            let (code, message, told) = (code.to_owned(), message.to_owned(), message.to_owned());
            Refusal { status, code, message, told }.for_write()
        };
        assert!(matches!(meaning(400, "23505", "duplicate"), SqlError::Database { code, .. } if code == "23505"));
        assert!(matches!(
            meaning(400, "57014", "canceling statement due to statement timeout"),
            SqlError::Database { .. }
        ));
        assert!(matches!(meaning(500, "40001", "could not serialize"), SqlError::Database { .. }));
        for (status, code, message) in [
            (400, "", "Query read timeout"),
            (400, "", "Connection terminated unexpectedly"),
            (544, "", "upstream"),
            (502, "", NO_REASON),
            (400, "", NO_REASON),
            (503, "PGRST001", "Database client error"),
        ] {
            assert!(matches!(meaning(status, code, message), SqlError::Lost(_)), "{status} {message}");
        }
        assert!(
            matches!(meaning(400, "", "query: String must contain"), SqlError::Database { code, .. } if code == "400")
        );
        for (status, message) in [(413, NO_REASON), (500, "Request body is too large")] {
            assert!(matches!(meaning(status, "", message), SqlError::Question(ApiError::TooLarge(_))), "{status}");
        }
    }

    #[test]
    fn only_one_text_in_one_row_is_an_answer() {
        assert_eq!(one_text(br#"[{"answer":"{\"a\" : 1}"}]"#).ok().as_deref(), Some(r#"{"a" : 1}"#));
        for wrong in
            ["[]", r#"[{"a":null}]"#, r#"[{"a":"x","b":"y"}]"#, r#"[{"a":"x"},{"a":"y"}]"#, r#"{"a":"x"}"#, "[{}]"]
        {
            assert!(one_text(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(
            whole_json(200, b"\"text\"")
                && whole_json(200, b"12")
                && !whole_json(200, b"\"te")
                && !whole_json(201, b"")
        );
        assert!(whole_json(404, b"<html>") && !whole_json(200, b"<html>"));
    }
}
