//! Where a snapshot's files are: `<project>/<snapshot id>/…`.

use crate::model::{Artifact, SnapshotId};
use crate::store::{Key, StoreError};

/// The keys of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotKeys {
    project: String,
    id: SnapshotId,
}

impl SnapshotKeys {
    /// The snapshot `id` of a project (its folder's name in the store).
    pub fn new(project: &str, id: SnapshotId) -> Self {
        Self { project: project.to_owned(), id }
    }

    /// The snapshot's id.
    pub fn id(&self) -> &SnapshotId {
        &self.id
    }

    /// The project's folder.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The snapshot's folder.
    pub fn folder(&self) -> String {
        format!("{}/{}", self.project, self.id)
    }

    /// The store's key of a file inside the snapshot.
    pub fn at(&self, inside: &str) -> Result<Key, StoreError> {
        Key::new(format!("{}/{inside}", self.folder()))
    }

    /// The name inside the snapshot of a table's part.
    pub fn part(&self, artifact: Artifact, stem: &str, number: u32) -> String {
        match artifact {
            Artifact::Sql => format!("sql/100-{stem}-{number:05}.sql.zst"),
            Artifact::Json => format!("json/{stem}-{number:05}.jsonl.zst"),
        }
    }
}
