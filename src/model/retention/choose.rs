//! Which good snapshots stay: the floor, then the periods from the longest to the shortest, then age.
//! One pass per rule over a list that is sorted once.

use chrono::{DateTime, Utc};

use crate::model::retention::{Period, Reason, Retention, SnapshotFacts};

/// Why each of the good snapshots stays; they are given newest first. No reason: it goes.
pub(super) fn choose(good: &[&SnapshotFacts], retention: &Retention, now: DateTime<Utc>) -> Vec<Vec<Reason>> {
    let mut choice = Choice { good, reasons: vec![Vec::new(); good.len()], left: retention.keep_at_most };
    if !good.is_empty() {
        choice.keep(0, Reason::Newest);
    }
    for i in 0..retention.floor.min(good.len()) {
        choice.keep(i, Reason::Floor(retention.floor));
    }
    for (period, most) in [
        (Period::Year, retention.yearly),
        (Period::Month, retention.monthly),
        (Period::Week, retention.weekly),
        (Period::Day, retention.daily),
        (Period::Hour, retention.hourly),
    ] {
        for i in choice.last_of_each(period, good.len()).take(most) {
            choice.offer(i, Reason::LastOf(period, period.name(good[i].started)));
        }
    }
    let young = good.partition_point(|snapshot| now - snapshot.started <= retention.keep_within);
    // where not all of them fit, the whole span is covered before its newest end is
    for i in choice.last_of_each(Period::Day, young) {
        choice.offer(i, Reason::Within(retention.keep_within));
    }
    for i in 0..young {
        choice.offer(i, Reason::Within(retention.keep_within));
    }
    choice.reasons
}

struct Choice<'a> {
    good: &'a [&'a SnapshotFacts],
    reasons: Vec<Vec<Reason>>,
    /// How many more may stay.
    left: usize,
}

impl<'a> Choice<'a> {
    /// Keeps one whatever the limit says.
    fn keep(&mut self, i: usize, reason: Reason) {
        if self.reasons[i].is_empty() && self.good[i].pin.is_none() {
            self.left = self.left.saturating_sub(1);
        }
        self.reasons[i].push(reason);
    }

    /// Keeps one if it is kept already, or if there is room.
    fn offer(&mut self, i: usize, reason: Reason) {
        let has_place = self.left > 0 || self.good[i].pin.is_some() || !self.reasons[i].is_empty();
        if has_place && !self.reasons[i].contains(&reason) {
            self.keep(i, reason);
        }
    }

    /// The newest snapshot of each period, newest first, among the first `among`.
    fn last_of_each(&self, period: Period, among: usize) -> impl Iterator<Item = usize> + use<'a> {
        let good = &self.good[..among];
        let number = move |i: usize| period.number(good[i].started);
        (0..among).filter(move |&i| i == 0 || number(i) != number(i - 1))
    }
}
