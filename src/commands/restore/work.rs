//! One table of a restore: its plan, and what the work needs to know beyond it.

use std::sync::Arc;

use super::comparison::{Comparison, Sum};
use super::plan::Means;
use crate::format::{BatchColumn, BatchWriter, RowForm};
use crate::model::{Artifact, RestoreMode, RowFilter, SchemaStep, TableEntry, TablePlan, WriteWay};
use crate::supabase::{RowVersion, Writer};

pub(super) use super::comparison::Mark;
pub(super) use super::json::JsonFields;

/// One mark for each row of the snapshot, in their order.
#[derive(Debug, Clone)]
pub(super) enum Marks {
    /// Every row is added.
    AllAdded,
    /// As the comparison says.
    Compared(Arc<Comparison>, RestoreMode),
}

impl Marks {
    /// That of a row.
    pub(super) fn of(&self, row: u64) -> Mark {
        match self {
            Self::AllAdded => Mark::Add,
            Self::Compared(comparison, mode) => {
                usize::try_from(row).map_or(Mark::Nothing, |row| comparison.mark(row, *mode))
            }
        }
    }

    /// Whether the project has this row of the snapshot with the same values.
    pub(super) fn is_equal(&self, row: u64) -> bool {
        match self {
            Self::AllAdded => false,
            Self::Compared(comparison, _) => usize::try_from(row).is_ok_and(|row| comparison.is_equal(row)),
        }
    }
}

/// One table of a restore.
#[derive(Debug)]
pub(super) struct Work {
    /// The snapshot's ledger line.
    pub(super) entry: Arc<TableEntry>,
    /// The form that its rows are read from.
    pub(super) artifact: Artifact,
    pub(super) plan: TablePlan,
    /// Columns that the database finds an existing row by; empty: it has none, or it is not to be used.
    pub(super) conflict_key: Vec<String>,
    /// How rows are written.
    pub(super) form: RowForm,
    /// Columns of a batch.
    pub(super) columns: Vec<BatchColumn>,
    /// Names and fields of the key.
    pub(super) key: Vec<(String, usize)>,
    pub(super) marks: Marks,
    /// Which rows were chosen.
    pub(super) rows: RowFilter,
    pub(super) writer: Arc<dyn Writer>,
}

impl Work {
    /// Writes its rows into batches; `without_later`: as NULL where a column has to come later.
    pub(super) fn batch_writer(&self, without_later: bool) -> BatchWriter {
        let column = |column: &BatchColumn| {
            let is_later = without_later && self.plan.later.contains(&column.name);
            BatchColumn { field: column.field.filter(|_| !is_later), ..column.clone() }
        };
        BatchWriter::new(self.form, self.columns.iter().map(column).collect(), self.key.clone())
    }

    /// Fields of the columns that have to come later.
    pub(super) fn later_fields(&self) -> Vec<usize> {
        self.columns.iter().filter(|c| self.plan.later.contains(&c.name)).filter_map(|c| c.field).collect()
    }

    /// Whether triggers and foreign keys rest while it is written.
    pub(super) fn is_quiet(&self, means: Means) -> bool {
        means.is_quiet && self.plan.way == WriteWay::Sql
    }

    /// Whether rows whose key is there stay as they are.
    pub(super) fn keeps_existing(&self) -> bool {
        self.plan.mode == RestoreMode::InsertMissing
    }

    /// Versions of rows that are deleted.
    pub(super) fn doomed(&self) -> &[RowVersion] {
        match &self.marks {
            Marks::Compared(comparison, RestoreMode::Clear) => comparison.extras(),
            _ => &[],
        }
    }

    /// What a person calls a row that is deleted.
    pub(super) fn doomed_name(&self, place: usize) -> String {
        let known = match &self.marks {
            Marks::Compared(comparison, _) => comparison.extra_name(place),
            Marks::AllAdded => None,
        };
        known.map_or_else(
            || {
                let tid = self.doomed()[place].tid;
                format!("at address ({},{})", tid.block, tid.offset)
            },
            str::to_owned,
        )
    }

    /// Rows and digest that the table must have afterwards, over the columns that both have; `None`: it is
    /// made by this restore, and then those of the snapshot.
    pub(super) fn after(&self) -> Option<Sum> {
        match &self.marks {
            Marks::Compared(comparison, mode) => Some(comparison.expected_after(*mode)),
            Marks::AllAdded => None,
        }
    }

    /// Rows and digest of the table afterwards, as the server prints them; `None`: not known in that form.
    pub(super) fn expected(&self, schema: SchemaStep) -> Option<Sum> {
        match &self.marks {
            Marks::Compared(comparison, _) => self.after().filter(|_| comparison.is_whole),
            Marks::AllAdded if schema == SchemaStep::Create => {
                Some(Sum { rows: self.entry.rows, digest: self.entry.digest.parse().ok()? })
            }
            Marks::AllAdded => None,
        }
    }
}
