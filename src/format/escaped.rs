//! A record inside a JSON string, read in one pass: unescaped and split at once. Only what a server
//! usually sends is understood; everything else is left to the slower way, which also says what is wrong.

use crate::format::Fields;
use crate::format::append::{Appender, WORD, run_length, word_at};

impl Fields {
    /// Reads the record whose JSON string begins at `at`, behind its quote, into `record` and into the
    /// fields, both emptied first. Returns the position behind the closing quote. `None`: nothing is
    /// wrong yet, but the other way has to be taken.
    pub(crate) fn read_escaped(
        &mut self,
        json: &[u8],
        at: usize,
        record: &mut Vec<u8>,
        columns: usize,
    ) -> Option<usize> {
        self.clear();
        record.clear();
        if json.get(at) != Some(&b'(') || columns == 0 {
            return None;
        }
        let mut both = Both { record: Appender::new(record), text: Appender::new(&mut self.text) };
        both.record.push(b'(');
        let mut at = at + 1;
        loop {
            let from = both.text.end();
            let quoted = json.get(at..at + 2) == Some(b"\\\"");
            at = if quoted {
                both.record.push(b'"');
                both.quoted(json, at + 2)?
            } else {
                both.bare(json, at)?
            };
            let to = both.text.end();
            self.spans.push((quoted || to > from).then_some((from, to)));
            match (json.get(at), json.get(at + 1)) {
                (Some(b','), _) => both.record.push(b','),
                (Some(b')'), Some(b'"')) => break,
                _ => return None,
            }
            at += 1;
        }
        both.record.push(b')');
        both.record.finish();
        both.text.finish();
        (self.spans.len() == columns).then_some(at + 2)
    }
}

/// The two texts that are written side by side.
struct Both<'a> {
    record: Appender<'a>,
    text: Appender<'a>,
}

impl Both<'_> {
    fn word(&mut self, word: u64, length: usize) {
        self.record.word(word, length);
        self.text.word(word, length);
    }

    fn push(&mut self, byte: u8) {
        self.record.push(byte);
        self.text.push(byte);
    }

    /// A field without quotes, up to the comma or parenthesis behind it.
    #[inline]
    fn bare(&mut self, json: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let word = word_at(json, at)?;
            let length = run_length(word, *b",)\"\\");
            self.word(word, length);
            at += length;
            if length < WORD {
                return Some(at);
            }
        }
    }

    /// The rest of a field in quotes, up to behind the closing one.
    #[inline]
    fn quoted(&mut self, json: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let word = word_at(json, at)?;
            let length = run_length(word, *b"\"\\");
            self.word(word, length);
            at += length;
            if length == WORD {
                continue;
            }
            // in JSON, `\"` is a quote and `\\` a backslash; in a record, both are doubled
            match (json.get(at..at + 2)?, json.get(at + 2..at + 4)) {
                (b"\\\"", Some(b"\\\"")) => self.doubled(b'"', &mut at),
                (b"\\\\", Some(b"\\\\")) => self.doubled(b'\\', &mut at),
                (b"\\\"", _) => {
                    self.record.push(b'"');
                    return Some(at + 2);
                }
                (b"\\n", _) => self.single(b'\n', &mut at),
                (b"\\t", _) => self.single(b'\t', &mut at),
                (b"\\r", _) => self.single(b'\r', &mut at),
                _ => return None,
            }
        }
    }

    #[inline]
    fn doubled(&mut self, byte: u8, at: &mut usize) {
        self.push(byte);
        self.record.push(byte);
        *at += 4;
    }

    #[inline]
    fn single(&mut self, byte: u8, at: &mut usize) {
        self.push(byte);
        *at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::json::{unescape, write_string};
    use crate::format::write_record;

    fn split(fields: &Fields) -> Vec<Option<Vec<u8>>> {
        fields.iter().map(|f| f.map(<[u8]>::to_vec)).collect()
    }

    proptest::proptest! {
        #[test]
        fn one_pass_reads_what_two_passes_read(
            row in proptest::collection::vec(proptest::option::of("[a-z\\PC\\x01-\\x20\"\\\\(),]{0,20}"), 1..6),
            behind in "[ ,}]{0,12}"
        ) {
            let mut text = Vec::new();
            write_record(row.iter().map(|f| f.as_deref().map(str::as_bytes)), &mut text);
            let mut json = Vec::new();
            write_string(&text, &mut json);
            json.extend_from_slice(behind.as_bytes());
            let (mut record, mut slow_record) = (Vec::new(), Vec::new());
            let (mut fields, mut slow_fields) = (Fields::default(), Fields::default());
            let fail = proptest::test_runner::TestCaseError::fail;
            let slow_end = unescape(&json, 1, &mut slow_record).map_err(fail)?;
            slow_fields.split_record(&slow_record, row.len()).map_err(fail)?;
            if let Some(end) = fields.read_escaped(&json, 1, &mut record, row.len()) {
                proptest::prop_assert_eq!(end, slow_end);
                proptest::prop_assert_eq!(record, slow_record);
                proptest::prop_assert_eq!(split(&fields), split(&slow_fields));
            }
        }

        #[test]
        fn damage_is_never_read_as_a_row(json in "[(),ab\"\\\\]{0,16}", columns in 1_usize..4) {
            let json = format!("{json}        ");
            let mut record = Vec::new();
            if let Some(end) = Fields::default().read_escaped(json.as_bytes(), 0, &mut record, columns) {
                let mut slow = Vec::new();
                proptest::prop_assert_eq!(unescape(json.as_bytes(), 0, &mut slow), Ok(end));
                proptest::prop_assert_eq!(&record, &slow);
                proptest::prop_assert_eq!(Fields::default().split_record(&slow, columns), Ok(()));
            }
        }
    }

    #[test]
    fn usual_rows_take_the_fast_way() {
        let json = br#"(1,\"a \"\"q\"\" \\\\ x\n\",,\"\",t)", "next": 1"#;
        let (mut fields, mut record) = (Fields::default(), Vec::new());
        assert_eq!(fields.read_escaped(json, 0, &mut record, 5), Some(json.len() - 11));
        assert_eq!(record, b"(1,\"a \"\"q\"\" \\\\ x\n\",,\"\",t)");
        let expected: [Option<&[u8]>; 5] = [Some(b"1"), Some(b"a \"q\" \\ x\n"), None, Some(b""), Some(b"t")];
        assert_eq!(fields.iter().collect::<Vec<_>>(), expected);
    }
}
