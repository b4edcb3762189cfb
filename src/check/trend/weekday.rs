//! Days that were not like others of their weekday.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::stats::{deviation, median};
use crate::model::UnusualDay;

/// So many other days of the weekday tell what is usual on it.
const OTHERS: usize = 3;
/// A step that is shorter is no day.
const SHORTEST: f64 = 0.75;
/// A score that says nothing more by being larger.
const HIGHEST: f64 = 99.0;

/// The change on one day.
struct Step {
    day: NaiveDate,
    change: f64,
}

/// Each day's change beside the median of the other days of its weekday, in deviations of all days from theirs.
/// `noise`: fewer rows than that, or than one percent, are never unusual.
pub(super) fn unusual(points: &[(DateTime<Utc>, u64)], noise: u64, score: u64) -> Vec<UnusualDay> {
    let steps: Vec<Step> = points.windows(2).filter_map(|pair| step(pair[0], pair[1])).collect();
    let expected: Vec<Option<f64>> = steps.iter().map(|step| usual(&steps, step)).collect();
    let residuals: Vec<f64> = steps.iter().zip(&expected).filter_map(|(s, usual)| Some(s.change - (*usual)?)).collect();
    let Some(latest) = points.last().map(|(_, value)| *value as f64) else { return Vec::new() };
    let mut found = Vec::new();
    for (place, (step, usual)) in steps.iter().zip(&expected).enumerate() {
        let Some(usual) = *usual else { continue };
        let off = (step.change - usual).abs();
        if off < noise.max(1) as f64 || off * 100.0 < latest {
            continue;
        }
        // its own deviation must not hide it where there are few
        let others: Vec<f64> = if residuals.len() == steps.len() {
            residuals.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, r)| *r).collect()
        } else {
            residuals.clone()
        };
        let deviations = deviation(&others).map_or(HIGHEST, |scale| (off / scale).min(HIGHEST));
        if deviations >= score as f64 {
            found.push(UnusualDay { day: step.day, change: step.change, usual, score: deviations });
        }
    }
    found
}

/// The change from one value to the next, as that of one day.
fn step(from: (DateTime<Utc>, u64), to: (DateTime<Utc>, u64)) -> Option<Step> {
    let days = (to.0 - from.0).as_seconds_f64() / 86_400.0;
    let change = (to.1 as f64 - from.1 as f64) / days.max(1.0);
    (days >= SHORTEST).then(|| Step { day: to.0.date_naive(), change })
}

/// The median of the other days of its weekday.
fn usual(steps: &[Step], step: &Step) -> Option<f64> {
    let same = steps.iter().filter(|other| other.day != step.day && other.day.weekday() == step.day.weekday());
    let changes: Vec<f64> = same.map(|other| other.change).collect();
    if changes.len() < OTHERS { None } else { median(&changes) }
}
