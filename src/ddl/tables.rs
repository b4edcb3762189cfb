//! Tables of every kind, sequences, and what binds them to each other.

use crate::ddl::acl::Kind;
use crate::ddl::build::{Build, dollar, foreign_options, options, qualified, rank};
use crate::ddl::facts::{Column, Constraint, Relation, Sequence};
use crate::ddl::graph::{Id, Piece, Section};
use crate::format::quote_literal;
use crate::model::quote_identifier;

impl Build<'_> {
    pub(crate) fn tables(&mut self) {
        let facts = self.facts;
        for table in facts.relations.iter().filter(|r| matches!(r.kind.as_str(), "r" | "p" | "f")) {
            if !self.wants(table.oid) {
                continue;
            }
            let name = qualified(&table.schema, &table.name);
            let id = Id::new("pg_class", table.oid);
            let mut pieces = self.create_table(table, &name);
            let later = self.alter_columns(table, &name);
            pieces.push(later.into());
            self.add_pieces(id.clone(), rank::TABLE, name.clone(), pieces, None);
            let word = if table.kind == "f" { "FOREIGN TABLE" } else { "TABLE" };
            self.name(id, format!("{word} {name}"), Some(&table.owner));
            self.rights_of_columns(table, &name);
            if table.in_tablespace {
                self.missing(
                    format!("tablespace of table {name}"),
                    "Supabase has no tablespaces; it stands in the default one",
                );
            }
            if table.is_partition {
                self.attach(table, &name);
            }
        }
    }

    /// Rights on the relation itself and on its columns.
    pub(crate) fn rights_of_columns(&mut self, relation: &Relation, name: &str) {
        self.grant(Kind::Table, format!("TABLE {name}"), &relation.owner, &relation.acl);
        for column in relation.columns.iter().flatten() {
            let on = format!("{}\u{1}TABLE {name}", quote_identifier(&column.name));
            self.grant(Kind::Column, on, &relation.owner, &column.acl);
        }
    }

    fn create_table(&mut self, table: &Relation, name: &str) -> Vec<Piece> {
        let word = match (table.kind.as_str(), table.persistence.as_str()) {
            ("f", _) => "FOREIGN TABLE",
            (_, "u") => "UNLOGGED TABLE",
            _ => "TABLE",
        };
        let mut pieces: Vec<Piece> = Vec::new();
        if let Some(of) = &table.of_type {
            pieces.push(format!("CREATE {word} {name} OF {of}").into());
        } else {
            pieces.push(format!("CREATE {word} {name} (").into());
            let mut first = true;
            let mut comma = || if std::mem::take(&mut first) { "\n\t" } else { ",\n\t" };
            for column in printed(table) {
                pieces.push(format!("{}{}", comma(), column_head(column)).into());
                pieces.extend(default_piece(table, column, name));
                pieces.push(not_null(column).into());
            }
            for column in table.columns.iter().flatten().filter(|c| is_only_constrained(table, c)) {
                let name = quote_identifier(column.not_null_name.as_deref().unwrap_or_default());
                let column = quote_identifier(&column.name);
                pieces.push(format!("{}CONSTRAINT {name} NOT NULL {column}", comma()).into());
            }
            for check in self.facts.constraints.iter().filter(|c| is_inline(c, table)) {
                let text = format!("CONSTRAINT {} {}", quote_identifier(&check.name), check.definition);
                let id = Id::new("pg_constraint", check.oid);
                self.graph.alias(id.clone(), Id::new("pg_class", table.oid));
                let later = format!("ALTER TABLE {name} ADD {text};\n");
                pieces.push(Piece { text: format!("{}{text}", comma()), later: Some((id, later)) });
            }
            pieces.push("\n)".to_owned().into());
        }
        let mut tail = String::new();
        if !table.is_partition
            && let Some(parents) = &table.parents
        {
            let parents: Vec<String> = parents.iter().filter_map(|oid| self.relation_name(*oid)).collect();
            tail += &format!("\nINHERITS ({})", parents.join(", "));
        }
        if let Some(key) = &table.partition_key {
            tail += &format!("\nPARTITION BY {key}");
        }
        if let Some(foreign) = &table.foreign {
            tail += &format!("\nSERVER {}", quote_identifier(&foreign.server));
            tail += &foreign_options(&foreign.options).map(|o| format!(" OPTIONS ({o})")).unwrap_or_default();
        }
        if let Some(method) = &table.access_method {
            tail += &format!("\nUSING {}", quote_identifier(method));
        }
        if let Some(options) = options(&[("", &table.options), ("toast.", &table.toast_options)]) {
            tail += &format!("\nWITH ({options})");
        }
        pieces.push(format!("{tail};\n").into());
        pieces
    }

    /// `"schema"."name"` of a relation of the project.
    pub(crate) fn relation_name(&self, oid: u64) -> Option<String> {
        self.relations.get(&oid).map(|r| qualified(&r.schema, &r.name))
    }

    /// What CREATE TABLE cannot say about columns.
    fn alter_columns(&self, table: &Relation, name: &str) -> String {
        let mut out = String::new();
        let is_printed = |column: &Column| printed(table).any(|c| c.number == column.number);
        for column in table.columns.iter().flatten() {
            let at = alter_column(table, column, name);
            if !is_printed(column) {
                out += &self.differences(table, column, name, &at);
            }
            if let Some(storage) = column.storage.as_deref().and_then(storage) {
                out += &format!("{at} SET STORAGE {storage};\n");
            }
            match column.compression.as_deref() {
                Some("p") => out += &format!("{at} SET COMPRESSION pglz;\n"),
                Some("l") => out += &format!("{at} SET COMPRESSION lz4;\n"),
                _ => {}
            }
            if let Some(target) = column.statistics {
                out += &format!("{at} SET STATISTICS {target};\n");
            }
            if let Some(options) = options(&[("", &column.options)]) {
                out += &format!("{at} SET ({options});\n");
            }
            if let Some(options) = foreign_options(&column.foreign_options) {
                out += &format!("{at} OPTIONS ({options});\n");
            }
            if column.not_null_validated == Some(false) {
                let constraint = column.not_null_name.as_deref().unwrap_or_default();
                out += &format!(
                    "ALTER TABLE {name} ADD CONSTRAINT {} NOT NULL {} NOT VALID;\n",
                    quote_identifier(constraint),
                    quote_identifier(&column.name)
                );
            }
        }
        out
    }

    /// Where a column that comes from a parent (or from the type of a typed table) differs from it.
    fn differences(&self, table: &Relation, column: &Column, name: &str, at: &str) -> String {
        let parents = || {
            let of = table.parents.iter().flatten().filter_map(|oid| self.relations.get(oid));
            of.filter_map(|p| p.columns.iter().flatten().find(|c| c.name == column.name))
        };
        let mut out = String::new();
        // what it gets from its parents where nothing else is said
        let inherited = parents().find_map(|p| p.default.as_ref());
        if inherited != column.default.as_ref() && column.generated.is_empty() {
            match &column.default {
                Some(default) => out += &format!("{at} SET DEFAULT {default};\n"),
                None => out += &format!("{at} DROP DEFAULT;\n"),
            }
        }
        match &column.not_null_name {
            None if column.not_null && !parents().any(|p| p.not_null) => out += &format!("{at} SET NOT NULL;\n"),
            // a typed table's columns stand nowhere in CREATE TABLE
            Some(constraint) if table.of_type.is_some() => {
                let (constraint, column) = (quote_identifier(constraint), quote_identifier(&column.name));
                out += &format!("ALTER TABLE ONLY {name} ADD CONSTRAINT {constraint} NOT NULL {column};\n");
            }
            _ => {}
        }
        out
    }

    fn attach(&mut self, table: &Relation, name: &str) {
        let Some(parent) = table.parents.iter().flatten().next() else { return };
        let Some(parent_name) = self.relation_name(*parent) else {
            self.missing(format!("parent of partition {name}"), "it is not among the project's tables");
            return;
        };
        let bound = table.bound.as_deref().unwrap_or_default();
        let id = Id::new("attach", table.oid);
        self.graph.needs(id.clone(), Id::new("pg_class", table.oid));
        self.graph.needs(id.clone(), Id::new("pg_class", *parent));
        let sql = format!("ALTER TABLE ONLY {parent_name} ATTACH PARTITION {name} {bound};\n");
        self.add(id, Section::Before, rank::ATTACH, name.to_owned(), sql);
    }

    pub(crate) fn sequences(&mut self) -> String {
        let mut positions = String::new();
        for sequence in &self.facts.sequences {
            if !sequence.table_oid.map_or(self.wants_all(), |oid| self.wants(oid)) {
                continue;
            }
            let name = qualified(&sequence.schema, &sequence.name);
            let id = Id::new("pg_class", sequence.oid);
            self.name(id.clone(), format!("SEQUENCE {name}"), Some(&sequence.owner));
            self.grant(Kind::Sequence, format!("SEQUENCE {name}"), &sequence.owner, &sequence.acl);
            match (sequence.last_value.as_deref(), sequence.is_called) {
                (Some(last), Some(called)) => {
                    let literal = quote_literal(&name);
                    positions += &format!("\tPERFORM pg_catalog.setval({literal}, {last}, {called});\n");
                }
                _ => self.missing(format!("position of sequence {name}"), "it could not be read"),
            }
            if sequence.ownership.as_deref() == Some("i") {
                self.identity(sequence, &name, id);
                continue;
            }
            let unlogged = if sequence.persistence == "u" { "UNLOGGED " } else { "" };
            let mut sql = format!("CREATE {unlogged}SEQUENCE {name}");
            if sequence.type_name != "bigint" {
                sql += &format!("\n\tAS {}", sequence.type_name);
            }
            sql += &format!("{};\n", sequence_options(sequence));
            self.add(id.clone(), Section::Before, rank::SEQUENCE, name.clone(), sql);
            if let (Some(table), Some(column)) = (sequence.table_oid, &sequence.column) {
                self.own(sequence, &name, table, column);
            }
        }
        if positions.is_empty() {
            return positions;
        }
        let tag = dollar(&positions);
        format!("DO {tag} BEGIN\n{positions}END {tag};\n")
    }

    fn own(&mut self, sequence: &Sequence, name: &str, table: u64, column: &str) {
        let Some(table_name) = self.relation_name(table) else {
            self.missing(format!("owner of sequence {name}"), "its table is not among the project's");
            return;
        };
        let id = Id::new("owned", sequence.oid);
        self.graph.needs(id.clone(), Id::new("pg_class", sequence.oid));
        self.graph.needs(id.clone(), Id::new("pg_class", table));
        let sql = format!("ALTER SEQUENCE {name} OWNED BY {table_name}.{};\n", quote_identifier(column));
        self.add(id, Section::Before, rank::IDENTITY, name.to_owned(), sql);
    }

    fn identity(&mut self, sequence: &Sequence, name: &str, id: Id) {
        let table = sequence.table_oid.and_then(|oid| self.relation_name(oid));
        let (Some(table), Some(column)) = (table, &sequence.column) else {
            self.missing(format!("identity column of sequence {name}"), "its table is not among the project's");
            return;
        };
        let kind = if sequence.identity.as_deref() == Some("a") { "ALWAYS" } else { "BY DEFAULT" };
        let sql = format!(
            "ALTER TABLE {table} ALTER COLUMN {} ADD GENERATED {kind} AS IDENTITY (\n\tSEQUENCE NAME {name}{}\n);\n",
            quote_identifier(column),
            sequence_options(sequence)
        );
        self.add(id, Section::Before, rank::IDENTITY, name.to_owned(), sql);
    }
}

