//! What the days before tell. The methods and their sources stand in `docs/monitoring.md`.

mod direction;
mod series;
mod shape;
mod stats;
mod weekday;

use crate::model::{Limits, Observation, Subject, Trend};

use series::{Series, all_series};

/// Days that a direction needs.
pub(super) const NEEDED_DAYS: usize = 8;

/// One trend per table, and those of the whole.
pub fn trends(seen: &Observation, limits: &Limits) -> Vec<Trend> {
    all_series(seen).into_iter().filter_map(|series| trend(series, seen, limits)).collect()
}

fn trend(series: Series, seen: &Observation, limits: &Limits) -> Option<Trend> {
    let Series { subject, points } = series;
    let latest = points.last()?.1;
    let table = match &subject {
        Subject::Table(name) => limits.of(name),
        _ => &limits.tables,
    };
    // bytes have no least number of rows
    let noise = match &subject {
        Subject::Table(_) | Subject::AllRows => table.min_change,
        Subject::SnapshotSize | Subject::DatabaseSize => latest / 100,
    };
    let slope = direction::slope(&points);
    let capped: Vec<(&'static str, u64)> = match &subject {
        Subject::Table(_) => vec![("max_rows", table.max_rows)],
        Subject::AllRows => vec![("max_total_rows", limits.max_total_rows)],
        Subject::SnapshotSize => vec![("max_snapshot_size", limits.max_snapshot_size)],
        Subject::DatabaseSize => vec![("max_database_size", limits.max_database_size)],
    };
    let forecasts = capped.into_iter().filter(|(_, value)| *value > 0);
    let forecasts = forecasts.map(|(limit, value)| direction::forecast(limit, value, latest, slope, &points, seen.now));
    Some(Trend {
        days: points.len(),
        latest,
        daily: series::change(&points, chrono::TimeDelta::days(1)),
        weekly: series::change(&points, chrono::TimeDelta::days(7)),
        shape: shape::shape(&points, slope, noise),
        forecasts: forecasts.collect(),
        unusual: weekday::unusual(&points, noise, limits.unusual_score),
        slope,
        subject,
        series: points,
    })
}
