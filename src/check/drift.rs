//! What changed in the schema since the newest complete snapshot?

use std::collections::{BTreeMap, BTreeSet};

use super::Case;
use crate::model::{CatalogSeen, Finding, Seen, TableName};

/// Changes that are named; more are counted.
const NAMED: usize = 20;
/// Longest line of a statement that is shown.
const LABEL: usize = 100;

/// What is gone or other may be lost in a restore into the project; what came is only news.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    text: String,
    only_adds: bool,
}

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let seen = case.seen.catalog.as_ref().map_err(Clone::clone)?;
    let mut changes = columns(&seen.then.tables, &seen.now.tables);
    changes.extend(statements(seen));
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let mut named: Vec<&str> = changes.iter().take(NAMED).map(|change| change.text.as_str()).collect();
    let more = format!("and {} more", changes.len().saturating_sub(NAMED));
    if changes.len() > NAMED {
        named.push(&more);
    }
    let message = format!("the schema changed since snapshot {}: {}", seen.since, named.join("; "));
    let hint = "if this was on purpose, the next backup takes it, and then it is no difference any more";
    Ok(vec![match changes.iter().all(|change| change.only_adds) {
        true => Finding::info("schema-changed", "schema", message),
        false => Finding::warning("schema-changed", "schema", message).hint(hint),
    }])
}

/// Names and types of the columns of each table.
pub type Columns = BTreeMap<TableName, Vec<(String, String)>>;

/// What came (`+`), went (`-`) and changed (`~`) of tables and columns, each in words.
pub fn column_changes(then: &Columns, now: &Columns) -> Vec<String> {
    columns(then, now).into_iter().map(|change| change.text).collect()
}

/// Tables and their columns.
fn columns(then: &Columns, now: &Columns) -> Vec<Difference> {
    let names: BTreeSet<&TableName> = then.keys().chain(now.keys()).collect();
    let change = |text: String, only_adds: bool| Difference { text, only_adds };
    let mut found = Vec::new();
    for name in names {
        let (old, new) = match (then.get(name), now.get(name)) {
            (Some(old), Some(new)) => (old, new),
            (None, _) => {
                found.push(change(format!("+ table {name}"), true));
                continue;
            }
            (_, None) => {
                found.push(change(format!("- table {name}"), false));
                continue;
            }
        };
        let type_in = |columns: &[(String, String)], name: &str| {
            columns.iter().find(|(column, _)| column == name).map(|(_, of_type)| of_type.clone())
        };
        for (column, was) in old {
            match type_in(new, column) {
                None => found.push(change(format!("- column {name}.{}", column.escape_debug()), false)),
                Some(is) if is != *was => {
                    found.push(change(format!("~ column {name}.{}: {was} became {is}", column.escape_debug()), false));
                }
                Some(_) => {}
            }
        }
        for (column, is) in new.iter().filter(|(column, _)| type_in(old, column).is_none()) {
            found.push(change(format!("+ column {name}.{} ({is})", column.escape_debug()), true));
        }
    }
    found
}

/// Everything else, where both sides know it.
fn statements(seen: &CatalogSeen) -> Vec<Difference> {
    let (Some(then), Some(now)) = (&seen.then.statements, &seen.now.statements) else { return Vec::new() };
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (then.iter().map(String::as_str).collect(), now.iter().map(String::as_str).collect());
    // tables and columns are told above
    let is_told =
        |statement: &&str| statement.starts_with("CREATE TABLE ") || statement.starts_with("CREATE UNLOGGED TABLE ");
    let mut sides: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for statement in old.difference(&new).copied().filter(|s| !is_told(s)) {
        sides.entry(label(statement)).or_default().0 = true;
    }
    for statement in new.difference(&old).copied().filter(|s| !is_told(s)) {
        sides.entry(label(statement)).or_default().1 = true;
    }
    let told = sides.into_iter().map(|(label, sides)| match sides {
        (true, true) => Difference { text: format!("~ {label}"), only_adds: false },
        (true, false) => Difference { text: format!("- {label}"), only_adds: false },
        _ => Difference { text: format!("+ {label}"), only_adds: true },
    });
    told.collect()
}

/// The first line of a statement, not too long.
fn label(statement: &str) -> String {
    let line = statement.lines().next().unwrap_or_default().trim_end_matches(';');
    match line.char_indices().nth(LABEL) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
