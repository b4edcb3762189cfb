//! What can be asked, and the statement that asks it. Every statement gives one row with one text
//! column: a JSON document.

use serde::Serialize;

use crate::format::quote_literal;
use crate::model::{TableName, quote_identifier};
use crate::supabase::client::SINGLE_LIMIT;
use crate::supabase::rows::Window;
use crate::supabase::sql::catalog;
use crate::supabase::sql::prelude::{prelude, script_prelude};
use crate::supabase::sql::write::{DeleteOf, DigestOf, LoadOf, anonymous, names_json};

/// A question about a database.
#[derive(Debug, Clone)]
pub enum Question {
    /// Everything that describes the database; see `catalog`.
    Catalog,
    /// Who answers, and the settings that text depends on: `ServerSettings`.
    Settings,
    /// The user's schemas and tables: `SqlListing`.
    Tables,
    /// Bytes of the database and of its tables: `Sizes`. The helper cannot tell.
    Sizes,
    /// Where sequences stand: a list of `SequenceSeen`.
    Sequences {
        /// Of these schemas.
        schemas: Vec<String>,
    },
    /// The exact number of rows, as `{"rows": 1}`.
    Count {
        /// The table, with its partitions and children.
        table: TableName,
        /// But for the rows of the tables with these oids.
        without: Vec<u32>,
    },
    /// Rows of one table, how many they are, and the table's columns.
    Page(PageOf),
    /// Moves sequences; answers `{"set": 1}`.
    SetSequences {
        /// Where to.
        positions: Vec<SequencePosition>,
    },
    /// Who writes, and whether triggers and foreign keys can be kept quiet: `WriteAccess`.
    WriteAccess,
    /// Writes rows; answers `{"rows": 1}`, or with an error that says what a rehearsal would have answered.
    Load(LoadOf),
    /// Deletes rows; answers like `Load`.
    Delete(DeleteOf),
    /// How many rows a table has, and their digest: `TableDigest`.
    Digest(DigestOf),
    /// The foreign keys of these tables that do not hold: a list of `Orphans`.
    Orphans {
        /// The tables; their partitions are looked at too.
        tables: Vec<TableName>,
    },
    /// How far columns that take values from a sequence have come, and where it stands: a list of
    /// `SequenceTop`.
    Tops {
        /// The columns.
        columns: Vec<Numbered>,
    },
    /// Runs a script, all of it or nothing; answers `{"done": true}`. The helper runs none.
    Script {
        /// Statements, each ended by a semicolon.
        sql: String,
    },
}

/// A column that takes its values from a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Numbered {
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub relation: String,
    /// The column.
    pub attribute: String,
    /// The sequence behind its default, as a name for `regclass`; `None`: the column's own.
    pub sequence: Option<String>,
}

/// Which rows, and how much of them.
#[derive(Debug, Clone)]
pub struct PageOf {
    /// The table.
    pub table: TableName,
    /// By physical address.
    pub window: Window,
    /// Columns that go with address and version: the primary key.
    pub key: Vec<String>,
    /// A hash of the whole row goes with address and version.
    pub hashed: bool,
    /// The rows themselves, and not only what names them.
    pub content: bool,
    /// No more than so many.
    pub limit: Option<u32>,
    /// Answers larger than this are given up.
    pub most_bytes: usize,
}

/// Where a sequence is to stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SequencePosition {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The last value.
    pub last_value: i64,
    /// Whether that value was handed out.
    pub is_called: bool,
}

/// Which relations are the user's: in SQL, over `c` (pg_class) and `n` (pg_namespace).
///
/// Not the system's, whose schemas alone may begin with `pg_`; not an extension's; and not the
/// platform's, where both table and schema belong to one of its roles.
pub(super) const USER_TABLE: &str = include_str!("queries/user_table.sql");

const SIZES: &str = include_str!("queries/sizes.sql");
const TABLES: &str = include_str!("queries/tables.sql");
const SETTINGS: &str = include_str!("queries/settings.sql");
const SEQUENCES: &str = include_str!("queries/sequences.sql");
const SET_SEQUENCES: &str = include_str!("queries/set_sequences.sql");
const TOPS: &str = include_str!("queries/tops.sql");
const ORPHANS: &str = include_str!("queries/orphans.sql");
pub(super) const WRITE_ACCESS: &str = include_str!("queries/write_access.sql");
pub(super) const LOAD: &str = include_str!("queries/load.sql");
pub(super) const DELETE: &str = include_str!("queries/delete.sql");
pub(super) const DIGEST: &str = include_str!("queries/digest.sql");

