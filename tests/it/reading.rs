//! `verify` and `list` as a person runs them: exit codes, what is said, and where.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::sample::{ID, PROJECT, Sample};
use crate::support::Run;

async fn sample() -> Result<(tempfile::TempDir, Sample)> {
    let dir = tempfile::tempdir()?;
    let sample = Sample::write(dir.path()).await?;
    Ok((dir, sample))
}

fn run(args: &str, store: &std::path::Path) -> Run {
    Run::new(&args.split(' ').collect::<Vec<_>>()).store(store)
}

#[tokio::test]
async fn verify_says_intact_damaged_and_incomplete_by_its_exit_code() -> Result<()> {
    let (dir, mut sample) = sample().await?;
    let ran = run("verify", dir.path()).expect(0)?;
    ensure!(ran.stdout.starts_with(&format!("{ID} intact (opened): 9 files, 97 rows in 3 tables, ")), "{}", ran.stdout);
    ensure!(ran.stderr.is_empty(), "{}", ran.stderr);
    ensure!(run("verify latest --quiet", dir.path()).expect(0)?.stdout.is_empty());

    sample.manifest.complete = false;
    let (subject, reason) = ("table public.x".to_owned(), "permission denied".to_owned());
    sample.manifest.missing = vec![supabackup::model::Missing { subject, reason, fix: None }];
    sample.seal_manifest().await?;
    let ran = run(&format!("verify {ID} --depth listed"), dir.path()).expect(3)?;
    ensure!(
        ran.stdout.contains("warning [snapshot-incomplete] manifest.json: ")
            && ran.stdout.contains("intact, but incomplete")
    );

    let part = sample.part(0, 0)?.key.clone();
    fs::remove_file(sample.path(&part))?;
    let ran = run("verify --all", dir.path()).expect(4)?;
    ensure!(
        ran.stdout.contains(&format!("error [part-missing] {part}: it is gone\n  hint: the same rows are in json/")),
        "{}",
        ran.stdout
    );
    ensure!(ran.stdout.contains(&format!("{ID} DAMAGED, 1 error (opened): ")), "{}", ran.stdout);

    let ran = run("verify --json", dir.path()).expect(4)?;
    let json: Value = serde_json::from_str(&ran.stdout)?;
    ensure!(json["ok"] == false && json["verified"][0]["findings"][0]["code"] == "part-missing", "{json}");
    Ok(())
}

#[tokio::test]
async fn verifying_nothing_is_not_success() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for args in ["verify", "verify --all", &format!("verify {ID}")] {
        let ran = run(args, dir.path()).expect(1)?;
        ensure!(ran.stdout.is_empty() && ran.stderr.contains("hint: "), "{args}: {}", ran.stderr);
    }
    let ran = run("list", dir.path()).expect(0)?;
    ensure!(ran.stdout.is_empty() && ran.stderr.contains("holds no snapshots"));
    ensure!(run("list --json", dir.path()).expect(0)?.stdout == "[]\n");
    Ok(())
}

#[tokio::test]
async fn what_a_dead_run_left_is_passed_over_and_a_lost_manifest_is_not() -> Result<()> {
    let (dir, sample) = sample().await?;
    let dead = dir.path().join(PROJECT).join("20261124T000000Z-dead");
    fs::create_dir_all(dead.join("sql"))?;
    fs::write(dead.join("sql/100-public.t-00001.sql.zst"), "half")?;
    let ran = run("verify --all", dir.path()).expect(0)?;
    ensure!(
        ran.stderr.contains("a run that did not end") && ran.stdout.lines().count() == 1,
        "{}{}",
        ran.stdout,
        ran.stderr
    );
    run("verify", dir.path()).expect(0)?;
    let ran = run("verify 20261124T000000Z-dead", dir.path()).expect(4)?;
    ensure!(ran.stdout.contains("is no snapshot: it has no manifest"), "{}", ran.stdout);
    run("list 20261124T000000Z-dead", dir.path()).expect(1)?;
    fs::remove_file(sample.path("manifest.json"))?;
    let ran = run("verify --all", dir.path()).expect(4)?;
    ensure!(ran.stdout.contains("error [manifest-missing] manifest.json: the manifest is gone"), "{}", ran.stdout);
    Ok(())
}

#[tokio::test]
async fn list_shows_each_snapshot_and_each_table_of_one() -> Result<()> {
    let (dir, _sample) = sample().await?;
    run("verify --depth hashed", dir.path()).expect(0)?;
    let ran = run("list", dir.path()).expect(0)?;
    let lines: Vec<_> = ran.stdout.lines().collect();
    ensure!(
        lines.len() == 2
            && lines[1].starts_with(ID)
            && lines[1].contains("complete")
            && lines[1].contains("hashed 0 s"),
        "{lines:?}"
    );
    let json: Value = serde_json::from_str(&run("list --json", dir.path()).expect(0)?.stdout)?;
    ensure!(
        json[0]["id"] == ID && json[0]["state"] == "complete" && json[0]["verified"]["depth"] == "hashed",
        "{json}"
    );

    let ran = run(&format!("list {ID}"), dir.path()).expect(0)?;
    ensure!(
        ran.stdout.contains("\npublic.orders ") && ran.stdout.contains("verified hashed, 0 s ago: intact"),
        "{}",
        ran.stdout
    );
    let json: Value = serde_json::from_str(&run("list latest --json", dir.path()).expect(0)?.stdout)?;
    ensure!(json["manifest"]["totals"]["rows"] == 97 && json["snapshot"]["project"] == PROJECT);
    Ok(())
}

#[tokio::test]
async fn the_newest_snapshot_is_that_of_the_project_in_the_environment() -> Result<()> {
    let (dir, sample) = sample().await?;
    let other = dir.path().join("zzzzzzzzzzzzzzzzzzzz/20261201T000000Z-0000");
    fs::create_dir_all(&other)?;
    fs::copy(sample.path("manifest.json"), other.join("manifest.json"))?;
    let ran = run("verify", dir.path()).expect(2)?;
    ensure!(ran.stderr.contains("holds several projects") && ran.stderr.contains("--project"), "{}", ran.stderr);
    run("verify", dir.path()).env("SUPABASE_PROJECT_REF", PROJECT).expect(0)?;
    run(&format!("verify --project {PROJECT}"), dir.path()).expect(0)?;
    run(&format!("verify {ID}"), dir.path()).expect(0)?;
    let ran = run("verify", dir.path()).env("SUPABASE_PROJECT_REF", "yyyyyyyyyyyyyyyyyyyy").expect(1)?;
    ensure!(ran.stderr.contains(PROJECT) && ran.stderr.contains("zzzz"), "{}", ran.stderr);
    Ok(())
}

#[tokio::test]
async fn a_reader_that_leaves_early_is_no_error() -> Result<()> {
    let (dir, _sample) = sample().await?;
    let mut child = run("list --json", dir.path()).start()?;
    drop(child.stdout.take().context("no stdout")?);
    let ran = crate::support::run::finished(child)?;
    ensure!(ran.code == 0 && ran.stderr.is_empty(), "{} {}", ran.code, ran.stderr);
    Ok(())
}
