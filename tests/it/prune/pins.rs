//! Pinned snapshots, and what other commands make of a pin.

use anyhow::{Result, ensure};
use serde_json::Value;
use supabackup::model::Depth;

use super::{Shelf, days, hours, tree};

#[tokio::test]
async fn a_pinned_snapshot_stays_until_it_is_unpinned() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    let (old, noted, damaged) = (shelf.good(days(90))?, shelf.good(days(80))?, shelf.incomplete(days(70))?);
    let doomed = shelf.good(days(60))?;
    let manifest = std::fs::read(shelf.folder(&old).join("manifest.json"))?;
    shelf.run(&format!("pin {old}")).expect(0)?;
    let ran = shelf.run(&format!("pin {noted} --note")).args(&["before the\nmigration"]).expect(0)?;
    ensure!(ran.stdout.is_empty() && ran.stderr.contains("is pinned: `prune` does not remove it"), "{}", ran.stderr);
    shelf.run(&format!("pin {damaged} -q --note x")).expect(0)?;

    // nothing else sees anything odd in it
    let verified = shelf.run(&format!("verify {old}")).expect(0)?;
    ensure!(!verified.stdout.contains("part-extra"), "{}", verified.stdout);
    ensure!(std::fs::read(shelf.folder(&old).join("manifest.json"))? == manifest);
    let listed = shelf.run("list").expect(0)?;
    ensure!(listed.stdout.contains(&format!("\n{noted}: pinned: before the\\nmigration\n")), "{}", listed.stdout);
    ensure!(listed.stdout.contains(&format!("\n{old}: pinned\n")), "{}", listed.stdout);
    let listed: Vec<Value> = serde_json::from_str(&shelf.run("list --json").expect(0)?.stdout)?;
    let pins: Vec<_> = listed.iter().filter(|s| !s["pin"].is_null()).map(|s| s["pin"]["note"].clone()).collect();
    ensure!(pins == [serde_json::json!("x"), serde_json::json!("before the\nmigration"), Value::Null], "{pins:?}");
    ensure!(
        shelf.run(&format!("list {noted}")).expect(0)?.stdout.contains("\npinned: before the\\nmigration, 0 s ago\n")
    );

    shelf.run("prune --apply").expect(0)?;
    for kept in [&old, &noted, &damaged] {
        ensure!(shelf.folder(kept).join("manifest.json").exists(), "{kept}");
    }
    ensure!(!shelf.folder(&doomed).exists());

    for said in ["is not pinned any more", "was not pinned"] {
        let ran = shelf.run(&format!("unpin {old}")).expect(0)?;
        ensure!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    shelf.run("prune --apply").expect(0)?;
    ensure!(!shelf.folder(&old).exists() && shelf.folder(&noted).exists());
    Ok(())
}

#[tokio::test]
async fn only_a_snapshot_can_be_pinned() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(2)?;
    let dead = shelf.dead(days(9), days(9))?;
    let before = tree(shelf.root())?;
    let ran = shelf.run(&format!("pin {dead}")).expect(1)?;
    ensure!(ran.stderr.contains("it has no manifest, so it is no snapshot"), "{}", ran.stderr);
    shelf.run("pin 20200101T000000Z-0000").expect(1)?;
    let long = "x".repeat(501);
    let ran = shelf.run(&format!("pin latest --note {long}")).expect(2)?;
    ensure!(ran.stderr.contains("501 characters are too many") && !ran.stderr.contains(&long), "{}", ran.stderr);
    shelf.run("unpin latest").expect(0)?;
    ensure!(tree(shelf.root())? == before);
    Ok(())
}

/// Whatever is wrong with the pin itself, it pins.
#[tokio::test]
async fn a_pin_that_cannot_be_read_pins_too() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.daily(5)?;
    let old = shelf.add(days(90), Some(Depth::Opened))?;
    std::fs::write(shelf.folder(&old).join("pin.json"), "{")?;
    let dead = shelf.dead(days(50), hours(24 * 40))?;
    std::fs::write(shelf.folder(&dead).join("pin.json"), "")?;
    shelf.run("prune --apply").expect(0)?;
    ensure!(shelf.folder(&old).join("manifest.json").exists() && shelf.folder(&dead).exists());
    Ok(())
}
