//! Values of `json` and `jsonb` on their way through the Data API, which does not store all of them as they are.

use super::work::Work;
use crate::format::{Fields, RowForm, row_name};
use crate::model::RowRefused;

/// Finds rows that the Data API would store as something else.
#[derive(Debug, Clone)]
pub(super) struct JsonFields {
    /// Fields that hold JSON, and whether as `json`, which keeps how it is written; none, where rows are not
    /// written over the Data API.
    fields: Vec<(usize, bool)>,
    key: Vec<(String, usize)>,
}

impl JsonFields {
    /// In the rows of this table.
    pub(super) fn of(work: &Work) -> Self {
        let is_text = |field: usize| work.entry.columns[field].type_name == "json";
        let json = work.columns.iter().filter(|c| c.is_json && work.form == RowForm::Object);
        let fields = json.filter_map(|c| c.field).map(|field| (field, is_text(field))).collect();
        Self { fields, key: work.key.clone() }
    }

    /// Whether every row is stored as it is.
    pub(super) fn are_none(&self) -> bool {
        self.fields.is_empty()
    }

    /// Why this row cannot be written, if it has a JSON null, which would become SQL NULL.
    pub(super) fn refuses(&self, fields: &Fields) -> Option<RowRefused> {
        let is_null = |&(field, _): &(usize, bool)| fields.get(field).is_some_and(|text| text.trim_ascii() == b"null");
        self.fields.iter().any(is_null).then(|| RowRefused {
            row: row_name(&self.key, fields),
            reason: "a JSON null cannot be written over the Data API, which would make SQL NULL of it: SQL access \
                     is needed"
                .to_owned(),
        })
    }

    /// Whether a value of this row is stored in another spelling.
    pub(super) fn respells(&self, fields: &Fields) -> bool {
        let mut texts = self.fields.iter().filter(|(_, is_text)| *is_text).filter_map(|&(field, _)| fields.get(field));
        texts.any(|text| spelled(text).is_some_and(|other| other != text))
    }
}

/// How the Data API spells a value of type `json`: without white space around it, and a text that stands alone
/// with no escapes but those that PostgreSQL writes itself. `None`: it is no JSON.
fn spelled(stored: &[u8]) -> Option<Vec<u8>> {
    let value = stored.trim_ascii();
    if value.first() != Some(&b'"') {
        return Some(value.to_vec());
    }
    let text: String = serde_json::from_slice(value).ok()?;
    let mut out = vec![b'"'];
    for c in text.chars() {
        match c {
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            c if c < ' ' => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
    Some(out)
}

/// Whether two texts are one JSON value in two spellings that the Data API mixes up.
pub(super) fn is_same(stored: &[u8], now: &[u8]) -> bool {
    stored != now && spelled(stored).is_some_and(|text| spelled(now) == Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_spelled_as_postgresql_does() {
        for (stored, now) in [
            (" {\"a\":  1} ", "{\"a\":  1}"),
            ("\n[1]", "[1]"),
            ("\"\\u00e9\\/\"", "\"é/\""),
            ("\"\\u0001\\u001F\\\\\\\"\\t\"", "\"\\u0001\\u001f\\\\\\\"\\t\""),
        ] {
            assert_eq!(spelled(stored.as_bytes()).as_deref(), Some(now.as_bytes()), "{stored}");
            assert!(is_same(stored.as_bytes(), now.as_bytes()) && !is_same(now.as_bytes(), now.as_bytes()));
        }
        for same in ["1.0", "{\"a\": \"\\u00e9\"}", "\"plain\"", "true"] {
            assert_eq!(spelled(same.as_bytes()).as_deref(), Some(same.as_bytes()));
        }
        assert!(!is_same(b"1.0", b"1.00") && !is_same(b"\"a\"", b"\"b\"") && spelled(b"\"a").is_none());
    }
}
