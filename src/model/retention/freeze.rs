//! When nothing may be removed: something about the project looks wrong, and the old snapshots may
//! be all that is left of it.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};

use crate::model::retention::reason::{coded, span};
use crate::model::retention::{Period, Proof, Retention, SnapshotFacts};
use crate::model::{SnapshotId, SnapshotState};

/// Clocks of different machines differ a little.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

/// The newest snapshot is compared with those of so many days.
const DAYS_BEFORE: usize = 10;

/// Among so many of the newest good snapshots, a leap of time is a reason to freeze.
const LEAP_AMONG: usize = 4;

/// One reason to remove nothing of a project. In JSON it is `{"code": …, "message": …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freeze {
    /// There is no good snapshot.
    NoneGood,
    /// The newest good one, so old, is older than the limit.
    Stale(SnapshotId, TimeDelta, TimeDelta),
    /// The newest complete one was not proven.
    NotVerified(SnapshotId, Proof),
    /// The newest one cannot be read.
    Unreadable(SnapshotId),
    /// The newest complete one has so many rows, and the median of those before was so many.
    LostRows(SnapshotId, u64, u64),
    /// The same for tables.
    LostTables(SnapshotId, u64, u64),
    /// It is so far in the future.
    Future(SnapshotId, TimeDelta),
    /// It is so much later than the good one before it, in a project that is backed up far more often.
    Leap(SnapshotId, TimeDelta),
}

impl Freeze {
    /// A stable name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoneGood => "none-good",
            Self::Stale(..) => "stale",
            Self::NotVerified(..) => "not-verified",
            Self::Unreadable(_) => "newest-unreadable",
            Self::LostRows(..) => "lost-rows",
            Self::LostTables(..) => "lost-tables",
            Self::Future(..) => "future",
            Self::Leap(..) => "leap",
        }
    }

    /// What to do about it: a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::NoneGood | Self::Stale(..) => {
                "make a backup that is complete, and verify it: `supabackup backup`, `supabackup verify`".to_owned()
            }
            Self::NotVerified(id, Proof::Failed) | Self::Unreadable(id) => {
                format!("`supabackup verify {id}` says what is damaged; make a new backup and verify it")
            }
            Self::NotVerified(id, _) => format!("`supabackup verify {id}` reads every row back"),
            Self::LostRows(id, ..) => {
                format!(
                    "look what became of them (`supabackup list {id}`); if it was on purpose, prune once with --freeze-rows 100"
                )
            }
            Self::LostTables(id, ..) => {
                format!(
                    "look what became of them (`supabackup list {id}`); if it was on purpose, prune once with --freeze-tables 100"
                )
            }
            Self::Future(id, _) => {
                format!("set this machine's clock right; if it is, the clock of the run that wrote {id} was wrong: remove its folder by hand")
            }
            Self::Leap(..) => {
                "if backups rested for so long, this ends by itself after three more; if a clock was wrong, remove the snapshots with wrong times by hand"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneGood => f.write_str("there is no good snapshot: complete, and verified as opened"),
            Self::Stale(id, age, limit) => {
                let hours = TimeDelta::hours(age.num_hours());
                write!(f, "the newest good snapshot {id} is {} old, more than {}", span(hours), span(*limit))
            }
            Self::NotVerified(id, Proof::Failed) => write!(f, "the newest complete snapshot {id} was found damaged"),
            Self::NotVerified(id, Proof::Never) => write!(f, "the newest complete snapshot {id} was never verified"),
            Self::NotVerified(id, _) => write!(f, "the newest complete snapshot {id} was not verified as opened"),
            Self::Unreadable(id) => write!(f, "the newest snapshot {id} cannot be read"),
            Self::LostRows(id, rows, usual) => {
                write!(f, "the newest complete snapshot {id} has {rows} rows; {usual} were usual")
            }
            Self::LostTables(id, tables, usual) => {
                write!(f, "the newest complete snapshot {id} has {tables} tables; {usual} were usual")
            }
            Self::Future(id, ahead) => {
                write!(f, "snapshot {id} is {} in the future", span(TimeDelta::minutes(ahead.num_minutes())))
            }
            Self::Leap(id, step) => {
                let days = span(TimeDelta::hours(step.num_hours()));
                write!(f, "snapshot {id} comes {days} after the good one before it: a clock may have been wrong")
            }
        }
    }
}

impl Serialize for Freeze {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        coded(serializer, "Freeze", self.code(), self.to_string())
    }
}

