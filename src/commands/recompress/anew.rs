//! The new snapshot in place of the old one.

use super::ended::take_over;
use crate::clock::Clock;
use crate::commands::books::BOOKS;
use crate::error::Failure;
use crate::model::{Depth, Finding, Recompress, RecompressReport, Recompressed, SnapshotId};
use crate::snapshot::{self, CopyError, MANIFEST, Rewrite, SnapshotKeys, remove_snapshot};
use crate::store::{Store, StoreError};

/// Makes the new one, reads it back, and lets it take over. False if the store keeps the old one.
pub(super) async fn replace(
    store: &dyn Store,
    old: &SnapshotKeys,
    rules: &Recompress,
    clock: &Clock,
    report: &mut RecompressReport,
) -> Result<bool, Failure> {
    let begun = clock.now();
    let new = SnapshotKeys::new(old.project(), free(store, old).await?);
    // what is sealed is left as it is
    let nobody = Default::default();
    let rewrite = Rewrite {
        from: store,
        source: old,
        identities: &nobody,
        to: store,
        target: &new,
        sealing: None,
        level: Some(rules.level),
        books: BOOKS,
    };
    let made = match rewrite.run().await {
        Ok(made) => made,
        Err(CopyError::Damaged(why)) => {
            let finding = Finding::error("recompress-damaged", old.folder(), why.message);
            report.findings.push(finding.hint(why.hint.unwrap_or_default()));
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    };
    let mut verified = snapshot::verify(store, &new, Depth::Opened, &nobody).await?;
    if !verified.intact() {
        // the old one is whole: the new one goes, as a snapshot goes
        remove_snapshot(store, &new, clock.now()).await?;
        let first = verified.findings.first().map(|f| format!("{}: {}", f.subject, f.message)).unwrap_or_default();
        let message = format!("compressed again it did not read back ({first}), so it is left as it was");
        let hint = "check the store and the machine's memory; the next run tries again";
        report.findings.push(Finding::error("recompress-differs", old.folder(), message).hint(hint));
        return Ok(true);
    }
    snapshot::record(store, &mut verified, clock.now()).await;
    let (before, after) = made.parts;
    let (project, was, id) = (old.project().to_owned(), old.id().clone(), new.id().clone());
    let went = take_over(store, old, &new, (report.at, clock), &mut report.findings).await?;
    let seconds = (clock.now() - begun).as_seconds_f64();
    report.done.push(Recompressed { project, was, id, before, after, seconds });
    Ok(went)
}

/// An id of the same moment that no snapshot has. What an earlier attempt left under it is written over.
async fn free(store: &dyn Store, old: &SnapshotKeys) -> Result<SnapshotId, Failure> {
    for step in 1..=u16::MAX {
        let id = old.id().sibling(step);
        match store.get(&SnapshotKeys::new(old.project(), id.clone()).at(MANIFEST)?).await {
            Err(StoreError::NotFound { .. }) => return Ok(id),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
    }
    Err(Failure::failed(format!("compressing snapshot {}: every id of its moment is taken", old.id())))
}