impl Question {
    /// Whether it may change something, or asks whether that is possible: then it goes to the role that
    /// may write.
    pub fn writes(&self) -> bool {
        match self {
            Self::SetSequences { .. } | Self::WriteAccess | Self::Load(_) | Self::Delete(_) | Self::Script { .. } => {
                true
            }
            Self::Catalog
            | Self::Settings
            | Self::Tables
            | Self::Sizes
            | Self::Sequences { .. }
            | Self::Count { .. }
            | Self::Page(_)
            | Self::Digest(_)
            | Self::Orphans { .. }
            | Self::Tops { .. } => false,
        }
    }

    /// Whether it may be asked twice without anything being done twice.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::WriteAccess => true,
            Self::Load(load) => load.rehearse,
            Self::Delete(delete) => delete.rehearse,
            other => !other.writes(),
        }
    }

    /// Answers larger than this are given up.
    pub(crate) fn body_limit(&self) -> usize {
        if let Self::Page(page) = self { page.most_bytes } else { SINGLE_LIMIT }
    }

    /// Everything to send to a service that runs SQL: settings first, and one SELECT last.
    pub(crate) fn statement(&self) -> String {
        let schema = match self {
            Self::Page(page) => Some(page.table.schema.as_str()),
            _ => None,
        };
        let settings = match self {
            Self::Script { .. } => script_prelude(),
            _ => prelude(self.writes(), schema),
        };
        format!("{settings}{}", self.select())
    }

    /// The SELECT alone.
    fn select(&self) -> String {
        match self {
            Self::Catalog => catalog::statement(),
            Self::Settings => settings(),
            Self::Tables => tables(),
            Self::Sizes => sizes(),
            Self::Sequences { schemas } => sequences(&text_array(schemas)),
            Self::Count { table, without } => count(table, without),
            Self::Page(page) => page.select(),
            Self::SetSequences { positions } => set_sequences(&quote_literal(&positions_json(positions))),
            Self::WriteAccess => anonymous(WRITE_ACCESS, &[]),
            Self::Load(load) => anonymous(LOAD, &load.arguments()),
            Self::Delete(delete) => anonymous(DELETE, &delete.arguments()),
            Self::Digest(digest) => anonymous(DIGEST, &digest.arguments()),
            Self::Orphans { tables } => orphans(&quote_literal(&names_json(tables))),
            Self::Tops { columns } => tops(&quote_literal(&serde_json::to_string(columns).unwrap_or_default())),
            // a comment at the script's end must not swallow what follows
            Self::Script { sql } => format!("{sql}\n;\nSELECT '{{\"done\": true}}'::pg_catalog.text AS answer"),
        }
    }
}

/// Positions as the statement and the helper's function take them.
pub(super) fn positions_json(positions: &[SequencePosition]) -> String {
    // plain data: it cannot fail
    serde_json::to_string(positions).unwrap_or_default()
}

pub(super) fn settings() -> String {
    SETTINGS.trim_end().to_owned()
}

pub(super) fn tables() -> String {
    TABLES.trim_end().replace("{user_table}", USER_TABLE.trim_end())
}

fn sizes() -> String {
    SIZES.trim_end().replace("{user_table}", USER_TABLE.trim_end())
}

/// `schemas` is an expression of type `text[]`.
pub(super) fn sequences(schemas: &str) -> String {
    SEQUENCES.trim_end().replace("{schemas}", schemas)
}

/// `positions` is an expression of type `text`.
pub(super) fn set_sequences(positions: &str) -> String {
    SET_SEQUENCES.trim_end().replace("{positions}", positions)
}

/// `columns` is an expression of type `text`.
pub(super) fn tops(columns: &str) -> String {
    TOPS.trim_end().replace("{user_table}", USER_TABLE.trim_end()).replace("{columns}", columns)
}

/// `tables` is an expression of type `text`.
pub(super) fn orphans(tables: &str) -> String {
    ORPHANS.trim_end().replace("{user_table}", USER_TABLE.trim_end()).replace("{tables}", tables)
}

fn count(table: &TableName, without: &[u32]) -> String {
    let but = if without.is_empty() {
        String::new()
    } else {
        let oids: Vec<String> = without.iter().map(u32::to_string).collect();
        format!(" WHERE x.tableoid <> ALL ('{{{}}}'::pg_catalog.oid[])", oids.join(","))
    };
    format!("SELECT json_build_object('rows', count(*))::text AS answer FROM {} AS x{but}", table.quoted())
}

impl PageOf {
    fn select(&self) -> String {
        let quoted = self.table.quoted();
        let literal = quote_literal(&quoted);
        let (values, filter) = (self.values(), self.filter());
        let limit = self.limit.map(|rows| format!(" LIMIT {rows}")).unwrap_or_default();
        // Everything is qualified, because names are looked up in the table's schema too.
        // The columns as they are now: a page tells by itself whether the table is still the same
        format!(
            "SELECT pg_catalog.json_build_object('rows', pg_catalog.count(*), 'columns', \
             (SELECT coalesce(pg_catalog.json_agg(a.attname ORDER BY a.attnum), '[]'::json) FROM pg_catalog.pg_attribute AS a \
             WHERE a.attrelid = {literal}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped), \
             'page', coalesce(pg_catalog.json_agg(q), '[]'::json))::text AS answer \
             FROM (SELECT {values} FROM {quoted} AS x WHERE {filter}{limit}) AS q"
        )
    }

