//! What the key may see, and the limits of the server.

use super::{not_checked, some_of};
use crate::commands::backup::discover::{SQL_ACCESS, subject};
use crate::commands::doctor::observe::{ProjectSeen, RowLimit, Tried, Trouble};
use crate::model::{Finding, Missing, Relation, TableName};
use crate::render::{bytes, count, plural};
use crate::supabase::{Access, Paging};

/// Supabase's default for `max_rows`.
const USUAL_ROW_LIMIT: u64 = 1000;

/// Everything about schemas, tables and limits.
pub(crate) fn project(seen: Option<&Result<ProjectSeen, Trouble>>, why_not: Option<&str>) -> Vec<Finding> {
    match seen {
        None => vec![not_checked(
            "project",
            "schemas, tables, grants and limits were",
            why_not.unwrap_or("the API cannot be asked"),
        )],
        Some(Err(trouble)) => {
            let text = format!("what the key may see cannot be read: {}", trouble.message);
            let finding = Finding::error("catalog-unreadable", "project", text);
            vec![match &trouble.hint {
                Some(hint) => finding.hint(hint.clone()),
                None => finding,
            }]
        }
        Some(Ok(seen)) => {
            let mut findings = schemas(seen);
            findings.extend(server(seen));
            findings.extend(super::sql::sql(seen));
            findings.push(tables(seen));
            // that SQL does not work was said above
            let missing = seen.found.missing.iter().filter(|missing| !missing.subject.starts_with(SQL_ACCESS));
            findings.extend(missing.map(|missing| unreadable(seen, missing)));
            findings.extend(excluded(seen));
            findings.extend(keyless(seen));
            findings.extend(row_limit(seen));
            findings.extend(paging(seen));
            findings.push(floats(seen));
            findings.extend(blind_spot(seen));
            findings
        }
    }
}

/// Bytes of one snapshot, roughly: rows as text, in both forms, compress to a third.
pub(crate) fn estimate(seen: &ProjectSeen) -> Option<u64> {
    let size = |(_, access): &(Relation, Access)| Some(access.counted? * access.row_bytes.unwrap_or(0));
    // a table that could not be counted in time counts as nothing: the estimate is a lower bound
    Some(seen.found.tables.iter().filter_map(size).sum::<u64>() / 3)
}

fn schemas(seen: &ProjectSeen) -> Vec<Finding> {
    let Some(exposed) = &seen.exposed else {
        // that only public is read without --schema is among what is missing
        return vec![Finding::warning("schemas-unknown", "schemas", "the API does not say which schemas it exposes")];
    };
    let text = format!("the API exposes {}: {}", plural(exposed.len() as u64, "schema"), some_of(exposed, 20));
    let mut findings = vec![Finding::info("schemas", "schemas", text)];
    let is_known = |schema: &String| exposed.contains(schema) || seen.hidden_schemas.contains(schema);
    for schema in seen.wanted.iter().filter(|schema| !is_known(schema)) {
        let text = format!("the API does not expose the schema {schema:?} that is to be backed up");
        findings.push(Finding::error("schema-not-exposed", "schemas", text).hint(
            "add it to the exposed schemas in the dashboard (Project Settings, Data API), \
             or leave it out of --schema",
        ));
    }
    let left: Vec<&String> = exposed.iter().filter(|schema| !seen.wanted.contains(schema)).collect();
    if !seen.wanted.is_empty() && !left.is_empty() {
        let text = format!("of the exposed schemas, --schema leaves out {}", some_of(&left, 20));
        findings.push(Finding::warning("schemas-left-out", "schemas", text));
    }
    findings
}

fn server(seen: &ProjectSeen) -> Option<Finding> {
    // `12.0.2 (a4e00ff)`: what is in brackets names a build
    let version = seen.found.server.as_deref()?.split(' ').next()?;
    Some(Finding::info("server", "server", format!("the API is PostgREST {version}")))
}

