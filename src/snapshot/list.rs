//! Which snapshots a store holds. Everything is read from their manifests and folders; nothing that
//! looks like a snapshot is left out because it is damaged.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::Failure;
use crate::model::{Manifest, SnapshotId, SnapshotState, SnapshotSummary, Verification};
use crate::seal::sha256_hex;
use crate::snapshot::{MANIFEST, SnapshotKeys, VERIFIED};
use crate::store::{Key, Store, StoreError};

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
async fn ids(store: &dyn Store, project: &str) -> Result<Vec<SnapshotId>, Failure> {
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
    let bare = |state, problem| (SnapshotSummary::bare(keys.project(), keys.id().clone(), state, problem), None);
    let bytes = match store.get(&keys.at(MANIFEST)?).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(bare(SnapshotState::Unfinished, None)),
        Err(error) => return Err(error.into()),
    };
    match Manifest::parse(&bytes) {
        Ok(manifest) if manifest.snapshot == *keys.id() => {
            let verified = last_verification(store, keys, &sha256_hex(&bytes)).await?;
            Ok((SnapshotSummary::of(keys.project(), &manifest, verified), Some(manifest)))
        }
        Ok(manifest) => {
            let problem = format!("the manifest in this folder is that of snapshot {}", manifest.snapshot);
            Ok(bare(SnapshotState::Unreadable, Some(problem)))
        }
        Err(error) => Ok(bare(SnapshotState::Unreadable, Some(error.to_string()))),
    }
}

/// The newest record about exactly this manifest. Records that cannot be read prove nothing.
async fn last_verification(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest_sha256: &str,
) -> Result<Option<Verification>, Failure> {
    for entry in store.list(&format!("{}/{VERIFIED}", keys.folder())).await?.iter().rev() {
        let Ok(key) = Key::new(&entry.key) else { continue };
        let Ok(bytes) = store.get(&key).await else { continue };
        let record = serde_json::from_slice::<Verification>(&bytes).ok();
        if let Some(record) = record.filter(|r| r.manifest_sha256 == manifest_sha256) {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The snapshot of that id, or else the newest one that has a manifest. Where several projects share
/// the store, one must be named for the newest.
pub async fn find(store: &dyn Store, project: Option<&str>, id: Option<&SnapshotId>) -> Result<SnapshotKeys, Failure> {
    let projects = chosen(store, project).await?;
    let Some(id) = id else { return newest(store, projects).await };
    let mut found = Vec::new();
    for project in projects {
        if ids(store, &project).await?.contains(id) {
            found.push(SnapshotKeys::new(&project, id.clone()));
        }
    }
    match found.len() {
        0 => Err(Failure::failed(format!("finding snapshot {id}: {} holds no such snapshot", store.describe()))
            .hint("`supabackup list` shows the snapshots that there are")),
        1 => Ok(found.remove(0)),
        _ => Err(several(store, found.iter().map(SnapshotKeys::project))),
    }
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
