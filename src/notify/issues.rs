//! Issues on GitHub: found by their label, opened, changed, commented on. Which, and with what text, is decided
//! elsewhere.
//!
//! Lists are read, and not searched: search is minutes behind, and another run may have opened an issue just now.

use octocrab::Octocrab;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::github::{Ask, Github, GithubError, Reason, Repository};
use crate::model::{Closed, IncidentKey, Issue};

const PERMISSION: &str = "issues: write";
/// The most that one page holds.
const PAGE: usize = 100;
/// Of closed issues so many pages are read, those that changed last first.
const CLOSED_PAGES: usize = 5;
/// Open ones are read to the end; nobody has so many.
const OPEN_PAGES: usize = 50;

/// The issues of one repository that have our label.
#[derive(Debug, Clone)]
pub struct Issues {
    github: Github,
    repository: Repository,
    label: String,
    labels: Vec<String>,
    assignees: Vec<String>,
}

/// A new issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its number.
    pub number: u64,
    /// Why nobody is assigned, though somebody was to be.
    pub unassigned: Option<String>,
}

/// What is changed of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueChange {
    /// Nothing but its text.
    Text,
    /// It is opened again.
    Reopen,
    /// It is closed: done.
    Close,
    /// It is closed: nothing to be done about this one.
    Drop,
}

