//! Writing over the Data API: a secret key alone, with triggers and foreign keys at work.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::Method;
use tokio::sync::OnceCell;

use crate::error::Failure;
use crate::format::RowForm;
use crate::http::{Answer, HttpError};
use crate::model::TableName;
use crate::supabase::client::{ApiError, Client};
use crate::supabase::rows::content_range;
use crate::supabase::write::deliver::{Attempt, Replay, deliver};
use crate::supabase::write::request::{Change, DELETED_ROWS, LONGEST_PATH, only_columns, path, quoted, versions};
use crate::supabase::write::{
    Conflict, Delete, Load, NO_REHEARSAL, WriteError, Writer, is_collision, is_too_much, refused,
};

/// Bytes of a batch's rows: PostgREST takes far more, and both it and PostgreSQL hold the body several times.
const BYTES: usize = 1_500_000;
/// Rows of a batch: more bring nothing.
const ROWS: usize = 5000;
/// An answer of one row is a success with this, and taken back with any other number.
pub(super) const SINGULAR: &str = "application/vnd.pgrst.object+json";
/// The code of a refusal that has none.
const UNNAMED: &str = "HTTP";
const JSON: &str = "application/json";

/// Writes rows through the Data API.
#[derive(Debug)]
pub struct RestWriter {
    pub(super) client: Arc<Client>,
    /// The server takes back what does not end in one row: seen with a request of no rows.
    takes_back: OnceCell<()>,
    /// The server holds a delete to a number of rows.
    holds_deletes: OnceCell<bool>,
}

impl RestWriter {
    /// Through this client.
    pub fn new(client: Arc<Client>) -> Self {
        Self { client, takes_back: OnceCell::new(), holds_deletes: OnceCell::new() }
    }

    pub(super) async fn send(&self, change: &Change<'_>) -> Result<Answer, Attempt> {
        let headers = [
            ("content-type", JSON),
            ("content-profile", change.table.schema.as_str()),
            ("prefer", change.prefer.as_str()),
            ("accept", change.accept),
        ];
        match self.client.change(change, &headers).await {
            Ok(answer) => Ok(answer),
            Err(Err(why)) => Err(Attempt::Failed(refused("address", why))),
            Err(Ok(error @ HttpError::Unreachable { connected: false, .. })) => {
                Err(Attempt::Failed(WriteError::Fatal(
                    Failure::failed(format!("writing rows: {error}"))
                        .hint("check the project's URL and state, and whether this machine reaches it"),
                )))
            }
            Err(Ok(error)) => Err(Attempt::Lost(error.to_string())),
        }
    }

    /// What an answer that is no success means.
    pub(super) fn judge(&self, answer: &Answer) -> Attempt {
        let body = self.client.error_body(answer);
        let (code, told) = (body.code.clone().unwrap_or_default(), body.told());
        let error = refused(if code.is_empty() { UNNAMED } else { &code }, said(answer.status, &code, &told));
        match (answer.status, code.as_str()) {
            (401 | 540, _) | (403, "") => match self.client.meaning(answer) {
                ApiError::Fatal(failure) => Attempt::Failed(WriteError::Fatal(failure)),
                other => Attempt::Failed(WriteError::Fatal(Failure::failed(other.to_string()))),
            },
            (_, code) if is_too_much(code) => Attempt::Failed(WriteError::TooMuch(format!("{code} {told}"))),
            (413 | 414 | 431, _) => Attempt::Failed(WriteError::TooMuch(said(answer.status, &code, &told))),
            (_, code) if is_collision(code) => Attempt::Again(error),
            // no connection to the database was had: nothing was asked of it
            (_, "PGRST000" | "PGRST002" | "PGRST003") | (429, _) => Attempt::Again(error),
            (404, "" | "42P01") | (_, "PGRST204" | "PGRST205") => Attempt::Stale(error),
            // no code: not PostgREST's, or cut
            (_, "" | "PGRST001") => Attempt::Lost(said(answer.status, &code, &told)),
            _ => Attempt::Failed(error),
        }
    }

