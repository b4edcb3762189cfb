//! What comes after the rows: indexes, keys, statistics, triggers, rules, policies, publications.

use crate::ddl::build::{Build, qualified, rank};
use crate::ddl::facts::{Policy, Publication, Trigger};
use crate::ddl::graph::{Id, Section};
use crate::format::quote_literal;
use crate::model::quote_identifier;

impl Build<'_> {
    pub(crate) fn indexes(&mut self) {
        for index in &self.facts.indexes {
            let name = qualified(&index.schema, &index.name);
            let Some(table) = self.relation_name(index.table_oid) else { continue };
            let id = Id::new("pg_class", index.oid);
            let mut more = String::new();
            for (column, target) in index.statistics.iter().flatten() {
                more += &format!("ALTER INDEX {name} ALTER COLUMN {column} SET STATISTICS {target};\n");
            }
            if index.clustered {
                more += &format!("ALTER TABLE {table} CLUSTER ON {};\n", quote_identifier(&index.name));
            }
            if index.replica_identity {
                let index = quote_identifier(&index.name);
                more += &format!("ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {index};\n");
            }
            match index.constraint_oid {
                Some(constraint) => {
                    self.graph.alias(id.clone(), Id::new("pg_constraint", constraint));
                    if !more.is_empty() {
                        let id = Id::new("index options", index.oid);
                        self.graph.needs(id.clone(), Id::new("pg_constraint", constraint));
                        self.add(id, Section::After, rank::INDEX_ATTACH, name.clone(), more);
                    }
                }
                None if !index.valid && index.kind == "i" => {
                    self.missing(
                        format!("index {name}"),
                        "it is not valid (CREATE INDEX CONCURRENTLY failed): the server does not use it either",
                    );
                    continue;
                }
                None => {
                    let sql = format!("{};\n{more}", index.definition);
                    self.graph.needs(id.clone(), Id::new("pg_class", index.table_oid));
                    self.add(id.clone(), Section::After, rank::INDEX, name.clone(), sql);
                }
            }
            self.named.insert(id.clone(), format!("INDEX {name}"));
            if let Some(parent) = index.parent {
                self.attach_index(&id, parent, &name);
            }
        }
    }

    fn attach_index(&mut self, id: &Id, parent: u64, name: &str) {
        let Some(above) = self.facts.indexes.iter().find(|i| i.oid == parent) else { return };
        let sql = format!("ALTER INDEX {} ATTACH PARTITION {name};\n", qualified(&above.schema, &above.name));
        let attach = Id::new("attach index", id.oid);
        self.graph.needs(attach.clone(), id.clone());
        self.graph.needs(attach.clone(), Id::new("pg_class", parent));
        self.add(attach, Section::After, rank::INDEX_ATTACH, name.to_owned(), sql);
    }

    pub(crate) fn constraints(&mut self) {
        for constraint in &self.facts.constraints {
            let Some(relation) = self.relations.get(&constraint.table_oid).copied() else { continue };
            let table = qualified(&relation.schema, &relation.name);
            let name = quote_identifier(&constraint.name);
            let id = Id::new("pg_constraint", constraint.oid);
            self.named.insert(id.clone(), format!("CONSTRAINT {name} ON {table}"));
            let word = if relation.kind == "f" { "ALTER FOREIGN TABLE" } else { "ALTER TABLE" };
            let only = if relation.kind == "p" && constraint.kind == "f" { "" } else { " ONLY" };
            let (at, kind) = match constraint.kind.as_str() {
                // on a partition, the server makes the parent's itself
                "f" if constraint.parent != 0 => continue,
                "f" => (format!("{word}{only} {table}"), rank::FOREIGN_KEY),
                "c" if !constraint.validated && constraint.local => (format!("{word} {table}"), rank::KEY),
                "c" if relation.of_type.is_some() => (format!("{word} {table}"), rank::KEY),
                "c" => continue, // stands in CREATE TABLE
                _ => (format!("{word} ONLY {table}"), rank::KEY),
            };
            self.graph.needs(id.clone(), Id::new("pg_class", constraint.table_oid));
            let sql = format!("{at} ADD CONSTRAINT {name} {};\n", constraint.definition);
            self.add(id, Section::After, kind, format!("{table} {name}"), sql);
        }
    }

    pub(crate) fn statistics(&mut self) {
        for statistics in &self.facts.statistics {
            if !self.wants(statistics.table_oid) {
                continue;
            }
            let name = qualified(&statistics.schema, &statistics.name);
            let id = Id::new("pg_statistic_ext", statistics.oid);
            let mut sql = format!("{};\n", statistics.definition);
            if let Some(target) = statistics.target {
                sql += &format!("ALTER STATISTICS {name} SET STATISTICS {target};\n");
            }
            self.add(id.clone(), Section::After, rank::STATISTICS, name.clone(), sql);
            self.name(id, format!("STATISTICS {name}"), None);
        }
    }

    pub(crate) fn triggers(&mut self) {
        for trigger in &self.facts.triggers {
            if !self.wants(trigger.table_oid) {
                continue;
            }
            let table = qualified(&trigger.schema, &trigger.table);
            let name = quote_identifier(&trigger.name);
            let id = Id::new("pg_trigger", trigger.oid);
            let sql = trigger_sql(trigger, &table, &name);
            if trigger.acts_outside {
                self.on_purpose.push(sql);
                continue;
            }
            self.named.insert(id.clone(), format!("TRIGGER {name} ON {table}"));
            self.graph.needs(id.clone(), Id::new("pg_class", trigger.table_oid));
            self.add(id, Section::After, rank::TRIGGER, format!("{table} {name}"), sql);
        }
    }

    pub(crate) fn rules(&mut self) {
        for rule in &self.facts.rules {
            if !self.wants(rule.table_oid) {
                continue;
            }
            let table = qualified(&rule.schema, &rule.table);
            let name = quote_identifier(&rule.name);
            let id = Id::new("pg_rewrite", rule.oid);
            let state = enabling(&rule.enabled).map(|word| format!("ALTER TABLE {table} {word} RULE {name};\n"));
            let sql = format!("{}\n{}", rule.definition, state.unwrap_or_default());
            self.named.insert(id.clone(), format!("RULE {name} ON {table}"));
            self.graph.needs(id.clone(), Id::new("pg_class", rule.table_oid));
            self.add(id, Section::After, rank::RULE, format!("{table} {name}"), sql);
        }
    }

    /// Row level security, its policies, and what replication identifies rows by.
    pub(crate) fn policies(&mut self) {
        for table in &self.facts.relations {
            if !self.wants(table.oid) {
                continue;
            }
            let name = qualified(&table.schema, &table.name);
            let mut sql = String::new();
            if table.row_security {
                sql += &format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;\n");
            }
            if table.force_row_security {
                sql += &format!("ALTER TABLE ONLY {name} FORCE ROW LEVEL SECURITY;\n");
            }
            match table.replica_identity.as_str() {
                "n" if table.kind != "v" && table.kind != "f" => {
                    sql += &format!("ALTER TABLE ONLY {name} REPLICA IDENTITY NOTHING;\n");
                }
                "f" => sql += &format!("ALTER TABLE ONLY {name} REPLICA IDENTITY FULL;\n"),
                _ => {}
            }
            if !sql.is_empty() {
                self.add(Id::new("row security", table.oid), Section::After, rank::POLICY, name, sql);
            }
        }
        for policy in &self.facts.policies {
            if !self.wants(policy.table_oid) {
                continue;
            }
            let table = qualified(&policy.schema, &policy.table);
            let name = quote_identifier(&policy.name);
            let id = Id::new("pg_policy", policy.oid);
            self.named.insert(id.clone(), format!("POLICY {name} ON {table}"));
            self.graph.needs(id.clone(), Id::new("pg_class", policy.table_oid));
            self.add(id, Section::After, rank::POLICY, format!("{table} {name}"), policy_sql(policy, &table, &name));
        }
    }

    pub(crate) fn publications(&mut self) {
        for publication in &self.facts.publications {
            let name = quote_identifier(&publication.name);
            let id = Id::new("pg_publication", publication.oid);
            self.named.insert(id.clone(), format!("PUBLICATION {name}"));
            if publication.all_tables {
                self.missing(format!("publication {name}"), "only a superuser can publish all tables");
                continue;
            }
            if publication.schemas.iter().flatten().next().is_some() {
                self.missing(format!("schemas in publication {name}"), "only a superuser can publish whole schemas");
            }
            self.add(id, Section::After, rank::PUBLICATION, name.clone(), publication_sql(publication, &name));
        }
    }
}

