//! What every Supabase project has and a plain server has not: enough of it for what the snapshot holds to be made.

use std::collections::BTreeSet;

use super::trial::Trial;
use crate::ddl::{ExtensionNeed, OutsideKey, held, types_of};
use crate::error::Failure;
use crate::format::quote_literal;
use crate::model::{Finding, StandIn, TableEntry, TableName, quote_identifier};
use crate::psql::Mode;

use super::scratch::records;

const PIECES: &str = include_str!("sql/platform.sql");

/// Roles of the platform, and what makes each of them different.
const ROLES: [(&str, &str); 17] = [
    ("anon", "NOINHERIT"),
    ("authenticated", "NOINHERIT"),
    ("service_role", "NOINHERIT BYPASSRLS"),
    ("authenticator", "NOINHERIT"),
    ("postgres", "CREATEDB CREATEROLE"),
    ("dashboard_user", ""),
    ("pgbouncer", ""),
    ("pgsodium_keyholder", ""),
    ("pgsodium_keyiduser", ""),
    ("pgsodium_keymaker", ""),
    ("supabase_admin", ""),
    ("supabase_auth_admin", "NOINHERIT"),
    ("supabase_etl_admin", ""),
    ("supabase_functions_admin", "NOINHERIT"),
    ("supabase_read_only_user", ""),
    ("supabase_realtime_admin", "NOINHERIT"),
    ("supabase_storage_admin", "NOINHERIT"),
];

/// Schemas of the platform that scripts may name.
const SCHEMAS: [&str; 9] = [
    "auth",
    "storage",
    "extensions",
    "graphql_public",
    "graphql",
    "realtime",
    "vault",
    "supabase_functions",
    "pgbouncer",
];

/// Extensions that every hosted project has: nobody asked for them.
const EVERYWHERE: [&str; 4] = ["pg_graphql", "supabase_vault", "pg_stat_statements", "pgsodium"];

/// Makes stand-ins for all that a snapshot with a schema needs.
pub(super) async fn with_schema(trial: &mut Trial<'_>) -> Result<Vec<OutsideKey>, Failure> {
    roles(trial).await?;
    let Some(facts) = &trial.facts else { return Ok(Vec::new()) };
    let keys = facts.outside_keys();
    let extensions = facts.extension_needs();
    let outside: Vec<&TableEntry> =
        trial.manifest().tables.iter().filter(|table| !facts.makes_relation(&table.name)).collect();
    let mut schemas: BTreeSet<&str> = facts.used_schemas();
    schemas.extend(outside.iter().map(|table| table.name.schema.as_str()));
    schemas.extend(keys.iter().map(|key| key.to.schema.as_str()));
    schemas.extend(extensions.iter().filter_map(|e| e.schema.as_deref()));
    schemas.extend(SCHEMAS.into_iter().filter(|name| names(&trial.scripts, name)));
    let made_up = schemas.iter().filter(|name| !facts.own_schemas().contains(*name)).map(|n| (*n).to_owned()).collect();
    let schemas: String =
        schemas.iter().map(|name| format!("CREATE SCHEMA IF NOT EXISTS {};\n", quote_identifier(name))).collect();
    stand_in(trial, "schemas", made_up);
    trial.ask("making schemas", schemas).await?;
    let missing = load_extensions(trial, &extensions).await?;
    trial.absent = missing;
    hold(trial, &outside).await?;
    pieces(trial, &keys).await?;
    referred(trial, &keys).await?;
    Ok(keys.into_iter().filter(|key| !outside.iter().any(|table| table.name == key.to)).collect())
}

/// Makes tables for a snapshot without one.
pub(super) async fn without_schema(trial: &mut Trial<'_>) -> Result<(), Failure> {
    let message = "the snapshot holds no schema: its rows were loaded into tables made from the columns and types that its \
                   manifest names, and nothing else of the schema was tried";
    trial.note(
        Finding::warning("schema-untried", "schema", message)
            .hint("with SQL access (`supabackup doctor` says what it needs) a backup holds the schema too"),
    );
    let tables: Vec<&TableEntry> = trial.manifest().tables.iter().collect();
    let mut schemas: BTreeSet<&str> = tables.iter().map(|table| table.name.schema.as_str()).collect();
    schemas.insert("extensions");
    let schemas: String =
        schemas.iter().map(|name| format!("CREATE SCHEMA IF NOT EXISTS {};\n", quote_identifier(name))).collect();
    trial.ask("making schemas", schemas).await?;
    hold(trial, &tables).await
}

