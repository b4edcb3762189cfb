//! The watch: what was seen, what is allowed, what came of it. The rules are in `check`, the words in
//! `docs/monitoring.md`.

mod history;
mod limits;
mod observation;
mod report;
mod trend;

pub use history::{History, SnapshotPoint, TableCount};
pub use limits::{Limits, TableLimits};
pub use observation::{
    CatalogSeen, Described, Health, KeySeen, Live, LiveTable, Observation, Schedule, Seen, ServiceHealth, StoreSeen,
    Uncovered, Unseen,
};
pub use report::{NOT_CHECKED, TableState, TableStatus, WatchReport};
pub use trend::{Change, Forecast, Reach, Shape, Slope, Subject, Trend, UnusualDay};
