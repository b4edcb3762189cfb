//! Is every table backed up, and can every table be read?

use std::collections::BTreeSet;

use super::Case;
use crate::model::{Finding, Seen, TableName};

/// The code of a table that no snapshot has.
pub(super) const IN_NO_SNAPSHOT: &str = "table-in-no-snapshot";

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let live = case.live()?;
    let mut found = Vec::new();
    if let (Ok(history), Ok(_)) = (case.history(), case.newest_counted()) {
        let complete = history.complete();
        let known: BTreeSet<&TableName> = complete.flat_map(|point| case.rows_in(point).into_keys()).collect();
        for table in live.tables.iter().filter(|table| !known.contains(&table.name)) {
            let message = "is in no complete snapshot: it is new, or backups leave it out";
            let hint = "the next `supabackup backup` takes it; if this stays, look what that run leaves out, and why";
            found.push(Finding::warning(IN_NO_SNAPSHOT, table.name.to_string(), message).hint(hint));
        }
    }
    for table in &live.uncovered {
        let grant = format!("GRANT SELECT ON TABLE {} TO service_role;", table.name.quoted());
        let subject = table.name.to_string();
        found.push(match table.read_through_sql {
            true => Finding::info(
                "table-without-grant",
                subject,
                "is not granted to service_role; backups read it through SQL",
            )
            .hint(format!("nothing is lost while SQL access lasts; or {grant}")),
            false => {
                Finding::warning("table-without-grant", subject, "is not granted to service_role, so no backup has it")
                    .hint(grant)
            }
        });
    }
    for missing in &live.missing {
        let subject = missing.subject.strip_prefix("table ").unwrap_or(&missing.subject);
        if live.uncovered.iter().any(|table| table.name.to_string() == subject) {
            continue;
        }
        let finding =
            Finding::error("unreadable", subject, format!("a backup would not capture it: {}", missing.reason));
        found.push(match &missing.fix {
            Some(fix) => finding.hint(fix.clone()),
            None => finding,
        });
    }
    if !live.sees_all {
        let unseen = case.history().map(|history| &history.through_sql).ok().filter(|names| !names.is_empty());
        let named = unseen.map(|names| format!("; snapshots have {}", listed(names))).unwrap_or_default();
        let message =
            format!("tables that the Data API does not show cannot be checked: there is no SQL access{named}");
        found.push(
            Finding::info("blind-spot", "coverage", message).hint("`supabackup doctor` says how to give SQL access"),
        );
    }
    Ok(found)
}

/// The first names of a set.
fn listed(names: &BTreeSet<TableName>) -> String {
    const NAMED: usize = 5;
    let mut shown: Vec<String> = names.iter().take(NAMED).map(ToString::to_string).collect();
    if names.len() > NAMED {
        shown.push(format!("and {} more", names.len() - NAMED));
    }
    shown.join(", ")
}
