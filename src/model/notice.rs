//! What a channel is told: a few lines of what a command found, the same for every channel.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::model::{Finding, Look, Severity, TOOL};

/// When channels are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyOn {
    /// When something is at error level.
    Error,
    /// When something is at warning level or worse.
    Warning,
    /// Each time.
    Always,
}

impl NotifyOn {
    /// Findings below this are not told, unless there is no other.
    pub fn level(self) -> Severity {
        match self {
            Self::Error => Severity::Error,
            Self::Warning | Self::Always => Severity::Warning,
        }
    }
}

impl FromStr for NotifyOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self::Error),
            "warning" => Ok(Self::Warning),
            "always" => Ok(Self::Always),
            _ => Err(format!("{text:?} is none of error, warning, always")),
        }
    }
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    /// Something was found.
    Findings,
    /// Nothing that is to be told was found.
    Ok,
    /// What was told before is not found any more.
    Recovered,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The program and its version.
    pub tool: String,
    /// The project's name.
    pub project: String,
    /// `monitor` or `run`.
    pub command: String,
    /// When it looked.
    pub at: DateTime<Utc>,
    /// What it is about.
    pub state: NoticeState,
    /// The worst severity.
    pub worst: Option<Severity>,
    /// How many findings there are of each severity that is told.
    pub errors: usize,
    /// The same for warnings.
    pub warnings: usize,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How many of them are left out here.
    pub left_out: usize,
    /// Where the job is to be seen.
    pub link: Option<String>,
}

/// More findings than this are counted only.
const MOST: usize = 50;

impl Notice {
    /// What is to be told of this, if anything is.
    pub fn of(
        project: &str,
        command: &str,
        looks: &[Look],
        on: NotifyOn,
        at: DateTime<Utc>,
        link: Option<&str>,
    ) -> Option<Self> {
        let all = looks.iter().flat_map(|look| &look.findings);
        let mut findings: Vec<Finding> = all.filter(|finding| finding.severity >= on.level()).cloned().collect();
        if findings.is_empty() && on != NotifyOn::Always {
            return None;
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        let left_out = findings.len().saturating_sub(MOST);
        let worst = findings.first().map(|finding| finding.severity);
        findings.truncate(MOST);
        Some(Self {
            tool: TOOL.to_owned(),
            project: project.to_owned(),
            command: command.to_owned(),
            at,
            state: if findings.is_empty() { NoticeState::Ok } else { NoticeState::Findings },
            worst,
            errors,
            warnings,
            findings,
            left_out,
            link: link.map(str::to_owned),
        })
    }

    /// That what was told before is over.
    #[must_use]
    pub fn recovered(project: &str, command: &str, at: DateTime<Utc>, link: Option<&str>) -> Self {
        Self {
            tool: TOOL.to_owned(),
            project: project.to_owned(),
            command: command.to_owned(),
            at,
            state: NoticeState::Recovered,
            worst: None,
            errors: 0,
            warnings: 0,
            findings: Vec::new(),
            left_out: 0,
            link: link.map(str::to_owned),
        }
    }

    /// What two messages say alike, whatever the figures in them.
    pub fn gist(&self) -> Vec<(Severity, String, String)> {
        let mut gist: Vec<_> =
            self.findings.iter().map(|found| (found.severity, found.code.clone(), found.subject.clone())).collect();
        gist.sort();
        gist
    }

    /// The first line: what, and of which project.
    pub fn headline(&self) -> String {
        let numbers = [(self.errors, "error"), (self.warnings, "warning")];
        let numbers = numbers.into_iter().filter(|(number, _)| *number > 0);
        let numbers: Vec<String> =
            numbers.map(|(number, word)| format!("{number} {word}{}", if number == 1 { "" } else { "s" })).collect();
        let what = match self.state {
            NoticeState::Findings => numbers.join(", "),
            NoticeState::Ok => "all is well".to_owned(),
            NoticeState::Recovered => "recovered: what was told before is not found any more".to_owned(),
        };
        format!("supabackup {} of {}: {what}", self.command, self.project)
    }
}

impl fmt::Display for NotifyOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Always => "always",
        })
    }
}
