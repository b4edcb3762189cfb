//! Telling a monitor. That it could not be told is a finding, and never the end of a run.

use crate::commands::connect;
use crate::config::Config;
use crate::model::{Finding, RunReport, RunState, Severity};
use crate::notify::{Beat, Heartbeat};

/// Whoever is to be told, if anybody.
pub(super) struct Told {
    heartbeat: Option<Heartbeat>,
}

impl Told {
    pub(super) fn new(config: &Config) -> anyhow::Result<Self> {
        let heartbeat = match &config.heartbeat_url {
            Some(url) => Heartbeat::new(connect::curious_http(config)?, url, config.heartbeat),
            None => None,
        };
        Ok(Self { heartbeat })
    }

    /// What could not be told, if it was to be.
    pub(super) async fn tell(&self, beat: Beat, note: &str) -> Option<Finding> {
        let why = self.heartbeat.as_ref()?.beat(beat, note).await.err()?;
        let what = match beat {
            Beat::Start => "that the run starts",
            Beat::Success => "that the run succeeded",
            Beat::Fail => "that the run did not succeed",
        };
        let finding = Finding::warning("heartbeat", "the monitor", format!("it could not be told {what}: {why}"));
        Some(finding.hint("check SUPABACKUP_HEARTBEAT_URL and SUPABACKUP_HEARTBEAT; docs/run.md says what is sent"))
    }
}

/// A few lines for whoever watches: no name of a table, and nothing of a row.
pub(super) fn note(report: &RunReport) -> String {
    let state = match (report.state, &report.snapshot) {
        (RunState::Failed, None) if report.failure.is_none() => "starts".to_owned(),
        (state, _) => format!("{state} (exit code {})", report.exit_code),
    };
    let mut note = format!("supabackup run of {}: {state}\n", report.project);
    if let Some(snapshot) = &report.snapshot {
        let totals = snapshot.totals;
        note.push_str(&format!("snapshot {}: {} rows of {} tables\n", snapshot.id, totals.rows, totals.tables));
    }
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors + warnings > 0 {
        note.push_str(&format!("findings: {errors} at error level, {warnings} at warning level\n"));
    }
    note
}
