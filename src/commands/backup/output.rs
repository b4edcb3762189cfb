//! What `backup` says: the plan of a dry run, and what became of a run.

use crate::commands::step::of_plan;
use crate::context::Context;
use crate::error::Outcome;
use crate::model::{BackupPlan, Manifest, Missing, Stability};
use crate::render::{bytes, count, duration};
use crate::snapshot::SnapshotKeys;
use crate::stdio::tell;
use crate::store::{Several, StoreOutcome};

/// Prints what would be done.
pub(super) fn plan(plan: &BackupPlan, json: bool, context: &Context) -> anyhow::Result<Outcome> {
    context.hand_over(|| of_plan("backup", &plan_text(plan), &plan.missing));
    let text = if json { serde_json::to_string_pretty(plan)? + "\n" } else { plan_text(plan) };
    crate::render::print(&text)?;
    Ok(if plan.missing.is_empty() { Outcome::Done } else { Outcome::Incomplete })
}

pub(crate) fn plan_text(plan: &BackupPlan) -> String {
    let mut out = String::from("would back up:\n");
    let (mut rows, mut size) = (0, 0);
    for table in &plan.tables {
        rows += table.rows.unwrap_or(0);
        size += table.bytes.unwrap_or(0);
        let counted = table.rows.map_or_else(|| "an unknown number of".to_owned(), count);
        let about = table.bytes.map(|b| format!(", about {}", bytes(b))).unwrap_or_default();
        let paging = if table.paging == "ctid" { String::new() } else { format!(", paged by {}", table.paging) };
        let through = if table.read_through.is_some() { ", read through SQL" } else { "" };
        out.push_str(&format!("  {}: {counted} rows{about}{paging}{through}\n", table.name));
    }
    out.push_str(&format!("{} tables, {} rows, about {} as text\n", plan.tables.len(), count(rows), bytes(size)));
    if !plan.passed_over.is_empty() {
        out.push_str("would pass over:\n");
        for relation in &plan.passed_over {
            out.push_str(&format!("  {}: {}\n", relation.name, relation.reason));
        }
    }
    out.push_str(&missing_text("cannot back up:", &plan.missing));
    out
}

fn missing_text(title: &str, missing: &[Missing]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let mut out = format!("{title}\n");
    for item in missing {
        out.push_str(&format!("  {}: {}\n", item.subject, item.reason));
        if let Some(fix) = &item.fix {
            out.push_str(&format!("    hint: {fix}\n"));
        }
    }
    out
}

/// Prints what became of the run: the id as data on stdout, the rest as talk on stderr. `left`: what
/// stores that failed still hold.
pub(super) fn done(
    manifest: &Manifest,
    stores: &Several,
    left: &[String],
    keys: &SnapshotKeys,
    json: bool,
    context: &Context,
) -> anyhow::Result<Outcome> {
    let outcomes = stores.outcomes();
    let everywhere = outcomes.iter().all(|store| store.failed.is_none());
    let outcome = if manifest.complete && everywhere { Outcome::Done } else { Outcome::Incomplete };
    if json {
        crate::render::print(&document(manifest, &outcomes)?)?;
        return Ok(outcome);
    }
    if !context.terminal.quiet || outcome != Outcome::Done {
        let mut text = done_text(manifest);
        for store in &outcomes {
            text.push_str(&stored_text(store, keys));
        }
        left.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        tell(&text);
    }
    crate::render::print(&format!("{}\n", keys.id()))?;
    Ok(outcome)
}

fn stored_text(store: &StoreOutcome, keys: &SnapshotKeys) -> String {
    let Some(error) = &store.failed else { return format!("snapshot {} in {}\n", keys.folder(), store.store) };
    let hint = error.hint().map(|hint| format!("  hint: {hint}\n")).unwrap_or_default();
    format!("NOT in {}: {error}\n{hint}", store.store)
}

/// The manifest; with several stores, also what became of each.
fn document(manifest: &Manifest, outcomes: &[StoreOutcome]) -> anyhow::Result<String> {
    let bytes = manifest.to_bytes()?;
    if outcomes.len() == 1 {
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let mut document: serde_json::Value = serde_json::from_slice(&bytes)?;
    document["stores"] = outcomes
        .iter()
        .map(|store| {
            let reason = store.failed.as_ref().map(ToString::to_string);
            serde_json::json!({ "store": store.store, "stored": reason.is_none(), "reason": reason })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn done_text(manifest: &Manifest) -> String {
    let totals = &manifest.totals;
    let took = manifest.finished - manifest.started;
    let state = if manifest.complete { "complete" } else { "INCOMPLETE" };
    let mut out = format!(
        "{state}: {} rows of {} tables in {}, {} stored ({} of text)\n",
        count(totals.rows),
        count(totals.tables),
        duration(took),
        bytes(totals.stored_bytes),
        bytes(totals.raw_bytes)
    );
    out.push_str(&match manifest.consistency.moment {
        Some(moment) => {
            format!("consistent: all tables show one moment, {}\n", moment.to.format("%Y-%m-%d %H:%M:%S UTC"))
        }
        None => format!(
            "consistency: {} tables stable, {} moved, {} unproven; they do not all show one moment\n",
            manifest.consistency.stable, manifest.consistency.moved, manifest.consistency.unproven
        ),
    });
    out.push_str(match (&manifest.structure, manifest.source.catalog.as_str()) {
        (Some(_), _) => "schema: included\n",
        (None, "openapi") => {
            "schema: not included, and tables without a grant are invisible (no SQL access: see `supabackup doctor`)\n"
        }
        (None, _) => "schema: not included, rows only\n",
    });
    let through_sql = manifest.tables.iter().filter(|table| table.read_through.is_some()).count() as u64;
    if through_sql > 0 {
        let of_all = format!("{} of {} tables", count(through_sql), count(totals.tables));
        out.push_str(&format!("{of_all} read through SQL: the Data API does not show all of them\n"));
    }
    for table in &manifest.tables {
        match &table.stability {
            Stability::Moved { from, to, reread, .. } => out.push_str(&format!(
                "  {} went on changing from {} to {} ({} rows read again)\n",
                table.name,
                from.format("%H:%M:%S"),
                to.format("%H:%M:%S"),
                count(*reread)
            )),
            Stability::Unproven { reason, .. } => out.push_str(&format!("  {}: {reason}\n", table.name)),
            Stability::Stable { .. } => {}
        }
    }
    out.push_str(&missing_text("missing:", &manifest.missing));
    if let Some(seal) = &manifest.sealed {
        out.push_str(&format!("sealed; what opens it: {}\n", seal.openers().join(", ")));
    }
    out
}
