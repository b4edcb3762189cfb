//! Whether the next insert of an application works: tried with a copy of a row, and taken back.

use super::apply::Apply;
use super::planned::Planned;
use super::work::Work;
use crate::error::Failure;
use crate::format::{Batch, BatchColumn, BatchWriter, Fields};
use crate::model::{Finding, SequenceLeft, TableReport, TargetColumn, TargetTable, WriteWay};
use crate::supabase::{Conflict, Load, WriteError};

/// Tries to insert a row into every table that numbers its rows by itself, and takes it back. Returns
/// the sequences that stand in the way.
pub(super) async fn first_writes(
    apply: &Apply<'_>,
    planned: &Planned,
    reports: &mut [TableReport],
) -> anyhow::Result<Vec<SequenceLeft>> {
    let mut left = Vec::new();
    for work in &planned.works {
        let Some(table) = planned.site.target.get(&work.plan.target) else { continue };
        let is_unknown = !planned.knows(&work.plan.target);
        let is_guessed = |c: &TargetColumn| is_unknown && super::sequences::may_be_numbered(c);
        let is_meant = |c: &&TargetColumn| super::sequences::is_numbered(c) || is_guessed(c);
        let mut numbered: Vec<_> = table.columns.iter().filter(is_meant).collect();
        if work.entry.rows == 0 || numbered.is_empty() {
            continue;
        }
        let Some(row) = last_row(apply, work).await? else { continue };
        // keys that are made up anew, most likely: a copy of one would only collide
        let is_made_up = |c: &&TargetColumn| is_unknown && c.not_null && c.type_name == "uuid";
        let mut made_up: Vec<&str> = table.columns.iter().filter(is_made_up).map(|c| c.name.as_str()).collect();
        let tried = loop {
            if numbered.is_empty() {
                break None;
            }
            let names: Vec<&str> = numbered.iter().map(|c| c.name.as_str()).chain(made_up.iter().copied()).collect();
            // as an application would: what has a default is left to it
            let others = table.columns.iter().filter(|c| c.has_default && !is_guessed(c)).map(|c| c.name.as_str());
            let left_out: Vec<&str> = others.chain(names.iter().copied()).collect();
            match first_write(work, &row, &names, &left_out).await? {
                // it has no default, so it does not number rows
                Tried::Null(column) => {
                    numbered.retain(|c| c.name != column);
                    made_up.retain(|name| *name != column);
                }
                tried => break Some(tried),
            }
        };
        let Some(tried) = tried else { continue };
        let Some(report) = reports.iter_mut().find(|report| report.target == work.plan.target) else { continue };
        let subject = work.plan.target.to_string();
        match tried {
            Tried::Null(_) => {}
            Tried::Works => {
                report.findings.push(Finding::info(
                    "first-write",
                    &subject,
                    "the next insert works (tried, and taken back)",
                ));
            }
            Tried::Taken(column, reason) => {
                let sql = numbered.iter().find(|c| c.name == column);
                let sql = sql.and_then(|c| super::sequences::statement(&work.plan.target, c)).unwrap_or_default();
                let message = format!("the next insert fails, its number is taken: {reason}");
                report.findings.push(Finding::error("sequence-behind", &subject, message).hint(format!("run: {sql}")));
                left.push(SequenceLeft { table: work.plan.target.clone(), column, sql });
            }
            Tried::Refused(reason) if planned.means.way == WriteWay::Sql => {
                // where sequences stand was read, and set
                let message =
                    format!("its sequence stands past every row; a copy of a row cannot be inserted: {reason}");
                report.findings.push(Finding::info("first-write", &subject, message));
            }
            Tried::Refused(reason) => {
                // where nothing says that any of them numbers itself
                let what = match numbered.iter().any(|c| is_sure(c, table)) {
                    true => "whether the next insert works could not be tried with a copy of a row",
                    false => "whether a column numbers rows by itself, and stands past them, could not be tried",
                };
                let finding = Finding::warning("first-write", &subject, format!("{what}: {reason}"));
                report.findings.push(finding.hint(to_be_sure(work, &numbered)));
            }
        }
    }
    Ok(left)
}

fn to_be_sure(work: &Work, numbered: &[&TargetColumn]) -> String {
    let sql: Vec<String> = numbered.iter().filter_map(|c| super::sequences::statement(&work.plan.target, c)).collect();
    format!("to be sure, run: {}", sql.join(" "))
}

/// Whether a column numbers rows by itself: it is known to, or it is a whole number and key that nobody has to give.
fn is_sure(column: &TargetColumn, table: &TargetTable) -> bool {
    super::sequences::is_numbered(column) || table.primary_key.contains(&column.name)
}

/// What became of a first write.
enum Tried {
    Works,
    /// A number is taken: column and reason.
    Taken(String, String),
    /// One of the columns that were left out has no default.
    Null(String),
    /// It was refused for another reason.
    Refused(String),
}

/// The last row of the snapshot's table.
async fn last_row(apply: &Apply<'_>, work: &Work) -> Result<Option<Fields>, Failure> {
    let Some(part) = work.entry.parts_of(work.artifact).last() else { return Ok(None) };
    let keep = |last: &mut Fields, fields: &Fields| {
        last.clone_from(fields);
        Ok(())
    };
    apply.reader.rows_of_part(&work.entry, part, Fields::default(), keep).await.map(Some)
}

async fn first_write(work: &Work, row: &Fields, numbered: &[&str], left_out: &[&str]) -> Result<Tried, Failure> {
    let columns: Vec<String> =
        work.plan.columns.iter().filter(|name| !left_out.contains(&name.as_str())).cloned().collect();
    let batch_columns = work
        .columns
        .iter()
        .map(|c| BatchColumn { field: c.field.filter(|_| !left_out.contains(&c.name.as_str())), ..c.clone() });
    let mut writer = BatchWriter::new(work.form, batch_columns.collect(), work.key.clone());
    let mut batch = Batch::default();
    // two of them: one alone would stay, over the Data API
    writer.push(row, &mut batch);
    writer.push(row, &mut batch);
    let load = Load {
        table: &work.plan.target,
        columns: &columns,
        conflict: Conflict::Refuse,
        batch: &batch,
        range: (0, batch.len()),
        rehearse: true,
    };
    Ok(match work.writer.write(&load).await {
        Ok(2) => Tried::Works,
        Ok(_) => Tried::Refused("a trigger or a rule drops it".to_owned()),
        Err(WriteError::Fatal(failure)) => return Err(failure),
        Err(WriteError::Refused { code, message }) => {
            let taken = numbered.iter().find(|name| code == "23505" && is_about(&message, name));
            let null = numbered.iter().find(|name| code == "23502" && message.contains(&format!("\"{name}\"")));
            match (taken, null) {
                (Some(name), _) => Tried::Taken((*name).to_owned(), message),
                (None, Some(name)) => Tried::Null((*name).to_owned()),
                (None, None) => Tried::Refused(message),
            }
        }
        Err(error) => Tried::Refused(error.to_string()),
    })
}

/// `Key (id)=(5) already exists.`
fn is_about(message: &str, column: &str) -> bool {
    let quoted = crate::model::quote_identifier(column);
    let Some((_, rest)) = message.split_once("Key (") else { return false };
    let Some((names, _)) = rest.split_once(")=(") else { return false };
    names.split(", ").any(|name| name == column || name == quoted)
}
