//! What comes back, and what is said of what does not.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Plain, found, record, restored};
use crate::sealed::Keys;
use crate::support::run::manifest;
use crate::support::stack::psql;
use crate::support::{Run, Stack};

/// Every table is as it was, and this is recorded.
fn proven(stack: &Stack, load: Option<&str>) -> Result<Value> {
    if let Some(file) = load {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sql").join(file);
        psql(stack.get("STACK_POSTGRES_URL"), &std::fs::read_to_string(path)?)?;
        stack.script("restart-postgrest", &[])?;
    }
    let directory = tempfile::tempdir()?;
    let plain = Plain::of(stack)?;
    let snapshot = plain.back_up(directory.path(), &[])?;
    let report = plain.drilled(directory.path(), &[], 0)?;
    ensure!(report["result"] == "proven" && report["has_schema"] == true, "{report:#}");
    let tables = report["tables"].as_array().context("no tables")?;
    ensure!(tables.len() == manifest(&snapshot)?.tables.len() && tables.iter().all(|t| t["is_equal"] == true));
    let record = record(&snapshot)?;
    ensure!((&record["ok"], &record["depth"]) == (&true.into(), &"restored".into()), "{record}");
    ensure!(restored(directory.path())?.is_some());
    Run::new(&["verify"]).store(directory.path()).expect(0)?;
    Ok(report)
}

#[test]
fn the_sample_project_comes_back_on_a_server_without_supabase() -> Result<()> {
    let report = proven(&Stack::up(&["--data", "sample"])?, None)?;
    let roles = report["stand_ins"].as_array().into_iter().flatten().find(|s| s["kind"] == "roles");
    ensure!(roles.is_some_and(|s| s["names"].as_array().is_some_and(|n| n.contains(&"anon".into()))), "{report:#}");
    ensure!(report["tables"].as_array().into_iter().flatten().any(|t| t["first_write"]["outcome"] == "works"));
    Ok(())
}

#[test]
fn the_torture_database_comes_back_on_a_server_without_supabase() -> Result<()> {
    proven(&Stack::up(&["--data", "torture"])?, None).map(drop)
}

#[test]
fn users_come_back_with_what_hangs_on_the_platform() -> Result<()> {
    let report = proven(&Stack::up(&["--data", "platform"])?, Some("on_platform.sql"))?;
    let users = report["tables"].as_array().into_iter().flatten().find(|t| t["table"]["name"] == "users");
    ensure!(users.is_some_and(|t| t["rows"] == 40), "{report:#}");
    Ok(())
}

#[test]
fn users_that_are_not_in_the_snapshot_are_made_up_and_that_is_no_proof() -> Result<()> {
    let stack = Stack::up(&["--data", "platform"])?;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sql/on_platform.sql");
    psql(stack.get("STACK_POSTGRES_URL"), &std::fs::read_to_string(path)?)?;
    let (directory, plain) = (tempfile::tempdir()?, Plain::of(&stack)?);
    let snapshot = plain.back_up(directory.path(), &["--exclude", "auth.*"])?;
    let report = plain.drilled(directory.path(), &[], 3)?;
    ensure!(report["result"] == "partial" && found(&report, "users-made-up").len() == 1, "{report:#}");
    ensure!(report["foreign_keys"] == 1, "{report:#}");
    let record = record(&snapshot)?;
    ensure!(record["ok"] == true && record["partial"] == true, "{record}");
    ensure!(restored(directory.path())?.is_none(), "it counts as proven");
    Ok(())
}

