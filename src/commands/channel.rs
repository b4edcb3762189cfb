//! How SQL reaches the database: the first way that works, of those that the configuration allows.

use std::sync::Arc;

use super::connect;
use crate::buffers::Buffers;
use crate::config::{Config, ProjectConfig, SqlChoice};
use crate::ddl::Facts;
use crate::error::Failure;
use crate::http::Http;
use crate::supabase::sql::{
    ChannelKind, HELPER_SCHEMA, Helper, Management, Meta, Question, ServerSettings, SqlChannel, SqlError, SqlTables,
};

/// The way that was found, and the ways that were tried.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// `None`: there is no SQL in this run.
    pub(crate) sql: Option<Sql>,
    /// Every way that was looked at and not taken, in that order.
    pub(crate) others: Vec<Other>,
    /// Somebody said which way it has to be.
    pub(crate) was_asked_for: Option<ChannelKind>,
    /// Nobody wants SQL.
    pub(crate) is_switched_off: bool,
}

/// A way that works.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) kind: ChannelKind,
    pub(crate) tables: SqlTables,
    /// Who answers, and under which settings.
    pub(crate) server: ServerSettings,
}

/// A way that was not taken.
#[derive(Debug, Clone)]
pub(crate) struct Other {
    pub(crate) kind: ChannelKind,
    pub(crate) why: WhyNot,
}

/// Why a way was not taken.
#[derive(Debug, Clone)]
pub(crate) enum WhyNot {
    /// What it needs was not given: in words.
    NotGiven(String),
    /// What it needs was given, and cannot be used for this project: in words.
    Unusable(String),
    /// It is not there.
    Absent(Failure),
    /// What was given for it does not work.
    Failed(Failure),
}

/// Tries the ways in their order. `exposed` are the schemas that the Data API exposes, if it said so.
pub(crate) async fn choose(
    config: &Config,
    project: &ProjectConfig,
    http: &Arc<Http>,
    exposed: Option<&[String]>,
) -> Choice {
    let candidates = Candidates { config, project, http, exposed };
    let (order, was_asked_for) = match config.sql {
        SqlChoice::None => return Choice { is_switched_off: true, ..Choice::default() },
        SqlChoice::Auto => (&[ChannelKind::Management, ChannelKind::Meta, ChannelKind::Helper][..], None),
        SqlChoice::Management => (&[ChannelKind::Management][..], Some(ChannelKind::Management)),
        SqlChoice::Meta => (&[ChannelKind::Meta][..], Some(ChannelKind::Meta)),
        SqlChoice::Helper => (&[ChannelKind::Helper][..], Some(ChannelKind::Helper)),
    };
    let mut choice = Choice { was_asked_for, ..Choice::default() };
    for &kind in order {
        match candidates.open(kind, was_asked_for.is_some()).await {
            Ok(sql) => {
                choice.sql = Some(sql);
                break;
            }
            Err(why) => choice.others.push(Other { kind, why }),
        }
    }
    choice
}

/// Everything that describes the database, as SQL tells it.
pub(crate) async fn facts(channel: &dyn SqlChannel) -> anyhow::Result<Facts> {
    let catalog = channel.ask(&Question::Catalog).await.map_err(|error| error.failure())?;
    Ok(Facts::parse(&catalog)
        .map_err(|error| Failure::failed(format!("reading the catalog: it is not understood: {error}")))?)
}

struct Candidates<'a> {
    config: &'a Config,
    project: &'a ProjectConfig,
    http: &'a Arc<Http>,
    exposed: Option<&'a [String]>,
}

