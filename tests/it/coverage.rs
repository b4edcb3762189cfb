//! Tables that the Data API does not show, or not whole: stored all the same, or named with the
//! statement that would show them; and never a row twice, or lost.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use supabackup::model::{Manifest, Stability};

use crate::support::compare::{json_rows, rows_of, stored_rows};
use crate::support::run::only_snapshot;
use crate::support::{Run, Stack};

/// What a project may hold beside what the Data API shows.
const HIDDEN: &str = r#"
SET ROLE postgres;
CREATE TABLE public.granted (id int PRIMARY KEY, note text);
INSERT INTO public.granted SELECT g, 'n' || g FROM generate_series(1, 10) g;

-- several windows of rows, with holes, and without a key
CREATE TABLE public.no_grant (id int, at timestamptz DEFAULT '2024-02-29 12:00:00+05:30', f float8, t text);
INSERT INTO public.no_grant SELECT g, now(), g / 3.0, repeat('x"\,' || g, 40) FROM generate_series(1, 4000) g;
DELETE FROM public.no_grant WHERE id % 7 = 0;

CREATE TABLE public.in_part (id int PRIMARY KEY, shown text, hidden jsonb);
INSERT INTO public.in_part VALUES (1, 'a', 'null'), (2, NULL, NULL), (3, '', '{"a": [1, 2]}');
CREATE TABLE public."..\" ("id" int, "select" text);
INSERT INTO public."..\" VALUES (1, 'dots');
CREATE TABLE public.".." (id int);
INSERT INTO public.".." VALUES (1), (2);

CREATE SCHEMA private;
CREATE TYPE private.mood AS ENUM ('fine', 'cross, very');
CREATE TABLE private.secrets (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m private.mood[], r regclass, b bytea, i interval,
  twice int GENERATED ALWAYS AS (1 + 1) STORED);
INSERT INTO private.secrets (m, r, b, i) VALUES ('{fine,"cross, very"}', 'private.secrets', '\xdeadbeef', '1 year -2 days'), (NULL, 'public.granted', '', NULL);
CREATE TABLE private.empty (id int);
CREATE TABLE private.no_columns ();
INSERT INTO private.no_columns DEFAULT VALUES;
CREATE MATERIALIZED VIEW private.counts AS SELECT count(*) FROM public.granted;
CREATE VIEW private.view AS SELECT * FROM public.granted;

-- partitions, some of them granted: the rows come with the parent
CREATE TABLE private.parted (id int, part text) PARTITION BY LIST (part);
CREATE TABLE private.parted_a PARTITION OF private.parted FOR VALUES IN ('a');
CREATE TABLE private.parted_b PARTITION OF private.parted FOR VALUES IN ('b') PARTITION BY RANGE (id);
CREATE TABLE private.parted_b1 PARTITION OF private.parted_b FOR VALUES FROM (0) TO (1000);
INSERT INTO private.parted SELECT g, CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 500) g;

-- inheritance: a child that is hidden below a parent that is not, and the other way round
CREATE TABLE public.parent (id int, name text);
CREATE TABLE public.hidden_child (extra text) INHERITS (public.parent);
CREATE TABLE public.hidden_parent (id int);
CREATE TABLE public.child (extra text) INHERITS (public.hidden_parent);
INSERT INTO public.parent SELECT g, 'p' FROM generate_series(1, 5) g;
INSERT INTO public.hidden_child SELECT g, 'c', 'x' FROM generate_series(6, 9) g;
INSERT INTO public.hidden_parent SELECT generate_series(1, 3);
INSERT INTO public.child SELECT g, 'y' FROM generate_series(4, 5) g;

-- row level security that lets nobody see anything
CREATE TABLE public.walled (id int);
INSERT INTO public.walled SELECT generate_series(1, 4);
ALTER TABLE public.walled ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.walled FORCE ROW LEVEL SECURITY;

REVOKE ALL ON public.no_grant, public.in_part, public.hidden_child, public.hidden_parent, public.walled, public."..\" FROM service_role;
GRANT SELECT (id, shown) ON public.in_part TO service_role;
"#;

/// Rows of every table that has rows of its own, by the database itself; partitions with their parent.
const ALL: &str = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname IN ('public', 'private') AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1";

fn project() -> Result<Stack> {
    let stack = Stack::up(&["--data", "none", "--sql", "management,meta"])?;
    stack.sql(HIDDEN)?;
    stack.script("restart-postgrest", &[])?;
    Ok(stack)
}

