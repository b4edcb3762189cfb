//! `monitor`: the tables, what is to be said, and the sum of it.

use comfy_table::{CellAlignment, Table, presets};

use crate::model::{
    Change, Finding, NOT_CHECKED, Severity, Shape, Subject, TableState, TableStatus, Trend, WatchReport,
};
use crate::render::columns::{columns, flat, wrapped};
use crate::render::numbers::short_age;
use crate::render::text::clean;
use crate::render::{Palette, bytes, count, plural, time};

/// Columns where nobody's terminal says otherwise.
pub const WATCH_WIDTH: usize = 80;
/// Narrower than this, the table has fewer columns.
const NARROW: usize = 64;
/// Nothing is drawn narrower, and nothing wider.
const LIMITS: (usize, usize) = (32, 120);

/// The whole view, in lines of at most `width` columns. `quiet`: only what a person should look at.
pub fn watch_human(report: &WatchReport, quiet: bool, width: usize, palette: Palette) -> String {
    let width = width.clamp(LIMITS.0, LIMITS.1);
    let mut out = String::new();
    if !quiet {
        let head = format!("{} at {}", clean(&report.project), time(report.at));
        out.push_str(&format!("{}\n\n", palette.bold(&flat(&head, width))));
        out.push_str(&tables(report, width, palette));
        out.push_str(&whole(report, width));
    }
    let least = if quiet { Severity::Warning } else { Severity::Info };
    let told = |finding: &&Finding| finding.severity >= least;
    let (blind, said): (Vec<&Finding>, Vec<&Finding>) = report
        .findings
        .iter()
        .filter(told)
        .partition(|finding| finding.code == NOT_CHECKED && finding.severity == Severity::Info);
    for finding in &said {
        out.push_str(&finding_lines(finding, width, palette));
    }
    out.push_str(&not_checked(&blind, width, palette));
    if !quiet || !said.is_empty() {
        let space = if said.is_empty() && blind.is_empty() { "" } else { "\n" };
        out.push_str(&format!("{space}{}\n", verdict(report, palette)));
    }
    out
}

fn tables(report: &WatchReport, width: usize, palette: Palette) -> String {
    if report.tables.is_empty() {
        return String::new();
    }
    let is_narrow = width < NARROW;
    let fixed = if is_narrow { 22 } else { 52 };
    let longest = report.tables.iter().map(|table| columns(&table.name.to_string())).max().unwrap_or(0);
    let name_width = longest.clamp(10, width.saturating_sub(fixed).max(10));
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let heads = ["TABLE", "ROWS", "DAY", "WEEK", "TREND", "STATE"];
    let shown = |i: &usize| !is_narrow || [0, 1, 5].contains(i);
    let pick = |cells: [String; 6]| -> Vec<String> {
        cells.into_iter().enumerate().filter(|(i, _)| shown(i)).map(|(_, cell)| cell).collect()
    };
    table.set_header(pick(heads.map(str::to_owned)));
    for status in &report.tables {
        table.add_row(pick(line(status, name_width)));
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if is_narrow { 1 } else { 2 }));
        if i == 1 || (!is_narrow && (2..=3).contains(&i)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = String::new();
    for (i, text) in table.lines().enumerate() {
        let text = text.trim_end();
        let state = i.checked_sub(1).and_then(|row| report.tables.get(row)).map(|status| status.state);
        out.push_str(&match state {
            None => palette.dim(text),
            Some(state) => paint(text, state, palette),
        });
        out.push('\n');
    }
    out.push('\n');
    out
}

fn line(status: &TableStatus, name_width: usize) -> [String; 6] {
    let rows = match (status.state, status.rows) {
        (TableState::Gone, _) | (_, None) => "-".to_owned(),
        (_, Some(rows)) => count(rows),
    };
    [
        flat(&status.name.to_string(), name_width),
        rows,
        percent(status.daily),
        percent(status.weekly),
        status.shape.word().to_owned(),
        word(status.state).to_owned(),
    ]
}

pub(super) fn percent(change: Option<Change>) -> String {
    match change {
        None => "-".to_owned(),
        Some(Change { percent: None, from, to, .. }) if from == to => "0 %".to_owned(),
        Some(Change { percent: None, .. }) => "new".to_owned(),
        Some(Change { from, to, .. }) if from == to => "0 %".to_owned(),
        Some(Change { percent: Some(percent), .. }) if percent.abs() >= 1000.0 => {
            format!("{}>999 %", if percent > 0.0 { "+" } else { "-" })
        }
        Some(Change { percent: Some(percent), .. }) => format!("{percent:+.1} %"),
    }
}

