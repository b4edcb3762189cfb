//! The documents that answer questions, as types.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::model::{Column, PrintSettings, Relation, RelationKind, TableName};
use crate::supabase::client::ApiError;
use crate::supabase::sql::prelude::pinned;
use crate::supabase::sql::{Numbered, Question, SequencePosition, SqlChannel, SqlError};

/// Who answers, and the settings that text depends on.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerSettings {
    /// The role that the questions are answered as.
    pub role: String,
    /// Whether that role may read every table.
    pub reads_all: bool,
    /// Whether row level security does not hold for it.
    pub sees_all_rows: bool,
    /// PostgreSQL's version.
    pub server_version: String,
    /// The database's encoding.
    pub server_encoding: String,
    /// How the channel prints `money`.
    pub lc_monetary: String,
    /// Whether the helper's functions are in the database.
    pub helper: bool,
    /// Settings of the Data API's sessions with a service key, by their names in lower case: every
    /// value that was given for them, the one that holds first.
    api: HashMap<String, Vec<String>>,
}

impl ServerSettings {
    /// The settings that the channel prints text under: pinned by every question.
    pub fn sql(&self) -> PrintSettings {
        let pinned = |name: &str| pinned(name).unwrap_or_default().to_owned();
        PrintSettings {
            date_style: pinned("datestyle"),
            interval_style: pinned("intervalstyle"),
            time_zone: pinned("timezone"),
            bytea_output: pinned("bytea_output"),
            extra_float_digits: pinned("extra_float_digits"),
            lc_monetary: self.lc_monetary.clone(),
        }
    }

    /// The settings that the Data API prints text under, for a service key. `None` where the answer
    /// lacks one.
    pub fn api(&self) -> Option<PrintSettings> {
        let holds = |name: &str| self.api.get(name)?.first().cloned();
        Some(PrintSettings {
            date_style: date_style(self.api.get("datestyle")?)?,
            interval_style: holds("intervalstyle")?,
            time_zone: holds("timezone")?,
            bytea_output: holds("bytea_output")?,
            extra_float_digits: holds("extra_float_digits")?,
            lc_monetary: holds("lc_monetary")?,
        })
    }
}

/// A DateStyle has two halves, and each may be given without the other: `German`, `DMY`.
fn date_style(given: &[String]) -> Option<String> {
    const STYLES: [(&str, &str); 4] = [("iso", "ISO"), ("sql", "SQL"), ("postgres", "Postgres"), ("german", "German")];
    let words = |value: &String| -> Vec<String> {
        value.to_ascii_lowercase().split([',', ' ', '"', '\'']).filter(|w| !w.is_empty()).map(str::to_owned).collect()
    };
    let style = given.iter().find_map(|value| {
        words(value).iter().find_map(|word| STYLES.iter().find(|(known, _)| word.starts_with(known)).map(|(_, s)| *s))
    })?;
    let order = |word: &str| match word {
        "ymd" => Some("YMD"),
        "dmy" | "euro" | "european" => Some("DMY"),
        "mdy" | "us" | "noneuro" | "noneuropean" => Some("MDY"),
        // German alone means its own order
        word if word.starts_with("german") => Some("DMY"),
        _ => None,
    };
    let order = given.iter().find_map(|value| words(value).iter().rev().find_map(|word| order(word)))?;
    Some(format!("{style}, {order}"))
}

/// The user's schemas and tables.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SqlListing {
    /// Every schema but the system's.
    pub schemas: Vec<SqlSchema>,
    /// Tables, partitions, foreign tables and materialized views that are the user's.
    pub tables: Vec<SqlTable>,
}

/// One schema.
#[derive(Debug, Clone, Deserialize)]
pub struct SqlSchema {
    /// Its name.
    pub name: String,
    /// Whether `service_role` has USAGE on it.
    pub granted: bool,
}

