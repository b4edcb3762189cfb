//! Which snapshot a person means.

use crate::cli::SnapshotChoice;
use crate::config::Config;
use crate::error::Failure;
use crate::snapshot::{SnapshotKeys, find};
use crate::store::Store;

/// An id is unique, whatever the project; the newest is that of the named project, or else of the
/// project that the configuration is about.
pub(super) async fn chosen(
    store: &dyn Store,
    project: Option<&str>,
    choice: &SnapshotChoice,
    config: &Config,
) -> Result<SnapshotKeys, Failure> {
    match choice {
        SnapshotChoice::Id(id) => find(store, project, Some(id)).await,
        SnapshotChoice::Latest => find(store, project.or(config.project_name.as_deref()), None).await,
    }
}
