//! `copy` and replicas: whole snapshots in another store, or nothing that looks like one.

mod anew;
mod replicas;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use supabackup::model::Manifest;
use supabackup::snapshot::{Copied, SnapshotKeys, copy_snapshot};
use supabackup::store::{DirStore, Store};

use crate::prune::cut_off::Dying;
use crate::prune::{Shelf, days, tree};
use crate::sample::PROJECT;
use crate::store::servers::{Server, shared};
use crate::support::run::{finished, manifest, only_snapshot, snapshots};
use crate::support::{Run, Stack};

pub(crate) fn path(directory: &Path) -> &str {
    directory.to_str().unwrap_or_default()
}

fn with_keys(run: Run, server: &Server) -> Run {
    run.env("AWS_ENDPOINT_URL", server.endpoint())
        .env("AWS_ACCESS_KEY_ID", &server.key.id)
        .env("AWS_SECRET_ACCESS_KEY", &server.key.secret)
        .env("AWS_REGION", "us-east-1")
}

/// From a disk into a bucket, and from there onto another disk.
#[test]
fn a_snapshot_goes_from_disk_to_cloud_to_disk_and_stays_the_same() -> Result<()> {
    let (server, stack) = (shared()?, Stack::up(&["--data", "sample"])?);
    let (here, there) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let bucket = format!("s3://{}/team", server.bucket()?);
    let backup = Run::new(&["backup"]).on(&stack).store(here.path()).expect(0)?;
    let id = backup.stdout.trim();
    let copy = |from: &str, to: &str, more: &[&str]| {
        with_keys(Run::new(&["copy", "latest", "--store", from, "--to", to]), server).args(more)
    };

    // one that nobody verified is not copied, unless it is wanted
    let refused = copy(path(here.path()), &bucket, &[]).expect(1)?;
    ensure!(refused.stderr.contains("never verified; nothing was copied"), "{}", refused.stderr);
    Run::new(&["verify"]).store(here.path()).expect(0)?;
    Run::new(&["pin", "latest", "--note", "the one"]).store(here.path()).expect(0)?;

    let ran = copy(path(here.path()), &bucket, &[]).expect(0)?;
    ensure!(ran.stdout.contains(&format!("{id} copied: ")) && ran.stdout.contains(" to s3://"), "{}", ran.stdout);
    let ran = copy(&bucket, path(there.path()), &["--json"]).expect(0)?;
    let document: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    ensure!(document["copied"][0]["id"] == id && document["copied"][0]["kept"] == 0, "{document}");

    // everything is the same, to the record of the verification and the pin
    let (a, b) = (
        tree(&here.path().join(stack.get("SUPABASE_PROJECT_REF")))?,
        tree(&there.path().join(stack.get("SUPABASE_PROJECT_REF")))?,
    );
    let names = |tree: &std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>,
                 root: &Path|
     -> Vec<(String, Vec<u8>)> {
        tree.iter().map(|(p, bytes)| (p.strip_prefix(root).unwrap_or(p).display().to_string(), bytes.clone())).collect()
    };
    ensure!(names(&a, here.path()) == names(&b, there.path()));
    ensure!(a.keys().all(|path| !path.ends_with("begun.json")));
    Run::new(&["verify"]).store(there.path()).expect(0)?;
    let script = |store: &Path| Run::new(&["sql", "latest"]).store(store).expect(0).map(|ran| ran.stdout);
    ensure!(script(here.path())? == script(there.path())?);
    ensure!(Run::new(&["list", "latest"]).store(there.path()).expect(0)?.stdout.contains("the one"));

    // again: it is there, and nothing is sent
    let again = copy(&bucket, path(there.path()), &[]).expect(0)?;
    ensure!(again.stdout.contains(&format!("{id} is there already\n0 snapshots copied")), "{}", again.stdout);

    // it restores from there
    let (folder, manifest) = only_snapshot(there.path())?;
    crate::recovery::by_the_book(&stack, &folder, &manifest, "copied")?;
    Ok(())
}

#[tokio::test]
async fn a_power_cut_at_every_step_leaves_no_half_snapshot_and_the_next_copy_goes_on() -> Result<()> {
    let shelf = Shelf::new().await?;
    let id = shelf.good(days(2))?;
    shelf.run(&format!("pin {id}")).expect(0)?;
    let (from, keys) = (DirStore::new(shelf.root()), SnapshotKeys::new(PROJECT, id.clone()));
    let files = manifest(&shelf.folder(&id))?.stored().count() as u64;
    let mut cuts = 0;
    loop {
        let there = tempfile::tempdir()?;
        let dying = Dying::new(there.path(), cuts);
        let died = copy_snapshot(&from, &dying, &keys).await.is_err();
        // what was under way still comes in
        dying.settled().await;
        let folder = there.path().join(PROJECT).join(id.as_str());
        let whole = folder.join("manifest.json").exists();
        ensure!(whole == (cuts as u64 > files + 2), "after {cuts} of {files} changes");
        let listed = Run::new(&["list", "--json"]).store(there.path()).expect(0)?.stdout;
        ensure!(whole == listed.contains("\"complete\""), "{listed}");

        let copied = copy_snapshot(&from, &DirStore::new(there.path()), &keys).await;
        match copied.map_err(supabackup::error::Failure::from)? {
            Copied::There(_) => ensure!(whole),
            // what came in is not sent again
            Copied::Now { sent, kept, .. } => {
                ensure!(
                    !whole && kept == (cuts as u64).saturating_sub(1).min(files) && sent == files - kept,
                    "{cuts}: {sent} {kept}"
                );
            }
        }
        Run::new(&["verify"]).store(there.path()).expect(0)?;
        ensure!(folder.join("pin.json").exists() && !folder.join("begun.json").exists());
        if !died {
            break;
        }
        cuts += 1;
    }
    // a mark, every file, the checksums, the manifest, the mark again, the record and the pin
    ensure!(cuts as u64 == files + 6, "{cuts} steps");
    Ok(())
}

