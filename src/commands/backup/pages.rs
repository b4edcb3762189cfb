//! From pages to written rows: the work on one window, on a thread of its own.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use xxhash_rust::xxh3::xxh3_128;

use super::TableError;
use super::shared::Shared;
use crate::buffers::Buffers;
use crate::commands::read::{DAMAGED_TRIES, Owners, Unread, own_rows, read_window};
use crate::format::{Observer, PageRow, SeenSettings, Shape};
use crate::snapshot::writer::{Chunk, RowFormat};
use crate::supabase::{Page, TableReader, Window};

/// What is needed to write the rows of one table.
#[derive(Debug)]
pub(super) struct RowWork {
    pub(super) reader: TableReader,
    pub(super) format: Arc<RowFormat>,
    pub(super) owners: Owners,
    pub(super) observer: Observer,
    pub(super) buffers: Buffers,
}

/// The rows of one window, written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) chunk: Chunk,
    pub(super) seen: Seen,
    pub(super) settings: SeenSettings,
    /// Bytes of the pages.
    pub(super) bytes: u64,
}

/// What a window held, in a few bytes: enough to tell later whether it still does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) window: Window,
    pub(super) rows: u64,
    /// Sum of the hashes of address, version and guard of every row.
    pub(super) fingerprint: u128,
}

impl Seen {
    /// Whether the other one begins where this one ends, and ends too.
    pub(super) fn touches(&self, next: &Seen) -> bool {
        let is_plain = self.window.oids.is_none() && next.window.oids.is_none();
        is_plain && self.window.to == Some(next.window.from) && next.window.has_end()
    }
}

/// Rows of one table looked at for settings: enough to see them, few enough to cost nothing.
const LOOKED_AT: u64 = 200;

impl RowWork {
    /// Reads a window and writes its rows.
    pub(super) async fn window(
        self: Arc<Self>,
        shared: Arc<Shared>,
        window: Window,
        look: bool,
        memory: OwnedSemaphorePermit,
    ) -> Result<Written, TableError> {
        let shape = self.reader.access().shape();
        let written = read_window(&self.reader, (window, shape), shared.pause, &self.buffers, |pages| {
            let (work, shared) = (Arc::clone(&self), Arc::clone(&shared));
            async move { work.write(&shared, &pages, window, look).await }
        });
        let (chunk, seen, settings, bytes) = written.await?;
        // the page is gone and its rows are compressed: they wait in little room
        drop(memory);
        Ok(Written { chunk, seen, settings, bytes })
    }

    async fn write(
        self: &Arc<Self>,
        shared: &Shared,
        pages: &Arc<Vec<Page>>,
        window: Window,
        look: bool,
    ) -> Result<(Chunk, Seen, SeenSettings, u64), TableError> {
        loop {
            let (work, bodies) = (Arc::clone(self), Arc::clone(pages));
            let _hand = shared.hands.acquire().await.map_err(|e| TableError::Fatal(e.into()))?;
            let done = tokio::task::spawn_blocking(move || work.write_pages(&bodies, window, look));
            match done.await.map_err(|e| TableError::Fatal(e.into()))? {
                Ok(written) => return Ok(written),
                Err(Stop::Unread(Unread::Stranger(oid, tid))) => {
                    self.owners.learn(&shared.listed, &self.reader, oid, tid).await?;
                }
                Err(Stop::Unread(Unread::Damaged(why))) => return Err(TableError::Damaged(why.0)),
                Err(Stop::Failed(error)) => return Err(TableError::Fatal(error)),
            }
        }
    }

    fn write_pages(
        &self,
        pages: &[Page],
        window: Window,
        look: bool,
    ) -> Result<(Chunk, Seen, SeenSettings, u64), Stop> {
        let bytes: usize = pages.iter().map(|p| p.body.len()).sum();
        let mut chunk = self.format.chunk();
        let mut settings = SeenSettings::default();
        let look = look && self.observer.is_useful();
        let seen = self.each(pages, window, self.reader.access().shape(), |row| {
            if look && chunk.rows < LOOKED_AT {
                self.observer.row(row.fields.iter(), &mut settings);
            }
            self.format.row(row.record, row.fields, &mut chunk);
        })?;
        let chunk = self.format.press(chunk).map_err(|e| Stop::Failed(e.into()))?;
        Ok((chunk, seen, settings, bytes as u64))
    }

    /// Goes through the rows that are this table's, and sums up what names them.
    fn each(
        &self,
        pages: &[Page],
        window: Window,
        shape: Shape,
        mut each: impl FnMut(&PageRow<'_>),
    ) -> Result<Seen, Unread> {
        let whole = self.reader.sweeps_content();
        let mut seen = Seen { window, rows: 0, fingerprint: 0 };
        own_rows(&self.reader, &self.owners, pages, shape, |row| {
            seen.rows += 1;
            let name = if whole { row.whole } else { row.identity };
            seen.fingerprint = seen.fingerprint.wrapping_add(xxh3_128(name));
            each(row);
            Ok(())
        })?;
        Ok(seen)
    }

    /// Looks whether a window still holds what it held.
    pub(super) async fn still(self: Arc<Self>, shared: Arc<Shared>, before: Seen) -> Result<bool, TableError> {
        let _memory = Arc::clone(&shared.memory).acquire_owned().await.map_err(|e| TableError::Fatal(e.into()))?;
        let shape = self.reader.sweep_shape();
        let mut tries = 1;
        loop {
            let pages = match self.reader.read(before.window, shape).await {
                Ok(pages) => pages,
                // it grew so much that one page cannot hold it
                Err(crate::supabase::ApiError::TooLarge(_)) if !before.window.has_end() => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            let work = Arc::clone(&self);
            let _hand = shared.hands.acquire().await.map_err(|e| TableError::Fatal(e.into()))?;
            let done = tokio::task::spawn_blocking(move || {
                let seen = work.each(&pages, before.window, shape, |_| {});
                pages.into_iter().for_each(|page| work.buffers.give(page.body));
                seen
            });
            match done.await.map_err(|e| TableError::Fatal(e.into()))? {
                Ok(now) => return Ok(now == before),
                Err(Unread::Stranger(oid, tid)) => self.owners.learn(&shared.listed, &self.reader, oid, tid).await?,
                Err(Unread::Damaged(_)) if tries < DAMAGED_TRIES => {
                    tokio::time::sleep(shared.pause * tries).await;
                    tries += 1;
                }
                Err(Unread::Damaged(why)) => return Err(TableError::Damaged(why.0)),
            }
        }
    }
}

/// Why the rows of a window could not all be written.
enum Stop {
    /// They could not be gone through.
    Unread(Unread),
    /// They could not be compressed.
    Failed(anyhow::Error),
}

impl From<Unread> for Stop {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}
