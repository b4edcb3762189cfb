//! The questions that put rows back and that prove what came of it. Each is a block of PL/pgSQL, the
//! same for every transport: the helper has it as the body of a function, the others send it as `DO`.

use serde_json::{Map, Value, json};

use crate::format::quote_literal;
use crate::model::{PrintSettings, TableName};
use crate::supabase::write::RowVersion;

/// What a database says of a write that was taken back; see `{rehearsed}` in the queries.
pub(crate) const REHEARSED: &str = "SBK01";

/// Rows of one table to write, as the texts of whole rows.
#[derive(Debug, Clone)]
pub struct LoadOf {
    /// The table.
    pub table: TableName,
    /// The columns that are written.
    pub columns: Vec<String>,
    /// What a row does whose key is there.
    pub conflict: OnConflict,
    /// A JSON array of strings: the text of each row, with every column of the table in its order.
    pub rows: String,
    /// Triggers, foreign keys and rules stay quiet.
    pub quiet: bool,
    /// Do everything, and then take it back.
    pub rehearse: bool,
    /// What the text was printed under; `None`: under the settings that every question has.
    pub printed: Option<PrintSettings>,
}

/// What a row does whose key is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnConflict {
    /// The database refuses it.
    Refuse,
    /// It takes the place of the one that is there.
    Update {
        /// The key's columns.
        key: Vec<String>,
        /// The columns that are set, at least one.
        set: Vec<String>,
    },
    /// It is left out; these columns are the key.
    Ignore(Vec<String>),
}

/// Rows of one table to delete.
#[derive(Debug, Clone)]
pub struct DeleteOf {
    /// The table.
    pub table: TableName,
    /// Each version of a row.
    pub rows: Vec<RowVersion>,
    /// Triggers and foreign keys stay quiet. Refused where rows of tables outside of `restored` refer to
    /// one of these.
    pub quiet: bool,
    /// Do everything, and then take it back.
    pub rehearse: bool,
    /// Tables whose rows are put back together with these: what refers to what among them is looked at
    /// when all is done.
    pub restored: Vec<TableName>,
}

/// Which rows are summed up, and in what form.
#[derive(Debug, Clone)]
pub struct DigestOf {
    /// The table, with its partitions and children.
    pub table: TableName,
    /// These columns, in this order; `None`: the whole row.
    pub columns: Option<Vec<String>>,
    /// But for the rows of the tables with these oids.
    pub without: Vec<u32>,
    /// The settings that the text is printed under; `None`: those that every question has.
    pub printed: Option<PrintSettings>,
}

/// One argument: its name, its type in SQL, its value.
type Argument = (&'static str, &'static str, Value);

impl LoadOf {
    pub(super) fn arguments(&self) -> Vec<Argument> {
        let (on_conflict, key, set): (_, &[String], &[String]) = match &self.conflict {
            OnConflict::Refuse => ("refuse", &[], &[]),
            OnConflict::Update { key, set } => ("update", key, set),
            OnConflict::Ignore(key) => ("ignore", key, &[]),
        };
        vec![
            ("table_schema", "text", json!(self.table.schema)),
            ("table_name", "text", json!(self.table.name)),
            ("column_names", "text[]", json!(self.columns)),
            ("on_conflict", "text", json!(on_conflict)),
            ("key_columns", "text[]", json!(key)),
            ("set_columns", "text[]", json!(set)),
            ("row_texts", "text", json!(self.rows)),
            ("quiet", "boolean", json!(self.quiet)),
            ("rehearse", "boolean", json!(self.rehearse)),
            ("print_settings", "json", printed(self.printed.as_ref())),
        ]
    }
}

impl DeleteOf {
    pub(super) fn arguments(&self) -> Vec<Argument> {
        let oids: Vec<u32> = self.rows.iter().map(|row| row.tableoid).collect();
        let tids: Vec<String> = self.rows.iter().map(|row| format!("({},{})", row.tid.block, row.tid.offset)).collect();
        let xmins: Vec<u32> = self.rows.iter().map(|row| row.xmin).collect();
        vec![
            ("table_schema", "text", json!(self.table.schema)),
            ("table_name", "text", json!(self.table.name)),
            ("oids", "oid[]", json!(oids)),
            ("tids", "tid[]", json!(tids)),
            ("xmins", "xid[]", json!(xmins)),
            ("quiet", "boolean", json!(self.quiet)),
            ("rehearse", "boolean", json!(self.rehearse)),
            ("restored", "text", json!(names_json(&self.restored))),
        ]
    }
}

impl DigestOf {
    pub(super) fn arguments(&self) -> Vec<Argument> {
        vec![
            ("table_schema", "text", json!(self.table.schema)),
            ("table_name", "text", json!(self.table.name)),
            ("column_names", "text[]", json!(self.columns)),
            ("without", "oid[]", json!(self.without)),
            ("print_settings", "json", printed(self.printed.as_ref())),
        ]
    }
}

/// Names of tables as the statements and the helper's functions take them.
pub(super) fn names_json(tables: &[TableName]) -> String {
    let names: Vec<Value> = tables.iter().map(|t| json!({ "schema": t.schema, "name": t.name })).collect();
    Value::Array(names).to_string()
}

