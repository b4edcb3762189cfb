//! JSON Lines: the artifact for people, `jq` and the REST restore. One object per line, keys in the
//! table's column order. Every value reads back as the exact text it came from, without knowing
//! any type:
//!
//! | in the line | the text it stands for |
//! |---|---|
//! | `null` | SQL NULL |
//! | a string | its content (so JSON null in a json column is `"null"`) |
//! | `true`, `false` | `t`, `f` |
//! | anything else (number, object, array) | the characters themselves |

use std::io::BufRead;

use memchr::memchr2;

use crate::format::json::{expect, is_number, skip_space, skip_value, unescape, write_string};
use crate::format::{Fields, Malformed};
use crate::model::{Column, ColumnKind};

/// Writes rows of one table as JSON Lines.
#[derive(Debug, Clone)]
pub struct JsonWriter {
    /// `{"a":`, `,"b":`, … and how each column's values are written.
    columns: Vec<(Vec<u8>, ColumnKind)>,
}

impl JsonWriter {
    /// A writer for rows whose fields are `columns`, in this order.
    pub fn new(columns: &[Column]) -> Self {
        let key = |(i, column): (usize, &Column)| {
            let mut key = vec![if i == 0 { b'{' } else { b',' }];
            write_string(column.name.as_bytes(), &mut key);
            key.push(b':');
            (key, column.kind())
        };
        Self { columns: columns.iter().enumerate().map(key).collect() }
    }

