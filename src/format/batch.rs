//! Rows on their way into a project: the array that a request carries.

use crate::format::json::write_string;
use crate::format::{Fields, write_record};

/// How a row is written in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowForm {
    /// An object, every value as its text, json embedded: for the Data API.
    Object,
    /// The text of the whole row, as a string: for SQL, which reads it as the table's row type.
    Record,
}

/// One column of the rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchColumn {
    /// Its name in the project's table.
    pub name: String,
    /// Which field of the stored row it takes; `None`: it is NULL.
    pub field: Option<usize>,
    /// The type is json or jsonb: the value stands in an object as it is.
    pub is_json: bool,
}

/// Rows of one table, as the elements of a JSON array.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    text: Vec<u8>,
    /// Where each row ends; a comma follows all but the last.
    ends: Vec<usize>,
    names: Vec<u8>,
    name_ends: Vec<usize>,
}

impl Batch {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of its rows.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The rows `from..to`, separated by commas: what stands between the array's brackets.
    pub fn rows(&self, from: usize, to: usize) -> &[u8] {
        if from >= to {
            return &[];
        }
        &self.text[self.begin(from)..self.ends[to - 1]]
    }

    /// What a person calls a row: `id=42`, or its beginning where it has no key.
    pub fn name(&self, row: usize) -> String {
        let begin = if row == 0 { 0 } else { self.name_ends[row - 1] };
        String::from_utf8_lossy(&self.names[begin..self.name_ends[row]]).into_owned()
    }

    /// Forgets the rows and keeps the room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.names.clear();
        self.name_ends.clear();
    }

    /// Appends a row of another batch of the same table.
    pub fn push_from(&mut self, other: &Batch, row: usize) {
        self.separate();
        self.text.extend_from_slice(other.rows(row, row + 1));
        self.ends.push(self.text.len());
        self.names.extend_from_slice(other.name(row).as_bytes());
        self.name_ends.push(self.names.len());
    }

    fn begin(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] + 1 }
    }

    fn separate(&mut self) {
        if !self.ends.is_empty() {
            self.text.push(b',');
        }
    }
}

/// Writes stored rows of one table into batches.
#[derive(Debug, Clone)]
pub struct BatchWriter {
    form: RowForm,
    /// `"name":`, and the column.
    columns: Vec<(Vec<u8>, BatchColumn)>,
    /// Names and fields of the key.
    key: Vec<(String, usize)>,
    record: Vec<u8>,
}

impl BatchWriter {
    /// For [`RowForm::Record`], `columns` are all columns of the project's table in its order. `key`:
    /// name and field of each column of the key.
    pub fn new(form: RowForm, columns: Vec<BatchColumn>, key: Vec<(String, usize)>) -> Self {
        let head = |column: BatchColumn| {
            let mut head = Vec::new();
            write_string(column.name.as_bytes(), &mut head);
            head.push(b':');
            (head, column)
        };
        Self { form, columns: columns.into_iter().map(head).collect(), key, record: Vec::new() }
    }

    /// Appends a row.
    pub fn push(&mut self, fields: &Fields, batch: &mut Batch) {
        batch.separate();
        match self.form {
            RowForm::Object => self.object(fields, &mut batch.text),
            RowForm::Record => {
                self.record.clear();
                let values = self.columns.iter().map(|(_, column)| fields.get(column.field?));
                write_record(values, &mut self.record);
                write_string(&self.record, &mut batch.text);
            }
        }
        batch.ends.push(batch.text.len());
        name_row(&self.key, fields, &mut batch.names);
        batch.name_ends.push(batch.names.len());
    }

    fn object(&self, fields: &Fields, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, (head, column)) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(head);
            match column.field.and_then(|field| fields.get(field)) {
                None => out.extend_from_slice(b"null"),
                Some(text) if column.is_json => out.extend_from_slice(text),
                Some(text) => write_string(text, out),
            }
        }
        out.push(b'}');
    }
}

