//! A snapshot damaged in every way: exactly the expected findings, and never a panic.

use std::fs;

use anyhow::{Context, Result, ensure};
use supabackup::model::{Artifact, Depth, Severity, SnapshotState, Stability, Verified};
use supabackup::snapshot::{Reader, SnapshotKeys, find, list_snapshots, record, verify};
use supabackup::store::{Store, StoreError};

use crate::sample::{ID, PROJECT, Sample};

type Found = Vec<(String, String)>;

async fn at_depth(sample: &Sample, depth: Depth) -> Result<Verified> {
    let verified = verify(&sample.store, &sample.keys, depth).await?;
    for finding in &verified.findings {
        ensure!(finding.hint.is_some(), "no advice: {finding:?}");
    }
    Ok(verified)
}

async fn found(sample: &Sample, depth: Depth) -> Result<Found> {
    let verified = at_depth(sample, depth).await?;
    Ok(verified.findings.into_iter().map(|f| (f.code, f.subject)).collect())
}

fn expected(findings: &[(&str, &str)]) -> Found {
    findings.iter().map(|(code, subject)| ((*code).to_owned(), (*subject).to_owned())).collect()
}

async fn sample() -> Result<(tempfile::TempDir, Sample)> {
    let dir = tempfile::tempdir()?;
    let sample = Sample::write(dir.path()).await?;
    Ok((dir, sample))
}

fn stored(sample: &Sample) -> Vec<String> {
    sample.manifest.stored().map(|(key, _, _)| key.to_owned()).collect()
}

#[tokio::test]
async fn a_whole_snapshot_has_no_findings_at_any_depth() -> Result<()> {
    let (_dir, sample) = sample().await?;
    for depth in Depth::ALL {
        let verified = at_depth(&sample, depth).await?;
        ensure!(verified.findings.is_empty(), "{:#?}", verified.findings);
        ensure!(verified.complete && verified.tables == 3 && verified.rows == 97 && verified.files == 9);
        let bytes = sample.manifest.stored().map(|(_, size, _)| size).sum::<u64>();
        ensure!(verified.bytes_read == if depth == Depth::Listed { 0 } else { bytes });
    }
    Ok(())
}

#[tokio::test]
async fn snapshots_of_one_artifact_are_whole_too() -> Result<()> {
    for artifact in [Artifact::Sql, Artifact::Json] {
        let dir = tempfile::tempdir()?;
        let id = ID.parse().map_err(anyhow::Error::msg)?;
        let sample = Sample::write_as(dir.path(), id, &[artifact]).await?;
        ensure!(found(&sample, Depth::Opened).await?.is_empty());
        let part = sample.part(0, 1)?.key.clone();
        fs::remove_file(sample.path(&part))?;
        ensure!(found(&sample, Depth::Opened).await? == expected(&[("part-missing", &part)]));
    }
    Ok(())
}

#[tokio::test]
async fn each_stored_file_that_is_missing_short_or_long_is_found_by_listing() -> Result<()> {
    let (_dir, sample) = sample().await?;
    for key in stored(&sample) {
        let path = sample.path(&key);
        let bytes = fs::read(&path)?;
        for depth in Depth::ALL {
            fs::remove_file(&path)?;
            ensure!(found(&sample, depth).await? == expected(&[("part-missing", &key)]), "{key} {depth}");
            fs::write(&path, &bytes[..bytes.len() - 1])?;
            ensure!(found(&sample, depth).await? == expected(&[("part-size", &key)]), "{key} {depth}");
            fs::write(&path, [bytes.as_slice(), b"\0"].concat())?;
            ensure!(found(&sample, depth).await? == expected(&[("part-size", &key)]), "{key} {depth}");
            fs::write(&path, "")?;
            ensure!(found(&sample, depth).await? == expected(&[("part-size", &key)]), "{key} {depth}");
            fs::write(&path, &bytes)?;
        }
    }
    ensure!(found(&sample, Depth::Opened).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn each_flipped_bit_is_found_by_hashing_and_not_by_listing() -> Result<()> {
    let (_dir, sample) = sample().await?;
    for key in stored(&sample) {
        let path = sample.path(&key);
        let bytes = fs::read(&path)?;
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 0x10;
            fs::write(&path, &flipped)?;
            ensure!(found(&sample, Depth::Listed).await?.is_empty(), "{key}");
            for depth in [Depth::Hashed, Depth::Opened] {
                ensure!(found(&sample, depth).await? == expected(&[("hash-differs", &key)]), "{key} {depth}");
            }
        }
        fs::write(&path, &bytes)?;
    }
    Ok(())
}

#[tokio::test]
async fn several_damages_are_all_found_and_the_advice_names_the_intact_twin() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let keys = stored(&sample);
    let (sql1, json1, sql2, json2) = (&keys[0], &keys[1], &keys[2], &keys[3]);
    fs::remove_file(sample.path(sql1))?;
    fs::write(sample.path(sql2), "short")?;
    let mut bytes = fs::read(sample.path(json2))?;
    bytes[30] ^= 1;
    fs::write(sample.path(json2), bytes)?;
    let verified = at_depth(&sample, Depth::Opened).await?;
    let hints: Vec<_> =
        verified.findings.iter().map(|f| (f.code.as_str(), f.hint.clone().unwrap_or_default())).collect();
    ensure!(hints.len() == 3, "{hints:?}");
    ensure!(
        hints[0]
            == (
                "part-missing",
                format!("the same rows are in {json1}, which is intact; restore public.orders from there")
            )
    );
    ensure!(hints[1].0 == "part-size" && hints[1].1.starts_with("restore public.orders from another snapshot"));
    ensure!(hints[2].0 == "hash-differs" && hints[2].1.starts_with("restore public.orders from another snapshot"));
    Ok(())
}

