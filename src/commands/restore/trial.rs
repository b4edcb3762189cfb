//! The rows of a table that a rehearsal tries.

use super::rehearse::{BESIDE, Rehearsed, least};
use super::work::{JsonFields, Mark, Marks, Work};
use crate::format::{Batch, BatchWriter, Fields};

/// Bytes of one table's rows that are rehearsed. A table that has fewer to write is rehearsed whole.
const MOST_BYTES: usize = 4 << 20;

/// The rows that are tried.
pub(super) struct Trial {
    marks: Marks,
    writer: BatchWriter,
    row: u64,
    /// Rows to add, and rows to change.
    pub(super) batches: Vec<[Batch; 2]>,
    bytes: usize,
    most_bytes: usize,
    most_rows: usize,
    pub(super) is_full: bool,
    pub(super) json: JsonFields,
    /// Rows that are there already and stay as they are, a few of them.
    pub(super) beside: Batch,
    most_beside: usize,
    pub(super) seen: Rehearsed,
}

impl Trial {
    /// None yet, of this table.
    pub(super) fn new(work: &Work) -> Self {
        Self {
            marks: work.marks.clone(),
            writer: work.batch_writer(!work.plan.later.is_empty()),
            row: 0,
            batches: vec![Default::default()],
            bytes: 0,
            most_bytes: work.writer.batch_bytes(),
            most_rows: work.writer.batch_rows(),
            is_full: false,
            json: JsonFields::of(work),
            beside: Batch::default(),
            most_beside: if work.conflict_key.is_empty() || least(work) == 1 { 0 } else { BESIDE },
            seen: Rehearsed::default(),
        }
    }

    /// Takes the next row of the snapshot.
    pub(super) fn row(&mut self, fields: &Fields) {
        let mark = self.marks.of(self.row);
        let is_there = self.beside.len() < self.most_beside && self.marks.is_equal(self.row);
        self.row += 1;
        if is_there && self.json.refuses(fields).is_none() {
            self.writer.push(fields, &mut self.beside);
        }
        if mark == Mark::Nothing {
            return;
        }
        let is_change = mark == Mark::Change;
        if let Some(refusal) = self.json.refuses(fields) {
            if is_change { &mut self.seen.changes } else { &mut self.seen.adds }.push(refusal);
            return;
        }
        self.seen.respelled += u64::from(self.json.respells(fields));
        if self.is_full {
            return;
        }
        if self.bytes >= MOST_BYTES {
            self.is_full = true;
            return;
        }
        let full = |batch: &Batch| batch.bytes() >= self.most_bytes || batch.len() >= self.most_rows;
        if self.batches.last().is_none_or(|pair| full(&pair[usize::from(is_change)])) {
            self.batches.push(Default::default());
        }
        if let Some(pair) = self.batches.last_mut() {
            let batch = &mut pair[usize::from(is_change)];
            let before = batch.bytes();
            self.writer.push(fields, batch);
            self.bytes += batch.bytes() - before;
        }
    }
}