/// Letters of one value in a row's name.
const NAME_LENGTH: usize = 60;

/// What a person calls a row: `id=42`, or its beginning where `key` is empty.
pub fn row_name(key: &[(String, usize)], fields: &Fields) -> String {
    let mut name = Vec::new();
    name_row(key, fields, &mut name);
    String::from_utf8_lossy(&name).into_owned()
}

/// Appends it.
fn name_row(key: &[(String, usize)], fields: &Fields, out: &mut Vec<u8>) {
    let mut value = |name: &str, text: Option<&[u8]>, separator: &str| {
        out.extend_from_slice(separator.as_bytes());
        out.extend_from_slice(name.as_bytes());
        let text = text.map_or_else(|| "NULL".into(), String::from_utf8_lossy);
        let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let short: String = plain.take(NAME_LENGTH).collect();
        out.extend_from_slice(short.as_bytes());
        if text.chars().nth(NAME_LENGTH).is_some() {
            out.extend_from_slice("…".as_bytes());
        }
    };
    for (i, (name, field)) in key.iter().enumerate() {
        value(&format!("{name}="), fields.get(*field), if i == 0 { "" } else { ", " });
    }
    if key.is_empty() {
        for (i, text) in fields.iter().take(3).enumerate() {
            value("", text, if i == 0 { "(" } else { ", " });
        }
        out.extend_from_slice(if fields.len() > 3 { ", …)".as_bytes() } else { b")" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(values: &[Option<&str>]) -> Fields {
        let mut fields = Fields::default();
        for value in values {
            match value {
                None => fields.push_null(),
                Some(text) => {
                    let pushed: Result<(), ()> = fields.push_with(|out| {
                        out.extend_from_slice(text.as_bytes());
                        Ok(())
                    });
                    assert!(pushed.is_ok());
                }
            }
        }
        fields
    }

    fn column(name: &str, field: Option<usize>, is_json: bool) -> BatchColumn {
        BatchColumn { name: name.to_owned(), field, is_json }
    }

    #[test]
    fn an_object_has_texts_and_embedded_json() {
        let columns = vec![column("i\"d", Some(0), false), column("j", Some(2), true), column("n", None, false)];
        let mut writer = BatchWriter::new(RowForm::Object, columns, vec![("id".to_owned(), 0)]);
        let mut batch = Batch::default();
        writer.push(&fields(&[Some("1"), Some("x"), Some("{\"a\": 1.0}")]), &mut batch);
        writer.push(&fields(&[Some("2\n"), None, None]), &mut batch);
        assert_eq!((batch.len(), batch.name(0), batch.name(1)), (2, "id=1".to_owned(), "id=2 ".to_owned()));
        let (first, second) = (r#"{"i\"d":"1","j":{"a": 1.0},"n":null}"#, r#"{"i\"d":"2\n","j":null,"n":null}"#);
        assert_eq!(String::from_utf8_lossy(batch.rows(0, 2)), format!("{first},{second}"));
        assert_eq!(String::from_utf8_lossy(batch.rows(1, 2)), second);
        let mut one = Batch::default();
        one.push_from(&batch, 1);
        assert_eq!((one.rows(0, 1), one.name(0)), (second.as_bytes(), "id=2 ".to_owned()));
    }

    #[test]
    fn a_record_has_the_tables_own_order() {
        let columns = vec![column("b", Some(1), false), column("new", None, false), column("a", Some(0), true)];
        let mut writer = BatchWriter::new(RowForm::Record, columns, Vec::new());
        let mut batch = Batch::default();
        writer.push(&fields(&[Some("null"), Some("say \"hi\""), Some("3"), Some("4")]), &mut batch);
        assert_eq!(String::from_utf8_lossy(batch.rows(0, 1)), r#""(\"say \"\"hi\"\"\",,null)""#);
        assert_eq!(batch.name(0), "(null, say \"hi\", 3, …)");
    }
}