#[tokio::test]
async fn parts_that_changed_places_are_found() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let (a, b) = (sample.part(0, 0)?.key.clone(), sample.part(0, 2)?.key.clone());
    let swap = sample.path("swap");
    fs::rename(sample.path(&a), &swap)?;
    fs::rename(sample.path(&b), sample.path(&a))?;
    fs::rename(&swap, sample.path(&b))?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("part-size", &a), ("part-size", &b)]));
    Ok(())
}

#[tokio::test]
async fn what_does_not_belong_to_the_snapshot_is_found() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    fs::write(sample.path("sql/100-public.orders-00009.sql.zst"), "x")?;
    fs::write(sample.path("notes (mine).txt"), "x")?;
    fs::write(sample.path("sql/.tmp-0011223344556677"), "what a killed put left")?;
    let verified = at_depth(&sample, Depth::Listed).await?;
    let seen: Vec<_> = verified.findings.iter().map(|f| (f.severity, f.code.as_str(), f.subject.as_str())).collect();
    let expected = [
        (Severity::Warning, "part-extra", "notes (mine).txt"),
        (Severity::Error, "part-extra", "sql/100-public.orders-00009.sql.zst"),
    ];
    ensure!(seen == expected, "{seen:?}");
    // A part that is there, and that neither manifest nor checksums know any more: its rows are missed.
    fs::remove_file(sample.path("sql/100-public.orders-00009.sql.zst"))?;
    fs::remove_file(sample.path("notes (mine).txt"))?;
    let gone = sample.manifest.tables[0].parts.remove(2).key;
    sample.seal_manifest().await?;
    let codes: Vec<_> = found(&sample, Depth::Listed).await?;
    ensure!(codes.contains(&("part-extra".to_owned(), gone)), "{codes:?}");
    ensure!(
        codes.iter().filter(|(code, subject)| code == "ledger" && subject == "public.orders").count() == 3,
        "{codes:?}"
    );
    Ok(())
}

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
        ensure!(Reader::open(&sample.store, sample.keys.clone()).await.is_err());
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
async fn rows_that_were_changed_behind_every_checksum_are_found_by_opening() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    let (sql, json) = (sample.part(0, 0)?.key.clone(), sample.part(0, 1)?.key.clone());
    let whole = sample.tables[0].parts[0].clone();

    let mut changed = whole.clone();
    changed[16][4] = Some("somebody else's".to_owned());
    sample.forge(0, 0, &changed).await?;
    ensure!(found(&sample, Depth::Hashed).await?.is_empty(), "the forgery is consistent");
    let verified = at_depth(&sample, Depth::Opened).await?;
    ensure!(
        found(&sample, Depth::Opened).await? == expected(&[("digest-differs", &sql), ("artifacts-disagree", &json)])
    );
    let message = &verified.findings[1].message;
    ensure!(
        *message == format!("row 17 differs from row 17 of {sql} in column \"note\"; 1 rows differ in all"),
        "{message}"
    );

    sample.forge(0, 0, &whole[1..]).await?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("rows-differ", &sql), ("artifacts-disagree", &json)]));

    sample.forge(0, 0, &whole[..49]).await?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("rows-differ", &sql)]));

    sample.forge(0, 0, &whole).await?;
    let mut swapped = whole.clone();
    swapped.swap(3, 4);
    sample.forge(0, 1, &swapped).await?;
    ensure!(
        found(&sample, Depth::Opened).await? == expected(&[("artifacts-disagree", &json)]),
        "only the order differs"
    );

    let null_and_empty = |row: &mut crate::sample::Row| row[4] = row[4].take().filter(|text| !text.is_empty());
    let mut nulled = whole.clone();
    nulled.iter_mut().for_each(null_and_empty);
    sample.forge(0, 1, &nulled).await?;
    ensure!(
        found(&sample, Depth::Opened).await? == expected(&[("digest-differs", &json), ("artifacts-disagree", &json)])
    );

    sample.forge(0, 1, &whole).await?;
    ensure!(found(&sample, Depth::Opened).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_part_that_lies_about_its_length_or_holds_another_table_does_not_open() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    let json = sample.part(1, 1)?.key.clone();
    for change in [-1_i64, 1] {
        let part = &mut sample.manifest.tables[1].parts[1];
        part.raw_size = part.raw_size.saturating_add_signed(change);
        sample.total();
        sample.seal_manifest().await?;
        ensure!(found(&sample, Depth::Opened).await? == expected(&[("does-not-open", &json)]), "{change}");
        let part = &mut sample.manifest.tables[1].parts[1];
        part.raw_size = part.raw_size.saturating_add_signed(-change);
    }
    let other = crate::sample::seal(&sample.tables[0], &sample.tables[0].parts[1], Artifact::Sql)?;
    sample.forge_bytes(1, 0, other).await?;
    let sql = sample.part(1, 0)?.key.clone();
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("does-not-open", &sql)]));
    Ok(())
}

