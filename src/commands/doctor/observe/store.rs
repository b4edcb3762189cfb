//! The place that snapshots would go to.

use bytes::Bytes;

use crate::config::{Config, ProjectConfig};
use crate::model::SnapshotSummary;
use crate::snapshot::list_snapshots;
use crate::store::{BucketStore, DirStore, Key, ObjectUrl, Store, StoreError, StoreUrl};

/// A store. Nothing of what was tried is left in it, where that may be removed.
#[derive(Debug)]
pub(crate) struct StoreSeen {
    pub(crate) place: String,
    /// A file could be written and removed; else why not, and what to do.
    pub(crate) writable: Result<(), (String, Option<&'static str>)>,
    /// What was written could not be removed again.
    pub(crate) only_adds: bool,
    /// Bytes; `None` where there is no end to them.
    pub(crate) free: Option<Result<u64, String>>,
    /// Of this project; or why they cannot be listed.
    pub(crate) snapshots: Result<Vec<SnapshotSummary>, String>,
}

/// A person waits for it: nothing is tried more often.
const RETRIES: u32 = 2;

/// Tries to write to each store, and looks at what is there.
pub(crate) async fn stores(config: &Config, project: &ProjectConfig) -> Vec<StoreSeen> {
    let look = async |url: &StoreUrl| match url {
        StoreUrl::Directory(path) => {
            let store = DirStore::new(path);
            StoreSeen {
                place: std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
                writable: store.check_writable().await.map_err(why),
                only_adds: false,
                free: Some(store.free_space().await.map_err(|error| error.to_string())),
                snapshots: snapshots(&store, project).await,
            }
        }
        StoreUrl::Object(url) => bucket(url, project).await,
        StoreUrl::Github(_) => repository(url, project).await,
    };
    let mut seen = Vec::new();
    for url in &config.stores {
        seen.push(look(url).await);
    }
    seen
}

async fn bucket(url: &ObjectUrl, project: &ProjectConfig) -> StoreSeen {
    let mut url = url.clone();
    url.access.retries = url.access.retries.min(RETRIES);
    let place = url.to_string();
    let store = BucketStore::new(url);
    let checked = store.check().await;
    // who cannot be written to will hardly be read: one reason is enough
    let snapshots = if checked.is_ok() { snapshots(&store, project).await } else { Ok(Vec::new()) };
    let only_adds = matches!(checked, Ok(false));
    StoreSeen { place, writable: checked.map(drop).map_err(why), only_adds, free: None, snapshots }
}

/// A file comes and goes, as it will in a run.
async fn repository(url: &StoreUrl, project: &ProjectConfig) -> StoreSeen {
    let store = crate::store::open(url);
    let tried = async {
        let key = Key::new("supabackup-probe/file")?;
        store.put(&key, Bytes::from_static(b"supabackup doctor")).await?;
        store.get(&key).await?;
        store.delete(&key).await
    };
    let writable = tried.await.map_err(why);
    let snapshots = snapshots(store.as_ref(), project).await;
    StoreSeen { place: url.to_string(), writable, only_adds: false, free: None, snapshots }
}

fn why(error: StoreError) -> (String, Option<&'static str>) {
    (error.to_string(), error.hint())
}

/// Those of this project.
async fn snapshots(store: &dyn Store, project: &ProjectConfig) -> Result<Vec<SnapshotSummary>, String> {
    // of all projects: asking for one that has none is an error
    let all = list_snapshots(store, None).await.map_err(|failure| failure.message)?;
    Ok(all.into_iter().filter(|snapshot| snapshot.project == project.name).collect())
}
