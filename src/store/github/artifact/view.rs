//! What is known of a repository's artifacts.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::time::{Duration, Instant};

use crate::store::github::names::{decode, encode};

/// How the names of our artifacts begin. Nothing that GitHub forbids in one can follow.
const OURS: &str = "supabackup.";
/// Longer names are refused: an artifact has no label that could tell the rest, and nobody says what GitHub does with one.
pub(super) const LONGEST: usize = 300;
/// Before a version that replaced another one within one run.
const VERSION: &str = "_9";
/// Before a file without bytes, which has one here.
const EMPTY: &str = "_8";

/// A list that GitHub makes may lag behind: for so long our own writes count more than what it says.
const LAG: Duration = Duration::from_secs(20);

/// Artifacts in one answer.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) total_count: usize,
    pub(super) artifacts: Vec<Artifact>,
}

/// An artifact as the API shows it; all else is of no interest.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Artifact {
    pub(super) id: u64,
    pub(super) name: String,
    #[serde(rename = "size_in_bytes")]
    pub(super) size: u64,
    #[serde(default)]
    pub(super) expired: bool,
    #[serde(default)]
    pub(super) digest: Option<String>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) expires_at: Option<DateTime<Utc>>,
}

/// The name of a key's artifact.
pub(super) fn name(key: &str, is_empty: bool, version: Option<&str>) -> String {
    let version = version.map(|mark| format!("{VERSION}{mark}{VERSION}")).unwrap_or_default();
    format!("{OURS}{version}{}{}", if is_empty { EMPTY } else { "" }, encode(key))
}

/// The key, and whether the file has no bytes; `None`: it is somebody else's.
pub(super) fn read_name(name: &str) -> Option<(String, bool)> {
    let mut rest = name.strip_prefix(OURS)?;
    if let Some(version) = rest.strip_prefix(VERSION) {
        rest = version.split_once(VERSION)?.1;
    }
    let is_empty = rest.starts_with(EMPTY);
    Some((decode(rest.strip_prefix(EMPTY).unwrap_or(rest))?, is_empty))
}

/// Every artifact of the repository, whosever it is: their number tells whether the list is right.
#[derive(Debug, Default)]
pub(super) struct View {
    all: BTreeMap<u64, Artifact>,
    added: HashMap<u64, (Artifact, Instant)>,
    removed: HashMap<u64, Instant>,
    pub(super) date: Option<DateTime<Utc>>,
}

impl View {
    /// How many of these are new.
    pub(super) fn take(&mut self, artifacts: Vec<Artifact>) -> usize {
        let before = self.all.len();
        self.all.extend(artifacts.into_iter().map(|artifact| (artifact.id, artifact)));
        self.all.len() - before
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    /// What a list that lags behind may not show yet.
    pub(super) fn remember(&mut self) {
        let now = Instant::now();
        self.added.retain(|_, (_, at)| now - *at < LAG);
        self.removed.retain(|_, at| now - *at < LAG);
    }

    /// What we added just now and no list shows: not yet, or because somebody removed it.
    pub(super) fn unlisted(&self) -> Vec<u64> {
        self.added.keys().copied().filter(|id| !self.all.contains_key(id)).collect()
    }

    pub(super) fn add(&mut self, artifact: Artifact) {
        self.added.insert(artifact.id, (artifact, Instant::now()));
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.all.remove(&id);
        self.added.remove(&id);
        self.removed.insert(id, Instant::now());
    }

    fn there(&self) -> impl Iterator<Item = &Artifact> {
        let added = self.added.values().map(|(artifact, _)| artifact).filter(|a| !self.all.contains_key(&a.id));
        let over = |artifact: &Artifact| artifact.expires_at.zip(self.date).is_some_and(|(end, now)| end <= now);
        let all = self.all.values().chain(added);
        all.filter(move |a| !self.removed.contains_key(&a.id) && !a.expired && !over(a))
    }

    /// Every version of a key, the newest last.
    pub(super) fn versions(&self, key: &str) -> Vec<Artifact> {
        let is_it = |artifact: &&Artifact| read_name(&artifact.name).is_some_and(|(found, _)| found == key);
        let mut found: Vec<Artifact> = self.there().filter(is_it).cloned().collect();
        found.sort_unstable_by_key(|artifact| artifact.id);
        found
    }

    /// Everything below a folder, the newest last.
    pub(super) fn below(&self, folder: &str) -> Vec<Artifact> {
        let is_below = |artifact: &&Artifact| {
            let key = read_name(&artifact.name).map(|(key, _)| key);
            key.is_some_and(|key| key.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        };
        let mut found: Vec<Artifact> = self.there().filter(is_below).cloned().collect();
        found.sort_unstable_by_key(|artifact| artifact.id);
        found
    }

    /// The newest version of every key, and whether it has no bytes.
    pub(super) fn newest(&self) -> BTreeMap<String, (Artifact, bool)> {
        let mut found: BTreeMap<String, (Artifact, bool)> = BTreeMap::new();
        for artifact in self.there() {
            let Some((key, is_empty)) = read_name(&artifact.name) else { continue };
            match found.get(&key) {
                Some((other, _)) if other.id > artifact.id => {}
                _ => drop(found.insert(key, (artifact.clone(), is_empty))),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_hold_nothing_that_is_forbidden() {
        for key in ["p/20261123T093222Z-285f/sql/100-public.a-2d_b-00001.sql.zst", "A_=9", "...", "z"] {
            for (is_empty, version) in [(false, None), (true, None), (false, Some("00ff")), (true, Some("00ff"))] {
                let name = name(key, is_empty, version);
                assert!(!name.contains(['"', ':', '<', '>', '|', '*', '?', '\r', '\n', '\\', '/']), "{name}");
                assert_eq!(read_name(&name), Some((key.to_owned(), is_empty)));
            }
        }
        for other in ["report", "supabackup.A", "supabackup", "supabackup._9x"] {
            assert_eq!(read_name(other), None, "{other}");
        }
    }
}
