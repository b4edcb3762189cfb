//! The real binary and stores in the network.

use anyhow::{Context, Result, ensure};
use supabackup::store::Store;

use super::keys;
use super::servers::{AccessKey, Server, in_bucket, shared};
use super::way::{Fate, Way};
use crate::support::run::{only_snapshot, snapshots};
use crate::support::{Run, Stack};

fn s3(run: Run, server: &Server, key: &AccessKey, bucket: &str) -> Run {
    run.env("SUPABACKUP_STORE", format!("s3://{bucket}/team"))
        .env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", &key.secret)
        .env("AWS_REGION", "us-east-1")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_goes_to_a_bucket_and_comes_back_from_it() -> Result<()> {
    let (server, stack) = (shared()?, Stack::up(&["--data", "sample"])?);
    let bucket = server.bucket()?;
    let run = |args: &[&str]| s3(Run::new(args).on(&stack), server, &server.key, &bucket);

    let doctor = run(&["doctor"]).go()?;
    ensure!(
        doctor.stdout.contains(&format!("✓ Snapshots go to s3://{bucket}/team, which can be written to.")),
        "{}",
        doctor.stdout
    );
    let backup = run(&["backup"]).expect(0)?;
    let id = backup.stdout.trim().to_owned();
    ensure!(backup.stderr.ends_with(&format!("/{id} in s3://{bucket}/team\n")), "{}", backup.stderr);

    let store = in_bucket(&format!("{bucket}/team"), server.port, &server.key, "")?;
    let stored = keys(&store, "").await?;
    ensure!(stored.iter().any(|key| key.ends_with(&format!("/{id}/manifest.json"))), "{stored:?}");
    let probes = keys(&in_bucket(&bucket, server.port, &server.key, "")?, "").await?;
    ensure!(probes.iter().all(|key| key.starts_with("team/") && !key.contains("probe")), "{probes:?}");

    ensure!(run(&["list"]).expect(0)?.stdout.contains(&id));
    ensure!(run(&["verify"]).expect(0)?.stdout.contains(&format!("{id} intact (opened)")));
    ensure!(run(&["list", "latest"]).expect(0)?.stdout.contains("verified opened"));
    let plan = run(&["restore", "latest", "--dry-run", "--mode", "merge"]).expect(0)?;
    ensure!(plan.stdout.contains("public."), "{}{}", plan.stdout, plan.stderr);

    // the same rows as in a directory
    let directory = tempfile::tempdir()?;
    Run::new(&["backup"]).on(&stack).store(directory.path()).expect(0)?;
    let (_, local) = only_snapshot(directory.path())?;
    let key = stored.iter().find(|key| key.ends_with("manifest.json")).context("no manifest")?;
    let remote = supabackup::model::Manifest::parse(&store.get(&super::key(key)?).await?)?;
    let digests = |m: &supabackup::model::Manifest| {
        m.tables.iter().map(|t| (t.name.to_string(), t.rows, t.digest.clone())).collect::<Vec<_>>()
    };
    ensure!(digests(&local) == digests(&remote));
    Ok(())
}

#[test]
fn a_dead_store_does_not_stop_the_other_one() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let directory = tempfile::tempdir()?;
    let place = directory.path().display().to_string();
    let dead = |args: &[&str]| {
        Run::new(args)
            .on(&stack)
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env("AWS_ACCESS_KEY_ID", "AKIADEAD")
            .env("AWS_SECRET_ACCESS_KEY", "the-sentinel-of-the-dead")
            .env("SUPABACKUP_RETRIES", "1")
    };
    let two = ["--store", "s3://dead/x", "--store", &place];
    let ran = dead(&["backup"]).args(&two).expect(3)?;
    let (_, manifest) = only_snapshot(directory.path())?;
    ensure!(manifest.complete && manifest.snapshot.as_str() == ran.stdout.trim());
    ensure!(ran.stderr.contains("NOT in s3://dead/x: writing to s3://dead/x: no connection"), "{}", ran.stderr);
    ensure!(
        ran.stderr.contains(&format!(" in directory {place}\n")) && !ran.stderr.contains("sentinel"),
        "{}",
        ran.stderr
    );

    let ran = dead(&["backup", "--json"]).args(&two).expect(3)?;
    let document: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    let stored: Vec<Option<bool>> =
        document["stores"].as_array().context("no stores")?.iter().map(|s| s["stored"].as_bool()).collect();
    ensure!(stored == [Some(false), Some(true)], "{document}");
    ensure!(document["complete"] == true && document["stores"][0]["store"] == "s3://dead/x");

    // read from the first that is named
    let both = format!("{place}, s3://dead/x");
    let listed = dead(&["list"]).env("SUPABACKUP_STORE", &both).expect(0)?;
    ensure!(listed.stdout.contains(manifest.snapshot.as_str()), "{}", listed.stdout);
    ensure!(listed.stderr == format!("using {place}, the first of 2 stores\n"), "{}", listed.stderr);
    let doctor = dead(&["doctor"]).env("SUPABACKUP_STORE", &both).expect(4)?;
    ensure!(
        doctor.stdout.contains(&format!("✓ Snapshots go to {place}, which can be written to.")),
        "{}",
        doctor.stdout
    );
    ensure!(
        doctor.stdout.contains("✗ Snapshots cannot be written to s3://dead/x: writing to s3://dead/x: no connection"),
        "{}",
        doctor.stdout
    );

    // all of them dead: nothing
    let ran = dead(&["backup"]).args(&["--store", "s3://dead/x", "--store", "s3://dead/y"]).expect(1)?;
    ensure!(ran.stderr.contains("every store failed: writing to s3://dead/"), "{}", ran.stderr);
    ensure!(snapshots(directory.path())?.len() == 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_on_the_way_never_gets_a_manifest() -> Result<()> {
    let (server, stack) = (shared()?, Stack::up(&["--data", "sample"])?);
    let directory = tempfile::tempdir()?;
    let place = directory.path().display().to_string();
    for (fate, denied) in [(Fate::SlowDown, false), (Fate::Deny, true)] {
        let bucket = server.bucket()?;
        let way = Way::to(server.port).await?;
        // the first parts come in; then one does not, and everything after it would again
        way.plan("PUT", "/json/", 1, fate);
        let run = s3(Run::new(&["backup"]).on(&stack), server, &server.key, &bucket)
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", way.port))
            .env("SUPABACKUP_RETRIES", "0")
            .env("SUPABACKUP_STORE", format!("s3://{bucket},{place}"));
        let ran = tokio::task::spawn_blocking(move || run.expect(3)).await??;
        ensure!(
            way.is_done() && ran.stderr.contains(&format!("NOT in s3://{bucket}: writing s3://{bucket}/")),
            "{}",
            ran.stderr
        );
        let left = keys(&in_bucket(&bucket, server.port, &server.key, "")?, "").await?;
        ensure!(!left.iter().any(|key| key.ends_with("manifest.json")), "{left:?}");
        ensure!(!denied || left.is_empty(), "it answers, and was not tidied up: {left:?}");
        let id = ran.stdout.trim();
        Run::new(&["verify", id, "--store", &place]).expect(0)?;
    }
    Ok(())
}

#[test]
fn no_store_in_the_network_shows_its_secrets() -> Result<()> {
    let (server, stack) = (shared()?, Stack::up(&["--data", "sample"])?);
    let bucket = server.bucket()?;
    let wrong = AccessKey::new(&server.key.id, "wJalrXUtnFEMI-the-wrong-secret-K7MDENG");
    let token = "FwoGZXIvYXdzEBYaDH-the-session-token-nobody-knows";
    for (n, key) in [&server.key, &wrong].into_iter().enumerate() {
        for command in [
            &["backup"][..],
            &["list"],
            &["verify"],
            &["doctor"],
            &["doctor", "--json"],
            &["backup", "--json"],
            &["--help"],
        ] {
            let mut run = s3(Run::new(command).on(&stack), server, key, &bucket)
                .env("RUST_LOG", "trace")
                .env("RUST_BACKTRACE", "full");
            if n == 1 {
                run = run
                    .env("AWS_SESSION_TOKEN", token)
                    .env("AZURE_STORAGE_ACCOUNT_KEY", token)
                    .env("SUPABACKUP_RETRIES", "0");
            }
            let ran = run.go()?;
            ensure!(n == 1 || ran.code != 1, "{command:?}: {}", ran.stderr);
            for secret in [key.secret.as_str(), token] {
                ensure!(
                    !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                    "{command:?}: {}{}",
                    ran.stdout,
                    ran.stderr
                );
            }
        }
    }
    for url in ["s3://AKIA:the-sentinel@b/x", "s3://b?secret=the-sentinel", "s3://b?endpoint=https://u:the-sentinel@h"]
    {
        let ran = Run::new(&["list", "--store", url]).expect(2)?;
        ensure!(ran.stderr.contains("credentials do not belong into a store's URL"), "{}", ran.stderr);
        ensure!(!ran.stdout.contains("sentinel") && !ran.stderr.contains("sentinel"), "{}", ran.stderr);
    }
    Ok(())
}
