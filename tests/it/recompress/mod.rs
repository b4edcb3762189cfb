//! `recompress`: smaller, the same row by row, and whole at every moment.

mod gzip;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use supabackup::clock::Clock;
use supabackup::commands::recompress::recompress;
use supabackup::model::{Manifest, Recompress};

use crate::prune::cut_off::Dying;
use crate::prune::tree;
use crate::support::run::{finished, manifest, only_snapshot, snapshots};
use crate::support::{Run, Stack};

/// What `recompress` does with snapshots of any age.
fn press(store: &Path, more: &[&str]) -> Run {
    Run::new(&["recompress", "--recompress-after", "0s"]).store(store).args(more)
}

/// A verified and pinned snapshot of a few tables.
fn one(stack: &Stack, store: &Path, more: &[&str]) -> Result<Manifest> {
    Run::new(&["backup"]).on(stack).store(store).args(more).expect(0)?;
    Run::new(&["verify"]).store(store).expect(0)?;
    Run::new(&["pin", "latest", "--note", "kept"]).store(store).expect(0)?;
    Ok(only_snapshot(store)?.1)
}

fn digests(manifest: &Manifest) -> Vec<(String, u64, String)> {
    manifest.tables.iter().map(|t| (t.name.to_string(), t.rows, t.digest.clone())).collect()
}

#[test]
fn a_snapshot_gets_smaller_and_stays_the_same() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    let before = one(&stack, store.path(), &[])?;
    // all but the line that says the id
    let script = |id: &str| -> Result<String> {
        let text = Run::new(&["sql", id, "--data-only"]).store(store.path()).expect(0)?.stdout;
        Ok(text.split_once('\n').context("one line")?.1.to_owned())
    };
    let old = before.snapshot.as_str();
    let text = script(old)?;

    // too young for the default, and nothing is written to try it out
    let young = Run::new(&["recompress"]).store(store.path()).expect(0)?;
    ensure!(young.stdout == "nothing to compress again\n", "{}", young.stdout);
    let all = tree(store.path())?;
    let plan = press(store.path(), &["--dry-run"]).expect(0)?;
    ensure!(
        plan.stdout.contains(&format!("{old}: ")) && plan.stdout.contains(" would become about "),
        "{}",
        plan.stdout
    );
    ensure!(tree(store.path())? == all);

    let ran = press(store.path(), &["--json"]).expect(0)?;
    let document: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    let (folder, after) = only_snapshot(store.path())?;
    ensure!(document["report"]["done"][0]["was"] == old && document["saved"].as_u64() > Some(0), "{document}");
    ensure!(after.instead_of.as_ref() == Some(&before.snapshot) && after.snapshot != before.snapshot);
    ensure!(after.totals.stored_bytes * 10 < before.totals.stored_bytes * 9, "{:?}", after.totals);
    ensure!(digests(&after) == digests(&before) && after.totals.raw_bytes == before.totals.raw_bytes);
    ensure!((after.started, after.finished, after.format) == (before.started, before.finished, 1));

    // verified, pinned, and found by either id
    let listed = Run::new(&["list", "latest"]).store(store.path()).expect(0)?;
    ensure!(listed.stdout.contains("verified opened") && listed.stdout.contains("kept"), "{}", listed.stdout);
    Run::new(&["verify", old]).store(store.path()).expect(0)?;
    ensure!(script(old)? == text && script(after.snapshot.as_str())? == text);
    // stock programs follow the book
    crate::recovery::by_the_book(&stack, &folder, &after, "pressed")?;

    // once is enough
    let again = press(store.path(), &[]).expect(0)?;
    ensure!(again.stdout == "nothing to compress again\n", "{}", again.stdout);

    // a copy of what it was is a copy of what it is
    let other = tempfile::tempdir()?;
    let copy = |to: &Path| {
        Run::new(&["copy", "latest", "--to", to.to_str().unwrap_or_default()]).store(store.path()).expect(0)
    };
    copy(other.path())?;
    ensure!(copy(other.path())?.stdout.contains("is there already"));
    Ok(())
}

#[test]
fn what_does_not_pay_is_tried_once_and_what_is_sealed_is_left() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    // noise: no level makes much of it
    let noise = "CREATE TABLE public.noise AS SELECT md5(random()::text) || md5(random()::text) AS hex FROM generate_series(1, 20000)";
    stack.sql(&format!("SET ROLE postgres; {noise}; GRANT SELECT ON public.noise TO service_role"))?;
    stack.script("restart-postgrest", &[])?;
    let before = one(&stack, store.path(), &["--include", "noise"])?;
    let ran = press(store.path(), &[]).expect(0)?;
    ensure!(ran.stdout.contains("stays as it is: it would save only "), "{}", ran.stdout);
    let (folder, after) = only_snapshot(store.path())?;
    ensure!(after == before && folder.join("recompress.json").exists());
    Run::new(&["verify"]).store(store.path()).expect(0)?;
    ensure!(press(store.path(), &[]).expect(0)?.stdout == "nothing to compress again\n");

    let sealed = tempfile::tempdir()?;
    let keys = crate::sealed::Keys::new()?;
    let key = keys.age("a")?;
    Run::new(&["backup", "--recipient", &key.public]).on(&stack).store(sealed.path()).expect(0)?;
    Run::new(&["verify"]).store(sealed.path()).expect(0)?;
    let ran = press(sealed.path(), &[]).expect(0)?;
    ensure!(ran.stdout.contains("stays as it is: it is sealed"), "{}", ran.stdout);
    // no time: nothing
    let ran = press(store.path(), &["--recompress-budget", "0s"]).expect(0)?;
    ensure!(ran.stdout == "nothing to compress again\n", "{}", ran.stdout);
    Ok(())
}

