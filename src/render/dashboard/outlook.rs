//! What becomes of each snapshot, looked up by its id, and which one goes next.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::model::{Dashboard, Decision, Proof, Reason, Shot, SnapshotId, SnapshotState};

/// What the rules say of the snapshots.
pub(super) struct Outlook<'a> {
    decisions: HashMap<&'a SnapshotId, &'a Decision>,
    /// Those that the next prune removes, oldest first.
    pub(super) going: Vec<&'a Decision>,
    /// If none goes now: the next that will, and when.
    pub(super) next: Option<(&'a Decision, Goes)>,
    /// From here on every good snapshot is kept, so that a day without one had none.
    pub(super) whole_from: Option<DateTime<Utc>>,
}

/// When a snapshot goes that stays for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goes {
    /// When the next good one comes: there are as many as there may be.
    WithTheNext,
    /// When it is too old.
    At(DateTime<Utc>),
}

/// What a snapshot is, in the words of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Good,
    Unproven,
    Safety,
    Incomplete,
    Unfinished,
    Damaged,
    Unreadable,
    HalfRemoved,
}

impl<'a> Outlook<'a> {
    pub(super) fn of(page: &'a Dashboard) -> Self {
        let all: &[Decision] = page.plan.as_ref().map_or(&[], |plan| &plan.decisions);
        let going: Vec<&Decision> = all.iter().rev().filter(|decision| !decision.keep).collect();
        let by_age = |decision: &&Decision| matches!(decision.reasons[..], [Reason::Within(_)]);
        let is_counted = |decision: &&Decision| {
            decision.keep && decision.good && !decision.reasons.iter().any(|reason| matches!(reason, Reason::Pinned(_)))
        };
        let is_full = all.iter().filter(is_counted).count() >= page.retention.keep_at_most;
        let oldest = all.iter().rev().find(by_age).filter(|_| is_full);
        let first = all.iter().rev().filter_map(|decision| Some((decision, decision.leaves()?)));
        let first = first.min_by_key(|(_, at)| *at).map(|(decision, at)| (decision, Goes::At(at)));
        let next = oldest.map(|decision| (decision, Goes::WithTheNext)).or(first).filter(|_| going.is_empty());
        let is_within =
            |decision: &&Decision| decision.reasons.iter().any(|reason| matches!(reason, Reason::Within(_)));
        Self {
            decisions: all.iter().map(|decision| (&decision.id, decision)).collect(),
            going,
            next,
            whole_from: all.iter().filter(is_within).map(|decision| decision.id.started()).min(),
        }
    }

    pub(super) fn decision(&self, id: &SnapshotId) -> Option<&'a Decision> {
        self.decisions.get(id).copied()
    }

    /// Whether it goes with the next prune, or is the next to go.
    pub(super) fn is_leaving(&self, id: &SnapshotId) -> bool {
        self.going.iter().any(|decision| decision.id == *id) || self.next.is_some_and(|(next, _)| next.id == *id)
    }
}

impl Kind {
    pub(super) fn of(shot: &Shot) -> Self {
        let summary = &shot.summary;
        let proof = shot.facts().proof;
        match summary.state {
            SnapshotState::Unreadable => Self::Unreadable,
            SnapshotState::Pruned => Self::HalfRemoved,
            SnapshotState::Unfinished => Self::Unfinished,
            _ if proof == Proof::Failed => Self::Damaged,
            _ if summary.safety_of.is_some() => Self::Safety,
            SnapshotState::Incomplete => Self::Incomplete,
            SnapshotState::Complete if proof == Proof::Opened => Self::Good,
            SnapshotState::Complete => Self::Unproven,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unproven => "not read back",
            Self::Safety => "safety",
            Self::Incomplete => "incomplete",
            Self::Unfinished => "unfinished",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
            Self::HalfRemoved => "half removed",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unproven => "unproven",
            Self::Safety | Self::HalfRemoved => "quiet",
            Self::Incomplete | Self::Unfinished => "look",
            Self::Damaged | Self::Unreadable => "bad",
        }
    }

    /// Whether a day that has nothing better has this.
    pub(super) fn is_of_the_calendar(self) -> bool {
        !matches!(self, Self::Safety | Self::HalfRemoved)
    }
}