fn names(manifest: &Manifest) -> Vec<String> {
    manifest.tables.iter().map(|t| t.name.plain()).collect()
}

#[test]
fn what_the_api_does_not_show_is_stored_row_by_row() -> Result<()> {
    let stack = project()?;
    let store = tempfile::tempdir()?;
    // small pages: the windows are halved, joined and swept as they are over REST
    let run = Run::new(&["backup", "--sql", "meta"]).on(&stack).store(store.path());
    run.env("SUPABACKUP_PAGE_SIZE", "16KiB").env("SUPABACKUP_PART_SIZE", "128KiB").expect(0)?;
    let (snapshot, manifest) = only_snapshot(store.path())?;
    let expected: Vec<String> = stack.sql(ALL)?.lines().map(str::to_owned).collect();
    let mut found = names(&manifest);
    found.sort();
    let mut sorted = expected.clone();
    sorted.sort();
    ensure!(found == sorted, "stored {found:?}\nof {sorted:?}");

    let mut through_sql: Vec<&str> = Vec::new();
    for table in &manifest.tables {
        let truth = rows_of(stack.get("STACK_DATABASE_URL"), table)?;
        ensure!(json_rows(&snapshot, table)? == truth, "{} differs as JSON", table.name);
        let sql = stored_rows(&snapshot, table, supabackup::model::Artifact::Sql)?;
        ensure!(sql == truth, "{} differs as SQL", table.name);
        ensure!(matches!(table.stability, Stability::Stable { .. }), "{}: {:?}", table.name, table.stability);
        if table.read_through.is_some() {
            through_sql.push(&table.name.name);
        }
    }
    through_sql.sort_unstable();
    let hidden = [
        "..",
        "..\\",
        "empty",
        "hidden_child",
        "hidden_parent",
        "in_part",
        "no_columns",
        "no_grant",
        "parted",
        "secrets",
        "walled",
    ];
    ensure!(through_sql == hidden, "{through_sql:?}");
    let large = manifest.tables.iter().find(|t| t.name.name == "no_grant").context("no_grant")?;
    ensure!(large.parts.len() > 4, "it was read in one piece");
    let passed: Vec<String> = manifest.passed_over.iter().map(|p| p.name.plain()).collect();
    ensure!(passed == ["private.counts"], "{passed:?}");
    ensure!(manifest.source.schemas.contains(&"private".to_owned()), "{:?}", manifest.source.schemas);

    // and all of it restores into an empty project
    let (admin, postgres) = stack.new_database("copy")?;
    let output = std::process::Command::new("bash")
        .args(["-o", "pipefail", "-c", "zstd -dcq sql/*.zst | psql \"$0\" -Xq -1 -v ON_ERROR_STOP=1 -f -", &postgres])
        .current_dir(&snapshot)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for table in &manifest.tables {
        ensure!(rows_of(&admin, table)? == rows_of(stack.get("STACK_DATABASE_URL"), table)?, "{} differs", table.name);
    }
    Ok(())
}

