//! What a person chose: tables of the snapshot, where they go, what is done with their rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::error::Failure;
use crate::model::{
    Artifact, Finding, Manifest, ModeChoice, RestoreMode, RowChoice, RowFilter, TableChoice, TableEntry, TableName,
    TypedTable,
};

/// A table that is to be restored.
#[derive(Debug, Clone)]
pub(super) struct Chosen {
    /// The snapshot's ledger line.
    pub(super) entry: Arc<TableEntry>,
    /// The table in the project.
    pub(super) target: TableName,
    /// What is done with its rows.
    pub(super) mode: RestoreMode,
    /// Which rows.
    pub(super) rows: RowFilter,
    /// Why its rows cannot be read from the snapshot.
    pub(super) damage: Option<String>,
}

impl Chosen {
    /// Leaves out the form of the rows that is damaged; if both are, says so.
    pub(super) fn without(&mut self, damaged: &HashMap<&str, &Finding>) {
        let wrong = |artifact| self.entry.parts_of(artifact).find_map(|part| damaged.get(part.key.as_str()));
        let has = |artifact| self.entry.parts_of(artifact).next().is_some();
        let [sql, json] = [Artifact::Sql, Artifact::Json].map(|a| (has(a), wrong(a)));
        let Some(finding) = sql.1.or(json.1) else { return };
        let whole = match (sql, json) {
            ((true, None), _) => Artifact::Sql,
            (_, (true, None)) => Artifact::Json,
            _ => {
                self.damage = Some(format!("{}: {}", finding.subject, finding.message));
                return;
            }
        };
        Arc::make_mut(&mut self.entry).parts.retain(|part| part.artifact == whole);
    }
}

/// What was typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes<'a> {
    pub(super) tables: &'a [TableChoice],
    pub(super) schemas: &'a [String],
    pub(super) modes: &'a [ModeChoice],
    pub(super) rows: &'a [RowChoice],
}

impl Wishes<'_> {
    /// Whether everything of the snapshot is meant, under its own names.
    pub(super) fn is_everything(&self) -> bool {
        self.tables.is_empty() && self.schemas.is_empty() && self.rows.is_empty()
    }

    /// The tables that are meant. `mode` is that of tables for which none was given.
    pub(super) fn chosen(&self, manifest: &Manifest, mode: RestoreMode) -> Result<Vec<Chosen>, Failure> {
        if let Some((one, other)) = self.contradiction() {
            return Err(Failure::usage(format!("--mode {one} and --mode {other} contradict each other"))
                .hint("say one mode for all tables, and with TABLE=MODE one for each table that differs"));
        }
        let mut chosen = if self.tables.is_empty() { self.all(manifest)? } else { self.named(manifest)? };
        for table in &mut chosen {
            table.mode = ModeChoice::of(self.modes, &table.entry.name).unwrap_or(mode);
            table.rows = RowFilter::of(self.rows, &table.entry.name);
            key_columns_only(&table.entry, &table.rows)?;
        }
        let named = self.modes.iter().filter_map(|m| m.table.as_ref().map(|t| (t, "--mode")));
        let named = named.chain(self.rows.iter().filter_map(|r| r.table.as_ref().map(|t| (t, "--where"))));
        for (table, flag) in named {
            if !chosen.iter().any(|c| table.is(&c.entry.name)) {
                return Err(unknown(table, flag, manifest));
            }
        }
        let mut targets = BTreeSet::new();
        if let Some(twice) = chosen.iter().find(|table| !targets.insert(&table.target)) {
            return Err(Failure::usage(format!("two tables of the snapshot would both go into {}", twice.target)));
        }
        Ok(chosen)
    }

    /// Two modes for the same tables.
    fn contradiction(&self) -> Option<(&ModeChoice, &ModeChoice)> {
        let pairs =
            self.modes.iter().enumerate().flat_map(|(n, one)| self.modes[n + 1..].iter().map(move |o| (one, o)));
        pairs.into_iter().find(|(one, other)| one.table == other.table && one.mode != other.mode)
    }

    fn all(&self, manifest: &Manifest) -> Result<Vec<Chosen>, Failure> {
        if let Some(schema) = self.schemas.iter().find(|s| !manifest.tables.iter().any(|t| t.name.schema == **s)) {
            let known: BTreeSet<&str> = manifest.tables.iter().map(|t| t.name.schema.as_str()).collect();
            let known: Vec<&str> = known.into_iter().collect();
            return Err(Failure::usage(format!("the snapshot holds no table of the schema {schema:?}"))
                .hint(format!("it holds tables of: {}", known.join(", "))));
        }
        let is_meant = |name: &TableName| self.schemas.is_empty() || self.schemas.contains(&name.schema);
        Ok(manifest.tables.iter().filter(|t| is_meant(&t.name)).map(|entry| plain(entry, entry.name.clone())).collect())
    }

    fn named(&self, manifest: &Manifest) -> Result<Vec<Chosen>, Failure> {
        let mut chosen: Vec<Chosen> = Vec::new();
        for choice in self.tables {
            let meant: Vec<&TableEntry> = manifest.tables.iter().filter(|t| choice.source.is(&t.name)).collect();
            match meant.as_slice() {
                [entry] => {
                    let target = choice.target.as_ref().map(|t| t.within(&entry.name.schema));
                    chosen.push(plain(entry, target.unwrap_or_else(|| entry.name.clone())));
                }
                [] => return Err(unknown(&choice.source, "--table", manifest)),
                several => {
                    let names: Vec<String> = several.iter().map(|t| t.name.to_string()).collect();
                    let said = format!("--table {} may be any of {}", choice.source, names.join(", "));
                    return Err(Failure::usage(said).hint("write schema.table"));
                }
            }
        }
        Ok(chosen)
    }
}

fn plain(entry: &TableEntry, target: TableName) -> Chosen {
    Chosen {
        entry: Arc::new(entry.clone()),
        target,
        mode: RestoreMode::InsertMissing,
        rows: RowFilter::default(),
        damage: None,
    }
}

fn unknown(table: &TypedTable, flag: &str, manifest: &Manifest) -> Failure {
    let id = &manifest.snapshot;
    Failure::usage(format!("{flag} {table}: no table of that name is restored from this snapshot"))
        .hint(format!("`supabackup list {id}` shows the tables that it holds"))
}

/// Rows are chosen by their key: what else is in them may have changed since.
fn key_columns_only(entry: &TableEntry, rows: &RowFilter) -> Result<(), Failure> {
    let Some(column) = rows.columns.keys().find(|c| !entry.primary_key.contains(c)) else { return Ok(()) };
    let key = entry.primary_key.join(", ");
    let hint = match key.as_str() {
        "" => "it has no primary key: restore it whole, into another table if need be (--table A=B)".to_owned(),
        key => format!("choose by its key: {key}"),
    };
    Err(Failure::usage(format!("--where {column}: that is no column of the primary key of {}", entry.name)).hint(hint))
}
