//! `sql`: a snapshot as one script.

use std::io::{self, ErrorKind, Write};

use super::choice::chosen;
use super::talk::say;
use crate::cli::SqlArgs;
use crate::config::Config;
use crate::context::Context;
use crate::ddl::{Facts, script_of_tables};
use crate::error::{Failure, Outcome};
use crate::format::{InsertWriter, SESSION};
use crate::model::{Artifact, Manifest, Part, Structure, TableEntry, TableName};
use crate::snapshot::Reader;
use crate::stdio::Script;
use crate::store;

/// Runs the command.
pub async fn run(args: &SqlArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let store = store::open(&config.store);
    let keys = chosen(store.as_ref(), args.project.as_deref(), &args.snapshot, config).await?;
    let reader = Reader::open(store.as_ref(), keys, &config.identities).await?;
    let tables = tables(reader.manifest(), &args.tables)?;
    let mut out = Script::new(context.step.is_some())?;
    let written = write(args, &reader, &tables, &mut out).await;
    match written.and_then(|()| out.end().map_err(Into::into)) {
        // nobody reads it to its end
        Err(error) if is_broken_pipe(&error) => Ok(Outcome::Done),
        Err(error) => Err(error),
        Ok(()) if reader.manifest().complete => Ok(Outcome::Done),
        Ok(()) => {
            say(&format!(
                "the snapshot is incomplete; not in it are {} things that the script's head names",
                reader.manifest().missing.len()
            ));
            Ok(Outcome::Incomplete)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// The chosen tables, or all.
fn tables<'m>(manifest: &'m Manifest, wanted: &[String]) -> Result<Vec<&'m TableEntry>, Failure> {
    if wanted.is_empty() {
        return Ok(manifest.tables.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in wanted {
        let matches: Vec<&TableEntry> = manifest
            .tables
            .iter()
            .filter(|t| t.name.plain() == *name || t.name.to_string() == *name || t.name.name == *name)
            .collect();
        match matches.as_slice() {
            [table] => chosen.push(*table),
            [] => {
                return Err(Failure::usage(format!("the snapshot holds no table {name:?}"))
                    .hint("`supabackup list <snapshot>` shows its tables"));
            }
            several => {
                let names: Vec<String> = several.iter().map(|t| t.name.to_string()).collect();
                return Err(
                    Failure::usage(format!("{name:?} may be any of {}", names.join(", "))).hint("write schema.table")
                );
            }
        }
    }
    Ok(chosen)
}

async fn write(args: &SqlArgs, reader: &Reader<'_>, tables: &[&TableEntry], out: &mut Script) -> anyhow::Result<()> {
    let manifest = reader.manifest();
    let structure = manifest.structure.as_ref();
    if args.on_purpose {
        let key = structure.and_then(|s| s.on_purpose.as_deref());
        return match key {
            Some(key) => Ok(out.write_all(reader.text(key).await?.as_bytes())?),
            None => Ok(writeln!(out, "-- nothing in this snapshot acts by itself")?),
        };
    }
    if structure.is_none() && args.schema_only {
        return Err(Failure::usage(format!("snapshot {} holds no definition of the schema", manifest.snapshot))
            .hint("it was taken without SQL access: `supabackup doctor` says what a backup needs to hold it")
            .into());
    }
    head(manifest, out)?;
    // the catalog is read only where the stored scripts do not do
    let facts = match structure {
        Some(structure) if args.inserts || !args.tables.is_empty() => Some(facts(reader, structure).await?),
        _ => None,
    };
    // the stored scripts are those of the program that made the snapshot; a choice of tables is made anew
    let made = facts.as_ref().filter(|_| !args.tables.is_empty()).map(|facts| {
        let names: Vec<TableName> = tables.iter().map(|t| t.name.clone()).collect();
        script_of_tables(facts, &names)
    });
    if !args.data_only {
        let stored = structure.map(|s| s.before.as_str());
        script(reader, made.as_ref().map(|m| m.before.as_str()), stored, out).await?;
    }
    if !args.schema_only {
        for table in tables {
            rows(args, reader, table, facts.as_ref(), out).await?;
        }
    }
    let stored = structure.and_then(|s| s.sequences.as_deref());
    script(reader, made.as_ref().map(|m| m.sequences.as_str()), stored, out).await?;
    if !args.data_only {
        let stored = structure.map(|s| s.after.as_str());
        script(reader, made.as_ref().map(|m| m.after.as_str()), stored, out).await?;
    }
    Ok(())
}

/// One script: the one that was made now, or else the stored one of this key.
async fn script(reader: &Reader<'_>, made: Option<&str>, stored: Option<&str>, out: &mut Script) -> anyhow::Result<()> {
    match (made, stored) {
        (Some(text), _) => out.write_all(text.as_bytes())?,
        (None, Some(key)) => out.write_all(reader.text(key).await?.as_bytes())?,
        (None, None) => {}
    }
    Ok(())
}

pub(super) async fn facts(reader: &Reader<'_>, structure: &Structure) -> anyhow::Result<Facts> {
    let text = reader.text(&structure.catalog).await?;
    Ok(Facts::parse(&text).map_err(|error| {
        Failure::failed(format!("reading {}: it is not a catalog of this version: {error}", structure.catalog))
    })?)
}

fn head(manifest: &Manifest, out: &mut Script) -> io::Result<()> {
    writeln!(out, "-- Snapshot {} of {}, taken {}", manifest.snapshot, manifest.project.name, manifest.started)?;
    if !manifest.complete {
        writeln!(out, "-- Not complete; not in it:")?;
        for missing in &manifest.missing {
            writeln!(out, "--   {}: {}", missing.subject.escape_debug(), missing.reason.escape_debug())?;
        }
    }
    if manifest.structure.as_ref().is_some_and(|s| s.on_purpose.is_some()) {
        writeln!(out, "-- What acts by itself is left out: see `supabackup sql --on-purpose`.")?;
    }
    write!(out, "{}", crate::ddl::settings(manifest))?;
    writeln!(out)
}

/// One table's rows.
async fn rows(
    args: &SqlArgs,
    reader: &Reader<'_>,
    table: &TableEntry,
    facts: Option<&Facts>,
    out: &mut Script,
) -> anyhow::Result<()> {
    let artifact = if table.parts_of(Artifact::Sql).next().is_some() { Artifact::Sql } else { Artifact::Json };
    if !args.inserts && artifact == Artifact::Sql {
        for part in table.parts_of(Artifact::Sql) {
            let mut raw = reader.raw(part).await?;
            io::copy(&mut raw, out)?;
        }
        return Ok(());
    }
    writeln!(out, "{SESSION}")?;
    for part in table.parts_of(artifact) {
        // one part at a time is in memory, as text
        out.write_all(&inserts(reader, table, part, facts).await?)?;
    }
    Ok(())
}

/// The rows of a part as INSERT statements, for a session that was told [`SESSION`].
pub(super) async fn inserts(
    reader: &Reader<'_>,
    table: &TableEntry,
    part: &Part,
    facts: Option<&Facts>,
) -> Result<Vec<u8>, Failure> {
    let generated = facts.map(|f| f.generated_columns(&table.name)).unwrap_or_default();
    let sink = Sink { writer: InsertWriter::new(&table.name, &table.columns, &generated), text: Vec::new(), batch: 0 };
    let row = |sink: &mut Sink, fields: &crate::format::Fields| {
        sink.row(fields);
        Ok(())
    };
    Ok(reader.rows_of_part(table, part, sink, row).await?.end())
}

/// INSERT statements of one table.
struct Sink {
    writer: InsertWriter,
    text: Vec<u8>,
    batch: u32,
}

/// Rows per statement.
const BATCH: u32 = 100;

impl Sink {
    fn row(&mut self, fields: &crate::format::Fields) {
        self.writer.row(fields.iter(), self.batch == 0, &mut self.text);
        self.batch += 1;
        if self.batch == BATCH {
            self.text.extend_from_slice(b";\n");
            self.batch = 0;
        }
    }

    fn end(mut self) -> Vec<u8> {
        if self.batch > 0 {
            self.text.extend_from_slice(b";\n");
        }
        self.text
    }
}