    /// What of each row: `x` is the table. The names are those of the Data API's pages.
    fn values(&self) -> String {
        let mut values: Vec<String> =
            ["ctid", "xmin", "tableoid"].map(|name| format!("x.{name}::text AS {name}")).to_vec();
        values.extend(
            self.key
                .iter()
                .zip(0..)
                .map(|(k, i)| format!("pg_catalog.format('%s', x.{}) AS k{i}", quote_identifier(k))),
        );
        if self.hashed {
            values.push("pg_catalog.hashtextextended(pg_catalog.record_out(x.*)::text, 0)::text AS h".to_owned());
        }
        if self.content {
            values.push("pg_catalog.record_out(x.*)::text AS r".to_owned());
        }
        values.join(", ")
    }

    fn filter(&self) -> String {
        let tid = |t: crate::format::Tid| format!("'({},{})'::pg_catalog.tid", t.block, t.offset);
        let mut filter = format!("x.ctid >= {}", tid(self.window.from));
        if let Some(to) = self.window.to {
            filter.push_str(&format!(" AND x.ctid < {}", tid(to)));
        }
        if let Some((low, high)) = self.window.oids {
            filter.push_str(&format!(" AND x.tableoid >= '{low}'::oid AND x.tableoid < '{high}'::oid"));
        }
        filter
    }
}

fn text_array(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quote_literal(text)).collect();
    format!("ARRAY[{}]::text[]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> PageOf {
        PageOf {
            table: TableName::new("my schema", "it's \"odd\\\""),
            window: Window::blocks(3, 9),
            key: vec!["a\"b".to_owned()],
            hashed: false,
            content: true,
            limit: None,
            most_bytes: 1000,
        }
    }

    #[test]
    fn names_are_quoted_wherever_they_stand() {
        let text = Question::Page(page()).statement();
        let name = r#""my schema"."it's ""odd\""""#;
        assert!(
            text.contains(&format!(
                "FROM {name} AS x WHERE x.ctid >= '(3,0)'::pg_catalog.tid AND x.ctid < '(9,0)'::pg_catalog.tid)"
            )),
            "{text}"
        );
        assert!(text.contains(r#"a.attrelid = E'"my schema"."it''s ""odd\\"""'::pg_catalog.regclass"#), "{text}");
        assert!(text.contains(r#"x.tableoid::text AS tableoid, pg_catalog.format('%s', x."a""b") AS k0, pg_catalog.record_out(x.*)::text AS r"#), "{text}");
        let text = Question::Sequences { schemas: vec!["a'b".to_owned(), "c".to_owned()] }.statement();
        assert!(text.contains("ARRAY['a''b', 'c']::text[]"), "{text}");
        let positions =
            vec![SequencePosition { schema: "s'".into(), name: "q".into(), last_value: 7, is_called: true }];
        let text = Question::SetSequences { positions }.statement();
        assert!(text.contains(r#"'[{"schema":"s''","name":"q","last_value":7,"is_called":true}]'"#), "{text}");
    }

    #[test]
    fn what_names_a_row_does_not_depend_on_whether_its_text_comes_too() {
        let whole = page();
        let identity = PageOf { content: false, ..page() };
        assert_eq!(whole.values(), format!("{}, pg_catalog.record_out(x.*)::text AS r", identity.values()));
        let hashed = PageOf { key: Vec::new(), hashed: true, ..page() };
        assert!(hashed.values().contains("tableoid, pg_catalog.hashtextextended("));
    }

    #[test]
    fn what_only_reads_cannot_write() {
        assert!(Question::SetSequences { positions: Vec::new() }.writes() && Question::WriteAccess.is_repeatable());
        let digest = DigestOf { table: TableName::new("s", "t"), columns: None, without: vec![1], printed: None };
        let orphans = Question::Orphans { tables: vec![TableName::new("s", "t'")] };
        assert!(orphans.statement().contains(r#"json_to_recordset('[{"schema":"s","name":"t''"}]'::json)"#));
        for question in [Question::Catalog, Question::Settings, Question::Tables, Question::Digest(digest), orphans] {
            assert!(
                !question.writes()
                    && question.is_repeatable()
                    && question.statement().contains("transaction_read_only = 'on'")
            );
        }
        let count = Question::Count { table: TableName::new("s", "t"), without: vec![7, 8] };
        assert!(
            count.statement().ends_with("FROM \"s\".\"t\" AS x WHERE x.tableoid <> ALL ('{7,8}'::pg_catalog.oid[])")
        );
    }
}