    /// One try to write a batch.
    async fn post(&self, change: &Change<'_>, rehearse: bool) -> Attempt {
        let answer = match self.send(change).await {
            Ok(answer) => answer,
            Err(attempt) => return attempt,
        };
        match answer.status {
            200..300 if rehearse => committed(&answer),
            200..300 => counted(&answer),
            406 if rehearse => self.taken_back(&answer),
            _ => self.judge(&answer),
        }
    }

    /// The number of rows of what was taken back because they are not one.
    pub(super) fn taken_back(&self, answer: &Answer) -> Attempt {
        let body = self.client.error_body(answer);
        if body.code.as_deref() != Some("PGRST116") {
            return self.judge(answer);
        }
        let told = body.told();
        // `The result contains 3 rows`, in the details or, from older servers, in the message
        match number_before(&told, " rows") {
            Some(rows) => Attempt::Done(rows),
            None => Attempt::Failed(refused(
                NO_REHEARSAL,
                format!("the API does not say how many rows it took back: {told}"),
            )),
        }
    }

    async fn rehearsal(&self, load: &Load<'_>) -> Result<(), WriteError> {
        if load.len() < self.least_rehearsed() {
            return Err(refused(
                NO_REHEARSAL,
                "the Data API takes back only what does not end in one row: one row alone cannot be rehearsed",
            ));
        }
        self.takes_back.get_or_try_init(|| self.see_it_taken_back(load.table, load.columns)).await.map(drop)
    }

    /// Whether the server holds a delete to the number of rows that it is given: asked with one that finds none.
    async fn holds_deletes(&self, table: &TableName) -> Result<bool, WriteError> {
        let ask = || async {
            let nothing = Change {
                method: Method::DELETE,
                table,
                path: path(table, &[("tableoid", "eq.0".to_owned())])?,
                prefer: HELD.to_owned(),
                accept: JSON,
                body: Bytes::new(),
            };
            match self.send(&nothing).await {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(answer
                    .headers
                    .get_all("preference-applied")
                    .iter()
                    .any(|value| value.to_str().is_ok_and(|text| text.contains("max-affected=0")))),
                Ok(answer) => match self.judge(&answer) {
                    Attempt::Failed(WriteError::Refused { code, .. }) if code == "PGRST122" => Ok(false),
                    Attempt::Failed(error) | Attempt::Again(error) | Attempt::Stale(error) => Err(error),
                    Attempt::Lost(why) => Err(WriteError::Unknown(why)),
                    Attempt::Done(_) => Ok(false),
                },
                Err(Attempt::Failed(error)) => Err(error),
                Err(_) => Err(WriteError::Unknown("the answer was lost".to_owned())),
            }
        };
        self.holds_deletes.get_or_try_init(ask).await.copied()
    }

    async fn delete_once(&self, change: &Change<'_>, rehearse: bool) -> Attempt {
        let answer = match self.send(change).await {
            Ok(answer) => answer,
            Err(attempt) => return attempt,
        };
        match answer.status {
            200..300 => counted(&answer),
            400 if rehearse => {
                let body = self.client.error_body(&answer);
                let number = number_before(&body.told(), " rows");
                match (body.code.as_deref(), number) {
                    (Some("PGRST124"), Some(rows)) => Attempt::Done(rows),
                    _ => self.judge(&answer),
                }
            }
            _ => self.judge(&answer),
        }
    }
}

/// Deletes nothing, and says how many rows it would have been.
const HELD: &str = "return=minimal,count=exact,handling=strict,max-affected=0";

#[async_trait]
impl Writer for RestWriter {
    fn form(&self) -> RowForm {
        RowForm::Object
    }

    fn batch_bytes(&self) -> usize {
        BYTES
    }

    fn batch_rows(&self) -> usize {
        ROWS
    }

    fn delete_rows(&self) -> usize {
        DELETED_ROWS
    }

    fn least_rehearsed(&self) -> usize {
        2
    }

