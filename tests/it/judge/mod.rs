//! Back up over HTTPS only, restore into an empty project with `psql` as role `postgres`: then
//! `pg_dump` finds nothing that differs, rows and sequences are the same, and life goes on.

mod dump;
mod life;
mod purpose;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use supabackup::model::Manifest;

use crate::support::compare::differences;
use crate::support::run::{BINARY, only_snapshot};
use crate::support::stack::psql;
use crate::support::{Run, Stack};

/// One database, and how it is asked.
struct Case<'a> {
    options: &'a [&'a str],
    /// More SQL to load, as role `postgres`.
    load: Option<&'a str>,
    transport: &'a str,
    /// Subjects that are missing: what no role without superuser can make again.
    missing: &'a [&'a str],
}

fn backed_up(case: &Case<'_>, stack: &Stack, directory: &Path) -> Result<(std::path::PathBuf, Manifest)> {
    let code = if case.missing.is_empty() { 0 } else { 3 };
    let mut run = Run::new(&["backup"]).on(stack).store(directory).env("SUPABACKUP_SQL", case.transport);
    if case.transport == "management" {
        run = run.token(stack, "STACK_TOKEN_READ");
    }
    run.expect(code)?;
    let (snapshot, manifest) = only_snapshot(directory)?;
    let missing: Vec<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
    ensure!(missing == case.missing, "{missing:?}");
    Run::new(&["verify", "latest"]).store(directory).expect(code)?;
    Ok((snapshot, manifest))
}

/// The command of RECOVERY.md that restores everything, run as it stands there.
fn restored(snapshot: &Path, copy: &Stack) -> Result<()> {
    followed(snapshot, copy, "zstd -dc sql/*.zst")
}

