//! Keeps a further store complete: every good snapshot that the first one has and that would stay there.

use chrono::{DateTime, Utc};

use super::one::is_away;
use super::{is_proven, summaries};
use crate::error::Failure;
use crate::model::{
    CopiedSnapshot, Finding, Lacking, PrunePlan, Reason, ReplicaReport, Retention, SnapshotFacts, SnapshotState,
    SnapshotSummary,
};
use crate::snapshot::{Copied, CopyError, SnapshotKeys, copy_snapshot};
use crate::store::Store;

/// From where to where.
pub(crate) struct Ends<'a> {
    /// What has everything.
    pub(crate) source: &'a dyn Store,
    /// What gets it.
    pub(crate) target: &'a dyn Store,
    /// Why snapshots that are not sealed stay out of it, if they do.
    pub(crate) refused: Option<String>,
}

/// Copies what `target` lacks of the good snapshots in `source`, newest first, so that after an outage the most recent
/// ones are safe soonest. `project`: only that one. `retention`: the rules of the target; what they would remove at once is
/// not copied.
///
/// A target that fails is told in the report, with what it lacks; only a source that cannot be read is an error. It may be
/// dropped at any moment: the next call goes on from there.
pub async fn replicate(
    source: &dyn Store,
    target: &dyn Store,
    project: Option<&str>,
    retention: &Retention,
    now: DateTime<Utc>,
) -> Result<ReplicaReport, Failure> {
    replicate_between(&Ends { source, target, refused: None }, project, retention, now).await
}

/// The same for a target that snapshots may have to stay out of.
pub(crate) async fn replicate_between(
    ends: &Ends<'_>,
    project: Option<&str>,
    retention: &Retention,
    now: DateTime<Utc>,
) -> Result<ReplicaReport, Failure> {
    let (source, target) = (ends.source, ends.target);
    let mut report = ReplicaReport::new(target.describe(), now);
    let mut good = summaries(source, project).await?;
    good.retain(is_backup);
    good.sort_by(|a, b| b.started.cmp(&a.started).then_with(|| b.id.cmp(&a.id)));
    let there = match summaries(target, project).await {
        Ok(there) => there,
        Err(error) => {
            // what it holds is not known: only that it did not get what is new
            report.failed = Some(error.message);
            return Ok(report);
        }
    };
    let has = |summary: &SnapshotSummary| there.iter().any(|other| is_snapshot(other) && other.is_same_backup(summary));
    let (held, missing): (Vec<_>, Vec<_>) = good.into_iter().partition(has);
    report.there = held.len() as u64;
    let (wanted, spared) = worth_it(missing, there, retention, now);
    report.spared = spared;
    for summary in wanted {
        let (project, id) = (summary.project.clone(), summary.id.clone());
        let keys = SnapshotKeys::new(&project, id.clone());
        let lacking = Lacking { project: project.clone(), id: id.clone(), started: summary.started };
        if report.failed.is_some() {
            report.lacking.push(lacking);
            continue;
        }
        if let Some(reason) = ends.refused.as_ref().filter(|_| !summary.sealed) {
            report.findings.push(Finding::error("not-replicated", keys.folder(), reason));
            report.lacking.push(lacking);
            continue;
        }
        match copy_snapshot(source, target, &keys).await {
            Ok(Copied::Now { sent: files, kept, bytes }) => {
                report.copied.push(CopiedSnapshot { project, id, files, kept, bytes, anew: false });
            }
            Ok(Copied::There(_)) => report.there += 1,
            Err(CopyError::Source(error)) => return Err(error.into()),
            Err(CopyError::Target(error)) if is_away(&error) => {
                report.failed = Some(error.to_string());
                report.lacking.push(lacking);
            }
            Err(error) => {
                let why = Failure::from(error);
                let finding = Finding::error("not-replicated", keys.folder(), why.message);
                report.findings.push(finding.hint(why.hint.unwrap_or_else(|| "the next run tries again".to_owned())));
                report.lacking.push(lacking);
            }
        }
    }
    Ok(report)
}

fn is_snapshot(summary: &SnapshotSummary) -> bool {
    matches!(summary.state, SnapshotState::Complete | SnapshotState::Incomplete)
}

/// Whether it is a backup of the project that was proven.
fn is_backup(summary: &SnapshotSummary) -> bool {
    summary.state == SnapshotState::Complete
        && summary.safety_of.is_none()
        && summary.verified.as_ref().is_some_and(|last| last.ok)
        && is_proven(summary)
}

/// Those that would stay in the target if they were there, and how many would not.
fn worth_it(
    missing: Vec<SnapshotSummary>,
    there: Vec<SnapshotSummary>,
    retention: &Retention,
    now: DateTime<Utc>,
) -> (Vec<SnapshotSummary>, u64) {
    let all = missing.iter().cloned().chain(there).map(SnapshotFacts::of).collect();
    let plan = PrunePlan::new(all, retention, now);
    // a frozen project keeps everything for now; what would go otherwise would go later
    let stays = |summary: &SnapshotSummary| {
        let projects = plan.projects.iter().filter(|plan| plan.project == summary.project);
        let mut decisions = projects.flat_map(|plan| &plan.decisions);
        decisions.any(|d| d.id == summary.id && d.keep && !d.reasons.contains(&Reason::Frozen))
    };
    let (wanted, spared): (Vec<_>, Vec<_>) = missing.into_iter().partition(stays);
    (wanted, spared.len() as u64)
}
