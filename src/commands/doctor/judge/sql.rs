//! SQL: through what, what that may see, and what is missing for it.

use super::some_of;
use crate::commands::channel::{Choice, Other, Sql, WhyNot};
use crate::commands::doctor::observe::ProjectSeen;
use crate::model::{Finding, TableName};
use crate::render::plural;
use crate::supabase::RowSource;
use crate::supabase::sql::{ChannelKind, HELPER_SCHEMA};

/// Everything about SQL access and what it shows.
pub(crate) fn sql(seen: &ProjectSeen) -> Vec<Finding> {
    let choice = &seen.choice;
    let mut findings = Vec::new();
    match &choice.sql {
        Some(sql) => {
            findings.push(Finding::info("sql", "sql", reached(choice, sql)));
            findings.extend(rights(sql));
        }
        None if choice.is_switched_off => {
            findings.push(Finding::info("sql-off", "sql", "SQL is switched off by the configuration (sql = none)"));
        }
        None => findings.extend(nowhere(choice)),
    }
    findings.extend(choice.others.iter().filter_map(|other| not_working(choice, other)));
    findings.extend(helper(seen));
    findings.extend(coverage(seen));
    findings
}

fn reached(choice: &Choice, sql: &Sql) -> String {
    // `17.6 (Debian …)`: what is in brackets names a build
    let version = sql.server.server_version.split(' ').next().unwrap_or_default();
    let why = match (choice.was_asked_for, sql.kind) {
        (Some(_), _) => "as the configuration asks",
        (None, ChannelKind::Management) => "because SUPABASE_ACCESS_TOKEN is set",
        (None, ChannelKind::Meta) => "because it answers behind the project's gateway",
        (None, ChannelKind::Helper) => "because its schema is exposed",
    };
    format!("SQL goes through {}, {why}; it answers as {} (PostgreSQL {version})", sql.kind.name(), sql.server.role)
}

/// What the role that answers may not do.
fn rights(sql: &Sql) -> Vec<Finding> {
    let server = &sql.server;
    let warning = |code: &str, text: String, grant: String| Finding::warning(code, "sql", text).hint(grant);
    let mut findings = Vec::new();
    if !server.reads_all {
        findings.push(warning(
            "sql-role-reads-less",
            format!("the role {} may not read every table: those that it cannot read are named", server.role),
            format!("GRANT pg_read_all_data TO {};", server.role),
        ));
    }
    if !server.sees_all_rows {
        findings.push(warning(
            "sql-role-row-security",
            format!(
                "row level security holds for the role {}: tables with policies cannot be read through SQL",
                server.role
            ),
            format!("ALTER ROLE {} BYPASSRLS;", server.role),
        ));
    }
    findings
}

/// No way is there, and nothing that was given fails: what each would need.
fn nowhere(choice: &Choice) -> Option<Finding> {
    let reason = |other: &Other| {
        let why = match &other.why {
            WhyNot::NotGiven(reason) => reason.clone(),
            WhyNot::Absent(failure) => failure.message.clone(),
            WhyNot::Unusable(_) | WhyNot::Failed(_) => return None,
        };
        Some(format!("{}: {why}", other.kind.name()))
    };
    let reasons: Vec<String> = choice.others.iter().filter_map(reason).collect();
    (!reasons.is_empty() && choice.was_asked_for.is_none())
        .then(|| Finding::info("sql-none", "sql", format!("there is no SQL access ({})", reasons.join("; "))))
}

/// Something was given, or asked for, and does not work.
fn not_working(choice: &Choice, other: &Other) -> Option<Finding> {
    let is_needed = choice.sql.is_none();
    let text = |why: &str| format!("SQL through {} does not work: {why}", other.kind.name());
    let finding = |why: &str| match is_needed {
        true => Finding::error("sql-refused", "sql", text(why)),
        false => Finding::warning("sql-refused", "sql", text(why)),
    };
    match &other.why {
        WhyNot::Failed(failure) => Some(with_hint(finding(&failure.message), failure.hint.as_deref())),
        WhyNot::Absent(failure) if choice.was_asked_for.is_some() => {
            Some(with_hint(finding(&failure.message), failure.hint.as_deref()))
        }
        WhyNot::NotGiven(reason) if choice.was_asked_for.is_some() => Some(finding(reason)),
        WhyNot::Unusable(reason) if choice.was_asked_for.is_some() => Some(finding(reason)),
        WhyNot::Unusable(reason) => Some(Finding::warning("access-token-unused", "access-token", reason.clone())),
        WhyNot::NotGiven(_) | WhyNot::Absent(_) => None,
    }
}

fn with_hint(finding: Finding, hint: Option<&str>) -> Finding {
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

/// The helper is in the database, and the Data API does not show it.
fn helper(seen: &ProjectSeen) -> Option<Finding> {
    let sql = seen.choice.sql.as_ref().filter(|sql| sql.server.helper)?;
    let is_exposed = seen.exposed.as_ref()?.iter().any(|schema| schema == HELPER_SCHEMA);
    (!is_exposed && sql.kind != ChannelKind::Helper).then(|| {
        Finding::warning(
            "helper-not-exposed",
            "sql",
            "the helper is installed, and the Data API does not expose its schema supabackup: it cannot be called",
        )
        .hint(
            "add supabackup to the exposed schemas (Project Settings, Data API); \
             or take the helper away: supabackup helper-sql --uninstall",
        )
    })
}

/// What the exact list of tables says about the Data API.
fn coverage(seen: &ProjectSeen) -> Option<Finding> {
    seen.found.sql.as_ref()?;
    let through_sql = seen.found.tables.iter().filter(|(_, access)| matches!(access.source, RowSource::Sql(_)));
    let names: Vec<&TableName> = through_sql.map(|(relation, _)| &relation.name).collect();
    Some(match names.len() as u64 {
        0 => Finding::info("coverage", "tables", "the Data API shows every table that is to be backed up"),
        number => Finding::info(
            "coverage",
            "tables",
            format!(
                "{} that the Data API does not show, or not whole, {} read through SQL: {}",
                plural(number, "table"),
                if number == 1 { "is" } else { "are" },
                some_of(&names, 10)
            ),
        ),
    })
}
