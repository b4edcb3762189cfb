//! Reports for programs: one JSON document each, with a final newline.

use serde::Serialize;
use serde_json::json;

use crate::model::{
    CopyReport, DrillReport, Manifest, PruneReport, RecompressReport, ReplicaReport, RestorePlan, RestoreReport,
    RunReport, RunStore, SnapshotSummary, Verified, WatchReport,
};

fn document(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}

/// An array, newest first.
pub fn list_json(snapshots: &[SnapshotSummary]) -> Result<String, serde_json::Error> {
    document(&snapshots)
}

/// `{"snapshot": …, "manifest": …}`
pub fn snapshot_json(summary: &SnapshotSummary, manifest: &Manifest) -> Result<String, serde_json::Error> {
    document(&json!({ "snapshot": summary, "manifest": manifest }))
}

/// `{"ok": …, "verified": […]}`.
pub fn verified_json(verified: &[Verified]) -> Result<String, serde_json::Error> {
    document(&json!({ "ok": verified.iter().all(Verified::intact), "verified": verified }))
}

/// `{"plan": {"projects": [{"freeze": […], "decisions": […]}], …}, "applied": …, "removed": […], "findings": […]}`.
pub fn prune_json(report: &PruneReport) -> Result<String, serde_json::Error> {
    document(report)
}

/// Of several stores: `{"stores": [{"store": …, "failed": …, "report": …}]}`, each with a report as of one.
pub fn prune_stores_json(stores: &[RunStore]) -> Result<String, serde_json::Error> {
    let one = |store: &RunStore| json!({ "store": store.store, "failed": store.failed, "report": store.prune });
    document(&json!({ "stores": stores.iter().map(one).collect::<Vec<_>>() }))
}

/// `{"state": …, "snapshot": …, "stores": […], "trends": […], "findings": […], …}`.
pub fn run_json(report: &RunReport) -> Result<String, serde_json::Error> {
    document(report)
}

/// `{"from": …, "to": …, "copied": […], "there": […], "left_out": […], "findings": […]}`.
pub fn copy_json(report: &CopyReport) -> Result<String, serde_json::Error> {
    document(report)
}

/// The report, with the bytes that were `saved`.
pub fn recompress_json(report: &RecompressReport) -> Result<String, serde_json::Error> {
    document(&json!({ "report": report, "saved": report.saved() }))
}

/// `{"result": …, "tables": […], "findings": […], …}`.
pub fn drill_json(report: &DrillReport) -> Result<String, serde_json::Error> {
    document(report)
}

/// What became of a further store, with how far it is `behind` (null: not that is known) and whether it is `complete`.
pub fn replica_json(report: &ReplicaReport) -> serde_json::Value {
    json!({ "replica": report, "behind": report.behind(), "complete": report.is_complete() })
}

/// The plan, with the sums over its tables as `totals` and whether it is `blocked`.
pub fn restore_plan_json(plan: &RestorePlan) -> Result<String, serde_json::Error> {
    document(&json!({ "plan": plan, "totals": plan.totals(), "blocked": plan.is_blocked() }))
}

/// The report, which holds the plan, with the sums over its tables as `totals`.
pub fn restore_report_json(report: &RestoreReport) -> Result<String, serde_json::Error> {
    document(&json!({ "report": report, "totals": report.totals() }))
}

/// `{"project": …, "worst": …, "findings": […], "tables": […], "trends": […], "snapshots": […]}`.
pub fn watch_json(report: &WatchReport) -> Result<String, serde_json::Error> {
    document(report)
}
