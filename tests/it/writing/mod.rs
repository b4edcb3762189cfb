//! Rows back into a project, by the writers alone: through the Data API, and through SQL by each of its
//! transports.

mod batches;
mod lost;
mod quiet;
mod rest;
mod torture;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use serde::Deserialize;
use supabackup::buffers::Buffers;
use supabackup::format::{Batch, BatchColumn, BatchWriter, Digest, Fields, RowForm, Tid};
use supabackup::http::{Http, Patience};
use supabackup::model::TableName;
use supabackup::supabase::sql::SqlChannel;
use supabackup::supabase::{Client, Conflict, Delete, Load, RestWriter, RowVersion, SqlWriter, WriteError, Writer};

use crate::sql_channel::{channels, install_helper};
use crate::support::Stack;

/// Settings under which every question through SQL prints, and the superuser's psql here.
const SETTINGS: &str =
    "SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET extra_float_digits = 1;
    SET bytea_output = 'hex'; SET xmloption = content; SET row_security = off;";

/// A table as the database describes it, and its rows as text.
#[derive(Debug, Clone, Deserialize)]
struct Table {
    schema: String,
    name: String,
    oid: u32,
    columns: Vec<Column>,
    key: Vec<String>,
    /// Its rows are those of this table alone: children are tables of their own.
    only: bool,
    children: Vec<u32>,
    #[serde(skip)]
    rows: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Column {
    name: String,
    json: bool,
    generated: bool,
}

const TABLES: &str = "SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'oid', c.oid::bigint, 'only', c.relkind = 'r',
    'children', (SELECT coalesce(json_agg(i.inhrelid::bigint), '[]') FROM pg_inherits i WHERE i.inhparent = c.oid AND c.relkind = 'r'),
    'columns', (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'generated', a.attgenerated <> '',
        'json', coalesce(nullif(t.typbasetype, 0), t.oid) IN ('json'::regtype, 'jsonb'::regtype)) ORDER BY a.attnum), '[]')
      FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    'key', (SELECT coalesce(json_agg(a.attname ORDER BY k.place), '[]') FROM pg_index x
      CROSS JOIN unnest(x.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum WHERE x.indrelid = c.oid AND x.indisprimary)
  ) ORDER BY n.nspname, c.relname), '[]')
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname IN ('public', 'shop', 'auth', 'odd \"schema')";

impl Table {
    fn table_name(&self) -> TableName {
        TableName::new(self.schema.clone(), self.name.clone())
    }

    fn quoted(&self) -> String {
        self.table_name().quoted()
    }

    /// Columns that take values.
    fn writable(&self) -> Vec<String> {
        self.columns.iter().filter(|c| !c.generated).map(|c| c.name.clone()).collect()
    }

    /// Its rows at this moment, sorted.
    fn read(&self, stack: &Stack) -> Result<Vec<String>> {
        let only = if self.only { "ONLY" } else { "" };
        let printed = stack.sql(&format!(
            "{SETTINGS} SET search_path = \"{}\", public, extensions;
             SELECT coalesce(json_agg(pg_catalog.record_out(x.*)::text), '[]') FROM {only} {} AS x",
            self.schema.replace('"', "\"\""),
            self.quoted()
        ))?;
        let mut rows: Vec<String> = serde_json::from_str(&printed)?;
        rows.sort_unstable();
        Ok(rows)
    }

    /// Rows in a batch of this form.
    fn batch(&self, form: RowForm, rows: &[String]) -> Result<Batch> {
        let column = |(i, c): (usize, &Column)| BatchColumn { name: c.name.clone(), field: Some(i), is_json: c.json };
        let columns: Vec<BatchColumn> = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| form == RowForm::Record || !c.generated)
            .map(column)
            .collect();
        let mut writer = BatchWriter::new(form, columns, Vec::new());
        let mut batch = Batch::default();
        let mut fields = Fields::default();
        for row in rows {
            fields.split_record(row.as_bytes(), self.columns.len()).map_err(anyhow::Error::msg)?;
            writer.push(&fields, &mut batch);
        }
        Ok(batch)
    }
}

/// The user's tables without their rows.
fn tables(stack: &Stack) -> Result<Vec<Table>> {
    Ok(serde_json::from_str(&stack.sql(TABLES)?)?)
}

/// One table without its rows.
fn table(stack: &Stack, name: &str) -> Result<Table> {
    tables(stack)?.into_iter().find(|table| table.table_name().plain() == name).with_context(|| name.to_owned())
}

/// The digest of rows, by the program's own arithmetic.
fn digest(rows: &[String]) -> Digest {
    let mut digest = Digest::default();
    rows.iter().for_each(|row| digest.add_row(row.as_bytes()));
    digest
}

/// A stack with every transport.
fn stack(data: &str, sql: &str, schemas: &str) -> Result<Stack> {
    let stack = Stack::up(&["--data", data, "--sql", "management,meta"])?;
    if !sql.is_empty() {
        stack.sql(&format!("SET ROLE postgres; {sql}"))?;
    }
    install_helper(&stack, schemas)?;
    Ok(stack)
}