fn printed(settings: Option<&PrintSettings>) -> Value {
    settings.map_or_else(
        || json!({}),
        |s| {
            json!({
                "datestyle": s.date_style,
                "intervalstyle": s.interval_style,
                "timezone": s.time_zone,
                "bytea_output": s.bytea_output,
                "extra_float_digits": s.extra_float_digits,
                "lc_monetary": s.lc_monetary,
            })
        },
    )
}

/// Arguments as the body of a call.
pub(super) fn call_arguments(arguments: Vec<Argument>) -> Value {
    Value::Object(arguments.into_iter().map(|(name, _, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// The block of a question: `own_table` is the line that checks the table's name, `answer` the statement
/// that gives the answer away.
pub(super) fn block(query: &str, own_table: &str, answer: &str) -> String {
    query
        .trim_end()
        .replace("{print_settings}", include_str!("queries/print_settings.sql").trim_end())
        .replace("{rehearsed}", REHEARSED)
        .replace("  {own_table}\n", own_table)
        .replace("{answer}", answer)
}

/// A block as a statement without a function, and the SELECT that fetches its answer.
pub(super) fn anonymous(query: &str, arguments: &[Argument]) -> String {
    let declared: String =
        arguments.iter().map(|(name, kind, value)| format!("  {name} {kind} := {};\n", literal(kind, value))).collect();
    let body = block(query, "", "PERFORM pg_catalog.set_config('supabackup.answer', answer, true);");
    let code = dollar_quoted(&format!("\nDECLARE\n{declared}BEGIN\n{body};\nEND\n"));
    format!("DO {code};\nSELECT pg_catalog.current_setting('supabackup.answer') AS answer")
}

fn literal(kind: &str, value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) => dollar_quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| quote_literal(&item.to_string()), quote_literal))
                .collect();
            format!("ARRAY[{}]::{kind}", items.join(", "))
        }
        other @ (Value::Bool(_) | Value::Number(_)) => other.to_string(),
        other @ Value::Object(_) => dollar_quoted(&other.to_string()),
    }
}

/// A literal that does not grow with what is in it: rows are full of backslashes, and the request doubles
/// them already.
fn dollar_quoted(text: &str) -> String {
    let mut turn = 0_usize;
    loop {
        let tag = format!("$b{turn}$");
        let quoted = format!("{tag}{text}{tag}");
        if quoted[tag.len()..].find(&tag) == Some(text.len()) {
            return quoted;
        }
        turn += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_never_ends_early() {
        assert_eq!(dollar_quoted("a'\\"), "$b0$a'\\$b0$");
        assert_eq!(dollar_quoted("a$b0$b"), "$b1$a$b0$b$b1$");
        // the text's end and the tag's beginning make a tag together
        assert_eq!(dollar_quoted("a$b0"), "$b1$a$b0$b1$");
        assert_eq!(dollar_quoted("a$"), "$b0$a$$b0$");
        assert_eq!(dollar_quoted(&dollar_quoted("x")), "$b1$$b0$x$b0$$b1$");
    }

    #[test]
    fn every_argument_is_declared_with_its_literal() {
        let table = TableName::new("it's", "a\"b\\");
        let load = LoadOf {
            table: table.clone(),
            columns: vec!["c'1".to_owned()],
            conflict: OnConflict::Ignore(vec!["k".to_owned()]),
            rows: r#"["(\"\\\\$b0$\")"]"#.to_owned(),
            quiet: true,
            rehearse: false,
            printed: None,
        };
        let text = anonymous(include_str!("queries/load.sql"), &load.arguments());
        assert!(text.starts_with("DO $b2$\nDECLARE\n  table_schema text := $b0$it's$b0$;\n"), "{text}");
        assert!(text.contains("  column_names text[] := ARRAY['c''1']::text[];\n"), "{text}");
        assert!(text.contains("  set_columns text[] := ARRAY[]::text[];\n"), "{text}");
        assert!(text.contains("  row_texts text := $b1$[\"(\\\"\\\\\\\\$b0$\\\")\"]$b1$;\n"), "{text}");
        assert!(text.contains("  quiet boolean := true;\n  rehearse boolean := false;\n"), "{text}");
        assert!(!text.contains("{own_table}") && !text.contains("{answer}") && !text.contains("{rehearsed}"), "{text}");
        let rows =
            vec![RowVersion { tableoid: 7, tid: crate::format::Tid { block: 1, offset: 2 }, xmin: 4_294_967_295 }];
        let delete = DeleteOf { table, rows, quiet: false, rehearse: true, restored: Vec::new() };
        let text = anonymous(include_str!("queries/delete.sql"), &delete.arguments());
        assert!(
            text.contains("  tids tid[] := ARRAY['(1,2)']::tid[];\n  xmins xid[] := ARRAY['4294967295']::xid[];\n"),
            "{text}"
        );
        let call = call_arguments(delete.arguments());
        assert_eq!(
            (call["tids"].to_string(), call["rehearse"].to_string()),
            ("[\"(1,2)\"]".to_owned(), "true".to_owned())
        );
    }
}