    /// Appends one row and its newline.
    pub fn row<'a>(&self, fields: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
        if self.columns.is_empty() {
            out.push(b'{');
        }
        for ((key, kind), field) in self.columns.iter().zip(fields) {
            out.extend_from_slice(key);
            match field {
                None => out.extend_from_slice(b"null"),
                Some(text) => value(text, *kind, out),
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

fn value(text: &[u8], kind: ColumnKind, out: &mut Vec<u8>) {
    match (kind, text) {
        (ColumnKind::Number, _) if is_number(text) => out.extend_from_slice(text),
        (ColumnKind::Boolean, b"t") => out.extend_from_slice(b"true"),
        (ColumnKind::Boolean, b"f") => out.extend_from_slice(b"false"),
        (ColumnKind::Json, _) if embeds(text) => out.extend_from_slice(text),
        _ => write_string(text, out),
    }
}

/// Whether a json value can stand in the line as it is and be told from the other forms: an object,
/// an array or a number, on one line, without white space around it.
fn embeds(text: &[u8]) -> bool {
    match (text.first(), text.last()) {
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => memchr2(b'\n', b'\r', text).is_none(),
        _ => is_number(text),
    }
}

/// Reads the rows of one part back.
#[derive(Debug)]
pub struct JsonReader<R> {
    input: R,
    keys: Vec<Vec<u8>>,
    line: Vec<u8>,
}

impl<R: BufRead> JsonReader<R> {
    /// A reader for lines whose keys are `columns`, in this order.
    pub fn new(input: R, columns: &[&str]) -> Self {
        let key = |name: &&str| {
            let mut key = Vec::new();
            write_string(name.as_bytes(), &mut key);
            key
        };
        Self { input, keys: columns.iter().map(key).collect(), line: Vec::new() }
    }

    /// Reads the next row; `false` after the last one.
    pub fn next_row(&mut self, fields: &mut Fields) -> Result<bool, Malformed> {
        self.line.clear();
        fields.clear();
        if self.input.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(false);
        }
        if self.line.last() != Some(&b'\n') {
            return Err("the last line breaks off".into());
        }
        let line = &self.line;
        let mut at = expect(line, 0, b'{')?;
        for (i, key) in self.keys.iter().enumerate() {
            if i > 0 {
                at = expect(line, at, b',')?;
            }
            if !line[at..].starts_with(key) {
                return Err("a line's keys are not the table's columns in their order".into());
            }
            at = skip_space(line, expect(line, at + key.len(), b':')?);
            at = read_value(line, at, fields)?;
        }
        at = expect(line, at, b'}')?;
        if at + 1 == line.len() { Ok(true) } else { Err("something follows the object of a line".into()) }
    }
}

fn read_value(line: &[u8], at: usize, fields: &mut Fields) -> Result<usize, Malformed> {
    if line.get(at) == Some(&b'"') {
        let mut end = at;
        fields.push_with(|out| -> Result<(), Malformed> {
            end = unescape(line, at + 1, out)?;
            Ok(())
        })?;
        return Ok(end);
    }
    let end = skip_value(line, at)?;
    let text = match &line[at..end] {
        b"null" => {
            fields.push_null();
            return Ok(end);
        }
        b"true" => b"t",
        b"false" => b"f",
        text => text,
    };
    fields.push_with(|out| -> Result<(), Malformed> {
        out.extend_from_slice(text);
        Ok(())
    })?;
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_of_each_kind_of_value() {
        let columns = [
            Column::plain("n", "numeric"),
            Column::plain("b", "boolean"),
            Column::plain("j", "jsonb"),
            Column::plain("t", "text"),
        ];
        let writer = JsonWriter::new(&columns);
        let line = |fields: [Option<&str>; 4]| {
            let mut out = Vec::new();
            writer.row(fields.iter().map(|f| f.map(str::as_bytes)), &mut out);
            String::from_utf8_lossy(&out).into_owned()
        };
        assert_eq!(
            line([Some("1.50"), Some("t"), Some(r#"{"a": 1}"#), Some("x")]),
            "{\"n\":1.50,\"b\":true,\"j\":{\"a\": 1},\"t\":\"x\"}\n"
        );
        assert_eq!(
            line([Some("NaN"), None, Some("null"), Some("")]),
            "{\"n\":\"NaN\",\"b\":null,\"j\":\"null\",\"t\":\"\"}\n"
        );
        assert_eq!(
            line([None, Some("f"), Some("\"s\""), Some("null")]),
            "{\"n\":null,\"b\":false,\"j\":\"\\\"s\\\"\",\"t\":\"null\"}\n"
        );
        assert_eq!(line([None, None, Some("{\n}"), None]), "{\"n\":null,\"b\":null,\"j\":\"{\\n}\",\"t\":null}\n");
        assert_eq!(line([None, None, Some("true"), None]), "{\"n\":null,\"b\":null,\"j\":\"true\",\"t\":null}\n");
    }

    proptest::proptest! {
        #[test]
        fn rows_survive_the_way_there_and_back(
            row in proptest::collection::vec(proptest::option::of(proptest::prop_oneof![
                "[\\PC\\x01-\\x20\"\\\\]{0,10}", "-?[0-9.e]{1,8}", proptest::strategy::Just("t".to_owned()),
                proptest::strategy::Just("null".to_owned()), proptest::strategy::Just(" [1 , {\"a\":null}] ".to_owned()),
                proptest::strategy::Just("[1 , {\"a\":null}]".to_owned()), proptest::strategy::Just("{\"a\":\n1}".to_owned())
            ]), 4)
        ) {
            let columns = [Column::plain("n", "integer"), Column::plain("b\n", "boolean"), Column::plain("j\"", "json"), Column::plain("t", "text")];
            let mut text = Vec::new();
            JsonWriter::new(&columns).row(row.iter().map(|f| f.as_deref().map(str::as_bytes)), &mut text);
            proptest::prop_assert_eq!(text.iter().filter(|&&b| b == b'\n').count(), 1);
            // A json column holds only valid JSON; what is embedded here may not be, and reading it may then fail.
            let valid = row[2].as_deref().is_none_or(|j| serde_json::from_str::<serde::de::IgnoredAny>(j).is_ok());
            if valid {
                let mut reader = JsonReader::new(text.as_slice(), &["n", "b\n", "j\"", "t"]);
                let mut fields = Fields::default();
                let fail = |e: Malformed| proptest::test_runner::TestCaseError::fail(e.0);
                proptest::prop_assert!(reader.next_row(&mut fields).map_err(fail)?);
                let back: Vec<Option<String>> = fields.iter().map(|f| f.map(|f| String::from_utf8_lossy(f).into_owned())).collect();
                proptest::prop_assert_eq!(back, row);
                proptest::prop_assert!(!reader.next_row(&mut fields).map_err(fail)?);
            }
        }
    }
}
