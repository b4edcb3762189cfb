//! Pins: a small file beside a snapshot that keeps it from being pruned.

use bytes::Bytes;

use crate::error::Failure;
use crate::model::Pin;
use crate::snapshot::{MANIFEST, PIN, PRUNED, SnapshotKeys};
use crate::store::{Store, StoreError};

/// The pin of a snapshot. One that cannot be understood pins as well.
pub(super) async fn read_pin(store: &dyn Store, keys: &SnapshotKeys) -> Result<Option<Pin>, StoreError> {
    match store.get(&keys.at(PIN)?).await {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| Pin {
            at: keys.id().started(),
            note: None,
            tool: "unknown".to_owned(),
        }))),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Pins a snapshot, or replaces its pin.
pub async fn pin(store: &dyn Store, keys: &SnapshotKeys, pin: &Pin) -> Result<(), Failure> {
    let failed = |why: &str| Failure::failed(format!("pinning snapshot {}: {why}", keys.id()));
    let has = async |name: &str| match store.get(&keys.at(name)?).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    let no_snapshot = || {
        failed("it has no manifest, so it is no snapshot").hint("`supabackup list` shows the snapshots that there are")
    };
    if !has(MANIFEST).await? {
        return Err(no_snapshot());
    }
    let text = serde_json::to_vec(pin).map_err(|e| failed(&e.to_string()))?;
    store.put(&keys.at(PIN)?, Bytes::from(text)).await?;
    // whoever removes a snapshot leaves a mark and then looks for a pin; this is the other order, so at
    // least one of the two sees the other
    if !has(MANIFEST).await? {
        store.delete(&keys.at(PIN)?).await?;
        return Err(failed("it was removed at this moment").hint("`supabackup list` shows the snapshots that are left"));
    }
    if has(PRUNED).await? {
        return Err(failed("its removal was begun; the pin is there, and may have come too late")
            .hint("if `supabackup list` still shows the snapshot as pinned after a while, it stays"));
    }
    Ok(())
}

/// Takes the pin away; false if there was none.
pub async fn unpin(store: &dyn Store, keys: &SnapshotKeys) -> Result<bool, Failure> {
    let was_pinned = read_pin(store, keys).await?.is_some();
    if was_pinned {
        store.delete(&keys.at(PIN)?).await?;
    }
    Ok(was_pinned)
}
