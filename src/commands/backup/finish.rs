//! The ledger: what was read becomes a manifest, and the manifest is written last.

use chrono::{DateTime, Utc};

use super::close;
use super::discover::Found;
use super::schema;
use super::shared::Shared;
use super::tables::Copied;
use crate::config::ProjectConfig;
use crate::error::Failure;
use crate::format::Digest;
use crate::model::{
    Consistency, Manifest, Missing, Project, Source, Stability, TOOL, TableEntry, TextSettings, Totals,
};
use crate::snapshot::seal_of;
use crate::supabase::sql::ServerSettings;
use crate::supabase::{RowSource, float_digits};

use super::copy::TableCopy;

/// Tables asked about float digits before it counts as unknown.
const FLOAT_TRIES: usize = 50;

/// Settles the ledger and writes everything that is not a part.
pub(super) async fn finish(
    shared: &Shared,
    project: &ProjectConfig,
    started: DateTime<Utc>,
    found: Found,
    copied: Copied,
) -> anyhow::Result<Manifest> {
    if copied.tables.is_empty() {
        return Err(nothing_read(&found, &copied).into());
    }
    let settings = settings(shared, found.sql.as_ref().map(|sql| &sql.server), &copied).await;
    let mut missing = found.missing;
    missing.extend(copied.missing);
    missing.extend(lossy(&settings, &copied.tables));
    copied.tables.iter().for_each(|table| balance(table, &mut missing));
    let tables: Vec<TableEntry> = copied.tables.iter().map(entry).collect();
    let level = |f: fn(&Stability) -> bool| tables.iter().filter(|t| f(&t.stability)).count() as u64;
    let sealing = shared.rules.sealing.as_deref();
    let mut manifest = Manifest {
        format: Manifest::version(sealing.is_some(), shared.rules.compression.is_gzip()),
        snapshot: shared.keys.id().clone(),
        tool: TOOL.to_owned(),
        project: Project { name: project.name.clone(), url: project.url.clone() },
        safety_of: shared.safety_of.clone(),
        instead_of: None,
        sealed: sealing.map(|sealing| seal_of(sealing, shared.rules.compression.method)),
        started,
        finished: shared.now(),
        complete: missing.is_empty(),
        missing,
        passed_over: found.passed_over,
        source: Source {
            catalog: found.sql.as_ref().map_or("openapi", |sql| sql.kind.word()).to_owned(),
            server: found.server,
            schemas: found.schemas,
            blind_spots: found.blind_spots,
        },
        settings,
        consistency: Consistency {
            moment: copied.moment,
            stable: level(|s| matches!(s, Stability::Stable { .. })),
            moved: level(|s| matches!(s, Stability::Moved { .. })),
            unproven: level(|s| matches!(s, Stability::Unproven { .. })),
        },
        totals: totals(&tables),
        tables,
        structure: None,
        files: Vec::new(),
    };
    if let Some(channel) = &shared.channel {
        schema::add_structure(shared, channel.as_ref(), &mut manifest).await?;
    }
    close::close(shared, &mut manifest).await?;
    Ok(manifest)
}

/// A snapshot of nothing would look like a backup.
fn nothing_read(found: &Found, copied: &Copied) -> Failure {
    let Some(first) = found.missing.first().or(copied.missing.first()) else {
        let excluded = found.passed_over.iter().filter(|p| p.reason.contains("clude")).count();
        return if excluded > 0 {
            Failure::usage(format!("nothing to back up: the filters leave out all of {excluded} relations"))
                .hint("loosen --include and --exclude")
        } else {
            Failure::failed("nothing to back up: the API shows no table to this key")
                .hint("a new table is shown only after GRANT SELECT ON ALL TABLES IN SCHEMA public TO service_role;")
        };
    };
    let failure = Failure::failed(format!("no table could be read; {}: {}", first.subject, first.reason));
    match &first.fix {
        Some(fix) => failure.hint(fix.clone()),
        None => failure,
    }
}

fn entry(table: &TableCopy) -> TableEntry {
    let access = table.work.reader.access();
    let mut digest = Digest::default();
    let pairs = || table.pieces.iter().filter_map(|p| p.pair.as_ref());
    pairs().for_each(|pair| digest += pair.digest);
    let (from, to) = (table.read_from, table.read_to);
    let unproven = || Stability::Unproven { from, to, reason: "it was not checked".to_owned() };
    TableEntry {
        name: table.relation.name.clone(),
        columns: access.columns.clone(),
        primary_key: table.relation.primary_key.clone(),
        read_as: access.read_as,
        paging: access.paging.word().to_owned(),
        read_through: access.source.word().map(str::to_owned),
        counted_before: table.counted_before,
        rows: table.rows(),
        counted_after: table.counted_after,
        digest: digest.to_string(),
        stability: table.stability.clone().unwrap_or_else(unproven),
        children: table.work.owners.children(),
        parts: pairs().flat_map(|pair| pair.parts.clone()).collect(),
    }
}