#[test]
fn filters_and_grants_choose_among_hidden_tables_too() -> Result<()> {
    let stack = project()?;
    let run = |arguments: &[&str], code| -> Result<(Manifest, String)> {
        let store = tempfile::tempdir()?;
        let all: Vec<&str> = ["backup", "--sql", "meta"].iter().chain(arguments).copied().collect();
        let ran = Run::new(&all).on(&stack).store(store.path()).expect(code)?;
        Ok((only_snapshot(store.path())?.1, ran.stderr))
    };
    let (manifest, _) = run(&["--schema", "private", "--exclude", "private.p*"], 0)?;
    ensure!(names(&manifest) == ["private.empty", "private.no_columns", "private.secrets"], "{:?}", names(&manifest));
    let excluded = manifest.passed_over.iter().find(|p| p.name.name == "parted").context("parted")?;
    ensure!(excluded.reason == "excluded by \"private.p*\"", "{excluded:?}");
    let (manifest, _) = run(&["--include", "no_grant", "--include", "secrets"], 0)?;
    ensure!(names(&manifest) == ["private.secrets", "public.no_grant"], "{:?}", names(&manifest));
    let (manifest, stderr) = run(&["--include", "granted", "--include", "secretz"], 3)?;
    ensure!(manifest.missing[0].reason == "no table has such a name", "{stderr}");

    // only what is granted: the rest is left out on purpose, and named
    let (manifest, _) = run(&["--only-granted"], 0)?;
    // granted, and yet no URL can name it
    ensure!(manifest.tables.iter().all(|t| t.read_through.is_none() || t.name.name == ".."), "{:?}", names(&manifest));
    ensure!(names(&manifest).contains(&"public.in_part".to_owned()), "{:?}", names(&manifest));
    let passed = |name: &str| manifest.passed_over.iter().find(|p| p.name.plain() == name).map(|p| p.reason.as_str());
    ensure!(
        passed("public.no_grant").is_some_and(|r| r.starts_with("not granted to service_role")),
        "{:?}",
        manifest.passed_over
    );
    ensure!(passed("private.secrets").is_some_and(|r| r.starts_with("in a schema that the API does not expose")));
    ensure!(passed("public.in_part").is_some_and(|r| r.starts_with("column hidden is not granted")));
    // then the rows of a hidden child are stored with the parent that shows them
    let parent = manifest.tables.iter().find(|t| t.name.name == "parent").context("parent")?;
    ensure!(parent.rows == 9, "{parent:?}");

    // without SQL nothing is different from before
    let store = tempfile::tempdir()?;
    let ran = Run::new(&["backup", "--sql", "none"]).on(&stack).store(store.path()).expect(3)?;
    let (_, manifest) = only_snapshot(store.path())?;
    ensure!(!ran.stderr.contains("no_grant") && !names(&manifest).contains(&"public.no_grant".to_owned()));
    ensure!(
        manifest.source.blind_spots.iter().any(|s| s.contains("are invisible")),
        "{:?}",
        manifest.source.blind_spots
    );
    let plan = Run::new(&["backup", "--dry-run", "--sql", "meta"]).on(&stack).store(store.path()).expect(0)?;
    ensure!(
        plan.stdout.contains("private.secrets: 2 rows") && plan.stdout.contains(", read through SQL"),
        "{}",
        plan.stdout
    );
    Ok(())
}

/// Where SQL may not read a table either, the run is incomplete, and what it says helps.
#[test]
fn the_grant_that_is_named_is_the_one_that_helps() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE public.shown (id int PRIMARY KEY);
         CREATE TABLE public.\"No Grant\" (id int PRIMARY KEY, v text);
         INSERT INTO public.\"No Grant\" VALUES (1, 'a'), (2, NULL);
         REVOKE ALL ON public.\"No Grant\" FROM service_role;
         ALTER TABLE public.\"No Grant\" ENABLE ROW LEVEL SECURITY;
         RESET ROLE; ALTER ROLE supabase_read_only_user NOBYPASSRLS",
    )?;
    stack.script("restart-postgrest", &[])?;
    let backup = |code| -> Result<Manifest> {
        let store = tempfile::tempdir()?;
        let run = Run::new(&["backup"]).on(&stack).store(store.path());
        let run = run.env("SUPABASE_ACCESS_TOKEN", stack.get("STACK_TOKEN_READ"));
        run.env("SUPABACKUP_MANAGEMENT_URL", stack.get("STACK_MANAGEMENT_URL")).expect(code)?;
        Ok(only_snapshot(store.path())?.1)
    };
    let manifest = backup(3)?;
    let [missing] = manifest.missing.as_slice() else { anyhow::bail!("{:?}", manifest.missing) };
    ensure!(
        missing.subject == "table public.\"No Grant\"" && missing.reason.contains("row-level security"),
        "{missing:?}"
    );
    let fix = missing.fix.as_deref().context("no fix")?;
    ensure!(fix == "GRANT SELECT ON TABLE \"public\".\"No Grant\" TO service_role;", "{fix}");
    stack.sql(&format!("SET ROLE postgres; {fix} NOTIFY pgrst, 'reload schema'"))?;
    let manifest = backup(0)?;
    ensure!(names(&manifest) == ["public.No Grant", "public.shown"], "{:?}", names(&manifest));
    ensure!(manifest.tables[0].rows == 2 && manifest.tables[0].read_through.is_none());
    Ok(())
}

