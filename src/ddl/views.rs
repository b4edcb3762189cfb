//! Views and materialized views.

use std::collections::{HashMap, HashSet};

use crate::ddl::build::{Build, options, qualified, rank};
use crate::ddl::facts::Relation;
use crate::ddl::graph::{Id, Section};
use crate::model::quote_identifier;

impl Build<'_> {
    pub(crate) fn views(&mut self) {
        for view in self.facts.relations.iter().filter(|r| matches!(r.kind.as_str(), "v" | "m")) {
            if !self.wants(view.oid) {
                continue;
            }
            let name = qualified(&view.schema, &view.name);
            let id = Id::new("pg_class", view.oid);
            let (word, sql, stand_in) = if view.kind == "v" {
                ("VIEW", self.view(view, &name), Some(stand_in(view, &name)))
            } else {
                ("MATERIALIZED VIEW", materialized(view, &name), None)
            };
            self.add_pieces(id.clone(), rank::VIEW, name.clone(), vec![sql.into()], stand_in);
            self.name(id, format!("{word} {name}"), Some(&view.owner));
            self.rights_of_columns(view, &name);
        }
        self.refreshes();
    }

    fn view(&self, view: &Relation, name: &str) -> String {
        let with = options(&[("", &view.options)]).map(|o| format!(" WITH ({o})")).unwrap_or_default();
        let definition = view.definition.as_deref().unwrap_or_default();
        let mut sql = format!("CREATE VIEW {name}{with} AS\n{definition}\n");
        for column in view.columns.iter().flatten() {
            if let Some(default) = &column.default {
                let column = quote_identifier(&column.name);
                sql += &format!("ALTER VIEW {name} ALTER COLUMN {column} SET DEFAULT {default};\n");
            }
        }
        sql
    }

    /// Populated ones are refreshed after the rows, each after those that it reads.
    fn refreshes(&mut self) {
        let populated: Vec<&Relation> =
            self.facts.relations.iter().filter(|r| r.kind == "m" && r.populated && self.wants(r.oid)).collect();
        if populated.is_empty() {
            return;
        }
        let oids: HashSet<u64> = populated.iter().map(|r| r.oid).collect();
        let reads = self.reads();
        for view in populated {
            let id = Id::new("refresh", view.oid);
            let name = qualified(&view.schema, &view.name);
            for other in reached(&reads, view.oid).into_iter().filter(|oid| oids.contains(oid)) {
                self.graph.needs(id.clone(), Id::new("refresh", other));
            }
            let sql = format!("REFRESH MATERIALIZED VIEW {name};\n");
            self.add(id, Section::After, rank::REFRESH, name, sql);
        }
    }

    /// For every relation with a rule, the relations that the rule reads.
    fn reads(&self) -> HashMap<u64, Vec<u64>> {
        let rules: HashMap<u64, u64> =
            self.facts.aliases.iter().filter(|a| a.class == "pg_rewrite").map(|a| (a.oid, a.is_oid)).collect();
        let mut reads: HashMap<u64, Vec<u64>> = HashMap::new();
        for need in &self.facts.dependencies {
            if need.class == "pg_rewrite"
                && need.on_class == "pg_class"
                && let Some(view) = rules.get(&need.oid)
            {
                reads.entry(*view).or_default().push(need.on_oid);
            }
        }
        reads
    }
}

fn reached(reads: &HashMap<u64, Vec<u64>>, from: u64) -> HashSet<u64> {
    let mut seen = HashSet::new();
    let mut todo = vec![from];
    while let Some(oid) = todo.pop() {
        for to in reads.get(&oid).into_iter().flatten() {
            if *to != from && seen.insert(*to) {
                todo.push(*to);
            }
        }
    }
    seen
}

fn materialized(view: &Relation, name: &str) -> String {
    let using = view.access_method.as_ref().map(|m| format!(" USING {}", quote_identifier(m))).unwrap_or_default();
    let with = options(&[("", &view.options), ("toast.", &view.toast_options)]);
    let with = with.map(|o| format!(" WITH ({o})")).unwrap_or_default();
    let definition = view.definition.as_deref().unwrap_or_default().trim_end_matches(';');
    let mut sql = format!("CREATE MATERIALIZED VIEW {name}{using}{with} AS\n{definition}\nWITH NO DATA;\n");
    for column in view.columns.iter().flatten() {
        if let Some(target) = column.statistics {
            let column = quote_identifier(&column.name);
            sql += &format!("ALTER MATERIALIZED VIEW {name} ALTER COLUMN {column} SET STATISTICS {target};\n");
        }
    }
    sql
}

/// A view of the same columns over nothing: until everything that the real one needs is there.
fn stand_in(view: &Relation, name: &str) -> String {
    let column = |c: &crate::ddl::facts::Column| {
        let collation = c.collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
        format!("\tCAST(NULL AS {}){collation} AS {}", c.type_name, quote_identifier(&c.name))
    };
    let columns: Vec<String> = view.columns.iter().flatten().map(column).collect();
    format!("CREATE VIEW {name} AS\nSELECT\n{};\n", columns.join(",\n"))
}
