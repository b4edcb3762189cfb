//! The middle: nouns and rules. No I/O, no async, no clock, no environment; every other room may
//! name this one, and this one names nobody.

mod catalog;
mod finding;
mod manifest;
mod name;
mod plan;
mod report;
mod snapshot;

pub use catalog::{Catalog, Column, ColumnKind, ForeignKey, Relation, RelationKind};
pub use finding::{Finding, Severity};
pub use manifest::{
    Artifact, Consistency, FORMAT_VERSION, File, Manifest, ManifestError, Missing, Moment, Part, PassedOver,
    PrintSettings, Project, ReadAs, Source, Stability, Structure, TableEntry, TextSettings, Totals,
};
pub use name::TableName;
pub(crate) use name::quote_identifier;
pub use plan::{BackupPlan, PlannedTable};
pub use report::{Depth, SnapshotSummary, Verified};
pub use snapshot::{SnapshotId, SnapshotState, Verification};
