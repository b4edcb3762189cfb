//! A first look at a relation: is it a table, may it be read, and in which way.

use std::sync::Arc;

use serde::Deserialize;

use crate::format::{Shape, Tid, for_each_row};
use crate::model::{Column, ReadAs, Relation, RelationKind};
use crate::supabase::client::{ApiError, Client, PAGE_LIMIT, SINGLE_LIMIT, quote_column};
use crate::supabase::rows::content_range;
use crate::supabase::sql::SqlTables;
use crate::supabase::tables::{get, live_columns};

/// OrioleDB gives every row of a table with a key this address.
const NO_ADDRESS: u32 = u32::MAX;

/// Longer queries are refused by common gateways (8 kB for the whole request line).
const LONGEST_SELECT: usize = 7000;

/// What a relation turned out to be.
#[derive(Debug, Clone)]
pub enum Probe {
    /// A table that can be read.
    Table(Box<Access>),
    /// It holds no rows of its own: `view`, `materialized view or read-only view`.
    View(&'static str),
    /// It should be read and cannot be.
    Unreadable {
        /// Why.
        reason: String,
        /// What would fix it.
        fix: Option<String>,
    },
}

/// The way to a table's rows.
#[derive(Debug, Clone)]
pub struct Access {
    /// The rung of the ladder.
    pub read_as: ReadAs,
    /// What tells a row from another at the same address.
    pub guard: Guard,
    /// By what the table is cut into pages.
    pub paging: Paging,
    /// Whether system columns can be read.
    pub has_ctid: bool,
    /// The columns that every row's text has, in order.
    pub columns: Vec<Column>,
    /// Columns of the primary key that the API shows.
    pub key: Vec<String>,
    /// Columns that the role may not read, with the server's reason.
    pub unreadable: Vec<(String, String)>,
    /// The exact count, taken with the probe; `None` where counting took too long.
    pub counted: Option<u64>,
    /// Bytes of one row in a page, from a sample; `None` for an empty table.
    pub row_bytes: Option<u64>,
    /// The oid of the first row's table, to notice a table that is dropped and made again.
    pub first_row: Option<(u32, Tid)>,
    /// Where its rows come from.
    pub source: RowSource,
}

impl Access {
    /// By address, and nothing looked at yet.
    pub(crate) fn unseen(relation: &Relation, read_as: ReadAs, guard: Guard, source: RowSource) -> Self {
        Self {
            read_as,
            guard,
            paging: Paging::Ctid,
            has_ctid: true,
            columns: relation.columns.clone(),
            key: relation.primary_key.clone(),
            unreadable: Vec::new(),
            counted: None,
            row_bytes: None,
            first_row: None,
            source,
        }
    }
}

/// Where a table's rows come from.
#[derive(Debug, Clone)]
pub enum RowSource {
    /// The Data API.
    Rest,
    /// SQL: the Data API does not show the table, or not all of it.
    Sql(SqlTables),
}

impl RowSource {
    /// The word in the manifest; `None` for the Data API, which is the usual way.
    pub fn word(&self) -> Option<&'static str> {
        matches!(self, Self::Sql(_)).then_some("sql")
    }
}

impl Access {
    /// The shape of its pages.
    pub fn shape(&self) -> Shape {
        if self.read_as == ReadAs::Columns { Shape::Columns } else { Shape::Record }
    }

    /// Names of the columns, in order.
    pub fn column_names(&self) -> Vec<&str> {
        self.columns.iter().map(|c| c.name.as_str()).collect()
    }
}

/// How pages are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paging {
    /// By heap block.
    Ctid,
    /// By the primary key.
    Keyset,
    /// Not at all: one page must hold the table.
    Whole,
}

impl Paging {
    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ctid => "ctid",
            Self::Keyset => "keyset",
            Self::Whole => "whole",
        }
    }
}

/// What goes with address and version to prove that a row is still the same. Address and version
/// alone do not: `CLUSTER` and `VACUUM FULL` move rows and keep their versions, so two rows of one
/// transaction can change places without either number changing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The primary key.
    Key,
    /// A hash of the row, made by the server.
    Hash,
    /// The row itself.
    Content,
}

