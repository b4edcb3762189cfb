//! What a run leaves that failed, or that failed in one store: nothing, as far as that can be done.

use crate::snapshot::SnapshotKeys;
use crate::store::{Key, Several, Store, StoreError};

/// Removes what a failed run wrote. Without a manifest it is no snapshot, but it takes up room.
pub(super) async fn clean_up(stores: &Several, keys: &SnapshotKeys, mut error: anyhow::Error) -> anyhow::Error {
    for store in stores.all() {
        if let Err(left) = remove_all(store.as_ref(), keys).await {
            error = error.context(leftovers(store.as_ref(), keys, &left));
        }
    }
    error
}

/// Removes what is in stores that were given up, where they can be reached; what is left is told.
pub(super) async fn leave_failed(stores: &Several, keys: &SnapshotKeys) -> Vec<String> {
    let mut left = Vec::new();
    for (store, failed) in stores.failed() {
        let removed = match failed {
            // who did not answer before would only make everybody wait
            StoreError::Unreachable { .. } | StoreError::Credentials { .. } => Ok(()),
            _ => remove_all(store.as_ref(), keys).await,
        };
        left.extend(removed.err().map(|error| leftovers(store.as_ref(), keys, &error)));
    }
    left
}

async fn remove_all(store: &dyn Store, keys: &SnapshotKeys) -> Result<(), StoreError> {
    // a write that was under way when the run ended, or when this store was given up, still comes in
    store.settled().await;
    for entry in store.list(&keys.folder()).await? {
        store.delete(&Key::new(entry.key)?).await?;
    }
    Ok(())
}

fn leftovers(store: &dyn Store, keys: &SnapshotKeys, why: &StoreError) -> String {
    let (folder, store) = (keys.folder(), store.describe());
    format!("{why}; parts of the unfinished snapshot {folder} are left in {store} (they do not count as a backup)")
}
