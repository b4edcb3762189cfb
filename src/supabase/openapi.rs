//! Discovery: the OpenAPI document that the API's root gives to a secret key.
//!
//! It shows what the key's role may use, so a table without grants is absent from it, not an error.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::{Catalog, Column, ForeignKey, Relation, RelationKind, TableName};
use crate::supabase::client::{ApiError, Client, SINGLE_LIMIT};

/// A schema's name that no project has: the refusal lists the exposed ones.
const NO_SUCH_SCHEMA: &str = "supabackup_asks_which_schemas_are_exposed";

impl Client {
    /// The schemas that the API exposes, or `None` where the server refuses without telling.
    pub async fn exposed_schemas(&self) -> Result<Option<Vec<String>>, ApiError> {
        let refusal = self.get_refusal("", NO_SUCH_SCHEMA).await?;
        // 12: message "The schema must be one of the following: a, b"; 13 and later say it in the hint.
        let texts = [refusal.message.unwrap_or_default(), refusal.hint.unwrap_or_default()];
        let list = texts
            .iter()
            .find_map(|t| t.split_once(": ").filter(|(lead, _)| lead.contains("schema") && !lead.contains("nvalid")));
        Ok(list.map(|(_, names)| names.split(", ").map(|n| n.trim().to_owned()).filter(|n| !n.is_empty()).collect()))
    }

    /// Everything that the API shows of one schema.
    pub async fn describe(&self, schema: &str) -> Result<Catalog, ApiError> {
        let answer = self.get("", schema, &[("accept", "application/openapi+json")], SINGLE_LIMIT).await?;
        // serde would also read an array as a struct
        let object = answer.body.trim_ascii_start().starts_with(b"{");
        let document: Document = serde_json::from_slice(if object { &answer.body } else { b"" })
            .map_err(|e| ApiError::Damaged(format!("the API's description of schema {schema} is not readable: {e}")))?;
        let described: HashSet<&str> = document.definitions.0.iter().map(|(name, _)| name.as_str()).collect();
        let tables = document.paths.0.iter().filter_map(|(path, _)| path.strip_prefix('/'));
        if let Some(lost) = tables.filter(|p| !p.is_empty() && !p.starts_with("rpc/")).find(|p| !described.contains(p))
        {
            return Err(ApiError::Damaged(format!(
                "the API's description of schema {schema} names {lost:?} and does not describe it"
            )));
        }
        let paths: HashMap<&str, &Ordered<IgnoredAny>> =
            document.paths.0.iter().map(|(path, methods)| (path.as_str(), methods)).collect();
        let relations = document.definitions.0.into_iter().map(|(name, definition)| {
            let methods = paths.get(format!("/{name}").as_str()).copied();
            relation(TableName::new(schema, name.clone()), definition, methods)
        });
        Ok(Catalog { schemas: vec![schema.to_owned()], relations: relations.collect(), server: document.info.version })
    }
}

/// PostgREST always sends these, but for `definitions` where a schema is empty: what lacks one is no
/// description, and not an empty schema.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "swagger")]
    _swagger: String,
    info: Info,
    #[serde(default)]
    definitions: Ordered<Definition>,
    paths: Ordered<Ordered<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Info {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Definition {
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    properties: Ordered<Property>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Property {
    format: Option<String>,
    description: Option<String>,
    default: Option<serde_json::Value>,
    #[serde(default, rename = "enum")]
    labels: Vec<serde_json::Value>,
    #[serde(rename = "maxLength")]
    max_length: Option<i64>,
}

fn relation(name: TableName, definition: Definition, methods: Option<&Ordered<IgnoredAny>>) -> Relation {
    let writable = methods.is_none_or(|m| m.0.iter().any(|(method, _)| method == "post"));
    let mut primary_key = Vec::new();
    let mut columns = Vec::with_capacity(definition.properties.0.len());
    for (column, property) in definition.properties.0 {
        let notes = Notes::of(property.description.as_deref().unwrap_or_default());
        if notes.primary_key {
            primary_key.push(column.clone());
        }
        columns.push(Column {
            required: definition.required.contains(&column),
            name: column,
            type_name: property.format.unwrap_or_default(),
            default: property.default,
            labels: property.labels.iter().map(|l| l.as_str().unwrap_or_default().to_owned()).collect(),
            max_length: property.max_length,
            references: notes.references,
            comment: notes.comment,
        });
    }
    // A key note is free text that a comment can imitate; a real key's columns are NOT NULL.
    let by_name = |n: &String| columns.iter().find(|c| &c.name == n);
    primary_key.retain(|n| by_name(n).is_some_and(|c| c.required));
    let kind = if writable { RelationKind::TableOrView } else { RelationKind::ReadOnly };
    Relation { name, kind, columns, primary_key, comment: definition.description }
}

/// What PostgREST appends to a column's comment: `Note:\nThis is a Primary Key.<pk/>` and
/// ``This is a Foreign Key to `t.c`.<fk table='t' column='c'/>``.
struct Notes {
    comment: Option<String>,
    primary_key: bool,
    references: Option<ForeignKey>,
}

impl Notes {
    fn of(description: &str) -> Self {
        let mut rest = description;
        let mut references = None;
        if let Some((before, tag)) = rest.strip_suffix("'/>").and_then(|r| r.rsplit_once("<fk table='"))
            && let Some((table, column)) = tag.split_once("' column='")
        {
            references = Some(ForeignKey { table: table.to_owned(), column: column.to_owned() });
            rest = before.rsplit_once("This is a Foreign Key to").map_or(before, |(b, _)| b.trim_end());
        }
        let mut primary_key = false;
        if let Some(before) = rest.strip_suffix("This is a Primary Key.<pk/>") {
            primary_key = true;
            rest = before;
        }
        if primary_key || references.is_some() {
            rest = rest.trim_end().strip_suffix("Note:").unwrap_or(rest);
        }
        let comment = rest.trim_end();
        Self { comment: (!comment.is_empty()).then(|| comment.to_owned()), primary_key, references }
    }
}

/// A JSON object with its members in the order in which they were sent.
struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Ordered(members))
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_split_from_comments_and_a_faked_note_is_only_text() {
        let notes = Notes::of("The id\n\nNote:\nThis is a Primary Key.<pk/>");
        assert!(notes.primary_key);
        assert_eq!(notes.comment.as_deref(), Some("The id"));
        let notes = Notes::of(
            "Note:\nThis is a Primary Key.<pk/>\nThis is a Foreign Key to `users.id`.<fk table='users' column='id'/>",
        );
        assert!(notes.primary_key);
        assert_eq!(notes.references, Some(ForeignKey { table: "users".into(), column: "id".into() }));
        assert_eq!(notes.comment, None);
        let notes = Notes::of("<pk/> in the middle");
        assert!(!notes.primary_key);
        assert_eq!(notes.comment.as_deref(), Some("<pk/> in the middle"));
    }

    #[test]
    fn a_key_note_on_a_nullable_column_is_not_believed() -> Result<(), serde_json::Error> {
        let definition = r#"{"required":["id"],"properties":{
            "id":{"format":"integer","description":"Note:\nThis is a Primary Key.<pk/>"},
            "fake":{"format":"text","description":"Evil\n\nNote:\nThis is a Primary Key.<pk/>"}}}"#;
        let relation = relation(TableName::new("public", "t"), serde_json::from_str(definition)?, None);
        assert_eq!(relation.primary_key, ["id"]);
        assert_eq!(relation.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["id", "fake"]);
        Ok(())
    }
}
