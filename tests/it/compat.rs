//! Every format that was ever released still opens.

use anyhow::{Result, ensure};
use supabackup::model::{Artifact, Depth, SnapshotState};
use supabackup::seal::Identities;
use supabackup::snapshot::{Reader, SnapshotKeys, find, list_snapshots, verify};
use supabackup::store::DirStore;

#[tokio::test]
async fn a_snapshot_of_format_version_1_opens() -> Result<()> {
    opens_without_a_key("v1").await
}

/// In gzip.
#[tokio::test]
async fn a_snapshot_of_format_version_3_opens() -> Result<()> {
    opens_without_a_key("v3").await
}

async fn opens_without_a_key(version: &str) -> Result<()> {
    let store = DirStore::new(format!("{}/tests/fixtures/{version}", env!("CARGO_MANIFEST_DIR")));
    let listed = list_snapshots(&store, None).await?;
    ensure!(listed.len() == 1 && listed[0].state == SnapshotState::Complete, "{listed:?}");
    let keys = find(&store, None, None).await?;
    let verified = verify(&store, &keys, Depth::Opened, &Identities::default()).await?;
    ensure!(verified.findings.is_empty(), "{:#?}", verified.findings);

    let reader = Reader::open(&store, keys, &Identities::default()).await?;
    let manifest = reader.manifest();
    ensure!(format!("v{}", manifest.format) == version && manifest.totals.rows > 0, "{:?}", manifest.totals);
    for table in &reader.manifest().tables {
        let mut counts = Vec::new();
        for artifact in [Artifact::Sql, Artifact::Json] {
            let (send, receive) = std::sync::mpsc::channel();
            let each = move |fields: &supabackup::format::Fields| {
                let _ = send.send(fields.len());
                Ok(())
            };
            drop(reader.for_each_row(table, artifact, each).await?);
            counts.push(receive.iter().filter(|&fields| fields == table.columns.len()).count() as u64);
        }
        ensure!(counts == [table.rows, table.rows], "{}: {counts:?}", table.name);
    }
    Ok(())
}

/// Sealed: one snapshot to a key and by a passphrase, one that hides the names of its tables.
#[tokio::test]
async fn snapshots_of_format_version_2_open() -> Result<()> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let store = DirStore::new(format!("{fixtures}/v2"));
    let mut key = Identities::default();
    key.add_text(&std::fs::read_to_string(format!("{fixtures}/v2-key.txt"))?).map_err(anyhow::Error::msg)?;
    let mut passphrase = Identities::default();
    passphrase.set_passphrase("the fixture opens for ever".to_owned().into());
    let listed = list_snapshots(&store, None).await?;
    ensure!(listed.len() == 2 && listed.iter().all(|s| s.state == SnapshotState::Complete), "{listed:?}");
    for (summary, hides) in listed.iter().zip([true, false]) {
        let keys = SnapshotKeys::new(&summary.project, summary.id.clone());
        ensure!(summary.tables == 2 && summary.rows == 90, "{summary:?}");
        for (identities, opens) in [(&key, true), (&passphrase, !hides)] {
            let verified = verify(&store, &keys, Depth::Opened, identities).await?;
            ensure!(verified.findings.is_empty() == opens, "{:#?}", verified.findings);
            ensure!(verified.depth == if opens { Depth::Opened } else { Depth::Hashed });
            let reader = Reader::open(&store, keys.clone(), identities).await;
            ensure!(reader.is_ok() == opens);
            let Ok(reader) = reader else { continue };
            let table = reader.manifest().tables.iter().find(|t| t.name.name == "orders");
            let table = table.ok_or_else(|| anyhow::anyhow!("no table"))?;
            let (send, receive) = std::sync::mpsc::channel();
            let each = move |fields: &supabackup::format::Fields| {
                let _ = send.send(fields.len());
                Ok(())
            };
            drop(reader.for_each_row(table, Artifact::Json, each).await?);
            ensure!(receive.iter().filter(|&fields| fields == 3).count() == 90);
        }
        ensure!(Reader::open(&store, keys, &Identities::default()).await.is_err());
    }
    Ok(())
}
