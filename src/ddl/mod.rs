//! From what the catalog tells to SQL that makes it again: as `pg_dump` would, for a role that is no
//! superuser, in an order in which every object finds what it needs. Pure: no I/O.
//!
//! Where PostgreSQL itself writes a definition (`pg_get_functiondef`, `pg_get_viewdef`,
//! `pg_get_constraintdef`, …) its text is taken as it is, bodies of functions byte for byte.

mod acl;
mod after;
mod build;
mod facts;
mod frame;
mod graph;
mod held;
mod inferred;
mod needs;
mod routines;
mod statements;
mod subset;
mod tables;
mod target;
mod type_facts;
mod types;
mod views;

use std::collections::HashSet;

use build::Build;
pub use facts::Facts;
use graph::Id;
pub use held::{HeldTables, held, types_of};
pub use inferred::{UNKNOWN, inferred};
pub use needs::{ExtensionNeed, MadeKey, OutsideKey};
pub use statements::statements;
pub use subset::script_of_tables;

use crate::format::quote_literal;
use crate::model::{Manifest, Missing, TableName};

/// The scripts that make a project's structure again.
#[derive(Debug, Default)]
pub struct Script {
    /// Before the rows: roles, schemas, extensions, types, functions, tables, views.
    pub before: String,
    /// Between: positions of sequences.
    pub sequences: String,
    /// After the rows: keys, indexes, foreign keys, triggers, policies, rights, comments.
    pub after: String,
    /// What acts by itself from the moment that it is there: a person runs it on purpose. Empty if
    /// there is nothing of the kind.
    pub on_purpose: String,
    /// Everything that was seen and is not in the scripts.
    pub missing: Vec<Missing>,
    /// What a person should know, and what nothing is lost by.
    pub notes: Vec<String>,
}

/// Where a sequence stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its last value.
    pub last_value: i64,
    /// Whether that value was handed out.
    pub is_called: bool,
}

