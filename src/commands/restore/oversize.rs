//! Rows that are too large for the way to SQL: found before anything is written, and sent another way.

use super::work::{Mark, Marks, Work};
use crate::error::Failure;
use crate::format::{Batch, BatchWriter, Fields};
use crate::render;
use crate::snapshot::Reader;
use crate::supabase::Writer;

/// A byte of a stored row becomes at most so many in a request: a `"` is doubled in the row's text, which is
/// escaped in an array, which is escaped in the request.
const GROWTH: u64 = 8;

/// Rows that do not fit into a request.
#[derive(Debug, Default)]
pub(super) struct Oversize {
    /// How many.
    pub(super) rows: u64,
    /// What a person calls the first one.
    first: String,
    /// The largest request, in bytes.
    most: usize,
}

impl Oversize {
    /// What a person is told.
    pub(super) fn message(&self, through: &str) -> String {
        let most = render::bytes(self.most as u64);
        let verb = if self.rows == 1 { "is" } else { "are" };
        format!(
            "{} (first: {}) {verb} larger than {through} takes at once ({most})",
            render::plural(self.rows, "row"),
            self.first
        )
    }
}

/// The rows that are to be written and do not fit.
pub(super) async fn oversize(reader: &Reader<'_>, work: &Work) -> Result<Oversize, Failure> {
    let Some(most) = work.writer.largest_request() else { return Ok(Oversize::default()) };
    let mut search = Search {
        writer: std::sync::Arc::clone(&work.writer),
        text: work.batch_writer(false),
        marks: work.marks.clone(),
        batch: Batch::default(),
        row: 0,
        found: Oversize { most, ..Oversize::default() },
    };
    for part in work.entry.parts_of(work.artifact) {
        if part.raw_size.saturating_mul(GROWTH) <= most as u64 {
            search.row += part.rows;
            continue;
        }
        search = reader
            .rows_of_part(&work.entry, part, search, |search, fields| {
                search.row(fields);
                Ok(())
            })
            .await?;
    }
    Ok(search.found)
}

struct Search {
    writer: std::sync::Arc<dyn Writer>,
    text: BatchWriter,
    marks: Marks,
    batch: Batch,
    row: u64,
    found: Oversize,
}

impl Search {
    fn row(&mut self, fields: &Fields) {
        let mark = self.marks.of(self.row);
        self.row += 1;
        if mark == Mark::Nothing {
            return;
        }
        self.batch.clear();
        self.text.push(fields, &mut self.batch);
        if self.writer.fits(&self.batch) {
            return;
        }
        if self.found.rows == 0 {
            self.found.first = self.batch.name(0);
        }
        self.found.rows += 1;
    }
}
