//! What was loaded, held against what the snapshot says: counts, digests, keys, sequences, and the first insert.

use std::collections::{BTreeMap, BTreeSet};

use super::scratch::records;
use super::trial::Trial;
use crate::ddl::MadeKey;
use crate::error::Failure;
use crate::format::quote_literal;
use crate::model::{DrillTable, Finding, FirstWrite, Manifest, TableName, quote_identifier};
use crate::psql::Mode;
use crate::render::{count, plural};

const NUMBERED: &str = include_str!("sql/numbered.sql");
const POSITIONS: &str = include_str!("sql/positions.sql");
const FIRST_WRITES: &str = include_str!("sql/first_writes.sql");

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) tables: Vec<DrillTable>,
    pub(super) foreign_keys: u64,
    pub(super) sequences: u64,
}

pub(super) async fn compare(trial: &mut Trial<'_>, loaded: &BTreeSet<TableName>) -> Result<Compared, Failure> {
    let mut compared = Compared { tables: tables(trial, loaded).await?, ..Compared::default() };
    if trial.facts.is_some() {
        compared.foreign_keys = foreign_keys(trial).await?;
        compared.sequences = sequences(trial).await?;
        first_writes(trial, &mut compared.tables).await?;
    } else {
        compared.foreign_keys = described_keys(trial, loaded).await?;
    }
    Ok(compared)
}

/// Counts and digests, by the same query that RECOVERY.md proves a restore with.
async fn tables(trial: &mut Trial<'_>, loaded: &BTreeSet<TableName>) -> Result<Vec<DrillTable>, Failure> {
    let manifest = trial.manifest();
    let mut only: Manifest = manifest.clone();
    only.tables.retain(|table| loaded.contains(&table.name));
    let answer = trial.ask("comparing counts and digests", crate::render::proof(&only)).await?;
    let mut seen: BTreeMap<&str, (&str, &str, bool)> = BTreeMap::new();
    for part in answer.split(['\n', '\u{1e}']) {
        if let [name, expected, found, ok] = part.split('\u{1f}').collect::<Vec<_>>().as_slice() {
            seen.insert(name, (expected, found, *ok == "t"));
        }
    }
    let mut all = Vec::new();
    for table in &manifest.tables {
        let mut drilled = DrillTable { table: table.name.clone(), rows: table.rows, is_equal: None, first_write: None };
        if loaded.contains(&table.name) {
            let name = table.name.to_string();
            let (expected, found, ok) = seen.get(name.as_str()).copied().unwrap_or(("", "no answer", false));
            drilled.is_equal = Some(ok);
            if !ok {
                let message = format!("it is not what the snapshot holds: {expected} there, {found} here");
                trial.note(Finding::error("differs", name, message).hint(
                    "`supabackup verify` tells whether the stored rows are damaged; if they are not, please report this",
                ));
            }
        }
        all.push(drilled);
    }
    Ok(all)
}

/// Every foreign key of the project is there, and holds: the server looks at every row when it makes one.
async fn foreign_keys(trial: &mut Trial<'_>) -> Result<u64, Failure> {
    let script = "SELECT n.nspname, t.relname, c.conname, c.convalidated FROM pg_catalog.pg_constraint c \
        JOIN pg_catalog.pg_class t ON t.oid = c.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
        WHERE c.contype = 'f' AND c.conparentid = 0;";
    let answer = trial.ask("listing foreign keys", script.to_owned()).await?;
    let key = |fields: Vec<&str>| match fields.as_slice() {
        [schema, table, name, validated] => Some(MadeKey {
            table: TableName::new(*schema, *table),
            name: (*name).to_owned(),
            validated: *validated == "t",
        }),
        _ => None,
    };
    let there: BTreeSet<MadeKey> = records(&answer).filter_map(key).collect();
    let wanted = trial.facts.as_ref().map(crate::ddl::Facts::made_keys).unwrap_or_default();
    for key in wanted.difference(&there) {
        let finding = match trial.has_gaps {
            true => Finding::warning(
                "not-tried",
                key.table.to_string(),
                format!("the foreign key {} could not be made here", key.name),
            ),
            false => Finding::error(
                "foreign-key",
                key.table.to_string(),
                format!("the foreign key {} is not there, or does not hold", key.name),
            ),
        };
        trial.note(finding);
    }
    Ok(wanted.intersection(&there).filter(|key| key.validated).count() as u64)
}

/// Keys of one column that the Data API tells of: made now, where the rows allow it.
async fn described_keys(trial: &mut Trial<'_>, loaded: &BTreeSet<TableName>) -> Result<u64, Failure> {
    let mut keys = Vec::new();
    for table in trial.manifest().tables.iter().filter(|table| loaded.contains(&table.name)) {
        for column in &table.columns {
            let Some(to) = &column.references else { continue };
            let target = TableName::new(&table.name.schema, &to.table);
            if loaded.contains(&target) {
                let statement = format!(
                    "ALTER TABLE {} ADD FOREIGN KEY ({}) REFERENCES {} ({});\n",
                    table.name.quoted().replace('\n', " "),
                    quote_identifier(&column.name).replace('\n', " "),
                    target.quoted().replace('\n', " "),
                    quote_identifier(&to.column).replace('\n', " "),
                );
                keys.push((table.name.clone(), column.name.clone(), statement));
            }
        }
    }
    let script = keys.iter().map(|(_, _, statement)| statement.as_str()).collect();
    let said = trial.run(Mode::Onward, script).await?;
    for problem in said.problems.iter().filter(|problem| problem.state == "23503") {
        let Some((table, column, _)) = problem.line.checked_sub(1).and_then(|at| keys.get(at)) else { continue };
        let message = format!("rows refer by {column} to rows that are not there: {}", problem.message);
        let is_moment = trial.manifest().consistency.moment.is_some();
        let finding = match is_moment {
            true => Finding::error("foreign-key", table.to_string(), message),
            false => Finding::warning(
                "foreign-key",
                table.to_string(),
                format!("{message}; writes went on while the snapshot was taken"),
            ),
        };
        trial.note(finding);
    }
    Ok((keys.len() - said.problems.len().min(keys.len())) as u64)
}

