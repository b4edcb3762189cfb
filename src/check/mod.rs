//! What the watch asks, one question per file. Each is a pure function of what was seen and what is
//! allowed; the severity of every finding and the reason for every number stand in `docs/monitoring.md`.
//!
//! A check that cannot run says why, and that is a finding too: nothing is silent because it is blind.

mod case;
mod collapse;
mod coverage;
mod drift;
mod forecast;
mod freshness;
mod growth;
mod health;
mod incomplete;
mod key;
mod quota;
mod restoring;
mod retention;
mod schedule;
mod shrink;
mod size;
mod stores;
mod trend;
mod unusual;
mod verification;
mod words;

use crate::model::{
    Finding, Limits, NOT_CHECKED, Observation, Seen, Severity, Subject, TableName, TableState, TableStatus, Trend,
    Unseen, WatchReport,
};

pub use case::Case;
pub use drift::{Columns, column_changes};
pub use trend::trends;

/// A question: findings, or why it could not be asked.
pub type Check = fn(&Case<'_>) -> Seen<Vec<Finding>>;

/// All of them, each with its name.
pub const CHECKS: [(&str, Check); 19] = [
    ("health", health::check),
    ("key", key::check),
    ("freshness", freshness::check),
    ("incomplete", incomplete::check),
    ("verification", verification::check),
    ("retention", retention::check),
    ("stores", stores::check),
    ("collapse", collapse::check),
    ("shrink", shrink::check),
    ("coverage", coverage::check),
    ("drift", drift::check),
    ("daily-growth", growth::daily),
    ("weekly-growth", growth::weekly),
    ("size", size::check),
    ("quota", quota::check),
    ("forecast", forecast::check),
    ("unusual", unusual::check),
    ("schedule", schedule::check),
    ("restoring", restoring::check),
];

/// The check that gives a finding: each code belongs to one. `monitoring_tells_whose_every_code_is` holds this and
/// docs/monitoring.md together.
pub fn check_of(finding: &Finding) -> &str {
    match finding.code.as_str() {
        "paused" | "unreachable" | "unhealthy" => "health",
        "key" | "key-expires" => "key",
        "no-good-snapshot" | "late" | "stale" | "future" => "freshness",
        "incomplete" | "snapshot-unreadable" | "unfinished" => "incomplete",
        "unverified" | "damaged" => "verification",
        "last-archive" => "retention",
        "store-unreachable" | "store-behind" => "stores",
        "table-emptied" => "collapse",
        "rows-lost" | "table-lost" => "shrink",
        "table-in-no-snapshot" | "table-without-grant" | "unreadable" | "blind-spot" => "coverage",
        "schema-changed" => "drift",
        "table-size" | "total-size" | "snapshot-size" => "size",
        "quota" | "space" | "space-unknown" => "quota",
        "limit-ahead" => "forecast",
        "unusual-day" => "unusual",
        "schedule-idle" | "schedule-off" => "schedule",
        "restore-unproven" => "restoring",
        // the size of the database is a part of its check
        NOT_CHECKED if finding.subject == "database size" => "quota",
        NOT_CHECKED => &finding.subject,
        code => code,
    }
}

/// Asks everything. The findings come in the order of their severity, then of the checks.
pub fn judge(seen: &Observation, limits: &Limits) -> WatchReport {
    let case = Case::new(seen, limits);
    let mut findings = Vec::new();
    for (name, check) in CHECKS {
        match check(&case) {
            Ok(found) => findings.extend(found),
            Err(why) => findings.push(not_checked(name, &why)),
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let tables = statuses(&case, &findings);
    let is_real = |finding: &&Finding| finding.code != NOT_CHECKED || finding.severity > Severity::Info;
    let live = seen.live.as_ref().ok();
    WatchReport {
        project: seen.project.clone(),
        at: seen.now,
        worst: findings.iter().filter(is_real).map(|finding| finding.severity).max(),
        tables,
        rows: case.total(),
        database_bytes: live.and_then(|live| live.database_bytes),
        snapshots: seen.history.as_ref().map(|history| history.points.clone()).unwrap_or_default(),
        trends: case.trends,
        findings,
    }
}

/// What was not given is only good to know; what broke is worth a look.
fn not_checked(name: &str, why: &Unseen) -> Finding {
    let message = format!("not checked: {}", why.reason);
    let finding = match why.is_failure {
        true => Finding::warning(NOT_CHECKED, name, message),
        false => Finding::info(NOT_CHECKED, name, message),
    };
    match &why.hint {
        Some(hint) => finding.hint(hint.clone()),
        None => finding,
    }
}

/// Every table that is there, or that the newest snapshot has.
fn statuses(case: &Case<'_>, findings: &[Finding]) -> Vec<TableStatus> {
    let mut all: Vec<TableStatus> =
        case.present().iter().map(|now| status(case, &now.name, now.rows, now.is_live)).collect();
    for name in case.gone() {
        all.push(TableStatus { state: TableState::Gone, ..status(case, &name, Some(0), true) });
    }
    for status in &mut all {
        let subject = status.name.to_string();
        let of_table = findings.iter().filter(|finding| finding.subject == subject);
        let worst = of_table.clone().map(|finding| finding.severity).max();
        let is_new = of_table.clone().any(|finding| finding.code == coverage::IN_NO_SNAPSHOT);
        status.state = match (status.state, worst) {
            (TableState::Gone, _) => TableState::Gone,
            _ if is_new => TableState::New,
            (_, Some(Severity::Error)) => TableState::Error,
            (_, Some(Severity::Warning)) => TableState::Warning,
            _ => TableState::Ok,
        };
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn status(case: &Case<'_>, name: &TableName, rows: Option<u64>, is_live: bool) -> TableStatus {
    let of = Subject::Table(name.clone());
    let trend: Option<&Trend> = case.trends.iter().find(|trend| trend.subject == of);
    TableStatus {
        name: name.clone(),
        rows,
        is_live,
        daily: trend.and_then(|trend| trend.daily),
        weekly: trend.and_then(|trend| trend.weekly),
        shape: trend.map_or(crate::model::Shape::Unknown, |trend| trend.shape),
        state: TableState::Ok,
    }
}

#[cfg(test)]
mod tests;
