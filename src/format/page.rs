//! One page of the API: a JSON array of objects, each with the row's address and version first and
//! its text last. Read in one pass over the bytes; nothing is built, no number is parsed.

use crate::format::json::{expect, skip_space, skip_value, unescape};
use crate::format::{Fields, Malformed};

/// A row's physical address: heap block and offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tid {
    /// Heap block.
    pub block: u32,
    /// Line pointer in the block, from 1.
    pub offset: u16,
}

/// What a page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Addresses and versions only.
    Identity,
    /// The row's text under the key `r`.
    Record,
    /// Each column's text under the keys `c0`, `c1`, …
    Columns,
}

/// One row of a page.
#[derive(Debug)]
pub struct PageRow<'a> {
    /// The bytes that name the row and its version: everything before the row's text, which is
    /// exactly the object that a page of [`Shape::Identity`] holds for the same row.
    pub identity: &'a [u8],
    /// The whole object.
    pub whole: &'a [u8],
    /// Its address, where it was asked for.
    pub tid: Option<Tid>,
    /// The table that holds it, where it was asked for.
    pub tableoid: Option<u32>,
    /// The transaction that wrote it, as it stands in the page, where it was asked for.
    pub xmin: Option<&'a [u8]>,
    /// The row's text as Postgres prints it (empty with [`Shape::Identity`]).
    pub record: &'a [u8],
    /// The same, split.
    pub fields: &'a Fields,
    /// Raw values of the members `k0`, `k1`, …, in order.
    pub keys: &'a [&'a [u8]],
}

impl PageRow<'_> {
    /// The transaction that wrote it, where it was asked for.
    pub fn writer(&self) -> Result<Option<u32>, Malformed> {
        self.xmin.map(|value| parse_oid(value).map_err(|_| "a row's xmin is not a number".into())).transpose()
    }
}

/// Calls `each` for every row and returns how many there were. The page is refused unless the array
/// closes, nothing follows it, and every row has exactly `columns` fields.
pub fn for_each_row(
    body: &[u8],
    shape: Shape,
    columns: usize,
    mut each: impl FnMut(&PageRow<'_>) -> Result<(), Malformed>,
) -> Result<u64, Malformed> {
    let mut at = expect(body, 0, b'[')?;
    let mut rows = 0;
    let mut row = Row { body, shape, columns, record: Vec::new(), fields: Fields::default(), keys: Vec::new() };
    at = skip_space(body, at);
    if body.get(at) == Some(&b']') {
        at += 1;
    } else {
        loop {
            at = row.read(at, &mut each)?;
            rows += 1;
            at = skip_space(body, at);
            match body.get(at) {
                Some(b',') => at = skip_space(body, at + 1),
                Some(b']') => {
                    at += 1;
                    break;
                }
                _ => return Err("the JSON text is broken off or damaged".into()),
            }
        }
    }
    if skip_space(body, at) != body.len() {
        return Err("something follows the page's JSON text".into());
    }
    Ok(rows)
}

/// Reads one row after the other, in room that is used again.
struct Row<'a> {
    body: &'a [u8],
    shape: Shape,
    columns: usize,
    record: Vec<u8>,
    fields: Fields,
    keys: Vec<&'a [u8]>,
}

impl Row<'_> {
    /// Reads the row at `start` and returns the position behind it.
    fn read(
        &mut self,
        start: usize,
        each: &mut impl FnMut(&PageRow<'_>) -> Result<(), Malformed>,
    ) -> Result<usize, Malformed> {
        let body = self.body;
        let mut at = expect(body, start, b'{')?;
        let begin = at;
        let mut identity_end = None;
        let (mut tid, mut tableoid, mut xmin) = (None, None, None);
        self.keys.clear();
        self.record.clear();
        self.fields.clear();
        let mut seen_record = false;
        if body.get(skip_space(body, at)) == Some(&b'}') {
            at = skip_space(body, at) + 1;
        } else {
            loop {
                let member = at;
                at = expect(body, at, b'"')?;
                let key_end = memchr::memchr(b'"', &body[at..]).ok_or("a JSON key does not end")? + at;
                let key = &body[at..key_end];
                at = skip_space(body, expect(body, key_end + 1, b':')?);
                match key {
                    b"r" => {
                        identity_end.get_or_insert(member.saturating_sub(1).max(begin)); // without the comma
                        at = expect(body, at, b'"')?;
                        at = self.record(at)?;
                        seen_record = true;
                    }
                    [b'c', digit, ..] if digit.is_ascii_digit() => {
                        identity_end.get_or_insert(member.saturating_sub(1).max(begin)); // without the comma
                        at = column_value(body, at, &mut self.fields)?;
                    }
                    _ => {
                        let end = skip_value(body, at)?;
                        let value = &body[at..end];
                        match key {
                            b"ctid" => tid = Some(parse_tid(value)?),
                            b"tableoid" => tableoid = Some(parse_oid(value)?),
                            b"xmin" => xmin = Some(value),
                            [b'k', ..] => self.keys.push(value),
                            _ => {}
                        }
                        at = end;
                    }
                }
                at = skip_space(body, at);
                match body.get(at) {
                    Some(b',') => at += 1,
                    Some(b'}') => {
                        at += 1;
                        break;
                    }
                    _ => return Err("the JSON text is broken off or damaged".into()),
                }
            }
        }
        match self.shape {
            Shape::Identity => {}
            Shape::Record if !seen_record => return Err("a row of the page has no text".into()),
            Shape::Record => {}
            Shape::Columns if self.fields.len() != self.columns => {
                return Err("a row of the page lacks a column".into());
            }
            Shape::Columns => super::write_record(self.fields.iter(), &mut self.record),
        }
        let whole = &body[begin..at - 1];
        let identity = identity_end.map_or(whole, |end| &body[begin..end]);
        each(&PageRow {
            identity,
            whole,
            tid,
            tableoid,
            xmin,
            record: &self.record,
            fields: &self.fields,
            keys: &self.keys,
        })?;
        Ok(at)
    }

    /// Reads the row's text, unescaped and split. `at` is behind its opening quote.
    fn record(&mut self, at: usize) -> Result<usize, Malformed> {
        if self.shape == Shape::Record
            && let Some(end) = self.fields.read_escaped(self.body, at, &mut self.record, self.columns)
        {
            return Ok(end);
        }
        self.record.clear();
        let end = unescape(self.body, at, &mut self.record)?;
        if self.shape == Shape::Record {
            self.fields.split_record(&self.record, self.columns)?;
        }
        Ok(end)
    }
}