#[test]
fn what_is_wrong_or_could_not_be_tried_is_said_and_recorded() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let plain = Plain::of(&stack)?;
    // without SQL access there is no schema: the rows load, and no more is claimed
    let directory = tempfile::tempdir()?;
    Run::new(&["backup"]).on(&stack).store(directory.path()).expect(0)?;
    let report = plain.drilled(directory.path(), &[], 3)?;
    ensure!(report["has_schema"] == false && found(&report, "schema-untried").len() == 1, "{report:#}");
    ensure!(report["tables"].as_array().into_iter().flatten().all(|t| t["is_equal"] == true), "{report:#}");
    ensure!(restored(directory.path())?.is_none());
    let ran = plain.drill(directory.path(), &[]).expect(3)?;
    ensure!(ran.stdout.contains("AS FAR AS IT COULD BE TRIED") && ran.stdout.contains("no schema"), "{}", ran.stdout);
    ensure!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);

    // a digest that is not that of the rows
    let directory = tempfile::tempdir()?;
    let snapshot = plain.back_up(directory.path(), &[])?;
    let mut changed = manifest(&snapshot)?;
    let table = changed.tables.iter_mut().find(|t| t.rows > 0).context("no rows")?;
    let name = table.name.to_string();
    table.digest = "42".to_owned();
    let bytes = changed.to_bytes()?;
    std::fs::write(snapshot.join("manifest.json"), &bytes)?;
    let sums = std::fs::read_to_string(snapshot.join("SHA256SUMS"))?;
    let kept: String = sums.lines().filter(|l| !l.ends_with("  manifest.json")).map(|l| format!("{l}\n")).collect();
    let sum = supabackup::seal::sha256_hex(&bytes);
    std::fs::write(snapshot.join("SHA256SUMS"), format!("{kept}{sum}  manifest.json\n"))?;
    let report = plain.drilled(directory.path(), &[], 4)?;
    let differs = found(&report, "differs");
    ensure!(differs.len() == 1 && differs[0]["subject"] == name.as_str(), "{report:#}");
    ensure!(record(&snapshot)?["ok"] == false);

    // rows that are stored as JSON alone, of a project whose sequence stands behind
    let directory = tempfile::tempdir()?;
    stack.sql(
        "SET ROLE postgres; CREATE TABLE public.counted (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, note text); \
         INSERT INTO public.counted (id, note) VALUES (1, 'a'), (2, 'b');",
    )?;
    stack.script("restart-postgrest", &[])?;
    let snapshot = plain.back_up(directory.path(), &["--artifacts", "json"])?;
    let report = plain.drilled(directory.path(), &[], 4)?;
    let behind = found(&report, "sequence-behind");
    ensure!(behind.len() == 1 && behind[0]["subject"] == "public.counted", "{report:#}");
    let record = record(&snapshot)?;
    ensure!(record["ok"] == true && record["partial"] == true, "nothing is wrong with the snapshot: {record}");
    Ok(())
}

#[test]
fn a_sealed_snapshot_is_restored_with_its_key_and_its_report_is_sealed() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (directory, plain) = (tempfile::tempdir()?, Plain::of(&stack)?);
    let keys = Keys::new()?;
    let key = keys.age("mine")?;
    let snapshot = plain.back_up(directory.path(), &["--recipient", &key.public, "--seal-manifest"])?;
    plain.drill(directory.path(), &[]).expect(1)?;
    plain.drilled(directory.path(), &["--identity-file", key.path()], 0)?;
    let names: Vec<String> = std::fs::read_dir(snapshot.join("restored"))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    ensure!(names.len() == 1 && names[0].ends_with("-drill.json.zst.age"), "{names:?}");
    ensure!(restored(directory.path())?.is_some());
    Ok(())
}

#[test]
fn what_needs_an_extension_that_the_server_has_not_is_named_and_the_rest_is_tried() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (directory, plain) = (tempfile::tempdir()?, Plain::of(&stack)?);
    stack.sql(
        "SET ROLE postgres; CREATE TABLE public.tagged (id uuid DEFAULT extensions.uuid_generate_v4() PRIMARY KEY, note text); \
         INSERT INTO public.tagged (note) VALUES ('a'), ('b');",
    )?;
    stack.script("restart-postgrest", &[])?;
    let snapshot = plain.back_up(directory.path(), &[])?;
    // every new database has something where the extension would put its own
    plain.sql("ALTER DATABASE template0 ALLOW_CONNECTIONS true")?;
    plain.sql_in(
        "template0",
        "CREATE SCHEMA extensions; CREATE FUNCTION extensions.uuid_nil() RETURNS uuid LANGUAGE sql RETURN NULL::uuid",
    )?;
    let report = plain.drilled(directory.path(), &[], 3)?;
    let absent = found(&report, "extension-absent");
    ensure!(absent.len() == 1 && absent[0]["subject"] == "uuid-ossp", "{report:#}");
    ensure!(found(&report, "not-tried").iter().any(|f| f["subject"] == "public.tagged"), "{report:#}");
    let tables = report["tables"].as_array().context("no tables")?;
    let apart = |t: &&Value| t["table"]["name"] == "tagged";
    ensure!(tables.iter().filter(apart).all(|t| t["is_equal"].is_null()), "{report:#}");
    ensure!(tables.iter().filter(|t| !apart(t)).all(|t| t["is_equal"] == true), "{report:#}");
    ensure!(record(&snapshot)?["partial"] == true && restored(directory.path())?.is_none());
    Ok(())
}
