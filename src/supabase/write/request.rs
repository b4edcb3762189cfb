//! What is sent to the Data API to change something: addresses, filters and bodies.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::value::RawValue;

use crate::http::{Answer, HttpError, Request};
use crate::model::TableName;
use crate::supabase::client::{Client, PAGE_LIMIT, quote_column, table_path, whole_json};
use crate::supabase::write::{RowVersion, WriteError, refused};

/// Versions of rows that fit into a URL, if nearly every one was written by a transaction of its own.
pub(super) const DELETED_ROWS: usize = 100;
/// Longer addresses are not sent: proxies on the way take 8 kB.
pub(super) const LONGEST_PATH: usize = 6000;

/// A request that changes something.
pub(super) struct Change<'a> {
    pub(super) method: Method,
    pub(super) table: &'a TableName,
    pub(super) path: String,
    pub(super) prefer: String,
    pub(super) accept: &'static str,
    pub(super) body: Bytes,
}

impl Client {
    /// Sends it; again only where it was certainly not acted upon. `Err(Err(_))`: it cannot be sent at all.
    pub(super) async fn change(
        &self,
        change: &Change<'_>,
        headers: &[(&'static str, &str)],
    ) -> Result<Answer, Result<HttpError, String>> {
        let url = Url::parse(&format!("{}{}", self.base, change.path))
            .map_err(|e| Err(format!("the address cannot be written as a URL: {e}")))?;
        let mut all = self.keys.clone();
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes())
                .map_err(|_| Err(format!("{value:?} cannot be sent in the header {name}")))?;
            all.insert(HeaderName::from_static(name), value);
        }
        let request = Request {
            method: change.method.clone(),
            url,
            headers: all,
            body: change.body.clone(),
            repeatable: false,
            body_limit: PAGE_LIMIT,
            // a success has no body
            plausible: |status, body| (200..300).contains(&status) || whole_json(status, body),
        };
        self.http.send(&request).await.map_err(Ok)
    }
}

/// The path of a table, with everything escaped.
pub(super) fn path(table: &TableName, query: &[(&str, String)]) -> Result<String, WriteError> {
    table_path(table, query).ok_or_else(|| {
        refused(
            "address",
            "no URL can name it: `.` and `..` are removed from paths by everything between here and the database",
        )
    })
}

/// Names of columns as `columns=` and `on_conflict=` take them.
pub(super) fn quoted(columns: &[String]) -> String {
    columns.iter().map(|column| quote_column(column)).collect::<Vec<_>>().join(",")
}

/// `(and(tableoid.eq.1,xmin.eq.5,ctid.in.("(0,1)","(0,2)")),…)`
pub(super) fn versions(rows: &[RowVersion]) -> String {
    let mut groups: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
    for row in rows {
        let tid = format!("\"({},{})\"", row.tid.block, row.tid.offset);
        groups.entry((row.tableoid, row.xmin)).or_default().push(tid);
    }
    let groups: Vec<String> = groups
        .iter()
        .map(|((oid, xmin), tids)| format!("and(tableoid.eq.{oid},xmin.eq.{xmin},ctid.in.({}))", tids.join(",")))
        .collect();
    format!("({})", groups.join(","))
}

/// The same rows with these columns alone.
pub(super) fn only_columns(array: &[u8], columns: &[String]) -> Result<Vec<u8>, WriteError> {
    let damaged = |e: serde_json::Error| refused("batch", format!("a row of the batch is not readable: {e}"));
    let rows: Vec<BTreeMap<String, &RawValue>> = serde_json::from_slice(array).map_err(damaged)?;
    let mut out = Vec::with_capacity(array.len());
    for row in &rows {
        out.push(if out.is_empty() { b'[' } else { b',' });
        for (i, column) in columns.iter().enumerate() {
            out.push(if i == 0 { b'{' } else { b',' });
            out.extend_from_slice(&serde_json::to_vec(column).map_err(damaged)?);
            out.push(b':');
            out.extend_from_slice(row.get(column).map_or("null", |value| value.get()).as_bytes());
        }
        out.push(b'}');
    }
    out.push(b']');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Tid;

    #[test]
    fn versions_are_named_by_table_transaction_and_address() {
        let row = |tableoid, block, offset, xmin| RowVersion { tableoid, tid: Tid { block, offset }, xmin };
        let rows = [row(7, 0, 1, 5), row(8, 0, 1, 5), row(7, 3, 2, 5), row(7, 0, 2, 4_294_967_295)];
        let expected = r#"(and(tableoid.eq.7,xmin.eq.5,ctid.in.("(0,1)","(3,2)")),and(tableoid.eq.7,xmin.eq.4294967295,ctid.in.("(0,2)")),and(tableoid.eq.8,xmin.eq.5,ctid.in.("(0,1)")))"#;
        assert_eq!(versions(&rows), expected);
        let most: Vec<RowVersion> =
            (0..DELETED_ROWS as u32).map(|i| row(u32::MAX, u32::MAX - i, u16::MAX, 4_000_000_000)).collect();
        let address = table_path(&TableName::new("s", "t"), &[("or", versions(&most))]).map_or(0, |path| path.len());
        assert!((1000..LONGEST_PATH).contains(&address), "{address}");
    }

    #[test]
    fn rows_are_cut_down_to_columns_without_reading_values() {
        let rows = br#"[{"a":"1","b\"":{"x": 1.0},"c":null},{"c":"3","a":null,"b\"":"2"}]"#;
        let columns = ["b\"".to_owned(), "a".to_owned(), "missing".to_owned()];
        let cut = only_columns(rows, &columns).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let expected = r#"[{"b\"":{"x": 1.0},"a":"1","missing":null},{"b\"":"2","a":null,"missing":null}]"#;
        assert_eq!(cut.ok().as_deref(), Some(expected));
        assert!(only_columns(b"[{]", &columns).is_err());
    }
}
