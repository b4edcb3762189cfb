//! PostgreSQL's text form of a row, `(1,"a ""b""",)`: split into fields, and written again.
//!
//! Rules from `record_out` and `record_in` (PostgreSQL, `src/backend/utils/adt/rowtypes.c`): nothing
//! between commas is NULL; `""` is the empty string; inside quotes `"` and `\` are doubled. A field
//! is quoted if it is empty or holds a quote, a backslash, a parenthesis, a comma or white space.

use memchr::memchr2;

use crate::format::append::Appender;

/// The fields of one row. Reused from row to row: splitting allocates nothing once it has grown.
#[derive(Debug, Default, Clone)]
pub struct Fields {
    pub(super) text: Vec<u8>,
    pub(super) spans: Vec<Option<(usize, usize)>>,
}

impl Fields {
    /// How many fields the row has.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True for a row of a table without columns.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The fields in order; `None` is NULL.
    pub fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.spans.iter().map(|span| span.map(|(from, to)| &self.text[from..to]))
    }

    /// One field; `None` is NULL, and so is a field that the row does not have.
    pub fn get(&self, field: usize) -> Option<&[u8]> {
        let (from, to) = (*self.spans.get(field)?)?;
        Some(&self.text[from..to])
    }

    /// Forgets the row.
    pub fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    /// Appends NULL.
    pub fn push_null(&mut self) {
        self.spans.push(None);
    }

    /// Appends a field whose text `write` appends to the buffer it is given.
    pub fn push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let from = self.text.len();
        write(&mut self.text)?;
        self.spans.push(Some((from, self.text.len())));
        Ok(())
    }

    /// Splits a record text. `columns` is what the row must have: `()` is a row of no columns, and
    /// also a row of one column that is NULL. `Err` says what is wrong with the text.
    pub fn split_record(&mut self, record: &[u8], columns: usize) -> Result<(), &'static str> {
        self.clear();
        let Some(inner) = record.strip_prefix(b"(").and_then(|r| r.strip_suffix(b")")) else {
            return Err("the row's text is not in parentheses");
        };
        if columns == 0 {
            return if inner.is_empty() { Ok(()) } else { Err("the row has more fields than the table has columns") };
        }
        let mut at = 0;
        loop {
            at = self.split_field(inner, at)?;
            match inner.get(at) {
                None => break,
                Some(b',') => at += 1,
                Some(_) => return Err("a field of the row does not end in a comma"),
            }
        }
        match self.spans.len().cmp(&columns) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => Err("the row has fewer fields than the table has columns"),
            std::cmp::Ordering::Greater => Err("the row has more fields than the table has columns"),
        }
    }

    /// Reads the field at `at` and returns where it ends.
    fn split_field(&mut self, inner: &[u8], at: usize) -> Result<usize, &'static str> {
        let rest = &inner[at..];
        if rest.first() != Some(&b'"') {
            let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
            if end == 0 {
                self.spans.push(None);
            } else {
                let from = self.text.len();
                self.text.extend_from_slice(&rest[..end]);
                self.spans.push(Some((from, self.text.len())));
            }
            return Ok(at + end);
        }
        let from = self.text.len();
        let mut text = Appender::new(&mut self.text);
        let mut pos = 1;
        loop {
            let special = text.run(rest, pos).ok_or("a quoted field of the row does not end")?;
            let byte = rest[special];
            if rest.get(special + 1) == Some(&byte) {
                text.push(byte);
                pos = special + 2;
            } else if byte == b'"' {
                self.spans.push(Some((from, text.finish())));
                return Ok(at + special + 1);
            } else {
                return Err("a backslash in the row is not doubled");
            }
        }
    }
}

/// Writes the fields as PostgreSQL would print the row, byte for byte.
pub fn write_record<'a>(fields: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
    out.push(b'(');
    for (i, field) in fields.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let Some(field) = field else { continue };
        if !needs_quotes(field) {
            out.extend_from_slice(field);
            continue;
        }
        out.push(b'"');
        let mut rest = field;
        while let Some(at) = memchr2(b'"', b'\\', rest) {
            out.extend_from_slice(&rest[..=at]);
            out.push(rest[at]);
            rest = &rest[at + 1..];
        }
        out.extend_from_slice(rest);
        out.push(b'"');
    }
    out.push(b')');
}

const QUOTED: [bool; 256] = {
    let mut table = [false; 256];
    let special = b"\"\\(), \t\n\x0b\x0c\r";
    let mut i = 0;
    while i < special.len() {
        table[special[i] as usize] = true;
        i += 1;
    }
    table
};

fn needs_quotes(field: &[u8]) -> bool {
    field.is_empty() || field.iter().any(|&b| QUOTED[b as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, columns: usize) -> Result<Vec<Option<String>>, &'static str> {
        let mut fields = Fields::default();
        fields.split_record(text.as_bytes(), columns)?;
        Ok(fields.iter().map(|f| f.map(|f| String::from_utf8_lossy(f).into_owned())).collect())
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn null_empty_and_quotes_stay_apart() {
        assert_eq!(split(r#"(1,"a ""q"" \\ x",,"")"#, 4), Ok(vec![some("1"), some(r#"a "q" \ x"#), None, some("")]));
        assert_eq!(split("()", 0), Ok(vec![]));
        assert_eq!(split("()", 1), Ok(vec![None]));
        assert_eq!(split("(,)", 2), Ok(vec![None, None]));
        assert_eq!(split("(\"\n\")", 1), Ok(vec![some("\n")]));
    }

    #[test]
    fn a_damaged_row_is_refused() {
        for (text, columns) in [
            ("1,2", 2),
            ("(1,2", 2),
            ("(1,2)", 1),
            ("(1,2)", 3),
            ("(\"1,2)", 1),
            ("(\"a\\b\")", 1),
            ("(\"a\"b)", 1),
            ("(1)", 0),
        ] {
            assert!(split(text, columns).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_row_survives_the_way_there_and_back(row in proptest::collection::vec(proptest::option::of("[\\PC\\x01-\\x20\"\\\\(),]{0,12}"), 1..6)) {
            let mut text = Vec::new();
            write_record(row.iter().map(|f| f.as_deref().map(str::as_bytes)), &mut text);
            let mut fields = Fields::default();
            fields.split_record(&text, row.len()).map_err(proptest::test_runner::TestCaseError::fail)?;
            let back: Vec<Option<String>> = fields.iter().map(|f| f.map(|f| String::from_utf8_lossy(f).into_owned())).collect();
            proptest::prop_assert_eq!(back, row);
        }
    }
}