#[tokio::test]
async fn no_flipped_or_lost_byte_of_a_part_makes_the_opener_panic_or_lose_a_row() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    for part in [0, 1] {
        let whole = crate::sample::seal(&sample.tables[1], &sample.tables[1].parts[0], sample.part(1, part)?.artifact)?;
        let (key, mut silent) = (sample.part(1, part)?.key.clone(), 0);
        for place in 0..whole.bytes.len() {
            let mut bytes = whole.bytes.to_vec();
            bytes[place] ^= 1 << (place % 8);
            for bytes in [bytes, whole.bytes[..place].to_vec()] {
                let sha256 = supabackup::seal::sha256_hex(&bytes);
                let forged = supabackup::seal::Sealed { bytes: bytes.into(), sha256, raw_size: whole.raw_size };
                sample.forge_bytes(1, part, forged).await?;
                let findings = found(&sample, Depth::Opened).await?;
                // A few bits mean nothing for the content (of the header; a match that is found elsewhere too):
                // then the frame's checksum and the digest prove that every row is what it was.
                silent += usize::from(findings.is_empty());
                ensure!(
                    findings.is_empty() || findings == expected(&[("does-not-open", &key)]),
                    "{place}: {findings:?}"
                );
            }
        }
        ensure!(silent * 20 < whole.bytes.len(), "{silent} changes of {key} went unseen");
        sample.forge_bytes(1, part, whole).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_manifest_of_a_newer_format_is_refused_with_advice() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    sample.manifest.format += 1;
    sample.seal_manifest().await?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("manifest-newer", "manifest.json")]));
    let Err(failure) = Reader::open(&sample.store, sample.keys.clone()).await else { anyhow::bail!("it opened") };
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
    ensure!(Reader::open(&sample.store, sample.keys.clone()).await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_unfinished_folder_and_one_that_lost_its_manifest_are_told_apart() -> Result<()> {
    let (_dir, sample) = sample().await?;
    fs::remove_file(sample.path("manifest.json"))?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("manifest-missing", "manifest.json")]));
    fs::remove_file(sample.path("SHA256SUMS"))?;
    ensure!(found(&sample, Depth::Opened).await? == expected(&[("snapshot-unfinished", "manifest.json")]));
    let listed = list_snapshots(&sample.store, Some(PROJECT)).await?;
    ensure!(listed.len() == 1 && listed[0].state == SnapshotState::Unfinished);
    ensure!(find(&sample.store, None, None).await.is_err());
    let nowhere = SnapshotKeys::new(PROJECT, "20200101T000000Z-0000".parse().map_err(anyhow::Error::msg)?);
    ensure!(verify(&sample.store, &nowhere, Depth::Listed).await.is_err());
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

#[tokio::test]
async fn a_verification_is_recorded_and_counts_only_for_the_manifest_it_saw() -> Result<()> {
    let (_dir, mut sample) = sample().await?;
    for (depth, second) in [(Depth::Opened, 1), (Depth::Hashed, 2), (Depth::Hashed, 2)] {
        let mut verified = at_depth(&sample, depth).await?;
        record(&sample.store, &mut verified, sample.manifest.finished + chrono::TimeDelta::seconds(second)).await;
        ensure!(verified.findings.is_empty(), "{:?}", verified.findings);
    }
    ensure!(sample.path("verified/20261123T031543Z-opened.json").exists());
    let listed = list_snapshots(&sample.store, None).await?;
    let last = listed[0].verified.clone().context("no record")?;
    ensure!(last.depth == "hashed" && last.ok && last.errors == 0);
    ensure!(found(&sample, Depth::Opened).await?.is_empty(), "records are nothing extra");
    sample.manifest.tool.push('x');
    sample.seal_manifest().await?;
    ensure!(list_snapshots(&sample.store, None).await?[0].verified.is_none());
    Ok(())
}