fn column_value(body: &[u8], at: usize, fields: &mut Fields) -> Result<usize, Malformed> {
    if body.get(at) == Some(&b'"') {
        let mut end = at;
        fields.push_with(|out| -> Result<(), Malformed> {
            end = unescape(body, at + 1, out)?;
            Ok(())
        })?;
        return Ok(end);
    }
    let end = skip_value(body, at)?;
    if &body[at..end] != b"null" {
        return Err("a column cast to text is neither a string nor null".into());
    }
    fields.push_null();
    Ok(end)
}

/// `"(12,3)"`
fn parse_tid(value: &[u8]) -> Result<Tid, Malformed> {
    let parse = || {
        let inner = value.strip_prefix(b"\"(")?.strip_suffix(b")\"")?;
        let comma = inner.iter().position(|&b| b == b',')?;
        Some(Tid { block: number(&inner[..comma])?, offset: number(&inner[comma + 1..])?.try_into().ok()? })
    };
    parse().ok_or_else(|| "a row's ctid is not an address".into())
}

/// `"20092"` or `20092`
fn parse_oid(value: &[u8]) -> Result<u32, Malformed> {
    let digits = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    number(digits).ok_or_else(|| "a row's tableoid is not a number".into())
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, byte| {
        let digit = byte.checked_sub(b'0').filter(|&d| d < 10)?;
        sum.checked_mul(10)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(
        r#"[{"ctid":"(0,1)","xmin":"1137","tableoid":"20092","k0":{"a":"}"},"r":"(1,\"a \"\"q\"\" \\\\ x\",,\"\")"}, "#,
        "\n ",
        r#"{"ctid":"(7,12)","xmin":"1137","tableoid":20092,"k0":null,"r":"(2,\u00e9\ud83d\ude00,\"\n\",x)"}]"#
    );

    #[test]
    fn rows_keep_their_address_version_key_and_text() {
        let mut seen = Vec::new();
        let rows = for_each_row(PAGE.as_bytes(), Shape::Record, 4, |row| {
            seen.push((
                row.tid,
                (row.tableoid, row.writer()),
                String::from_utf8_lossy(row.identity).into_owned(),
                String::from_utf8_lossy(row.record).into_owned(),
                String::from_utf8_lossy(row.keys[0]).into_owned(),
            ));
            Ok(())
        });
        assert_eq!(rows, Ok(2));
        assert_eq!(seen[0].0, Some(Tid { block: 0, offset: 1 }));
        assert_eq!(seen[0].1, (Some(20092), Ok(Some(1137))));
        assert_eq!(seen[0].2, r#""ctid":"(0,1)","xmin":"1137","tableoid":"20092","k0":{"a":"}"}"#);
        assert_eq!(seen[0].3, r#"(1,"a ""q"" \\ x",,"")"#);
        assert_eq!(seen[0].4, r#"{"a":"}"}"#);
        assert_eq!(seen[1].3, "(2,é😀,\"\n\",x)");
    }

    #[test]
    fn a_page_cut_anywhere_is_refused() {
        for end in 0..PAGE.len() {
            if PAGE.is_char_boundary(end) {
                assert!(for_each_row(&PAGE.as_bytes()[..end], Shape::Record, 4, |_| Ok(())).is_err(), "cut at {end}");
            }
        }
        assert!(for_each_row(format!("{PAGE}x").as_bytes(), Shape::Record, 4, |_| Ok(())).is_err());
        assert!(for_each_row(PAGE.as_bytes(), Shape::Record, 5, |_| Ok(())).is_err());
    }

    #[test]
    fn columns_read_one_by_one_make_the_same_row_text() {
        let page = r#"[{"c0":"1","c1":null,"c2":"","c3":"a \"b\""}]"#;
        let mut text = Vec::new();
        let rows = for_each_row(page.as_bytes(), Shape::Columns, 4, |row| {
            text.extend_from_slice(row.record);
            Ok(())
        });
        assert_eq!(rows, Ok(1));
        assert_eq!(String::from_utf8_lossy(&text), r#"(1,,"","a ""b""")"#);
    }
}
