//! Is a table, the whole project, or a snapshot larger than is allowed?

use super::Case;
use super::words::{bytes, count, rows};
use crate::model::{Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let mut found = Vec::new();
    let blind = case.needs_tables();
    for present in case.present() {
        let most = case.limits.of(&present.name).max_rows;
        if let Some(has) = present.rows.filter(|has| most > 0 && *has > most) {
            let message = format!("has {}, more than {}", rows(has), count(most));
            let hint = "archive what is old, or allow more: max_rows, for all tables or for this one";
            found.push(Finding::warning("table-size", present.name.to_string(), message).hint(hint));
        }
    }
    let most = case.limits.max_total_rows;
    let total = case.total();
    if let Some(has) = total.filter(|has| most > 0 && *has > most) {
        let message = format!("have {}, more than {}", rows(has), count(most));
        found.push(Finding::warning("total-size", "all tables", message).hint("allow more with max_total_rows"));
    }
    let most = case.limits.max_snapshot_size;
    let newest = case.history().ok().and_then(|history| history.newest_complete());
    if let Some(newest) = newest.filter(|newest| most > 0 && newest.stored_bytes > most) {
        let message = format!("snapshot {} takes {}, more than {}", newest.id, bytes(newest.stored_bytes), bytes(most));
        let hint = "see with `supabackup list latest` which tables it is; leave out what need not be kept (--exclude), \
                    or allow more with max_snapshot_size";
        found.push(Finding::warning("snapshot-size", "snapshots", message).hint(hint));
    }
    match blind {
        Err(why) if found.is_empty() && total.is_none() => Err(why),
        _ => Ok(found),
    }
}