    async fn write(&self, load: &Load<'_>) -> Result<u64, WriteError> {
        if load.is_empty() {
            return Ok(0);
        }
        let mut body = load.array();
        let mut query = Vec::new();
        // what is there already may leave one row over, which would stay: so a rehearsal sets it anew
        let (resolution, key, replay) = match load.conflict {
            Conflict::Refuse => ("", None, Replay::Never),
            Conflict::Ignore(key) if !load.rehearse => (",resolution=ignore-duplicates", Some(key), Replay::Recounts),
            Conflict::Ignore(key) | Conflict::Update(key) => {
                (",resolution=merge-duplicates", Some(key), Replay::Harmless)
            }
        };
        if let Some(key) = key {
            query.push(("on_conflict", quoted(key)));
        }
        let short = path(load.table, &query)?;
        if !load.columns.is_empty() {
            query.push(("columns", quoted(load.columns)));
        }
        let mut address = path(load.table, &query)?;
        if address.len() > LONGEST_PATH {
            // then the rows themselves say it: each has these columns and no others
            body = only_columns(&body, load.columns)?;
            address = short;
        }
        let change = Change {
            method: Method::POST,
            table: load.table,
            path: address,
            prefer: format!("return=minimal,count=exact{resolution}"),
            accept: if load.rehearse { SINGULAR } else { JSON },
            body: Bytes::from(body),
        };
        if load.rehearse {
            self.rehearsal(load).await?;
        }
        let replay = if load.rehearse { Replay::Harmless } else { replay };
        deliver(self.client.patience(), replay, load.len(), || self.post(&change, load.rehearse)).await
    }

    async fn delete(&self, delete: &Delete<'_>) -> Result<u64, WriteError> {
        if delete.rows.is_empty() {
            return Ok(0);
        }
        let change = Change {
            method: Method::DELETE,
            table: delete.table,
            path: path(delete.table, &[("or", versions(delete.rows))])?,
            prefer: if delete.rehearse { HELD } else { "return=minimal,count=exact" }.to_owned(),
            accept: JSON,
            body: Bytes::new(),
        };
        if change.path.len() > LONGEST_PATH {
            let text = format!("the address of {} rows would have {} bytes", delete.rows.len(), change.path.len());
            return Err(if delete.rows.len() > 1 { WriteError::TooMuch(text) } else { refused("address", text) });
        }
        if delete.rehearse && !self.holds_deletes(delete.table).await? {
            return Err(refused(
                NO_REHEARSAL,
                "this Data API cannot take back a delete (it needs PostgREST's preference max-affected)",
            ));
        }
        let replay = if delete.rehearse { Replay::Harmless } else { Replay::Recounts };
        deliver(self.client.patience(), replay, delete.rows.len(), || self.delete_once(&change, delete.rehearse)).await
    }
}

/// The rows of a success.
fn counted(answer: &Answer) -> Attempt {
    match content_range(answer) {
        Some((_, Some(total))) => Attempt::Done(total),
        _ => Attempt::Lost(format!("the API answers {} and does not say how many rows it wrote", answer.status)),
    }
}

/// A rehearsal that was not taken back: of all the rows that were sent, one was written.
fn committed(answer: &Answer) -> Attempt {
    let rows =
        content_range(answer).and_then(|(_, total)| total).map_or("one row".to_owned(), |n| format!("{n} row(s)"));
    Attempt::Failed(WriteError::Fatal(
        Failure::failed(format!(
            "a rehearsal left {rows} behind: a trigger took away all the others, and what ends in one row is not taken back"
        ))
        .hint("restore this table through SQL, or take that trigger away while rows are restored"),
    ))
}

/// `The result contains 12 rows` → 12
fn number_before(text: &str, word: &str) -> Option<u64> {
    let (before, _) = text.rsplit_once(word)?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn said(status: u16, code: &str, told: &str) -> String {
    if code.is_empty() { format!("the API answers {status} ({told})") } else { told.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_rows_is_found_in_a_sentence() {
        assert_eq!(number_before("JSON object requested; The result contains 12 rows", " rows"), Some(12));
        assert_eq!(number_before("multiple (or no) rows returned; The result contains 0 rows", " rows"), Some(0));
        assert_eq!(number_before("The query affects 3 rows", " rows"), Some(3));
        assert_eq!(number_before("multiple (or no) rows returned", " rows"), None);
    }
}