/// A table that did not change must have exactly the rows that were counted.
fn balance(table: &TableCopy, missing: &mut Vec<Missing>) {
    let Some((rows, counted)) = table.unreached else { return };
    missing.push(Missing {
        subject: super::discover::subject(&table.relation.name),
        reason: format!("{rows} rows were read and {counted} counted although nothing changed"),
        fix: Some("try --paging keyset, and report this with the manifest attached".to_owned()),
    });
}

fn totals(tables: &[TableEntry]) -> Totals {
    let mut totals = Totals { tables: tables.len() as u64, ..Totals::default() };
    for table in tables {
        totals.rows += table.rows;
        for part in &table.parts {
            totals.parts += 1;
            totals.raw_bytes += part.raw_size;
            totals.stored_bytes += part.size;
        }
    }
    totals
}

/// What the server states about its settings where SQL can be asked, or else what the values told.
async fn settings(shared: &Shared, server: Option<&ServerSettings>, copied: &Copied) -> TextSettings {
    let seen = shared.settings.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let through_rest = || copied.tables.iter().filter(|table| is_through_rest(table));
    let api = server.and_then(ServerSettings::api);
    let exact = match &api {
        Some(api) => Some(api.floats_are_exact()),
        None if seen.floats_are_exact() => Some(true),
        None => floats_exact(shared, through_rest().filter(|table| table.rows() > 0)).await,
    };
    let mut settings = seen.settings(exact);
    if let Some(api) = api {
        let word = |is_usual: bool, usual: &str| Some(if is_usual { usual } else { "other" }.to_owned());
        // what was seen in values is what happened
        settings.date_style = settings.date_style.or_else(|| word(api.date_style.starts_with("ISO"), "ISO"));
        settings.interval_style =
            settings.interval_style.or_else(|| word(api.interval_style == "postgres", "postgres"));
        settings.api = Some(api);
    }
    settings.sql = server.filter(|_| through_rest().count() < copied.tables.len()).map(ServerSettings::sql);
    settings.server_version = server.map(|server| server.server_version.clone());
    settings.server_encoding = server.map(|server| server.server_encoding.clone());
    settings
}

fn is_through_rest(table: &TableCopy) -> bool {
    matches!(table.work.reader.access().source, RowSource::Rest)
}

/// Asks tables with rows until one tells whether floats keep their digits.
async fn floats_exact<'a>(shared: &Shared, tables: impl Iterator<Item = &'a TableCopy>) -> Option<bool> {
    for table in tables.take(FLOAT_TRIES).collect::<Vec<_>>() {
        match float_digits(&shared.client, &table.relation).await {
            Ok(None) => {}
            Ok(told) => return told,
            // the rows are in: that the server does not answer any more only leaves this unknown,
            // and the manifest says so
            Err(_) => return None,
        }
    }
    None
}

/// Settings under which text is not the value.
fn lossy(settings: &TextSettings, tables: &[TableCopy]) -> Vec<Missing> {
    let mut missing = Vec::new();
    let fix = |setting: &str| Some(format!("ALTER ROLE service_role SET {setting}; NOTIFY pgrst, 'reload config';"));
    if settings.float_digits.as_deref() != Some("exact") {
        let reason = match settings.float_digits {
            Some(_) => "the server rounds floating-point numbers when it prints them (extra_float_digits is below 1)",
            None => "nothing in the data shows whether the server prints floating-point numbers with all their digits",
        };
        for table in tables.iter().filter(|t| t.rows() > 0 && is_through_rest(t)) {
            let columns = table.work.reader.access().columns.iter().filter(|c| c.may_hold_floats());
            let columns: Vec<String> = columns.map(|c| c.name.escape_debug().to_string()).collect();
            if !columns.is_empty() {
                missing.push(Missing {
                    subject: format!("last digits in table {}: {}", table.relation.name, columns.join(", ")),
                    reason: reason.to_owned(),
                    fix: fix("extra_float_digits = 1"),
                });
            }
        }
    }
    let style = |seen: &Option<String>, what: &str, setting: &str| {
        (seen.as_deref() == Some("other")).then(|| Missing {
            subject: format!("the meaning of {what}"),
            reason: format!("the server prints {what} in a style that another server may read differently"),
            fix: fix(setting),
        })
    };
    missing.extend(style(&settings.date_style, "dates and timestamps", "datestyle = 'ISO, MDY'"));
    missing.extend(style(&settings.interval_style, "intervals", "intervalstyle = 'postgres'"));
    missing
}
