//! `list`: one line per snapshot, in 80 columns as long as the numbers are ordinary.

use chrono::{DateTime, Utc};
use comfy_table::{CellAlignment, Table, presets};

use crate::model::{Pin, SnapshotState, SnapshotSummary};
use crate::render::columns::wrapped;
use crate::render::numbers::short_age;
use crate::render::text::clean;
use crate::render::{Palette, bytes, count, duration};

const WIDTH: usize = 80;

/// The snapshots of a store; a heading per project where there are several.
pub fn list_human(snapshots: &[SnapshotSummary], now: DateTime<Utc>, palette: Palette) -> String {
    let mut out = String::new();
    let groups: Vec<&[SnapshotSummary]> = snapshots.chunk_by(|a, b| a.project == b.project).collect();
    for group in &groups {
        if groups.len() > 1 {
            out.push_str(&format!("{}\n", palette.bold(&clean(&group[0].project))));
        }
        let mut table = draw(group, now, 2);
        if table.lines().any(|line| line.chars().count() > WIDTH) {
            table = draw(group, now, 1);
        }
        out.push_str(&paint(&table, palette));
        for snapshot in *group {
            if let Some(problem) = &snapshot.problem {
                out.push_str(&format!("{}: {}\n", snapshot.id, clean(problem)));
            }
            if let Some(pin) = &snapshot.pin {
                out.push_str(&wrapped(&format!("{}: ", snapshot.id), &pinned(pin), WIDTH));
            }
        }
        out.push_str(if groups.len() > 1 { "\n" } else { "" });
    }
    out
}

/// `pinned: before the migration`
pub(super) fn pinned(pin: &Pin) -> String {
    match &pin.note {
        Some(note) => format!("pinned: {}", clean(note)),
        None => "pinned".to_owned(),
    }
}

fn draw(snapshots: &[SnapshotSummary], now: DateTime<Utc>, gap: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["SNAPSHOT", "AGE", "STATE", "TABLES", "ROWS", "STORED", "TOOK", "VERIFIED"]);
    for snapshot in snapshots {
        table.add_row(line(snapshot, now));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, gap));
        if (3..=6).contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn line(snapshot: &SnapshotSummary, now: DateTime<Utc>) -> [String; 8] {
    let known = |text: String| if snapshot.finished.is_some() { text } else { "-".to_owned() };
    let verified = match &snapshot.verified {
        None => "-".to_owned(),
        Some(record) => {
            let word = if record.ok { clean(&record.depth) } else { "DAMAGED".to_owned() };
            short_age(record.at, now).map_or_else(|| format!("{word} later"), |age| format!("{word} {age}"))
        }
    };
    [
        snapshot.id.to_string(),
        short_age(snapshot.started, now).unwrap_or_else(|| "future".to_owned()),
        match snapshot.safety_of {
            Some(_) => "safety".to_owned(),
            None => snapshot.state.to_string(),
        },
        known(count(snapshot.tables)),
        known(count(snapshot.rows)),
        known(bytes(snapshot.stored_bytes)),
        snapshot.duration().map_or_else(|| "-".to_owned(), duration),
        verified,
    ]
}

/// Colours whole words, after the widths are settled.
fn paint(table: &str, palette: Palette) -> String {
    let mut out = String::new();
    for (i, line) in table.lines().enumerate() {
        let line = if i == 0 { palette.dim(line) } else { line.to_owned() };
        let line = [SnapshotState::Incomplete, SnapshotState::Unfinished, SnapshotState::Pruned]
            .iter()
            .fold(line, |line, state| line.replacen(&state.to_string(), &palette.yellow(&state.to_string()), 1));
        let line = ["unreadable", "DAMAGED"].iter().fold(line, |line, word| line.replacen(word, &palette.red(word), 1));
        out.push_str(&line);
        out.push('\n');
    }
    out
}
