//! What there is: of each snapshot a few facts, never its whole manifest.

use chrono::{DateTime, Utc};

use super::LONGEST_WRITE;
use crate::error::Failure;
use crate::model::{Leftover, PrunePlan, Retention, SnapshotFacts};
use crate::snapshot::list_snapshots;
use crate::store::{Entry, Store};

/// Looks at the store, and plans. Nothing is written. `project`: only that one.
pub async fn plan(
    store: &dyn Store,
    project: Option<&str>,
    retention: &Retention,
    now: DateTime<Utc>,
) -> Result<PrunePlan, Failure> {
    let snapshots = list_snapshots(store, project).await?;
    let mut plan = PrunePlan::new(snapshots.into_iter().map(SnapshotFacts::of).collect(), retention, now);
    let found = store.leftovers(project.unwrap_or_default()).await?;
    let dead = found.into_iter().filter(|entry| entry.modified < now - LONGEST_WRITE);
    plan.leftovers = dead.map(leftover).collect();
    Ok(plan)
}

/// A store's entry, as the plan knows it.
pub(super) fn leftover(entry: Entry) -> Leftover {
    Leftover { key: entry.key, size: entry.size, modified: entry.modified }
}
