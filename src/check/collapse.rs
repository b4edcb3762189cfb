//! Was a table emptied?
//!
//! Of the days of the week before, those at the end on which it was empty already are the collapse; on
//! all before, it must have had `min_emptied` rows. So a queue that is empty now and then is none, and a
//! collapse is told for a week.

use super::Case;
use super::words::rows;
use crate::model::{Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    case.newest_counted()?;
    let history = case.history()?;
    let days = case.days_before(history, case.compared_at());
    let mut found = Vec::new();
    for present in case.present().into_iter().filter(|present| present.rows == Some(0) && !present.is_estimate) {
        let least = case.limits.of(&present.name).min_emptied;
        let week = case.week_of(&days, &present.name);
        let before: Vec<u64> = week.into_iter().rev().skip_while(|rows| *rows == 0).collect();
        let Some(last) = before.first() else { continue };
        if least > 0 && before.iter().all(|rows| *rows >= least) {
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
