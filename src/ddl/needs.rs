//! What the scripts need and do not make, because every Supabase project has it: for a server that has not.

use std::collections::BTreeSet;

use crate::ddl::Facts;
use crate::ddl::target::{name, names};
use crate::model::TableName;

/// An extension of the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionNeed {
    /// Its name.
    pub name: String,
    /// The schema that it stands in; `None`: one that it makes itself.
    pub schema: Option<String>,
}

/// A foreign key to a table that the scripts do not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideKey {
    /// The table that is referred to, and the columns there.
    pub to: TableName,
    /// Empty: its primary key.
    pub to_columns: Vec<String>,
    /// The table that refers to it.
    pub from: TableName,
    /// Its columns, each with the type.
    pub columns: Vec<(String, String)>,
}

/// A foreign key that the scripts make.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MadeKey {
    /// Its table.
    pub table: TableName,
    /// Its name.
    pub name: String,
    /// Whether every row was held to it.
    pub validated: bool,
}

impl Facts {
    /// The project's own schemas, and those that it shares with every project and may make things in.
    pub fn own_schemas(&self) -> BTreeSet<&str> {
        self.schemas.iter().map(|schema| schema.name.as_str()).collect()
    }

    /// Every schema that something of the project stands in.
    pub fn used_schemas(&self) -> BTreeSet<&str> {
        let relations = self.relations.iter().map(|r| r.schema.as_str());
        let types = self.types.iter().map(|t| t.schema.as_str());
        let functions = self.functions.iter().map(|f| f.schema.as_str());
        let sequences = self.sequences.iter().map(|s| s.schema.as_str());
        relations.chain(types).chain(functions).chain(sequences).collect()
    }

    /// Roles that are the project's own.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|role| role.name.as_str())
    }

    /// Its extensions.
    pub fn extension_needs(&self) -> Vec<ExtensionNeed> {
        let need = |e: &crate::ddl::facts::Extension| ExtensionNeed {
            name: e.name.clone(),
            schema: (!e.makes_schema).then(|| e.schema.clone()),
        };
        self.extensions.iter().map(need).collect()
    }

    /// Whether the scripts make a function of this name.
    pub fn makes_function(&self, schema: &str, name: &str) -> bool {
        self.functions.iter().any(|f| f.schema == schema && f.name == name)
    }

    /// Whether the scripts make a relation of this name, whatever it is.
    pub fn makes_relation(&self, table: &TableName) -> bool {
        self.relations.iter().any(|r| r.schema == table.schema && r.name == table.name)
    }

    /// Version of the server that it was read from: 17.
    pub fn server_major(&self) -> Option<u32> {
        self.server.first().map(|server| server.version / 10_000)
    }

    /// Foreign keys to tables that the scripts do not make.
    pub fn outside_keys(&self) -> Vec<OutsideKey> {
        let made: BTreeSet<TableName> = self.made_tables().into_iter().collect();
        let keys = self.constraints.iter().filter(|c| c.kind == "f" && c.parent == 0);
        let keys = keys.filter_map(|constraint| {
            let table = self.relations.iter().find(|r| r.oid == constraint.table_oid)?;
            let (own, rest) = names(constraint.definition.strip_prefix("FOREIGN KEY ")?)?;
            let (schema, rest) = name(rest.strip_prefix(" REFERENCES ")?)?;
            let (relation, rest) = name(rest.strip_prefix('.')?)?;
            let (to_columns, _) = names(rest)?;
            let type_of = |name: &String| {
                let column = table.columns.iter().flatten().find(|column| column.name == *name);
                (name.clone(), column.map(|column| column.type_name.clone()).unwrap_or_default())
            };
            Some(OutsideKey {
                to: TableName::new(schema, relation),
                to_columns,
                from: TableName::new(&table.schema, &table.name),
                columns: own.iter().map(type_of).collect(),
            })
        });
        keys.filter(|key| !made.contains(&key.to)).collect()
    }

    /// Every foreign key that the scripts make by name; those of partitions come from their parents.
    pub fn made_keys(&self) -> BTreeSet<MadeKey> {
        let keys = self.constraints.iter().filter(|c| c.kind == "f" && c.parent == 0);
        let key = |constraint: &crate::ddl::facts::Constraint| {
            let table = self.relations.iter().find(|r| r.oid == constraint.table_oid)?;
            Some(MadeKey {
                table: TableName::new(&table.schema, &table.name),
                name: constraint.name.clone(),
                validated: constraint.validated,
            })
        };
        keys.filter_map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_to_what_is_not_made_are_told_with_their_types() -> Result<(), serde_json::Error> {
        let facts = crate::ddl::target::tests::facts(&[
            (
                "relations",
                json!([crate::ddl::target::tests::relation(
                    1,
                    "members",
                    None,
                    &[crate::ddl::target::tests::column("id", &json!({"type": "uuid"}))]
                )]),
            ),
            (
                "constraints",
                json!([{"oid": 5, "table_oid": 1, "name": "fk", "kind": "f", "validated": true, "local": true, "parent": 0,
                    "definition": "FOREIGN KEY (id) REFERENCES auth.users(id) ON DELETE CASCADE"}]),
            ),
        ])?;
        let keys = facts.outside_keys();
        assert_eq!(keys.len(), 1);
        assert_eq!((&keys[0].to, &keys[0].to_columns), (&TableName::new("auth", "users"), &vec!["id".to_owned()]));
        assert_eq!(keys[0].columns, [("id".to_owned(), "uuid".to_owned())]);
        assert_eq!(facts.made_keys().len(), 1);
        Ok(())
    }
}