/// What text depends on is read, where it can be, and not guessed.
#[test]
fn settings_are_those_that_the_server_states() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "meta"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE public.round (id int PRIMARY KEY, f float8, at timestamptz);
         INSERT INTO public.round VALUES (1, 1.5, '2024-07-01 00:00:00+00'), (2, 2, '2024-01-01 00:00:00+00');
         CREATE TABLE public.hidden (id int PRIMARY KEY, f float8, at timestamptz);
         INSERT INTO public.hidden SELECT * FROM public.round;
         REVOKE ALL ON public.hidden FROM service_role;
         RESET ROLE; ALTER ROLE authenticator SET TimeZone = 'Europe/Berlin'",
    )?;
    stack.script("restart-postgrest", &[])?;
    let backup = |way: &str, code| -> Result<(tempfile::TempDir, Manifest)> {
        let store = tempfile::tempdir()?;
        Run::new(&["backup", "--sql", way]).on(&stack).store(store.path()).expect(code)?;
        let manifest = only_snapshot(store.path())?.1;
        Ok((store, manifest))
    };
    let (store, manifest) = backup("meta", 0)?;
    let settings = &manifest.settings;
    let (api, sql) = (settings.api.as_ref().context("api")?, settings.sql.as_ref().context("sql")?);
    ensure!(
        api.time_zone == "Europe/Berlin" && api.extra_float_digits == "1" && sql.time_zone == "UTC",
        "{settings:?}"
    );
    ensure!(settings.server_version.is_some() && settings.server_encoding.as_deref() == Some("UTF8"), "{settings:?}");
    // tables that were read in two zones are proven in two zones
    let (snapshot, _) = only_snapshot(store.path())?;
    let proof = std::fs::read_to_string(snapshot.join("RECOVERY.md"))?;
    let block = proof
        .split_once("-- supabackup check: begin\n")
        .and_then(|(_, rest)| rest.split_once("-- supabackup check: end"));
    let checked = crate::support::stack::psql(stack.get("STACK_DATABASE_URL"), block.context("no check")?.0)?;
    let lines: Vec<&str> = checked.lines().filter(|line| line.contains(" rows, digest ")).collect();
    ensure!(lines.len() == 2 && lines.iter().all(|line| line.ends_with("|t")), "{checked}");

    // a server that rounds is told by its settings, not by luck
    stack.sql("ALTER ROLE service_role SET extra_float_digits = 0; NOTIFY pgrst, 'reload config'")?;
    std::thread::sleep(std::time::Duration::from_secs(1));
    let (_store, manifest) = backup("meta", 3)?;
    let subjects: Vec<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
    ensure!(subjects == ["last digits in table public.round: f"], "{subjects:?}");
    Ok(())
}

