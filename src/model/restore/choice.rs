//! What a person chooses to restore: tables, rows, modes, the way. Names are read as they are typed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::{RestoreMode, WriteWay};
use crate::model::TableName;

/// A table as it is typed: `orders`, `public.orders`, `public."Odd.Name"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TypedTable {
    /// The schema; `None`: whichever has a table of this name.
    pub schema: Option<String>,
    /// The table's own name.
    pub name: String,
}

impl TypedTable {
    /// Whether this table is meant.
    pub fn is(&self, table: &TableName) -> bool {
        self.name == table.name && self.schema.as_ref().is_none_or(|schema| *schema == table.schema)
    }

    /// The table that is meant, if no schema means this one.
    pub fn within(&self, schema: &str) -> TableName {
        TableName::new(self.schema.as_deref().unwrap_or(schema), self.name.clone())
    }
}

impl FromStr for TypedTable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let first = part(&mut rest, text, &['.'])?;
        if rest.is_empty() {
            return Ok(Self { schema: None, name: first });
        }
        rest = &rest[1..];
        // of `a.b.c` the schema is `a`: a dot in a schema's name has to be quoted
        let name = part(&mut rest, text, &[])?;
        Ok(Self { schema: Some(first), name })
    }
}

impl fmt::Display for TypedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => TableName::new(schema.clone(), self.name.clone()).fmt(f),
            None => write!(f, "{}", self.name.escape_debug()),
        }
    }
}

/// A table to restore, and where its rows go: `public.orders`, `public.orders=public.orders_restored`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChoice {
    /// The table in the snapshot.
    pub source: TypedTable,
    /// The table in the project; `None`: the one of the same name. Without a schema, that of the source.
    pub target: Option<TypedTable>,
}

impl FromStr for TableChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((source, target)) = split(text, '=') else {
            return Ok(Self { source: text.parse()?, target: None });
        };
        Ok(Self { source: source.parse()?, target: Some(target.parse()?) })
    }
}

/// A mode for every table, or for one: `clear`, `public.orders=clear`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChoice {
    /// The table in the snapshot; `None`: all that have no mode of their own.
    pub table: Option<TypedTable>,
    /// What is done with its rows.
    pub mode: RestoreMode,
}

impl ModeChoice {
    /// The mode that is chosen for a table: its own before that of all.
    pub fn of(choices: &[Self], table: &TableName) -> Option<RestoreMode> {
        let own = choices.iter().rev().find(|choice| choice.table.as_ref().is_some_and(|named| named.is(table)));
        own.or_else(|| choices.iter().rev().find(|choice| choice.table.is_none())).map(|choice| choice.mode)
    }
}

impl fmt::Display for ModeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.table {
            Some(table) => write!(f, "{table}={}", self.mode),
            None => self.mode.fmt(f),
        }
    }
}

impl FromStr for ModeChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match split(text, '=') {
            None => Ok(Self { table: None, mode: text.parse()? }),
            Some((table, mode)) => Ok(Self { table: Some(table.parse()?), mode: mode.parse()? }),
        }
    }
}

/// Rows to restore: those with this value in this column. `id=42`, `public.orders:customer=Doe & Co`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowChoice {
    /// The table in the snapshot; `None`: every chosen table.
    pub table: Option<TypedTable>,
    /// The column's name.
    pub column: String,
    /// The value as PostgreSQL prints it; nothing in it has a meaning of its own.
    pub value: String,
}

impl FromStr for RowChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (left, value) = split(text, '=')
            .ok_or_else(|| format!("{text:?} has no value; write COLUMN=VALUE or TABLE:COLUMN=VALUE"))?;
        let (table, column) = match split(left, ':') {
            Some((table, column)) => (Some(table.parse::<TypedTable>()?), column),
            None => (None, left),
        };
        if let Some(TypedTable { schema: None, name }) = &table {
            return Err(format!("{text:?} names a table without its schema; write SCHEMA.{name}:COLUMN=VALUE"));
        }
        let mut rest = column;
        let column = part(&mut rest, text, &[])?;
        Ok(Self { table, column, value: value.to_owned() })
    }
}

/// The rows of one table that are chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Columns, and the values of which a row must have one.
    pub columns: BTreeMap<String, Vec<String>>,
}

impl RowFilter {
    /// What is chosen of this table: of several values of one column any, of several columns all.
    pub fn of(choices: &[RowChoice], table: &TableName) -> Self {
        let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for choice in choices.iter().filter(|choice| choice.table.as_ref().is_none_or(|named| named.is(table))) {
            columns.entry(choice.column.clone()).or_default().push(choice.value.clone());
        }
        Self { columns }
    }

    /// Whether every row is chosen.
    pub fn is_all(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether a row is chosen whose values these are; NULL is never chosen.
    pub fn keeps<'v>(&self, value: impl Fn(&str) -> Option<&'v str>) -> bool {
        let has =
            |(column, wanted): (&String, &Vec<String>)| value(column).is_some_and(|v| wanted.iter().any(|w| w == v));
        self.columns.iter().all(has)
    }
}

/// The way that a person asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Through {
    /// SQL where there is a way to send it, the Data API elsewhere.
    #[default]
    Auto,
    /// This one, or the run fails.
    Only(WriteWay),
}

impl Through {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Only(WriteWay::Api), Self::Only(WriteWay::Sql)];
}

impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Only(way) => way.word(),
        })
    }
}

impl FromStr for Through {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|way| way.to_string() == text);
        known.ok_or_else(|| format!("{text:?} is not a way; write auto, api or sql"))
    }
}

