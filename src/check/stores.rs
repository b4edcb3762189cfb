//! Does every store answer, and does each have what the first one has?

use super::Case;
use super::words::span;
use crate::model::{Finding, Seen};

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let mut found = Vec::new();
    for store in &case.seen.stores {
        if let Err(why) = &store.newest {
            let finding =
                Finding::error("store-unreachable", store.place.clone(), format!("cannot be read: {}", why.reason));
            let hint = why.hint.clone().unwrap_or_else(|| "check its address and credentials".to_owned());
            found.push(finding.hint(hint));
        }
    }
    let newest =
        case.seen.stores.iter().filter_map(|store| store.newest.as_ref().ok()?.as_ref()).max_by_key(|(_, at)| *at);
    let Some((id, at)) = newest else { return Ok(found) };
    for store in &case.seen.stores {
        let lag = match &store.newest {
            Ok(Some((_, has))) => *at - *has,
            // how far it is behind is how long it could have had it
            Ok(None) => (case.seen.now - *at).max(chrono::TimeDelta::zero()),
            Err(_) => continue,
        };
        let waited = case.seen.now - *at;
        let is_behind = match &store.newest {
            Ok(None) => waited > case.limits.max_lag,
            // one run may be on its way
            _ => lag > case.limits.max_lag || (lag > chrono::TimeDelta::zero() && waited > case.limits.max_lag),
        };
        if is_behind {
            let what = match &store.newest {
                Ok(Some((has, _))) => format!("its newest complete snapshot is {has}, {} behind", span(lag)),
                _ => "it has no complete snapshot of this project".to_owned(),
            };
            let message = format!("is behind: {what}; another store has {id}");
            let hint = format!("bring over what is missing: `supabackup copy {id} --to STORE`");
            found.push(Finding::warning("store-behind", store.place.clone(), message).hint(hint));
        }
    }
    Ok(found)
}
