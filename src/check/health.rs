//! Is the project awake and well?

use super::Case;
use crate::model::{Finding, Seen};

/// States that pass by themselves.
const PASSING: [&str; 6] = ["COMING_UP", "RESTORING", "UPGRADING", "RESTARTING", "RESIZING", "UNKNOWN"];

pub(super) fn check(case: &Case<'_>) -> Seen<Vec<Finding>> {
    let health = case.seen.health.as_ref().map_err(Clone::clone)?;
    if health.paused {
        let hint = "wake it up in the Supabase dashboard: a paused project of the free plan can be restored for a limited \
                    time only, and cannot be backed up meanwhile";
        return Ok(vec![Finding::error("paused", "project", "the project is paused").hint(hint)]);
    }
    let mut found = Vec::new();
    if let Some(reason) = &health.refused {
        let finding = Finding::error("unreachable", "project", format!("the project cannot be read: {reason}"));
        found.push(finding.hint("`supabackup doctor` goes through it step by step"));
    }
    let dashboard = "look at the project's page in the Supabase dashboard, and at status.supabase.com";
    if let Some(status) = health.status.as_deref().filter(|status| *status != "ACTIVE_HEALTHY") {
        let message = format!("the project's status is {status}");
        found.push(match PASSING.contains(&status) {
            true => Finding::warning("unhealthy", "project", message).hint(dashboard),
            false => Finding::error("unhealthy", "project", message).hint(dashboard),
        });
    }
    for service in health.services.iter().filter(|service| service.status != "ACTIVE_HEALTHY") {
        let error = service.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        let message = format!("its service {} is {}{error}", service.name, service.status);
        let subject = format!("service {}", service.name);
        found.push(match PASSING.contains(&service.status.as_str()) {
            true => Finding::warning("unhealthy", subject, message).hint(dashboard),
            false => Finding::error("unhealthy", subject, message).hint(dashboard),
        });
    }
    Ok(found)
}
