//! Are snapshots read back, and was any found damaged?

use super::Case;
use super::words::span;
use crate::model::{Finding, Proof, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let history = case.history()?;
    let mut found = Vec::new();
    for point in history.points.iter().filter(|point| point.proof == Proof::Failed) {
        let message = format!("snapshot {} was found damaged", point.id);
        let hint = format!("`supabackup verify {}` names the files; make a new backup now", point.id);
        found.push(Finding::error("damaged", format!("snapshot {}", point.id), message).hint(hint));
    }
    // the oldest of those that wait since the last proof: it has waited longest
    let waiting = history.complete().rev().take_while(|point| !point.is_good()).last();
    if let Some(waiting) = waiting.filter(|point| point.proof != Proof::Failed) {
        let age = case.seen.now - waiting.started;
        if age > case.limits.max_unverified {
            let message = format!(
                "no snapshot was read back since {}, which is {} old; {} is allowed",
                waiting.id,
                span(age),
                span(case.limits.max_unverified)
            );
            let hint =
                "`supabackup verify` reads the newest one back; a sealed one needs an identity (--identity-file)";
            found.push(Finding::warning("unverified", "snapshots", message).hint(hint));
        }
    }
    Ok(found)
}
