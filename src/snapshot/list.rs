//! Which snapshots a store holds. Everything is read from their manifests and folders; nothing that
//! looks like a snapshot is left out because it is damaged.

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::Failure;
use crate::model::{Manifest, SnapshotId, SnapshotState, SnapshotSummary, Verification};
use crate::seal::sha256_hex;
use crate::snapshot::layout::had_manifest;
use crate::snapshot::pin::read_pin;
use crate::snapshot::{MANIFEST, PRUNED, SnapshotKeys, VERIFIED};
use crate::store::{Entry, Key, Store, StoreError};

/// How many manifests are read at once.
const AT_ONCE: usize = 8;

/// The projects that have at least one snapshot, or the leftovers of one, in the store.
pub async fn projects(store: &dyn Store) -> Result<Vec<String>, Failure> {
    let mut projects = Vec::new();
    for name in store.folders("").await? {
        // A folder whose name is no key was made by somebody else.
        if Key::new(&name).is_ok() && !ids(store, &name).await?.is_empty() {
            projects.push(name);
        }
    }
    Ok(projects)
}

/// The ids of a project's snapshots, oldest first.
pub async fn ids(store: &dyn Store, project: &str) -> Result<Vec<SnapshotId>, Failure> {
    let folders = store.folders(project).await?;
    Ok(folders.iter().filter_map(|name| name.parse().ok()).collect())
}

/// All snapshots of one project, or of all; by project, newest first.
pub async fn list_snapshots(store: &dyn Store, project: Option<&str>) -> Result<Vec<SnapshotSummary>, Failure> {
    let mut all = Vec::new();
    for project in chosen(store, project).await? {
        let ids = ids(store, &project).await?;
        let keys = ids.into_iter().rev().map(|id| SnapshotKeys::new(&project, id));
        let looked = stream::iter(keys).map(async |keys| look(store, &keys).await.map(|(summary, _)| summary));
        all.append(&mut looked.buffered(AT_ONCE).try_collect::<Vec<_>>().await?);
    }
    Ok(all)
}

/// One snapshot, and its manifest if that can be read: a look, not a verification.
pub async fn look(store: &dyn Store, keys: &SnapshotKeys) -> Result<(SnapshotSummary, Option<Manifest>), Failure> {
    let bytes = match store.get(&keys.at(MANIFEST)?).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok((without_manifest(store, keys).await?, None)),
        Err(error) => return Err(error.into()),
    };
    let unreadable =
        |problem| SnapshotSummary::bare(keys.project(), keys.id().clone(), SnapshotState::Unreadable, Some(problem));
    let (mut summary, manifest) = match Manifest::parse(&bytes) {
        Ok(manifest) if manifest.snapshot == *keys.id() => {
            let records = records(store, keys, &sha256_hex(&bytes)).await?;
            let mut summary = SnapshotSummary::of(keys.project(), &manifest, records.newest);
            (summary.proven, summary.restored) = (records.proven, records.restored);
            (summary, Some(manifest))
        }
        Ok(manifest) => {
            (unreadable(format!("the manifest in this folder is that of snapshot {}", manifest.snapshot)), None)
        }
        Err(error) => (unreadable(error.to_string()), None),
    };
    summary.pin = read_pin(store, keys).await?;
    Ok((summary, manifest))
}

/// What a folder without a manifest is, told by what is in it.
async fn without_manifest(store: &dyn Store, keys: &SnapshotKeys) -> Result<SnapshotSummary, Failure> {
    let entries = store.list(&keys.folder()).await?;
    let names = || entries.iter().filter_map(|e| e.key.strip_prefix(&keys.folder())?.strip_prefix('/'));
    let (state, problem) = if names().any(|name| name == PRUNED) {
        (SnapshotState::Pruned, None)
    } else if had_manifest(names()) {
        (SnapshotState::Unreadable, Some("its manifest is gone".to_owned()))
    } else {
        (SnapshotState::Unfinished, None)
    };
    let mut summary = SnapshotSummary::bare(keys.project(), keys.id().clone(), state, problem);
    summary.stored_bytes = entries.iter().map(|entry| entry.size).sum();
    summary.touched = entries.iter().map(|entry| entry.modified).max();
    summary.pin = read_pin(store, keys).await?;
    Ok(summary)
}

/// What the records of verifications say.
#[derive(Default)]
struct Records {
    newest: Option<Verification>,
    /// The deepest since one that found errors.
    proven: Option<String>,
    /// When restoring was proven last, and nothing was wrong.
    restored: Option<DateTime<Utc>>,
}

