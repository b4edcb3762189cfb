//! Writing by SQL over HTTPS: exact for every type, and quiet where the database allows that.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use crate::error::Failure;
use crate::format::{Batch, RowForm};
use crate::http::Patience;
use crate::model::{PrintSettings, TableName};
use crate::supabase::client::ApiError;
use crate::supabase::sql::{ChannelKind, DeleteOf, LoadOf, OnConflict, Question, REHEARSED, SqlChannel, SqlError};
use crate::supabase::write::deliver::{Attempt, Replay, deliver};
use crate::supabase::write::{Conflict, Delete, Load, WriteError, Writer, is_collision, is_too_much, refused};

/// Tries for what collided with others or whose answer was lost, where that is safe.
const PATIENCE: Patience =
    Patience { tries: 4, first_delay: Duration::from_millis(200), timeout: Duration::from_secs(60) };

/// Rows of a batch. A row's text, escaped for the request, is up to twice as long.
const ROWS: usize = 5000;
/// Versions of rows that one request deletes.
const DELETED_ROWS: usize = 5000;
/// What stands around the rows in a request.
const AROUND: usize = 8 << 10;

/// Bytes of a batch's rows, and the most bytes of a request's body.
fn limits(kind: ChannelKind) -> (usize, usize) {
    match kind {
        // its limit is not documented: bodies stay below one megabyte
        ChannelKind::Management => (600_000, 1_000_000),
        // 3 MiB unless PG_META_MAX_BODY_LIMIT_MB says otherwise
        ChannelKind::Meta => (1_500_000, 3_000_000),
        // PostgREST has none; the database holds the body several times
        ChannelKind::Helper => (1_500_000, 4_000_000),
    }
}

/// Writes rows through a [`SqlChannel`].
#[derive(Debug)]
pub struct SqlWriter {
    channel: Arc<dyn SqlChannel>,
    quiet: bool,
    restored: Vec<TableName>,
    printed: Option<PrintSettings>,
    /// Tables whose key's columns take values when a row is inserted and never again.
    fixed_keys: Mutex<HashSet<TableName>>,
}

impl SqlWriter {
    /// `quiet`: triggers, rules and foreign keys rest while rows are written; see
    /// [`WriteAccess::quiet`](crate::supabase::sql::WriteAccess::quiet).
    pub fn new(channel: Arc<dyn SqlChannel>, quiet: bool) -> Self {
        Self { channel, quiet, restored: Vec::new(), printed: None, fixed_keys: Mutex::default() }
    }

    /// Tables that are restored together. A quiet delete is refused (23503, nothing is deleted) where rows
    /// of any other table refer to what it deletes; what refers to what among these is for
    /// `SqlChannel::orphans` to tell when all is done. The table that is deleted from counts as one of them.
    #[must_use]
    pub fn restoring(self, tables: Vec<TableName>) -> Self {
        Self { restored: tables, ..self }
    }

    /// The settings that the text of the rows was printed under, if they are not those that every question
    /// through SQL has.
    #[must_use]
    pub fn printed_under(self, settings: PrintSettings) -> Self {
        Self { printed: Some(settings), ..self }
    }

    /// Whether triggers, rules and foreign keys rest.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The channel.
    pub fn channel(&self) -> &Arc<dyn SqlChannel> {
        &self.channel
    }

    async fn send(&self, question: &Question, replay: Replay, rows: usize) -> Result<u64, WriteError> {
        let replay = if question.is_repeatable() { Replay::Harmless } else { replay };
        deliver(PATIENCE, replay, rows, || async { judge(self.channel.ask(question).await) }).await
    }

    fn has_fixed_key(&self, table: &TableName) -> bool {
        self.fixed_keys.lock().unwrap_or_else(PoisonError::into_inner).contains(table)
    }

    /// What the batch does with rows whose key is there.
    fn on_conflict(&self, load: &Load<'_>) -> OnConflict {
        match load.conflict {
            Conflict::Refuse => OnConflict::Refuse,
            Conflict::Ignore(key) => OnConflict::Ignore(key.to_vec()),
            Conflict::Update(key) => {
                // keys that are equal need not be the same text: 1.0 and 1.00
                let keep_key = self.has_fixed_key(load.table);
                let set: Vec<String> =
                    load.columns.iter().filter(|column| !(keep_key && key.contains(column))).cloned().collect();
                let key = key.to_vec();
                if set.is_empty() { OnConflict::Ignore(key) } else { OnConflict::Update { key, set } }
            }
        }
    }
}

#[async_trait]
impl Writer for SqlWriter {
    fn form(&self) -> RowForm {
        RowForm::Record
    }

    fn batch_bytes(&self) -> usize {
        limits(self.channel.kind()).0
    }

    fn batch_rows(&self) -> usize {
        ROWS
    }

    fn delete_rows(&self) -> usize {
        DELETED_ROWS
    }

    fn largest_request(&self) -> Option<usize> {
        // the others have no limit that is known: what they refuse is named by its row
        (self.channel.kind() == ChannelKind::Meta).then(|| limits(ChannelKind::Meta).1)
    }

    fn fits(&self, batch: &Batch) -> bool {
        let size = escaped_len(batch.rows(0, batch.len())) + AROUND;
        self.largest_request().is_none_or(|most| size <= most)
    }

