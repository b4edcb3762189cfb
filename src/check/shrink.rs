//! Were rows or tables lost?
//!
//! The present rows are held against the median of the last snapshots of each day of the week before. So
//! one odd day changes nothing, a loss is told for days and not only once, and one that stays is taken for
//! usual after four days.

use super::Case;
use super::words::{count, rows};
use crate::model::{Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    case.newest_counted()?;
    let history = case.history()?;
    let days = case.days_before(history, case.compared_at());
    let mut found = Vec::new();
    for present in case.present().into_iter().filter(|present| !present.is_estimate) {
        let limits = case.limits.of(&present.name);
        let (Some(has), Some(usual)) = (present.rows, median(case.week_of(&days, &present.name))) else { continue };
        let lost = usual.saturating_sub(has);
        let is_much = u128::from(lost) * 100 > u128::from(usual) * u128::from(limits.max_shrink);
        // an emptied table is another finding
        if limits.max_shrink > 0 && has > 0 && lost >= limits.min_change && is_much {
            let percent = lost as f64 * 100.0 / usual as f64;
            let message =
                format!("lost {percent:.0} % of its rows: {} were usual, {} are left", count(usual), count(has));
            let hint = "find out who deleted them; the snapshots before have them: `supabackup restore --table …`, mode \
                        insert-missing. If it was on purpose, this ends by itself after four days";
            found.push(Finding::error("rows-lost", present.name.to_string(), message).hint(hint));
        }
    }
    for name in case.gone() {
        let last = case.week_of(&days, &name).last().copied().unwrap_or(0);
        let message = format!("is gone, or not shown any more; the last snapshot with it has {}", rows(last));
        let hint = format!(
            "if it was dropped on purpose, this ends by itself after a week; if only the right to read it is gone: GRANT \
             SELECT ON TABLE {} TO service_role;",
            name.quoted()
        );
        found.push(Finding::error("table-lost", name.to_string(), message).hint(hint));
    }
    Ok(found)
}

/// The middle value, or the upper of the two in the middle; `None` of none.
fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
