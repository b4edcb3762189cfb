//! The middle: nouns and rules. No I/O, no async, no clock, no environment; every other room may
//! name this one, and this one names nobody.

mod catalog;
mod copy;
mod dashboard;
mod drill;
mod finding;
mod heartbeat;
mod incident;
mod manifest;
mod name;
mod notice;
mod plan;
mod recompress;
mod report;
mod restore;
mod retention;
mod run;
mod seal;
mod since;
mod snapshot;
mod step;
mod watch;

/// The program and its version, as what it writes names them.
pub const TOOL: &str = concat!("supabackup ", env!("CARGO_PKG_VERSION"));

pub use catalog::{Catalog, Column, ColumnKind, ForeignKey, Relation, RelationKind};
pub use copy::{Behind, CopiedSnapshot, CopyReport, Lacking, LeftOut, ReplicaReport};
pub use dashboard::{Dashboard, SchemaChange, Shot};
pub use drill::{DrillReport, DrillResult, DrillTable, FirstWrite, ServerAddress, StandIn};
pub use finding::{Finding, Severity};
pub use heartbeat::HeartbeatKind;
pub use incident::{
    Again, Closed, IncidentKey, Issue, IssueRules, Item, Look, RUN, Record, Step, Turn, look_of, looks, plan_issues,
    without_names,
};
pub use manifest::{
    Artifact, Consistency, FORMAT_VERSION, File, Manifest, ManifestError, Missing, Moment, PLAIN_FORMAT_VERSION, Part,
    PassedOver, PrintSettings, Project, ReadAs, SEALED_FORMAT_VERSION, Source, Stability, Structure, TableEntry,
    TextSettings, Totals,
};
pub use name::TableName;
pub(crate) use name::quote_identifier;
pub use notice::{Notice, NoticeState, NotifyOn};
pub use plan::{BackupPlan, PlannedTable};
pub use recompress::{LeftAsItIs, Recompress, RecompressReport, RecompressTrial, Recompressed};
pub use report::{Depth, SEALED, SnapshotSummary, Verified};
pub use restore::{
    ColumnLeftOut, Counts, Difference, Identity, ModeChoice, Reference, RestoreMode, RestorePlan, RestoreReport,
    RowChoice, RowFilter, RowRefused, SchemaStep, SequenceLeft, TableChoice, TablePlan, TableReport, Target,
    TargetColumn, TargetTable, TargetTrigger, Through, TypedTable, Undo, WorkOrder, WriteWay, sequence_of_default,
    work_order,
};
pub use retention::{
    Decision, Freeze, Leftover, Period, Profile, ProjectPlan, Proof, PrunePlan, PruneReport, Reason, Removed,
    Retention, SnapshotFacts, span,
};
pub use run::{RunFailure, RunReplica, RunReport, RunSnapshot, RunState, RunStore};
pub use seal::{Audience, PassphraseSeal, Seal, SealedTo, may_lie_there};
pub use since::{Since, TableSince, ThenNow};
pub use snapshot::{Pin, SnapshotId, SnapshotState, Verification};
pub use step::{Output, StepReport};
pub use watch::{
    CatalogSeen, Change, Described, Forecast, Health, History, KeySeen, Limits, Live, LiveTable, NOT_CHECKED,
    Observation, Reach, Schedule, Seen, ServiceHealth, Shape, Slope, SnapshotPoint, StoreSeen, Subject, TableCount,
    TableLimits, TableState, TableStatus, Trend, Uncovered, Unseen, UnusualDay, WatchReport,
};
