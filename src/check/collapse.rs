//! Was a table emptied?
//!
//! Of the snapshots of the time that is looked at, those at the end in which it was empty already are the
//! collapse; in all before, it must have had `min_emptied` rows. So a queue that is empty now and then is
//! none. It is told for a week.

use super::Case;
use super::case::WEEK;
use super::words::rows;
use crate::model::{Finding, Seen, SnapshotPoint};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    case.newest_counted()?;
    let history = case.history()?;
    let at = case.compared_at();
    let before: Vec<&SnapshotPoint> = history.complete().filter(|point| point.started < at).collect();
    let mut found = Vec::new();
    for present in case.present().into_iter().filter(|present| present.rows == Some(0) && !present.is_estimate) {
        let least = case.limits.of(&present.name).min_emptied;
        let counted =
            before.iter().rev().filter_map(|point| Some((point.started, case.rows_of(point, &present.name)?)));
        let (empty, full): (Vec<_>, Vec<_>) = {
            let mut was_full = false;
            counted.partition(|(_, rows)| {
                was_full |= *rows > 0;
                !was_full
            })
        };
        let Some((_, last)) = full.first() else { continue };
        let is_news = empty.last().is_none_or(|(since, _)| at - *since < WEEK);
        if least > 0 && is_news && full.iter().all(|(_, rows)| *rows >= least) {
            let message = format!("was emptied: the last snapshot with rows has {}", rows(*last));
            let hint = format!(
                "if it was not on purpose: `supabackup restore --table {}`, from the last snapshot with rows",
                present.name
            );
            found.push(Finding::error("table-emptied", present.name.to_string(), message).hint(hint));
        }
    }
    Ok(found)
}
