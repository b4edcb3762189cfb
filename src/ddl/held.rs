//! Tables that hold a snapshot's rows, made from what its manifest says of them: for rows whose definition is not
//! in the snapshot. Columns, types and primary keys, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use crate::ddl::build::qualified;
use crate::format::quote_literal;
use crate::model::{Column, TableEntry, quote_identifier};

/// Statements, one per line each, and what they leave out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct HeldTables {
    /// Types with labels.
    pub types: Vec<String>,
    /// Tables.
    pub tables: Vec<String>,
    /// Columns whose type is not known there, `schema.table.column (type)`: their values are held as text.
    pub as_text: Vec<String>,
}

/// The types that a server has to be asked for, as the manifest names them.
pub fn types_of<'a>(tables: &[&'a TableEntry]) -> BTreeSet<&'a str> {
    let columns = tables.iter().flat_map(|table| &table.columns).filter(|column| column.labels.is_empty());
    columns.map(|column| column.type_name.as_str()).collect()
}

/// Writes the statements, for a server that knows these types.
pub fn held(tables: &[&TableEntry], known: &BTreeSet<&str>) -> HeldTables {
    let mut out = HeldTables::default();
    let mut enums: BTreeMap<&str, &[String]> = BTreeMap::new();
    for table in tables {
        for column in table.columns.iter().filter(|column| !column.labels.is_empty()) {
            enums.insert(column.type_name.trim_end_matches("[]"), &column.labels);
        }
    }
    for (name, labels) in enums {
        let labels: Vec<String> = labels.iter().map(|label| quote_literal(label)).collect();
        out.types.push(format!("CREATE TYPE {name} AS ENUM ({});", labels.join(", ")));
    }
    for table in tables {
        let mut lines = Vec::new();
        for column in &table.columns {
            let is_known = !column.labels.is_empty() || known.contains(column.type_name.as_str());
            if !is_known {
                out.as_text.push(format!("{}.{} ({})", table.name, column.name, column.type_name));
            }
            let type_name = if is_known { sql_type(column) } else { "text".to_owned() };
            lines.push(format!("{} {type_name}", quote_identifier(&column.name)));
        }
        if !table.primary_key.is_empty() {
            let key: Vec<String> = table.primary_key.iter().map(|name| quote_identifier(name)).collect();
            lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
        }
        let name = qualified(&table.name.schema, &table.name.name);
        out.tables.push(format!("CREATE TABLE {name} ({});", lines.join(", ")));
    }
    out
}

fn sql_type(column: &Column) -> String {
    match (column.type_name.as_str(), column.max_length) {
        (name @ ("character varying" | "character" | "bit" | "bit varying"), Some(length)) => {
            format!("{name}({length})")
        }
        // without a length it would have one of 1
        ("character", None) => "bpchar".to_owned(),
        ("bit", None) => "bit varying".to_owned(),
        (name, _) => name.to_owned(),
    }
}
