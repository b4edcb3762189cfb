//! Removing a snapshot so that whatever dies at whatever moment, it is whole or it is none:
//!
//! 1. `pruned.json` is written. From here on somebody means to remove it; it is still whole.
//! 2. If it was pinned meanwhile, the mark goes again, and the snapshot stays.
//! 3. The manifest goes. From here on it is no snapshot.
//! 4. Everything else goes, and last the mark.
//!
//! A removal that was cut off after 3 is told by the mark, and goes on with 4.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

use crate::model::TOOL;
use crate::snapshot::pin::read_pin;
use crate::snapshot::{MANIFEST, PRUNED, SnapshotKeys};
use crate::store::{Key, Store, StoreError};

/// Files that are removed at once.
const AT_ONCE: usize = 8;

/// What came of a removal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// Nothing of it is left.
    Gone,
    /// It was pinned at the last moment, and stays.
    Pinned,
    /// Somebody wrote to the folder since it was looked at: a run may be alive.
    InUse,
    /// It is no snapshot any more, but these files cannot be named in a store, and stay.
    Foreign(Vec<String>),
}

/// Removes a snapshot, or what an earlier removal left of one.
pub async fn remove_snapshot(store: &dyn Store, keys: &SnapshotKeys, at: DateTime<Utc>) -> Result<Removal, StoreError> {
    let mark = keys.at(PRUNED)?;
    let text = json!({ "at": at, "tool": TOOL });
    match store.put(&mark, Bytes::from(text.to_string())).await {
        // a store that is read and pruned where it cannot be written: what such a removal leaves when it is cut
        // off has no mark, and stays until a person looks. Who may not remove either is told so below
        Ok(()) | Err(StoreError::Denied { .. }) => {}
        Err(error) => return Err(error),
    }
    if read_pin(store, keys).await?.is_some() {
        store.delete(&mark).await?;
        return Ok(Removal::Pinned);
    }
    if let Err(error) = store.delete(&keys.at(MANIFEST)?).await {
        // the snapshot is whole, and its mark means nothing as long as the manifest is there; the
        // store's first refusal is the one to tell
        let _ = store.delete(&mark).await;
        return Err(error);
    }
    // a store that can does it in fewer steps, and the mark is the last to go there too
    if store.remove_folder(&keys.folder()).await? {
        return Ok(Removal::Gone);
    }
    // a second look: a verification may have left its record meanwhile
    for _ in 0..2 {
        empty(store, keys, Some(PRUNED)).await?;
    }
    // nobody is to write here any more, so what a write left that died is not waited for
    store.sweep(&keys.folder(), DateTime::<Utc>::MAX_UTC).await?;
    let foreign = left(store, keys).await?;
    if foreign.is_empty() {
        store.delete(&mark).await?;
        return Ok(Removal::Gone);
    }
    Ok(Removal::Foreign(foreign))
}

/// Removes what a run left that did not end, unless anything in it changed since `touched`.
pub async fn remove_unfinished(
    store: &dyn Store,
    keys: &SnapshotKeys,
    touched: Option<DateTime<Utc>>,
) -> Result<Removal, StoreError> {
    let entries = store.list(&keys.folder()).await?;
    let manifest = keys.at(MANIFEST)?;
    let is_alive = entries.iter().any(|e| e.key == manifest.as_str() || Some(e.modified) > touched);
    if is_alive {
        return Ok(Removal::InUse);
    }
    if read_pin(store, keys).await?.is_some() {
        return Ok(Removal::Pinned);
    }
    if store.remove_folder(&keys.folder()).await? {
        return Ok(Removal::Gone);
    }
    empty(store, keys, None).await?;
    let foreign = left(store, keys).await?;
    Ok(if foreign.is_empty() { Removal::Gone } else { Removal::Foreign(foreign) })
}

/// Removes every file of the folder but one.
async fn empty(store: &dyn Store, keys: &SnapshotKeys, but: Option<&str>) -> Result<(), StoreError> {
    let but = but.map(|name| keys.at(name)).transpose()?;
    let ours = store.list(&keys.folder()).await?.into_iter().filter_map(|entry| Key::new(entry.key).ok());
    let doomed: Vec<Key> = ours.filter(|key| Some(key) != but.as_ref()).collect();
    let deleted = stream::iter(doomed).map(async |key| store.delete(&key).await);
    deleted.buffer_unordered(AT_ONCE).try_collect().await
}

/// Files of the folder that are still there and that this program did not put there.
async fn left(store: &dyn Store, keys: &SnapshotKeys) -> Result<Vec<String>, StoreError> {
    let entries = store.list(&keys.folder()).await?;
    Ok(entries.into_iter().map(|entry| entry.key).filter(|key| Key::new(key).is_err()).collect())
}
