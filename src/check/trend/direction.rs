//! Where a series leads, and when it gets there.

use chrono::{DateTime, TimeDelta, Utc};

use super::NEEDED_DAYS;
use super::stats::{median, theil_sen};
use crate::model::{Forecast, Reach, Slope};

/// Nobody plans further ahead, and no month tells so much.
const HORIZON: TimeDelta = TimeDelta::days(365);
const DAY: f64 = 86_400.0;

/// Its direction; `None` where fewer than eight days, or less than a week, tell.
pub(super) fn slope(points: &[(DateTime<Utc>, u64)]) -> Option<Slope> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    if points.len() < NEEDED_DAYS || last - first < TimeDelta::days(6) {
        return None;
    }
    let days = |at: DateTime<Utc>| (at - first).as_seconds_f64() / DAY;
    let xy: Vec<(f64, f64)> = points.iter().map(|(at, value)| (days(*at), *value as f64)).collect();
    let (per_day, low, high) = theil_sen(&xy)?;
    let offsets: Vec<f64> = xy.iter().map(|(x, y)| y - per_day * x).collect();
    let level = median(&offsets)? + per_day * days(last);
    Some(Slope { per_day, low, high, level })
}

/// When a limit is reached, if it goes on like this.
pub(super) fn forecast(
    limit: &'static str,
    value: u64,
    latest: u64,
    slope: Option<Slope>,
    points: &[(DateTime<Utc>, u64)],
    now: DateTime<Utc>,
) -> Forecast {
    let reach = match slope {
        _ if latest >= value => Reach::Past,
        None => Reach::TooFew { days: points.len(), needed: NEEDED_DAYS },
        // a direction that may as well be none
        Some(slope) if slope.low <= 0.0 || slope.per_day <= 0.0 => flat(slope),
        Some(slope) => ahead(value, slope, latest, now),
    };
    Forecast { limit, value, reach }
}

fn flat(slope: Slope) -> Reach {
    if slope.high <= 0.0 { Reach::Far } else { Reach::NoDirection }
}

fn ahead(value: u64, slope: Slope, latest: u64, now: DateTime<Utc>) -> Reach {
    // the line may lie beyond the newest value, or the value beyond the line: the nearer one counts
    let left = (value as f64 - slope.level.max(latest as f64)).max(0.0);
    let reached = |per_day: f64| {
        let days = left / per_day;
        (days <= HORIZON.as_seconds_f64() / DAY).then(|| now + TimeDelta::seconds((days * DAY) as i64))
    };
    match (reached(slope.high), reached(slope.per_day)) {
        (Some(earliest), Some(likely)) => Reach::Ahead { earliest, likely, latest: reached(slope.low) },
        _ => Reach::Far,
    }
}
