//! Which snapshots a store holds. Everything is read from their manifests and folders; nothing that
//! looks like a snapshot is left out because it is damaged.

use std::fmt;
use std::str::FromStr;

use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::error::Failure;
use crate::model::{Manifest, SnapshotId, SnapshotState, SnapshotSummary, Verification};
use crate::seal::sha256_hex;
use crate::snapshot::{MANIFEST, SnapshotKeys, VERIFIED};
use crate::store::{Key, Store, StoreError};

/// How many manifests are read at once.
const AT_ONCE: usize = 8;

/// Which snapshot is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The newest that has a manifest.
    Latest,
    /// This one.
    Id(SnapshotId),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "latest" {
            return Ok(Self::Latest);
        }
        text.parse().map(Self::Id).map_err(|e| format!("{e}, nor `latest`"))
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Id(id) => id.fmt(f),
        }
    }
}

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

/// All snapshots of one project, or of all; by project, oldest first.
pub async fn list_snapshots(store: &dyn Store, project: Option<&str>) -> Result<Vec<SnapshotSummary>, Failure> {
    let mut all = Vec::new();
    for project in chosen(store, project).await? {
        let ids = ids(store, &project).await?;
        let keys = ids.into_iter().map(|id| SnapshotKeys::new(&project, id));
        let summaries = stream::iter(keys).map(|keys| summary(store, keys)).buffered(AT_ONCE);
        all.append(&mut summaries.try_collect::<Vec<_>>().await?);
    }
    Ok(all)
}

async fn summary(store: &dyn Store, keys: SnapshotKeys) -> Result<SnapshotSummary, Failure> {
    let bare = |state, problem| SnapshotSummary::bare(keys.project(), keys.id().clone(), state, problem);
    let bytes = match store.get(&keys.at(MANIFEST)?).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => return Ok(bare(SnapshotState::Unfinished, None)),
        Err(error) => return Err(error.into()),
    };
    match Manifest::parse(&bytes) {
        Ok(manifest) if manifest.snapshot == *keys.id() => {
            let verified = last_verification(store, &keys, &sha256_hex(&bytes)).await?;
            Ok(SnapshotSummary::of(keys.project(), &manifest, verified))
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

/// The snapshot that is meant. Where several projects share the store, one must be named for `latest`.
pub async fn find(store: &dyn Store, project: Option<&str>, which: &Which) -> Result<SnapshotKeys, Failure> {
    let projects = chosen(store, project).await?;
    let place = store.describe();
    match which {
        Which::Id(id) => {
            let mut found = Vec::new();
            for project in projects {
                if ids(store, &project).await?.contains(id) {
                    found.push(SnapshotKeys::new(&project, id.clone()));
                }
            }
            match found.len() {
                0 => Err(Failure::failed(format!("finding snapshot {id}: {place} holds no such snapshot"))
                    .hint("`supabackup list` shows the snapshots that there are")),
                1 => Ok(found.remove(0)),
                _ => Err(several(&place, found.iter().map(SnapshotKeys::project))),
            }
        }
        Which::Latest if projects.len() > 1 => Err(several(&place, projects.iter().map(String::as_str))),
        Which::Latest => {
            for project in projects {
                for id in ids(store, &project).await?.into_iter().rev() {
                    let keys = SnapshotKeys::new(&project, id);
                    match store.get(&keys.at(MANIFEST)?).await {
                        Err(StoreError::NotFound { .. }) => {}
                        Err(error) => return Err(error.into()),
                        Ok(_) => return Ok(keys),
                    }
                }
            }
            Err(Failure::failed(format!("finding the latest snapshot: {place} holds no finished snapshot"))
                .hint("run `supabackup backup` first, or name the right store with --store"))
        }
    }
}

fn several<'a>(place: &str, projects: impl Iterator<Item = &'a str>) -> Failure {
    let names: Vec<&str> = projects.collect();
    Failure::usage(format!("finding the snapshot: {place} holds several projects: {}", names.join(", ")))
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
        _ => format!("it holds: {}", known.join(", ")),
    };
    Err(Failure::failed(format!("finding project {name:?}: {} holds no snapshots of it", store.describe())).hint(hint))
}