/// The records about exactly this manifest, newest first, as far back as they matter. Records that
/// cannot be read prove nothing.
async fn records(store: &dyn Store, keys: &SnapshotKeys, manifest_sha256: &str) -> Result<Records, Failure> {
    let mut found = Records::default();
    let mut deepest = None;
    let is_restored = |entry: &Entry| entry.key.ends_with("-restored.json");
    let mut is_enough = false;
    for entry in store.list(&format!("{}/{VERIFIED}", keys.folder())).await?.iter().rev() {
        if is_enough && !(is_restored(entry) && found.restored.is_none()) {
            continue;
        }
        let Ok(key) = Key::new(&entry.key) else { continue };
        let Ok(bytes) = store.get(&key).await else { continue };
        let record = serde_json::from_slice::<Verification>(&bytes).ok();
        let Some(record) = record.filter(|r| r.manifest_sha256 == manifest_sha256 && !r.partial) else { continue };
        let ok = record.ok;
        if ok && is_restored(entry) {
            found.restored = found.restored.or(Some(record.at));
        }
        if is_enough {
            continue;
        }
        let rank = DEPTHS.iter().position(|depth| *depth == record.depth);
        if ok && rank > deepest {
            deepest = rank;
            found.proven = Some(record.depth.clone());
        }
        found.newest.get_or_insert(record);
        is_enough = !ok || deepest >= ENOUGH;
    }
    Ok(found)
}

/// Depths of verifications as records name them, shallowest first.
const DEPTHS: [&str; 4] = ["listed", "hashed", "opened", "restored"];
/// From here on every row was read back, and older records are not looked at.
const ENOUGH: Option<usize> = Some(2);

/// The snapshot of that id, or else the newest one that has a manifest. Where several projects share
/// the store, one must be named for the newest.
pub async fn find(store: &dyn Store, project: Option<&str>, id: Option<&SnapshotId>) -> Result<SnapshotKeys, Failure> {
    let projects = chosen(store, project).await?;
    let Some(id) = id else { return newest(store, projects).await };
    let mut found = Vec::new();
    for project in projects {
        let ids = ids(store, &project).await?;
        if ids.contains(id) {
            found.push(SnapshotKeys::new(&project, id.clone()));
        } else {
            found.extend(successor(store, &project, ids, id).await?);
        }
    }
    match found.len() {
        0 => Err(Failure::failed(format!("finding snapshot {id}: {} holds no such snapshot", store.describe()))
            .hint("`supabackup list` shows the snapshots that there are")),
        1 => Ok(found.remove(0)),
        _ => Err(several(store, found.iter().map(SnapshotKeys::project))),
    }
}

/// The snapshot that was made from the one of this id, and stands in place of it: its id has the same moment.
async fn successor(
    store: &dyn Store,
    project: &str,
    ids: Vec<SnapshotId>,
    id: &SnapshotId,
) -> Result<Option<SnapshotKeys>, Failure> {
    for other in ids.into_iter().filter(|other| other.started() == id.started()) {
        let keys = SnapshotKeys::new(project, other);
        match store.get(&keys.at(MANIFEST)?).await {
            Ok(bytes) if Manifest::parse(&bytes).is_ok_and(|m| m.instead_of.as_ref() == Some(id)) => {
                return Ok(Some(keys));
            }
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

async fn newest(store: &dyn Store, projects: Vec<String>) -> Result<SnapshotKeys, Failure> {
    if projects.len() > 1 {
        return Err(several(store, projects.iter().map(String::as_str)));
    }
    for project in projects {
        for id in ids(store, &project).await?.into_iter().rev() {
            let keys = SnapshotKeys::new(&project, id);
            match store.get(&keys.at(MANIFEST)?).await {
                Err(StoreError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
                // one that cannot be read may be a backup, and whoever wants the newest has to hear of it
                Ok(bytes) if Manifest::parse(&bytes).is_ok_and(|m| m.safety_of.is_some()) => {}
                Ok(_) => return Ok(keys),
            }
        }
    }
    let message = format!("finding the newest snapshot: {} holds no finished snapshot", store.describe());
    Err(Failure::failed(message).hint("run `supabackup backup` first, or name the right store with --store"))
}

fn several<'a>(store: &dyn Store, projects: impl Iterator<Item = &'a str>) -> Failure {
    let names: Vec<&str> = projects.collect();
    Failure::usage(format!("finding the snapshot: {} holds several projects: {}", store.describe(), names.join(", ")))
        .hint("name one with --project")
}

/// The projects to look at; a named one must be there.
async fn chosen(store: &dyn Store, project: Option<&str>) -> Result<Vec<String>, Failure> {
    let Some(name) = project else { return projects(store).await };
    if Key::new(name).is_ok() && !ids(store, name).await?.is_empty() {
        return Ok(vec![name.to_owned()]);
    }
    let known = projects(store).await?;
    let hint = match known.len() {
        0 => "the store holds no snapshots at all; is it the right one?".to_owned(),
        _ => format!("it holds: {}; name one with --project", known.join(", ")),
    };
    Err(Failure::failed(format!("finding project {name:?}: {} holds no snapshots of it", store.describe())).hint(hint))
}
