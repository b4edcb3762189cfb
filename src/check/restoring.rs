//! When was it last proven that a snapshot can be restored?

use super::Case;
use super::words::span;
use crate::model::{Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let history = case.history()?;
    let points = || history.points.iter().chain(history.older_good.as_deref());
    if points().next().is_none() {
        return Ok(Vec::new());
    }
    let hint =
        "`supabackup verify --restore-into` restores a snapshot into a scratch database and compares: docs/drill.md";
    let Some(last) = points().filter_map(|point| point.restored).max() else {
        let message = "that a snapshot can be restored was not proven in the time that is looked at";
        return Ok(vec![Finding::info("restore-unproven", "snapshots", message).hint(hint)]);
    };
    let age = case.seen.now - last;
    let message = || format!("restoring was proven {} ago, more than {}", span(age), span(case.limits.max_unrestored));
    let is_old = age > case.limits.max_unrestored;
    Ok(is_old.then(|| Finding::warning("restore-unproven", "snapshots", message()).hint(hint)).into_iter().collect())
}
