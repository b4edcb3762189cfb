//! The end of a snapshot: RECOVERY.md and the reports, then the checksums of everything, then the
//! manifest.

use std::sync::atomic::Ordering;

use super::shared::Shared;
use super::{TableError, store_failure};
use crate::commands::books::BOOKS;
use crate::error::Failure;
use crate::model::Manifest;
use crate::snapshot::{Closing, MANIFEST, lost, mark, unmark};
use crate::store::StoreError;

/// Stores everything that is no part and no script.
pub(super) async fn close(shared: &Shared, manifest: &mut Manifest) -> anyhow::Result<()> {
    let closing = Closing {
        store: shared.store.as_ref(),
        keys: &shared.keys,
        sealing: shared.rules.sealing.as_ref(),
        compression: shared.rules.compression,
        books: BOOKS,
    };
    let public = closing.store_books(manifest).await.map_err(failure)?;
    all_there(shared, &public).await?;
    // a run that dies between the two is not taken for a snapshot that lost its manifest
    mark(shared.store.as_ref(), &shared.keys).await.map_err(store_failure)?;
    let bytes = closing.store_checksums(&public).await.map_err(failure)?;
    let key = shared.keys.at(MANIFEST).map_err(store_failure)?;
    if let Some(leases) = &shared.leases {
        leases.check().await?;
    }
    shared.committing.store(true, Ordering::SeqCst);
    shared.store.create(&key, bytes).await.map_err(store_failure)?;
    for (_, store) in shared.stores.standing() {
        // the snapshot is whole, and beside its manifest the mark means nothing
        let _ = unmark(store.as_ref(), &shared.keys).await;
    }
    Ok(())
}

fn failure(error: crate::snapshot::writer::WriteError) -> anyhow::Error {
    TableError::from(error).into_inner()
}

/// Somebody may have tidied up meanwhile: a folder without a manifest looks like a leftover. A store
/// that does not have everything gets no manifest.
async fn all_there(shared: &Shared, manifest: &Manifest) -> anyhow::Result<()> {
    let folder = shared.keys.folder();
    let several = shared.stores.outcomes().len() > 1;
    for (place, store) in shared.stores.standing() {
        let lost = match store.list(&folder).await {
            Ok(entries) => lost(&folder, &entries, manifest),
            Err(error) => {
                shared.stores.give_up(place, error).map_err(store_failure)?;
                continue;
            }
        };
        let Some(key) = lost else { continue };
        if several {
            let doing = format!("storing the snapshot in {}", store.describe());
            let error = StoreError::Other { doing, reason: disappeared(key) };
            shared.stores.give_up(place, error).map_err(store_failure)?;
            continue;
        }
        return Err(Failure::failed(format!("storing the snapshot: {}", disappeared(key)))
            .hint("keep other jobs out of the store's folder while a backup runs")
            .into());
    }
    Ok(())
}

fn disappeared(key: &str) -> String {
    format!("{key} disappeared or changed while the run went on")
}
