//! All of the I/O, and no opinions.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::catalog::catalog;
use super::health::health;
use super::live::{Looked, look_at};
use super::schedule::schedule;
use crate::commands::dashboard::Album;
use crate::config::{Config, KeyKind, ProjectConfig};
use crate::error::Failure;
use crate::model::{History, KeySeen, Manifest, Observation, Seen, SnapshotSummary, StoreSeen, Unseen};
use crate::snapshot::{Onlooker, newest_complete, projects, recent};
use crate::store::{self, DirStore, Store, StoreUrl};

/// What is to be looked at.
pub(crate) struct Watched<'a> {
    /// The project's name in the store.
    pub(crate) name: String,
    /// Its address and key; or why it cannot be asked.
    pub(crate) project: Seen<&'a ProjectConfig>,
}

impl<'a> Watched<'a> {
    /// The named project, or else that of the environment, or else the only one in the store.
    pub(crate) async fn choose(named: Option<&str>, config: &'a Config) -> Result<Self, Failure> {
        let name = match named.or(config.project_name.as_deref()) {
            Some(name) => name.to_owned(),
            None => only_project(config).await?,
        };
        let project = match &config.project {
            Some(project) if project.name == name => Ok(project),
            Some(project) => {
                Err(Unseen::not_given(format!("the address and key that are given are those of {}", project.name)))
            }
            None => Err(Unseen::not_given("the project's address and key are not given")
                .hint("set SUPABASE_URL and SUPABASE_SECRET_KEY")),
        };
        Ok(Self { name, project })
    }
}

async fn only_project(config: &Config) -> Result<String, Failure> {
    let store = store::open(&config.store);
    let mut names = projects(store.as_ref()).await?;
    match (names.pop(), names.is_empty()) {
        (Some(name), true) => Ok(name),
        (None, _) => Err(Failure::usage(format!("choosing a project: {} holds no snapshots", store.describe()))
            .hint("set SUPABASE_URL and SUPABASE_SECRET_KEY, or name the right store with --store")),
        (Some(last), false) => {
            let names = format!("{}, {last}", names.join(", "));
            Err(Failure::usage(format!("choosing a project: {} holds several: {names}", store.describe()))
                .hint("name one with --project"))
        }
    }
}

/// Looks at everything. What cannot be seen says so in its place. An album takes down what the dashboard shows of
/// the same snapshots.
pub(crate) async fn observe(
    watched: &Watched<'_>,
    config: &Config,
    now: DateTime<Utc>,
    album: Option<&mut Album>,
) -> Observation {
    let (history, stores, at) = stores(watched, config, now, album).await;
    let key = watched.project.as_ref().ok().map(|project| key(project, now));
    let serves = match (&watched.project, key.as_ref().and_then(|key| key.refused.clone())) {
        (Ok(project), None) => Ok(*project),
        (Ok(_), Some(why)) => Err(Unseen { reason: format!("the key cannot serve: {}", why.reason), ..why }),
        (Err(why), _) => Err(why.clone()),
    };
    let children = history.as_ref().map(|history| history.children.clone()).unwrap_or_default();
    let Looked { mut live, described, sql, data_api } = match serves {
        Ok(project) => look_at(project, config, &children).await,
        Err(why) => Looked::unseen(&why),
    };
    if let Ok(live) = &mut live {
        live.tables.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Observation {
        project: watched.name.clone(),
        now,
        health: health(watched, config, &data_api).await,
        catalog: catalog(watched, config, &history, at.as_ref(), &live, described, sql).await,
        history,
        live,
        key,
        stores,
        schedule: schedule(config).await,
    }
}

fn key(project: &ProjectConfig, now: DateTime<Utc>) -> KeySeen {
    let (kind, expires) = match project.key.kind() {
        KeyKind::LegacyJwt { expires, .. } => ("legacy JWT", *expires),
        KeyKind::Secret => ("secret key", None),
        _ => ("key", None),
    };
    let refused = project.key.check(now, &project.name).err();
    KeySeen { kind: kind.to_owned(), expires, refused: refused.map(unseen) }
}

/// The snapshots as the first store has them that answers and holds any, that store, and what each of them has.
async fn stores(
    watched: &Watched<'_>,
    config: &Config,
    now: DateTime<Utc>,
    mut album: Option<&mut Album>,
) -> (Seen<History>, Vec<StoreSeen>, Option<Arc<dyn Store>>) {
    let since = now - config.limits.history;
    let mut history: Option<(History, Arc<dyn Store>)> = None;
    let mut first_failure = None;
    let is_shown = album.is_some();
    let mut seen = Vec::new();
    for url in &config.stores {
        let store = store::open(url);
        let is_empty = |(found, _): &(History, _)| found.points.is_empty() && found.older == 0;
        let newest = if history.as_ref().is_none_or(is_empty) {
            // what a store told that was given up, or that is empty, is not for the page
            let mut page = album.as_deref_mut().map(Album::cleared);
            let mut look = |summary: &SnapshotSummary, manifest: Option<&Manifest>| {
                if let Some(page) = &mut page {
                    page.add(summary, manifest);
                }
            };
            let onlooker: Option<Onlooker<'_>> = if is_shown { Some(&mut look) } else { None };
            match recent(store.as_ref(), &watched.name, since, &config.identities, onlooker).await {
                Ok(found) => {
                    let newest = match found.newest_complete() {
                        Some(point) => Ok(Some((point.id.clone(), point.started))),
                        None if found.older == 0 => Ok(None),
                        None => newest_complete(store.as_ref(), &watched.name).await.map_err(unseen),
                    };
                    history = Some((found, Arc::clone(&store)));
                    newest
                }
                Err(failure) => Err(unseen(failure)),
            }
        } else {
            newest_complete(store.as_ref(), &watched.name).await.map_err(unseen)
        };
        first_failure = first_failure.or_else(|| newest.as_ref().err().cloned());
        let free = match url {
            StoreUrl::Directory(path) => {
                Some(DirStore::new(path).free_space().await.map_err(|error| Unseen::failed(error.to_string())))
            }
            _ => None,
        };
        seen.push(StoreSeen { place: store.describe(), newest, free });
    }
    match history {
        Some((history, store)) => (Ok(history), seen, Some(store)),
        None => (Err(first_failure.unwrap_or_else(|| Unseen::not_given("no store is given"))), seen, None),
    }
}

/// A failure as what keeps something from being seen.
pub(super) fn unseen(failure: Failure) -> Unseen {
    Unseen { reason: failure.message, hint: failure.hint, is_failure: true }
}
