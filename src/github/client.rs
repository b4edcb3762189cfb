//! octocrab over our own HTTP client. It neither retries nor limits by itself: it would wait for an
//! hour where GitHub says so, and repeat what must not happen twice.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use reqwest::Url;
use tokio::time::timeout;

use crate::github::patience::{Gate, LONGEST_PAUSE, LONGEST_WAIT};
use crate::github::refusal::Refusal;
use crate::github::transport::Transport;
use crate::github::{GithubError, Reason, Repository, Settings};
use crate::model::Audience;

/// What a request is about.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What is being done, to what: "listing the releases of octocat/backups".
    pub doing: String,
    /// The permission it needs, as a workflow writes it: `contents: write`.
    pub permission: &'static str,
    /// Whether it may be acted upon twice. One that may not is sent again only where it was certainly
    /// not acted upon: there was no connection, or it was turned away by a rate limit.
    pub repeatable: bool,
}

impl Ask {
    /// A request that may be repeated.
    pub fn harmless(doing: impl Into<String>, permission: &'static str) -> Self {
        Self { doing: doing.into(), permission, repeatable: true }
    }

    /// A request that must not happen twice.
    pub fn once(doing: impl Into<String>, permission: &'static str) -> Self {
        Self { doing: doing.into(), permission, repeatable: false }
    }
}

/// A client of GitHub's API. Clones share connections and patience.
#[derive(Clone)]
pub struct Github {
    api: Octocrab,
    http: reqwest::Client,
    /// One for each address that files are sent to: octocrab sends the token to its own address only.
    uploads: Arc<Mutex<HashMap<String, Octocrab>>>,
    settings: Settings,
    gate: Arc<Gate>,
}

impl fmt::Debug for Github {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Github").field(&self.settings.api.as_str()).finish()
    }
}

impl Github {
    /// A client; nothing is sent. It has to be made inside of a runtime.
    pub fn new(settings: &Settings) -> Result<Self, String> {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| reqwest::Certificate::from_der(der));
        let roots = roots.collect::<Result<Vec<_>, _>>().map_err(|e| e.to_string())?;
        let http = reqwest::Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(Duration::from_secs(15).min(settings.timeout))
            // the token does not go along to another server
            .redirect(reqwest::redirect::Policy::limited(5))
            .user_agent(concat!("supabackup/", env!("CARGO_PKG_VERSION")))
            .tcp_nodelay(true)
            // merged, not replaced: a runner's own CA stays usable, and an image without any CA works
            .tls_certs_merge(roots)
            .build()
            .map_err(|_| "the HTTP client cannot be made".to_owned())?;
        Ok(Self {
            api: client(settings, &http, settings.api.as_str())?,
            http,
            uploads: Arc::default(),
            settings: settings.clone(),
            gate: Arc::default(),
        })
    }

    /// What it was made from.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends until there is an answer that another try would not change. `request` gets octocrab; what
    /// it does there is one attempt, and has one time limit.
    pub async fn ask<T, F>(&self, ask: &Ask, request: impl Fn(Octocrab) -> F) -> Result<T, GithubError>
    where
        F: Future<Output = octocrab::Result<T>>,
    {
        self.attempts(&self.api, ask, request).await
    }

    /// The same at the address that a release names for its files; what octocrab is asked for there begins
    /// with `/repos/`.
    pub async fn ask_uploads<T, F>(
        &self,
        upload_url: &str,
        ask: &Ask,
        request: impl Fn(Octocrab) -> F,
    ) -> Result<T, GithubError>
    where
        F: Future<Output = octocrab::Result<T>>,
    {
        let failed = |words: &str| GithubError {
            doing: ask.doing.clone(),
            reason: Reason::Other,
            words: words.to_owned(),
            permission: ask.permission,
        };
        let base = upload_url.split_once("/repos/").map(|(base, _)| base.to_owned());
        let base = base.filter(|base| self.may_have_the_token(base));
        let base = base.ok_or_else(|| failed("GitHub names no address for files that can be used"))?;
        let client = {
            let mut known = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
            match known.get(&base) {
                Some(client) => client.clone(),
                None => {
                    let made = client(&self.settings, &self.http, &base).map_err(|reason| failed(&reason))?;
                    known.entry(base).or_insert(made).clone()
                }
            }
        };
        self.attempts(&client, ask, request).await
    }

    /// Where the API is reached over TLS, so are files.
    fn may_have_the_token(&self, base: &str) -> bool {
        Url::parse(base).is_ok_and(|url| url.scheme() == self.settings.api.scheme() || url.scheme() == "https")
    }

    async fn attempts<T, F>(
        &self,
        client: &Octocrab,
        ask: &Ask,
        request: impl Fn(Octocrab) -> F,
    ) -> Result<T, GithubError>
    where
        F: Future<Output = octocrab::Result<T>>,
    {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(self.settings.first_delay)
            .with_max_delay(LONGEST_PAUSE.max(self.settings.first_delay))
            .with_factor(2.0)
            .with_jitter()
            .without_max_times()
            .build();
        let (mut tried, mut waited) = (0, Duration::ZERO);
        loop {
            self.gate.pass().await;
            // the client has the same limit; this one holds for whatever else an attempt does
            let limit = self.settings.timeout + Duration::from_secs(5);
            let refusal = match timeout(limit, request(client.clone())).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => Refusal::of(&error),
                Err(_) => Refusal::late(),
            };
            if let (Reason::RateLimited(_), Some(wait)) = (refusal.reason, refusal.wait) {
                waited += wait.max(Duration::from_secs(1));
                if waited > LONGEST_WAIT {
                    return Err(refusal.told(ask));
                }
                self.gate.close(wait);
                continue;
            }
            tried += 1;
            let may_repeat = refusal.passing && (ask.repeatable || refusal.turned_away);
            if !may_repeat || tried > self.settings.retries {
                return Err(refusal.told(ask));
            }
            tokio::time::sleep(pauses.next().unwrap_or(self.settings.first_delay)).await;
        }
    }

    /// Who can read what lies in a repository.
    pub async fn audience(&self, repository: &Repository) -> Result<Audience, GithubError> {
        let ask = Ask::harmless(format!("asking whether the repository {repository} is public"), "metadata: read");
        let Repository { owner, name } = repository;
        let found = self.ask(&ask, |crab| async move { crab.repos(owner, name).get().await }).await?;
        Ok(match (found.private, found.visibility.as_deref()) {
            (Some(true), Some("private" | "internal") | None) => Audience::Private,
            (Some(false), _) | (_, Some("public")) => Audience::Public,
            _ => Audience::Unknown,
        })
    }
}

/// octocrab for one address.
fn client(settings: &Settings, http: &reqwest::Client, base: &str) -> Result<Octocrab, String> {
    let service = Transport::new(http.clone(), base, settings.token.as_ref())?;
    let builder = OctocrabBuilder::new_empty().with_service(service).with_auth(AuthState::None);
    builder.build().map_err(|never| match never {})
}
