//! From pages to written rows: the work on one window, on a thread of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedSemaphorePermit;
use xxhash_rust::xxh3::xxh3_128;

use super::TableError;
use super::shared::Shared;
use crate::buffers::Buffers;
use crate::format::{Malformed, Observer, SeenSettings, Shape, Tid, for_each_row};
use crate::model::TableName;
use crate::snapshot::writer::{Chunk, RowFormat};
use crate::supabase::{Page, TableReader, Window};

/// Tables whose rows come with those of the table that is read (partitions, inheriting tables).
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: Mutex<HashMap<u32, Owner>>,
}

/// What is done with the rows of one such table.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    /// They are this table's.
    Own,
    /// They are stored with this table: a partition, or a child that the API does not list.
    With,
    /// They are stored with their own table, which the API lists.
    Apart(TableName),
}

impl Owners {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Owner>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Oids of tables whose rows are left to them.
    pub(super) fn apart(&self) -> Vec<u32> {
        let mut oids: Vec<u32> =
            self.lock().iter().filter(|(_, o)| matches!(o, Owner::Apart(_))).map(|(&oid, _)| oid).collect();
        oids.sort_unstable();
        oids
    }

    /// Names of these tables.
    pub(super) fn children(&self) -> Vec<TableName> {
        let apart = |owner: &Owner| match owner {
            Owner::Apart(name) => Some(name.clone()),
            _ => None,
        };
        let mut names: Vec<TableName> = self.lock().values().filter_map(apart).collect();
        names.sort();
        names
    }

    /// Learns whose rows have this oid. A second oid under the table's own name is another table.
    async fn learn(&self, shared: &Shared, reader: &TableReader, oid: u32, tid: Tid) -> Result<(), TableError> {
        let Some(name) = reader.owner(oid, tid).await? else {
            // the row is gone by now; the next page will show another of that table, or none
            return Err(TableError::Damaged("a row vanished while its table was looked up".to_owned()));
        };
        let owner = if name == *reader.name() {
            if self.lock().values().any(|o| *o == Owner::Own) {
                return Err(TableError::Changed("it was dropped and made again".to_owned()));
            }
            Owner::Own
        } else if shared.listed.contains(&name) {
            Owner::Apart(name)
        } else {
            Owner::With
        };
        self.lock().insert(oid, owner);
        Ok(())
    }
}

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

/// Rows of one table looked at for settings: enough to see them, few enough to cost nothing.
const LOOKED_AT: u64 = 200;

/// How often a window is asked for again when its answer is damaged.
const DAMAGED_TRIES: u32 = 4;

impl RowWork {
    /// Reads a window and writes its rows.
    pub(super) async fn window(
        self: Arc<Self>,
        shared: Arc<Shared>,
        window: Window,
        look: bool,
        memory: OwnedSemaphorePermit,
    ) -> Result<Written, TableError> {
        let mut tries = 1;
        loop {
            let shape = self.reader.access().shape();
            let pages = Arc::new(self.reader.read(window, shape).await?);
            match self.write(&shared, &pages, window, look).await {
                Ok((chunk, seen, settings, bytes)) => {
                    self.recycle(Arc::into_inner(pages));
                    // the page is gone and its rows are compressed: they wait in little room
                    drop(memory);
                    return Ok(Written { chunk, seen, settings, bytes });
                }
                Err(TableError::Damaged(_)) if tries < DAMAGED_TRIES => tries += 1,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(shared.pause * tries).await;
        }
    }

    fn recycle(&self, pages: Option<Vec<Page>>) {
        pages.into_iter().flatten().for_each(|page| self.buffers.give(page.body));
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
                Err(Stop::Stranger(oid, tid)) => self.owners.learn(shared, &self.reader, oid, tid).await?,
                Err(Stop::Damaged(why)) => return Err(TableError::Damaged(why.0)),
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
        mut each: impl FnMut(&crate::format::PageRow<'_>),
    ) -> Result<Seen, Stop> {
        let whole = self.reader.sweeps_content();
        let columns = self.reader.access().columns.len();
        let mut known: Option<(u32, bool)> = None;
        let mut stranger = None;
        let mut seen = Seen { window, rows: 0, fingerprint: 0 };
        for page in pages {
            let rows = for_each_row(&page.body, shape, columns, |row| {
                if let Some(oid) = row.tableoid {
                    let ours = match known {
                        Some((last, ours)) if last == oid => ours,
                        _ => match self.owners.lock().get(&oid) {
                            Some(owner) => !matches!(owner, Owner::Apart(_)),
                            None => {
                                stranger = Some((oid, row.tid.unwrap_or_default()));
                                return Err("a row of a table not seen before".into());
                            }
                        },
                    };
                    known = Some((oid, ours));
                    if !ours {
                        return Ok(());
                    }
                }
                seen.rows += 1;
                let name = if whole { row.whole } else { row.identity };
                seen.fingerprint = seen.fingerprint.wrapping_add(xxh3_128(name));
                each(row);
                Ok(())
            });
            match (rows, stranger) {
                (_, Some((oid, tid))) => return Err(Stop::Stranger(oid, tid)),
                (Ok(rows), None) if rows == page.rows => {}
                (Ok(rows), None) => {
                    return Err(Stop::Damaged(Malformed(format!(
                        "the page holds {rows} rows and the server says {}",
                        page.rows
                    ))));
                }
                (Err(why), None) => return Err(Stop::Damaged(why)),
            }
        }
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
                Err(Stop::Stranger(oid, tid)) => self.owners.learn(&shared, &self.reader, oid, tid).await?,
                Err(Stop::Damaged(_)) if tries < DAMAGED_TRIES => {
                    tokio::time::sleep(shared.pause * tries).await;
                    tries += 1;
                }
                Err(Stop::Damaged(why)) => return Err(TableError::Damaged(why.0)),
                Err(Stop::Failed(error)) => return Err(TableError::Fatal(error)),
            }
        }
    }
}

/// Why the rows of a page could not all be written.
enum Stop {
    /// A row of a table that was not seen before.
    Stranger(u32, Tid),
    /// The page is not what was asked for.
    Damaged(Malformed),
    /// The rows could not be compressed.
    Failed(anyhow::Error),
}
