//! The project that rows are restored into, as its catalog tells it.

use std::collections::HashMap;

use crate::ddl::facts::{Column, Constraint, Facts, Relation, Sequence, Trigger};
use crate::model::{
    Identity, Reference, TableName, Target, TargetColumn, TargetTable, TargetTrigger, sequence_of_default,
};

impl Facts {
    /// The tables of the project that hold rows, and what writing rows into them has to know.
    pub fn target(&self) -> Target {
        let tables = self.relations.iter().filter(|r| matches!(r.kind.as_str(), "r" | "p"));
        let of_table = by_table(&self.constraints, |c| c.table_oid);
        let sequences = by_table(&self.sequences, |s| s.table_oid.unwrap_or(0));
        let triggers = by_table(&self.triggers, |t| t.table_oid);
        let tables = tables.map(|relation| {
            let constraints = of_table.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
            let sequences = sequences.get(&relation.oid).map(Vec::as_slice).unwrap_or_default();
            let columns: Vec<TargetColumn> =
                relation.columns.iter().flatten().map(|column| target_column(column, sequences)).collect();
            // those of a partition come from its parent, and those that hold for the partitions of the
            // table that is referred to repeat the one that holds for all of it
            let foreign = constraints.iter().filter(|c| c.kind == "f" && c.parent == 0);
            TargetTable {
                name: TableName::new(&relation.schema, &relation.name),
                primary_key: primary_key(constraints),
                references: foreign.filter_map(|c| reference(c, &columns)).collect(),
                triggers: self
                    .with_partitions(relation)
                    .flat_map(|oid| triggers.get(&oid))
                    .flatten()
                    .filter_map(|t| trigger(t))
                    .collect(),
                columns,
            }
        });
        Target { tables: tables.collect(), is_exact: true }
    }

    /// The oids of a table and of all its partitions: a row fires the triggers of the partition that it
    /// comes into.
    fn with_partitions(&self, relation: &Relation) -> impl Iterator<Item = u64> {
        let mut oids = vec![relation.oid];
        let mut at = 0;
        while let Some(&parent) = oids.get(at) {
            let is_of = |r: &&Relation| r.is_partition && r.parents.iter().flatten().any(|&oid| oid == parent);
            oids.extend(self.relations.iter().filter(is_of).map(|r| r.oid));
            at += 1;
        }
        oids.into_iter()
    }
}

fn by_table<T>(all: &[T], table: impl Fn(&T) -> u64) -> HashMap<u64, Vec<&T>> {
    let mut of_table: HashMap<u64, Vec<&T>> = HashMap::new();
    all.iter().for_each(|one| of_table.entry(table(one)).or_default().push(one));
    of_table
}

fn target_column(column: &Column, sequences: &[&Sequence]) -> TargetColumn {
    let own = sequences.iter().find(|sequence| sequence.column.as_deref() == Some(&column.name));
    let by_default = column.default.as_deref().and_then(sequence_of_default);
    let identity = match column.identity.as_str() {
        "a" => Identity::Always,
        "d" => Identity::ByDefault,
        _ => Identity::None,
    };
    // OWNED BY alone does not make values of a column come from a sequence
    let own = own.filter(|_| identity != Identity::None).map(|s| dotted(&s.schema, &s.name));
    TargetColumn {
        name: column.name.clone(),
        type_name: column.type_name.clone(),
        not_null: column.not_null,
        has_default: column.default.is_some(),
        generated: !column.generated.is_empty(),
        identity,
        sequence: by_default.or(own),
    }
}

/// `schema.name`, quoted where needed.
fn dotted(schema: &str, name: &str) -> String {
    let part = |name: &str| {
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if plain && name.starts_with(|c: char| !c.is_ascii_digit()) {
            name.to_owned()
        } else {
            crate::model::quote_identifier(name)
        }
    };
    format!("{}.{}", part(schema), part(name))
}

fn trigger(trigger: &Trigger) -> Option<TargetTrigger> {
    if trigger.enabled == "D" {
        return None;
    }
    Some(TargetTrigger {
        name: trigger.name.clone(),
        definition: trigger.definition.clone(),
        fires_always: matches!(trigger.enabled.as_str(), "A" | "R"),
        only_as_replica: trigger.enabled == "R",
        acts_outside: trigger.acts_outside,
    })
}

fn primary_key(constraints: &[&Constraint]) -> Vec<String> {
    let definition = constraints.iter().find(|c| c.kind == "p").and_then(|c| c.definition.strip_prefix("PRIMARY KEY "));
    definition.and_then(|text| names(text).map(|(names, _)| names)).unwrap_or_default()
}

