//! Is the last archive about to go?
//!
//! `prune` itself never removes the newest good snapshot. Whatever else ends things by age (a bucket's
//! lifecycle, GitHub's artifacts) asks nobody: so it is told before the rules of age let it go.

use super::Case;
use super::words::span;
use crate::model::{Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let history = case.history()?;
    // that there is none is freshness
    let Some(newest) = history.newest_good().filter(|newest| !newest.is_pinned) else { return Ok(Vec::new()) };
    let left = case.limits.keep_within - (case.seen.now - newest.started);
    if left > case.limits.archive_notice.min(case.limits.keep_within / 2) {
        return Ok(Vec::new());
    }
    let when = if left > chrono::TimeDelta::zero() { format!("in {}", span(left)) } else { "now".to_owned() };
    let message = format!(
        "the newest good snapshot {} is the last archive, and by age ({}) it goes {when}; only the floor of `prune` keeps it",
        newest.id,
        span(case.limits.keep_within)
    );
    let hint = format!("make a new backup and verify it; until then `supabackup pin {}`", newest.id);
    Ok(vec![Finding::error("last-archive", "snapshots", message).hint(hint)])
}
