//! SQL over HTTPS: three transports that give the same snapshot, credentials that do not serve, limits,
//! and the functions that a person installs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use secrecy::SecretString;
use serde_json::{Value, json};
use supabackup::buffers::Buffers;
use supabackup::http::{Http, Patience};
use supabackup::model::Manifest;
use supabackup::supabase::sql::{Helper, Management, Meta, Question, SequencePosition, SqlChannel};

use crate::support::compare::{json_rows, rows_of};
use crate::support::run::{Ran, only_snapshot};
use crate::support::{Run, Stack};

/// What only SQL reaches in the torture database.
const HIDDEN: [&str; 6] = [
    "auth.users",
    "fixture_tools.objects",
    "fixture_tools.preexisting",
    "public.\"..\"",
    "public.r_col_grant",
    "public.r_no_grant",
];

/// Runs the helper's file, or the one that takes it away, as the role that a project's owner has.
pub(crate) fn run_file(stack: &Stack, arguments: &[&str]) -> Result<()> {
    let file = Run::new(arguments).expect(0)?.stdout;
    let path = tempfile::NamedTempFile::new()?;
    std::fs::write(path.path(), file)?;
    let output = std::process::Command::new("psql")
        .args([stack.get("STACK_POSTGRES_URL"), "-Xq", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(path.path())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Installs the helper and exposes its schema.
pub(crate) fn install_helper(stack: &Stack, schemas: &str) -> Result<()> {
    run_file(stack, &["helper-sql"])?;
    stack.script("set", &["schemas", &format!("{schemas},supabackup")]).map(drop)
}

fn backup(stack: &Stack, store: &Path) -> Run {
    Run::new(&["backup"]).on(stack).store(store)
}

/// With a token, for the stack's own Management API.
fn with_token(run: Run, stack: &Stack, token: &str) -> Run {
    run.env("SUPABASE_ACCESS_TOKEN", token).env("SUPABACKUP_MANAGEMENT_URL", stack.get("STACK_MANAGEMENT_URL"))
}

fn through_sql(manifest: &Manifest) -> Vec<String> {
    let tables = manifest.tables.iter().filter(|table| table.read_through.as_deref() == Some("sql"));
    tables.map(|table| table.name.to_string()).collect()
}

/// Name, rows and digest of every table.
fn content(manifest: &Manifest) -> Vec<(String, u64, String)> {
    manifest.tables.iter().map(|t| (t.name.to_string(), t.rows, t.digest.clone())).collect()
}

#[test]
fn all_three_transports_see_every_table_and_store_the_same_rows() -> Result<()> {
    let stack = Stack::up(&["--data", "torture", "--sql", "management,meta"])?;
    install_helper(&stack, "public,graphql_public,shop")?;
    let mut contents = Vec::new();
    for (way, catalog) in [("auto", "management"), ("meta", "meta"), ("helper", "helper")] {
        let store = tempfile::tempdir()?;
        let run = backup(&stack, store.path()).env("SUPABACKUP_SQL", way).env("SUPABACKUP_PART_SIZE", "1MiB");
        // a token that may only read is enough
        let run = if way == "auto" { with_token(run, &stack, stack.get("STACK_TOKEN_READ")) } else { run };
        run.expect(0)?;
        let (snapshot, manifest) = only_snapshot(store.path())?;
        ensure!(manifest.source.catalog == catalog && manifest.missing.is_empty(), "{way}: {:?}", manifest.source);
        ensure!(
            !manifest.source.blind_spots.iter().any(|s| s.contains("invisible")),
            "{:?}",
            manifest.source.blind_spots
        );
        ensure!(through_sql(&manifest) == HIDDEN, "{way}: {:?}", through_sql(&manifest));
        for table in manifest.tables.iter().filter(|t| t.read_through.is_some()) {
            let truth = rows_of(stack.get("STACK_DATABASE_URL"), table)?;
            ensure!(json_rows(&snapshot, table)? == truth, "{way}: {} differs", table.name);
        }
        ensure!(manifest.consistency.moment.is_some(), "{way}: the tables do not show one moment");
        Run::new(&["verify"]).store(store.path()).expect(0)?;
        contents.push(content(&manifest));
    }
    ensure!(contents[0] == contents[1] && contents[1] == contents[2], "the transports differ");
    // a full reading of the database is what they agree on
    let listed: usize = contents[0].len();
    let tables = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname IN ('public', 'shop', 'auth', 'fixture_tools') AND relkind IN ('r', 'p') AND NOT relispartition";
    ensure!(stack.sql(tables)?.trim().parse::<usize>()? == listed, "{listed} tables");
    Ok(())
}

/// Every way in which a token can fail, and the sentence for it.
#[test]
fn a_token_that_does_not_serve_gets_a_sentence_and_never_goes_unnoticed() -> Result<()> {
    let stack = Stack::up(&[])?;
    let stranger = format!("sbp_{}", "0".repeat(40));
    for (token, sentence, hint) in [
        (stranger.as_str(), "does not accept the access token", "make a token with the permission database_read"),
        (stack.get("STACK_TOKEN_NONE"), "may not use the database", "grant it the permission database_read"),
    ] {
        let ran = |run: Run, code| -> Result<Ran> {
            let ran = with_token(run, &stack, token).expect(code)?;
            ensure!(!ran.stderr.contains(token) && !ran.stdout.contains(token), "the token got out");
            Ok(ran)
        };
        // asked for: the run cannot do without
        let store = tempfile::tempdir()?;
        let failed = ran(backup(&stack, store.path()).env("SUPABACKUP_SQL", "management"), 1)?;
        ensure!(failed.stderr.contains(sentence) && failed.stderr.contains(hint), "{}", failed.stderr);
        ensure!(failed.stderr.lines().count() == 2, "more than a sentence and a hint: {}", failed.stderr);
        // given: the rows that can be had are stored, and what may be missing is told
        let incomplete = ran(backup(&stack, store.path()), 3)?;
        ensure!(incomplete.stderr.contains("SQL access through the Management API"), "{}", incomplete.stderr);
        let (_, manifest) = only_snapshot(store.path())?;
        ensure!(manifest.source.catalog == "openapi" && manifest.tables.len() == 5, "{:?}", manifest.source);
        ensure!(manifest.missing.len() == 1 && manifest.missing[0].reason.contains(sentence), "{:?}", manifest.missing);
        ensure!(manifest.missing[0].fix.as_deref().is_some_and(|fix| fix.contains(hint)), "{:?}", manifest.missing);
        let told = ran(Run::new(&["doctor"]).on(&stack).store(store.path()), 4)?;
        ensure!(told.stdout.contains("✗ SQL through the Management API does not work: "), "{}", told.stdout);
        ensure!(told.stdout.contains(sentence) && told.stdout.contains(hint), "{}", told.stdout);
        ensure!(told.stdout.matches('✗').count() == 1, "{}", told.stdout);
    }
    // whatever a server repeats, the token does not get out
    let token = stack.get("SUPABASE_ACCESS_TOKEN");
    let echo = json!({"message": format!("no entry with Bearer {token}")}).to_string();
    stack.faults(&json!([{"id": "x", "path": "/database/query", "times": -1, "action": {"kind": "status", "status": 401, "body": echo}}]))?;
    let store = tempfile::tempdir()?;
    let ran = with_token(backup(&stack, store.path()), &stack, token).expect(3)?;
    ensure!(ran.stderr.contains("no entry with Bearer ***") && !ran.stderr.contains(token), "{}", ran.stderr);
    let (snapshot, _) = only_snapshot(store.path())?;
    for entry in std::fs::read_dir(&snapshot)? {
        let path = entry?.path();
        ensure!(
            !path.is_file() || !String::from_utf8_lossy(&std::fs::read(&path)?).contains(token),
            "{}",
            path.display()
        );
    }
    stack.no_faults()?;
    // another project's ref
    let store = tempfile::tempdir()?;
    let run = with_token(backup(&stack, store.path()), &stack, stack.get("SUPABASE_ACCESS_TOKEN"));
    let ran = run.env("SUPABASE_PROJECT_REF", "another-project").expect(3)?;
    ensure!(ran.stderr.contains("shows no project another-project to this access token"), "{}", ran.stderr);
    // a way that was asked for, and what it needs
    let ran = backup(&stack, store.path()).env("SUPABACKUP_SQL", "management").expect(2)?;
    ensure!(ran.stderr.contains("management needs a token: set SUPABASE_ACCESS_TOKEN"), "{}", ran.stderr);
    let ran = backup(&stack, store.path()).env("SUPABACKUP_SQL", "meta").expect(1)?;
    ensure!(ran.stderr.contains("there is no postgres-meta at"), "{}", ran.stderr);
    // nothing given, or switched off: all is as if there were no SQL
    for way in ["auto", "none"] {
        let store = tempfile::tempdir()?;
        backup(&stack, store.path()).env("SUPABACKUP_SQL", way).expect(0)?;
        let (_, manifest) = only_snapshot(store.path())?;
        ensure!(
            manifest.source.catalog == "openapi" && manifest.source.blind_spots.len() == 1,
            "{:?}",
            manifest.source
        );
    }
    Ok(())
}

#[test]
fn another_way_is_taken_where_a_token_fails_and_that_is_told() -> Result<()> {
    let stack = Stack::up(&["--sql", "management,meta"])?;
    let store = tempfile::tempdir()?;
    with_token(backup(&stack, store.path()), &stack, stack.get("STACK_TOKEN_NONE")).expect(0)?;
    let (_, manifest) = only_snapshot(store.path())?;
    ensure!(manifest.source.catalog == "meta", "{:?}", manifest.source);
    let told = |spot: &String| spot.contains("the Management API could not be used, and postgres-meta was instead");
    ensure!(manifest.source.blind_spots.iter().any(told), "{:?}", manifest.source.blind_spots);
    let run = with_token(Run::new(&["doctor"]).on(&stack).store(store.path()), &stack, stack.get("STACK_TOKEN_NONE"));
    let ran = run.expect(0)?;
    ensure!(ran.stdout.contains("✓ SQL goes through postgres-meta, because it answers behind"), "{}", ran.stdout);
    ensure!(ran.stdout.contains("! SQL through the Management API does not work: "), "{}", ran.stdout);
    Ok(())
}

#[test]
fn a_rate_limit_is_kept_by_waiting() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    stack.sql("SET ROLE postgres; REVOKE ALL ON ALL TABLES IN SCHEMA public FROM service_role")?;
    stack.control(
        "PUT",
        "/management",
        &json!({"requests": 6, "window_ms": 1000, "query_timeout_ms": 60000}).to_string(),
    )?;
    stack.start_log()?;
    let store = tempfile::tempdir()?;
    with_token(backup(&stack, store.path()), &stack, stack.get("STACK_TOKEN_READ")).expect(0)?;
    let log = stack.log()?;
    let asked: Vec<u16> = log.iter().filter(|r| r.target.contains("/database/query")).map(|r| r.status).collect();
    let refused = asked.iter().filter(|&&status| status == 429).count();
    // several are on their way when the first answer tells of the limit
    ensure!(asked.len() > 20 && refused <= 4, "{refused} of {} requests were refused", asked.len());
    let (_, manifest) = only_snapshot(store.path())?;
    ensure!(manifest.totals.rows == 1072 && through_sql(&manifest).len() == 6, "{:?}", manifest.totals);

    // a refusal that says when to come back
    stack.control(
        "PUT",
        "/management",
        &json!({"requests": 600, "window_ms": 1000, "query_timeout_ms": 60000}).to_string(),
    )?;
    let refusal = json!({"kind": "status", "status": 429, "headers": {"retry-after": "1"}, "body": "{\"message\":\"slow down\"}"});
    stack
        .faults(&json!([{"id": "x", "path": "/database/query/read-only", "skip": 2, "times": 2, "action": refusal}]))?;
    let store = tempfile::tempdir()?;
    let begun = std::time::Instant::now();
    with_token(backup(&stack, store.path()), &stack, stack.get("STACK_TOKEN_READ")).expect(0)?;
    ensure!(stack.faults_hit()? == [2] && begun.elapsed().as_millis() >= 1000, "it did not wait");
    Ok(())
}

#[test]
fn the_helper_is_for_one_role_alone_and_leaves_nothing_behind() -> Result<()> {
    let stack = Stack::up(&[])?;
    let exist = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'supabackup'),
        (SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%supabackup%'), (SELECT count(*) FROM pg_default_acl)";
    let before = stack.sql(exist)?;
    let hidden = Run::new(&["backup"]).on(&stack).env("SUPABACKUP_SQL", "helper").expect(1)?;
    ensure!(hidden.stderr.contains("the helper is not installed, or not exposed"), "{}", hidden.stderr);
    ensure!(hidden.stderr.contains("supabackup helper-sql"), "{}", hidden.stderr);

    run_file(&stack, &["helper-sql"])?;
    install_helper(&stack, "public,graphql_public")?;
    let functions =
        "SELECT string_agg(proname, ',' ORDER BY proname) FROM pg_proc WHERE pronamespace = 'supabackup'::regnamespace";
    let functions: Vec<String> = stack.sql(functions)?.trim().split(',').map(str::to_owned).collect();
    ensure!(functions.len() == 17, "{functions:?}");
    for function in &functions {
        let rights = |role: &str| {
            stack.sql(&format!(
                "SELECT bool_or(has_function_privilege('{role}', oid, 'EXECUTE')) FROM pg_proc
                 WHERE pronamespace = 'supabackup'::regnamespace AND proname = '{function}'"
            ))
        };
        let inner = ["rows_between", "user_table"].contains(&function.as_str());
        ensure!(rights("anon")?.trim() == "f" && rights("authenticated")?.trim() == "f", "{function} is open");
        ensure!((rights("service_role")?.trim() == "t") != inner, "{function}");
    }
    // not over the Data API either, with every key but the secret one
    let call = |key: &str, function: &str, arguments: &str| -> Result<Value> {
        let url = format!("{}/rest/v1/rpc/{function}", stack.get("SUPABASE_URL"));
        let output = std::process::Command::new("curl")
            .args(["-sS", &url, "-H", &format!("apikey: {}", stack.get(key)), "-H", "content-profile: supabackup"])
            .args(["-H", "content-type: application/json", "--data-binary", arguments])
            .output()?;
        serde_json::from_slice(&output.stdout).context("no JSON")
    };
    for key in ["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"] {
        ensure!(call(key, "version", "{}")?["code"] == "42501", "anon may call it");
    }
    ensure!(call("SUPABASE_SECRET_KEY", "version", "{}")? == 2);
    // names are names, whatever they hold; and the platform's own tables are out of bounds
    for (schema, table) in [("public", "profiles; DROP TABLE profiles"), ("auth", "users"), ("pg_catalog", "pg_authid")]
    {
        let arguments = json!({"table_schema": schema, "table_name": table, "without": []}).to_string();
        let answer = call("SUPABASE_SECRET_KEY", "count", &arguments)?;
        let is_refused = answer["code"] == "42P01" || (schema, table) == ("auth", "users");
        ensure!(is_refused, "{schema}.{table}: {answer}");
    }

    // another version is refused with a sentence, in both directions
    for (version, sentence) in
        [("0", "has version 0, and this program needs"), ("99", "has version 99, and this program knows")]
    {
        let change = format!(
            "SET ROLE postgres; CREATE OR REPLACE FUNCTION supabackup.version() RETURNS integer LANGUAGE sql AS 'SELECT {version}'"
        );
        stack.sql(&change)?;
        let store = tempfile::tempdir()?;
        let ran = backup(&stack, store.path()).env("SUPABACKUP_SQL", "helper").expect(1)?;
        ensure!(ran.stderr.contains(sentence), "{}", ran.stderr);
        // it was installed on purpose: that it does not work any more must not go unnoticed
        let ran = backup(&stack, store.path()).expect(3)?;
        ensure!(ran.stderr.contains("SQL access through the helper functions"), "{}", ran.stderr);
    }
    run_file(&stack, &["helper-sql"])?;
    let store = tempfile::tempdir()?;
    backup(&stack, store.path()).expect(0)?;
    ensure!(only_snapshot(store.path())?.1.source.catalog == "helper");

    run_file(&stack, &["helper-sql", "--uninstall"])?;
    ensure!(stack.sql(exist)? == before, "something is left: {}", stack.sql(exist)?);
    run_file(&stack, &["helper-sql", "--uninstall"])
}

#[test]
fn doctor_says_that_the_helper_is_installed_and_not_exposed() -> Result<()> {
    let stack = Stack::up(&["--sql", "management,meta"])?;
    run_file(&stack, &["helper-sql"])?;
    let store = tempfile::tempdir()?;
    let doctor = || Run::new(&["doctor"]).on(&stack).store(store.path());
    let ran = doctor().expect(0)?;
    let sentence = "! The helper is installed, and the Data API does not expose its schema supabackup";
    ensure!(ran.stdout.contains(sentence), "{}", ran.stdout);
    stack.script("set", &["schemas", "public,graphql_public,supabackup"])?;
    let ran = doctor().env("SUPABACKUP_SQL", "helper").expect(0)?;
    ensure!(!ran.stdout.contains(sentence), "{}", ran.stdout);
    ensure!(
        ran.stdout
            .contains("✓ SQL goes through the helper functions, as the configuration asks; it answers as postgres")
    );
    let hidden = "✓ 1 table that the Data API does not show, or not whole, is read through SQL: auth.users.";
    ensure!(ran.stdout.contains(hidden), "{}", ran.stdout);
    stack.sql("DROP TABLE auth.users CASCADE")?;
    let ran = doctor().env("SUPABACKUP_SQL", "helper").expect(0)?;
    ensure!(ran.stdout.contains("✓ The Data API shows every table that is to be backed up."), "{}", ran.stdout);
    ensure!(!ran.stdout.contains("invisible"), "{}", ran.stdout);
    Ok(())
}

/// The three transports as the program makes them.
pub(crate) fn channels(stack: &Stack, token: &str) -> Result<Vec<Arc<dyn SqlChannel>>> {
    let patience = Patience { tries: 4, first_delay: Duration::from_millis(10), timeout: Duration::from_secs(20) };
    let http = Http::new(patience, 2, "supabackup/tests", Buffers::default()).map_err(anyhow::Error::msg)?;
    let http = Arc::new(http);
    let (url, key) = (stack.get("SUPABASE_URL"), SecretString::from(stack.get("SUPABASE_SECRET_KEY")));
    let token = SecretString::from(token);
    let managed = stack.get("STACK_MANAGEMENT_URL");
    Ok(vec![
        Arc::new(Management::new(Arc::clone(&http), managed, stack.get("SUPABASE_PROJECT_REF"), &token)?),
        Arc::new(Meta::new(Arc::clone(&http), url, &key, false)?),
        Arc::new(Helper::new(http, url, &key, false)?),
    ])
}

#[tokio::test]
async fn sequences_are_read_and_set_exactly_and_a_write_is_never_repeated_blindly() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "management,meta"])?;
    stack.sql(
        r#"SET ROLE postgres; CREATE SCHEMA "odd ""schema'";
           CREATE SEQUENCE "odd ""schema'"."se'q" MINVALUE -9223372036854775808 START -5 INCREMENT -1;
           CREATE SEQUENCE public.fresh; CREATE SEQUENCE public.set_back; SELECT setval('public.set_back', 42, false);
           CREATE SEQUENCE public.large; SELECT setval('public.large', 9223372036854775807)"#,
    )?;
    install_helper(&stack, "public,graphql_public")?;
    let schemas = ["public".to_owned(), "odd \"schema'".to_owned()];
    let expected = [
        ("odd \"schema'", "se'q", "-5", false),
        ("public", "fresh", "1", false),
        ("public", "large", "9223372036854775807", true),
        ("public", "set_back", "42", false),
    ];
    let position = |name: &str, last_value, is_called| SequencePosition {
        schema: "public".to_owned(),
        name: name.to_owned(),
        last_value,
        is_called,
    };
    for (turn, channel) in (1_i64..).zip(channels(&stack, stack.get("SUPABASE_ACCESS_TOKEN"))?) {
        let seen = channel.sequences(&schemas).await?;
        let told: Vec<_> = seen
            .iter()
            .map(|s| {
                (s.schema.as_str(), s.name.as_str(), s.last_value.as_deref().unwrap_or("?"), s.is_called == Some(true))
            })
            .collect();
        ensure!(told == expected, "{:?}: {told:?}", channel.kind());
        let positions = vec![position("fresh", turn, true), position("no such sequence", 1, true)];
        let answer: Value = serde_json::from_str(&channel.ask(&Question::SetSequences { positions }).await?)?;
        ensure!(answer == json!({"set": 1}), "{:?}: {answer}", channel.kind());
        ensure!(stack.sql("SELECT last_value, is_called FROM public.fresh")?.trim() == format!("{turn}|t"));
        let back = Question::SetSequences { positions: vec![position("fresh", 1, false)] };
        channel.ask(&back).await?;
    }
    // a token that only reads
    let question = || Question::SetSequences { positions: vec![position("fresh", 9, true)] };
    let reader = &channels(&stack, stack.get("STACK_TOKEN_READ"))?[0];
    let refused = reader.ask(&question()).await.err().context("it was allowed")?.failure();
    ensure!(refused.hint.as_deref().is_some_and(|hint| hint.contains("the permission database_write")), "{refused:?}");

    // an answer that never came: nobody knows whether it was done, so it is not done again
    let closed = json!([{"id": "x", "path": "/database/query", "times": 1, "action": {"kind": "close"}}]);
    for (rules, requests, worked) in [
        (closed, 1, false),
        (
            json!([{"id": "x", "path": "/database/query", "times": 1, "action": {"kind": "status", "status": 503, "body": "{}"}}]),
            1,
            false,
        ),
        // turned away: certainly not done
        (
            json!([{"id": "x", "path": "/database/query", "times": 1, "action": {"kind": "status", "status": 429, "body": "{}"}}]),
            2,
            true,
        ),
    ] {
        let channel = &channels(&stack, stack.get("SUPABASE_ACCESS_TOKEN"))?[0];
        stack.faults(&rules)?;
        stack.start_log()?;
        ensure!(channel.ask(&question()).await.is_ok() == worked, "{rules}");
        ensure!(stack.log()?.len() == requests, "{rules}: {:?}", stack.log()?);
    }
    // and a question that only reads is asked again
    stack.faults(&json!([{"id": "x", "path": "/pg/query", "times": 2, "action": {"kind": "close"}}]))?;
    let meta = &channels(&stack, "")?[1];
    ensure!(meta.settings().await?.role == "postgres" && stack.faults_hit()? == [2]);
    Ok(())
}