fn stand_in(trial: &mut Trial<'_>, kind: &'static str, names: Vec<String>) {
    if !names.is_empty() {
        trial.stand_ins.push(StandIn { kind, names });
    }
}

/// Whether scripts name something, by itself or before a dot.
fn names(scripts: &str, name: &str) -> bool {
    scripts.contains(&format!("\"{name}\"")) || scripts.contains(&format!("{name}."))
}

/// Roles belong to the whole server: those that are made are marked, and go when the drill ends.
async fn roles(trial: &mut Trial<'_>) -> Result<(), Failure> {
    let there = trial.ask("listing roles", "SELECT rolname FROM pg_catalog.pg_roles;".to_owned()).await?;
    let there: BTreeSet<&str> = records(&there).filter_map(|fields| fields.first().copied()).collect();
    let own = trial.facts.iter().flat_map(crate::ddl::Facts::role_names).map(|name| (name, ""));
    let (mut script, mut made) = (String::new(), Vec::new());
    for (role, attributes) in ROLES.into_iter().chain(own) {
        if there.contains(role) || !trial.scripts.contains(role) {
            continue;
        }
        let name = quote_identifier(role);
        script += &format!(
            "CREATE ROLE {name} NOLOGIN {attributes};\nCOMMENT ON ROLE {name} IS '{}';\n",
            trial.scratch.mark()
        );
        made.push(role.to_owned());
    }
    // another drill may make the same ones at this moment
    let said = trial.run(Mode::Onward, script.clone()).await?;
    let problems: Vec<_> =
        said.problems.into_iter().filter(|p| !["42710", "23505", "42501"].contains(&p.state.as_str())).collect();
    trial.complaints(&script, &problems);
    stand_in(trial, "roles", made);
    Ok(())
}

/// Makes the project's extensions, and gives those that this server does not have.
async fn load_extensions(trial: &mut Trial<'_>, all: &[ExtensionNeed]) -> Result<BTreeSet<String>, Failure> {
    let mut script = String::new();
    for extension in all {
        let schema = extension.schema.as_ref().map(|name| format!(" WITH SCHEMA {}", quote_identifier(name)));
        script += &format!(
            "SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS {}{} CASCADE;\n",
            quote_identifier(&extension.name).replace('\n', " "),
            schema.unwrap_or_default()
        );
    }
    let said = trial.run(Mode::Onward, script).await?;
    let mut absent = BTreeSet::new();
    for problem in &said.problems {
        let Some(extension) = problem.line.checked_sub(1).and_then(|at| all.get(at)) else { continue };
        absent.insert(extension.name.clone());
        let is_usual = EVERYWHERE.contains(&extension.name.as_str());
        let message = format!("this server does not have the extension: {}", problem.message);
        let make = if is_usual { Finding::info } else { Finding::warning };
        trial.note(make("extension-absent", &extension.name, message.as_str()).hint(match is_usual {
            true => "every Supabase project has it; what needs it is told by itself",
            false => "to try what needs it, drill on a server that has it",
        }));
    }
    Ok(absent)
}

/// Makes tables from what the manifest says of them.
async fn hold(trial: &mut Trial<'_>, tables: &[&TableEntry]) -> Result<(), Failure> {
    if tables.is_empty() {
        return Ok(());
    }
    let wanted = types_of(tables);
    let values: Vec<String> = wanted.iter().map(|name| format!("({})", quote_literal(name))).collect();
    let mut known = BTreeSet::new();
    if !values.is_empty() {
        // one that cannot be read as a type is an error from some versions on: asked one by one, it is only that
        let script: String = values
            .iter()
            .map(|v| {
                format!("SELECT name FROM (VALUES {v}) AS t(name) WHERE pg_catalog.to_regtype(name) IS NOT NULL;\n")
            })
            .collect();
        let said = trial.run(Mode::Onward, script).await?;
        let answers: BTreeSet<&str> = said.stdout.split(['\n', '\u{1e}']).collect();
        known = wanted.into_iter().filter(|name| answers.contains(name)).collect();
    }
    let held = held(tables, &known);
    let script: String = held.types.iter().chain(&held.tables).map(|line| format!("{line}\n")).collect();
    let said = trial.run(Mode::Onward, script.clone()).await?;
    trial.complaints(&script, &said.problems);
    if !held.as_text.is_empty() {
        let message = format!(
            "this server does not know their types, so their values were held as text: {}",
            held.as_text.join(", ")
        );
        trial.note(Finding::warning("held-as-text", "columns", message));
    }
    if trial.facts.is_some() {
        let names = tables.iter().map(|table| format!("{} (with its rows)", table.name)).collect();
        stand_in(trial, "tables", names);
    }
    Ok(())
}

