//! Carries a plan out. What a store does not let go of is a finding, and the next snapshot is tried.

use std::collections::BTreeSet;

use super::LONGEST_WRITE;
use super::observe::leftover;
use crate::error::Failure;
use crate::model::{Decision, Finding, PrunePlan, PruneReport, Removed, SnapshotState};
use crate::snapshot::{Removal, SnapshotKeys, remove_snapshot, remove_unfinished};
use crate::store::{Store, StoreError};

/// Removes what the plan says, oldest first. It may be dropped at any moment: what it has begun, the
/// next one ends. Only a store that does not answer any more is a failure.
pub async fn apply(store: &dyn Store, plan: PrunePlan) -> Result<PruneReport, Failure> {
    let mut report = PruneReport { applied: true, ..PruneReport::unapplied(plan) };
    let removals: Vec<(String, Decision)> =
        report.plan.removals().map(|(project, decision)| (project.to_owned(), decision.clone())).collect();
    for (project, decision) in removals {
        let keys = SnapshotKeys::new(&project, decision.id.clone());
        let removal = match decision.state {
            SnapshotState::Unfinished => remove_unfinished(store, &keys, decision.touched).await,
            _ => remove_snapshot(store, &keys, report.plan.at).await,
        };
        match removal {
            Ok(Removal::Gone) => {
                report.removed.push(Removed { project, id: decision.id, bytes: decision.bytes });
            }
            Ok(stayed) => report.findings.extend(stays(&keys, &stayed)),
            Err(error @ StoreError::Unreachable { .. }) => return Err(error.into()),
            Err(error) => report.findings.push(refused(keys.folder(), &error)),
        }
    }
    sweep(store, &mut report).await?;
    Ok(report)
}

/// Removes the half-written files of dead runs.
async fn sweep(store: &dyn Store, report: &mut PruneReport) -> Result<(), Failure> {
    let top = |key: &str| key.split_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned());
    let mut folders: BTreeSet<String> = report.plan.leftovers.iter().map(|found| top(&found.key)).collect();
    // a removal that died may have left empty folders, which no plan shows
    folders.extend(report.plan.projects.iter().map(|plan| plan.project.clone()));
    if folders.contains("") {
        folders = BTreeSet::from([String::new()]);
    }
    for folder in folders {
        match store.sweep(&folder, report.plan.at - LONGEST_WRITE).await {
            Ok(swept) => report.swept.extend(swept.into_iter().map(leftover)),
            Err(error @ StoreError::Unreachable { .. }) => return Err(error.into()),
            Err(error) => report.findings.push(refused(folder, &error)),
        }
    }
    Ok(())
}

/// Why a snapshot is still there although nothing failed.
fn stays(keys: &SnapshotKeys, removal: &Removal) -> Option<Finding> {
    let folder = keys.folder();
    match removal {
        Removal::Gone => None,
        Removal::Pinned => Some(Finding::info("pinned-meanwhile", folder, "it was pinned meanwhile, and stays")),
        Removal::InUse => Some(Finding::info(
            "in-use",
            folder,
            "something was written to it meanwhile: a run is at work, so it stays",
        )),
        Removal::Foreign(files) => {
            let first = files.first().map(String::as_str).unwrap_or_default();
            let message = format!("it is removed but for what this program did not write: {first}");
            Some(Finding::warning("foreign-files", folder, message).hint("remove the rest by hand"))
        }
    }
}

/// A refusal is the store's right (Object Lock, a role that may not delete) and no failure of the run;
/// anything else is something that should have worked.
fn refused(subject: String, error: &StoreError) -> Finding {
    match error {
        StoreError::Denied { .. } => Finding::warning("refused", subject, error.to_string())
            .hint("the store keeps it (Object Lock, or missing rights); it is tried again each time"),
        other => {
            let finding = Finding::error("not-removed", subject, other.to_string());
            finding.hint(other.hint().unwrap_or("run `supabackup prune --apply` again; it goes on from here"))
        }
    }
}