/// Takes one name off the front: quoted like an SQL identifier, or all up to one of `ends`. An
/// unquoted name is taken as it is: `Orders` is not `orders`.
fn part(rest: &mut &str, whole: &str, ends: &[char]) -> Result<String, String> {
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(ends).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        return if name.is_empty() { Err(format!("a name is empty in {whole:?}")) } else { Ok(name.to_owned()) };
    };
    let mut name = String::new();
    let mut at = quoted.char_indices().peekable();
    while let Some((index, c)) = at.next() {
        if c != '"' {
            name.push(c);
        } else if at.next_if(|&(_, next)| next == '"').is_some() {
            name.push('"');
        } else {
            let after = &quoted[index + 1..];
            if !after.is_empty() && !after.starts_with(ends) {
                return Err(format!("{after:?} follows a quoted name in {whole:?}"));
            }
            if name.is_empty() {
                return Err(format!("a name is empty in {whole:?}"));
            }
            *rest = after;
            return Ok(name);
        }
    }
    Err(format!("a quotation mark is not closed in {whole:?}"))
}

/// Splits at the first `mark` that stands outside of quotation marks.
fn split(text: &str, mark: char) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (index, c) in text.char_indices() {
        if c == '"' {
            quoted = !quoted;
        } else if c == mark && !quoted {
            return Some((&text[..index], &text[index + mark.len_utf8()..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(schema: &str, name: &str) -> TypedTable {
        TypedTable { schema: (!schema.is_empty()).then(|| schema.to_owned()), name: name.to_owned() }
    }

    #[test]
    fn a_table_is_read_as_it_is_typed() {
        for (text, schema, name) in [
            ("orders", "", "orders"),
            ("public.orders", "public", "orders"),
            ("public.a.b", "public", "a.b"),
            ("\"a.b\".c", "a.b", "c"),
            ("public.\"Odd \"\"Name\"\"\"", "public", "Odd \"Name\""),
            ("\"a.b\"", "", "a.b"),
        ] {
            assert_eq!(text.parse::<TypedTable>(), Ok(typed(schema, name)), "{text}");
        }
        for bad in ["", ".", "public.", ".x", "\"x", "\"\"", "\"a\"b", "a.\"b\"c"] {
            assert!(bad.parse::<TypedTable>().is_err(), "{bad}");
        }
        assert!(typed("", "x").is(&TableName::new("s", "x")) && !typed("t", "x").is(&TableName::new("s", "x")));
        assert_eq!(typed("", "x").within("s"), TableName::new("s", "x"));
    }

    #[test]
    fn a_choice_may_rename_and_may_be_quoted() {
        let choice = |source, target| Ok(TableChoice { source, target });
        assert_eq!("a.b".parse(), choice(typed("a", "b"), None));
        assert_eq!("a.b=c.d".parse(), choice(typed("a", "b"), Some(typed("c", "d"))));
        assert_eq!("a.\"x=y\"=d".parse(), choice(typed("a", "x=y"), Some(typed("", "d"))));
        for bad in ["a.b=", "=a.b", ""] {
            assert!(bad.parse::<TableChoice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_mode_of_a_table_goes_before_that_of_all() {
        let choices: Result<Vec<ModeChoice>, String> =
            ["merge", "a.b=clear", "b=into-empty", "insert-missing"].into_iter().map(str::parse).collect();
        let choices = choices.unwrap_or_default();
        assert_eq!(ModeChoice::of(&choices, &TableName::new("a", "x")), Some(RestoreMode::InsertMissing));
        assert_eq!(ModeChoice::of(&choices, &TableName::new("a", "b")), Some(RestoreMode::IntoEmpty));
        assert_eq!(ModeChoice::of(&choices[..2], &TableName::new("a", "b")), Some(RestoreMode::Clear));
        assert_eq!(ModeChoice::of(&[], &TableName::new("a", "b")), None);
        assert!("wipe".parse::<ModeChoice>().is_err() && "a.b=".parse::<ModeChoice>().is_err());
    }

    #[test]
    fn a_value_is_taken_literally() {
        let row = |table: Option<TypedTable>, column: &str, value: &str| {
            Ok(RowChoice { table, column: column.to_owned(), value: value.to_owned() })
        };
        assert_eq!("id=42".parse(), row(None, "id", "42"));
        assert_eq!("a=b=c:d\"".parse(), row(None, "a", "b=c:d\""));
        assert_eq!("note=".parse(), row(None, "note", ""));
        assert_eq!("s.t:id=4:2".parse(), row(Some(typed("s", "t")), "id", "4:2"));
        assert_eq!("s.\"t:u\":\"a=b\"=x".parse(), row(Some(typed("s", "t:u")), "a=b", "x"));
        for bad in ["id", "=x", "t:id=1", "s.t:=1", ":id=1", "s.t:\"id=1"] {
            assert!(bad.parse::<RowChoice>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rows_are_chosen_by_any_value_of_a_column_and_by_all_columns() {
        let choices: Result<Vec<RowChoice>, String> =
            ["id=1", "id=2", "s.t:kind=x", "s.u:kind=y"].into_iter().map(str::parse).collect();
        let filter = RowFilter::of(&choices.unwrap_or_default(), &TableName::new("s", "t"));
        let keeps = |id: &'static str, kind: Option<&'static str>| {
            filter.keeps(|column| if column == "id" { Some(id) } else { kind })
        };
        assert!(keeps("1", Some("x")) && keeps("2", Some("x")));
        assert!(!keeps("3", Some("x")) && !keeps("1", Some("y")) && !keeps("1", None));
        assert!(RowFilter::default().is_all() && !filter.is_all());
    }

    #[test]
    fn every_way_has_a_word() {
        for way in Through::ALL {
            assert_eq!(way.to_string().parse(), Ok(way));
        }
        assert!("psql".parse::<Through>().is_err());
    }
}
