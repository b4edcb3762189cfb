//! The snapshots of the last weeks, in numbers. However many there are in the store, manifests are read of the
//! young ones only, few at a time, and none is kept.

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};

use crate::error::Failure;
use crate::model::{History, Manifest, SnapshotId, SnapshotPoint, SnapshotState, SnapshotSummary};
use crate::seal::Identities;
use crate::snapshot::list::ids;
use crate::snapshot::{SnapshotKeys, look, whole_manifest};
use crate::store::Store;

/// How many manifests are read at once.
const AT_ONCE: usize = 8;
/// So many older ones are looked at to find one that is good.
const MOST_OLDER: usize = 100;

/// Sees every snapshot that is looked at, oldest first: what it is, and its manifest as far as that opens.
pub type Onlooker<'a> = &'a mut (dyn FnMut(&SnapshotSummary, Option<&Manifest>) + Send);

/// A project's snapshots that are not older than `since`, and the newest good one if all of these are not. A
/// project that is not there has none. With an onlooker all snapshots are looked at, so that each manifest is read
/// once for both.
pub async fn recent(
    store: &dyn Store,
    project: &str,
    since: DateTime<Utc>,
    identities: &Identities,
    mut onlooker: Option<Onlooker<'_>>,
) -> Result<History, Failure> {
    let (older, young): (Vec<SnapshotId>, Vec<SnapshotId>) =
        ids(store, project).await?.into_iter().partition(|id| id.started() < since);
    let mut history = History::since(since);
    let wanted = match onlooker {
        Some(_) => older.iter().cloned().chain(young).collect(),
        None => young,
    };
    let looked = stream::iter(wanted).map(async |id| {
        let keys = SnapshotKeys::new(project, id);
        let (summary, manifest) = look(store, &keys).await?;
        let Some(manifest) = manifest else { return Ok((summary, None, None)) };
        let (manifest, sealed) = whole_manifest(store, &keys, manifest, identities).await;
        Ok::<_, Failure>((summary, Some(manifest), sealed))
    });
    let mut looked = looked.buffered(AT_ONCE);
    while let Some(found) = looked.next().await {
        let (summary, manifest, sealed) = found?;
        if let Some(onlooker) = &mut onlooker {
            onlooker(&summary, manifest.as_ref());
        }
        if summary.id.started() < since {
            continue;
        }
        history.add(summary, manifest.as_ref());
        history.sealed = sealed.or(history.sealed.take());
    }
    drop(looked);
    history.finish();
    history.older = older.len() as u64;
    if history.newest_good().is_none() {
        for id in older.into_iter().rev().take(MOST_OLDER) {
            let (summary, _) = look(store, &SnapshotKeys::new(project, id)).await?;
            let point = SnapshotPoint::of(summary, None);
            if point.is_good() {
                history.older_good = Some(Box::new(point));
                break;
            }
        }
    }
    Ok(history)
}

/// The newest complete snapshot of a project, with the moment in which it was begun.
pub async fn newest_complete(store: &dyn Store, project: &str) -> Result<Option<(SnapshotId, DateTime<Utc>)>, Failure> {
    for id in ids(store, project).await?.into_iter().rev().take(MOST_OLDER) {
        let (SnapshotSummary { id, started, state, safety_of, .. }, _) =
            look(store, &SnapshotKeys::new(project, id)).await?;
        if state == SnapshotState::Complete && safety_of.is_none() {
            return Ok(Some((id, started)));
        }
    }
    Ok(None)
}