/// Well-known tables and functions of the platform, where the scripts name them.
async fn pieces(trial: &mut Trial<'_>, keys: &[OutsideKey]) -> Result<(), Failure> {
    let there = trial.relations().await?;
    let (mut script, mut tables, mut functions) = (String::new(), Vec::new(), Vec::new());
    for piece in PIECES.split("--@ ").skip(1) {
        let Some((head, sql)) = piece.split_once('\n') else { continue };
        let Some((kind, (schema, name))) = head.split_once(' ').and_then(|(k, n)| Some((k, n.split_once('.')?))) else {
            continue;
        };
        let table = TableName::new(schema, name);
        let is_named = trial.scripts.contains(&format!("{schema}.{name}")) || trial.scripts.contains(&table.quoted());
        match (kind, &trial.facts) {
            ("table", Some(facts)) => {
                let is_made = there.contains(&table) || facts.makes_relation(&table);
                if is_made || !(is_named || keys.iter().any(|key| key.to == table)) {
                    continue;
                }
                tables.push(table.to_string());
            }
            (_, Some(facts)) => {
                if facts.makes_function(schema, name) || !is_named {
                    continue;
                }
                functions.push(format!("{schema}.{name}()"));
            }
            (_, None) => continue,
        }
        script += sql;
    }
    stand_in(trial, "tables", tables);
    stand_in(trial, "functions", functions);
    let said = trial.run(Mode::Onward, script.clone()).await?;
    trial.complaints(&script, &said.problems);
    Ok(())
}

/// Tables that foreign keys refer to and that nobody knows more of than these columns.
async fn referred(trial: &mut Trial<'_>, keys: &[OutsideKey]) -> Result<(), Failure> {
    let there = trial.relations().await?;
    let (mut script, mut made) = (String::new(), BTreeSet::new());
    for key in keys {
        let columns = key.to_columns.iter().zip(&key.columns);
        let columns: Vec<String> =
            columns.map(|(name, (_, type_name))| format!("{} {type_name}", quote_identifier(name))).collect();
        let (table, list) = (key.to.quoted(), list(&key.to_columns));
        if !there.contains(&key.to) && made.insert(key.to.to_string()) {
            script += &format!("CREATE TABLE {table} ({});\n", columns.join(", "));
        }
        // one that is unique already needs no other
        script += &format!(
            "DO $unique$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = {}::regclass AND i.indisunique \
             AND i.indnkeyatts = {} AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid \
             AND a.attnum = ANY (i.indkey)) = (SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY[{}]) x)) \
             THEN ALTER TABLE {table} ADD UNIQUE ({list}); END IF; END $unique$;\n",
            quote_literal(&table),
            key.to_columns.len(),
            key.to_columns.iter().map(|name| quote_literal(name)).collect::<Vec<_>>().join(", "),
        );
    }
    let said = trial.run(Mode::Onward, script.clone()).await?;
    trial.complaints(&script, &said.problems);
    stand_in(trial, "tables", made.into_iter().collect());
    Ok(())
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| quote_identifier(name)).collect::<Vec<_>>().join(", ")
}

/// Rows for made-up tables, from what refers to them; says whether there were any.
pub(super) async fn made_up_rows(trial: &mut Trial<'_>, keys: &[OutsideKey]) -> Result<(), Failure> {
    for key in keys {
        let own: Vec<String> = key.columns.iter().map(|(name, _)| name.clone()).collect();
        let there: Vec<String> = own.iter().map(|name| format!("{} IS NOT NULL", quote_identifier(name))).collect();
        let script = format!(
            "SET session_replication_role = replica;\n\
             WITH made AS (INSERT INTO {} ({}) SELECT DISTINCT {} FROM {} WHERE {} ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*) FROM made;\n",
            key.to.quoted(),
            list(&key.to_columns),
            list(&own),
            key.from.quoted(),
            there.join(" AND "),
        );
        let said = trial.run(Mode::Whole, script).await?;
        let made: u64 = said.stdout.trim_matches(['\n', '\u{1e}']).parse().unwrap_or(0);
        if made > 0 || said.problem().is_some() {
            let message = format!(
                "its rows are not in the snapshot: they were made up from what {} refers to, so that the foreign key can be made",
                key.from
            );
            trial.note(
                Finding::warning("users-made-up", key.to.to_string(), message)
                    .hint("a backup with SQL access holds the project's users, unless they are excluded"),
            );
        }
    }
    Ok(())
}
