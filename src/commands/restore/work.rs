//! One table of a restore: its plan, and what the work needs to know beyond it.

use std::sync::Arc;

use super::comparison::{Comparison, Sum};
use crate::format::{BatchColumn, BatchWriter, RowForm};
use crate::model::{Artifact, RestoreMode, RowFilter, SchemaStep, TableEntry, TablePlan};
use crate::supabase::{RowVersion, Writer};

pub(super) use super::comparison::Mark;

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
    /// Versions of rows that are deleted.
    pub(super) doomed: Vec<RowVersion>,
    /// What a person calls the first of them.
    pub(super) doomed_names: Vec<String>,
    /// Rows and digest that the table must have afterwards, over the columns that both have; `None`: it is
    /// made by this restore, and then those of the snapshot.
    pub(super) after: Option<Sum>,
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

    /// Rows and digest of the table afterwards, as the server prints them; `None`: not known in that form.
    pub(super) fn expected(&self, schema: SchemaStep) -> Option<Sum> {
        match (&self.marks, self.after) {
            (Marks::Compared(comparison, _), after) => after.filter(|_| comparison.is_whole),
            (Marks::AllAdded, _) if schema == SchemaStep::Create => {
                Some(Sum { rows: self.entry.rows, digest: self.entry.digest.parse().ok()? })
            }
            (Marks::AllAdded, _) => None,
        }
    }

    /// What a person calls a row that is deleted.
    pub(super) fn doomed_name(&self, place: usize) -> String {
        self.doomed_names.get(place).cloned().unwrap_or_else(|| {
            let tid = self.doomed[place].tid;
            format!("at address ({},{})", tid.block, tid.offset)
        })
    }

    /// Fields of columns whose type is json or jsonb.
    pub(super) fn json_fields(&self) -> Vec<usize> {
        self.columns.iter().filter(|c| c.is_json).filter_map(|c| c.field).collect()
    }
}
