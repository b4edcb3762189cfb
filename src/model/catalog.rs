//! The described structure of a project: what is there to back up.

use serde::{Deserialize, Serialize};

use crate::model::TableName;

/// Everything that discovery saw, in the order of names.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The schemas that were asked for and answered.
    pub schemas: Vec<String>,
    /// Tables, views and whatever else the project shows, not yet told apart.
    pub relations: Vec<Relation>,
    /// The version of the API server, as it states it.
    pub server: Option<String>,
}

/// What a relation is, as far as its description tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// A table, or a view that can be written to: only a look at its rows tells (`ctid` fails on views).
    TableOrView,
    /// A join view or a materialized view: it cannot be written to, its rows come from elsewhere.
    ReadOnly,
}

/// One relation as the API describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Schema and name.
    pub name: TableName,
    /// What its description says it is.
    pub kind: RelationKind,
    /// Columns in the table's own order.
    pub columns: Vec<Column>,
    /// Names of the primary key's columns; the API does not say in which order the key has them.
    pub primary_key: Vec<String>,
    /// The table's comment.
    pub comment: Option<String>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name, exactly.
    pub name: String,
    /// The type as the API names it: a domain shows as its base type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Declared NOT NULL (and without a default that the API shows).
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// The default, where the API shows one, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// Labels of an enum type, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Length limit of `char(n)`, `varchar(n)`, `bit(n)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<i64>,
    /// The column that this one refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<ForeignKey>,
    /// The column's comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
impl Column {
    /// A column with nothing but a name and a type.
    pub(crate) fn plain(name: &str, type_name: &str) -> Self {
        Self {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            required: false,
            default: None,
            labels: Vec::new(),
            max_length: None,
            references: None,
            comment: None,
        }
    }
}

/// A single-column foreign key inside one schema: all that the API shows of foreign keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// The referenced table, in the same schema.
    pub table: String,
    /// The referenced column.
    pub column: String,
}

/// How a column's values are written in JSON Lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// A JSON number where the text is one exactly; else a string (`NaN`).
    Number,
    /// `true` and `false`.
    Boolean,
    /// The JSON value itself where it can be embedded exactly; else a string.
    Json,
    /// A string.
    Text,
}

impl Column {
    /// How values of this column are written in JSON Lines. It only decides the look: reading back
    /// never needs the type.
    pub fn kind(&self) -> ColumnKind {
        match self.type_name.as_str() {
            "smallint" | "integer" | "bigint" | "numeric" | "real" | "double precision" | "oid" | "int32" | "int64" => {
                ColumnKind::Number
            }
            "boolean" => ColumnKind::Boolean,
            "json" | "jsonb" => ColumnKind::Json,
            _ => ColumnKind::Text,
        }
    }

    /// Whether the text form of this type can hold a floating-point number, whose digits
    /// `extra_float_digits` may cut. Unknown types count: a composite may hold one.
    pub fn may_hold_floats(&self) -> bool {
        let base = self.type_name.trim_end_matches("[]");
        !matches!(
            base,
            "smallint"
                | "integer"
                | "bigint"
                | "int32"
                | "int64"
                | "numeric"
                | "oid"
                | "boolean"
                | "text"
                | "character varying"
                | "character"
                | "uuid"
                | "json"
                | "jsonb"
                | "bytea"
                | "date"
                | "time without time zone"
                | "time with time zone"
                | "timestamp without time zone"
                | "timestamp with time zone"
                | "interval"
                | "inet"
                | "cidr"
                | "macaddr"
                | "macaddr8"
                | "name"
                | "\"char\""
                | "bit"
                | "bit varying"
                | "xml"
                | "tsvector"
                | "tsquery"
                | "money"
                | "jsonpath"
                | "bpchar"
                | "int4range"
                | "int8range"
                | "numrange"
                | "daterange"
                | "tsrange"
                | "tstzrange"
                | "regclass"
                | "regtype"
                | "regproc"
                | "regprocedure"
                | "pg_lsn"
                | "xid8"
                | "xid"
                | "pg_snapshot"
                | "int4multirange"
                | "int8multirange"
                | "nummultirange"
                | "datemultirange"
                | "tsmultirange"
                | "tstzmultirange"
        ) && self.labels.is_empty()
    }
}
