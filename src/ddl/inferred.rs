//! The best definition that the Data API's description of itself allows, where there is no SQL: enough
//! to hold the rows again, and marked as what it is.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ddl::build::qualified;
use crate::format::quote_literal;
use crate::model::{Column, Relation, quote_identifier};

/// What the description does not tell.
pub const UNKNOWN: [&str; 9] = [
    "identity and generated columns, and sequences (a column that counts by itself shows no default)",
    "the order of columns in composite primary keys",
    "unique, check and exclusion constraints, and indexes",
    "foreign keys of several columns, to other schemas, and what happens on update and delete",
    "domains, composite and range types: a column shows the base type or only the type's name",
    "collations, precision of numbers, storage",
    "partitions, inheritance, unlogged tables",
    "functions, triggers, rules, views, materialized views, event triggers, publications",
    "row level security, policies, grants, comments on anything but tables and columns",
];

/// Types, tables, keys and comments as SQL. `relations` are tables; `passed_over` names what is none.
pub fn inferred(relations: &[Relation], passed_over: &[String]) -> String {
    let mut out = String::from(
        "-- Inferred from what the Data API says of itself. This is not the project's definition: the API does\n\
         -- not tell:\n",
    );
    for unknown in UNKNOWN {
        out += &format!("--   * {unknown}\n");
    }
    if !passed_over.is_empty() {
        out += "-- Not written, because they are no tables:\n";
        for name in passed_over {
            out += &format!("--   * {}\n", name.escape_debug());
        }
    }
    let mut schemas: Vec<&str> = relations.iter().map(|r| r.name.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    out += "\n";
    for schema in schemas {
        out += &format!("CREATE SCHEMA IF NOT EXISTS {};\n", quote_identifier(schema));
    }
    for (name, labels) in enums(relations) {
        let labels: Vec<String> = labels.iter().map(|l| quote_literal(l)).collect();
        out += &format!("\nCREATE TYPE {name} AS ENUM ({});\n", labels.join(", "));
    }
    for relation in relations {
        out += &table(relation);
    }
    out += &foreign_keys(relations);
    out
}

/// Types with labels, by their name as the API writes it.
fn enums(relations: &[Relation]) -> BTreeMap<&str, &[String]> {
    let columns = relations.iter().flat_map(|r| &r.columns).filter(|c| !c.labels.is_empty());
    columns.map(|c| (c.type_name.trim_end_matches("[]"), c.labels.as_slice())).collect()
}

fn table(relation: &Relation) -> String {
    let name = qualified(&relation.name.schema, &relation.name.name);
    let mut lines: Vec<String> = relation.columns.iter().map(|c| column(c, &relation.primary_key)).collect();
    if !relation.primary_key.is_empty() {
        let key: Vec<String> = relation.primary_key.iter().map(|c| quote_identifier(c)).collect();
        lines.push(format!("PRIMARY KEY ({})", key.join(", ")));
    }
    let lines: Vec<String> = lines.iter().map(|line| format!("\t{line}")).collect();
    let mut out = format!("\nCREATE TABLE {name} (\n{}\n);\n", lines.join(",\n"));
    if let Some(comment) = &relation.comment {
        out += &format!("COMMENT ON TABLE {name} IS {};\n", quote_literal(comment));
    }
    for column in &relation.columns {
        if let Some(comment) = &column.comment {
            let column = quote_identifier(&column.name);
            out += &format!("COMMENT ON COLUMN {name}.{column} IS {};\n", quote_literal(comment));
        }
    }
    out
}

fn column(column: &Column, key: &[String]) -> String {
    let mut out = format!("{} {}", quote_identifier(&column.name), sql_type(column));
    if let Some(default) = column.default.as_ref().and_then(default) {
        out += &format!(" DEFAULT {default}");
    }
    if column.required || key.contains(&column.name) {
        out += " NOT NULL";
    }
    out
}

fn sql_type(column: &Column) -> String {
    match (column.type_name.as_str(), column.max_length) {
        (name @ ("character varying" | "character" | "bit" | "bit varying"), Some(length)) => {
            format!("{name}({length})")
        }
        (name, _) => name.to_owned(),
    }
}

/// A number or truth value is itself. The API shows literals and expressions alike as strings: what
/// looks like a call is one.
fn default(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::String(text) if text.ends_with(')') || text.starts_with("CURRENT_") => Some(text.clone()),
        Value::String(text) => Some(quote_literal(text)),
        _ => None,
    }
}

fn foreign_keys(relations: &[Relation]) -> String {
    let mut out = String::new();
    for relation in relations {
        let name = qualified(&relation.name.schema, &relation.name.name);
        for column in &relation.columns {
            let Some(target) = &column.references else { continue };
            let there = relations.iter().any(|r| r.name.schema == relation.name.schema && r.name.name == target.table);
            out += &format!(
                "{}ALTER TABLE {name} ADD FOREIGN KEY ({}) REFERENCES {} ({});\n",
                if there { "" } else { "-- not among the tables: " },
                quote_identifier(&column.name),
                qualified(&relation.name.schema, &target.table),
                quote_identifier(&target.column)
            );
        }
    }
    if out.is_empty() { out } else { format!("\n{out}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ForeignKey, RelationKind, TableName};

    #[test]
    fn tables_types_keys_and_comments_are_written() {
        let mood = Column {
            labels: vec!["it's".into(), "ok".into()],
            default: Some("ok".into()),
            comment: Some("a mood".into()),
            ..Column::plain("mood", "public.mood")
        };
        let at =
            Column { default: Some("now()".into()), required: true, ..Column::plain("at", "timestamp with time zone") };
        let code =
            Column { max_length: Some(3), default: Some(7.into()), ..Column::plain("code", "character varying") };
        let parent = Column {
            references: Some(ForeignKey { table: "t".into(), column: "id".into() }),
            ..Column::plain("p", "integer")
        };
        let relation = Relation {
            name: TableName::new("public", "t"),
            kind: RelationKind::TableOrView,
            columns: vec![Column::plain("id", "integer"), mood, at, code, parent],
            primary_key: vec!["id".into()],
            comment: None,
        };
        let sql = inferred(&[relation], &["public.v: view".into()]);
        for expected in [
            "CREATE SCHEMA IF NOT EXISTS \"public\";",
            "CREATE TYPE public.mood AS ENUM ('it''s', 'ok');",
            "\t\"id\" integer NOT NULL,",
            "\t\"mood\" public.mood DEFAULT 'ok',",
            "\t\"at\" timestamp with time zone DEFAULT now() NOT NULL,",
            "\t\"code\" character varying(3) DEFAULT 7,",
            "\tPRIMARY KEY (\"id\")",
            "COMMENT ON COLUMN \"public\".\"t\".\"mood\" IS 'a mood';",
            "ALTER TABLE \"public\".\"t\" ADD FOREIGN KEY (\"p\") REFERENCES \"public\".\"t\" (\"id\");",
            "--   * public.v: view",
        ] {
            assert!(sql.contains(expected), "{expected}\n{sql}");
        }
    }
}