/// The block of RECOVERY.md that holds `needle`, run as it stands there, with the program at hand.
fn followed(snapshot: &Path, copy: &Stack, needle: &str) -> Result<()> {
    let book = std::fs::read_to_string(snapshot.join("RECOVERY.md"))?;
    let mut blocks = book.split("```bash\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(code, _)| code));
    let command = blocks.find(|code| code.contains(needle)).context("no such command")?;
    let store = snapshot.ancestors().nth(2).context("no store")?;
    let output = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", &format!("supabackup() {{ '{BINARY}' \"$@\"; }}\n{command}")])
        .env("DATABASE_URL", copy.get("STACK_POSTGRES_URL"))
        .env("SUPABACKUP_STORE", store)
        .current_dir(snapshot)
        .output()?;
    ensure!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The same by the program: one script, piped into `psql`.
fn printed(store: &Path, flags: &[&str], copy: &Stack) -> Result<()> {
    let script = "\"$0\" sql latest \"$@\" | psql -X -q -1 -v ON_ERROR_STOP=1 -d \"$DATABASE_URL\"";
    let mut arguments = vec!["-o", "pipefail", "-c", script, BINARY];
    arguments.extend(flags);
    Run::program("bash", &arguments)
        .env("SUPABACKUP_STORE", store)
        .env("DATABASE_URL", copy.get("STACK_POSTGRES_URL"))
        .expect(0)
        .map(drop)
}

fn loaded(case: &Case<'_>) -> Result<Stack> {
    let source = Stack::up(case.options)?;
    if let Some(file) = case.load {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sql").join(file);
        psql(source.get("STACK_POSTGRES_URL"), &std::fs::read_to_string(path)?)?;
    }
    Ok(source)
}

fn empty(case: &Case<'_>) -> Result<Stack> {
    let version = case.options.windows(2).find(|w| w[0] == "--pg").map_or("system", |w| w[1]);
    // the platform's own schemas are in every new project, if they are in this one
    let platform = if case.options.contains(&"platform") { "platform" } else { "none" };
    Stack::up(&["--data", platform, "--pg", version])
}

/// Nothing differs between the two, by every measure.
fn equal(source: &Stack, copy: &Stack, snapshot: &Path, manifest: &Manifest) -> Result<()> {
    let compared = dump::same_definitions(source, copy)?;
    ensure!(compared > 30, "only {compared} entries");
    let differ = differences(snapshot, manifest, source.get("STACK_DATABASE_URL"), copy.get("STACK_DATABASE_URL"))?;
    ensure!(differ.is_empty(), "{differ:?}");
    life::alike(source, copy)
}

fn comes_back(case: &Case<'_>) -> Result<()> {
    let source = loaded(case)?;
    let directory = tempfile::tempdir()?;
    let (snapshot, manifest) = backed_up(case, &source, directory.path())?;
    let copy = empty(case)?;
    restored(&snapshot, &copy)?;
    equal(&source, &copy, &snapshot, &manifest)
}

#[test]
fn the_sample_project_comes_back_into_an_empty_one() -> Result<()> {
    comes_back(&Case { options: &["--data", "sample"], load: None, transport: "management", missing: &[] })
}

#[test]
fn the_torture_database_comes_back_into_an_empty_project() -> Result<()> {
    comes_back(&Case { options: &["--data", "torture"], load: None, transport: "management", missing: &[] })
}

#[test]
fn one_of_everything_comes_back_into_an_empty_project() -> Result<()> {
    comes_back(&Case {
        options: &["--data", "none"],
        load: Some("hard_schema.sql"),
        transport: "management",
        missing: &[],
    })
}

#[test]
fn all_of_it_comes_back_on_the_newest_server() -> Result<()> {
    comes_back(&Case {
        options: &["--data", "torture", "--pg", "newest"],
        load: Some("hard_schema.sql"),
        transport: "management",
        missing: &[],
    })
}

#[test]
fn public_data_comes_back_as_one_printed_script() -> Result<()> {
    let case = Case { options: &["--data", "vega"], load: None, transport: "management", missing: &[] };
    let source = loaded(&case)?;
    let directory = tempfile::tempdir()?;
    let (snapshot, manifest) = backed_up(&case, &source, directory.path())?;
    let copy = empty(&case)?;
    printed(directory.path(), &[], &copy)?;
    equal(&source, &copy, &snapshot, &manifest)
}

#[test]
fn definitions_rows_and_single_tables_can_be_printed_apart() -> Result<()> {
    let case = Case { options: &["--data", "sample"], load: None, transport: "management", missing: &[] };
    let source = loaded(&case)?;
    let directory = tempfile::tempdir()?;
    let (snapshot, manifest) = backed_up(&case, &source, directory.path())?;
    let copy = empty(&case)?;
    printed(directory.path(), &["--schema-only"], &copy)?;
    dump::same_definitions(&source, &copy)?;
    printed(directory.path(), &["--data-only", "--inserts"], &copy)?;
    equal(&source, &copy, &snapshot, &manifest)?;
    // one table is dropped, and comes back with everything that is its own
    let table = "public.manual_assessments";
    psql(copy.get("STACK_POSTGRES_URL"), &format!("DROP TABLE {table}"))?;
    printed(directory.path(), &["--table", table], &copy)?;
    dump::same_definitions(&source, &copy)?;
    let differ = differences(&snapshot, &manifest, source.get("STACK_DATABASE_URL"), copy.get("STACK_DATABASE_URL"))?;
    ensure!(differ.is_empty(), "{differ:?}");
    Ok(())
}

#[test]
fn a_self_hosted_project_is_read_through_postgres_meta() -> Result<()> {
    let options = ["--data", "sample", "--sql", "management,meta"];
    comes_back(&Case { options: &options, load: None, transport: "meta", missing: &[] })
}

#[test]
fn installed_functions_tell_as_much_as_sql() -> Result<()> {
    let options = ["--data", "sample", "--schemas", "public,graphql_public,supabackup"];
    let case = Case { options: &options, load: None, transport: "helper", missing: &[] };
    let source = loaded(&case)?;
    let install = Run::new(&["helper-sql"]).expect(0)?.stdout;
    psql(source.get("STACK_POSTGRES_URL"), &install)?;
    source.script("restart-postgrest", &[])?;
    let directory = tempfile::tempdir()?;
    let (snapshot, manifest) = backed_up(&case, &source, directory.path())?;
    let copy = empty(&case)?;
    restored(&snapshot, &copy)?;
    equal(&source, &copy, &snapshot, &manifest)
}

#[test]
fn users_and_what_hangs_on_the_platform_come_back() -> Result<()> {
    for version in ["system", "newest"] {
        let options = ["--data", "platform", "--pg", version];
        let case = Case { options: &options, load: Some("on_platform.sql"), transport: "management", missing: &[] };
        let source = loaded(&case)?;
        let directory = tempfile::tempdir()?;
        let (snapshot, manifest) = backed_up(&case, &source, directory.path())?;
        let users = manifest.tables.iter().find(|t| t.name.schema == "auth" && t.name.name == "users");
        ensure!(users.is_some_and(|t| t.rows == 40), "{users:?}");
        let copy = empty(&case)?;
        restored(&snapshot, &copy)?;
        equal(&source, &copy, &snapshot, &manifest)?;
        let buckets = "SELECT id, name, public, file_size_limit, allowed_mime_types FROM storage.buckets ORDER BY 1";
        let of = |stack: &Stack| psql(stack.get("STACK_DATABASE_URL"), buckets);
        ensure!(of(&source)? == of(&copy)? && of(&copy)?.lines().count() == 2, "{}", of(&copy)?);
        // a new user is welcomed as before
        let add = "INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'new@example.com')";
        psql(copy.get("STACK_POSTGRES_URL"), add)?;
        ensure!(psql(copy.get("STACK_POSTGRES_URL"), "SELECT count(*) FROM public.members")?.trim() == "41");
    }
    Ok(())
}

/// Databases that other people made.
fn public_schema(set: &str) -> Result<()> {
    for version in ["system", "newest"] {
        let options = ["--data", set, "--pg", version];
        comes_back(&Case { options: &options, load: None, transport: "management", missing: &[] })
            .map_err(|error| error.context(format!("{set} on {version}")))?;
    }
    Ok(())
}

#[test]
fn sakila_comes_back() -> Result<()> {
    public_schema("sakila")
}

#[test]
fn zabbix_comes_back() -> Result<()> {
    public_schema("zabbix")
}

#[test]
fn ledgersmb_comes_back() -> Result<()> {
    public_schema("ledgersmb")
}

#[test]
fn what_was_left_out_on_purpose_does_not_keep_the_rest_from_coming_back() -> Result<()> {
    let case =
        Case { options: &["--data", "platform"], load: Some("on_platform.sql"), transport: "management", missing: &[] };
    let source = loaded(&case)?;
    let directory = tempfile::tempdir()?;
    let run = Run::new(&["backup", "--exclude", "auth.*"]).on(&source).store(directory.path());
    run.token(&source, "STACK_TOKEN_READ").expect(0)?;
    let (snapshot, _) = only_snapshot(directory.path())?;
    let copy = empty(&case)?;
    ensure!(restored(&snapshot, &copy).is_err(), "the key to users that are not there holds");
    followed(&snapshot, &copy, "zstd -dc sql/[0-8]*.zst")?;
    let there = "SELECT (SELECT count(*) FROM public.members), (SELECT count(*) FROM pg_policies), \
                 (SELECT count(*) FROM pg_constraint WHERE conrelid = 'public.members'::regclass AND contype = 'p')";
    let found = psql(copy.get("STACK_POSTGRES_URL"), there)?;
    ensure!(found.trim() == "40|3|1", "{found}");
    Ok(())
}

#[test]
fn rows_that_were_stored_as_json_alone_come_back_too() -> Result<()> {
    let case = Case { options: &["--data", "sample"], load: None, transport: "management", missing: &[] };
    let source = loaded(&case)?;
    let directory = tempfile::tempdir()?;
    let run = Run::new(&["backup", "--artifacts", "json"]).on(&source).store(directory.path());
    run.token(&source, "STACK_TOKEN_READ").expect(0)?;
    let (snapshot, manifest) = only_snapshot(directory.path())?;
    let copy = empty(&case)?;
    followed(&snapshot, &copy, "--data-only --inserts")?;
    equal(&source, &copy, &snapshot, &manifest)
}

#[test]
fn a_definition_is_printed_exactly_through_sql_and_inferred_without() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--data", "vega"])?;
    let load = |script: &str, database: &str| -> Result<String> {
        let (_, postgres) = stack.new_database(database)?;
        psql(&postgres, script)?;
        psql(&postgres, "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    };
    let tables = load(&Run::new(&["schema"]).on(&stack).expect(3)?.stdout, "inferred")?;
    let exact = Run::new(&["schema"]).on(&stack).token(&stack, "STACK_TOKEN_READ").expect(0)?;
    ensure!(load(&exact.stdout, "exact")? == tables && tables.trim() == "14", "{tables}");
    let inferred = Run::new(&["schema", "--inferred"])
        .on(&stack)
        .env("SUPABASE_ACCESS_TOKEN", stack.get("STACK_TOKEN_READ"))
        .expect(3)?;
    ensure!(
        inferred.stdout.starts_with("-- Inferred") && inferred.stderr.contains("does not tell"),
        "{}",
        inferred.stderr
    );
    Ok(())
}
