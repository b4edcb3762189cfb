//! Copies one table: windows are read ahead in parallel, written in the order of addresses, and
//! cut into parts.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::OwnedSemaphorePermit;

use super::TableError;
use super::pages::{RowWork, Seen, Written};
use super::shared::Shared;
use crate::commands::read::{Owners, Steps, Task, first, fits_one_page};
use crate::format::Observer;
use crate::model::{Relation, Stability};
use crate::progress::TableProgress;
use crate::snapshot::writer::{PartPair, RowFormat, TableWriter};
use crate::supabase::{Access, ApiError, RowSource, TableReader, Window};

/// Rows and windows of one stretch of blocks.
#[derive(Debug)]
pub(super) struct Piece {
    /// Absent if the stretch holds no rows.
    pub(super) pair: Option<PartPair>,
    pub(super) windows: Vec<Seen>,
    /// Pieces are numbered in the order in which they were read.
    pub(super) read: u64,
    /// First block.
    pub(super) from: u32,
    /// One past the last block; `None`: to the end.
    pub(super) to: Option<u32>,
}

/// A table on its way into the snapshot.
#[derive(Debug)]
pub(super) struct TableCopy {
    pub(super) shared: Arc<Shared>,
    pub(super) relation: Relation,
    pub(super) work: Arc<RowWork>,
    pub(super) writer: TableWriter,
    pub(super) pieces: Vec<Piece>,
    pub(super) counted_before: Option<u64>,
    pub(super) counted_after: Option<u64>,
    pub(super) read_from: DateTime<Utc>,
    pub(super) read_to: DateTime<Utc>,
    pub(super) passes: u32,
    pub(super) reread: u64,
    reads: u64,
    pub(super) stability: Option<Stability>,
    /// Rows and count of the last pass, where they differed although nothing had changed.
    pub(super) mismatch: Option<(u64, u64)>,
    /// The same, when it is certain that rows exist which no page shows.
    pub(super) unreached: Option<(u64, u64)>,
    pub(super) progress: TableProgress,
}

/// Raw bytes that a table may write before it has to wait for its turn among the large ones.
const LIGHT: u64 = 4 << 20;

impl TableCopy {
    /// A copy that has not begun. `access` is what the probe found.
    pub(super) fn new(shared: Arc<Shared>, relation: Relation, access: Access) -> Self {
        let format = Arc::new(RowFormat::new(&relation.name, &access.columns, &shared.rules, shared.buffers.clone()));
        let writer = TableWriter::new(
            Arc::clone(&shared.store),
            shared.keys.clone(),
            &relation.name,
            Arc::clone(&format),
            shared.rules.clone(),
            shared.outputs.clone(),
        );
        let counted_before = access.counted;
        let observer = Observer::new(&access.columns);
        let reader = TableReader::new(Arc::clone(&shared.client), relation.name.clone(), access);
        let work =
            Arc::new(RowWork { reader, format, owners: Owners::default(), observer, buffers: shared.buffers.clone() });
        let now = shared.now();
        let progress = shared.progress.table(&relation.name, counted_before);
        Self {
            shared,
            relation,
            work,
            writer,
            pieces: Vec::new(),
            counted_before,
            counted_after: None,
            read_from: now,
            read_to: now,
            passes: 0,
            reread: 0,
            reads: 0,
            stability: None,
            mismatch: None,
            unreached: None,
            progress,
        }
    }

    /// Rows stored so far.
    pub(super) fn rows(&self) -> u64 {
        self.pieces.iter().filter_map(|p| p.pair.as_ref()).map(|p| p.rows).sum()
    }

    /// Reads the whole table by block.
    pub(super) async fn copy_blocks(&mut self) -> Result<(), TableError> {
        self.read_from = self.shared.now();
        if let Some(counted) = self.counted_before {
            self.work.reader.learn_row_limit(counted).await?;
        }
        self.pieces = self.stretch(0, None, self.counted_before).await?;
        self.read_to = self.shared.now();
        Ok(())
    }

    fn page_size(&self) -> u64 {
        self.work.reader.page_size(self.shared.page_size)
    }

