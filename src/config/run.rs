//! How a monitor wants to be told, where reports and the dashboard go, and a clock for tests.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::reader::Reader;
use crate::model::HeartbeatKind;

impl Reader {
    /// `None`: the address tells. A mistake does not repeat what was given: it may be the address.
    pub(super) fn heartbeat(&mut self) -> Option<HeartbeatKind> {
        let kind = self.text_as("heartbeat", |text| match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(None),
            word => word.parse().map(Some).map_err(|_| {
                let known = HeartbeatKind::ALL.map(|kind| kind.to_string()).join(", ");
                format!("is none of auto, {known}; the address itself belongs in SUPABACKUP_HEARTBEAT_URL")
            }),
        });
        kind.flatten()
    }

    /// A file or directory that something is written into.
    pub(super) fn path(&mut self, name: &str, directory: &Path) -> Option<PathBuf> {
        self.text_as(name, |text| match text.starts_with('~') {
            true => Err("~ is only known to shells; write the whole path".to_owned()),
            false => Ok(directory.join(text)),
        })
    }

    pub(super) fn dashboard_history(&mut self) -> TimeDelta {
        TimeDelta::from_std(self.duration("dashboard_history")).unwrap_or(TimeDelta::MAX)
    }

    /// A clock that is set on purpose.
    pub(super) fn clock(&mut self) -> Option<DateTime<Utc>> {
        self.text_as("clock", |text| {
            let parsed = DateTime::parse_from_rfc3339(text);
            parsed.map(|at| at.to_utc()).map_err(|_| format!("{text:?} is not a time (like 2026-11-23T03:15:00Z)"))
        })
    }
}
