//! What a backup is about to do: `--dry-run` prints the plan that the run takes.

use serde::Serialize;

use crate::model::{Missing, PassedOver, TableName};

/// The tables to read, and all that will not be read.
#[derive(Debug, Clone, Serialize)]
pub struct BackupPlan {
    /// Tables to back up.
    pub tables: Vec<PlannedTable>,
    /// Relations that hold no rows of their own, or that a filter excludes.
    pub passed_over: Vec<PassedOver>,
    /// What should be read and cannot be.
    pub missing: Vec<Missing>,
}

/// One table of the plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedTable {
    /// Schema and name.
    pub name: TableName,
    /// Exact count at the time of planning; `None` where counting took too long.
    pub rows: Option<u64>,
    /// Estimated bytes of row text, from a sample of the first rows.
    pub bytes: Option<u64>,
    /// `ctid` or `keyset`.
    pub paging: String,
    /// `sql` where the Data API does not show all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_through: Option<String>,
}