/// Refuses every write, as a store mounted read-only does.
#[derive(Debug)]
struct ReadOnly(supabackup::store::DirStore);

#[async_trait::async_trait]
impl Store for ReadOnly {
    async fn put(&self, key: &supabackup::store::Key, _: bytes::Bytes) -> Result<(), StoreError> {
        Err(StoreError::Denied { doing: format!("writing {key}"), reason: "read-only".to_owned() })
    }
    async fn create(&self, key: &supabackup::store::Key, bytes: bytes::Bytes) -> Result<(), StoreError> {
        self.put(key, bytes).await
    }
    async fn get(&self, key: &supabackup::store::Key) -> Result<bytes::Bytes, StoreError> {
        self.0.get(key).await
    }
    async fn list(&self, folder: &str) -> Result<Vec<supabackup::store::Entry>, StoreError> {
        self.0.list(folder).await
    }
    async fn folders(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        self.0.folders(folder).await
    }
    async fn delete(&self, key: &supabackup::store::Key) -> Result<(), StoreError> {
        self.put(key, bytes::Bytes::new()).await
    }
    fn describe(&self) -> String {
        self.0.describe()
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_written_can_still_be_verified() -> Result<()> {
    let (_dir, sample) = sample().await?;
    let store = ReadOnly(sample.store.clone());
    let mut verified = verify(&store, &sample.keys, Depth::Opened).await?;
    record(&store, &mut verified, sample.manifest.finished).await;
    ensure!(verified.intact() && verified.findings.len() == 1 && verified.findings[0].code == "not-recorded");
    Ok(())
}

#[tokio::test]
async fn snapshots_are_found_by_name_and_by_age_over_several_projects() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let id = |text: &str| text.parse().map_err(anyhow::Error::msg);
    for text in ["20261123T031500Z-7f3a", "20261124T031500Z-0001"] {
        Sample::write_as(dir.path(), id(text)?, &[Artifact::Sql]).await?;
    }
    fs::create_dir_all(dir.path().join(PROJECT).join("20261125T031500Z-dead/sql"))?;
    fs::write(dir.path().join(PROJECT).join("20261125T031500Z-dead/sql/x"), "left by a killed run")?;
    fs::create_dir_all(dir.path().join("lost+found/x"))?;
    fs::write(dir.path().join("lost+found/x/y"), "")?;
    let store = supabackup::store::DirStore::new(dir.path());
    let latest = find(&store, None, None).await?;
    ensure!(latest.id().as_str() == "20261124T031500Z-0001");
    ensure!(find(&store, None, Some(&id("20261123T031500Z-7f3a")?)).await?.project() == PROJECT);
    ensure!(find(&store, None, Some(&id("20200101T000000Z-0000")?)).await.is_err());
    let states: Vec<_> = list_snapshots(&store, None).await?.into_iter().map(|s| s.state).collect();
    ensure!(states == [SnapshotState::Unfinished, SnapshotState::Complete, SnapshotState::Complete], "{states:?}");

    let copy = |from: &str, to: &str| -> Result<()> {
        fs::create_dir_all(dir.path().join(to))?;
        for file in ["manifest.json", "SHA256SUMS"] {
            fs::copy(dir.path().join(from).join(file), dir.path().join(to).join(file))?;
        }
        Ok(())
    };
    copy(&format!("{PROJECT}/20261123T031500Z-7f3a"), "zzz/20261123T031500Z-7f3a")?;
    let Err(several) = find(&store, None, None).await else { anyhow::bail!("latest of which project?") };
    ensure!(several.message.ends_with(&format!("holds several projects: {PROJECT}, zzz")), "{several}");
    ensure!(find(&store, Some("zzz"), None).await?.project() == "zzz");
    let Err(unknown) = find(&store, Some("../x"), None).await else { anyhow::bail!("found ../x") };
    ensure!(unknown.hint == Some(format!("it holds: {PROJECT}, zzz; name one with --project")), "{unknown:?}");

    copy(&format!("{PROJECT}/20261123T031500Z-7f3a"), "zzz/20261123T031500Z-0000")?;
    let moved = find(&store, Some("zzz"), Some(&id("20261123T031500Z-0000")?)).await?;
    let verified = verify(&store, &moved, Depth::Listed).await?;
    ensure!(verified.findings[0].code == "wrong-folder");
    Ok(())
}
