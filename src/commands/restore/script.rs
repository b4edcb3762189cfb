//! `restore --sql`: the plan as a script, for whoever wants to read it before it is run, or to run it
//! in a place of their own.

use std::io::{self, Write};

use super::planned::Planned;
use super::work::{Mark, Work};
use crate::error::{Failure, Outcome};
use crate::format::{InsertWriter, SESSION};
use crate::model::{RestoreMode, SchemaStep, quote_identifier};
use crate::snapshot::Reader;
use crate::stdio::Script;

/// Rows in one statement.
const ROWS: u32 = 100;

/// Prints the script.
pub(super) async fn print(reader: &Reader<'_>, planned: &Planned, runner_reads: bool) -> anyhow::Result<Outcome> {
    let manifest = reader.manifest();
    if planned.plan.schema == SchemaStep::Create {
        return Err(Failure::usage("writing the script: the project has none of these tables".to_owned())
            .hint(format!("`supabackup sql {}` prints the script that makes everything", manifest.snapshot))
            .into());
    }
    super::output::startable(&planned.plan)?;
    let mut out = Script::new(runner_reads)?;
    let plan = &planned.plan;
    writeln!(out, "-- Restores snapshot {} of {} into {}.", manifest.snapshot, plan.from.name, plan.to.name)?;
    writeln!(
        out,
        "-- It was made for the project as it is now, and fails as a whole where a row that it adds has come since,"
    )?;
    writeln!(
        out,
        "-- or one that it deletes has changed. A row that it changes is set back to the snapshot, whatever it has"
    )?;
    writeln!(
        out,
        "-- become. It takes no safety snapshot: `supabackup backup` takes one. It has its own BEGIN and COMMIT."
    )?;
    writeln!(out, "-- Run it with `psql -X -v ON_ERROR_STOP=1`, or in the SQL editor.\n\nBEGIN;")?;
    write!(out, "{}", crate::ddl::settings(manifest))?;
    writeln!(out, "{SESSION}")?;
    for work in &planned.works {
        rows(reader, work, &mut out).await?;
    }
    for work in &planned.works {
        deletes(work, &mut out)?;
    }
    for (table, column) in planned.numbered() {
        if let Some(sql) = super::sequences::statement(table, column) {
            writeln!(out, "{sql}")?;
        }
    }
    writeln!(out, "SET session_replication_role = origin;\nCOMMIT;")?;
    out.end()?;
    Ok(super::output::of_plan(plan))
}

async fn rows(reader: &Reader<'_>, work: &Work, out: &mut Script) -> anyhow::Result<()> {
    let plan = &work.plan;
    if plan.counts.add + plan.counts.change == 0 {
        return Ok(());
    }
    writeln!(out, "\n-- {}: {} rows to add, {} to change", plan.target, plan.counts.add, plan.counts.change)?;
    let left: Vec<String> =
        work.entry.columns.iter().filter(|c| !plan.columns.contains(&c.name)).map(|c| c.name.clone()).collect();
    let writer = InsertWriter::new(&plan.target, &work.entry.columns, &left);
    let mut sink = Sink {
        writer,
        marks: work.marks.clone(),
        ends: [added(work), changed(work)],
        mark: Mark::Nothing,
        row: 0,
        batch: 0,
        text: Vec::new(),
    };
    for part in work.entry.parts_of(work.artifact) {
        sink = reader
            .rows_of_part(&work.entry, part, sink, |sink, fields| {
                sink.push(fields);
                Ok(())
            })
            .await?;
        out.write_all(&std::mem::take(&mut sink.text))?;
    }
    if sink.batch > 0 {
        out.write_all(sink.end().as_bytes())?;
    }
    Ok(())
}

/// What a statement ends with that adds rows: one that has come since is an error, unless it is to stay.
fn added(work: &Work) -> String {
    match work.plan.mode {
        RestoreMode::InsertMissing => changed(work),
        _ => ";\n".to_owned(),
    }
}

/// What a statement ends with that changes rows.
fn changed(work: &Work) -> String {
    if work.conflict_key.is_empty() {
        return ";\n".to_owned();
    }
    let key: Vec<String> = work.conflict_key.iter().map(|name| quote_identifier(name)).collect();
    let others: Vec<String> = work
        .plan
        .columns
        .iter()
        .filter(|name| !work.conflict_key.contains(name))
        .map(|name| format!("{0} = excluded.{0}", quote_identifier(name)))
        .collect();
    let action = match (work.plan.mode, others.is_empty()) {
        (RestoreMode::InsertMissing, _) | (_, true) => "NOTHING".to_owned(),
        _ => format!("UPDATE SET {}", others.join(", ")),
    };
    format!("\nON CONFLICT ({}) DO {action};\n", key.join(", "))
}

struct Sink {
    writer: InsertWriter,
    marks: super::work::Marks,
    /// Of statements that add, and of those that change.
    ends: [String; 2],
    /// What the rows of this statement are.
    mark: Mark,
    row: u64,
    batch: u32,
    text: Vec<u8>,
}

impl Sink {
    fn push(&mut self, fields: &crate::format::Fields) {
        let mark = self.marks.of(self.row);
        self.row += 1;
        if mark == Mark::Nothing {
            return;
        }
        if self.batch > 0 && self.mark != mark {
            self.finish();
        }
        self.mark = mark;
        self.writer.row(fields.iter(), self.batch == 0, &mut self.text);
        self.batch += 1;
        if self.batch == ROWS {
            self.finish();
        }
    }

    fn end(&self) -> &str {
        &self.ends[usize::from(self.mark == Mark::Change)]
    }

    fn finish(&mut self) {
        let end = self.end().to_owned();
        self.text.extend_from_slice(end.as_bytes());
        self.batch = 0;
    }
}

/// Exactly the versions of rows that were compared.
fn deletes(work: &Work, out: &mut Script) -> io::Result<()> {
    if work.doomed().is_empty() {
        return Ok(());
    }
    writeln!(out, "\n-- {}: {} rows to delete", work.plan.target, work.doomed().len())?;
    for rows in work.doomed().chunks(ROWS as usize) {
        let one = |v: &crate::supabase::RowVersion| {
            format!(
                "(tableoid = {} AND ctid = '({},{})' AND xmin = '{}')",
                v.tableoid, v.tid.block, v.tid.offset, v.xmin
            )
        };
        let condition: Vec<String> = rows.iter().map(one).collect();
        writeln!(out, "DO $supabackup$ DECLARE deleted bigint; BEGIN")?;
        writeln!(out, "  DELETE FROM {} WHERE {};", work.plan.target.quoted(), condition.join("\n    OR "))?;
        writeln!(out, "  GET DIAGNOSTICS deleted = ROW_COUNT;")?;
        writeln!(
            out,
            "  IF deleted <> {} THEN RAISE EXCEPTION 'rows changed since this script was made: make it anew'; END IF;",
            rows.len()
        )?;
        writeln!(out, "END $supabackup$;")?;
    }
    Ok(())
}
