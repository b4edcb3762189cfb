//! The scheduled workflow that calls this program: when its repository was last touched, and whether it is on.

use serde::Deserialize;

use chrono::{DateTime, Utc};

use crate::config::{Config, Workflow};
use crate::github::{Ask, Github, GithubError, Repository, Settings};
use crate::model::{Schedule, Unseen};

#[derive(Deserialize)]
struct FoundRepository {
    private: Option<bool>,
    visibility: Option<String>,
    pushed_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct FoundWorkflow {
    state: String,
}

/// What GitHub tells where there is a token; `None`: no schedule calls this program.
pub(super) async fn schedule(config: &Config) -> Option<Schedule> {
    let workflow = config.workflow.as_ref()?;
    let mut schedule = Schedule {
        repository: workflow.repository.clone(),
        workflow: workflow.name.clone(),
        is_public: None,
        last_activity: None,
        is_enabled: None,
        unseen: None,
    };
    if let Err(why) = ask(config, workflow, &mut schedule).await {
        schedule.unseen = Some(why);
    }
    Some(schedule)
}

async fn ask(config: &Config, workflow: &Workflow, schedule: &mut Schedule) -> Result<(), Unseen> {
    let settings = config.github.as_ref().map_err(|mistake| Unseen::failed(mistake.clone()))?;
    let (Some(_), Some(repository)) = (&settings.token, &settings.repository) else {
        let hint = "give the step `env: GITHUB_TOKEN: ${{ github.token }}`; it needs `permissions: metadata: read`";
        return Err(
            Unseen::not_given(format!("there is no token to ask GitHub about {}", workflow.repository)).hint(hint)
        );
    };
    let settings = Settings { retries: settings.retries.min(2), ..settings.clone() };
    let github = Github::new(&settings).map_err(Unseen::failed)?;
    let found = repository_seen(&github, repository).await.map_err(unseen)?;
    schedule.last_activity = found.pushed_at;
    schedule.is_public = match (found.private, found.visibility.as_deref()) {
        (_, Some("public")) | (Some(false), None) => Some(true),
        (_, Some(_)) | (Some(true), None) => Some(false),
        (None, None) => None,
    };
    let Some(file) = &workflow.file else { return Ok(()) };
    let doing = format!("asking whether the workflow {file} of {repository} is switched on");
    let (ask, route) = (Ask::harmless(doing, "actions: read"), format!("/repos/{repository}/actions/workflows/{file}"));
    let found = github.ask(&ask, |crab| {
        let route = route.clone();
        async move { crab.get::<FoundWorkflow, _, ()>(route, None).await }
    });
    // it runs just now, so this adds little: who gave no right to ask is told nothing
    if let Ok(found) = found.await {
        schedule.is_enabled = Some(!found.state.starts_with("disabled"));
    }
    Ok(())
}

async fn repository_seen(github: &Github, repository: &Repository) -> Result<FoundRepository, GithubError> {
    let ask = Ask::harmless(format!("asking when the repository {repository} was last touched"), "metadata: read");
    let route = format!("/repos/{repository}");
    let found = github.ask(&ask, |crab| {
        let route = route.clone();
        async move { crab.get::<FoundRepository, _, ()>(route, None).await }
    });
    found.await
}

fn unseen(error: GithubError) -> Unseen {
    Unseen { reason: error.to_string(), hint: error.hint(), is_failure: true }
}