/// One relation that has or shows rows.
#[derive(Debug, Clone, Deserialize)]
pub struct SqlTable {
    /// Its oid.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TableKind,
    /// Whose it is.
    pub owner: String,
    /// Whether `service_role` has USAGE on its schema.
    pub schema_granted: bool,
    /// Whether `service_role` has SELECT on all of it.
    pub granted: bool,
    /// For a partition: the oid of the table that is partitioned.
    pub partition_of: Option<u32>,
    /// Oids of the tables that it inherits from.
    #[serde(default, deserialize_with = "absent_is_empty")]
    pub parents: Vec<u32>,
    /// Blocks, as of the last VACUUM or ANALYZE.
    pub pages: i64,
    /// Rows, as of then; `None`: never looked at.
    pub rows: Option<i64>,
    /// Its comment.
    pub comment: Option<String>,
    /// Names of the primary key's columns, in the key's order.
    #[serde(default, deserialize_with = "absent_is_empty")]
    pub key: Vec<String>,
    columns: Vec<SqlColumn>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TableKind {
    /// An ordinary table.
    #[serde(rename = "r")]
    Table,
    /// A partitioned table.
    #[serde(rename = "p")]
    Partitioned,
    /// A foreign table.
    #[serde(rename = "f")]
    Foreign,
    /// A materialized view.
    #[serde(rename = "m")]
    MaterializedView,
}

#[derive(Debug, Clone, Deserialize)]
struct SqlColumn {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    not_null: bool,
    #[serde(default, deserialize_with = "absent_is_empty")]
    labels: Vec<String>,
    max_length: Option<i64>,
    comment: Option<String>,
    granted: bool,
}

/// PostgreSQL's aggregates give NULL, not an empty list, where there is nothing.
fn absent_is_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

impl SqlTable {
    /// Schema and name.
    pub fn table_name(&self) -> TableName {
        TableName::new(self.schema.clone(), self.name.clone())
    }

    /// Whether it has rows of its own in this database.
    pub fn has_rows(&self) -> bool {
        matches!(self.kind, TableKind::Table | TableKind::Partitioned)
    }

    /// Whether the grants let `service_role` read all of it.
    pub fn is_granted(&self) -> bool {
        self.schema_granted && self.granted
    }

    /// Whether the grants let `service_role` read some of its columns, and not all.
    pub fn is_granted_in_part(&self) -> bool {
        self.schema_granted && !self.granted && self.columns.iter().any(|column| column.granted)
    }

    /// It, in the form that the Data API's description gives.
    pub fn relation(&self) -> Relation {
        let column = |column: &SqlColumn| Column {
            name: column.name.clone(),
            type_name: column.type_name.clone(),
            required: column.not_null,
            default: None,
            labels: column.labels.clone(),
            max_length: column.max_length,
            references: None,
            comment: column.comment.clone(),
        };
        Relation {
            name: self.table_name(),
            kind: RelationKind::TableOrView,
            columns: self.columns.iter().map(column).collect(),
            primary_key: self.key.clone(),
            comment: self.comment.clone(),
        }
    }
}

/// Where a sequence stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SequenceSeen {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its last value, as a decimal number; `None`: the role may not read it.
    pub last_value: Option<String>,
    /// Whether that value was handed out.
    pub is_called: Option<bool>,
}

/// How far a numbered column has come, and where its sequence stands. Numbers are decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SequenceTop {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The sequence's schema.
    pub sequence_schema: String,
    /// The sequence.
    pub sequence: String,
    /// Its step; below 0 it descends.
    pub increment: String,
    /// The furthest value in the table; `None`: it has no rows.
    pub top: Option<String>,
    /// Where the sequence stands.
    pub last_value: Option<String>,
    /// Whether that value was handed out.
    pub is_called: Option<bool>,
}

/// Rows of one table, and the table's columns at that moment.
#[derive(Debug, Deserialize)]
pub(crate) struct PageSeen<'a> {
    pub(crate) rows: u64,
    pub(crate) columns: Vec<String>,
    /// A page as the Data API sends it.
    #[serde(borrow)]
    pub(crate) page: &'a RawValue,
}

/// How large the database is, and its tables.
#[derive(Debug, Clone, Deserialize)]
pub struct Sizes {
    /// Bytes of the whole database on disk.
    pub database: u64,
    /// Tables, with their indexes.
    pub tables: Vec<TableSize>,
}

