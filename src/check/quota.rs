//! Is there room left: in the plan's database, and in the stores?

use super::Case;
use super::words::bytes;
use crate::model::{Finding, NOT_CHECKED, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let mut found = Vec::new();
    for store in &case.seen.stores {
        match &store.free {
            Some(Ok(free)) => found.extend(room(case, &store.place, *free)),
            Some(Err(why)) if store.newest.is_ok() => {
                let message = format!("how much space is free does not show: {}", why.reason);
                found.push(Finding::warning("space-unknown", store.place.clone(), message));
            }
            _ => {}
        }
    }
    let limits = case.limits;
    if limits.max_database_size == 0 {
        return Ok(found);
    }
    let unseen = match case.live() {
        Ok(live) => match (live.database_bytes, &live.size_unseen) {
            (Some(size), _) => {
                found.extend(database(case, size));
                return Ok(found);
            }
            (None, Some(why)) => why.clone(),
            (None, None) => return Ok(found),
        },
        Err(why) => why,
    };
    if found.is_empty() {
        return Err(unseen);
    }
    let message = format!("not checked: {}", unseen.reason);
    found.push(match unseen.is_failure {
        true => Finding::warning(NOT_CHECKED, "database size", message),
        false => Finding::info(NOT_CHECKED, "database size", message),
    });
    Ok(found)
}

fn database(case: &Case<'_>, size: u64) -> Option<Finding> {
    let limits = case.limits;
    let percent = u128::from(size) * 100 / u128::from(limits.max_database_size);
    if percent < u128::from(limits.quota_notice) {
        return None;
    }
    let message = format!("takes {}, {percent} % of {}", bytes(size), bytes(limits.max_database_size));
    let full = "beyond its plan's limit a project is made read-only; free some space, or choose a larger plan";
    Some(match (percent >= 100, limits.is_database_size_given) {
        (true, true) => Finding::error("quota", "database", message).hint(full),
        (false, true) => Finding::warning("quota", "database", message).hint(full),
        // nobody said which plan it is
        (_, false) => Finding::warning("quota", "database", format!("{message}, which is the limit of the free plan"))
            .hint("on a paid plan, set max_database_size to its limit; on the free one, free some space"),
    })
}

/// Two snapshots should fit: one is not enough to keep the last good one.
fn room(case: &Case<'_>, place: &str, free: u64) -> Option<Finding> {
    let newest = case.history().ok().and_then(|history| history.newest_complete());
    let one = newest.map_or(0, |newest| newest.stored_bytes);
    let hint = "free some space, or keep fewer snapshots";
    if free < one {
        let message = format!("{} are free, and the newest snapshot took {}", bytes(free), bytes(one));
        return Some(Finding::error("space", place, message).hint(hint));
    }
    let least = case.limits.min_free.max(one.saturating_mul(2));
    let message = || format!("{} are free, less than {}", bytes(free), bytes(least));
    (case.limits.min_free > 0 && free < least).then(|| Finding::warning("space", place, message()).hint(hint))
}
