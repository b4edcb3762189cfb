//! What is known of a repository's releases: as the last list showed it, with our own writes since.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tokio::time::{Duration, Instant};

use crate::store::github::names::{Name, decode, encode};

/// A release holds so many files, finished or not.
pub(super) const MOST: usize = 1000;

/// How the tags of our releases begin.
const TAG: &str = "supabackup/";

/// A list that GitHub makes may lag behind: for so long our own writes count more than what it says.
const LAG: Duration = Duration::from_secs(20);

/// A release as the API shows it; all else is of no interest.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Release {
    pub(super) id: u64,
    pub(super) tag_name: String,
    pub(super) upload_url: String,
    #[serde(default)]
    pub(super) assets: Vec<Asset>,
}

/// A file of it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Asset {
    pub(super) id: u64,
    pub(super) name: String,
    #[serde(default)]
    pub(super) label: Option<String>,
    pub(super) state: String,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) digest: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Asset {
    pub(super) fn is_uploaded(&self) -> bool {
        self.state == "uploaded"
    }

    pub(super) fn label(&self) -> &str {
        self.label.as_deref().unwrap_or_default()
    }

    pub(super) fn named(&self) -> Option<Name> {
        Name::read(&self.name, self.label())
    }
}

/// Where a key is: the first two of its segments have releases of their own, the rest is the file's name.
pub(super) fn split(key: &str) -> (&str, &str) {
    let mut slashes = key.match_indices('/').map(|(at, _)| at);
    match (slashes.next(), slashes.next()) {
        (_, Some(at)) | (Some(at), None) => (&key[..at], &key[at + 1..]),
        (None, _) => ("", key),
    }
}

/// The whole key again.
pub(super) fn joined(group: &str, rest: &str) -> String {
    if group.is_empty() { rest.to_owned() } else { format!("{group}/{rest}") }
}

/// The tag of a group's release; `shard` counts from 1.
pub(super) fn tag(group: &str, shard: usize) -> String {
    format!("{TAG}{}+{shard}", encode(group))
}

fn read_tag(tag: &str) -> Option<(String, usize)> {
    let (name, shard) = tag.strip_prefix(TAG)?.rsplit_once('+')?;
    Some((decode(name)?, shard.parse().ok()?))
}

/// A group's release, with what it holds.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    pub(super) id: u64,
    pub(super) group: String,
    pub(super) number: usize,
    pub(super) upload_url: String,
    pub(super) assets: BTreeMap<u64, Asset>,
    /// Files that are about to be added.
    pub(super) reserved: usize,
    /// GitHub said that it takes no more.
    pub(super) full: bool,
}

/// One version of a key.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) name: Name,
    pub(super) asset: Asset,
}

#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) shards: BTreeMap<u64, Shard>,
    added: HashMap<u64, (u64, Asset, Instant)>,
    removed: HashMap<u64, Instant>,
}

impl View {
    /// What a whole list shows.
    pub(super) fn take(&mut self, releases: &[Release]) {
        let now = Instant::now();
        self.added.retain(|_, (_, _, at)| now - *at < LAG);
        self.removed.retain(|_, at| now - *at < LAG);
        let before = std::mem::take(&mut self.shards);
        for release in releases {
            let Some((group, number)) = read_tag(&release.tag_name) else { continue };
            let assets = release.assets.iter().filter(|asset| !self.removed.contains_key(&asset.id));
            let assets = assets.map(|asset| (asset.id, asset.clone())).collect();
            let known = before.get(&release.id);
            let (reserved, full) = known.map_or((0, false), |shard| (shard.reserved, shard.full));
            let upload_url = release.upload_url.clone();
            let shard = Shard { id: release.id, group, number, upload_url, assets, reserved, full };
            self.shards.insert(release.id, shard);
        }
        for (id, (release, asset, _)) in &self.added {
            if let Some(shard) = self.shards.get_mut(release) {
                shard.assets.entry(*id).or_insert_with(|| asset.clone());
            }
        }
    }

    /// Files that we added just now and this list does not show: not yet, or because somebody removed them.
    pub(super) fn unlisted(&self, releases: &[Release]) -> Vec<u64> {
        let now = Instant::now();
        let recent = self.added.iter().filter(|(_, (_, _, at))| now - *at < LAG).map(|(id, _)| *id);
        let listed = |id: &u64| releases.iter().any(|release| release.assets.iter().any(|asset| asset.id == *id));
        recent.filter(|id| !listed(id)).collect()
    }