/// Every reason to freeze the project that these snapshots are all of. They are given newest first.
pub(super) fn freeze(all: &[SnapshotFacts], retention: &Retention, now: DateTime<Utc>) -> Vec<Freeze> {
    let mut found = Vec::new();
    let good: Vec<&SnapshotFacts> = all.iter().filter(|snapshot| snapshot.is_good()).take(LEAP_AMONG).collect();
    match good.first() {
        None => found.push(Freeze::NoneGood),
        Some(newest) if now - newest.started > retention.freeze_after => {
            found.push(Freeze::Stale(newest.id.clone(), now - newest.started, retention.freeze_after));
        }
        Some(_) => {}
    }
    // which of the two is newer decides: a damaged old one says nothing about today's backups
    let newest = all.iter().find(|s| s.is_complete() || s.state == SnapshotState::Unreadable);
    match newest {
        Some(newest) if newest.state == SnapshotState::Unreadable => {
            found.push(Freeze::Unreadable(newest.id.clone()));
        }
        Some(newest) if newest.proof != Proof::Opened => {
            found.push(Freeze::NotVerified(newest.id.clone(), newest.proof));
        }
        _ => {}
    }
    found.extend(lost(all, retention));
    let ahead = |snapshot: &&SnapshotFacts| snapshot.started.max(snapshot.id.started()) - now > CLOCKS_DIFFER;
    if let Some(snapshot) = all.iter().filter(|s| s.state != SnapshotState::Pruned).find(ahead) {
        let time = snapshot.started.max(snapshot.id.started());
        found.push(Freeze::Future(snapshot.id.clone(), time - now));
    }
    found.extend(leap(all, &good, retention));
    found
}

/// Rows and tables of the newest complete snapshot beside the median of those of the days before: of
/// each day the last one, so that a loss is not taken for usual after a few hours of hourly backups.
fn lost(all: &[SnapshotFacts], retention: &Retention) -> Vec<Freeze> {
    let day = |snapshot: &SnapshotFacts| Period::Day.number(snapshot.started);
    let mut complete = all.iter().filter(|snapshot| snapshot.is_complete());
    let Some(newest) = complete.next() else { return Vec::new() };
    let mut before: Vec<&SnapshotFacts> = Vec::new();
    for snapshot in complete {
        if before.last().is_none_or(|last| day(last) != day(snapshot)) {
            before.push(snapshot);
        }
        if before.len() > DAYS_BEFORE {
            break;
        }
    }
    // those of its own day only where there is nothing else
    if before.len() > 1 && before.first().is_some_and(|first| day(first) == day(newest)) {
        before.remove(0);
    }
    before.truncate(DAYS_BEFORE);
    let fell = |has: u64, usual: u64, percent: u8| {
        u128::from(has) * 100 < u128::from(usual) * u128::from(100_u8.saturating_sub(percent))
    };
    let rows = median(before.iter().map(|s| s.rows).collect());
    let tables = median(before.iter().map(|s| s.tables).collect());
    let mut found = Vec::new();
    if fell(newest.rows, rows, retention.freeze_rows) {
        found.push(Freeze::LostRows(newest.id.clone(), newest.rows, rows));
    }
    if fell(newest.tables, tables, retention.freeze_tables) {
        found.push(Freeze::LostTables(newest.id.clone(), newest.tables, tables));
    }
    found
}

/// A clock that was ahead makes everything before it look old. A project whose schedule is as sparse
/// as that, or that has no other snapshots to compare with, is left alone.
fn leap(all: &[SnapshotFacts], newest_good: &[&SnapshotFacts], retention: &Retention) -> Option<Freeze> {
    let step = |pair: &[&SnapshotFacts]| pair[0].started - pair[1].started;
    let (later, widest) = newest_good.windows(2).map(|pair| (pair[0], step(pair))).max_by_key(|(_, step)| *step)?;
    let good: Vec<&SnapshotFacts> = all.iter().filter(|s| s.is_good()).take(DAYS_BEFORE * 2).collect();
    let usual = median(good.windows(2).map(|pair| step(pair).num_seconds().unsigned_abs()).collect());
    let is_unusual = widest.num_seconds().unsigned_abs() > usual.saturating_mul(4);
    (widest > retention.keep_within.max(retention.freeze_after) && is_unusual)
        .then(|| Freeze::Leap(later.id.clone(), widest))
}

/// The middle value, or the mean of the two in the middle; 0 of none.
fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    let middle = values.len() / 2;
    match values.get(middle) {
        None => 0,
        Some(&upper) if values.len() % 2 == 1 => upper,
        Some(&upper) => values.get(middle.saturating_sub(1)).map_or(upper, |&lower| lower.midpoint(upper)),
    }
}
