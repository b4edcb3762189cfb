//! What recompression leaves beside a snapshot, and takes along.

use bytes::Bytes;

use crate::error::Failure;
use crate::model::RecompressTrial;
use crate::snapshot::{RESTORED, SnapshotKeys, TRIAL};
use crate::store::{Key, Store, StoreError};

/// What an earlier trial told. One that cannot be understood told nothing.
pub async fn read_trial(store: &dyn Store, keys: &SnapshotKeys) -> Result<Option<RecompressTrial>, StoreError> {
    match store.get(&keys.at(TRIAL)?).await {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Leaves what a trial told.
pub async fn write_trial(store: &dyn Store, keys: &SnapshotKeys, trial: &RecompressTrial) -> Result<(), Failure> {
    let text = serde_json::to_vec(trial).map_err(|error| Failure::failed(format!("writing {TRIAL}: {error}")))?;
    Ok(store.put(&keys.at(TRIAL)?, Bytes::from(text)).await?)
}

/// Copies reports of restores from one snapshot to another one beside it.
pub async fn carry_restored(store: &dyn Store, old: &SnapshotKeys, new: &SnapshotKeys) -> Result<(), StoreError> {
    for entry in store.list(&format!("{}/{RESTORED}", old.folder())).await? {
        let (Ok(from), Some(inside)) = (Key::new(&entry.key), entry.key.strip_prefix(&format!("{}/", old.folder())))
        else {
            continue;
        };
        let bytes = store.get(&from).await?;
        store.put(&new.at(inside)?, bytes).await?;
    }
    Ok(())
}
