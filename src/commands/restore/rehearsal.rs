//! What a rehearsal shows goes into the plan.

use std::collections::HashMap;

use super::apply::Apply;
use super::planned::Planned;
use super::rehearse::Rehearsed;
use super::work::Work;
use crate::model::{Finding, RowRefused, SchemaStep, TableName};
use crate::render::plural;

/// Tries what can be tried without writing, and puts what it shows into the plan.
pub(super) async fn rehearse(apply: &Apply<'_>, planned: &mut Planned) -> anyhow::Result<()> {
    let is_made = planned.plan.schema == SchemaStep::Create;
    for work in &mut planned.works {
        if is_made {
            // there is nothing to try it with yet; what the Data API cannot write is seen in the rows
            let seen = apply.look(work).await?;
            apply_rehearsal(work, seen);
            continue;
        }
        let seen = apply.rehearse(work).await?;
        apply_rehearsal(work, seen);
        // where foreign keys are checked, whatever refers to a row may itself be about to go
        if work.is_quiet(planned.means) {
            let refused = apply.rehearse_deletes(work).await?;
            let rows = refused.len() as u64;
            work.plan.counts.delete = work.plan.counts.delete.saturating_sub(rows);
            work.plan.counts.refused += rows;
            name_refused(work, &refused.iter().collect::<Vec<_>>(), "to delete");
        }
    }
    let done: HashMap<TableName, _> =
        planned.works.iter().map(|work| (work.plan.target.clone(), work.plan.clone())).collect();
    for table in &mut planned.plan.tables {
        if let Some(plan) = done.get(&table.target) {
            *table = plan.clone();
        }
    }
    Ok(())
}

/// Rows named in one finding.
const NAMED: usize = 5;

fn name_refused(work: &mut Work, refused: &[&RowRefused], what: &str) {
    if refused.is_empty() {
        return;
    }
    let more = refused.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let named = refused.iter().take(NAMED).map(|r| format!("{}: {}", r.row, r.reason)).collect::<Vec<_>>().join("; ");
    let rows = plural(refused.len() as u64, "row");
    let message = format!("the database refuses {what} {rows}: {named}{more}");
    let hint = "mend the cause, or restore all other rows with --keep-going: the report names these";
    work.plan.findings.push(Finding::error("rows-refused", work.plan.target.to_string(), message).hint(hint));
}

fn was(rows: u64) -> String {
    format!("{} {}", plural(rows, "row"), if rows == 1 { "was" } else { "were" })
}

fn apply_rehearsal(work: &mut Work, seen: Rehearsed) {
    let plan = &mut work.plan;
    let target = plan.target.to_string();
    let (adds, changes) = (seen.adds.len() as u64, seen.changes.len() as u64);
    plan.counts.add = plan.counts.add.saturating_sub(adds);
    plan.counts.change = plan.counts.change.saturating_sub(changes);
    plan.counts.refused += adds + changes;
    name_refused(work, &seen.adds.iter().chain(&seen.changes).collect::<Vec<_>>(), "to write");
    let plan = &mut work.plan;
    if seen.open > 0 {
        let message = format!("{} can be tried only once others are written", plural(seen.open, "row"));
        plan.findings.push(Finding::info("not-rehearsed", &target, message));
    }
    if seen.respelled > 0 {
        let message = format!(
            "{} of type json, which keeps how a value is written: the Data API leaves out white space around it, and \
             escapes that a text alone does not need. The value is the same, and will differ from the snapshot (exit \
             code 3)",
            match seen.respelled {
                1 => "1 row has a value".to_owned(),
                rows => format!("{} have values", plural(rows, "row")),
            }
        );
        let finding = Finding::warning("json-spelling", &target, message);
        plan.findings.push(finding.hint("restore through SQL (docs/restore.md) to keep every byte"));
    }
    if seen.lone > 0 {
        let message = format!(
            "{} tried with nothing beside {}: what the database checks at a statement's end (foreign keys, AFTER \
             triggers) shows when written",
            was(seen.lone),
            if seen.lone == 1 { "it" } else { "them" },
        );
        plan.findings.push(Finding::info("rehearsed-alone", &target, message));
    }
    if !seen.is_whole {
        let message = match seen.tried {
            0 => "its rows could not be rehearsed".to_owned(),
            tried => format!("{} rehearsed, the others were not", was(tried)),
        };
        plan.findings.push(Finding::info("rehearsed-in-part", &target, message));
    }
}
