//! Do snapshots hold all that was seen, and did every run end?

use super::Case;
use super::words::span;
use crate::model::{Finding, Seen, SnapshotState};

/// Names of what is missing that a message holds.
const NAMED: usize = 5;

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let history = case.history()?;
    let mut found = Vec::new();
    let finished = |state| matches!(state, SnapshotState::Complete | SnapshotState::Incomplete);
    let newest = history.points.iter().rfind(|point| finished(point.state) && !point.is_safety);
    if let Some(newest) = newest.filter(|newest| newest.state == SnapshotState::Incomplete) {
        let mut names: Vec<&str> = newest.missing_named.iter().take(NAMED).map(String::as_str).collect();
        let more = format!("and {} more", newest.missing.saturating_sub(NAMED as u64));
        if newest.missing > NAMED as u64 {
            names.push(&more);
        }
        let what = if names.is_empty() { format!("{} things", newest.missing) } else { names.join("; ") };
        let message = format!("the newest snapshot {} is incomplete, so it is no backup; missing: {what}", newest.id);
        let hint = format!("`supabackup list {}` and its report say how to fix each of them", newest.id);
        found.push(Finding::error("incomplete", "snapshots", message).hint(hint));
    }
    let after = newest.map(|newest| newest.started);
    let late = |started| after.is_none_or(|after| started > after);
    for point in &history.points {
        let age = case.seen.now - point.started;
        match point.state {
            SnapshotState::Unreadable => {
                let message = format!("snapshot {} cannot be read", point.id);
                let hint = format!("`supabackup verify {}` says what is wrong with it", point.id);
                let subject = format!("snapshot {}", point.id);
                found.push(match late(point.started) {
                    true => Finding::error("snapshot-unreadable", subject, message).hint(hint),
                    false => Finding::warning("snapshot-unreadable", subject, message).hint(hint),
                });
            }
            // one that is at work is younger than that
            SnapshotState::Unfinished if late(point.started) && age > case.limits.max_age => {
                let message = format!("the newest run, {}, did not end; it began {} ago", point.id, span(age));
                let hint = "look at that run's log; what it left goes with `supabackup prune --apply`";
                found.push(Finding::warning("unfinished", "snapshots", message).hint(hint));
            }
            _ => {}
        }
    }
    Ok(found)
}
