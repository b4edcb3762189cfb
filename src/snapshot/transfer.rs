//! A snapshot, byte by byte, from one store into another. Every file is held against the manifest on its way, and
//! the manifest is created last: a copy that was cut off is no snapshot, and the next one goes on from there.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::{self, TryStreamExt};

use crate::error::Failure;
use crate::model::{Manifest, SnapshotId, TOOL, Verification};
use crate::seal::sha256_hex;
use crate::snapshot::layout::{is_later, parse_checksums};
use crate::snapshot::pin::read_pin;
use crate::snapshot::room::Room;
use crate::snapshot::{BEGUN, CHECKSUMS, MANIFEST, PIN, PRUNED, SnapshotKeys, VERIFIED, lost, remove_snapshot};
use crate::store::{Entry, Key, Store, StoreError};

/// Files on their way at once.
const AT_ONCE: usize = 6;

/// Why a snapshot could not be copied.
#[derive(Debug, Clone)]
pub enum CopyError {
    /// What is to be copied is not what its manifest says. Nothing that looks like a snapshot was made.
    Damaged(Failure),
    /// There is another one under this name.
    Different(Failure),
    /// The store that it is read from failed.
    Source(StoreError),
    /// The store that it is written to failed.
    Target(StoreError),
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Damaged(failure) | CopyError::Different(failure) => failure,
            CopyError::Source(error) | CopyError::Target(error) => error.into(),
        }
    }
}

/// What a copy came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// It is there now: how many files were sent, how many were there from an earlier attempt, and how many bytes were
    /// sent.
    Now {
        /// Files that were sent.
        sent: u64,
        /// Files that were there already, whole.
        kept: u64,
        /// Bytes that were sent.
        bytes: u64,
    },
    /// It was there already. The id is another one where it stands there recompressed, or as it was before.
    There(SnapshotId),
}

/// The two files that a snapshot hangs on, as they are stored.
struct Original {
    manifest: Manifest,
    bytes: Bytes,
    sums: Bytes,
}

/// Copies the snapshot at `keys`, with its records of verifications and its pin. Whether it may be copied is the caller's
/// to judge. It may be dropped at any moment.
pub async fn copy_snapshot(from: &dyn Store, to: &dyn Store, keys: &SnapshotKeys) -> Result<Copied, CopyError> {
    let original = Original::read(from, keys).await?;
    // a second look only if somebody else created the manifest in between
    for _ in 0..2 {
        if let Some(id) = there_already(to, keys, &original.manifest, Some(&original.bytes)).await? {
            if id == *keys.id() {
                companions(from, to, keys, &sha256_hex(&original.bytes)).await?;
            }
            return Ok(Copied::There(id));
        }
        let sent = original.send(from, to, keys).await?;
        match to.create(&at(keys, MANIFEST)?, original.bytes.clone()).await {
            Ok(()) => {
                companions(from, to, keys, &sha256_hex(&original.bytes)).await?;
                return Ok(sent);
            }
            Err(StoreError::AlreadyExists { .. }) => {}
            Err(error) => return Err(CopyError::Target(error)),
        }
    }
    let doing = format!("copying snapshot {}", keys.id());
    Err(CopyError::Target(StoreError::Other { doing, reason: "its manifest comes and goes there".to_owned() }))
}

fn at(keys: &SnapshotKeys, inside: &str) -> Result<Key, CopyError> {
    keys.at(inside).map_err(CopyError::Source)
}

impl Original {
    /// Reads both, and holds them against each other.
    async fn read(from: &dyn Store, keys: &SnapshotKeys) -> Result<Self, CopyError> {
        let damaged = |why: String| {
            let id = keys.id();
            let hint = format!("`supabackup verify {id}` says what is damaged");
            CopyError::Damaged(Failure::failed(format!("copying snapshot {id}: {why}")).hint(hint))
        };
        let read = async |name: &str| match from.get(&at(keys, name)?).await {
            Ok(bytes) => Ok(bytes),
            Err(StoreError::NotFound { .. }) => Err(damaged(format!("it has no {name}"))),
            Err(error) => Err(CopyError::Source(error)),
        };
        let (bytes, sums) = (read(MANIFEST).await?, read(CHECKSUMS).await?);
        let manifest = Manifest::parse(&bytes).map_err(|error| damaged(error.to_string()))?;
        if manifest.snapshot != *keys.id() {
            return Err(damaged(format!("the manifest in its folder is that of {}", manifest.snapshot)));
        }
        let sha256 = sha256_hex(&bytes);
        let own = [(MANIFEST, sha256.as_str())];
        let expected: HashMap<&str, &str> =
            manifest.stored().map(|(key, _, sha256)| (key, sha256)).chain(own).collect();
        let named = parse_checksums(&sums).map(|list| list.into_iter().collect::<HashMap<_, _>>());
        if named != Some(expected) {
            return Err(damaged(format!("its manifest and its {CHECKSUMS} do not name the same files")));
        }
        Ok(Self { manifest, bytes, sums })
    }

