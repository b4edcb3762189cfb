//! Does the key serve, and for how long?

use chrono::TimeDelta;

use super::Case;
use super::words::span;
use crate::model::{Finding, Seen, Unseen};

/// A key that ends so soon is an error.
const URGENT: TimeDelta = TimeDelta::days(3);

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let Some(key) = &case.seen.key else { return Err(Unseen::not_given("no key of the project was given")) };
    if let Some(why) = &key.refused {
        let finding = Finding::error("key", "key", format!("the key cannot serve: {}", why.reason));
        return Ok(vec![finding.hint(why.hint.clone().unwrap_or_else(|| "give the project's secret key".to_owned()))]);
    }
    let Some(expires) = key.expires else { return Ok(Vec::new()) };
    let left = expires - case.seen.now;
    if left > case.limits.key_notice {
        return Ok(Vec::new());
    }
    let message = format!("the key ({}) ends on {}, in {}", key.kind, expires.format("%Y-%m-%d"), span(left));
    let hint = "make a secret key (sb_secret_…) in the dashboard (Project Settings, API Keys), which does not expire";
    Ok(vec![match left <= URGENT {
        true => Finding::error("key-expires", "key", message).hint(hint),
        false => Finding::warning("key-expires", "key", message).hint(hint),
    }])
}
