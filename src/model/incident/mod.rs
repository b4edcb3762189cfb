//! Incidents: what is wrong with a project for a while, and the one issue that tells of it.
//!
//! An incident is a check that finds something at or above a level, and its subjects are what it finds: one issue
//! however many tables grow. Nothing is remembered anywhere but in the issue itself: a marker in its text says which
//! incident it tells of, and a record beside it what it told last.

mod mark;
mod plan;
mod record;

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Finding, NOT_CHECKED, RunReport, Severity, WatchReport};

pub use mark::IncidentKey;
pub use plan::plan_issues;
pub use record::Record;

/// What stands for a check where a run tells how it went: one issue for all of it, since a run that fails early
/// says nothing of what was to come after.
pub const RUN: &str = "run";

/// What one check says now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// The check's name.
    pub check: String,
    /// Everything it found, of any severity.
    pub findings: Vec<Finding>,
    /// It could look at everything. Else what it does not find may still be there.
    pub is_whole: bool,
}

/// An issue as it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number in the repository.
    pub number: u64,
    /// When it was closed, and how; `None`: it is open.
    pub closed: Option<Closed>,
    /// Its text.
    pub body: String,
}

/// How an issue was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// When.
    pub at: DateTime<Utc>,
    /// As "not planned": whoever did it wants to hear no more of it.
    pub is_mute: bool,
}

/// Which incidents have an issue, and when an old one serves again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueRules {
    /// Findings below this open no issue and keep none open.
    pub level: Severity,
    /// An issue that was closed less than this ago is opened again instead of making a new one.
    pub reopen_within: TimeDelta,
}

/// One finding of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What was found.
    pub finding: Finding,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Nobody was told of it yet.
    pub is_new: bool,
}

/// What becomes of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There is none yet.
    Open,
    /// It stays open.
    Keep,
    /// It is opened again.
    Reopen(Again),
    /// The incident is over.
    Close,
    /// Somebody closed it as "not planned", and nothing else has come since: it is left alone.
    Mute,
    /// The incident has an older open one, with this number.
    Duplicate(u64),
}

/// Why an issue is opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The incident was over and is back.
    Back,
    /// It was closed while the incident went on.
    StillThere,
    /// It was closed as "not planned", and something else or something worse has come.
    Worse,
}

/// What is to be done about one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which incident.
    pub key: IncidentKey,
    /// Its issue, where there is one.
    pub issue: Option<u64>,
    /// What becomes of that.
    pub turn: Turn,
    /// What the incident consists of now, the worst first.
    pub items: Vec<Item>,
    /// Findings of the check that are below the level.
    pub below: usize,
    /// The worst severity that was told before, if any was.
    pub before: Option<Severity>,
    /// When the incident began, as far as the issue knows.
    pub since: DateTime<Utc>,
    /// What the issue is to remember.
    pub record: Record,
}

impl Step {
    /// The worst severity now; what could not be looked at counts as it was.
    pub fn worst(&self) -> Option<Severity> {
        self.record.worst()
    }

    /// Whether those who follow the issue are to hear of this: it opened or closed, got worse or better, or something
    /// was added. Other changes of its text are made in silence.
    pub fn is_news(&self) -> bool {
        match self.turn {
            Turn::Reopen(_) | Turn::Close => true,
            Turn::Keep => self.items.iter().any(|item| item.is_new) || self.before != self.worst(),
            Turn::Open | Turn::Mute | Turn::Duplicate(_) => false,
        }
    }
}

/// Text in place of names that are not to be told: how many findings there are, and how bad they are.
pub fn without_names(findings: &[Finding]) -> Vec<Finding> {
    let mut found: Vec<(Finding, usize)> = Vec::new();
    for finding in findings {
        match found.iter_mut().find(|(known, _)| known.code == finding.code && known.severity == finding.severity) {
            Some((_, count)) => *count += 1,
            None => found.push((Finding { hint: None, ..finding.clone() }, 1)),
        }
    }
    let hidden = |(finding, count): (Finding, usize)| Finding {
        subject: "the project".to_owned(),
        message: match count {
            1 => "found once; names are sealed and not told here".to_owned(),
            _ => format!("found {count} times; names are sealed and not told here"),
        },
        ..finding
    };
    found.into_iter().map(hidden).collect()
}

/// What the checks of the watch say, each for itself. `check_of` knows whose a code is.
pub fn looks(report: &WatchReport, checks: &[&str], check_of: impl Fn(&Finding) -> String) -> Vec<Look> {
    let mut looks: Vec<Look> = Vec::new();
    let look = |check: &str| Look { check: check.to_owned(), findings: Vec::new(), is_whole: true };
    looks.extend(checks.iter().map(|check| look(check)));
    for finding in &report.findings {
        let check = check_of(finding);
        let place = looks.iter().position(|look| look.check == check).unwrap_or_else(|| {
            looks.push(look(&check));
            looks.len() - 1
        });
        let is_blind = finding.code == NOT_CHECKED;
        looks[place].is_whole &= !is_blind;
        if !is_blind {
            looks[place].findings.push(finding.clone());
        }
    }
    // that checks cannot run because something broke is an incident of its own
    let blind =
        report.findings.iter().filter(|finding| finding.code == NOT_CHECKED && finding.severity > Severity::Info);
    looks.push(Look { findings: blind.cloned().collect(), ..look(NOT_CHECKED) });
    looks
}

/// What a run says of itself.
pub fn look_of(report: &RunReport) -> Look {
    let failure = report.failure.iter().map(|failure| {
        let finding = Finding::error("failed", "the run", &failure.message);
        Finding { hint: failure.hint.clone(), ..finding }
    });
    let lacking = report.snapshot.iter().filter(|snapshot| !snapshot.complete).map(|snapshot| {
        let message = format!("{} that were seen are not in the new snapshot", snapshot.missing.len());
        Finding::error("incomplete", "the snapshot", message)
    });
    let findings = failure.chain(lacking).chain(report.findings.iter().cloned());
    Look { check: RUN.to_owned(), findings: findings.collect(), is_whole: report.failure.is_none() }
}

#[cfg(test)]
mod tests;