fn tables(seen: &ProjectSeen) -> Finding {
    let found = &seen.found;
    let counts: Vec<u64> = found.tables.iter().filter_map(|(_, access)| access.counted).collect();
    let (rows, size) = (counts.iter().sum(), estimate(seen).unwrap_or(0) * 3);
    let (views, left_out): (Vec<_>, Vec<_>) = found.passed_over.iter().partition(|passed| seen.is_wanted(&passed.name));
    if found.listed.is_empty() {
        return Finding::error("no-tables", "tables", "the key sees no table at all: there is nothing to back up")
            .hint("grant them: GRANT SELECT ON ALL TABLES IN SCHEMA public TO service_role;");
    }
    if found.tables.is_empty() {
        let text = format!("of {} that the key sees, none can be backed up", relations(found.listed.len()));
        return Finding::error("no-tables", "tables", text)
            .hint("check the patterns to include and to exclude, and what is said below about each table");
    }
    let number = plural(found.tables.len() as u64, "table");
    let mut text = match found.sql {
        Some(_) => format!("{number} can be read"),
        None => format!("the key reads {number}"),
    };
    let least = if counts.len() < found.tables.len() { "at least " } else { "" };
    text += &format!(": {least}{}, about {} as text", plural(rows, "row"), bytes(size));
    if !views.is_empty() {
        text += &format!("; {} passed over, having no rows of their own", were(views.len(), "view"));
    }
    if !left_out.is_empty() {
        text += &format!("; {} left out by pattern", were(left_out.len(), "relation"));
    }
    Finding::info("tables", "tables", text)
}

/// `1 table or view`, `12 tables and views`
fn relations(number: usize) -> String {
    match number {
        1 => "the 1 table or view".to_owned(),
        _ => format!("the {} tables and views", count(number as u64)),
    }
}

/// `1 view is`, `2 views are`
fn were(number: usize, word: &str) -> String {
    format!("{} {}", plural(number as u64, word), if number == 1 { "is" } else { "are" })
}

fn unreadable(seen: &ProjectSeen, missing: &Missing) -> Finding {
    let text = format!("{} cannot be backed up: {}", missing.subject, missing.reason);
    let dots = seen.found.listed.iter().find(|table| is_dots(table) && subject(table) == missing.subject);
    if let Some(table) = dots {
        let rename = format!("rename it: ALTER TABLE {} RENAME TO …;", table.quoted());
        let hint = format!("{rename} or leave it out with --exclude '{}'", table.plain());
        return Finding::error("table-unnameable", missing.subject.clone(), text).hint(hint);
    }
    let code = match missing.subject.split(' ').next() {
        Some("table") => "table-unreadable",
        Some("column") => "column-unreadable",
        _ => "not-captured",
    };
    let finding = Finding::error(code, missing.subject.clone(), text);
    match &missing.fix {
        Some(fix) => finding.hint(fix.clone()),
        None => finding,
    }
}

/// Names that every URL parser on the way takes out of a path.
fn is_dots(table: &TableName) -> bool {
    table.name == "." || table.name == ".."
}

fn excluded(seen: &ProjectSeen) -> Vec<Finding> {
    let names: Vec<TableName> = seen.found.listed.iter().cloned().collect();
    // those to include are among what is missing already
    let unmatched = seen.filter.unmatched(&names).into_iter().filter(|p| seen.exclude.iter().any(|e| e == p));
    let finding = |pattern| {
        let text = format!("the pattern to exclude {pattern:?} matches nothing");
        Finding::warning("exclude-unmatched", "tables", text).hint("check its spelling: it stands for the whole name")
    };
    unmatched.map(finding).collect()
}

fn keyless(seen: &ProjectSeen) -> Option<Finding> {
    let without = seen.found.tables.iter().filter(|(relation, _)| relation.primary_key.is_empty());
    let names: Vec<&TableName> = without.map(|(relation, _)| &relation.name).collect();
    let have = match names.len() {
        0 => return None,
        1 => "1 table has".to_owned(),
        number => format!("{} tables have", count(number as u64)),
    };
    let text = format!("{have} no primary key that the API shows: {}", some_of(&names, 5));
    let hint =
        "they are backed up all the same; with a key, rows could be told apart when they are restored one by one";
    Some(Finding::warning("table-keyless", "tables", text).hint(hint))
}

fn row_limit(seen: &ProjectSeen) -> Vec<Finding> {
    let info = |text: String| Finding::info("max-rows", "max_rows", text);
    let limit = match &seen.row_limit {
        RowLimit::NoRows => {
            return vec![info("no table has rows, so the server's row limit (max_rows) does not show".to_owned())];
        }
        RowLimit::Unknown(reason) => {
            return vec![Finding::warning(
                "max-rows-unknown",
                "max_rows",
                format!("the server's row limit (max_rows) could not be found out: {reason}"),
            )];
        }
        RowLimit::NotBelow(rows) if *rows <= USUAL_ROW_LIMIT => {
            return vec![info(format!(
                "the server's row limit (max_rows) does not show: the largest table has only {}",
                plural(*rows, "row")
            ))];
        }
        RowLimit::NotBelow(rows) => {
            return vec![info(format!("one answer may hold {} or more (max_rows)", plural(*rows, "row")))];
        }
        RowLimit::CutAt(limit) => *limit,
    };
    let text = format!("one answer holds {} at most (max_rows)", plural(limit, "row"));
    let mut findings = vec![if limit < USUAL_ROW_LIMIT {
        Finding::warning("max-rows-small", "max_rows", format!("{text}: a backup is complete, and slow"))
            .hint("raise Max rows to 1000 or more in the dashboard (Project Settings, Data API)")
    } else {
        info(text)
    }];
    // neither address nor key: one answer has to hold all of it
    let whole = seen.found.tables.iter().filter(|(_, access)| access.paging == Paging::Whole);
    findings.extend(whole.filter_map(|(relation, access)| {
        let rows = access.counted.filter(|rows| *rows > limit)?;
        let text = format!(
            "table {} cannot be read in pieces, and its {} are more than one answer holds",
            relation.name,
            plural(rows, "row")
        );
        let fix = format!("GRANT SELECT ON TABLE {} TO service_role;", relation.name.quoted());
        Some(Finding::error("table-too-large", subject(&relation.name), text).hint(fix))
    }));
    findings
}