    /// Everything but the manifest.
    async fn send(&self, from: &dyn Store, to: &dyn Store, keys: &SnapshotKeys) -> Result<Copied, CopyError> {
        make_way(to, keys).await?;
        let listed = to.list(&keys.folder()).await.map_err(CopyError::Target)?;
        let sizes: HashMap<&str, u64> = listed.iter().map(|entry| (entry.key.as_str(), entry.size)).collect();
        let memory = Room::default();
        let files = stream::iter(self.manifest.stored().map(Ok));
        let work = files.map_ok(|(key, size, sha256)| {
            let (memory, sizes) = (&memory, &sizes);
            async move {
                let _room = memory.of(size).await;
                let place = at(keys, key)?;
                let is_there = sizes.get(place.as_str()) == Some(&size);
                if is_there && is_whole(&to.get(&place).await.map_err(CopyError::Target)?, size, sha256).await {
                    return Ok((0, 1, 0));
                }
                let bytes = from.get(&place).await.map_err(|error| unreadable(keys, key, error))?;
                if !is_whole(&bytes, size, sha256).await {
                    return Err(not_what_it_was(keys, key));
                }
                to.put(&place, bytes).await.map_err(CopyError::Target)?;
                Ok::<_, CopyError>((1, 0, size))
            }
        });
        let add = async |a: (u64, u64, u64), b: (u64, u64, u64)| Ok((a.0 + b.0, a.1 + b.1, a.2 + b.2));
        let (sent, kept, bytes) = work.try_buffer_unordered(AT_ONCE).try_fold((0, 0, 0), add).await?;
        to.put(&at(keys, CHECKSUMS)?, self.sums.clone()).await.map_err(CopyError::Target)?;
        all_there(to, keys, &self.manifest).await?;
        Ok(Copied::Now { sent, kept, bytes })
    }
}

/// Whether these are the stored bytes. Hashing does not hold up other requests.
async fn is_whole(bytes: &Bytes, size: u64, sha256: &str) -> bool {
    if bytes.len() as u64 != size {
        return false;
    }
    let bytes = bytes.clone();
    tokio::task::spawn_blocking(move || sha256_hex(&bytes)).await.is_ok_and(|found| found == sha256)
}

fn unreadable(keys: &SnapshotKeys, key: &str, error: StoreError) -> CopyError {
    match error {
        StoreError::NotFound { .. } => not_what_it_was(keys, key),
        error => CopyError::Source(error),
    }
}

fn not_what_it_was(keys: &SnapshotKeys, key: &str) -> CopyError {
    let message = format!("copying snapshot {}: {key} is not what the manifest says; no copy was made", keys.id());
    let hint = format!("`supabackup verify {}` says what is damaged; copy another snapshot", keys.id());
    CopyError::Damaged(Failure::failed(message).hint(hint))
}

/// Ends a removal that was cut off in the target, so that nobody takes what is sent for the rest of it, and marks what
/// is sent as the beginning of a copy, so that nobody takes it for a snapshot that lost its manifest.
pub(super) async fn make_way(to: &dyn Store, keys: &SnapshotKeys) -> Result<(), CopyError> {
    let target = CopyError::Target;
    match to.get(&at(keys, PRUNED)?).await {
        Ok(_) => drop(remove_snapshot(to, keys, keys.id().started()).await.map_err(target)?),
        Err(StoreError::NotFound { .. }) => {}
        Err(error) => return Err(target(error)),
    }
    mark(to, keys).await.map_err(target)
}

/// Marks what is being written as no snapshot yet.
pub async fn mark(to: &dyn Store, keys: &SnapshotKeys) -> Result<(), StoreError> {
    let text = serde_json::json!({ "tool": TOOL });
    to.put(&keys.at(BEGUN)?, Bytes::from(text.to_string())).await
}