/// Reads what `pg_get_constraintdef` writes of a foreign key.
fn reference(constraint: &Constraint, columns: &[TargetColumn]) -> Option<Reference> {
    let (own, rest) = names(constraint.definition.strip_prefix("FOREIGN KEY ")?)?;
    let (first, rest) = name(rest.strip_prefix(" REFERENCES ")?)?;
    let (second, rest) = name(rest.strip_prefix('.')?)?;
    let (_, rest) = names(rest)?;
    let takes_null = |name: &String| columns.iter().any(|column| column.name == *name && !column.not_null);
    let is_full = rest.contains(" MATCH FULL");
    let actions = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"];
    let on_delete = rest.split_once(" ON DELETE ").map_or("NO ACTION", |(_, action)| {
        actions.into_iter().find(|known| action.starts_with(known)).unwrap_or("NO ACTION")
    });
    Some(Reference {
        name: Some(constraint.name.clone()),
        nullable: if is_full { own.iter().all(takes_null) } else { own.iter().any(takes_null) },
        columns: own,
        to: TableName::new(first, second),
        deferrable: rest.contains(" DEFERRABLE"),
        on_delete: Some(on_delete.to_owned()),
    })
}

/// Reads `(a, "b c")` and returns what follows.
pub(super) fn names(text: &str) -> Option<(Vec<String>, &str)> {
    let mut rest = text.strip_prefix('(')?;
    let mut all = Vec::new();
    loop {
        let (one, behind) = name(rest)?;
        all.push(one);
        rest = match behind.strip_prefix(", ") {
            Some(more) => more,
            None => return Some((all, behind.strip_prefix(')')?)),
        };
    }
}

