//! The report of a run: findings first, then the snapshot, how it compares, and each store with what stays and
//! what goes.

mod html;
mod human;
mod markdown;

use crate::model::{PruneReport, RunReport, RunStore, Severity, Since, TableSince, ThenNow};
use crate::render::recompress::recompress_line;
use crate::render::{bytes, count, duration, plural};

pub use html::run_html;
pub use human::run_human;
pub use markdown::run_md;

/// The snapshot in one line.
fn snapshot_line(report: &RunReport) -> String {
    let Some(snapshot) = &report.snapshot else { return "no snapshot was made".to_owned() };
    let totals = snapshot.totals;
    format!(
        "{} of {} in {}, {} stored{}",
        plural(totals.rows, "row"),
        plural(totals.tables, "table"),
        duration(snapshot.finished - snapshot.started),
        bytes(totals.stored_bytes),
        if snapshot.sealed { ", sealed" } else { "" }
    )
}

/// How deep the new snapshot was read back from a store.
fn proof(store: &RunStore) -> String {
    match (&store.failed, &store.verified) {
        (Some(why), _) => format!("FAILED: {why}"),
        (None, None) => "not verified".to_owned(),
        (None, Some(verified)) if verified.intact() => {
            let (files, rows) = (plural(verified.files, "file"), plural(verified.rows, "row"));
            format!("verified ({}): {files}, {rows}, {} read", verified.depth, bytes(verified.bytes_read))
        }
        (None, Some(verified)) => {
            format!("DAMAGED ({}): {}", verified.depth, plural(verified.errors() as u64, "error"))
        }
    }
}

/// What became of the older snapshots of a store.
fn kept(store: &RunStore) -> Option<String> {
    let kept = kept_of(store.prune.as_ref()?);
    // there is nothing to say on most days
    let denser = store.recompress.as_ref().filter(|report| !report.done.is_empty() || report.waiting > 0);
    Some(denser.map_or_else(|| kept.clone(), |report| format!("{kept}; {}", recompress_line(report))))
}

fn kept_of(report: &PruneReport) -> String {
    let stay = report.plan.projects.iter().flat_map(|plan| &plan.decisions).filter(|decision| decision.keep).count();
    let goes = report.plan.removals().count() as u64;
    let freed = report.removed.iter().map(|removed| removed.bytes).sum();
    let gone = match (report.applied, goes) {
        (_, 0) => "nothing removed".to_owned(),
        (true, _) => format!("{} removed ({})", count(report.removed.len() as u64), bytes(freed)),
        (false, goes) => format!("{} would go, and stay for now", count(goes)),
    };
    let frozen = if report.plan.is_frozen() { "; FROZEN" } else { "" };
    format!("{} kept, {gone}{frozen}", plural(stay as u64, "snapshot"))
}

/// `1,200 more rows (+0.4 %)`
fn change(change: ThenNow, what: &str) -> String {
    match change.by() {
        0 => format!("as many {what}s"),
        by => format!("{}{}", number(by, what), share(change)),
    }
}

/// `1 fewer table`
fn number(by: i128, what: &str) -> String {
    let size = u64::try_from(by.unsigned_abs()).unwrap_or(u64::MAX);
    plural(size, &format!("{} {what}", if by > 0 { "more" } else { "fewer" }))
}

/// `12 KiB more stored (+1.2 %)`
fn size_change(change: ThenNow) -> String {
    let by = change.by();
    let size = bytes(u64::try_from(by.unsigned_abs()).unwrap_or(u64::MAX));
    match by {
        0 => "as much stored".to_owned(),
        by => format!("{size} {} stored{}", if by > 0 { "more" } else { "less" }, share(change)),
    }
}

/// ` (+0.4 %)`; nothing where there was nothing.
fn share(change: ThenNow) -> String {
    change.percent().map(|percent| format!(" ({percent:+.1} %)")).unwrap_or_default()
}

/// `24 h before`: rounded, for schedules are not that punctual.
fn when(trend: &Since, report: &RunReport) -> String {
    let minutes = (report.started - trend.started).num_minutes().max(0);
    match minutes {
        0..90 => format!("{minutes} min before"),
        90..2880 => format!("{} h before", (minutes + 30) / 60),
        _ => format!("{} d before", (minutes + 720) / 1440),
    }
}

/// A trend in one line.
fn trend_line(trend: &Since) -> String {
    let tables = match trend.tables.by() {
        0 => String::new(),
        by => format!(", {}", number(by, "table")),
    };
    format!("{}{tables}, {}", change(trend.rows, "row"), size_change(trend.stored_bytes))
}

/// A table's change, without its name.
fn table_line(table: &TableSince) -> String {
    match table.only {
        Some("came") => format!("new, {}", plural(table.rows.now, "row")),
        Some(_) => format!("gone, it had {}", plural(table.rows.before, "row")),
        None => format!("{}: {}", plural(table.rows.now, "row"), change(table.rows, "row")),
    }
}

/// `3 findings need a person: 1 error, 2 warnings`; nothing where there are none.
fn needs(report: &RunReport) -> Option<String> {
    let of = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count() as u64;
    match (of(Severity::Error), of(Severity::Warning)) {
        (0, 0) => None,
        (0, warnings) => Some(plural(warnings, "warning")),
        (errors, 0) => Some(plural(errors, "error")),
        (errors, warnings) => Some(format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))),
    }
}

#[cfg(test)]
mod tests;
