//! The new snapshot beside the one before it, and beside one that is a week older.

use chrono::TimeDelta;

use crate::commands::backup::Taken;
use crate::config::Config;
use crate::error::Failure;
use crate::model::{Manifest, Since, SnapshotState};
use crate::snapshot::{SnapshotKeys, ids, look, whole_manifest};
use crate::store::Store;

/// A schedule is not that punctual: what is older than this is a week older.
const A_WEEK: TimeDelta = TimeDelta::hours(7 * 24 - 12);

/// None, one or two: only complete snapshots are compared with, and no safety snapshots. Where names of tables
/// are sealed, the sums are compared, and the tables where the configuration has an identity that opens them.
pub(super) async fn trends(store: &dyn Store, taken: &Taken, config: &Config) -> Result<Vec<Since>, Failure> {
    let new = taken.keys.id();
    let mut earlier = ids(store, taken.keys.project()).await?;
    earlier.retain(|id| id < new);
    let mut trends: Vec<Since> = Vec::new();
    let mut wanted = new.started();
    for id in earlier.into_iter().rev() {
        if id.started() > wanted {
            continue;
        }
        let keys = SnapshotKeys::new(taken.keys.project(), id);
        let Some(manifest) = complete(store, &keys).await? else { continue };
        let (manifest, _) = whole_manifest(store, &keys, manifest, &config.identities).await;
        trends.push(Since::between(&manifest, &taken.manifest));
        if trends.len() == 2 || keys.id().started() <= new.started() - A_WEEK {
            break;
        }
        wanted = new.started() - A_WEEK;
    }
    Ok(trends)
}

/// Its manifest, if it is a complete snapshot of the project.
async fn complete(store: &dyn Store, keys: &SnapshotKeys) -> Result<Option<Manifest>, Failure> {
    let (summary, manifest) = look(store, keys).await?;
    let counts = summary.state == SnapshotState::Complete && summary.safety_of.is_none();
    Ok(manifest.filter(|_| counts))
}
