//! Will a limit be reached soon?

use super::Case;
use crate::model::{Finding, Reach, Seen, Subject};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    case.history()?;
    let mut found = Vec::new();
    for trend in &case.trends {
        for forecast in &trend.forecasts {
            let Reach::Ahead { earliest, likely, .. } = &forecast.reach else { continue };
            if *likely - case.seen.now > case.limits.forecast_notice {
                continue;
            }
            let subject = match &trend.subject {
                Subject::Table(name) => name.to_string(),
                Subject::AllRows => "all tables".to_owned(),
                Subject::SnapshotSize => "snapshots".to_owned(),
                Subject::DatabaseSize => "database".to_owned(),
            };
            let day = |at: &chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d").to_string();
            let message = format!(
                "will reach {} ({}) about {}, at the earliest {}, if it goes on as in the last {} days",
                forecast.limit,
                super::words::count(forecast.value),
                day(likely),
                day(earliest),
                trend.days
            );
            let hint = "make room before, or allow more";
            found.push(Finding::warning("limit-ahead", subject, message).hint(hint));
        }
    }
    Ok(found)
}
