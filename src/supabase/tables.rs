//! One table of the project: how it is addressed, counted and read.

use std::sync::Arc;

use serde::Deserialize;

use crate::format::{Shape, Tid};
use crate::http::Answer;
use crate::model::TableName;
use crate::supabase::client::{ApiError, Client, PAGE_LIMIT, SINGLE_LIMIT, quote_column, table_path};
use crate::supabase::probe::{Access, Guard, Paging, RowSource};
use crate::supabase::rows::{Page, content_range};

/// How often a small question is asked.
const LOOK_UPS: u32 = 4;

/// Reads one table in the way that its probe found.
#[derive(Debug, Clone)]
pub struct TableReader {
    pub(crate) client: Arc<Client>,
    pub(crate) name: TableName,
    access: Arc<Access>,
    identity: String,
    rows: String,
}

impl TableReader {
    /// A reader for a table that the probe gave access to.
    pub fn new(client: Arc<Client>, name: TableName, access: Access) -> Self {
        let identity = identity_select(&access);
        let rows = format!("{identity}{}{}", if identity.is_empty() { "" } else { "," }, text_select(&access));
        Self { client, name, access: Arc::new(access), identity, rows }
    }

    /// How the table is read.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What a sweep asks for: addresses and versions, or whole rows where nothing less tells that a
    /// row is still the same.
    pub fn sweep_shape(&self) -> Shape {
        if self.access.guard == Guard::Content { self.access.shape() } else { Shape::Identity }
    }

    /// The table's name.
    pub fn name(&self) -> &TableName {
        &self.name
    }

    /// Whether a sweep compares whole rows.
    pub fn sweeps_content(&self) -> bool {
        self.access.guard == Guard::Content
    }

    pub(crate) fn select(&self, shape: Shape) -> &str {
        if shape == Shape::Identity { &self.identity } else { &self.rows }
    }

    pub(crate) async fn get(
        &self,
        query: &[(&str, String)],
        extra: &[(&'static str, &'static str)],
        limit: usize,
    ) -> Result<Answer, ApiError> {
        get(&self.client, &self.name, query, extra, limit).await
    }

    /// Like [`TableReader::get`], for small questions that cannot be made smaller: one that runs into
    /// the time limit (the table is locked, the server is busy) is asked again.
    pub(crate) async fn ask(&self, query: &[(&str, String)]) -> Result<Answer, ApiError> {
        for turn in 1..LOOK_UPS {
            match self.get(query, &[], PAGE_LIMIT).await {
                Err(ApiError::TimedOut(_)) => tokio::time::sleep(self.client.pause() * turn).await,
                other => return other,
            }
        }
        self.get(query, &[], PAGE_LIMIT).await
    }