    /// Reads blocks `from..to` (or to the table's end) into new parts. `expected` is how many rows
    /// there should be: it only decides when to look for the end.
    pub(super) async fn stretch(
        &mut self,
        from: u32,
        to: Option<u32>,
        expected: Option<u64>,
    ) -> Result<Vec<Piece>, TableError> {
        let mut run = Run {
            steps: Steps::new(from, to),
            pending: VecDeque::new(),
            piece_from: from,
            windows: Vec::new(),
            pieces: Vec::new(),
            rows: 0,
        };
        if to.is_none() && fits_one_page(&self.work.reader, self.page_size(), expected) {
            let memory = self.memory().await?;
            match self.spawn(Window::from_block(from), memory).await {
                Ok(Ok(written)) => {
                    self.take(written, &mut run).await?;
                    self.close(&mut run, None).await?;
                    self.writer.stored().await?;
                    return Ok(run.pieces);
                }
                Ok(Err(TableError::Api(ApiError::TooLarge(_) | ApiError::Broken(_)))) => {} // it grew, or is too much at once
                Ok(Err(error)) => return Err(error),
                Err(error) => return Err(TableError::Fatal(error.into())),
            }
        }
        let mut turn: Option<OwnedSemaphorePermit> = None;
        let mut written_bytes = 0;
        loop {
            // the first window shows how many rows a block holds; only then is read ahead
            let most = if run.rows == 0 && run.windows.len() < 2 { 1 } else { self.shared.ahead };
            let may_go_on = turn.is_some() || written_bytes < LIGHT;
            let room = may_go_on && run.pending.len() < most && !run.steps.exhausted();
            if !room && run.pending.is_empty() {
                if run.steps.exhausted() {
                    break;
                }
                // nothing is held while waiting, so whoever has the turn gets all the memory
                turn = Some(
                    Arc::clone(&self.shared.heavy).acquire_owned().await.map_err(|e| TableError::Fatal(e.into()))?,
                );
                continue;
            }
            // A table never waits for memory alone while it holds some: its own first window may end
            // meanwhile. So whoever holds memory can always go on and give it back.
            let written = tokio::select! {
                biased;
                memory = self.memory(), if room => {
                    let memory = memory?;
                    if let Some(window) = run.steps.next_window() {
                        run.pending.push_back(self.spawn(window, memory));
                    }
                    continue;
                }
                written = first(&mut run.pending) => written?,
            };
            written_bytes += written.bytes;
            let Seen { window, rows, .. } = written.seen;
            run.steps.adjust(window, rows, written.bytes, self.work.reader.target_rows(), self.page_size());
            self.take(written, &mut run).await?;
            let end = window.end_block().unwrap_or(u32::MAX);
            if to.is_none()
                && (rows == 0 || expected.is_some_and(|n| run.rows >= n))
                && !self.work.reader.any_from(end).await?
            {
                run.pending.clear();
                run.steps.end_at(end);
            }
        }
        let end = run.steps.next_block();
        self.close(&mut run, Some(end)).await?;
        self.writer.stored().await?;
        Ok(run.pieces)
    }

    async fn memory(&self) -> Result<OwnedSemaphorePermit, TableError> {
        Arc::clone(&self.shared.memory).acquire_owned().await.map_err(|e| TableError::Fatal(e.into()))
    }

    fn spawn(&self, window: Window, memory: OwnedSemaphorePermit) -> Task<Result<Written, TableError>> {
        let look = self.pieces.is_empty();
        Task::spawn(Arc::clone(&self.work).window(Arc::clone(&self.shared), window, look, memory))
    }

    async fn take(&mut self, written: Written, run: &mut Run) -> Result<(), TableError> {
        let Written { chunk, seen, settings, bytes, .. } = written;
        if matches!(self.work.reader.access().source, RowSource::Rest) {
            self.shared.observed(&settings); // those of SQL are known
        }
        self.progress.add(chunk.rows, bytes);
        run.rows += chunk.rows;
        run.windows.push(seen);
        if chunk.rows > 0 && self.writer.append(chunk).await? {
            self.close(run, seen.window.end_block()).await?;
        }
        Ok(())
    }

    async fn close(&mut self, run: &mut Run, to: Option<u32>) -> Result<(), TableError> {
        if run.windows.is_empty() {
            return Ok(());
        }
        let last = to.map_or(u64::from(u32::MAX) + 1, u64::from);
        let pair = self.writer.close(Some([u64::from(run.piece_from), last])).await?;
        let piece =
            Piece { pair, windows: std::mem::take(&mut run.windows), read: self.next_read(), from: run.piece_from, to };
        run.piece_from = to.unwrap_or(u32::MAX);
        run.pieces.push(piece);
        Ok(())
    }

    /// The next number of a piece.
    pub(super) fn next_read(&mut self) -> u64 {
        self.reads += 1;
        self.reads
    }

    /// Removes everything stored of this table.
    pub(super) async fn discard(&mut self) -> Result<(), TableError> {
        self.writer.discard();
        for piece in self.pieces.drain(..) {
            if let Some(pair) = &piece.pair {
                self.writer.remove(pair).await?;
            }
        }
        Ok(())
    }
}

/// The state of reading one stretch.
struct Run {
    steps: Steps,
    pending: VecDeque<Task<Result<Written, TableError>>>,
    piece_from: u32,
    windows: Vec<Seen>,
    pieces: Vec<Piece>,
    rows: u64,
}
