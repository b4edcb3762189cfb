//! Is GitHub about to switch the schedule off?
//!
//! In public repositories it does so 60 days after the last activity.

use chrono::TimeDelta;

use super::Case;
use super::words::span;
use crate::model::{Finding, Seen, Unseen};

/// GitHub's limit.
const SWITCHED_OFF: TimeDelta = TimeDelta::days(60);

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let Some(schedule) = &case.seen.schedule else { return Ok(Vec::new()) };
    let subject = schedule.workflow.clone().unwrap_or_else(|| schedule.repository.clone());
    let hint = "push a commit, or enable the workflow again in the repository's Actions tab";
    if schedule.is_enabled == Some(false) {
        let message = format!("the scheduled workflow of {} is switched off", schedule.repository);
        return Ok(vec![Finding::error("schedule-off", subject, message).hint(hint)]);
    }
    if schedule.is_public == Some(false) {
        return Ok(Vec::new());
    }
    let Some(last) = schedule.last_activity else {
        let why = || Unseen::not_given("GitHub does not tell");
        let why = schedule.unseen.clone().unwrap_or_else(why);
        let reason = format!("when {} was last touched is not known: {}", schedule.repository, why.reason);
        return Err(Unseen { reason, ..why });
    };
    let idle = case.seen.now - last;
    if idle <= case.limits.max_idle {
        return Ok(Vec::new());
    }
    let message = format!(
        "nobody touched {} for {}; GitHub switches schedules of public repositories off after 60",
        schedule.repository,
        span(idle)
    );
    Ok(vec![match idle >= SWITCHED_OFF {
        true => Finding::error("schedule-idle", subject, message).hint(hint),
        false => Finding::warning("schedule-idle", subject, message).hint(hint),
    }])
}