/// Looks at a relation. `force_keyset` pages by key even where addresses would serve.
pub async fn probe(client: &Arc<Client>, relation: &Relation, force_keyset: bool) -> Result<Probe, ApiError> {
    if relation.kind == RelationKind::ReadOnly {
        return Ok(Probe::View("a materialized view, or a view that cannot be written to"));
    }
    let has = |name: &str| relation.columns.iter().any(|c| c.name == name);
    if has("ctid") || has("tableoid") {
        // no table can have a column with the name of a system column
        return Ok(Probe::View("a view"));
    }
    let read_as = if !has("record_out") {
        ReadAs::RecordOut
    } else if !has("concat") {
        ReadAs::Concat
    } else {
        ReadAs::Columns
    };
    let guard = if !relation.primary_key.is_empty() {
        Guard::Key
    } else if has("hash_record") {
        Guard::Content
    } else {
        Guard::Hash
    };
    let mut access = Access::unseen(relation, read_as, guard, RowSource::Rest);
    let mut counting = true;
    // every turn either ends or gives up one thing that was asked for
    for _ in 0..8 {
        match look(client, relation, &mut access, counting).await {
            Ok(()) => return settle(client, relation, access, force_keyset).await,
            Err(ApiError::NoColumn(reason)) => return no_column(client, relation, reason).await,
            Err(ApiError::NotSupported(_)) if access.has_ctid => {
                return Ok(Probe::View("a foreign table: its rows live in another system"));
            }
            Err(ApiError::Denied(reason)) if access.has_ctid => {
                if let Some(unreadable) = grants(client, relation, &mut access, reason).await? {
                    return Ok(unreadable);
                }
            }
            Err(ApiError::NoFunction(_)) if access.guard == Guard::Hash => access.guard = Guard::Content,
            Err(ApiError::NoFunction(_)) if access.read_as == ReadAs::RecordOut && !has("concat") => {
                access.read_as = ReadAs::Concat
            }
            Err(ApiError::NoFunction(_)) if access.read_as != ReadAs::Columns => access.read_as = ReadAs::Columns,
            Err(ApiError::TimedOut(_)) if counting => counting = false,
            Err(ApiError::Fatal(failure)) => return Err(ApiError::Fatal(failure)),
            Err(error) => return Ok(Probe::Unreadable { reason: error.to_string(), fix: None }),
        }
    }
    Ok(Probe::Unreadable { reason: "no way of reading it works".to_owned(), fix: None })
}

/// A column is not there: either the relation is a view, which has no system columns, or the API's
/// description names columns that are gone.
async fn no_column(client: &Client, relation: &Relation, reason: String) -> Result<Probe, ApiError> {
    let query = [("select", "ctid".to_owned()), ("limit", "0".to_owned())];
    match get(client, &relation.name, &query, &[], PAGE_LIMIT).await {
        Err(ApiError::NoColumn(_)) => Ok(Probe::View("a view")),
        Err(ApiError::Fatal(failure)) => Err(ApiError::Fatal(failure)),
        _ => Ok(Probe::Unreadable {
            reason: format!("the API's description is older than the table: {reason}"),
            fix: Some("NOTIFY pgrst, 'reload schema';".to_owned()),
        }),
    }
}

/// Asks for two rows in the way that `access` says.
async fn look(client: &Arc<Client>, relation: &Relation, access: &mut Access, counting: bool) -> Result<(), ApiError> {
    let reader = super::TableReader::new(Arc::clone(client), relation.name.clone(), access.clone());
    let select = reader.select(access.shape());
    if select.len() > LONGEST_SELECT {
        return Err(ApiError::Rejected("the list of its readable columns does not fit into a URL".to_owned()));
    }
    let query = [("select", select.to_owned()), ("limit", "2".to_owned())];
    let prefer: &[(&str, &str)] = if counting { &[("prefer", "count=exact")] } else { &[] };
    let answer = get(client, &relation.name, &query, prefer, SINGLE_LIMIT).await?;
    access.counted = content_range(&answer).and_then(|(_, total)| total);
    let mut first = None;
    let rows = for_each_row(&answer.body, access.shape(), access.columns.len(), |row| {
        first = first.or(row.tableoid.zip(row.tid));
        Ok(())
    });
    // another number of fields than described is looked into by `settle`
    let rows = rows.unwrap_or(0).max(content_range(&answer).map_or(0, |(n, _)| n.min(1)));
    access.row_bytes = (rows > 0).then(|| answer.body.len() as u64 / rows);
    access.first_row = first;
    Ok(())
}

