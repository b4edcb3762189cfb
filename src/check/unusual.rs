//! Was the newest whole day unlike others of its weekday?

use chrono::TimeDelta;

use super::Case;
use crate::model::{Finding, Seen, Subject};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    case.history()?;
    let recent = (case.seen.now - TimeDelta::hours(36)).date_naive();
    let mut found = Vec::new();
    for trend in &case.trends {
        let Subject::Table(name) = &trend.subject else { continue };
        let Some(last) = trend.unusual.last().filter(|day| day.day >= recent) else { continue };
        let message = format!(
            "{:+.0} rows on {}; on other {}s {:+.0} were usual",
            last.change,
            last.day,
            last.day.format("%A"),
            last.usual
        );
        found.push(Finding::info("unusual-day", name.to_string(), message));
    }
    Ok(found)
}