fn trigger_sql(trigger: &Trigger, table: &str, name: &str) -> String {
    let usual = trigger.parent_enabled.as_deref().unwrap_or("O");
    // a partition's copy of its parent's trigger is made with it
    let create = if trigger.parent_enabled.is_some() { String::new() } else { format!("{};\n", trigger.definition) };
    if trigger.enabled == usual {
        return create;
    }
    let word = enabling(&trigger.enabled).unwrap_or("ENABLE");
    format!("{create}ALTER TABLE {table} {word} TRIGGER {name};\n")
}

/// How a trigger or rule that is not simply on comes to its state.
pub(crate) fn enabling(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "D" => "DISABLE",
        "R" => "ENABLE REPLICA",
        "A" => "ENABLE ALWAYS",
        _ => return None,
    })
}

fn policy_sql(policy: &Policy, table: &str, name: &str) -> String {
    let command = match policy.command.as_str() {
        "r" => " FOR SELECT",
        "a" => " FOR INSERT",
        "w" => " FOR UPDATE",
        "d" => " FOR DELETE",
        _ => "",
    };
    let kind = if policy.permissive { "" } else { " AS RESTRICTIVE" };
    let roles: Vec<String> = policy
        .roles
        .iter()
        .flatten()
        .map(|role| role.as_deref().map_or_else(|| "PUBLIC".to_owned(), quote_identifier))
        .collect();
    let mut sql = format!("CREATE POLICY {name} ON {table}{kind}{command} TO {}", roles.join(", "));
    if let Some(using) = &policy.using {
        sql += &format!(" USING ({using})");
    }
    if let Some(check) = &policy.check {
        sql += &format!(" WITH CHECK ({check})");
    }
    sql + ";\n"
}