/// One table.
#[derive(Debug, Clone, Deserialize)]
pub struct TableSize {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Bytes on disk, indexes and partitions included.
    pub bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Counted {
    rows: u64,
}

/// Reads an answer.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, SqlError> {
    serde_json::from_str(text).map_err(|e| {
        SqlError::Question(ApiError::Damaged(format!("the answer to a question in SQL is not readable: {e}")))
    })
}

async fn ask<T: DeserializeOwned>(channel: &dyn SqlChannel, question: &Question) -> Result<T, SqlError> {
    let text = channel.ask(question).await?;
    read(&text)
}

impl dyn SqlChannel {
    /// Asks for everything that describes the database: one JSON document.
    pub async fn catalog(&self) -> Result<String, SqlError> {
        self.ask(&Question::Catalog).await
    }

    /// Asks who answers, and for the settings that text depends on.
    pub async fn settings(&self) -> Result<ServerSettings, SqlError> {
        ask(self, &Question::Settings).await
    }

    /// Asks for the user's schemas and tables.
    pub async fn listing(&self) -> Result<SqlListing, SqlError> {
        ask(self, &Question::Tables).await
    }

    /// Asks how large the database is.
    pub async fn sizes(&self) -> Result<Sizes, SqlError> {
        ask(self, &Question::Sizes).await
    }

    /// Asks where the sequences of some schemas stand.
    pub async fn sequences(&self, schemas: &[String]) -> Result<Vec<SequenceSeen>, SqlError> {
        ask(self, &Question::Sequences { schemas: schemas.to_vec() }).await
    }

    /// Asks how far numbered columns have come.
    pub async fn tops(&self, columns: &[Numbered]) -> Result<Vec<SequenceTop>, SqlError> {
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        ask(self, &Question::Tops { columns: columns.to_vec() }).await
    }

    /// Moves sequences.
    pub async fn set_sequences(&self, positions: &[SequencePosition]) -> Result<(), SqlError> {
        self.ask(&Question::SetSequences { positions: positions.to_vec() }).await.map(drop)
    }

    /// Asks for the exact number of rows, leaving out those of the tables `without`.
    pub async fn count(&self, table: &TableName, without: &[u32]) -> Result<u64, SqlError> {
        let question = Question::Count { table: table.clone(), without: without.to_vec() };
        Ok(ask::<Counted>(self, &question).await?.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_of_a_date_style_may_come_from_different_places() {
        let style = |given: &[&str]| date_style(&given.iter().map(|&g| g.to_owned()).collect::<Vec<_>>());
        assert_eq!(style(&["ISO, MDY"]).as_deref(), Some("ISO, MDY"));
        assert_eq!(style(&["German", "ISO, MDY"]).as_deref(), Some("German, DMY"));
        assert_eq!(style(&["DMY", "ISO, MDY"]).as_deref(), Some("ISO, DMY"));
        assert_eq!(style(&["postgresql, european", "ISO, MDY"]).as_deref(), Some("Postgres, DMY"));
        assert_eq!(style(&["\"SQL\", dmy"]).as_deref(), Some("SQL, DMY"));
        assert_eq!(style(&["nonsense"]), None);
    }

    #[test]
    fn a_listing_is_read_with_its_nulls() -> Result<(), SqlError> {
        let text = r#"{"schemas" : [{"name" : "public", "granted" : true}], "tables" : [{"oid" : 4294967295, "schema" : "public",
            "name" : "t", "kind" : "p", "owner" : "postgres", "schema_granted" : true, "granted" : false, "partition_of" : null,
            "parents" : null, "pages" : 0, "rows" : null, "comment" : null, "key" : null, "columns" : [
            {"name" : "a", "type" : "text", "not_null" : true, "labels" : null, "max_length" : null, "comment" : null, "granted" : true}]}]}"#;
        let listing: SqlListing = read(text)?;
        let table = &listing.tables[0];
        assert!(table.has_rows() && !table.is_granted() && table.is_granted_in_part() && table.parents.is_empty());
        let relation = table.relation();
        assert_eq!((relation.columns[0].name.as_str(), relation.columns[0].required), ("a", true));
        Ok(())
    }
}
