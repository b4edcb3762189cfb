//! The plan: for each project whether it is frozen, and for each snapshot whether it stays, and why.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::model::retention::choose::choose;
use crate::model::retention::freeze::freeze;
use crate::model::retention::{Freeze, Proof, Reason, Retention, SnapshotFacts};
use crate::model::{SnapshotId, SnapshotState};

/// What is going to be done, and what is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrunePlan {
    /// The moment that ages were counted from.
    pub at: DateTime<Utc>,
    /// The rules.
    pub retention: Retention,
    /// Each project by itself, in the order of names.
    pub projects: Vec<ProjectPlan>,
    /// Half-written files of dead runs that no list shows; they go whatever is frozen.
    pub leftovers: Vec<Leftover>,
}

/// One project's part of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectPlan {
    /// Its folder in the store.
    pub project: String,
    /// Why nothing of it is removed. Empty: it is not frozen.
    pub freeze: Vec<Freeze>,
    /// One per snapshot, newest first.
    pub decisions: Vec<Decision>,
}

/// What becomes of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Which.
    pub id: SnapshotId,
    /// What it is.
    pub state: SnapshotState,
    /// Whether it is good: complete, and proven.
    pub good: bool,
    /// Whether it stays.
    pub keep: bool,
    /// Why: at least one reason.
    pub reasons: Vec<Reason>,
    /// Rows stored.
    pub rows: u64,
    /// Bytes that it takes.
    pub bytes: u64,
    /// When the newest file of a folder without a manifest was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub touched: Option<DateTime<Utc>>,
}

/// A file that a write left which did not end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Leftover {
    /// Its name in the store.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: DateTime<Utc>,
}

impl Decision {
    /// When it goes if nothing else changes: the end of the time that all its reasons give it. `None`: it goes
    /// already, or something keeps it that does not end by itself.
    pub fn leaves(&self) -> Option<DateTime<Utc>> {
        let begun = self.touched.map_or(self.id.started(), |touched| touched.max(self.id.started()));
        let ends = self.reasons.iter().map(|reason| match reason {
            Reason::Within(limit)
            | Reason::UnprovenYoung(limit)
            | Reason::IncompleteYoung(limit)
            | Reason::UnfinishedYoung(limit)
            | Reason::SafetyYoung(limit) => begun.checked_add_signed(*limit),
            _ => None,
        });
        let ends: Option<Vec<DateTime<Utc>>> = ends.collect();
        ends.filter(|_| self.keep)?.into_iter().max()
    }
}

impl PrunePlan {
    /// Plans for all these snapshots, in any order, of any number of projects. All snapshots of a
    /// project must be there: what is not seen cannot be weighed.
    pub fn new(mut snapshots: Vec<SnapshotFacts>, retention: &Retention, now: DateTime<Utc>) -> Self {
        snapshots
            .sort_by(|a, b| a.project.cmp(&b.project).then(b.started.cmp(&a.started)).then_with(|| b.id.cmp(&a.id)));
        let projects = snapshots.chunk_by(|a, b| a.project == b.project);
        let projects = projects.map(|all| project(all, retention, now)).collect();
        Self { at: now, retention: retention.clone(), projects, leftovers: Vec::new() }
    }

    /// Every snapshot that goes, with its project; oldest first, so that a plan that is cut off has
    /// removed what matters least.
    pub fn removals(&self) -> impl Iterator<Item = (&str, &Decision)> {
        self.projects
            .iter()
            .flat_map(|plan| plan.decisions.iter().rev().filter(|d| !d.keep).map(move |d| (plan.project.as_str(), d)))
    }

    /// Whether any project is frozen.
    pub fn is_frozen(&self) -> bool {
        self.projects.iter().any(|plan| !plan.freeze.is_empty())
    }
}

/// One project; its snapshots newest first.
fn project(all: &[SnapshotFacts], retention: &Retention, now: DateTime<Utc>) -> ProjectPlan {
    let freeze = freeze(all, retention, now);
    let good: Vec<&SnapshotFacts> = all.iter().filter(|snapshot| snapshot.is_good()).collect();
    let mut chosen = choose(&good, retention, now).into_iter();
    let decide = |snapshot: &SnapshotFacts| {
        let chosen = if snapshot.is_good() { chosen.next().unwrap_or_default() } else { Vec::new() };
        let (mut keep, mut reasons) = judge(snapshot, chosen, retention, now);
        // what has no manifest any more is no snapshot: nothing is lost with the rest of it
        if !keep && !freeze.is_empty() && snapshot.state != SnapshotState::Pruned {
            keep = true;
            reasons.insert(0, Reason::Frozen);
        }
        Decision {
            id: snapshot.id.clone(),
            state: snapshot.state,
            good: snapshot.is_good(),
            keep,
            reasons,
            rows: snapshot.rows,
            bytes: snapshot.bytes,
            touched: snapshot.touched,
        }
    };
    let decisions = all.iter().map(decide).collect();
    ProjectPlan { project: all.first().map(|s| s.project.clone()).unwrap_or_default(), freeze, decisions }
}

/// Whether one snapshot stays where nothing is frozen. `chosen`: why a good one does.
fn judge(
    snapshot: &SnapshotFacts,
    chosen: Vec<Reason>,
    retention: &Retention,
    now: DateTime<Utc>,
) -> (bool, Vec<Reason>) {
    if let Some(pin) = &snapshot.pin {
        let mut reasons = vec![Reason::Pinned(pin.note.clone())];
        reasons.extend(chosen);
        return (true, reasons);
    }
    let by_age = |age: TimeDelta, limit: TimeDelta, young: fn(TimeDelta) -> Reason, old: fn(TimeDelta) -> Reason| {
        let keep = age <= limit;
        (keep, vec![if keep { young(limit) } else { old(limit) }])
    };
    let age = now - snapshot.started;
    match snapshot.state {
        SnapshotState::Pruned => (false, vec![Reason::Begun]),
        SnapshotState::Unreadable => (true, vec![Reason::Unreadable]),
        SnapshotState::Unfinished => {
            let last_sign = snapshot.touched.map_or(snapshot.started, |touched| touched.max(snapshot.started));
            by_age(now - last_sign, retention.keep_incomplete, Reason::UnfinishedYoung, Reason::UnfinishedOld)
        }
        _ if snapshot.safety_of.is_some() => by_age(age, retention.keep_safety, Reason::SafetyYoung, Reason::SafetyOld),
        SnapshotState::Incomplete => {
            by_age(age, retention.keep_incomplete, Reason::IncompleteYoung, Reason::IncompleteOld)
        }
        SnapshotState::Complete if snapshot.proof != Proof::Opened => {
            by_age(age, retention.keep_within, Reason::UnprovenYoung, Reason::UnprovenOld)
        }
        SnapshotState::Complete if !chosen.is_empty() => (true, chosen),
        SnapshotState::Complete if age <= retention.keep_within => {
            (false, vec![Reason::OverLimit(retention.keep_at_most)])
        }
        SnapshotState::Complete => (false, vec![Reason::Old(retention.keep_within)]),
    }
}