pub(super) fn word(state: TableState) -> &'static str {
    match state {
        TableState::Ok => "ok",
        TableState::Warning => "look",
        TableState::Error => "ERROR",
        TableState::Gone => "GONE",
        TableState::New => "new",
    }
}

/// Colours the state, which is the last word.
fn paint(line: &str, state: TableState, palette: Palette) -> String {
    let word = word(state);
    let Some(before) = line.strip_suffix(word) else { return line.to_owned() };
    let painted = match state {
        TableState::Ok => palette.green(word),
        TableState::Warning | TableState::New => palette.yellow(word),
        TableState::Error | TableState::Gone => palette.red(word),
    };
    format!("{before}{painted}")
}

/// The project and its snapshots in a few lines.
fn whole(report: &WatchReport, width: usize) -> String {
    let mut parts = Vec::new();
    let all = report.trends.iter().find(|trend| trend.subject == Subject::AllRows);
    if let Some(rows) = report.rows {
        let moves = all.and_then(moves).map(|moves| format!(", {moves}")).unwrap_or_default();
        parts.push(format!("{} in all{moves}", plural(rows, "row")));
    }
    if let Some(size) = report.database_bytes {
        parts.push(format!("database {}", bytes(size)));
    }
    let complete = report.snapshots.iter().filter(|point| point.is_complete());
    let (number, size) = complete.clone().fold((0, 0), |(n, _), point| (n + 1, point.stored_bytes));
    parts.push(match complete.clone().next_back() {
        None => "no complete snapshot".to_owned(),
        Some(newest) => {
            let age = short_age(newest.started, report.at).unwrap_or_else(|| "?".to_owned());
            format!("{}, the newest {age} old, {}", plural(number, "complete snapshot"), bytes(size))
        }
    });
    wrapped("", &parts.join("; "), width) + "\n"
}

pub(super) fn moves(trend: &Trend) -> Option<String> {
    let slope = trend.slope?;
    Some(match trend.shape {
        Shape::Unknown => return None,
        Shape::Growing | Shape::Shrinking => format!("{} by {:.0} a day", trend.shape.word(), slope.per_day.abs()),
        other => other.word().to_owned(),
    })
}

fn finding_lines(finding: &Finding, width: usize, palette: Palette) -> String {
    let (word, painted) = match finding.severity {
        Severity::Error => ("error", palette.red("error")),
        Severity::Warning => ("warning", palette.yellow("warning")),
        Severity::Info => ("info", palette.dim("info")),
    };
    let text = format!("{word} [{}] {}: {}", finding.code, finding.subject, finding.message);
    let mut lines = wrapped("", &text, width.saturating_sub(2)).replace('\n', "\n  ").replacen(word, &painted, 1);
    lines.truncate(lines.trim_end().len());
    lines.push('\n');
    if let Some(hint) = &finding.hint {
        lines.push_str(&wrapped("  hint: ", hint, width));
    }
    lines
}

/// Checks that were given nothing to look at, in one line per reason.
fn not_checked(blind: &[&Finding], width: usize, palette: Palette) -> String {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for finding in blind {
        match reasons.iter_mut().find(|(reason, _)| *reason == finding.message) {
            Some((_, names)) => names.push(&finding.subject),
            None => reasons.push((&finding.message, vec![&finding.subject])),
        }
    }
    let line = |(reason, names): &(&str, Vec<&str>)| {
        let reason = reason.strip_prefix("not checked: ").unwrap_or(reason);
        let lines = wrapped("", &format!("not checked: {} ({reason})", names.join(", ")), width);
        lines.lines().map(|line| palette.dim(line) + "\n").collect::<String>()
    };
    reasons.iter().map(line).collect()
}

/// `1 error, 2 things worth a look`, without colours.
pub fn watch_verdict(report: &WatchReport) -> String {
    verdict(report, Palette::new(false))
}

fn verdict(report: &WatchReport, palette: Palette) -> String {
    let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
    let looks = format!("{} worth a look", plural(warnings as u64, "thing"));
    match (errors, warnings) {
        (0, 0) => palette.green("all is well"),
        (0, _) => palette.yellow(&looks),
        (_, 0) => palette.red(&plural(errors as u64, "error")),
        _ => format!("{}, {looks}", palette.red(&plural(errors as u64, "error"))),
    }
}