fn sequence_options(s: &Sequence) -> String {
    let cycle = if s.cycle { "\n\tCYCLE" } else { "" };
    format!(
        "\n\tSTART WITH {}\n\tINCREMENT BY {}\n\tMINVALUE {}\n\tMAXVALUE {}\n\tCACHE {}{cycle}",
        s.start, s.increment, s.minimum, s.maximum, s.cache
    )
}

/// Columns that stand in CREATE TABLE: all but those that come from a parent or a type.
fn printed(table: &Relation) -> impl Iterator<Item = &Column> {
    let all = table.is_partition || table.of_type.is_none();
    table.columns.iter().flatten().filter(move |c| all && (table.is_partition || c.local || !c.inherited))
}

/// Whether a column comes from a parent and its NOT NULL from the table itself: from 18 on, that is a
/// constraint of its own.
fn is_only_constrained(table: &Relation, column: &Column) -> bool {
    column.not_null_local == Some(true) && !printed(table).any(|c| c.number == column.number)
}

/// Checks that stand in CREATE TABLE. One that is not valid is added after the rows.
fn is_inline(constraint: &Constraint, table: &Relation) -> bool {
    constraint.table_oid == table.oid
        && constraint.kind == "c"
        && constraint.validated
        && (constraint.local || table.is_partition)
        && table.of_type.is_none()
}