impl Facts {
    /// Reads the document that the catalog statement gives.
    pub fn parse(json: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// The project's tables that hold rows of their own.
    pub fn tables_with_rows(&self) -> impl Iterator<Item = TableName> {
        let tables = self.relations.iter().filter(|r| matches!(r.kind.as_str(), "r" | "p") && !r.is_partition);
        tables.map(|r| TableName::new(&r.schema, &r.name))
    }

    /// Every table that the definition makes, partitions too.
    pub fn made_tables(&self) -> Vec<TableName> {
        let tables = self.relations.iter().filter(|r| matches!(r.kind.as_str(), "r" | "p"));
        tables.map(|r| TableName::new(&r.schema, &r.name)).collect()
    }

    /// Columns of a table that the server computes.
    pub fn generated_columns(&self, table: &TableName) -> Vec<String> {
        let of = self.relations.iter().find(|r| r.schema == table.schema && r.name == table.name);
        let columns = of.into_iter().flat_map(|r| r.columns.iter().flatten());
        columns.filter(|c| !c.generated.is_empty()).map(|c| c.name.clone()).collect()
    }

    /// Where sequences stood; those that the role could not read are left out.
    pub fn positions(&self) -> Vec<Position> {
        let position = |s: &facts::Sequence| {
            Some(Position {
                schema: s.schema.clone(),
                name: s.name.clone(),
                last_value: s.last_value.as_deref()?.parse().ok()?,
                is_called: s.is_called?,
            })
        };
        self.sequences.iter().filter_map(position).collect()
    }

    /// The server's version in words.
    pub fn server_version(&self) -> Option<&str> {
        self.server.first().map(|server| server.version_text.as_str())
    }
}

/// Sets what the text of rows depends on, as the project's server printed it; empty where that is not
/// known. `money` depends on a locale that another machine may not have: it is set only where a
/// column needs it.
pub fn settings(manifest: &Manifest) -> String {
    let Some(print) = &manifest.settings.api else { return String::new() };
    let mut out = String::new();
    for (name, value) in [
        ("DateStyle", &print.date_style),
        ("IntervalStyle", &print.interval_style),
        ("TimeZone", &print.time_zone),
        ("bytea_output", &print.bytea_output),
        ("extra_float_digits", &print.extra_float_digits),
    ] {
        out += &format!("SET {name} = {};\n", quote_literal(value));
    }
    if manifest.tables.iter().any(|t| t.columns.iter().any(|c| c.type_name.starts_with("money"))) {
        out += &format!("SET lc_monetary = {};\n", quote_literal(&print.lc_monetary));
    }
    out
}

/// Writes the scripts of everything.
pub fn script(facts: &Facts) -> Script {
    write(facts, None)
}

/// Writes the scripts of everything, or of the relations with these oids alone.
fn write(facts: &Facts, only: Option<&HashSet<u64>>) -> Script {
    let mut build = Build::new(facts, only);
    let (mut roles, mut schemas, mut extensions, mut servers) = Default::default();
    let (mut buckets, mut defaults) = <(String, Vec<String>)>::default();
    if only.is_none() {
        roles = build.roles();
        schemas = build.schemas();
        extensions = build.extensions();
        build.collations();
        build.types();
        build.text_search();
        build.functions();
        build.aggregates();
        build.operators();
        build.casts();
        servers = build.servers();
        build.publications();
        build.acting();
        buckets = build.buckets();
        defaults = build.default_rights();
    }
    let positions = build.sequences();
    build.tables();
    build.views();
    build.indexes();
    build.constraints();
    build.statistics();
    build.rules();
    build.triggers();
    build.policies();
    let comments = build.comments();
    link(&mut build, facts);

    let Build { graph, rights, on_purpose, mut missing, owners, .. } = build;
    let ordered = graph.order();
    missing.extend(facts.unwritten.iter().filter(|_| only.is_none()).map(|u| Missing {
        subject: u.subject.clone(),
        reason: u.reason.clone(),
        fix: None,
    }));
    missing.extend(ordered.circles.iter().map(|name| Missing {
        subject: format!("order of {name}"),
        reason: "it and others need each other in a circle; its statement may fail".to_owned(),
        fix: None,
    }));
    let notes = owners.iter().map(|(owner, count)| {
        format!("{count} objects are owned by {owner} in the project; restored ones belong to the role that restores")
    });
    let lines = |list: &[String]| list.iter().map(|s| format!("{s}\n")).collect::<String>();
    Script {
        before: sections(&[
            ("", frame::SETTINGS),
            ("Roles", &roles),
            ("Schemas", &schemas),
            ("Extensions", &extensions),
            ("Foreign servers", &servers),
            ("Types, functions, tables, views", &ordered.before.concat()),
        ]),
        sequences: if positions.is_empty() {
            String::new()
        } else {
            sections(&[("", frame::SETTINGS), ("Positions of sequences", &positions)])
        },
        after: sections(&[
            ("", frame::SETTINGS),
            ("Indexes, keys, triggers, rules, policies, publications", &ordered.after.concat()),
            ("Comments", &comments),
            ("Rights", &lines(&rights)),
            ("Default rights", &lines(&defaults)),
            ("Buckets", &buckets),
            ("End", "SET session_replication_role = origin;\n"),
        ]),
        on_purpose: if on_purpose.is_empty() {
            String::new()
        } else {
            format!("SET search_path = '';\n\n{}", on_purpose.join("\n"))
        },
        missing,
        notes: notes.collect(),
    }
}

/// Who needs whom, as the server keeps it.
fn link(build: &mut Build<'_>, facts: &Facts) {
    for alias in &facts.aliases {
        build.graph.alias(Id::new(&alias.class, alias.oid), Id::new(&alias.is_class, alias.is_oid));
    }
    let owned: std::collections::HashSet<u64> =
        facts.sequences.iter().filter(|s| s.ownership.as_deref() == Some("a")).map(|s| s.oid).collect();
    for need in &facts.dependencies {
        // OWNED BY is a statement of its own: the table's default needs the sequence first
        if need.class == "pg_class" && need.on_class == "pg_class" && owned.contains(&need.oid) {
            continue;
        }
        build.graph.needs(Id::new(&need.class, need.oid), Id::new(&need.on_class, need.on_oid));
    }
}

fn sections(parts: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (title, text) in parts.iter().filter(|(_, text)| !text.is_empty()) {
        if !title.is_empty() {
            out += &format!("\n--\n-- {title}\n--\n\n");
        }
        out += text;
    }
    out
}
