//! What the environment says about GitHub, checked.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::github::Repository;

/// Where GitHub is, who asks, and how patient to be. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `GITHUB_TOKEN`; without one only what is public can be read.
    pub token: Option<SecretString>,
    /// The API: `https://api.github.com`, or an Enterprise Server's `https://HOST/api/v3`.
    pub api: Url,
    /// What people open in a browser.
    pub server: Url,
    /// The repository of the workflow that this is a job of.
    pub repository: Option<Repository>,
    /// The workflow's run.
    pub run_id: Option<u64>,
    /// The runner's artifact service, where this is a step that sees it.
    pub runner: Option<Runner>,
    /// How often a request is sent again, after the first time.
    pub retries: u32,
    /// The pause before the first retry.
    pub first_delay: Duration,
    /// Limit of one request, body included.
    pub timeout: Duration,
}

/// The runner's artifact service.
#[derive(Debug, Clone)]
pub struct Runner {
    /// `ACTIONS_RESULTS_URL`
    pub results: Url,
    /// `ACTIONS_RUNTIME_TOKEN`
    pub token: SecretString,
}

impl PartialEq for Runner {
    fn eq(&self, other: &Self) -> bool {
        self.results == other.results && self.token.expose_secret() == other.token.expose_secret()
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        let plain = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
        plain(&self.token) == plain(&other.token)
            && (&self.api, &self.server, &self.repository, self.run_id, &self.runner)
                == (&other.api, &other.server, &other.repository, other.run_id, &other.runner)
            && (self.retries, self.first_delay, self.timeout) == (other.retries, other.first_delay, other.timeout)
    }
}

impl Eq for Settings {}

impl Settings {
    /// Whether this is an Enterprise Server, which lacks some of what github.com has.
    pub fn is_enterprise_server(&self) -> bool {
        self.api.path().trim_end_matches('/').ends_with("/api/v3")
    }

    /// The page of the workflow's run, for people.
    pub fn run_page(&self) -> Option<String> {
        let (server, repository, run) =
            (self.server.as_str().trim_end_matches('/'), self.repository.as_ref()?, self.run_id?);
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    }
}

#[cfg(test)]
impl Settings {
    /// Of a server at this address, without a token.
    pub(crate) fn at(api: &str) -> anyhow::Result<Self> {
        Ok(Self {
            token: None,
            api: api.parse()?,
            server: "https://github.com".parse()?,
            repository: None,
            run_id: None,
            runner: None,
            retries: 2,
            first_delay: Duration::from_millis(1),
            timeout: Duration::from_secs(5),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_is_told_of_its_server_is_understood() -> anyhow::Result<()> {
        assert!(Settings::at("https://github.example.com/api/v3/")?.is_enterprise_server());
        let settings = Settings { repository: "o/r".parse().ok(), run_id: Some(7), ..Settings::at("https://x")? };
        assert_eq!(settings.run_page().as_deref(), Some("https://github.com/o/r/actions/runs/7"));
        Ok(())
    }
}