/// A hidden table that is written to while it is read: nothing that was left alone is lost or doubled.
#[test]
fn writers_in_a_hidden_table_lose_and_double_nothing() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "meta"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE public.busy (id int PRIMARY KEY, n int DEFAULT 0, pad text);
         INSERT INTO public.busy SELECT g, 0, repeat(md5(g::text), 8) FROM generate_series(1, 6000) g;
         REVOKE ALL ON public.busy FROM service_role",
    )?;
    let mut writer = std::process::Command::new("bash")
        .args(["-c", r#"for i in $(seq 1 400); do echo "UPDATE public.busy SET n = n + 1 WHERE id = 1 + ($i * 7919) % 1000;"; echo 'SELECT pg_sleep(0.01);'; done | psql "$0" -Xq >/dev/null 2>&1"#])
        .arg(stack.get("STACK_DATABASE_URL"))
        .spawn()?;
    let store = tempfile::tempdir()?;
    let run =
        Run::new(&["backup", "--sql", "meta", "--passes", "3", "--page-size", "64KiB"]).on(&stack).store(store.path());
    run.expect(0)?;
    writer.kill().ok();
    writer.wait()?;
    let (snapshot, manifest) = only_snapshot(store.path())?;
    let table = &manifest.tables[0];
    let rows = json_rows(&snapshot, table)?;
    let id = |row: &Vec<u8>| -> Result<u32> {
        let text = String::from_utf8_lossy(row);
        Ok(text.trim_start_matches('(').split(',').next().unwrap_or_default().parse()?)
    };
    let mut ids = rows.iter().map(id).collect::<Result<Vec<u32>>>()?;
    ids.sort_unstable();
    let quiet: Vec<u32> = ids.iter().copied().filter(|id| *id > 1000).collect();
    ensure!(quiet == (1001..=6000).collect::<Vec<_>>(), "{} rows that nobody touched", quiet.len());
    let doubled = ids.windows(2).filter(|pair| pair[0] == pair[1]).count();
    ensure!(doubled == 0, "{doubled} keys twice; {:?}", table.stability);
    Ok(())
}

/// Answers that break off, never come, or are too much for the server: a hidden table comes whole.
#[test]
fn a_hidden_table_is_read_to_its_end_whatever_happens_on_the_way() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "meta"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE public.long (id int PRIMARY KEY, pad text);
         INSERT INTO public.long SELECT g, repeat(md5(g::text), 8) FROM generate_series(1, 5000) g;
         CREATE TABLE public.shown (id int PRIMARY KEY);
         REVOKE ALL ON public.long FROM service_role",
    )?;
    let timeout = r#"{"error":"ERROR:  57014: canceling statement due to statement timeout","code":"57014","message":"canceling"}"#;
    for (what, action) in [
        ("runs into the time limit", json!({"kind": "status", "status": 400, "body": timeout})),
        ("breaks off", json!({"kind": "cut", "after": 5000})),
        ("is cut short", json!({"kind": "truncate", "fraction": 0.5})),
        ("does not come", json!({"kind": "close"})),
        (
            "is refused for a while",
            json!({"kind": "status", "status": 503, "headers": {"retry-after": "0"}, "body": "{}"}),
        ),
    ] {
        // the first dozen are about the database, its tables and the size of rows
        stack.faults(&json!([{"id": "x", "path": "/pg/query", "skip": 12, "times": 3, "action": action}]))?;
        let store = tempfile::tempdir()?;
        let run = Run::new(&["backup", "--sql", "meta", "--page-size", "32KiB"]).on(&stack).store(store.path());
        let ran = run.expect(0)?;
        ensure!(stack.faults_hit()? == [3], "{what}: {:?}", stack.faults_hit()?);
        let (snapshot, manifest) = only_snapshot(store.path())?;
        let table = manifest.tables.iter().find(|t| t.name.name == "long").context("long")?;
        let truth = rows_of(stack.get("STACK_DATABASE_URL"), table)?;
        ensure!(json_rows(&snapshot, table)? == truth, "an answer {what}: rows differ\n{}", ran.stderr);
    }
    Ok(())
}

/// A hidden table whose columns change while it is read is read anew, as it is then.
#[test]
fn a_hidden_table_that_is_altered_meanwhile_is_read_as_it_became() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "meta"])?;
    stack.sql(
        "SET ROLE postgres;
         CREATE TABLE public.victim (id int PRIMARY KEY, size int, pad text);
         INSERT INTO public.victim SELECT g, g * 7, repeat(md5(g::text), 8) FROM generate_series(1, 3000) g;
         REVOKE ALL ON public.victim FROM service_role",
    )?;
    for change in [
        "ALTER TABLE public.victim ADD COLUMN late text DEFAULT 'x'",
        "ALTER TABLE public.victim DROP COLUMN late; ALTER TABLE public.victim ADD COLUMN late int DEFAULT 3",
        "ALTER TABLE public.victim ALTER COLUMN size TYPE text",
        "ALTER TABLE public.victim RENAME COLUMN size TO length",
        "DROP TABLE public.victim; CREATE TABLE public.victim (id int); INSERT INTO public.victim SELECT generate_series(1, 9); REVOKE ALL ON public.victim FROM service_role",
    ] {
        stack.control("PUT", "/latency", "40")?;
        let store = tempfile::tempdir()?;
        let run = Run::new(&["backup", "--sql", "meta", "--page-size", "32KiB"]).on(&stack).store(store.path());
        let child = run.start()?;
        std::thread::sleep(std::time::Duration::from_millis(900));
        stack.sql(&format!("SET ROLE postgres; {change}"))?;
        stack.control("PUT", "/latency", "0")?;
        let ran = crate::support::run::finished(child)?;
        ensure!(ran.code == 0, "{change}: {}\n{}", ran.code, ran.stderr);
        let (snapshot, manifest) = only_snapshot(store.path())?;
        let table = manifest.tables.iter().find(|t| t.name.name == "victim").context("victim")?;
        let truth = rows_of(stack.get("STACK_DATABASE_URL"), table)?;
        ensure!(json_rows(&snapshot, table)? == truth, "{change}: rows differ\n{}", ran.stderr);
    }
    Ok(())
}
