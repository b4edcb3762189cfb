//! One batch on its way: halved until the row is found that the database refuses.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Failure;
use crate::format::Batch;
use crate::model::{RowRefused, TableName};
use crate::supabase::{Conflict, Load, WriteError, Writer};

/// Whether another row's write may lift a refusal with this code: a key that is not there yet, a value that
/// is still taken.
pub(super) fn may_lift(code: &str) -> bool {
    matches!(code, "23503" | "23505" | "23P01")
}

/// What a row does whose key is there, in a table with this key.
pub(super) fn conflict(key: &[String], keep_existing: bool) -> Conflict<'_> {
    match (key.is_empty(), keep_existing) {
        (true, _) => Conflict::Refuse,
        (false, true) => Conflict::Ignore(key),
        (false, false) => Conflict::Update(key),
    }
}

/// What a table's batches have come to so far. Shared by everything that is in flight.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Rows that the server confirmed as inserted.
    pub(super) added: AtomicU64,
    /// Rows that the server confirmed as changed.
    pub(super) changed: AtomicU64,
    /// Rows that were deleted.
    pub(super) deleted: AtomicU64,
    /// Rows that the server took and did not write: a trigger or a rule dropped them, or they were there.
    pub(super) dropped: AtomicU64,
    /// Rows that are refused for good.
    pub(super) refused: Mutex<Vec<RowRefused>>,
    /// Rows that may be written once others are.
    pub(super) waiting: Mutex<Vec<Waiting>>,
    /// Batches of which nobody knows whether they were written.
    pub(super) unknown: AtomicU64,
}

/// What writing a row does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is not there yet.
    Add,
    /// It is there with other values.
    Change,
    /// It was added in this run, without the columns that had to come later.
    Complete,
}

/// A row that may be written once others are.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) batch: Batch,
    pub(super) kind: Kind,
    pub(super) refusal: RowRefused,
}

impl Tally {
    /// Takes the rows that wait.
    pub(super) fn take_waiting(&self) -> Vec<Waiting> {
        std::mem::take(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many wait.
    pub(super) fn waits(&self) -> usize {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(super) fn refuse(&self, refusal: RowRefused) {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).push(refusal);
    }

    /// The rows that were refused for good.
    pub(super) fn refused(&self) -> Vec<RowRefused> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How the batches of one table are sent.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    pub(super) writer: Arc<dyn Writer>,
    pub(super) table: TableName,
    pub(super) columns: Vec<String>,
    pub(super) key: Vec<String>,
    /// Rows whose key is there are left as they are.
    pub(super) keep_existing: bool,
    /// A refused row does not end the restore.
    pub(super) keep_going: bool,
    pub(super) tally: Arc<Tally>,
}

impl Sender {
    /// Whether sending a batch again cannot double a row.
    fn is_repeatable(&self) -> bool {
        !self.key.is_empty()
    }

    /// Writes a batch: all of it, but for rows that are refused.
    pub(super) async fn send(&self, batch: &Batch, kind: Kind) -> Result<(), Failure> {
        let mut todo = vec![(0, batch.len())];
        let mut losses = 0;
        while let Some((from, to)) = todo.pop() {
            if from == to {
                continue;
            }
            let load = Load {
                table: &self.table,
                columns: &self.columns,
                // a row that was not there when it was compared is not ours to change: it came since, or its
                // key is the same and written otherwise
                conflict: conflict(&self.key, self.keep_existing || kind == Kind::Add),
                batch,
                range: (from, to),
                rehearse: false,
            };
            let halves = |todo: &mut Vec<(usize, usize)>| {
                let middle = from + (to - from) / 2;
                todo.extend([(middle, to), (from, middle)]);
            };
            match self.writer.write(&load).await {
                Ok(rows) => self.confirmed((to - from) as u64, rows, kind),
                Err(WriteError::Fatal(failure)) => return Err(failure),
                Err(WriteError::Unknown(_)) if self.is_repeatable() && losses < 2 => {
                    losses += 1;
                    todo.push((from, to));
                }
                // whoever compares afterwards finds out
                Err(WriteError::Unknown(_)) if !self.is_repeatable() => {
                    self.tally.unknown.fetch_add(1, Ordering::Relaxed);
                }
                Err(WriteError::Unknown(why)) => return Err(self.lost(&why)),
                Err(WriteError::TooMuch(_) | WriteError::Refused { .. }) if to - from > 1 => halves(&mut todo),
                Err(WriteError::TooMuch(why)) => self.refused_row(batch, from, kind, "", &why)?,
                Err(WriteError::Refused { code, message }) => {
                    self.refused_row(batch, from, kind, &code, &message)?;
                }
            }
        }
        Ok(())
    }

    fn confirmed(&self, sent: u64, rows: u64, kind: Kind) {
        match kind {
            Kind::Add => self.tally.added.fetch_add(rows.min(sent), Ordering::Relaxed),
            Kind::Change => self.tally.changed.fetch_add(rows.min(sent), Ordering::Relaxed),
            Kind::Complete => 0,
        };
        self.tally.dropped.fetch_add(sent.saturating_sub(rows), Ordering::Relaxed);
    }

    fn refused_row(&self, batch: &Batch, row: usize, kind: Kind, code: &str, message: &str) -> Result<(), Failure> {
        let refusal = RowRefused { row: batch.name(row), reason: message.to_owned() };
        if may_lift(code) {
            let mut one = Batch::default();
            one.push_from(batch, row);
            let waiting = Waiting { batch: one, kind, refusal };
            self.tally.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waiting);
            return Ok(());
        }
        if self.keep_going {
            self.tally.refuse(refusal);
            return Ok(());
        }
        Err(refused(&self.table, &refusal))
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::failed(format!("writing to {}: {why}", self.table))
            .hint("run the same command again: a restore goes on from what the project already has")
    }
}

/// A refused row ends the restore.
pub(super) fn refused(table: &TableName, refusal: &RowRefused) -> Failure {
    Failure::failed(format!("writing to {table}: the database refuses the row {}: {}", refusal.row, refusal.reason))
        .hint("mend the cause and run the same command again (it goes on from there), or restore all other rows with --keep-going")
}
