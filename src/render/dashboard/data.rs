//! The numbers for the script, as JSON that cannot end the block it stands in.

use serde::Serialize;

use super::outlook::Kind;
use crate::model::{Dashboard, SnapshotState};
use crate::render::text::clean;

/// What the script is given. Times are seconds since 1970.
#[derive(Serialize)]
struct Data {
    written: i64,
    max_rows: u64,
    max_size: u64,
    /// Of each snapshot: when it began, rows, bytes as stored, and whether it is complete.
    shots: Vec<(i64, u64, u64, u8)>,
    tables: Vec<Series>,
    /// Rows of all tables in the project, if they were counted.
    now: Option<u64>,
}

/// One table.
#[derive(Serialize)]
struct Series {
    name: String,
    max: u64,
    /// Of each snapshot the difference to the one before that has the table; null: it has it not.
    steps: Vec<Option<i64>>,
    /// In the project now.
    now: Option<u64>,
}

pub(super) fn json(page: &Dashboard) -> String {
    let mut tables: Vec<Series> = page.tables.iter().map(|name| series(name, page)).collect();
    let mut last = vec![0_i64; tables.len()];
    for (number, shot) in page.shots.iter().enumerate() {
        for count in shot.counts.iter().flatten() {
            let place = count.table as usize;
            let (Some(series), Some(last)) = (tables.get_mut(place), last.get_mut(place)) else { continue };
            let rows = i64::try_from(count.rows).unwrap_or(i64::MAX);
            series.steps.resize(number, None);
            series.steps.push(Some(rows - *last));
            *last = rows;
        }
    }
    let is_live = page.watch.tables.iter().any(|table| table.is_live);
    let data = Data {
        written: page.watch.at.timestamp(),
        max_rows: page.limits.max_total_rows,
        max_size: page.limits.max_snapshot_size,
        shots: page.shots.iter().map(point).collect(),
        tables,
        now: page.watch.rows.filter(|_| is_live),
    };
    // a value of plain numbers and texts is always written
    let json = serde_json::to_string(&data).unwrap_or_else(|_| "{}".to_owned());
    json.replace('<', "\\u003c")
}

fn series(name: &crate::model::TableName, page: &Dashboard) -> Series {
    let now = page.watch.tables.iter().find(|table| table.name == *name && table.is_live);
    Series {
        name: clean(&name.to_string()),
        max: page.limits.of(name).max_rows,
        steps: Vec::new(),
        now: now.and_then(|table| table.rows),
    }
}

fn point(shot: &crate::model::Shot) -> (i64, u64, u64, u8) {
    let summary = &shot.summary;
    let is_complete = summary.state == SnapshotState::Complete && Kind::of(shot) != Kind::Safety;
    (summary.started.timestamp(), summary.rows, summary.stored_bytes, u8::from(is_complete))
}