#[test]
fn killed_at_any_moment_a_copy_is_no_snapshot_and_is_finished_by_the_next() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let here = tempfile::tempdir()?;
    Run::new(&["backup", "--part-size", "64KiB"]).on(&stack).store(here.path()).expect(0)?;
    Run::new(&["verify"]).store(here.path()).expect(0)?;
    let (source, ledger) = only_snapshot(here.path())?;
    let mut took = Duration::ZERO;
    let mut cut = 0;
    for n in 0..12_u32 {
        let there = tempfile::tempdir()?;
        let copy = || Run::new(&["copy", "latest", "--to", path(there.path())]).store(here.path());
        let begun = Instant::now();
        let mut child = copy().start()?;
        if n > 0 {
            // evenly spread over the time that the first one took, which was not killed
            std::thread::sleep(took.mul_f64(f64::from(n) / 12.0));
            child.kill()?;
        }
        let ran = finished(child)?;
        ensure!(n > 0 || ran.code == 0, "{}", ran.stderr);
        if n == 0 {
            took = begun.elapsed();
        }
        for folder in snapshots(there.path())? {
            match folder.join("manifest.json").exists() {
                true => drop(Run::new(&["verify"]).store(there.path()).expect(0)?),
                false => cut += u32::from(!tree(&folder)?.is_empty()),
            }
        }
        copy().expect(0)?;
        Run::new(&["verify"]).store(there.path()).expect(0)?;
        let (folder, copied) = only_snapshot(there.path())?;
        ensure!(copied == ledger);
        let bytes = |folder: &Path| fs::read(folder.join("manifest.json"));
        ensure!(bytes(&folder)? == bytes(&source)?, "run {n}");
    }
    ensure!(cut >= 2, "only {cut} of the kills fell into the copy");
    Ok(())
}

#[tokio::test]
async fn what_is_damaged_unverified_or_different_is_not_copied() -> Result<()> {
    let (shelf, there) = (Shelf::new().await?, tempfile::tempdir()?);
    let to = path(there.path());
    let (good, bad) = (shelf.good(days(1))?, shelf.good(days(2))?);
    let (unverified, incomplete) = (shelf.add(days(3), None)?, shelf.incomplete(days(4))?);
    let ledger: Manifest = manifest(&shelf.folder(&bad))?;
    let part = ledger.parts().next().context("no part")?.1.key.clone();
    let file = shelf.folder(&bad).join(&part);
    let mut bytes = fs::read(&file)?;
    bytes[9] ^= 1;
    // the files of a shelf are links to one and the same
    fs::remove_file(&file)?;
    fs::write(&file, bytes)?;

    let ran = shelf.run(&format!("copy {bad} --to {to}")).expect(1)?;
    ensure!(ran.stderr.contains(&format!("{part} is not what the manifest says; no copy was made")), "{}", ran.stderr);
    ensure!(snapshots(there.path())?.iter().all(|folder| !folder.join("manifest.json").exists()));
    for id in [&unverified, &incomplete] {
        shelf.run(&format!("copy {id} --to {to}")).expect(1)?;
    }
    let ran = shelf.run(&format!("copy --all --to {to}")).expect(3)?;
    for line in [
        format!("{good} copied: "),
        format!("{unverified} NOT copied: it was never verified"),
        format!("{incomplete} NOT copied: it is incomplete"),
        "error [not-copied]".to_owned(),
    ] {
        ensure!(ran.stdout.contains(&line), "{line}: {}", ran.stdout);
    }
    // wanted all the same
    shelf.run(&format!("copy {incomplete} --accept-incomplete --to {to}")).expect(0)?;

    // one of the same name that is another one
    let copied = there.path().join(PROJECT).join(good.as_str()).join("manifest.json");
    let changed = fs::read_to_string(&copied)?.replace("\"rows\": 90", "\"rows\": 91");
    fs::write(&copied, changed)?;
    let ran = shelf.run(&format!("copy {good} --to {to}")).expect(1)?;
    ensure!(ran.stderr.contains("has one that differs: its manifest is another one"), "{}", ran.stderr);

    // places that cannot be meant
    for (to, says) in [
        (path(shelf.root()), "is the store that is read"),
        ("s3://b?endpoint=https://abcdefghijklmnopqrst.supabase.co/storage/v1/s3", "is the storage of a Supabase"),
        ("ftp://x", "are not known to this version"),
    ] {
        let ran = shelf.run(&format!("copy {good} --to {to}")).expect(2)?;
        ensure!(ran.stderr.contains(says), "{}", ran.stderr);
    }
    Ok(())
}