/// Every snapshot that looks like one verifies, and there is at least one.
fn nothing_is_half(store: &Path) -> Result<()> {
    let whole: Vec<_> = snapshots(store)?.into_iter().filter(|folder| folder.join("manifest.json").exists()).collect();
    ensure!((1..=2).contains(&whole.len()), "{whole:?}");
    // folders without a manifest are passed over, and what has one must be as it should
    Run::new(&["verify", "--all", "--depth", "hashed"]).store(store).expect(0)?;
    Ok(())
}

/// One snapshot, with nothing in it but what its manifest names, its records and its pin.
fn nothing_is_extra(store: &Path, rows: &[(String, u64, String)]) -> Result<()> {
    let held: Vec<_> =
        snapshots(store)?.into_iter().filter(|folder| !tree(folder).is_ok_and(|tree| tree.is_empty())).collect();
    ensure!(held.len() == 1, "{held:?}");
    let ledger = manifest(&held[0])?;
    ensure!(digests(&ledger) == rows && ledger.instead_of.is_some());
    let mut named: BTreeSet<String> = ledger.stored().map(|(key, ..)| key.to_owned()).collect();
    named.extend(["manifest.json", "SHA256SUMS", "pin.json"].map(str::to_owned));
    let there = tree(&held[0])?;
    let there: BTreeSet<String> =
        there.keys().filter_map(|p| Some(p.strip_prefix(&held[0]).ok()?.display().to_string())).collect();
    let extra: Vec<_> = there.difference(&named).filter(|name| !name.starts_with("verified/")).collect();
    ensure!(extra.is_empty() && named.is_subset(&there), "{extra:?}");
    Run::new(&["verify"]).store(store).expect(0)?;
    Ok(())
}

/// A copy of a directory, with the same files.
fn twin(of: &Path) -> Result<tempfile::TempDir> {
    let twin = tempfile::tempdir()?;
    for (path, bytes) in tree(of)? {
        let to = twin.path().join(path.strip_prefix(of)?);
        std::fs::create_dir_all(to.parent().context("no parent")?)?;
        std::fs::write(to, bytes)?;
    }
    Ok(twin)
}

/// At every single change that a recompression makes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_every_step_leaves_whole_snapshots_and_the_next_run_ends_it() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let model = tempfile::tempdir()?;
    let before = one(&stack, model.path(), &["--include", "profiles,user_roles", "--compression-level", "-5"])?;
    let (rows, now) = (digests(&before), before.started + TimeDelta::days(8));
    drop(stack);
    let rules = Recompress { level: 9, ..Recompress::default() };
    let mut cuts = 0;
    loop {
        let store = twin(model.path())?;
        let clock = Clock::standing_at(now);
        let dying = Dying::new(store.path(), cuts);
        let died = recompress(&dying, None, &rules, &clock, true).await.is_err();
        nothing_is_half(store.path()).with_context(|| format!("after {cuts} changes"))?;
        press(store.path(), &["--recompress-level", "9"]).expect(0)?;
        nothing_is_extra(store.path(), &rows).with_context(|| format!("after {cuts} changes"))?;
        if !died {
            break;
        }
        cuts += 1;
    }
    ensure!(cuts > 20, "only {cuts} steps");
    Ok(())
}

#[test]
fn killed_at_any_moment_a_recompression_leaves_whole_snapshots() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let model = tempfile::tempdir()?;
    let before = one(&stack, model.path(), &["--part-size", "256KiB"])?;
    let rows = digests(&before);
    drop(stack);
    let mut took = Duration::ZERO;
    let mut cut = 0;
    for n in 0..12_u32 {
        let store = twin(model.path())?;
        let begun = Instant::now();
        let mut child = press(store.path(), &["--recompress-level", "5"]).start()?;
        if n > 0 {
            std::thread::sleep(took.mul_f64(f64::from(n) / 12.0));
            child.kill()?;
        }
        let ran = finished(child)?;
        ensure!(n > 0 || ran.code == 0, "{}", ran.stderr);
        if n == 0 {
            took = begun.elapsed();
        }
        nothing_is_half(store.path()).with_context(|| format!("run {n}"))?;
        cut += u32::from(snapshots(store.path())?.len() == 2);
        press(store.path(), &["--recompress-level", "5"]).expect(0)?;
        nothing_is_extra(store.path(), &rows).with_context(|| format!("run {n}"))?;
    }
    ensure!(cut >= 2, "only {cut} of the kills fell between");
    Ok(())
}
