//! COPY text: the SQL artifact. A part is a script of its own for `psql`; parts concatenate.
//!
//! The text format is the one of PostgreSQL's manual, COPY, "Text Format": fields end in a tab, rows
//! in a newline, `\N` is NULL, `\.` ends the data; backslash, newline, carriage return and tab are
//! escaped. Columns that the target generates cannot be written by COPY, and the Data API does not
//! say which those are: so the script asks the target, and goes through a staging table there.

use std::io::BufRead;

use crate::format::json::find_special;
use crate::format::{Fields, Malformed};
use crate::model::TableName;

/// Writes rows of one table as COPY text.
#[derive(Debug, Clone)]
pub struct CopyWriter {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl CopyWriter {
    /// A writer for rows whose fields are `columns`, in this order.
    pub fn new(table: &TableName, columns: &[&str]) -> Self {
        Self { head: head(table, columns).into_bytes(), tail: tail(table, columns).into_bytes() }
    }

    /// What stands before a part's rows.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// What stands after a part's rows.
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Appends one row.
    pub fn row<'a>(&self, fields: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
        for (i, field) in fields.enumerate() {
            if i > 0 {
                out.push(b'\t');
            }
            match field {
                None => out.extend_from_slice(b"\\N"),
                Some(text) => escape(text, out),
            }
        }
        out.push(b'\n');
    }
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut from = 0;
    while let Some(at) = find_special(text, from, false) {
        out.extend_from_slice(&text[from..at]);
        match text[at] {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.push(other),
        }
        from = at + 1;
    }
    out.extend_from_slice(&text[from..]);
}

/// The COPY statement; `supabackup_into` is set by the lines above it in the script.
fn copy_statement(columns: &[&str]) -> String {
    let list: Vec<String> = columns.iter().map(|c| crate::model::quote_identifier(c)).collect();
    let list = if list.is_empty() { String::new() } else { format!(" ({})", list.join(", ")) };
    format!("COPY :supabackup_into{list} FROM stdin;\n")
}

fn head(table: &TableName, columns: &[&str]) -> String {
    let quoted = table.quoted();
    let literal = quote_literal(&quoted);
    let schema = crate::model::quote_identifier(&table.schema);
    let shown = table.to_string();
    let copy = copy_statement(columns);
    format!(
        "-- rows of {shown}, written by supabackup; run with psql -v ON_ERROR_STOP=1
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
SET xmloption = content;
SET row_security = off;
SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_min_messages = warning;
SET search_path = {schema}, public, extensions;
SET session_replication_role = replica;
SELECT count(*) > 0 AS staged,
  CASE WHEN count(*) > 0 THEN 'pg_temp.supabackup_stage' ELSE {literal} END AS into
  FROM pg_catalog.pg_attribute
  WHERE attrelid = {literal}::pg_catalog.regclass AND attnum > 0 AND attgenerated <> '' \\gset supabackup_
\\if :supabackup_staged
CREATE TEMPORARY TABLE supabackup_stage (LIKE {quoted});
\\endif
{copy}"
    )
}

/// Only columns that were stored are written: one that the target has besides keeps its default.
fn tail(table: &TableName, columns: &[&str]) -> String {
    let quoted = table.quoted();
    let literal = quote_literal(&quoted);
    let names: Vec<String> = columns.iter().map(|c| quote_literal(c)).collect();
    let names = names.join(", ");
    format!(
        "\\.
\\if :supabackup_staged
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(attname), ', ' ORDER BY attnum) AS columns
  FROM pg_catalog.pg_attribute
  WHERE attrelid = {literal}::pg_catalog.regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    AND attname = ANY (ARRAY[{names}]::pg_catalog.name[]) \\gset supabackup_
INSERT INTO {quoted} (:supabackup_columns) OVERRIDING SYSTEM VALUE SELECT :supabackup_columns FROM pg_temp.supabackup_stage;
DROP TABLE pg_temp.supabackup_stage;
\\endif
SET session_replication_role = origin;
"
    )
}

/// A SQL string literal that means `text` whatever `standard_conforming_strings` says.
pub(crate) fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

/// Reads the rows of one part back.
#[derive(Debug)]
pub struct CopyReader<R> {
    input: R,
    columns: usize,
    line: Vec<u8>,
    done: bool,
}

