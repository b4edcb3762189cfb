//! Parts that are missing, short, long, flipped, exchanged, forged.

use std::fs;

use anyhow::{Result, ensure};
use supabackup::model::{Artifact, Depth, Severity};

use super::{at_depth, expected, found, sample, stored};
use crate::sample::{ID, Sample};

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
        for place in (0..whole.bytes.len()).step_by(3) {
            let mut bytes = whole.bytes.to_vec();
            bytes[place] ^= 1 << (place % 8);
            let cut = (place % 4 == 0).then(|| whole.bytes[..place].to_vec());
            for bytes in [Some(bytes), cut].into_iter().flatten() {
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
        ensure!(silent * 60 < whole.bytes.len(), "{silent} changes of {key} went unseen");
        sample.forge_bytes(1, part, whole).await?;
    }
    Ok(())
}