    async fn write(&self, load: &Load<'_>) -> Result<u64, WriteError> {
        if load.is_empty() {
            return Ok(0);
        }
        let rows =
            String::from_utf8(load.array()).map_err(|e| refused("22021", format!("the rows are not UTF-8: {e}")))?;
        let (_, most) = limits(self.channel.kind());
        let size = escaped_len(rows.as_bytes()) + AROUND;
        if size > most && load.len() > 1 {
            return Err(WriteError::TooMuch(format!("the request would have {size} bytes, more than {most}")));
        }
        let replay = match load.conflict {
            Conflict::Refuse => Replay::Never,
            Conflict::Update(_) => Replay::Harmless,
            Conflict::Ignore(_) => Replay::Recounts,
        };
        let mut of = LoadOf {
            table: load.table.clone(),
            columns: load.columns.to_vec(),
            conflict: self.on_conflict(load),
            rows,
            quiet: self.quiet,
            rehearse: load.rehearse,
            printed: self.printed.clone(),
        };
        let written = self.send(&Question::Load(of.clone()), replay, load.len()).await;
        match (&written, &of.conflict) {
            // said when the statement is planned: an identity column cannot be set anew
            (Err(WriteError::Refused { code, .. }), OnConflict::Update { .. })
                if code == "428C9" && !self.has_fixed_key(load.table) =>
            {
                self.fixed_keys.lock().unwrap_or_else(PoisonError::into_inner).insert(load.table.clone());
                of.conflict = self.on_conflict(load);
                self.send(&Question::Load(of), replay, load.len()).await
            }
            _ => written,
        }
    }

    async fn delete(&self, delete: &Delete<'_>) -> Result<u64, WriteError> {
        if delete.rows.is_empty() {
            return Ok(0);
        }
        let of = DeleteOf {
            table: delete.table.clone(),
            rows: delete.rows.to_vec(),
            quiet: self.quiet,
            rehearse: delete.rehearse,
            restored: self.restored.clone(),
        };
        self.send(&Question::Delete(of), Replay::Recounts, delete.rows.len()).await
    }
}

/// Bytes of a text inside a JSON string.
fn escaped_len(text: &[u8]) -> usize {
    text.len() + text.iter().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

#[derive(Deserialize)]
struct Written {
    rows: u64,
}

/// What an answer means for the batch.
fn judge(answer: Result<String, SqlError>) -> Attempt {
    let error = match answer {
        Ok(text) => {
            return match serde_json::from_str::<Written>(&text) {
                Ok(written) => Attempt::Done(written.rows),
                Err(e) => Attempt::Lost(format!("the answer does not say how many rows were written: {e}")),
            };
        }
        Err(error) => error,
    };
    match error {
        SqlError::Database { code, message } if code == REHEARSED => {
            let number = message.strip_prefix("rehearsed ").and_then(|rest| rest.split(' ').next()?.parse().ok());
            // it was taken back whatever the answer looks like
            number.map_or_else(|| Attempt::Failed(refused(REHEARSED, message.clone())), Attempt::Done)
        }
        SqlError::Database { code, message } if is_too_much(&code) => {
            Attempt::Failed(WriteError::TooMuch(format!("{code} {message}")))
        }
        SqlError::Database { code, message } if is_collision(&code) => {
            Attempt::Again(WriteError::Refused { code, message })
        }
        SqlError::Database { code, message } => Attempt::Failed(WriteError::Refused { code, message }),
        SqlError::Question(ApiError::TooLarge(why)) => Attempt::Failed(WriteError::TooMuch(why)),
        SqlError::Lost(why) => Attempt::Lost(why),
        // never from a question that writes; if it were, nobody would know
        SqlError::Question(other) => Attempt::Lost(other.to_string()),
        SqlError::Refused(failure) | SqlError::Absent(failure) | SqlError::Silent(failure) => {
            Attempt::Failed(WriteError::Fatal(Failure {
                message: format!("writing rows: {}", failure.message),
                ..failure
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(code: &str, message: &str) -> Attempt {
        judge(Err(SqlError::Database { code: code.to_owned(), message: message.to_owned() }))
    }

    #[test]
    fn an_answer_says_what_became_of_the_batch() {
        assert!(matches!(judge(Ok("{\"rows\" : 3}".to_owned())), Attempt::Done(3)));
        assert!(matches!(judge(Ok("{}".to_owned())), Attempt::Lost(_)));
        assert!(matches!(database(REHEARSED, "rehearsed 7 rows"), Attempt::Done(7)));
        assert!(matches!(database("57014", "x"), Attempt::Failed(WriteError::TooMuch(_))));
        assert!(matches!(database("40P01", "x"), Attempt::Again(_)));
        assert!(matches!(database("23505", "x"), Attempt::Failed(WriteError::Refused { .. })));
        assert!(matches!(judge(Err(SqlError::Lost("x".to_owned()))), Attempt::Lost(_)));
        let gone = Failure::failed("x").hint("h");
        let Attempt::Failed(WriteError::Fatal(failure)) = judge(Err(SqlError::Silent(gone))) else {
            panic!("not fatal")
        };
        assert_eq!((failure.message.as_str(), failure.hint.as_deref()), ("writing rows: x", Some("h")));
    }

    #[test]
    fn a_text_is_measured_as_it_is_sent() {
        let text = "[\"(1,\\\"a\\\\n\\\")\"]";
        assert_eq!(escaped_len(text.as_bytes()) + 2, serde_json::Value::from(text).to_string().len());
    }
}