/// Sequences stand where the snapshot says, and past every row.
async fn sequences(trial: &mut Trial<'_>) -> Result<u64, Failure> {
    let answer = trial.ask("asking where sequences stand", POSITIONS.to_owned()).await?;
    let stand: BTreeMap<(&str, &str), (&str, bool)> = records(&answer)
        .filter_map(|fields| match fields.as_slice() {
            [schema, name, last, called] => Some(((*schema, *name), (*last, *called == "t"))),
            _ => None,
        })
        .collect();
    for position in trial.facts.as_ref().map(crate::ddl::Facts::positions).unwrap_or_default() {
        let name = TableName::new(&position.schema, &position.name).to_string();
        let wanted = (position.last_value.to_string(), position.is_called);
        match stand.get(&(position.schema.as_str(), position.name.as_str())) {
            Some((last, called)) if (*last, *called) == (wanted.0.as_str(), wanted.1) => {}
            Some((last, _)) => {
                let message = format!("the sequence stands at {last}, in the snapshot at {}", wanted.0);
                trial.note(Finding::error("sequence-differs", name, message));
            }
            None if trial.has_gaps => {
                trial.note(Finding::warning("not-tried", name, "the sequence could not be made here"));
            }
            None => trial.note(Finding::error("sequence-differs", name, "the sequence is not there")),
        }
    }
    let answer = trial.ask("comparing sequences with their columns", NUMBERED.to_owned()).await?;
    let mut past = 0;
    for fields in records(&answer) {
        let [schema, table, column, sequence_schema, sequence, top, last, called, descends, cycles] = fields.as_slice()
        else {
            continue;
        };
        let (Ok(top), Ok(last)) = (top.parse::<i128>(), last.parse::<i128>()) else {
            past += 1; // no rows, or no numbers
            continue;
        };
        let (top, last) = if *descends == "t" { (-top, -last) } else { (top, last) };
        if *cycles == "t" || last > top || (last == top && *called == "t") {
            past += 1;
            continue;
        }
        let (table, sequence) = (TableName::new(*schema, *table), TableName::new(*sequence_schema, *sequence));
        behind(trial, &table, column, &sequence);
    }
    Ok(past)
}

fn behind(trial: &mut Trial<'_>, table: &TableName, column: &str, sequence: &TableName) {
    let message = format!(
        "the sequence of {column} stands behind the rows, as it did in the project: the next insert fails there and here"
    );
    let hint = format!(
        "in the project, run: SELECT setval({}, (SELECT max({}) FROM {}));",
        quote_literal(&sequence.quoted()),
        quote_identifier(column),
        table.quoted()
    );
    if !trial.findings.iter().any(|f| f.code == "sequence-behind" && f.subject == table.to_string()) {
        trial.note(Finding::error("sequence-behind", table.to_string(), message).hint(hint));
    }
}

async fn first_writes(trial: &mut Trial<'_>, tables: &mut [DrillTable]) -> Result<(), Failure> {
    // the function that tells of counters is the session's own
    let numbered = NUMBERED.rsplit_once("SELECT * FROM").map_or(NUMBERED, |(function, _)| function);
    let script = format!("SET client_min_messages = error;\nBEGIN;\n{numbered}\n{FIRST_WRITES}\nROLLBACK;\n");
    let answer = trial.ask("trying first writes", script).await?;
    for fields in records(&answer) {
        let [schema, name, outcome, told] = fields.as_slice() else { continue };
        let name = TableName::new(*schema, *name);
        let Some(table) = tables.iter_mut().find(|table| table.table == name && table.is_equal.is_some()) else {
            continue;
        };
        table.first_write = Some(match *outcome {
            "works" => FirstWrite::Works,
            "taken" => {
                let told = trial.findings.iter().any(|f| f.code == "sequence-behind" && f.subject == name.to_string());
                if !told {
                    let message =
                        "the next insert fails: the number that its sequence gives is taken, as it is in the project";
                    trial.note(Finding::error("sequence-behind", name.to_string(), message));
                }
                FirstWrite::Taken { column: fields[3].to_owned() }
            }
            _ => FirstWrite::Refused { reason: (*told).to_owned() },
        });
    }
    Ok(())
}

/// What the snapshot lacks by its own account.
pub(super) fn incomplete(trial: &mut Trial<'_>) {
    let missing = &trial.manifest().missing;
    if missing.is_empty() {
        return;
    }
    let first: Vec<&str> = missing.iter().take(5).map(|missing| missing.subject.as_str()).collect();
    let more = if missing.len() > first.len() {
        format!(" and {} more", count((missing.len() - first.len()) as u64))
    } else {
        String::new()
    };
    let message = format!(
        "the snapshot is incomplete, {} not in it: {}{more}",
        plural(missing.len() as u64, "thing"),
        first.join(", ")
    );
    trial.note(
        Finding::warning("incomplete", "manifest.json", message)
            .hint("`supabackup list <snapshot>` names each with the reason"),
    );
}