/// Reads one name, quoted or not, and returns what follows.
pub(super) fn name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ')', '(', '.', ' ']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        let Some(more) = behind.strip_prefix('"') else { return Some((name, behind)) };
        name.push('"');
        rest = more;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn foreign(definition: &str, not_null: &[&str]) -> Option<Reference> {
        let constraint = serde_json::from_value(json!({"oid": 1, "table_oid": 1, "name": "fk", "kind": "f",
            "definition": definition, "validated": true, "local": true, "parent": 0}));
        let constraint: Constraint = constraint.ok()?;
        let column = |name: &str| TargetColumn {
            has_default: false,
            name: name.to_owned(),
            type_name: "integer".to_owned(),
            not_null: not_null.contains(&name),
            generated: false,
            identity: Identity::None,
            sequence: None,
        };
        reference(&constraint, &["a", "b c", "o\"x, (y"].map(column))
    }

    #[test]
    fn foreign_keys_are_read_as_the_server_writes_them() {
        let Some(plain) = foreign("FOREIGN KEY (a) REFERENCES public.t(id)", &[]) else { unreachable!("it is one") };
        assert_eq!((plain.columns.as_slice(), &plain.to), (&["a".to_owned()][..], &TableName::new("public", "t")));
        assert_eq!((plain.nullable, plain.deferrable, plain.on_delete.as_deref()), (true, false, Some("NO ACTION")));
        let odd = "FOREIGN KEY (\"b c\", \"o\"\"x, (y\") REFERENCES \"S.\"\" (\".\"DEFERRABLE ON DELETE CASCADE\"(\"x\"\", y\", z) \
                   MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED NOT VALID";
        let Some(odd) = foreign(odd, &["a"]) else { unreachable!("it is one") };
        assert_eq!(odd.columns, ["b c", "o\"x, (y"]);
        assert_eq!(odd.to, TableName::new("S.\" (", "DEFERRABLE ON DELETE CASCADE"));
        assert_eq!((odd.nullable, odd.deferrable, odd.on_delete.as_deref()), (true, true, Some("SET NULL")));
        for (text, not_null, expected) in [
            ("FOREIGN KEY (a, \"b c\") REFERENCES s.t(x, y)", "a", true),
            ("FOREIGN KEY (a, \"b c\") REFERENCES s.t(x, y) MATCH FULL", "a", false),
            ("FOREIGN KEY (a) REFERENCES s.t(x) ON DELETE SET DEFAULT (a)", "a", false),
        ] {
            assert_eq!(foreign(text, &[not_null]).map(|r| r.nullable), Some(expected), "{text}");
        }
        for broken in
            ["FOREIGN KEY (a", "FOREIGN KEY () REFERENCES s.t(x)", "FOREIGN KEY (\"a) REFERENCES s.t(x)", "CHECK (a)"]
        {
            assert_eq!(foreign(broken, &[]), None, "{broken}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_name_is_read_back(all in proptest::collection::vec("[a-z\"., ()é]{1,8}", 1..4), rest in "[ a-z]{0,9}") {
            let quoted: Vec<String> = all.iter().map(|name| crate::model::quote_identifier(name)).collect();
            let text = format!("({}){rest}", quoted.join(", "));
            proptest::prop_assert_eq!(names(&text), Some((all, rest.as_str())));
        }
    }

    pub(in crate::ddl) fn relation(oid: u64, name: &str, partition_of: Option<u64>, columns: &[Value]) -> Value {
        json!({"oid": oid, "schema": "public", "name": name, "owner": "postgres", "kind": "r", "persistence": "p",
            "acl": null, "options": null, "toast_options": null, "row_security": false, "force_row_security": false,
            "replica_identity": "d", "is_partition": partition_of.is_some(), "bound": null, "partition_key": null,
            "parents": partition_of.map(|oid| vec![oid]), "of_type": null, "access_method": null, "in_tablespace": false,
            "populated": true, "definition": null, "foreign": null, "columns": columns})
    }

    pub(in crate::ddl) fn column(name: &str, more: &Value) -> Value {
        let mut column = json!({"number": 1, "name": name, "type": "bigint", "not_null": false, "local": true,
            "inherited": false, "default": null, "default_oid": null, "generated": "", "collation": null, "storage": null,
            "compression": null, "statistics": null, "options": null, "foreign_options": null, "acl": null,
            "not_null_name": null, "not_null_local": null, "not_null_no_inherit": null, "not_null_validated": null});
        if let (Value::Object(column), Value::Object(more)) = (&mut column, more) {
            column.extend(more.clone());
        }
        column
    }

    pub(in crate::ddl) fn facts(members: &[(&str, Value)]) -> Result<Facts, serde_json::Error> {
        let parts = [
            "server",
            "roles",
            "schemas",
            "extensions",
            "types",
            "functions",
            "aggregates",
            "operators",
            "casts",
            "collations",
            "text_search",
            "sequences",
            "relations",
            "constraints",
            "indexes",
            "triggers",
            "rules",
            "policies",
            "event_triggers",
            "publications",
            "statistics",
            "servers",
            "default_acl",
            "comments",
            "dependencies",
            "aliases",
            "unwritten",
            "jobs",
            "buckets",
        ];
        let mut all: serde_json::Map<String, Value> =
            parts.iter().map(|name| ((*name).to_owned(), json!([]))).collect();
        all.extend(members.iter().map(|(name, rows)| ((*name).to_owned(), rows.clone())));
        Facts::parse(&Value::Object(all).to_string())
    }

    #[test]
    fn the_catalog_tells_what_writing_has_to_know() -> Result<(), serde_json::Error> {
        let columns = [
            column("id", &json!({"identity": "a", "not_null": true})),
            column("n", &json!({"default": "nextval('public.n_seq'::regclass)"})),
            column("g", &json!({"generated": "s", "default": "(id * 2)"})),
            column("loose", &json!({})),
        ];
        let sequence = |name: &str, column: &str, ownership: &str| {
            json!({"oid": 9, "schema": "public", "name": name, "owner": "postgres", "acl": null, "persistence": "p",
                "type": "bigint", "start": "1", "increment": "1", "minimum": "1", "maximum": "9", "cache": "1", "cycle": false,
                "ownership": ownership, "table_oid": 1, "column": column, "identity": "", "last_value": "1", "is_called": true})
        };
        let trigger = |table: u64, name: &str, enabled: &str| {
            json!({"oid": 7, "table_oid": table, "schema": "public", "table": "t", "name": name, "definition": "CREATE …",
                "enabled": enabled, "acts_outside": name == "hook", "parent_enabled": null})
        };
        let constraint = |kind: &str, definition: &str, parent: u64| {
            json!({"oid": 5, "table_oid": 1, "name": "c", "kind": kind, "definition": definition, "validated": true,
                "local": true, "parent": parent})
        };
        let foreign = "FOREIGN KEY (n) REFERENCES auth.users(id) ON DELETE CASCADE";
        let facts = facts(&[
            (
                "relations",
                json!([
                    relation(1, "T", None, &columns),
                    relation(2, "p1", Some(1), &columns),
                    relation(3, "p11", Some(2), &[])
                ]),
            ),
            ("sequences", json!([sequence("T_id_seq", "id", "i"), sequence("own", "loose", "a")])),
            (
                "triggers",
                json!([trigger(1, "a", "O"), trigger(1, "off", "D"), trigger(3, "hook", "A"), trigger(1, "r", "R")]),
            ),
            (
                "constraints",
                json!([
                    constraint("p", "PRIMARY KEY (id, \"N\") INCLUDE (g)", 0),
                    constraint("f", foreign, 0),
                    constraint("f", foreign, 5)
                ]),
            ),
        ])?;
        let target = facts.target();
        assert!(target.is_exact);
        let Some(table) = target.get(&TableName::new("public", "T")) else { unreachable!("it is there") };
        assert_eq!(table.primary_key, ["id", "N"]);
        let sequences: Vec<_> =
            table.columns.iter().map(|c| (c.sequence.as_deref(), c.identity, c.generated)).collect();
        assert_eq!(
            sequences,
            [
                (Some("public.\"T_id_seq\""), Identity::Always, false),
                (Some("public.n_seq"), Identity::None, false),
                (None, Identity::None, true),
                (None, Identity::None, false),
            ]
        );
        let triggers: Vec<_> = table
            .triggers
            .iter()
            .map(|t| (t.name.as_str(), t.fires_always, t.only_as_replica, t.acts_outside))
            .collect();
        assert_eq!(triggers, [("a", false, false, false), ("r", true, true, false), ("hook", true, false, true)]);
        assert_eq!(table.references.len(), 1);
        assert_eq!(
            (&table.references[0].to, table.references[0].on_delete.as_deref()),
            (&TableName::new("auth", "users"), Some("CASCADE"))
        );
        Ok(())
    }
}
