//! Every format that was ever released still opens.

use anyhow::{Result, ensure};
use supabackup::model::{Artifact, Depth, SnapshotState};
use supabackup::seal::Identities;
use supabackup::snapshot::{Reader, find, list_snapshots, verify};
use supabackup::store::DirStore;

#[tokio::test]
async fn a_snapshot_of_format_version_1_opens() -> Result<()> {
    let store = DirStore::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/v1"));
    let listed = list_snapshots(&store, None).await?;
    ensure!(listed.len() == 1 && listed[0].state == SnapshotState::Complete, "{listed:?}");
    let keys = find(&store, None, None).await?;
    let verified = verify(&store, &keys, Depth::Opened, &Identities::default()).await?;
    ensure!(verified.findings.is_empty(), "{:#?}", verified.findings);

    let reader = Reader::open(&store, keys, &Identities::default()).await?;
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