impl<R: BufRead> CopyReader<R> {
    /// Finds the start of the rows. `columns` are those of the manifest: a part whose COPY statement
    /// names others is refused.
    pub fn new(mut input: R, columns: &[&str]) -> Result<Self, Malformed> {
        let statement = copy_statement(columns);
        // The statement may span lines where a column's name holds a newline.
        let lines = statement.bytes().filter(|&b| b == b'\n').count();
        let mut recent: std::collections::VecDeque<Vec<u8>> = std::collections::VecDeque::new();
        loop {
            let mut line = Vec::new();
            if input.read_until(b'\n', &mut line)? == 0 {
                return Err("the part holds no COPY statement with the table's columns".into());
            }
            recent.push_back(line);
            if recent.len() > lines {
                recent.pop_front();
            }
            if recent.iter().flatten().copied().eq(statement.bytes()) {
                return Ok(Self { input, columns: columns.len(), line: Vec::new(), done: false });
            }
        }
    }

    /// Reads the next row; `false` after the last one. A part that ends before `\.` is refused.
    pub fn next_row(&mut self, fields: &mut Fields) -> Result<bool, Malformed> {
        if self.done {
            return Ok(false);
        }
        self.line.clear();
        self.input.read_until(b'\n', &mut self.line)?;
        if self.line.pop() != Some(b'\n') {
            return Err("the rows break off before their end mark".into());
        }
        fields.clear();
        if self.line == b"\\." {
            self.done = true;
            return Ok(false);
        }
        if self.columns == 0 {
            return if self.line.is_empty() {
                Ok(true)
            } else {
                Err("a row has fields where the table has no columns".into())
            };
        }
        for field in self.line.split(|&b| b == b'\t') {
            if field == b"\\N" {
                fields.push_null();
            } else {
                fields.push_with(|out| unescape(field, out))?;
            }
        }
        if fields.len() == self.columns {
            Ok(true)
        } else {
            Err("a row has another number of fields than the table has columns".into())
        }
    }

    /// Reads to the end of the part, so that the decompressor checks its last byte.
    pub fn finish(mut self) -> Result<(), Malformed> {
        std::io::copy(&mut self.input, &mut std::io::sink())?;
        if self.done { Ok(()) } else { Err("the part was not read to its end".into()) }
    }
}

fn unescape(field: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut rest = field;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        out.push(match rest.get(at + 1) {
            Some(b'\\') => b'\\',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            _ => return Err("a row holds an escape that is never written".into()),
        });
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(rows: &[Vec<Option<String>>], columns: &[&str]) -> Result<Vec<Vec<Option<String>>>, Malformed> {
        let writer = CopyWriter::new(&TableName::new("public", "t\nx"), columns);
        let mut text = writer.head().to_vec();
        for row in rows {
            writer.row(row.iter().map(|f| f.as_deref().map(str::as_bytes)), &mut text);
        }
        text.extend_from_slice(writer.tail());
        let mut reader = CopyReader::new(text.as_slice(), columns)?;
        let mut fields = Fields::default();
        let mut back = Vec::new();
        while reader.next_row(&mut fields)? {
            back.push(fields.iter().map(|f| f.map(|f| String::from_utf8_lossy(f).into_owned())).collect());
        }
        reader.finish()?;
        Ok(back)
    }

    proptest::proptest! {
        #[test]
        fn rows_survive_the_way_there_and_back(
            rows in proptest::collection::vec(proptest::collection::vec(proptest::option::of("[\\PC\\x01-\\x20\\\\.N]{0,8}"), 2), 0..5)
        ) {
            proptest::prop_assert_eq!(round_trip(&rows, &["a", "new\nline"]).map_err(|e| proptest::test_runner::TestCaseError::fail(e.0))?, rows);
        }
    }

    #[test]
    fn a_table_without_columns_keeps_its_rows() {
        assert_eq!(round_trip(&[vec![], vec![]], &[]), Ok(vec![vec![], vec![]]));
    }

    #[test]
    fn a_part_that_breaks_off_is_refused() -> Result<(), Malformed> {
        let writer = CopyWriter::new(&TableName::new("public", "t"), &["a"]);
        let mut text = writer.head().to_vec();
        writer.row([Some(&b"x"[..])].into_iter(), &mut text);
        let mut reader = CopyReader::new(text.as_slice(), &["a"])?;
        let mut fields = Fields::default();
        assert_eq!(reader.next_row(&mut fields), Ok(true));
        assert!(reader.next_row(&mut fields).is_err());
        assert!(CopyReader::new(text.as_slice(), &["b"]).is_err());
        Ok(())
    }
}