/// Made where it is not there yet: every Supabase project has one for Realtime.
fn publication_sql(p: &Publication, name: &str) -> String {
    let actions = [(p.insert, "insert"), (p.update, "update"), (p.delete, "delete"), (p.truncate, "truncate")];
    let actions: Vec<&str> = actions.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    let mut with = format!("publish = {}", quote_literal(&actions.join(", ")));
    with += &format!(", publish_via_partition_root = {}", p.via_root);
    if p.generated_columns.as_deref() == Some("s") {
        with += ", publish_generated_columns = stored";
    }
    let create = format!("CREATE PUBLICATION {name} WITH ({with})");
    let mut sql = format!(
        "DO $publication$ BEGIN\n\tIF NOT EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = {}) THEN\n\t\t\
         {create};\n\tELSE\n\t\tALTER PUBLICATION {name} SET ({with});\n\tEND IF;\nEND $publication$;\n",
        quote_literal(&p.name)
    );
    let tables: Vec<String> = p
        .tables
        .iter()
        .flatten()
        .map(|t| {
            let columns: Vec<String> = t.columns.iter().flatten().map(|c| quote_identifier(c)).collect();
            let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
            let filter = t.filter.as_ref().map(|f| format!(" WHERE ({f})")).unwrap_or_default();
            format!("\n\tTABLE ONLY {}{columns}{filter}", qualified(&t.schema, &t.table))
        })
        .collect();
    if !tables.is_empty() {
        sql += &format!("ALTER PUBLICATION {name} SET{};\n", tables.join(","));
    }
    sql
}
