//! The place that snapshots go to.

use chrono::{DateTime, Utc};

use crate::commands::doctor::observe::StoreSeen;
use crate::model::{Finding, SnapshotState, SnapshotSummary};
use crate::render::{age, bytes, plural};

/// So many snapshots should fit: one is not enough to keep the last good one.
const SNAPSHOTS: u64 = 3;

/// Everything about the store. `estimate`: bytes of one snapshot, where it is known.
pub(crate) fn store(seen: &StoreSeen, estimate: Option<u64>, now: DateTime<Utc>) -> Vec<Finding> {
    let room = seen.free.as_ref().map(|free| room(seen, free, estimate));
    let snapshots = (room.is_some() || seen.writable.is_ok()).then(|| snapshots(seen, now));
    [Some(writable(seen)), room, snapshots].into_iter().flatten().collect()
}

fn writable(seen: &StoreSeen) -> Finding {
    let place = &seen.place;
    match &seen.writable {
        Ok(()) if seen.only_adds => Finding::info(
            "store",
            "store",
            format!("snapshots go to {place}, which can be added to; nothing may be removed from it"),
        ),
        Ok(()) => Finding::info("store", "store", format!("snapshots go to {place}, which can be written to")),
        Err((reason, hint)) => {
            Finding::error("store-unwritable", "store", format!("snapshots cannot be written to {place}: {reason}"))
                .hint(hint.unwrap_or("name a directory that exists, or can be made, with --store"))
        }
    }
}

fn room(seen: &StoreSeen, free: &Result<u64, String>, estimate: Option<u64>) -> Finding {
    let free = match free {
        Ok(free) => *free,
        Err(reason) => {
            return Finding::warning(
                "space-unknown",
                "store",
                format!("how much space is free does not show: {reason}"),
            );
        }
    };
    // what the last one took is better than any guess
    let last = newest(seen).map_or(0, |snapshot| snapshot.stored_bytes);
    let one = match (estimate, last) {
        (None, 0) => {
            let text = format!("{} are free there; how much a snapshot takes is not known yet", bytes(free));
            return Finding::info("space", "store", text);
        }
        (estimate, last) => estimate.unwrap_or(0).max(last),
    };
    let text = format!("{} are free there, and one snapshot takes about {}", bytes(free), bytes(one));
    let hint = "free some space, or name a larger place with --store";
    if free < one {
        Finding::error("space-too-small", "store", format!("{text}: not even one fits")).hint(hint)
    } else if free / SNAPSHOTS < one {
        Finding::warning("space-small", "store", format!("{text}: fewer than {SNAPSHOTS} fit")).hint(hint)
    } else {
        Finding::info("space", "store", text)
    }
}

/// The newest that has a manifest that can be read.
fn newest(seen: &StoreSeen) -> Option<&SnapshotSummary> {
    let readable = seen.snapshots.iter().flatten().filter(|snapshot| snapshot.finished.is_some());
    readable.max_by_key(|snapshot| snapshot.started)
}

fn snapshots(seen: &StoreSeen, now: DateTime<Utc>) -> Finding {
    let all = match &seen.snapshots {
        Ok(all) => all,
        Err(reason) => {
            return Finding::warning(
                "snapshots-unreadable",
                "store",
                format!("older snapshots cannot be listed: {reason}"),
            );
        }
    };
    let unreadable: Vec<_> =
        all.iter().filter(|s| s.state == SnapshotState::Unreadable).map(|s| s.id.as_str()).collect();
    if let Some(first) = unreadable.first() {
        let text = format!("{} of this project cannot be read", plural(unreadable.len() as u64, "snapshot"));
        return Finding::warning("snapshots-unreadable", "store", text)
            .hint(format!("`supabackup verify {first}` says more"));
    }
    let Some(newest) = newest(seen) else {
        return Finding::info("snapshots", "store", "no snapshot of this project is there yet");
    };
    let number = all.iter().filter(|snapshot| snapshot.finished.is_some()).count();
    let are = if number == 1 { "is" } else { "are" };
    let text = format!(
        "there {are} {} of this project, the newest from {} ({})",
        plural(number as u64, "snapshot"),
        age(newest.started, now),
        newest.state
    );
    Finding::info("snapshots", "store", text)
}