/// The three channels with all rights.
fn all_channels(stack: &Stack) -> Result<Vec<Arc<dyn SqlChannel>>> {
    channels(stack, stack.get("SUPABASE_ACCESS_TOKEN"))
}

fn rest_writer(stack: &Stack) -> Result<RestWriter> {
    let patience = Patience { tries: 4, first_delay: Duration::from_millis(10), timeout: Duration::from_secs(20) };
    let http = Http::new(patience, 2, "supabackup/tests", Buffers::default()).map_err(anyhow::Error::msg)?;
    let key = SecretString::from(stack.get("SUPABASE_SECRET_KEY"));
    Ok(RestWriter::new(Arc::new(Client::new(Arc::new(http), stack.get("SUPABASE_URL"), &key, false)?)))
}

/// Every writer: the Data API's, and one for each transport, quiet or not.
fn writers(stack: &Stack, quiet: bool) -> Result<Vec<(String, Arc<dyn Writer>)>> {
    let mut all: Vec<(String, Arc<dyn Writer>)> = vec![("rest".to_owned(), Arc::new(rest_writer(stack)?))];
    for channel in all_channels(stack)? {
        all.push((channel.kind().word().to_owned(), Arc::new(SqlWriter::new(channel, quiet))));
    }
    Ok(all)
}

/// Writes some rows of a table in one batch.
async fn write(
    writer: &dyn Writer,
    table: &Table,
    rows: &[String],
    conflict: Conflict<'_>,
    rehearse: bool,
) -> Result<Result<u64, WriteError>> {
    let batch = table.batch(writer.form(), rows)?;
    let (name, columns) = (table.table_name(), table.writable());
    let range = (0, batch.len());
    let load = Load { table: &name, columns: &columns, conflict, batch: &batch, range, rehearse };
    Ok(writer.write(&load).await)
}

/// Writes all rows of a table, in batches as large as the writer wants them.
async fn write_all(writer: &dyn Writer, table: &Table) -> Result<Result<u64, WriteError>> {
    let batch = table.batch(writer.form(), &table.rows)?;
    let (name, columns) = (table.table_name(), table.writable());
    let (mut from, mut written) = (0, 0);
    while from < batch.len() {
        let mut to = from + 1;
        while to < batch.len()
            && to - from < writer.batch_rows()
            && batch.rows(from, to + 1).len() <= writer.batch_bytes()
        {
            to += 1;
        }
        loop {
            let range = (from, to);
            let load = Load {
                table: &name,
                columns: &columns,
                conflict: Conflict::Refuse,
                batch: &batch,
                range,
                rehearse: false,
            };
            match writer.write(&load).await {
                Ok(rows) => written += rows,
                Err(WriteError::TooMuch(_)) if to - from > 1 => {
                    to = from + (to - from) / 2;
                    continue;
                }
                Err(error) => return Ok(Err(error)),
            }
            break;
        }
        from = to;
    }
    Ok(Ok(written))
}

/// Versions of the rows for which a condition holds, as they are now.
fn versions(stack: &Stack, table: &str, condition: &str) -> Result<Vec<RowVersion>> {
    let printed = stack.sql(&format!(
        "SELECT tableoid || ' ' || translate(ctid::text, '(),', '   ') || ' ' || xmin FROM {table} WHERE {condition} ORDER BY ctid"
    ))?;
    let version = |line: &str| -> Option<RowVersion> {
        let mut parts = line.split_whitespace();
        let tableoid = parts.next()?.parse().ok()?;
        let tid = Tid { block: parts.next()?.parse().ok()?, offset: parts.next()?.parse().ok()? };
        Some(RowVersion { tableoid, tid, xmin: parts.next()?.parse().ok()? })
    };
    printed.lines().map(|line| version(line).with_context(|| line.to_owned())).collect()
}

async fn delete(writer: &dyn Writer, table: &str, rows: &[RowVersion], rehearse: bool) -> Result<u64, WriteError> {
    let (schema, name) = table.split_once('.').unwrap_or(("public", table));
    let table = TableName::new(schema, name);
    writer.delete(&Delete { table: &table, rows, rehearse }).await
}

/// The code and the message of a refusal.
fn refusal(result: Result<u64, WriteError>) -> Result<(String, String)> {
    match result {
        Err(WriteError::Refused { code, message }) => Ok((code, message)),
        other => anyhow::bail!("not refused: {other:?}"),
    }
}

fn texts(rows: &[&str]) -> Vec<String> {
    rows.iter().map(|&row| row.to_owned()).collect()
}

/// What psql prints of a query, trimmed.
fn seen(stack: &Stack, sql: &str) -> Result<String> {
    Ok(stack.sql(sql)?.trim().to_owned())
}

fn must(what: bool, name: &str) -> Result<()> {
    ensure!(what, "{name}");
    Ok(())
}
