//! Rows as INSERT statements, for programs that do not know COPY.

use crate::model::{Column, TableName, quote_identifier};

/// Settings that the text of rows depends on, and that keep triggers and foreign keys quiet.
pub const SESSION: &str = "\
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
SET xmloption = content;
SET row_security = off;
SET session_replication_role = replica;";

/// Writes rows of one table.
#[derive(Debug)]
pub struct InsertWriter {
    head: Vec<u8>,
    /// For each field, whether it is written.
    wanted: Vec<bool>,
}

impl InsertWriter {
    /// For rows whose fields are `columns`; those named in `generated` are left to the database.
    pub fn new(table: &TableName, columns: &[Column], generated: &[String]) -> Self {
        let wanted: Vec<bool> = columns.iter().map(|c| !generated.contains(&c.name)).collect();
        let names = columns.iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(c, _)| quote_identifier(&c.name));
        let names: Vec<String> = names.collect();
        let head = if names.is_empty() {
            format!("INSERT INTO {} DEFAULT VALUES", table.quoted())
        } else {
            // identity columns that are ALWAYS generated take values only so; for others it changes nothing
            format!("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES\n\t", table.quoted(), names.join(", "))
        };
        Self { head: head.into_bytes(), wanted }
    }

    /// Appends one row, as the first of a statement or as one more. The statement's end is the caller's.
    pub fn row<'a>(&self, fields: impl Iterator<Item = Option<&'a [u8]>>, is_first: bool, out: &mut Vec<u8>) {
        if !self.wanted.contains(&true) {
            if !is_first {
                out.extend_from_slice(b";\n");
            }
            out.extend_from_slice(&self.head);
            return;
        }
        out.extend_from_slice(if is_first { &self.head } else { b",\n\t" });
        let mut separator = b'(';
        for (field, _) in fields.zip(&self.wanted).filter(|(_, wanted)| **wanted) {
            out.push(separator);
            separator = b',';
            match field {
                None => out.extend_from_slice(b"NULL"),
                Some(text) => literal(text, out),
            }
        }
        out.push(b')');
    }
}

fn literal(text: &[u8], out: &mut Vec<u8>) {
    let escaped = memchr::memchr(b'\\', text).is_some();
    out.extend_from_slice(if escaped { b"E'" } else { b"'" });
    for &byte in text {
        if byte == b'\'' || byte == b'\\' {
            out.push(byte);
        }
        out.push(byte);
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_literals_and_generated_columns_are_left_out() {
        let columns = ["a", "g", "b"].map(|name| Column::plain(name, "text"));
        let writer = InsertWriter::new(&TableName::new("public", "t"), &columns, &["g".to_owned()]);
        let mut out = Vec::new();
        let row: [Option<&[u8]>; 3] = [Some(b"it's \\ one"), Some(b"x"), None];
        writer.row(row.into_iter(), true, &mut out);
        writer.row(row.into_iter(), false, &mut out);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "INSERT INTO \"public\".\"t\" (\"a\", \"b\") OVERRIDING SYSTEM VALUE VALUES\n\t(E'it''s \\\\ one',NULL),\n\t(E'it''s \\\\ one',NULL)"
        );
        let nothing = InsertWriter::new(&TableName::new("public", "n"), &[], &[]);
        let mut out = Vec::new();
        nothing.row(std::iter::empty(), true, &mut out);
        nothing.row(std::iter::empty(), false, &mut out);
        assert_eq!(String::from_utf8_lossy(&out).matches("DEFAULT VALUES").count(), 2);
    }
}