    /// The exact number of rows, leaving out those of the tables `without` (children stored by
    /// themselves). `None`: counting took too long, and so did counting in pieces.
    pub async fn count(&self, without: &[u32]) -> Result<Option<u64>, ApiError> {
        if let RowSource::Sql(tables) = &self.access.source {
            return tables.count(&self.name, without).await;
        }
        let anything = self.access.columns.first().map_or("ctid".to_owned(), |c| quote_column(&c.name));
        let column = if self.access.has_ctid { "ctid".to_owned() } else { anything };
        let mut query = vec![("select", column), ("limit", "1".to_owned())];
        if !without.is_empty() {
            let list: Vec<String> = without.iter().map(u32::to_string).collect();
            query.push(("tableoid", format!("not.in.({})", list.join(","))));
        }
        match self.get(&query, &[("prefer", "count=exact")], PAGE_LIMIT).await {
            Ok(answer) => Ok(content_range(&answer).and_then(|(_, total)| total)),
            Err(ApiError::TimedOut(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The name of the table that holds the row at an address, as the server writes it.
    pub async fn owner(&self, tableoid: u32, tid: Tid) -> Result<Option<TableName>, ApiError> {
        if let RowSource::Sql(tables) = &self.access.source {
            return tables.name_of(tableoid).await;
        }
        #[derive(Deserialize)]
        struct Row {
            n: String,
        }
        let query = [
            ("select", "n:tableoid::regclass".to_owned()),
            ("tableoid", format!("eq.{tableoid}")),
            ("ctid", format!("eq.({},{})", tid.block, tid.offset)),
            ("limit", "1".to_owned()),
        ];
        let answer = self.ask(&query).await?;
        let rows: Vec<Row> = serde_json::from_slice(&answer.body).map_err(|e| ApiError::Damaged(e.to_string()))?;
        Ok(rows.first().map(|row| parse_regclass(&row.n, &self.name.schema)))
    }

    /// The table's column names in their present order, from the row that comes first; `None` where
    /// the table is empty or its rows have no JSON form.
    pub async fn live_columns(&self) -> Result<Option<Vec<String>>, ApiError> {
        if matches!(self.access.source, RowSource::Sql(_)) {
            // every page was held against them
            return Ok(Some(self.access.column_names().into_iter().map(str::to_owned).collect()));
        }
        live_columns(&self.client, &self.name).await
    }

    /// Whether every column is still there, asked by name.
    pub async fn columns_exist(&self) -> Result<(), ApiError> {
        for names in self.access.columns.chunks(50) {
            let select: Vec<String> = names.iter().map(|c| quote_column(&c.name)).collect();
            self.ask(&[("select", select.join(",")), ("limit", "0".to_owned())]).await?;
        }
        Ok(())
    }

    /// One page in key order, after the row whose key is `after`.
    pub async fn page_after(&self, after: Option<&[String]>, limit: u64) -> Result<Page, ApiError> {
        let key = &self.access.key;
        let mut query = vec![("select", self.rows.clone()), ("limit", limit.to_string())];
        if self.access.paging == Paging::Keyset {
            let order: Vec<String> = key.iter().map(|c| format!("{}.asc", quote_column(c))).collect();
            query.push(("order", order.join(",")));
        }
        let quoted: Vec<String> = key.iter().map(|c| quote_column(c)).collect();
        if let (Some(after), Some(first)) = (after, quoted.first()) {
            if key.len() == 1 {
                query.push((first, format!("gt.{}", after[0])));
            } else {
                // the redundant leading condition lets the index start at the right place
                query.push((first, format!("gte.{}", after[0])));
                query.push(("or", format!("({})", row_after(&quoted, after))));
            }
        }
        let answer = match self.get(&query, &[], self.client.page_limit).await {
            Err(ApiError::TooLarge(_)) if limit == 1 => self.get(&query, &[], SINGLE_LIMIT).await?,
            other => other?,
        };
        let (rows, _) = content_range(&answer)
            .ok_or_else(|| ApiError::Damaged("the API's answer has no Content-Range".to_owned()))?;
        Ok(Page { body: answer.body, rows })
    }

    /// The whole table in one statement: all that is possible without address and key. `None` if the
    /// server cuts it.
    pub async fn whole(&self) -> Result<Option<Page>, ApiError> {
        let (page, total) = self.page(&[("select", self.rows.clone())], SINGLE_LIMIT).await?;
        Ok((page.rows == total).then_some(page))
    }
}

/// `a.gt.1,and(a.eq.1,b.gt.2)`: rows after a composite key, for `or=(…)`.
fn row_after(columns: &[String], after: &[String]) -> String {
    let value = |v: &String| format!("\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\""));
    let mut terms = Vec::new();
    for (i, (column, bound)) in columns.iter().zip(after).enumerate() {
        let greater = format!("{column}.gt.{}", value(bound));
        if i == 0 {
            terms.push(greater);
        } else {
            let mut equal: Vec<String> =
                columns.iter().zip(after).take(i).map(|(c, v)| format!("{c}.eq.{}", value(v))).collect();
            equal.push(greater);
            terms.push(format!("and({})", equal.join(",")));
        }
    }
    terms.join(",")
}

fn identity_select(access: &Access) -> String {
    let keys = |cast: &str| -> Vec<String> {
        access.key.iter().enumerate().map(|(i, c)| format!("k{i}:{}{cast}", quote_column(c))).collect()
    };
    match access.paging {
        Paging::Keyset => keys("::text").join(","),
        Paging::Whole => String::new(),
        Paging::Ctid => {
            let mut select = vec!["ctid".to_owned(), "xmin".to_owned(), "tableoid".to_owned()];
            match access.guard {
                Guard::Key => select.extend(keys("")),
                Guard::Hash => select.push("h:hash_record".to_owned()),
                Guard::Content => {}
            }
            select.join(",")
        }
    }
}

fn text_select(access: &Access) -> String {
    use crate::model::ReadAs;
    match access.read_as {
        ReadAs::RecordOut => "r:record_out".to_owned(),
        ReadAs::Concat => "r:concat".to_owned(),
        ReadAs::Columns => {
            let cast: Vec<String> = access
                .columns
                .iter()
                .enumerate()
                .map(|(i, c)| format!("c{i}:{}::text", quote_column(&c.name)))
                .collect();
            cast.join(",")
        }
    }
}

pub(crate) async fn get(
    client: &Client,
    table: &TableName,
    query: &[(&str, String)],
    extra: &[(&'static str, &'static str)],
    limit: usize,
) -> Result<Answer, ApiError> {
    let path = table_path(table, query).ok_or_else(|| {
        ApiError::Rejected(
            "no URL can name it: `.` and `..` are removed from paths by everything between here and the database"
                .to_owned(),
        )
    })?;
    client.get(&path, &table.schema, extra, limit).await
}

pub(crate) async fn live_columns(client: &Client, table: &TableName) -> Result<Option<Vec<String>>, ApiError> {
    let query = [("select", "j:row_to_json".to_owned()), ("limit", "1".to_owned())];
    let answer = match get(client, table, &query, &[], SINGLE_LIMIT).await {
        Ok(answer) => answer,
        Err(ApiError::Fatal(f)) => return Err(ApiError::Fatal(f)),
        Err(ApiError::Gone(g)) => return Err(ApiError::Gone(g)),
        // some types have no JSON form: then the names are checked one by one at the end
        Err(_) => return Ok(None),
    };
    let rows: Vec<serde_json::Map<String, serde_json::Value>> = match serde_json::from_slice(&answer.body) {
        Ok(rows) => rows,
        // numbers outside a double's range make this parse fail; nothing but the names was wanted
        Err(_) => return Ok(None),
    };
    let row = rows.first().and_then(|row| row.get("j")).and_then(|j| j.as_object());
    Ok(row.map(|object| object.keys().cloned().collect()))
}

/// Splits `regclass` text: `t`, `"T t"`, `s.t`, `"s"."t"`. What is not qualified is in `schema`, which
/// comes first in the search path of every request.
fn parse_regclass(text: &str, schema: &str) -> TableName {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                if let Some(last) = parts.last_mut() {
                    last.push('"');
                }
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            c => {
                if let Some(last) = parts.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    let name = parts.pop().unwrap_or_default();
    TableName::new(parts.pop().unwrap_or_else(|| schema.to_owned()), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regclass_text_is_split_at_the_right_dots() {
        let name = |text: &str| {
            let t = parse_regclass(text, "public");
            (t.schema, t.name)
        };
        assert_eq!(name("orders"), ("public".into(), "orders".into()));
        assert_eq!(name("shop.orders"), ("shop".into(), "orders".into()));
        assert_eq!(name("\"dots.in.name\""), ("public".into(), "dots.in.name".into()));
        assert_eq!(name("\"S\".\"quo\"\"te\""), ("S".into(), "quo\"te".into()));
    }

    #[test]
    fn the_condition_for_a_composite_key_compares_from_left_to_right() {
        let columns = vec!["\"a\"".to_owned(), "\"b\"".to_owned(), "\"c\"".to_owned()];
        let after = vec!["x,\"y".to_owned(), "2".to_owned(), "3".to_owned()];
        assert_eq!(
            row_after(&columns, &after),
            r#""a".gt."x,\"y",and("a".eq."x,\"y","b".gt."2"),and("a".eq."x,\"y","b".eq."2","c".gt."3")"#
        );
    }
}
