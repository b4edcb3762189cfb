//! What is to be done about the issues that are there, so that they tell what is found now.

use chrono::{DateTime, Utc};

use super::{Again, Closed, IncidentKey, Issue, IssueRules, Item, Look, Record, Step, Turn};
use crate::model::Finding;

/// One step for each incident that lasts, ended, or has an issue too many. Issues of other projects and of checks
/// that were not asked are left alone, and so is that of a check that could not look.
pub fn plan_issues(
    project: &str,
    looks: &[Look],
    issues: &[Issue],
    rules: &IssueRules,
    now: DateTime<Utc>,
) -> Vec<Step> {
    let marked: Vec<(IncidentKey, &Issue)> =
        issues.iter().filter_map(|issue| Some((IncidentKey::find(&issue.body)?, issue))).collect();
    let mut steps = Vec::new();
    for look in looks {
        let key = IncidentKey { project: project.to_owned(), check: look.check.clone() };
        let mut own: Vec<&Issue> = marked.iter().filter(|(of, _)| *of == key).map(|(_, issue)| *issue).collect();
        own.sort_by_key(|issue| issue.number);
        own.dedup_by_key(|issue| issue.number);
        let case = Case { key, look, rules, now };
        steps.extend(case.step(&own));
        steps.extend(case.duplicates(&own));
    }
    steps
}

struct Case<'a> {
    key: IncidentKey,
    look: &'a Look,
    rules: &'a IssueRules,
    now: DateTime<Utc>,
}

impl Case<'_> {
    /// `own`: the issues of this incident, oldest first.
    fn step(&self, own: &[&Issue]) -> Option<Step> {
        let found: Vec<&Finding> = self.found().collect();
        if let Some(issue) = own.iter().find(|issue| issue.closed.is_none()) {
            let record = Record::find(&issue.body);
            return match (found.is_empty(), self.look.is_whole) {
                (false, _) => Some(self.told(Turn::Keep, issue, record, &found)),
                (true, true) => Some(self.told(Turn::Close, issue, record, &found)),
                (true, false) => None,
            };
        }
        if found.is_empty() {
            return None;
        }
        let closed = own.iter().filter_map(|issue| Some((issue.closed?, *issue)));
        let Some((closed, issue)) = closed.max_by_key(|(closed, issue)| (closed.at, issue.number)) else {
            return Some(self.opened(&found));
        };
        let record = Record::find(&issue.body);
        let turn = self.again(closed, record.as_ref(), &found);
        Some(turn.map_or_else(|| self.opened(&found), |turn| self.told(turn, issue, record, &found)))
    }

    /// What becomes of a closed issue; `None`: it is too old to serve again.
    fn again(&self, closed: Closed, record: Option<&Record>, found: &[&Finding]) -> Option<Turn> {
        if closed.is_mute {
            // what nobody wants to hear of is what was told, and no worse
            let is_beyond =
                |finding: &&Finding| record.is_some_and(|record| record.is_beyond(finding, &self.look.check));
            return Some(if found.iter().any(is_beyond) { Turn::Reopen(Again::Worse) } else { Turn::Mute });
        }
        let is_over = record.and_then(Record::worst).is_none();
        let again = if is_over { Again::Back } else { Again::StillThere };
        (self.now - closed.at < self.rules.reopen_within).then_some(Turn::Reopen(again))
    }

    fn opened(&self, found: &[&Finding]) -> Step {
        Step { issue: None, before: None, ..self.made(Turn::Open, &Record::default(), self.now, found) }
    }

    fn told(&self, turn: Turn, issue: &Issue, record: Option<Record>, found: &[&Finding]) -> Step {
        // a person has changed the text: what stands there now counts as told
        let record = record.unwrap_or_else(|| {
            let now = found.iter().map(|finding| (*finding, self.now));
            Record::default().next(now, &self.look.check, true, self.now)
        });
        let since = match turn {
            Turn::Reopen(Again::Back) => self.now,
            _ => record.since().unwrap_or(self.now),
        };
        Step { issue: Some(issue.number), before: record.worst(), ..self.made(turn, &record, since, found) }
    }

    fn made(&self, turn: Turn, record: &Record, since: DateTime<Utc>, found: &[&Finding]) -> Step {
        let check = &self.look.check;
        let item = |finding: &&Finding| {
            let (since, is_new) = match turn {
                Turn::Reopen(Again::Back) => (self.now, true),
                _ => record.about(finding, check, self.now),
            };
            Item { finding: (*finding).clone(), since, is_new }
        };
        let mut items: Vec<Item> = found.iter().map(item).collect();
        items.sort_by_key(|item| std::cmp::Reverse(item.finding.severity));
        let told = items.iter().map(|item| (&item.finding, item.since));
        let record = record.next(told, check, self.look.is_whole, self.now);
        let below = self.look.findings.len() - found.len();
        Step { key: self.key.clone(), issue: None, turn, items, below, before: None, since, record }
    }

    /// Open issues of the same incident besides the oldest: two runs opened them at the same moment.
    fn duplicates(&self, own: &[&Issue]) -> Vec<Step> {
        let mut open = own.iter().filter(|issue| issue.closed.is_none());
        let Some(first) = open.next() else { return Vec::new() };
        let duplicate = |issue: &&Issue| Step {
            issue: Some(issue.number),
            ..self.made(Turn::Duplicate(first.number), &Record::default(), self.now, &[])
        };
        open.map(duplicate).collect()
    }

    fn found(&self) -> impl Iterator<Item = &Finding> {
        self.look.findings.iter().filter(|finding| finding.severity >= self.rules.level)
    }
}
