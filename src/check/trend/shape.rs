//! How a series moves, in one word.

use chrono::{DateTime, Utc};

use super::NEEDED_DAYS;
use crate::model::{Shape, Slope};

/// The share of the days that may carry half of all change before it counts as bursts.
const FEW: usize = 10;

/// `noise`: a change that is smaller says nothing.
pub(super) fn shape(points: &[(DateTime<Utc>, u64)], slope: Option<Slope>, noise: u64) -> Shape {
    let (Some(slope), true) = (slope, points.len() >= NEEDED_DAYS) else { return Shape::Unknown };
    let mut steps: Vec<u64> = points.windows(2).map(|pair| pair[1].1.abs_diff(pair[0].1)).collect();
    steps.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = steps.iter().sum();
    let few = steps.len().div_ceil(FEW);
    let of_few: u64 = steps.iter().take(few).sum();
    if steps.first().is_some_and(|largest| *largest >= noise.max(1)) && of_few * 2 > all {
        return Shape::Bursty;
    }
    let month = slope.per_day.abs() * 30.0;
    // over a month, more than noise and more than one percent
    let moves = month >= noise as f64 && month * 100.0 >= slope.level;
    match moves {
        true if slope.low > 0.0 => Shape::Growing,
        true if slope.high < 0.0 => Shape::Shrinking,
        _ => Shape::Steady,
    }
}
