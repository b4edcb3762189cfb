//! From snapshots to one value a day.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Change, Observation, SnapshotPoint, Subject, TableName};

/// Values with their moments, oldest first: the last one of each day (UTC).
pub(super) type Points = Vec<(DateTime<Utc>, u64)>;

/// One series.
pub(super) struct Series {
    pub(super) subject: Subject,
    pub(super) points: Points,
}

/// A schedule may run early or late by this, and a day is still a day.
const SLACK: TimeDelta = TimeDelta::hours(6);

/// Every series that the snapshots give; where the project shows, it is the newest value. Tables that only
/// the project knows have one value.
pub(super) fn all_series(seen: &Observation) -> Vec<Series> {
    let mut days: BTreeMap<i64, &SnapshotPoint> = BTreeMap::new();
    let complete = seen.history.iter().flat_map(|history| history.complete()).filter(|point| point.started <= seen.now);
    for point in complete {
        days.insert(day(point.started), point);
    }
    let mut tables: BTreeMap<TableName, BTreeMap<i64, (DateTime<Utc>, u64)>> = BTreeMap::new();
    if let Ok(history) = &seen.history {
        for (day, point) in &days {
            for count in point.counts.iter().flatten() {
                let Some(name) = history.name(*count) else { continue };
                tables.entry(name.clone()).or_default().insert(*day, (point.started, count.rows));
            }
        }
    }
    let of_days = |value: fn(&SnapshotPoint) -> u64| -> BTreeMap<i64, (DateTime<Utc>, u64)> {
        days.iter().map(|(day, point)| (*day, (point.started, value(point)))).collect()
    };
    let mut all_rows = of_days(|point| point.rows);
    let text = of_days(|point| point.raw_bytes);
    let mut database = BTreeMap::new();
    if let Ok(live) = &seen.live {
        let today = day(seen.now);
        for table in live.tables.iter().filter(|table| table.exact) {
            let Some(rows) = table.rows else { continue };
            tables.entry(table.name.clone()).or_default().insert(today, (seen.now, rows));
        }
        if !live.tables.is_empty() && live.tables.iter().all(|table| table.exact && table.rows.is_some()) {
            all_rows.insert(today, (seen.now, live.tables.iter().filter_map(|table| table.rows).sum()));
        }
        database = live.database_bytes.map(|size| scaled(&text, size)).unwrap_or_default();
    }
    let whole = [
        (Subject::AllRows, all_rows),
        (Subject::SnapshotSize, of_days(|point| point.stored_bytes)),
        (Subject::DatabaseSize, database),
    ];
    let tables = tables.into_iter().map(|(name, values)| (Subject::Table(name), values));
    whole
        .into_iter()
        .chain(tables)
        .map(|(subject, values)| Series { subject, points: values.into_values().collect() })
        .collect()
}

/// Today's size of the database, taken back over the days in proportion to the text of the rows.
fn scaled(text: &BTreeMap<i64, (DateTime<Utc>, u64)>, size: u64) -> BTreeMap<i64, (DateTime<Utc>, u64)> {
    let newest = text.values().next_back().map_or(0, |(_, bytes)| *bytes);
    let value =
        |bytes: u64| u64::try_from(u128::from(bytes) * u128::from(size) / u128::from(newest.max(1))).unwrap_or(size);
    text.iter().filter(|_| newest > 0).map(|(day, (at, bytes))| (*day, (*at, value(*bytes)))).collect()
}

fn day(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(86_400)
}

/// From the value of a period before to the newest one. Where more time lies between, the percent is that of
/// the period; twice the period is too much to tell.
pub(super) fn change(points: &[(DateTime<Utc>, u64)], period: TimeDelta) -> Option<Change> {
    let (now, to) = points.last().copied()?;
    let (since, from) = points.iter().rev().find(|(at, _)| now - *at >= period - SLACK).copied()?;
    let elapsed = now - since;
    if elapsed > period * 2 + SLACK {
        return None;
    }
    let share = (period.as_seconds_f64() / elapsed.as_seconds_f64()).min(1.0);
    let percent = (from > 0).then(|| (to as f64 - from as f64) / from as f64 * 100.0 * share);
    Some(Change { from, since, to, percent })
}
