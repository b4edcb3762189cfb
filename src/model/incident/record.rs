//! What an issue told last: the line in its text from which the next look knows what is new.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::model::{Finding, Severity, SnapshotId};

const BEGINS: &str = "<!-- supabackup:told v=1 ";
const ENDS: &str = " -->";
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// More findings than this are not remembered one by one: the line has to fit into an issue.
const MOST: usize = 500;

/// What went and comes back within this was never really gone: nobody hears of it again.
const FLAPPING: TimeDelta = TimeDelta::hours(24);

/// Every finding that was told, by a digest of its code and subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    known: BTreeMap<String, Known>,
    /// There were more than are remembered.
    is_cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    severity: Severity,
    since: DateTime<Utc>,
    gone: Option<DateTime<Utc>>,
}

impl Record {
    /// What the line in a text says; `None` if there is none that can be read.
    pub fn find(body: &str) -> Option<Self> {
        let line = body.lines().find_map(|line| line.trim_end().strip_prefix(BEGINS)?.strip_suffix(ENDS))?;
        let mut record = Self::default();
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            if word == "more" {
                record.is_cut = true;
                continue;
            }
            let mut parts = word.split(':');
            let (id, severity, since) = (parts.next()?, parts.next()?, moment(parts.next()?)?);
            let severity = match severity {
                "e" => Severity::Error,
                "w" => Severity::Warning,
                _ => Severity::Info,
            };
            let gone = parts.next().and_then(moment);
            record.known.insert(id.to_owned(), Known { severity, since, gone });
        }
        Some(record)
    }

    /// The line, without its end.
    pub fn line(&self) -> String {
        let mut line = BEGINS.to_owned();
        let word = |(id, known): (&String, &Known)| {
            let severity = match known.severity {
                Severity::Error => 'e',
                Severity::Warning => 'w',
                Severity::Info => 'i',
            };
            let gone = known.gone.map(|gone| gone.format(":%Y%m%dT%H%M%SZ").to_string()).unwrap_or_default();
            format!("{id}:{severity}:{}{gone}", known.since.format(TIME))
        };
        line.push_str(&self.known.iter().map(word).collect::<Vec<_>>().join(" "));
        line + if self.is_cut { " more" } else { "" } + ENDS
    }

    /// The worst that was told and not gone since.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.known.values().filter(|known| known.gone.is_none()).map(|known| known.severity).max()
    }

    /// When the oldest of what is not gone began; of all, if everything is.
    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        let there = self.known.values().filter(|known| known.gone.is_none()).map(|known| known.since).min();
        there.or_else(|| self.known.values().map(|known| known.since).min())
    }

    /// Since when a finding is there, and whether nobody was told of it. That it got worse is another question.
    pub(super) fn about(&self, finding: &Finding, check: &str, now: DateTime<Utc>) -> (DateTime<Utc>, bool) {
        match self.known.get(&id(finding, check)) {
            Some(Known { gone: Some(gone), .. }) if now - *gone >= FLAPPING => (now, true),
            Some(known) => (known.since, false),
            None => (now, !self.is_cut),
        }
    }

    /// Whether a finding was never told, or was told as something that matters less.
    pub(super) fn is_beyond(&self, finding: &Finding, check: &str) -> bool {
        match self.known.get(&id(finding, check)) {
            Some(known) => finding.severity > known.severity,
            None => !self.is_cut,
        }
    }

    /// What is to be remembered now. What is not found any more is gone, if everything could be looked at.
    pub(super) fn next<'a>(
        &self,
        found: impl IntoIterator<Item = (&'a Finding, DateTime<Utc>)>,
        check: &str,
        is_whole: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let mut next = Self::default();
        for (finding, since) in found {
            let id = id(finding, check);
            if next.known.len() >= MOST && !next.known.contains_key(&id) {
                next.is_cut = true;
                continue;
            }
            let severity = finding.severity;
            let known = next.known.entry(id).or_insert(Known { severity, since, gone: None });
            known.severity = known.severity.max(severity);
        }
        for (id, known) in &self.known {
            let gone = if is_whole { known.gone.or(Some(now)) } else { known.gone };
            let is_flapping = gone.is_none_or(|gone| now - gone < FLAPPING);
            if is_flapping && !next.known.contains_key(id) && next.known.len() < MOST {
                next.known.insert(id.clone(), Known { gone, ..*known });
            }
        }
        next
    }
}

fn moment(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, TIME).ok().map(|at| at.and_utc())
}

/// The same as long as the finding lasts. What a run says of its snapshot is about another one the next time.
fn id(finding: &Finding, check: &str) -> String {
    let subject = if check == super::RUN { without_ids(&finding.subject) } else { finding.subject.clone() };
    let digest = Sha256::digest(format!("{}\0{subject}", finding.code));
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// A text without the ids of snapshots.
fn without_ids(text: &str) -> String {
    const LENGTH: usize = "20261123T031500Z-7f3a".len();
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_id = rest.get(..LENGTH).is_some_and(|word| word.parse::<SnapshotId>().is_ok());
        let length = if is_id { LENGTH } else { first.len_utf8() };
        out.push_str(if is_id { "…" } else { &rest[..length] });
        rest = &rest[length..];
    }
    out
}
