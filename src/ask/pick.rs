//! What to restore, and how.

use chrono::{DateTime, Utc};

use super::{Ask, Entry, Unanswered};
use crate::model::{RestoreMode, SnapshotId, SnapshotState, SnapshotSummary, TableName};
use crate::render;

/// Columns that a list puts before its entries, and the last one of the screen, which wraps on some.
const MARK: usize = 3;
/// Columns of a box to tick.
const TICK: usize = 4;

/// Runs without a snapshot that are named one by one.
const NAMED: usize = 5;

/// The snapshot to restore. What cannot be restored is said above the list, with the reason. Where the
/// store has several projects, the project is asked for first, `own` at the top.
pub fn pick_snapshot(
    ask: &mut dyn Ask,
    snapshots: &[SnapshotSummary],
    own: Option<&str>,
    now: DateTime<Utc>,
) -> Result<SnapshotId, Unanswered> {
    let project = pick_project(ask, snapshots, own)?;
    let of_project: Vec<&SnapshotSummary> = snapshots.iter().filter(|s| s.project == project).collect();
    let (usable, others): (Vec<&SnapshotSummary>, Vec<&SnapshotSummary>) =
        of_project.into_iter().partition(|s| matches!(s.state, SnapshotState::Complete | SnapshotState::Incomplete));
    let notes = render::not_offered(&others, now, ask.width(), NAMED);
    if !notes.is_empty() {
        ask.say(&notes)?;
    }
    if usable.is_empty() {
        return Err(Unanswered::Nothing("the store holds no snapshot that can be restored".to_owned()));
    }
    let incomplete = usable.iter().filter(|s| s.state == SnapshotState::Incomplete).count() as u64;
    if incomplete > 0 {
        let text = "An incomplete snapshot lacks something that was seen when it was taken (`supabackup list ID` \
                    names it). It is used only with --accept-incomplete, and never in mode clear.";
        ask.say(&render::paragraph(text, ask.width()))?;
    }
    let labels = render::snapshot_choices(&usable, now, ask.width().saturating_sub(MARK));
    let entries: Vec<Entry> = usable
        .iter()
        .zip(labels)
        .map(|(s, label)| Entry { whole: label.clone(), label, short: s.id.to_string() })
        .collect();
    let chosen = ask.one_of("Which snapshot?", &entries)?;
    usable.get(chosen).map(|s| s.id.clone()).ok_or_else(|| no_such(chosen))
}

/// The project whose snapshots are listed; asked only where there is a choice.
fn pick_project(ask: &mut dyn Ask, snapshots: &[SnapshotSummary], own: Option<&str>) -> Result<String, Unanswered> {
    let mut projects: Vec<&str> = snapshots.iter().map(|s| s.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    // stable: the own one comes first, the others stay in order
    projects.sort_by_key(|name| own != Some(*name));
    match projects.as_slice() {
        [] => Err(Unanswered::Nothing("the store holds no snapshots".to_owned())),
        [one] => Ok((*one).to_owned()),
        several => {
            let entries: Vec<Entry> = several
                .iter()
                .map(|name| {
                    let count = snapshots.iter().filter(|s| s.project == **name).count() as u64;
                    let here = if own == Some(*name) { ", the project to write into" } else { "" };
                    let text = format!("{} ({}{here})", render::flat(name, 60), render::plural(count, "snapshot"));
                    Entry {
                        label: render::flat(&text, ask.width().saturating_sub(MARK)),
                        whole: text,
                        short: render::flat(name, ask.width() / 2),
                    }
                })
                .collect();
            let chosen = ask.one_of("Snapshots of which project?", &entries)?;
            several.get(chosen).map(|name| (*name).to_owned()).ok_or_else(|| no_such(chosen))
        }
    }
}

/// The tables to restore, at least one. The numbers are the snapshot's rows.
pub fn pick_tables(ask: &mut dyn Ask, tables: &[(TableName, u64)]) -> Result<Vec<TableName>, Unanswered> {
    if tables.is_empty() {
        return Err(Unanswered::Nothing("the snapshot holds no tables".to_owned()));
    }
    let labels = render::table_choices(tables, ask.width().saturating_sub(MARK + TICK));
    let entries: Vec<Entry> = tables
        .iter()
        .zip(labels)
        .map(|((name, _), label)| {
            let whole = name.to_string();
            Entry { label, short: render::flat(&whole, ask.width() / 2), whole }
        })
        .collect();
    loop {
        let chosen = ask.some_of("Which tables?", &entries)?;
        let names: Option<Vec<TableName>> =
            chosen.iter().map(|&index| tables.get(index).map(|(name, _)| name.clone())).collect();
        match names {
            None => return Err(no_such(chosen.len())),
            Some(names) if names.is_empty() => ask.say("No table is chosen: choose at least one.\n")?,
            Some(names) => return Ok(names),
        }
    }
}

/// What is done with rows, in the order of the harm that it can do.
const MODES: [RestoreMode; 4] =
    [RestoreMode::IntoEmpty, RestoreMode::InsertMissing, RestoreMode::Merge, RestoreMode::Clear];

/// The mode.
pub fn pick_mode(ask: &mut dyn Ask) -> Result<RestoreMode, Unanswered> {
    let entries: Vec<Entry> = MODES
        .iter()
        .map(|mode| {
            let text = format!("{:<15} {}", mode.word(), render::mode_line(*mode));
            Entry {
                label: render::flat(&text, ask.width().saturating_sub(MARK)),
                whole: text,
                short: mode.word().to_owned(),
            }
        })
        .collect();
    let chosen = ask.one_of("What to do with the rows?", &entries)?;
    MODES.get(chosen).copied().ok_or_else(|| no_such(chosen))
}

fn no_such(index: usize) -> Unanswered {
    Unanswered::Broken(format!("there is no entry {index}"))
}