fn paging(seen: &ProjectSeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &seen.by_address {
        Tried::Works(table) => {
            let text = format!("reading by physical address (ctid) works (tried on {table})");
            findings.push(Finding::info("ctid", "paging", text));
        }
        Tried::Fails(table, reason) => findings.push(
            Finding::error(
                "ctid-fails",
                "paging",
                format!("reading by physical address (ctid) fails on {table}: {reason}"),
            )
            .hint("SUPABACKUP_PAGING=keyset reads by primary key instead"),
        ),
        Tried::Nowhere => {
            let text = "no table has rows to try reading by physical address (ctid) on";
            findings.push(Finding::info("ctid", "paging", text));
        }
        Tried::NotWanted => {
            let text = "tables are read by primary key, as the configuration asks";
            findings.push(Finding::info("ctid", "paging", text));
        }
    }
    let by_key = seen.found.tables.iter().filter(|(_, access)| access.paging == Paging::Keyset);
    let by_key: Vec<&TableName> = by_key.map(|(relation, _)| &relation.name).collect();
    if !by_key.is_empty() && !matches!(seen.by_address, Tried::NotWanted) {
        let text = format!(
            "{} read by primary key, having no usable addresses: {}",
            were(by_key.len(), "table"),
            some_of(&by_key, 5)
        );
        findings.push(Finding::info("keyset", "paging", text));
    }
    findings
}

fn floats(seen: &ProjectSeen) -> Finding {
    let holds = |(relation, access): &&(Relation, Access)| {
        access.counted != Some(0) && relation.columns.iter().any(|column| column.may_hold_floats())
    };
    let names: Vec<&TableName> = seen.found.tables.iter().filter(holds).map(|(relation, _)| &relation.name).collect();
    match seen.floats_exact {
        Some(true) => Finding::info("floats", "floats", "floating-point numbers come with all their digits"),
        None if names.is_empty() => Finding::info("floats", "floats", "no table holds floating-point numbers"),
        None => {
            let text = "whether floating-point numbers come with all their digits does not show: too few rows tell";
            Finding::info("floats", "floats", text)
        }
        Some(false) => {
            let text = "the server cuts the last digits of floating-point numbers (extra_float_digits is below 1)";
            let hint = "ALTER ROLE service_role SET extra_float_digits = 1; NOTIFY pgrst, 'reload config';";
            if names.is_empty() {
                Finding::warning("floats-cut", "floats", format!("{text}, of which no table has any")).hint(hint)
            } else {
                Finding::error("floats-cut", "floats", format!("{text}: {}", some_of(&names, 5))).hint(hint)
            }
        }
    }
}

/// Without SQL, nobody can tell what the Data API does not show.
fn blind_spot(seen: &ProjectSeen) -> Option<Finding> {
    if seen.found.sql.is_some() {
        return None;
    }
    let mut schemas: Vec<String> =
        seen.found.listed.iter().map(|table| crate::model::quote_identifier(&table.schema)).collect();
    schemas.sort();
    schemas.dedup();
    let schemas = if schemas.is_empty() { "public".to_owned() } else { schemas.join(", ") };
    let text = "tables without a grant to service_role, and schemas that the API does not expose, are invisible \
                without SQL access: they are not backed up and cannot be named here";
    let hint = format!(
        "compare {} above with the dashboard's list; GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO service_role; \
         makes the rest visible. Or give SQL access: a SUPABASE_ACCESS_TOKEN with the permission database_read, or on \
         any project `supabackup helper-sql`",
        relations(seen.found.listed.len())
    );
    Some(Finding::warning("blind-spot", "project", text).hint(hint))
}