/// Takes the mark away once the manifest is there. Where the store keeps what is written it stays: beside a manifest it
/// means nothing.
pub async fn unmark(to: &dyn Store, keys: &SnapshotKeys) -> Result<(), StoreError> {
    match to.delete(&keys.at(BEGUN)?).await {
        Ok(()) | Err(StoreError::Locked { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes what an earlier attempt left under other names, and looks whether everything else is there.
pub(super) async fn all_there(to: &dyn Store, keys: &SnapshotKeys, manifest: &Manifest) -> Result<(), CopyError> {
    let (folder, target) = (keys.folder(), CopyError::Target);
    let inside = |entry: &Entry| entry.key.strip_prefix(&folder)?.strip_prefix('/').map(str::to_owned);
    let listed = to.list(&folder).await.map_err(target)?;
    let is_ours = |name: &str| [CHECKSUMS, MANIFEST].contains(&name) || manifest.stored().any(|(key, ..)| key == name);
    for name in listed.iter().filter_map(inside).filter(|name| !is_later(name) && !is_ours(name)) {
        // names that are no keys were put there by somebody else
        if let Ok(key) = keys.at(&name) {
            to.delete(&key).await.map_err(target)?;
        }
    }
    let Some(key) = lost(&folder, &listed, manifest) else { return Ok(()) };
    let doing = format!("copying snapshot {} to {}", keys.id(), to.describe());
    Err(target(StoreError::Other { doing, reason: format!("{key} disappeared or changed meanwhile") }))
}

/// Where the target has this backup already: under this id, or recompressed, or as it was before it was recompressed.
/// An error if there is something else under this id, or if it is not whole there. `bytes`: the manifest that it must
/// have, if it is to be the same byte by byte or another form of it; else one that is sealed alike will do.
pub async fn there_already(
    to: &dyn Store,
    keys: &SnapshotKeys,
    manifest: &Manifest,
    bytes: Option<&Bytes>,
) -> Result<Option<SnapshotId>, CopyError> {
    let target = CopyError::Target;
    let folders = to.folders(keys.project()).await.map_err(target)?;
    let ids = folders.iter().filter_map(|name| name.parse::<SnapshotId>().ok());
    // forms of one backup have the same moment in their ids
    let mut ids: Vec<SnapshotId> = ids.filter(|id| id.started() == keys.id().started()).collect();
    ids.sort_by_key(|id| id != keys.id());
    for id in ids {
        let place = SnapshotKeys::new(keys.project(), id.clone());
        let stored = match to.get(&at(&place, MANIFEST)?).await {
            Ok(stored) => stored,
            Err(StoreError::NotFound { .. }) => continue,
            Err(error) => return Err(target(error)),
        };
        let found = Manifest::parse(&stored).ok();
        let is_equal = bytes.is_some_and(|bytes| *bytes == stored);
        let is_form = |found: &&Manifest| is_equal || found.is_form_of(manifest);
        if let Some(found) = found.as_ref().filter(is_form) {
            let listed = to.list(&place.folder()).await.map_err(target)?;
            return match lost(&place.folder(), &listed, found) {
                None => Ok(Some(id)),
                Some(key) => Err(different(to, &place, &format!("{key} is not there as its manifest says"))),
            };
        }
        if id == *keys.id() {
            return Err(different(to, &place, "its manifest is another one"));
        }
    }
    Ok(None)
}

fn different(to: &dyn Store, keys: &SnapshotKeys, why: &str) -> CopyError {
    let message = format!("copying snapshot {}: {} has one that differs: {why}", keys.id(), to.describe());
    CopyError::Different(Failure::failed(message).hint(
        "`supabackup verify` says whether that one is whole; if it is not, remove its folder there, and copy again",
    ))
}

/// Brings along what came later: records of verifications of exactly this manifest, and the pin.
async fn companions(
    from: &dyn Store,
    to: &dyn Store,
    keys: &SnapshotKeys,
    manifest_sha256: &str,
) -> Result<(), CopyError> {
    unmark(to, keys).await.map_err(CopyError::Target)?;
    for entry in from.list(&format!("{}/{VERIFIED}", keys.folder())).await.map_err(CopyError::Source)? {
        let Ok(key) = Key::new(&entry.key) else { continue };
        let bytes = from.get(&key).await.map_err(CopyError::Source)?;
        let record = serde_json::from_slice::<Verification>(&bytes);
        if record.is_ok_and(|record| record.manifest_sha256 == manifest_sha256) {
            match to.create(&key, bytes).await {
                Ok(()) | Err(StoreError::AlreadyExists { .. }) => {}
                Err(error) => return Err(CopyError::Target(error)),
            }
        }
    }
    carry_pin(from, keys, to, keys).await
}

/// Pins the target if the source is pinned and it is not.
pub async fn carry_pin(
    from: &dyn Store,
    source: &SnapshotKeys,
    to: &dyn Store,
    target: &SnapshotKeys,
) -> Result<(), CopyError> {
    let pin = match from.get(&at(source, PIN)?).await {
        Ok(pin) => pin,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(CopyError::Source(error)),
    };
    if read_pin(to, target).await.map_err(CopyError::Target)?.is_none() {
        to.put(&at(target, PIN)?, pin).await.map_err(CopyError::Target)?;
    }
    Ok(())
}