impl Candidates<'_> {
    /// Opens one way and asks who answers.
    async fn open(&self, kind: ChannelKind, is_asked_for: bool) -> Result<Sql, WhyNot> {
        if let Some(why) = self.cannot(kind, is_asked_for) {
            return Err(why);
        }
        if kind == ChannelKind::Meta && !is_asked_for {
            // most gateways have none: that must not be waited for
            let curious = connect::curious_http(self.config).map_err(WhyNot::Failed)?;
            let channel = self.channel(kind, &curious).map_err(WhyNot::Failed)?;
            channel.settings().await.map_err(|error| WhyNot::Absent(error.failure()))?;
        }
        let channel = match kind {
            // another service, with a limit of its own
            ChannelKind::Management => {
                let http = connect::http(self.config, Buffers::default()).map_err(WhyNot::Failed)?;
                self.channel(kind, &http)
            }
            ChannelKind::Meta | ChannelKind::Helper => self.channel(kind, self.http),
        };
        let channel = channel.map_err(WhyNot::Failed)?;
        let server = channel.settings().await.map_err(|error| match error {
            SqlError::Absent(failure) => WhyNot::Absent(failure),
            other => WhyNot::Failed(other.failure()),
        })?;
        Ok(Sql { kind, tables: SqlTables::new(channel), server })
    }

    /// Why this way need not be tried.
    fn cannot(&self, kind: ChannelKind, is_asked_for: bool) -> Option<WhyNot> {
        let is_hosted = self.project.url.ends_with(".supabase.co");
        match kind {
            ChannelKind::Management if self.config.access_token.is_none() => {
                Some(WhyNot::NotGiven("SUPABASE_ACCESS_TOKEN is not set".to_owned()))
            }
            ChannelKind::Management if self.config.management_ref.is_none() => Some(WhyNot::Unusable(
                "SUPABASE_ACCESS_TOKEN is set, and nothing says which hosted project this is: set SUPABASE_PROJECT_REF"
                    .to_owned(),
            )),
            ChannelKind::Meta if is_hosted && !is_asked_for => {
                Some(WhyNot::NotGiven("hosted projects have none".to_owned()))
            }
            ChannelKind::Helper if !is_asked_for => {
                let exposed = self.exposed?;
                let is_exposed = exposed.iter().any(|schema| schema == HELPER_SCHEMA);
                let reason = || WhyNot::NotGiven(format!("the Data API does not expose the schema {HELPER_SCHEMA}"));
                (!is_exposed).then(reason)
            }
            _ => None,
        }
    }

    fn channel(&self, kind: ChannelKind, http: &Arc<Http>) -> Result<Arc<dyn SqlChannel>, Failure> {
        let (http, url, key) = (Arc::clone(http), self.project.url.as_str(), &self.project.key);
        Ok(match kind {
            ChannelKind::Management => {
                let reference = self.config.management_ref.as_deref().unwrap_or_default();
                let token = self.config.access_token.as_ref();
                let token = token.ok_or_else(|| Failure::usage("SUPABASE_ACCESS_TOKEN: is not set"))?;
                Arc::new(Management::new(http, &self.config.management_url, reference, token)?)
            }
            ChannelKind::Meta => Arc::new(Meta::new(http, url, key.secret(), key.is_jwt())?),
            ChannelKind::Helper => Arc::new(Helper::new(http, url, key.secret(), key.is_jwt())?),
        })
    }
}

impl Choice {
    /// The one way that was asked for does not work: then the run must not go on without it.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let (None, Some(_), Some(other)) = (&self.sql, self.was_asked_for, self.others.first()) else { return Ok(()) };
        Err(other.failure())
    }

    /// What was given and does not work.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (ChannelKind, &Failure)> {
        self.others.iter().filter_map(|other| match &other.why {
            WhyNot::Failed(failure) => Some((other.kind, failure)),
            WhyNot::NotGiven(_) | WhyNot::Unusable(_) | WhyNot::Absent(_) => None,
        })
    }

    /// A token that was given and not even tried, in words.
    pub(crate) fn unused_token(&self) -> Option<&str> {
        self.others.iter().find_map(|other| match &other.why {
            WhyNot::Unusable(reason) => Some(reason.as_str()),
            _ => None,
        })
    }
}

impl Other {
    /// As what ends a run that cannot do without.
    pub(crate) fn failure(&self) -> Failure {
        match &self.why {
            WhyNot::NotGiven(reason) | WhyNot::Unusable(reason) => {
                Failure::usage(format!("SQL through {}: {reason}", self.kind.name()))
            }
            WhyNot::Absent(failure) | WhyNot::Failed(failure) => {
                let mut failure = failure.clone();
                failure.message = format!("SQL through {}: {}", self.kind.name(), failure.message);
                failure
            }
        }
    }
}
