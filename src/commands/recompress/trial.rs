//! Whether it pays: the biggest part tells.

use crate::clock::Clock;
use crate::error::Failure;
use crate::model::{Finding, Manifest, Part, Recompress, RecompressTrial, Recompressed, TOOL};
use crate::snapshot::{SnapshotKeys, try_dense, write_trial};
use crate::store::Store;

/// What a trial told.
pub(super) enum Trial {
    /// It would save enough: an estimate.
    Pays(Recompressed),
    /// It would not: why.
    No(String),
    /// The part is not what it should be.
    Damaged(Finding),
}

/// Compresses the biggest part, in memory. If that saves less than a tenth, a mark beside the snapshot (where `apply`)
/// keeps the next run from trying again.
pub(super) async fn try_out(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest: &Manifest,
    rules: &Recompress,
    clock: &Clock,
    apply: bool,
) -> Result<Trial, Failure> {
    let Some(part) = manifest.parts().map(|(_, part)| part).max_by_key(|part| part.raw_size) else {
        return Ok(Trial::No("it holds no rows".to_owned()));
    };
    if !part.key.ends_with(".zst") {
        return Ok(Trial::No("it is compressed with gzip, which its owner chose".to_owned()));
    }
    let begun = clock.now();
    let Some(size) = try_dense(store, keys, part, rules.level).await? else {
        return Ok(Trial::Damaged(damaged(keys, part)));
    };
    let seconds = (clock.now() - begun).as_seconds_f64();
    let totals = manifest.totals;
    // both forms are worked on at once where there are two hands
    let hands = std::thread::available_parallelism().map_or(1, usize::from).min(2) as f64;
    let share = totals.raw_bytes as f64 / part.raw_size.max(1) as f64;
    let saves = 100_u64.saturating_sub(size * 100 / part.size.max(1));
    if saves < Recompress::PAYS {
        if apply {
            let tool = TOOL.to_owned();
            write_trial(store, keys, &RecompressTrial { at: clock.now(), level: rules.level, saves, tool }).await?;
        }
        return Ok(Trial::No(format!("it would save only {saves} %")));
    }
    let estimate = Recompressed {
        project: keys.project().to_owned(),
        was: keys.id().clone(),
        id: keys.id().clone(),
        before: totals.stored_bytes,
        after: totals.stored_bytes / 100 * (100 - saves),
        seconds: seconds * share / hands,
    };
    Ok(Trial::Pays(estimate))
}

fn damaged(keys: &SnapshotKeys, part: &Part) -> Finding {
    let message = format!("{} is not what the manifest says, so it is left as it is", part.key);
    let hint = format!("`supabackup verify {}` says what is damaged", keys.id());
    Finding::error("recompress-damaged", keys.folder(), message).hint(hint)
}
