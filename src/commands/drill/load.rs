//! Loads a snapshot as RECOVERY.md does, in the same order: the schema before the rows, the rows, sequences, the rest.
//! Each script is tried as a whole first; one that does not load is run again statement by statement, to tell why.

use std::collections::BTreeSet;
use std::io::Cursor;

use super::prepare::{made_up_rows, with_schema, without_schema};
use super::trial::Trial;
use crate::commands::sql::inserts;
use crate::context::Context;
use crate::error::Failure;
use crate::format::SESSION;
use crate::model::{Artifact, Finding, TableEntry, TableName, quote_identifier};
use crate::psql::{Mode, Problem};
use crate::render::plural;

use crate::commands::talk::talk;

/// Loads everything. Gives the tables whose rows were loaded.
pub(super) async fn load(trial: &mut Trial<'_>, context: &Context) -> anyhow::Result<BTreeSet<TableName>> {
    let structure = trial.manifest().structure.clone();
    let Some(structure) = structure else {
        without_schema(trial).await?;
        return rows(trial, context).await;
    };
    let keys = with_schema(trial).await?;
    talk(context, "loading the schema …");
    let before = without_absent(&trial.reader.text(&structure.before).await?, &trial.absent);
    script(trial, before).await?;
    let loaded = rows(trial, context).await?;
    if let Some(key) = &structure.sequences {
        let text = trial.reader.text(key).await?;
        script(trial, text).await?;
    }
    made_up_rows(trial, &keys).await?;
    talk(context, "making indexes, keys and triggers …");
    let after = trial.reader.text(&structure.after).await?;
    script(trial, after).await?;
    Ok(loaded)
}

/// A script without the extensions that this server does not have.
fn without_absent(script: &str, absent: &BTreeSet<String>) -> String {
    let is_absent = |line: &str| {
        absent.iter().any(|name| {
            let create = format!("CREATE EXTENSION IF NOT EXISTS {}", quote_identifier(name));
            line.strip_prefix(&create).is_some_and(|rest| rest.starts_with([';', ' ']))
        })
    };
    // numbers of lines stay what they are
    script.split_inclusive('\n').map(|line| if is_absent(line) { "\n" } else { line }).collect()
}

async fn script(trial: &mut Trial<'_>, text: String) -> Result<(), Failure> {
    let text = format!("{}{text}", trial.settings);
    let Some(first) = trial.run(Mode::Whole, text.clone()).await?.problem() else { return Ok(()) };
    let said = trial.run(Mode::Onward, text.clone()).await?;
    match said.problems.as_slice() {
        // in one transaction it fails, and statement by statement it does not
        [] => trial.complaints(&text, &[first]),
        problems => trial.complaints(&text, problems),
    }
    Ok(())
}

/// The rows of every table that is there. Each table is loaded whole or not at all.
async fn rows(trial: &mut Trial<'_>, context: &Context) -> anyhow::Result<BTreeSet<TableName>> {
    let there = trial.relations().await?;
    let (tables, total) = (trial.manifest().tables.as_slice(), trial.manifest().totals);
    talk(context, &format!("loading {} of {} …", plural(total.rows, "row"), plural(total.tables, "table")));
    let mut loaded = BTreeSet::new();
    for table in tables {
        if !there.contains(&table.name) {
            let finding = match trial.has_gaps {
                true => Finding::warning(
                    "not-tried",
                    table.name.to_string(),
                    "the table could not be made here, so its rows were not loaded",
                ),
                false => {
                    Finding::error("not-restored", table.name.to_string(), "nothing in the snapshot makes this table")
                }
            };
            trial.note(finding);
            continue;
        }
        if table.parts.is_empty() {
            loaded.insert(table.name.clone());
            continue;
        }
        match table_rows(trial, table).await? {
            None => drop(loaded.insert(table.name.clone())),
            Some(problem) => {
                let message = format!("its rows do not load: {}", problem.message);
                let is_gap = trial.is_gap(&problem);
                trial.has_gaps |= is_gap;
                let (code, make) = if is_gap { ("not-tried", WARNING) } else { ("not-restored", ERROR) };
                trial.note(make(code, table.name.to_string(), message));
            }
        }
    }
    Ok(loaded)
}

type Make = fn(&str, String, String) -> Finding;
const WARNING: Make = |code, subject, message| Finding::warning(code, subject, message);
const ERROR: Make = |code, subject, message| Finding::error(code, subject, message);

async fn table_rows(trial: &Trial<'_>, table: &TableEntry) -> anyhow::Result<Option<Problem>> {
    let mut running = trial.psql().start(&trial.scratch.name, Mode::Whole)?;
    running.feed(Cursor::new(trial.settings.clone())).await?;
    if table.parts_of(Artifact::Sql).next().is_some() {
        for part in table.parts_of(Artifact::Sql) {
            running.feed(trial.reader.raw(part).await?).await?;
        }
    } else {
        running.feed(Cursor::new(format!("{SESSION}\n"))).await?;
        for part in table.parts_of(Artifact::Json) {
            let text = inserts(trial.reader, table, part, trial.facts.as_ref()).await?;
            running.feed(Cursor::new(text)).await?;
        }
    }
    Ok(running.end().await?.problem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_extensions_that_are_not_there_are_left_out() {
        let script =
            "CREATE EXTENSION IF NOT EXISTS \"a\" WITH SCHEMA \"x\";\nCREATE EXTENSION IF NOT EXISTS \"ab\";\n";
        let absent = BTreeSet::from(["a".to_owned()]);
        assert_eq!(without_absent(script, &absent), "\nCREATE EXTENSION IF NOT EXISTS \"ab\";\n");
    }
}
