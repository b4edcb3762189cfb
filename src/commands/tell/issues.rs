//! One issue for each incident: read what is there, plan, and do it step by step. A step that fails is named, and the
//! others go on.

use std::time::Duration;

use super::{NOT_TOLD, Told};
use crate::config::Config;
use crate::error::Failure;
use crate::github::{Github, GithubError, Settings};
use crate::model::{Finding, Issue, IssueRules, Step, Turn, plan_issues};
use crate::notify::{IssueChange, Issues};
use crate::render::{IssueContext, is_same_issue_text, issue_body, issue_comment, issue_title};

/// The issues of a repository.
pub(super) struct Tracker {
    issues: Issues,
    rules: IssueRules,
    link: Option<String>,
}

/// Telling is not worth as much patience as reading a project.
const TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES: u32 = 3;

impl Tracker {
    /// `None`: nobody wants issues.
    pub(super) fn new(config: &Config, link: Option<String>) -> Result<Option<Self>, Failure> {
        let wanted = &config.issues;
        if !wanted.wanted {
            return Ok(None);
        }
        let refused = |why: &str| Failure::usage(format!("--github-issues: {why}"));
        let hint = "correct the variable; in a workflow, GitHub sets it and nothing has to be said";
        let settings = config.github.as_ref().map_err(|mistake| refused(mistake).hint(hint))?;
        if settings.token.is_none() {
            let hint = "in a workflow: `env: GITHUB_TOKEN: ${{ github.token }}` and `permissions: issues: write`";
            return Err(refused("GITHUB_TOKEN is not set").hint(hint));
        }
        let Some(repository) = settings.repository.clone() else {
            return Err(refused("GITHUB_REPOSITORY is not set").hint("set it to OWNER/NAME, like octocat/backups"));
        };
        let settings = Settings {
            retries: RETRIES.min(settings.retries),
            timeout: TIMEOUT.min(settings.timeout),
            ..settings.clone()
        };
        let github =
            Github::new(&settings).map_err(|why| Failure::failed(format!("preparing GitHub's client: {why}")))?;
        let (label, labels, assignees) = (wanted.label.clone(), wanted.labels.clone(), wanted.assignees.clone());
        let issues = Issues::new(github, repository, label, labels, assignees);
        Ok(Some(Self { issues, rules: wanted.rules, link }))
    }

    pub(super) fn name(&self) -> String {
        format!("issues of {}", self.issues.repository())
    }

    /// Brings the issues up to date. Lines about what was done, and what could not be.
    pub(super) async fn follow(&self, told: &Told<'_>) -> (Vec<String>, Vec<Finding>) {
        let (mut done, mut undone) = (Vec::new(), Vec::new());
        let issues = match self.issues.list().await {
            Ok(issues) => issues,
            Err(error) => return (done, vec![self.not_told(&error)]),
        };
        let mut opened = false;
        for step in self.plan(told, &issues) {
            match self.apply(&step, &issues, told).await {
                Ok(lines) => {
                    opened |= step.turn == Turn::Open;
                    done.extend(lines);
                }
                Err(error) => undone.push(self.not_told(&error)),
            }
        }
        if opened {
            // another run may have opened the same at the same moment
            match self.drop_duplicates(told).await {
                Ok(lines) => done.extend(lines),
                Err(error) => undone.push(self.not_told(&error)),
            }
        }
        undone.dedup();
        (done, undone)
    }

    /// What would be done.
    pub(super) async fn rehearse(&self, told: &Told<'_>) -> Result<Vec<String>, Finding> {
        let issues = self.issues.list().await.map_err(|error| self.not_told(&error))?;
        let steps = self.plan(told, &issues);
        let repository = self.issues.repository();
        let changes = |step: &Step| match step.turn {
            Turn::Keep => step.is_news() || !self.is_up_to_date(step, &issues, told),
            _ => true,
        };
        let line = |step: &Step| {
            let number = step.issue.map(|number| format!("#{number}")).unwrap_or_default();
            let news = if step.is_news() { ", with a comment" } else { "" };
            let what = match step.turn {
                Turn::Open => format!("an issue would be opened: {}", issue_title(step)),
                Turn::Keep => format!("issue {number} would be changed{news}"),
                Turn::Reopen(_) => format!("issue {number} would be opened again{news}"),
                Turn::Close => format!("issue {number} would be closed{news}"),
                Turn::Mute => format!("issue {number} is closed as not planned and would be left alone"),
                Turn::Duplicate(of) => format!("issue {number} would be closed: #{of} is the same"),
            };
            format!("{repository}: {what}")
        };
        Ok(steps.iter().filter(|step| changes(step)).map(line).collect())
    }

    fn plan(&self, told: &Told<'_>, issues: &[Issue]) -> Vec<Step> {
        plan_issues(told.project, told.looks, issues, &self.rules, told.now)
    }

    fn context(&self, told: &Told<'_>) -> IssueContext<'_> {
        IssueContext { now: told.now, level: self.rules.level, link: self.link.as_deref() }
    }

    fn is_up_to_date(&self, step: &Step, issues: &[Issue], told: &Told<'_>) -> bool {
        let there = issues.iter().find(|issue| Some(issue.number) == step.issue);
        there.is_some_and(|issue| is_same_issue_text(&issue.body, &issue_body(step, &self.context(told))))
    }

    /// One step. The comment goes first: if what follows fails, the next look says it again rather than never.
    async fn apply(&self, step: &Step, issues: &[Issue], told: &Told<'_>) -> Result<Vec<String>, GithubError> {
        let context = self.context(told);
        let body = issue_body(step, &context);
        let check = &step.key.check;
        let Some(number) = step.issue else {
            let opened = self.issues.open(&step.key, &issue_title(step), &body).await?;
            let mut lines = vec![format!("issue #{} was opened: {check}", opened.number)];
            lines.extend(opened.unassigned.map(|why| format!("nobody was assigned to it: {why}")));
            return Ok(lines);
        };
        let change = match step.turn {
            Turn::Mute => {
                return Ok(vec![format!("issue #{number} is closed as not planned, and is left alone: {check}")]);
            }
            Turn::Duplicate(_) => IssueChange::Drop,
            Turn::Close => IssueChange::Close,
            Turn::Reopen(_) => IssueChange::Reopen,
            Turn::Keep | Turn::Open => IssueChange::Text,
        };
        if change == IssueChange::Text && !step.is_news() && self.is_up_to_date(step, issues, told) {
            return Ok(Vec::new());
        }
        if let Some(comment) = issue_comment(step, &context) {
            self.issues.comment(number, &comment).await?;
        }
        self.issues.change(number, &body, change).await?;
        let what = match step.turn {
            Turn::Close => "was closed",
            Turn::Reopen(_) => "was opened again",
            Turn::Duplicate(_) => "was closed as a duplicate",
            _ => "was changed",
        };
        Ok(vec![format!("issue #{number} {what}: {check}")])
    }

    async fn drop_duplicates(&self, told: &Told<'_>) -> Result<Vec<String>, GithubError> {
        let open = self.issues.list_open().await?;
        let mut lines = Vec::new();
        for step in self.plan(told, &open).iter().filter(|step| matches!(step.turn, Turn::Duplicate(_))) {
            lines.extend(self.apply(step, &open, told).await?);
        }
        Ok(lines)
    }

    fn not_told(&self, error: &GithubError) -> Finding {
        let finding = Finding::warning(NOT_TOLD, self.name(), format!("what was found does not show there: {error}"));
        match error.hint() {
            Some(hint) => finding.hint(hint),
            None => finding.hint("docs/notifications.md says what is sent, and which permissions it needs"),
        }
    }
}
