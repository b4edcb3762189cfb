//! The place that snapshots would go to.

use std::path::PathBuf;

use crate::config::{Config, ProjectConfig};
use crate::model::SnapshotSummary;
use crate::snapshot::list_snapshots;
use crate::store::{DirStore, StoreUrl};

/// The store. Nothing of what was tried is left in it.
#[derive(Debug)]
pub(crate) struct StoreSeen {
    pub(crate) place: PathBuf,
    /// A file could be written and removed; else why not, and what to do.
    pub(crate) writable: Result<(), (String, Option<&'static str>)>,
    pub(crate) free: Result<u64, String>,
    /// Of this project; or why they cannot be listed.
    pub(crate) snapshots: Result<Vec<SnapshotSummary>, String>,
}

/// Tries to write, and looks at what is there.
pub(crate) async fn store(config: &Config, project: &ProjectConfig) -> StoreSeen {
    let StoreUrl::Directory(path) = &config.store;
    let store = DirStore::new(path);
    // of all projects: asking for one that has none is an error
    let snapshots = list_snapshots(&store, None).await.map(|mut all| {
        all.retain(|snapshot| snapshot.project == project.name);
        all
    });
    StoreSeen {
        place: std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        writable: store.check_writable().await.map_err(|error| (error.to_string(), error.hint())),
        free: store.free_space().await.map_err(|error| error.to_string()),
        snapshots: snapshots.map_err(|failure| failure.message),
    }
}
