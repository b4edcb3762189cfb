//! What can be written over the Data API, found without writing: a request of no rows is planned and
//! checked like any other, and taken back because it does not end in one row.

use bytes::Bytes;
use reqwest::Method;

use crate::http::Answer;
use crate::model::TableName;
use crate::supabase::write::deliver::{Attempt, Replay, deliver};
use crate::supabase::write::request::{Change, path, quoted};
use crate::supabase::write::rest::{RestWriter, SINGULAR};
use crate::supabase::write::{Conflict, NO_REHEARSAL, WriteError, refused};

/// What of a table can be written over the Data API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Writable {
    /// Columns whose values are computed.
    pub generated: Vec<String>,
    /// Columns that number rows by themselves, always: they take no value this way.
    pub identity_always: Vec<String>,
    /// Why nothing can be written: code and message.
    pub refusal: Option<(String, String)>,
}

/// Columns that are asked about in one request: their names must fit into a URL.
const COLUMN_BYTES: usize = 1500;

impl RestWriter {
    /// Finds out which of these columns can be written, and whether the role may do so: insert, and with
    /// [`Conflict::Update`] change. Writes nothing. [`WriteError::Refused`] stands in the answer; any other
    /// error is one.
    pub async fn writable(
        &self,
        table: &TableName,
        columns: &[String],
        conflict: Conflict<'_>,
    ) -> Result<Writable, WriteError> {
        let mut found = Writable::default();
        for chunk in chunks(columns) {
            let mut left = chunk.to_vec();
            // every turn takes one column away, or ends
            while found.refusal.is_none() {
                match self.ask_nothing(table, &left, conflict).await {
                    Ok(()) => break,
                    Err(WriteError::Refused { code, message }) if code == "428C9" => match named(&message, &left) {
                        Some(at) if message.contains("GENERATED ALWAYS") => {
                            found.identity_always.push(left.remove(at));
                        }
                        Some(at) => found.generated.push(left.remove(at)),
                        None => found.refusal = Some((code, message)),
                    },
                    Err(WriteError::Refused { code, message }) => found.refusal = Some((code, message)),
                    Err(other) => return Err(other),
                }
            }
        }
        Ok(found)
    }

    /// Sees with a request of no rows that the server takes back what does not end in one row.
    pub(super) async fn see_it_taken_back(&self, table: &TableName, columns: &[String]) -> Result<(), WriteError> {
        let first = chunks(columns).next().unwrap_or_default();
        self.ask_nothing(table, first, Conflict::Refuse).await
    }

    async fn ask_nothing(
        &self,
        table: &TableName,
        columns: &[String],
        conflict: Conflict<'_>,
    ) -> Result<(), WriteError> {
        let mut query = Vec::new();
        let resolution = match conflict {
            Conflict::Refuse => "",
            Conflict::Ignore(key) => {
                query.push(("on_conflict", quoted(key)));
                ",resolution=ignore-duplicates"
            }
            Conflict::Update(key) => {
                query.push(("on_conflict", quoted(key)));
                ",resolution=merge-duplicates"
            }
        };
        if !columns.is_empty() {
            query.push(("columns", quoted(columns)));
        }
        let change = Change {
            method: Method::POST,
            table,
            path: path(table, &query)?,
            prefer: format!("return=minimal,count=exact{resolution}"),
            accept: SINGULAR,
            body: Bytes::from_static(b"[]"),
        };
        let patience = self.client.patience();
        let nothing = |answer: &Answer| match answer.status {
            406 => self.taken_back(answer),
            200..300 => Attempt::Failed(refused(
                NO_REHEARSAL,
                "the Data API does not take back what does not end in one row: something between here and it changes requests",
            )),
            _ => self.judge(answer),
        };
        let ask = || async {
            match self.send(&change).await {
                Ok(answer) => nothing(&answer),
                Err(attempt) => attempt,
            }
        };
        deliver(patience, Replay::Harmless, 0, ask).await.map(drop)
    }
}

/// Columns in groups whose names fit into a URL together; at least one group.
fn chunks(columns: &[String]) -> impl Iterator<Item = &[String]> {
    let mut left = Some(columns);
    std::iter::from_fn(move || {
        let columns = left.take()?;
        let mut bytes = 0;
        let fits = columns.iter().take_while(|column| {
            bytes += column.len() + 3;
            bytes <= COLUMN_BYTES
        });
        let count = fits.count().max(1).min(columns.len());
        let (chunk, rest) = columns.split_at(count);
        left = (!rest.is_empty()).then_some(rest);
        Some(chunk)
    })
}

/// Which column a message means: the longest whose quoted name is in it, whatever language it is in.
fn named(message: &str, columns: &[String]) -> Option<usize> {
    let hits = columns.iter().enumerate().filter(|(_, column)| message.contains(&format!("\"{column}\"")));
    hits.max_by_key(|(_, column)| column.len()).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_asked_about_in_groups() {
        let names: Vec<String> = (0..500).map(|i| format!("column_{i:03}")).collect();
        let groups: Vec<&[String]> = chunks(&names).collect();
        assert_eq!(groups.concat(), names);
        assert!(groups.len() == 5 && groups.iter().all(|group| group.len() <= 115), "{}", groups.len());
        assert_eq!(chunks(&[]).count(), 1);
        assert_eq!(chunks(&["x".repeat(9000)]).count(), 1);
    }

    #[test]
    fn a_column_is_found_in_the_refusal() {
        let columns = ["a".to_owned(), "a\"b".to_owned(), "b".to_owned()];
        let message = "cannot insert a non-DEFAULT value into column \"a\"b\"; Column \"a\"b\" is a generated column.";
        assert_eq!(named(message, &columns), Some(1));
        assert_eq!(named("Spalte \"b\"", &columns), Some(2));
        assert_eq!(named("nothing", &columns), None);
    }
}