fn column_head(column: &Column) -> String {
    let collation = column.collation.as_ref().map(|c| format!(" COLLATE {c}")).unwrap_or_default();
    format!("{} {}{collation}", quote_identifier(&column.name), column.type_name)
}

/// What every change of a column begins with.
fn alter_column(table: &Relation, column: &Column, name: &str) -> String {
    let word = if table.kind == "f" { "FOREIGN TABLE" } else { "TABLE" };
    format!("ALTER {word} ONLY {name} ALTER COLUMN {}", quote_identifier(&column.name))
}

fn default_piece(table: &Relation, column: &Column, name: &str) -> Option<Piece> {
    let default = column.default.as_ref()?;
    Some(match column.generated.as_str() {
        "" => {
            let at = alter_column(table, column, name);
            let later =
                column.default_oid.map(|oid| (Id::new("pg_attrdef", oid), format!("{at} SET DEFAULT {default};\n")));
            Piece { text: format!(" DEFAULT {default}"), later }
        }
        "v" => format!(" GENERATED ALWAYS AS ({default})").into(),
        _ => format!(" GENERATED ALWAYS AS ({default}) STORED").into(),
    })
}

fn not_null(column: &Column) -> String {
    if !column.not_null || column.not_null_validated == Some(false) {
        return String::new();
    }
    let no_inherit = if column.not_null_no_inherit == Some(true) { " NO INHERIT" } else { "" };
    match &column.not_null_name {
        Some(name) => format!(" CONSTRAINT {} NOT NULL{no_inherit}", quote_identifier(name)),
        None => " NOT NULL".to_owned(),
    }
}

fn storage(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "p" => "PLAIN",
        "e" => "EXTERNAL",
        "m" => "MAIN",
        "x" => "EXTENDED",
        _ => return None,
    })
}
