//! What a rehearsal shows goes into the plan.

use std::collections::HashMap;

use super::apply::Apply;
use super::planned::Planned;
use super::rehearse::Rehearsed;
use super::work::Work;
use crate::model::{Finding, SchemaStep, TableName};

/// Tries what can be tried without writing, and puts what it shows into the plan.
pub(super) async fn rehearse(apply: &Apply<'_>, planned: &mut Planned) -> anyhow::Result<()> {
    if planned.plan.schema == SchemaStep::Create {
        return Ok(());
    }
    for work in &mut planned.works {
        let seen = apply.rehearse(work).await?;
        apply_rehearsal(work, seen);
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

fn apply_rehearsal(work: &mut Work, seen: Rehearsed) {
    let plan = &mut work.plan;
    let target = plan.target.to_string();
    let (adds, changes) = (seen.adds.len() as u64, seen.changes.len() as u64);
    plan.counts.add = plan.counts.add.saturating_sub(adds);
    plan.counts.change = plan.counts.change.saturating_sub(changes);
    plan.counts.refused += adds + changes;
    let refused: Vec<String> =
        seen.adds.iter().chain(&seen.changes).map(|r| format!("{}: {}", r.row, r.reason)).collect();
    if !refused.is_empty() {
        let more = refused.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let named = refused.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
        let message = format!("the database refuses {} rows: {named}{more}", refused.len());
        let hint = "mend the cause, or restore all other rows with --keep-going: the report names these";
        plan.findings.push(Finding::error("rows-refused", &target, message).hint(hint));
    }
    if seen.open > 0 {
        let message = format!("{} rows can be tried only once others are written", seen.open);
        plan.findings.push(Finding::info("not-rehearsed", &target, message));
    }
    if !seen.is_whole {
        let message = match seen.tried {
            0 => "its rows could not be rehearsed".to_owned(),
            tried => format!("{tried} rows were rehearsed, the others were not"),
        };
        plan.findings.push(Finding::info("rehearsed-in-part", &target, message));
    }
}
