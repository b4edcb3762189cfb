//! Is the newest good snapshot young enough?
//!
//! GitHub starts scheduled workflows late (hours, at times) and drops some. So a schedule is given a
//! grace, and only what comes after it is an error.

use chrono::TimeDelta;

use super::Case;
use super::words::span;
use crate::model::{Finding, History, Seen, SnapshotPoint};

/// So many steps between snapshots tell what is usual, and older ones than so many do not count.
const STEPS: std::ops::RangeInclusive<usize> = 5..=10;
/// Clocks of different machines differ a little.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(5);

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let history = case.history()?;
    let limits = case.limits;
    let Some(newest) = history.newest_good() else { return Ok(vec![none(case, history)]) };
    let age = case.seen.now - newest.started;
    let told = format!("the newest good snapshot {} is {} old", newest.id, span(age));
    let hint = "see why the schedule did not run (GitHub drops runs under load, at full hours above all), then run \
                `supabackup backup` and `supabackup verify`";
    let finding = if age < -CLOCKS_DIFFER {
        let message = format!("snapshot {} is {} in the future: a clock is wrong", newest.id, span(-age));
        Some(
            Finding::warning("future", "snapshots", message)
                .hint("set the clocks of this machine and of the runner right"),
        )
    } else if age > limits.max_age + limits.schedule_grace {
        let message =
            format!("{told}, more than {} and a grace of {}", span(limits.max_age), span(limits.schedule_grace));
        Some(Finding::error("stale", "snapshots", message).hint(hint))
    } else if age > limits.max_age {
        let message = format!(
            "{told}, more than {}; schedules may be late by {}",
            span(limits.max_age),
            span(limits.schedule_grace)
        );
        Some(Finding::warning("late", "snapshots", message).hint(hint))
    } else {
        let usual = usual_step(history).filter(|usual| age > *usual * 2 + limits.schedule_grace);
        usual.map(|usual| {
            let message = format!("{told}, and they usually come every {}", span(usual));
            Finding::warning("late", "snapshots", message).hint(hint)
        })
    };
    Ok(finding.into_iter().collect())
}

/// There is nothing that could be restored with certainty.
fn none(case: &Case<'_>, history: &History) -> Finding {
    match history.newest_complete() {
        Some(newest) => {
            let age = span(case.seen.now - newest.started);
            let message = format!(
                "there is no good snapshot: the newest complete one, {}, is {age} old and was not read back",
                newest.id
            );
            Finding::error("no-good-snapshot", "snapshots", message)
                .hint(format!("`supabackup verify {}` reads it back", newest.id))
        }
        None => Finding::error("no-good-snapshot", "snapshots", "there is no complete snapshot of this project")
            .hint("run `supabackup backup`, then `supabackup verify`; or name the right store with --store"),
    }
}

/// The median time between good snapshots.
fn usual_step(history: &History) -> Option<TimeDelta> {
    let good: Vec<&SnapshotPoint> = history.complete().filter(|point| point.is_good()).collect();
    let mut steps: Vec<TimeDelta> = good.windows(2).map(|pair| pair[1].started - pair[0].started).collect();
    if steps.len() < *STEPS.start() {
        return None;
    }
    steps.drain(..steps.len().saturating_sub(*STEPS.end()));
    steps.sort();
    steps.get(steps.len() / 2).copied()
}
