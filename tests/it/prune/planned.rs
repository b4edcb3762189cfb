//! What is shown, and that showing it changes nothing.

use anyhow::{Result, ensure};
use serde_json::Value;
use supabackup::model::{Depth, SnapshotId};

use super::{Shelf, days, hours, record, tree, verdict};

/// One of everything.
async fn motley() -> Result<(Shelf, Vec<(SnapshotId, &'static str)>)> {
    let shelf = Shelf::new().await?;
    let young = shelf.daily(12)?;
    let safety = |age| shelf.add_changed(age, Some(Depth::Opened), |m| m.safety_of = Some(young[0].clone()));
    let mut expected = vec![
        (young[0].clone(), "+ newest-good floor within"),
        (young[2].clone(), "+ floor within"),
        (young[11].clone(), "+ within"),
        (shelf.good(days(29))?, "+ within"),
        (shelf.good(days(31))?, "- old"),
        (shelf.add(days(40), Some(Depth::Hashed))?, "- unproven-old"),
        (shelf.add(days(20), None)?, "+ unproven-young"),
        (shelf.incomplete(hours(6 * 24))?, "+ incomplete-young"),
        (shelf.incomplete(hours(8 * 24))?, "- incomplete-old"),
        (shelf.dead(days(9), days(8))?, "- unfinished-old"),
        // began long ago, and is still at work
        (shelf.dead(days(50), hours(1))?, "+ unfinished-young"),
        // copied with its old times
        (shelf.dead(days(1), days(90))?, "+ unfinished-young"),
        (safety(days(13))?, "+ safety-young"),
        (safety(days(33))?, "- safety-old"),
    ];
    let unreadable = shelf.good(days(34))?;
    std::fs::write(shelf.folder(&unreadable).join("manifest.json"), "{}")?;
    expected.push((unreadable, "+ unreadable"));
    let robbed = shelf.good(days(35))?;
    std::fs::remove_file(shelf.folder(&robbed).join("manifest.json"))?;
    expected.push((robbed, "+ unreadable"));
    let begun = shelf.good(days(36))?;
    std::fs::remove_file(shelf.folder(&begun).join("manifest.json"))?;
    std::fs::write(shelf.folder(&begun).join("pruned.json"), "{}")?;
    expected.push((begun, "- removal-begun"));
    // a mark alone means nothing: the snapshot is whole
    let marked = shelf.good(days(14))?;
    std::fs::write(shelf.folder(&marked).join("pruned.json"), "{}")?;
    expected.push((marked, "+ within"));
    Ok((shelf, expected))
}

#[tokio::test]
async fn a_plan_tells_each_kind_apart_and_writes_nothing() -> Result<()> {
    let (shelf, expected) = motley().await?;
    let before = tree(shelf.root())?;
    for arguments in ["prune", "prune -n", "prune --dry-run --quiet", "prune --json", "prune --json -n"] {
        let ran = shelf.run(arguments).expect(0)?;
        ensure!(tree(shelf.root())? == before, "{arguments} wrote something");
        ensure!(ran.stderr.is_empty(), "{}", ran.stderr);
        if !arguments.contains("--json") {
            ensure!(ran.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ran.stdout);
            ensure!(ran.stdout.contains("would be removed; --apply does it"), "{}", ran.stdout);
            ensure!(ran.stdout.contains("warning [unreadable]"), "{}", ran.stdout);
            ensure!(ran.stdout.contains("keep  ") != arguments.contains("quiet"), "{}", ran.stdout);
        }
    }
    let report: Value = serde_json::from_str(&shelf.run("prune --json").expect(0)?.stdout)?;
    ensure!(report["applied"] == false && report["plan"]["projects"][0]["freeze"] == serde_json::json!([]), "{report}");
    for (id, told) in &expected {
        ensure!(verdict(&report, id) == *told, "{id}: {} instead of {told}", verdict(&report, id));
    }
    Ok(())
}

#[tokio::test]
async fn what_is_applied_is_what_was_shown_and_then_nothing_is_left_to_do() -> Result<()> {
    let (shelf, expected) = motley().await?;
    let shown: Value = serde_json::from_str(&shelf.run("prune --json").expect(0)?.stdout)?;
    let report: Value = serde_json::from_str(&shelf.run("prune --apply --json").expect(0)?.stdout)?;
    ensure!(report["applied"] == true && report["plan"]["projects"] == shown["plan"]["projects"]);
    for (id, told) in &expected {
        ensure!(shelf.folder(id).exists() == told.starts_with('+'), "{id}: {told}");
    }
    let removed: Vec<&str> =
        report["removed"].as_array().into_iter().flatten().filter_map(|r| r["id"].as_str()).collect();
    let mut oldest_first = removed.clone();
    oldest_first.sort_unstable();
    ensure!(removed == oldest_first && removed.len() == 6, "{removed:?}");
    let left = tree(shelf.root())?;
    let again = shelf.run("prune --apply").expect(0)?;
    ensure!(again.stdout.ends_with("removed 0 snapshots (0 B)\n") && tree(shelf.root())? == left, "{}", again.stdout);
    let shown = shelf.run("prune").expect(0)?;
    ensure!(shown.stdout.ends_with("nothing is to be removed\n"), "{}", shown.stdout);
    Ok(())
}

#[tokio::test]
async fn settings_come_from_flags_environment_and_file() -> Result<()> {
    let shelf = Shelf::new().await?;
    let all = shelf.daily(20)?;
    let goes = |run: crate::support::Run| -> Result<usize> {
        let report: Value = serde_json::from_str(&run.args(&["--json"]).expect(0)?.stdout)?;
        Ok(all.iter().filter(|id| verdict(&report, id).starts_with('-')).count())
    };
    ensure!(goes(shelf.run("prune"))? == 0);
    ensure!(goes(shelf.run("prune --retention development"))? == 13);
    ensure!(goes(shelf.run("prune").env("SUPABACKUP_RETENTION", "staging"))? == 6);
    ensure!(goes(shelf.run("prune --keep-within 2d").env("SUPABACKUP_RETENTION", "staging"))? == 17);
    ensure!(goes(shelf.run("prune").env("SUPABACKUP_KEEP_WITHIN", "2d").env("SUPABACKUP_KEEP_FLOOR", "1"))? == 18);
    ensure!(goes(shelf.run("prune --keep-within 2d --keep-daily 9"))? == 11);
    ensure!(goes(shelf.run("prune --keep-at-most 4"))? == 16);
    let settings = tempfile::tempdir()?;
    std::fs::write(settings.path().join("supabackup.toml"), "retention = 'production'\nkeep_at_most = 5\n")?;
    ensure!(goes(shelf.run("prune").inside(settings.path()))? == 15);
    let wrong = shelf.run("prune --retention prod --keep-within 30 --freeze-rows 0").expect(2)?;
    for told in
        ["--retention: \"prod\" is none of", "--keep-within: \"30\" is not a duration", "--freeze-rows: 0 is not"]
    {
        ensure!(wrong.stderr.contains(told), "{}", wrong.stderr);
    }
    Ok(())
}

#[tokio::test]
async fn a_project_that_looks_wrong_is_frozen_and_the_exit_code_says_so() -> Result<()> {
    let shelf = Shelf::new().await?;
    let all = shelf.daily(40)?;
    let lossy = shelf.add_changed(hours(0), Some(Depth::Opened), |m| m.totals.rows /= 10)?;
    let before = tree(shelf.root())?;
    for arguments in ["prune", "prune --apply"] {
        let ran = shelf.run(arguments).expect(4)?;
        ensure!(ran.stdout.contains("error [lost-rows]") && ran.stdout.contains("hint: "), "{}", ran.stdout);
        ensure!(ran.stdout.contains("41 snapshots stay (41 good), 0 go (0 B); FROZEN"), "{}", ran.stdout);
        ensure!(tree(shelf.root())? == before, "{arguments}");
    }
    // it was on purpose
    shelf.run("prune --apply --freeze-rows 100").expect(0)?;
    ensure!(!shelf.folder(&all[39]).exists() && shelf.folder(&lossy).exists());
    Ok(())
}

/// A later shallow look does not take away what an earlier deep one proved, and a failure does.
#[tokio::test]
async fn only_a_failure_takes_the_proof_away() -> Result<()> {
    let shelf = Shelf::new().await?;
    let newest = shelf.daily(5)?.remove(0);
    let folder = shelf.folder(&newest);
    let sha256 = supabackup::seal::sha256_hex(&std::fs::read(folder.join("manifest.json"))?);
    record(&folder, &sha256, "hashed", true, shelf.now + hours(1))?;
    record(&folder, &sha256, "listed", true, shelf.now + hours(2))?;
    shelf.run("prune").expect(0)?;
    record(&folder, &sha256, "hashed", false, shelf.now + hours(3))?;
    record(&folder, &sha256, "hashed", true, shelf.now + hours(4))?;
    let ran = shelf.run("prune").expect(4)?;
    ensure!(ran.stdout.contains("error [not-verified]"), "{}", ran.stdout);
    shelf.run("verify latest").expect(0)?;
    record(&folder, &sha256, "opened", true, shelf.now + hours(5))?;
    shelf.run("prune").expect(0)?;
    Ok(())
}