#[derive(Debug, Deserialize)]
struct Found {
    number: u64,
    state: String,
    state_reason: Option<String>,
    closed_at: Option<chrono::DateTime<chrono::Utc>>,
    body: Option<String>,
    #[serde(default)]
    comments: usize,
    pull_request: Option<serde::de::IgnoredAny>,
    user: Option<Author>,
    author_association: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Author {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Comment {
    body: Option<String>,
}

impl Issues {
    /// Those of `repository` with this label. New ones get the further labels too, and are assigned.
    pub fn new(
        github: Github,
        repository: Repository,
        label: String,
        labels: Vec<String>,
        assignees: Vec<String>,
    ) -> Self {
        Self { github, repository, label, labels, assignees }
    }

    /// Whose they are.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// All that are open, and those that were closed last. Of others' issues only those of people who belong to the
    /// repository count: whoever may open an issue must not be able to silence one.
    pub async fn list(&self) -> Result<Vec<Issue>, GithubError> {
        let mut found = self.listed("open", OPEN_PAGES).await?;
        found.extend(self.listed("closed", CLOSED_PAGES).await?);
        Ok(found)
    }

    /// The open ones alone.
    pub async fn list_open(&self) -> Result<Vec<Issue>, GithubError> {
        self.listed("open", OPEN_PAGES).await
    }

    async fn listed(&self, state: &str, pages: usize) -> Result<Vec<Issue>, GithubError> {
        let ask = Ask::harmless(format!("listing the {state} issues of {}", self.repository), PERMISSION);
        let route = self.route("");
        let mut issues = Vec::new();
        for page in 1..=pages {
            let query = json!({
                "state": state, "labels": self.label, "sort": "updated", "direction": "desc",
                "per_page": PAGE, "page": page,
            });
            let found: Vec<Found> = self.github.ask(&ask, |crab| get(crab, &route, Some(query.clone()))).await?;
            let is_last = found.len() < PAGE;
            issues.extend(found.into_iter().filter(Found::is_ours).map(Found::issue));
            if is_last {
                break;
            }
        }
        Ok(issues)
    }

    /// Opens one. If the answer is lost, it is looked for before it is opened again.
    pub async fn open(&self, key: &IncidentKey, title: &str, body: &str) -> Result<Opened, GithubError> {
        for label in std::iter::once(&self.label).chain(&self.labels) {
            self.make_label(label).await?;
        }
        let labels: Vec<&String> = std::iter::once(&self.label).chain(&self.labels).collect();
        let issue =
            |assignees: &[String]| json!({ "title": title, "body": body, "labels": labels, "assignees": assignees });
        match self.create(key, &issue(&self.assignees)).await {
            // somebody has left; the incident is to be told all the same
            Err(error) if error.reason == Reason::Invalid && !self.assignees.is_empty() => {
                let number = self.create(key, &issue(&[])).await?;
                Ok(Opened { number, unassigned: Some(error.words) })
            }
            other => other.map(|number| Opened { number, unassigned: None }),
        }
    }

    async fn create(&self, key: &IncidentKey, issue: &Value) -> Result<u64, GithubError> {
        let ask = Ask::once(format!("opening an issue in {}", self.repository), PERMISSION);
        let route = self.route("");
        let create = || self.github.ask(&ask, |crab| post::<Found>(crab, &route, issue.clone()));
        match create().await {
            Err(error) if error.reason == Reason::Unreachable => {
                let open = self.list_open().await?;
                let there = open.iter().find(|issue| IncidentKey::find(&issue.body).as_ref() == Some(key));
                match there {
                    Some(issue) => Ok(issue.number),
                    None => create().await.map(|found| found.number),
                }
            }
            other => other.map(|found| found.number),
        }
    }

    /// Changes its text, and whether it is open.
    pub async fn change(&self, number: u64, body: &str, change: IssueChange) -> Result<(), GithubError> {
        let (doing, patch) = match change {
            IssueChange::Text => ("changing", json!({ "body": body })),
            IssueChange::Reopen => ("opening again", json!({ "body": body, "state": "open" })),
            IssueChange::Close => ("closing", json!({ "body": body, "state": "closed", "state_reason": "completed" })),
            IssueChange::Drop => ("closing", json!({ "body": body, "state": "closed", "state_reason": "not_planned" })),
        };
        let ask = Ask::harmless(format!("{doing} issue #{number} of {}", self.repository), PERMISSION);
        let route = self.route(&format!("/{number}"));
        let changed = self.github.ask(&ask, |crab| {
            let (route, patch) = (route.clone(), patch.clone());
            async move { crab.patch::<Found, _, _>(route, Some(&patch)).await }
        });
        changed.await.map(drop)
    }

    /// Adds a comment. If the answer is lost, it is looked for before it is sent again.
    pub async fn comment(&self, number: u64, body: &str) -> Result<(), GithubError> {
        let ask = Ask::once(format!("commenting on issue #{number} of {}", self.repository), PERMISSION);
        let route = self.route(&format!("/{number}/comments"));
        let send = || self.github.ask(&ask, |crab| post::<Comment>(crab, &route, json!({ "body": body })));
        match send().await {
            Err(error) if error.reason == Reason::Unreachable => match self.has_comment(number, body).await? {
                true => Ok(()),
                false => send().await.map(drop),
            },
            other => other.map(drop),
        }
    }

    /// Whether it is among the last comments.
    async fn has_comment(&self, number: u64, body: &str) -> Result<bool, GithubError> {
        let ask = Ask::harmless(format!("reading the comments of issue #{number} of {}", self.repository), PERMISSION);
        let route = self.route(&format!("/{number}"));
        let issue: Found = self.github.ask(&ask, |crab| get(crab, &route, None)).await?;
        let query = json!({ "per_page": PAGE, "page": issue.comments.div_ceil(PAGE).max(1) });
        let route = self.route(&format!("/{number}/comments"));
        let comments: Vec<Comment> = self.github.ask(&ask, |crab| get(crab, &route, Some(query.clone()))).await?;
        Ok(comments.iter().any(|comment| comment.body.as_deref().is_some_and(|text| text.trim() == body.trim())))
    }

    /// A label that is not there is made.
    async fn make_label(&self, label: &str) -> Result<(), GithubError> {
        let labels = format!("/repos/{}/labels", self.repository);
        let ask = Ask::harmless(format!("looking for the label {label:?} in {}", self.repository), PERMISSION);
        let route = format!("{labels}/{}", path_segment(label));
        let found: Result<Value, _> = self.github.ask(&ask, |crab| get(crab, &route, None)).await;
        match found {
            Err(error) if error.reason == Reason::NotFound => {}
            other => return other.map(drop),
        }
        let ask = Ask::harmless(format!("making the label {label:?} in {}", self.repository), PERMISSION);
        let new = json!({ "name": label, "color": "d12f2f", "description": "What supabackup found" });
        match self.github.ask(&ask, |crab| post::<Value>(crab, &labels, new.clone())).await {
            // another run was faster
            Err(error) if error.reason == Reason::AlreadyExists => Ok(()),
            other => other.map(drop),
        }
    }

    fn route(&self, rest: &str) -> String {
        format!("/repos/{}/issues{rest}", self.repository)
    }
}

impl Found {
    fn is_ours(&self) -> bool {
        let is_bot = self.user.as_ref().is_some_and(|user| user.kind.as_deref() == Some("Bot"));
        let belongs = matches!(self.author_association.as_deref(), Some("OWNER" | "MEMBER" | "COLLABORATOR"));
        self.pull_request.is_none() && (is_bot || belongs)
    }

    fn issue(self) -> Issue {
        let is_mute = self.state_reason.as_deref() == Some("not_planned");
        let at = self.closed_at.unwrap_or_default();
        let closed = (self.state == "closed").then_some(Closed { at, is_mute });
        Issue { number: self.number, closed, body: self.body.unwrap_or_default() }
    }
}

async fn get<T: serde::de::DeserializeOwned>(crab: Octocrab, route: &str, query: Option<Value>) -> octocrab::Result<T> {
    crab.get(route, query.as_ref()).await
}

async fn post<T: serde::de::DeserializeOwned>(crab: Octocrab, route: &str, body: Value) -> octocrab::Result<T> {
    crab.post(route, Some(&body)).await
}

/// A name as one segment of a path.
fn path_segment(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let written = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(written).collect()
}