    /// A release of ours, made just now.
    pub(super) fn made(&mut self, release: &Release) {
        if let Some((group, number)) = read_tag(&release.tag_name) {
            let upload_url = release.upload_url.clone();
            let (assets, reserved) = (BTreeMap::new(), 0);
            let shard = Shard { id: release.id, group, number, upload_url, assets, reserved, full: false };
            self.shards.entry(release.id).or_insert(shard);
        }
    }

    /// A file that we wrote.
    pub(super) fn add(&mut self, release: u64, asset: &Asset) {
        self.added.insert(asset.id, (release, asset.clone(), Instant::now()));
        if let Some(shard) = self.shards.get_mut(&release) {
            shard.assets.insert(asset.id, asset.clone());
        }
    }

    /// A file that is gone.
    pub(super) fn remove(&mut self, asset: u64) {
        self.added.remove(&asset);
        self.removed.insert(asset, Instant::now());
        for shard in self.shards.values_mut() {
            shard.assets.remove(&asset);
        }
    }

    /// A release that is gone.
    pub(super) fn forget(&mut self, release: u64) {
        self.shards.remove(&release);
        self.added.retain(|_, (of, _, _)| *of != release);
    }

    /// The releases of one group, the first made first.
    pub(super) fn group<'a>(&'a self, group: &str) -> impl Iterator<Item = &'a Shard> {
        self.shards.values().filter(move |shard| shard.group == group)
    }

    /// The release that the next file of a group goes into, and the number that the next one would have. Of several
    /// with one number, which two runs made at once, the first one made counts.
    pub(super) fn room(&self, group: &str) -> (Option<u64>, usize) {
        let last = self.group(group).map(|shard| shard.number).max().unwrap_or(0);
        let first = self.group(group).filter(|shard| shard.number == last).min_by_key(|shard| shard.id);
        let first = first.filter(|shard| !shard.full && shard.assets.len() + shard.reserved < MOST);
        (first.map(|shard| shard.id), last + 1)
    }

    /// Every finished version of a key, the newest last.
    pub(super) fn versions(&self, group: &str, key: &str) -> Vec<Asset> {
        let assets = self.group(group).flat_map(|shard| shard.assets.values());
        let is_it = |asset: &&Asset| asset.is_uploaded() && asset.named().is_some_and(|name| name.key == key);
        let mut found: Vec<Asset> = assets.filter(is_it).cloned().collect();
        found.sort_unstable_by_key(|asset| asset.id);
        found
    }

    /// The newest version of every key in the groups that `wanted` chooses.
    pub(super) fn newest(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Version> {
        let mut found: BTreeMap<String, Version> = BTreeMap::new();
        for shard in self.shards.values().filter(|shard| wanted(&shard.group)) {
            for asset in shard.assets.values().filter(|asset| asset.is_uploaded()) {
                // what somebody else put there has a name all the same
                let name = asset.named().unwrap_or_else(|| Name { key: asset.name.clone(), is_empty: false });
                let key = joined(&shard.group, &name.key);
                let version = Version { name, asset: asset.clone() };
                match found.get(&key) {
                    Some(other) if other.asset.id > asset.id => {}
                    _ => drop(found.insert(key, version)),
                }
            }
        }
        found
    }

    /// Uploads that did not end, in the groups that `wanted` chooses.
    pub(super) fn unfinished(&self, wanted: impl Fn(&str) -> bool) -> Vec<(String, Asset)> {
        let shards = self.shards.values().filter(|shard| wanted(&shard.group));
        let all = shards.flat_map(|shard| shard.assets.values().map(|asset| (shard.group.clone(), asset.clone())));
        all.filter(|(_, asset)| !asset.is_uploaded()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_releases_and_come_back() {
        for (key, group, rest) in [
            ("p/20261123T093222Z-285f/sql/x", "p/20261123T093222Z-285f", "sql/x"),
            ("p/lease/0000000001.json", "p/lease", "0000000001.json"),
            ("race/1", "race", "1"),
            ("z", "", "z"),
        ] {
            assert_eq!(split(key), (group, rest));
            assert_eq!(joined(group, rest), key);
            assert_eq!(read_tag(&tag(group, 2)), Some((group.to_owned(), 2)));
        }
        for tag in ["v1.0", "supabackup/x", "supabackup/X+1", "supabackup/x+y"] {
            assert_eq!(read_tag(tag), None, "{tag}");
        }
    }
}
