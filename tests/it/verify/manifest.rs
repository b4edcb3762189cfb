//! Manifests and checksum lists that were edited, lost, or come from elsewhere.

use std::fs;

use anyhow::{Result, ensure};
use supabackup::model::{Depth, Severity, SnapshotState, Stability};
use supabackup::seal::Identities;
use supabackup::snapshot::{Reader, SnapshotKeys, find, list_snapshots, verify};

use super::{at_depth, expected, found, sample};
use crate::sample::PROJECT;

#[tokio::test]
async fn a_manifest_that_was_edited_is_found_and_the_rest_is_still_verified() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let path = sample.path("manifest.json");
    let text = fs::read_to_string(&path)?;
    fs::write(
        &path,
        text.replacen("\"finished\": \"2026-11-23T03:15:42Z\"", "\"finished\": \"2026-11-23T03:15:43Z\"", 1),
    )?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("manifest-damaged", "manifest.json")]));

    fs::write(&path, text.replacen("\"rows\": 90", "\"rows\": 91", 1))?;
    let part = sample.part(0, 0)?.key.clone();
    fs::remove_file(sample.path(&part))?;
    let codes: Vec<_> = found(&sample, Depth::Opened).await?.into_iter().map(|(code, _)| code).collect();
    // rows of the SQL parts, of the JSON parts, of the whole; counted_after
    ensure!(codes == ["manifest-damaged", "ledger", "ledger", "ledger", "ledger", "part-missing"], "{codes:?}");

    for broken in ["", "{", "null", "{\"format\": 1}", &text[..text.len() / 2]] {
        fs::write(&path, broken)?;
        ensure!(found(&sample, Depth::Opened).await? == expected(&[("manifest-damaged", "manifest.json")]), "{broken}");
        let listed = list_snapshots(&sample.store, None).await?;
        ensure!(listed.len() == 1 && listed[0].state == SnapshotState::Unreadable && listed[0].problem.is_some());
        ensure!(Reader::open(&sample.store, sample.keys.clone(), &Identities::default()).await.is_err());
    }
    Ok(())
}

#[tokio::test]
async fn a_ledger_that_does_not_add_up_is_found_even_when_its_checksums_do() -> Result<()> {
    type Edit = fn(&mut supabackup::model::Manifest);
    let edits: &[(&str, Edit)] = &[
        ("manifest.json", |m| m.complete = false),
        ("manifest.json", |m| m.totals.rows += 1),
        ("manifest.json", |m| m.totals.tables = 0),
        ("manifest.json", |m| m.totals.parts -= 1),
        ("manifest.json", |m| m.totals.raw_bytes += 1),
        ("manifest.json", |m| m.totals.stored_bytes += 1),
        ("manifest.json", |m| m.consistency.unproven = 1),
        ("manifest.json", |m| m.finished = m.started - chrono::TimeDelta::seconds(1)),
        ("public.orders", |m| m.tables[0].counted_after = Some(89)),
        ("public.empty", |m| m.tables[2].name = m.tables[0].name.clone()),
    ];
    for (number, (subject, edit)) in edits.iter().enumerate() {
        let (_dir, mut sample) = sample().await?;
        edit(&mut sample.manifest);
        sample.seal_manifest().await?;
        let codes = found(&sample, Depth::Opened).await?;
        let subject = if *subject == "public.empty" { "public.orders" } else { subject };
        ensure!(codes == expected(&[("ledger", subject)]), "edit {number}: {codes:?}");
    }
    let (_dir, mut sample) = sample().await?;
    sample.manifest.tables[0].digest = "1".to_owned();
    sample.seal_manifest().await?;
    ensure!(
        found(&sample, Depth::Listed).await? == expected(&[("ledger", "public.orders"), ("ledger", "public.orders")])
    );
    Ok(())
}

#[tokio::test]
async fn a_manifest_of_a_newer_format_is_refused_with_advice() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    sample.manifest.format = supabackup::model::FORMAT_VERSION + 1;
    sample.seal_manifest().await?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("manifest-newer", "manifest.json")]));
    let Err(failure) = Reader::open(&sample.store, sample.keys.clone(), &Identities::default()).await else {
        anyhow::bail!("it opened")
    };
    ensure!(failure.hint.as_deref() == Some("use a newer supabackup to read it"), "{failure:?}");
    Ok(())
}

#[tokio::test]
async fn a_checksum_list_that_is_missing_damaged_or_for_other_files_is_found() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let path = sample.path("SHA256SUMS");
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replacen('a', "b", 1))?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("checksums-damaged", "SHA256SUMS")]));
    fs::write(&path, &text[1..])?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("checksums-damaged", "SHA256SUMS")]));
    fs::remove_file(&path)?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("checksums-missing", "SHA256SUMS")]));
    ensure!(Reader::open(&sample.store, sample.keys.clone(), &Identities::default()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_unfinished_folder_and_one_that_lost_its_manifest_are_told_apart() -> Result<()> {
    let (_dir, sample) = sample().await?;
    fs::remove_file(sample.path("manifest.json"))?;
    let state = async || anyhow::Ok(list_snapshots(&sample.store, Some(PROJECT)).await?[0].state);
    let lost = expected(&[("manifest-missing", "manifest.json")]);
    ensure!(found(&sample, Depth::Opened).await? == lost && state().await? == SnapshotState::Unreadable);
    // a run that was killed just before the manifest
    fs::write(sample.path("begun.json"), "{}")?;
    let unfinished = expected(&[("snapshot-unfinished", "manifest.json")]);
    ensure!(found(&sample, Depth::Opened).await? == unfinished && state().await? == SnapshotState::Unfinished);
    // records come after the manifest, so there was one
    fs::write(sample.path("pin.json"), "{}")?;
    ensure!(found(&sample, Depth::Opened).await? == lost);
    fs::remove_file(sample.path("pin.json"))?;
    fs::remove_file(sample.path("begun.json"))?;
    fs::remove_file(sample.path("SHA256SUMS"))?;
    ensure!(found(&sample, Depth::Opened).await? == unfinished && state().await? == SnapshotState::Unfinished);
    ensure!(find(&sample.store, None, None).await.is_err());
    let nowhere = SnapshotKeys::new(PROJECT, "20200101T000000Z-0000".parse().map_err(anyhow::Error::msg)?);
    ensure!(verify(&sample.store, &nowhere, Depth::Listed, &Identities::default()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_incomplete_snapshot_is_a_warning_and_a_moved_one_is_fine() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    let (from, to) = (sample.manifest.started, sample.manifest.finished);
    sample.manifest.tables[0].stability = Stability::Moved { from, to, passes: 5, reread: 12, superseded: 0 };
    sample.manifest.tables[0].counted_after = Some(99);
    sample.manifest.consistency = supabackup::model::Consistency { moment: None, stable: 2, moved: 1, unproven: 0 };
    sample.seal_manifest().await?;
    ensure!(found(&sample, Depth::Opened).await?.is_empty());
    sample.manifest.complete = false;
    sample.manifest.missing = vec![supabackup::model::Missing {
        subject: "table public.secret".to_owned(),
        reason: "permission denied".to_owned(),
        fix: Some("GRANT SELECT ON public.secret TO service_role".to_owned()),
    }];
    sample.seal_manifest().await?;
    let verified = at_depth(&sample, Depth::Opened).await?;
    ensure!(verified.intact() && !verified.complete);
    ensure!(verified.findings.len() == 1 && verified.findings[0].code == "snapshot-incomplete");
    ensure!(verified.findings[0].severity == Severity::Warning);
    Ok(())
}