/// Last decisions, with a live look at the columns: the API's description may be older than the table.
async fn settle(
    client: &Arc<Client>,
    relation: &Relation,
    mut access: Access,
    force_keyset: bool,
) -> Result<Probe, ApiError> {
    let constant = access.first_row.is_some_and(|(_, tid)| tid.block == NO_ADDRESS);
    if access.has_ctid && (constant || force_keyset) {
        if access.key.is_empty() {
            let reason = if constant {
                "its rows have no addresses (its storage is not PostgreSQL's heap) and it has no primary key to page by"
            } else {
                "paging by key was asked for and it has no primary key"
            };
            return Ok(Probe::Unreadable {
                reason: reason.to_owned(),
                fix: Some(format!("ALTER TABLE {} ADD PRIMARY KEY (…);", relation.name.quoted())),
            });
        }
        access.paging = Paging::Keyset;
    }
    if access.read_as != ReadAs::Columns
        && let Some(live) = live_columns(client, &relation.name).await?
    {
        let known = |name: &String| access.columns.iter().find(|c| &c.name == name).cloned();
        match live.iter().map(known).collect::<Option<Vec<Column>>>() {
            Some(columns) if columns.len() == access.columns.len() => access.columns = columns,
            _ => {
                return Ok(Probe::Unreadable {
                        reason: "its columns are not those that the API describes: the API's schema cache is older than the table".to_owned(),
                        fix: Some("NOTIFY pgrst, 'reload schema';".to_owned()),
                    });
            }
        }
    }
    Ok(Probe::Table(Box::new(access)))
}

/// The role has no SELECT on the table as a whole: finds the columns that it may read.
async fn grants(
    client: &Arc<Client>,
    relation: &Relation,
    access: &mut Access,
    reason: String,
) -> Result<Option<Probe>, ApiError> {
    let fix = Some(format!("GRANT SELECT ON TABLE {} TO service_role;", relation.name.quoted()));
    let mut readable = Vec::new();
    for column in &relation.columns {
        let query = [("select", quote_column(&column.name)), ("limit", "0".to_owned())];
        match get(client, &relation.name, &query, &[], PAGE_LIMIT).await {
            Ok(_) => readable.push(column.clone()),
            Err(ApiError::Denied(reason)) => access.unreadable.push((column.name.clone(), reason)),
            Err(ApiError::Fatal(failure)) => return Err(ApiError::Fatal(failure)),
            Err(error) => return Ok(Some(Probe::Unreadable { reason: error.to_string(), fix })),
        }
    }
    if readable.is_empty() {
        return Ok(Some(Probe::Unreadable { reason, fix }));
    }
    access.read_as = ReadAs::Columns;
    access.has_ctid = false;
    access.guard = Guard::Content;
    let key_readable = !access.key.is_empty() && access.key.iter().all(|k| readable.iter().any(|c| &c.name == k));
    access.paging = if key_readable { Paging::Keyset } else { Paging::Whole };
    access.columns = readable;
    Ok(None)
}

/// Whether the server prints floating-point numbers with all their digits (`extra_float_digits` of
/// at least 1). Told by printing integers as `float4`: with 6 digits they are rounded.
/// `None`: this table's rows do not tell.
pub async fn float_digits(client: &Client, relation: &Relation) -> Result<Option<bool>, ApiError> {
    #[derive(Deserialize)]
    struct Row<'a> {
        #[serde(borrow)]
        f: &'a serde_json::value::RawValue,
    }
    let query = [("select", "f:hash_record::float4".to_owned()), ("limit", "8".to_owned())];
    let answer = match get(client, &relation.name, &query, &[], PAGE_LIMIT).await {
        Ok(answer) => answer,
        Err(ApiError::Fatal(failure)) => return Err(ApiError::Fatal(failure)),
        Err(_) => return Ok(None),
    };
    let rows: Vec<Row<'_>> = serde_json::from_slice(&answer.body).unwrap_or_default();
    let most = rows.iter().map(|row| significant_digits(row.f.get())).max();
    Ok(match most {
        Some(digits) if digits > 6 => Some(true),
        // one in a hundred random numbers has six digits or fewer by itself
        Some(_) if rows.len() >= 2 => Some(false),
        _ => None,
    })
}

fn significant_digits(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').trim_end_matches('0').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_without_zeros_at_the_ends() {
        assert_eq!(significant_digits("-1.2345678e+08"), 8);
        assert_eq!(significant_digits("1.23457e+08"), 6);
        assert_eq!(significant_digits("123456000"), 6);
        assert_eq!(significant_digits("0.00120"), 2);
    }
}
