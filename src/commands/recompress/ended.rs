//! The end of a recompression, also of one that was cut off: the old snapshot goes.

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::error::Failure;
use crate::model::{Depth, Finding, RecompressReport, SnapshotSummary};
use crate::snapshot::{self, Removal, SnapshotKeys, carry_pin, carry_restored, remove_snapshot, unmark, unpin};
use crate::store::{Store, StoreError};

/// Removes old snapshots whose successor is there and whole.
pub(super) async fn end_what_was_begun(
    store: &dyn Store,
    all: &[SnapshotSummary],
    clock: &Clock,
    report: &mut RecompressReport,
) -> Result<(), Failure> {
    for new in all {
        let Some(was) = &new.instead_of else { continue };
        // also the rest of a removal that was cut off
        if !all.iter().any(|old| old.project == new.project && old.id == *was) {
            continue;
        }
        let (old, keys) =
            (SnapshotKeys::new(&new.project, was.clone()), SnapshotKeys::new(&new.project, new.id.clone()));
        if new.proven.as_deref() != Some("opened") {
            let mut verified = snapshot::verify(store, &keys, Depth::Opened, &Default::default()).await?;
            snapshot::record(store, &mut verified, clock.now()).await;
            if !verified.intact() {
                let message = format!("it stands in place of {was}, which is still there, and does not read back");
                let hint = format!("remove its folder; `supabackup verify {was}` says whether the other one is whole");
                report.findings.push(Finding::error("recompress-differs", keys.folder(), message).hint(hint));
                continue;
            }
        }
        if take_over(store, &old, &keys, (report.at, clock), &mut report.findings).await? {
            report.ended.push(was.clone());
        }
    }
    Ok(())
}

/// The new snapshot, which was proven, takes over the pin and the reports of restores; then the old one is removed. False
/// if the store does not let it go. `begun`: when this run began.
pub(super) async fn take_over(
    store: &dyn Store,
    old: &SnapshotKeys,
    new: &SnapshotKeys,
    (begun, clock): (DateTime<Utc>, &Clock),
    findings: &mut Vec<Finding>,
) -> Result<bool, Failure> {
    unmark(store, new).await?;
    // what an attempt left there that was killed in the middle of a write
    store.sweep(&new.folder(), begun).await?;
    carry_restored(store, old, new).await?;
    carry_pin(store, old, store, new).await?;
    unpin(store, old).await?;
    let stays = match remove_snapshot(store, old, clock.now()).await {
        Ok(Removal::Gone) => return Ok(true),
        Ok(Removal::Pinned) => "it was pinned at this moment".to_owned(),
        Ok(Removal::InUse) => "somebody writes to it".to_owned(),
        Ok(Removal::Foreign(files)) => format!("this program did not write {}", files.join(", ")),
        Err(error @ StoreError::Unreachable { .. }) => return Err(error.into()),
        Err(error) => error.to_string(),
    };
    let message = format!("{} stands in place of it, and it stays for now: {stays}", new.id());
    findings.push(
        Finding::warning("kept-twice", old.folder(), message)
            .hint("nothing more is compressed until it can go; the next run tries again"),
    );
    Ok(false)
}
