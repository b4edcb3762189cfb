//! Reads every row of one table of the project, in the ways in which a backup reads it.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::buffers::Buffers;
use crate::commands::read::{
    KeyPages, Owners, Steps, TableError, Task, Unread, first, fits_one_page, hands, own_rows, read_window, whole_page,
};
use crate::format::{Fields, Malformed, PageRow};
use crate::model::TableName;
use crate::supabase::{ApiError, Page, Paging, RowVersion, TableReader, Window};

/// What the scans of one run share.
#[derive(Debug, Clone)]
pub struct ScanLimits {
    /// One permit for each window whose page is in memory.
    pub memory: Arc<Semaphore>,
    /// One permit for each core that goes through rows.
    pub hands: Arc<Semaphore>,
    /// Windows of one table that are asked for ahead.
    pub ahead: usize,
    /// Bytes that a page aims at.
    pub page_size: u64,
    /// For pages.
    pub buffers: Buffers,
}

impl ScanLimits {
    /// For so many requests at a time.
    pub fn new(connections: usize, page_size: u64, buffers: Buffers) -> Self {
        let hands = Arc::new(Semaphore::new(hands()));
        Self {
            memory: Arc::new(Semaphore::new(connections.max(2))),
            hands,
            ahead: connections * 2 + 4,
            page_size,
            buffers,
        }
    }
}

/// One table that is to be read.
#[derive(Debug, Clone)]
pub struct TableScan {
    /// Reads it.
    pub reader: TableReader,
    /// Tables whose rows are left to them: those of a child that is listed are not this table's.
    pub listed: Arc<HashSet<TableName>>,
    /// What it shares with others.
    pub limits: ScanLimits,
}

/// A row of the project.
#[derive(Debug)]
pub(super) struct ScannedRow<'a> {
    /// Its fields, those of the reader's columns.
    pub(super) fields: &'a Fields,
    /// Its text.
    pub(super) record: &'a [u8],
    /// Where it stands and who wrote it; `None`: the table is read without addresses.
    pub(super) version: Option<RowVersion>,
}

/// What a scan came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Scanned {
    /// Rows of the table.
    pub(super) rows: u64,
    /// Oids of tables that inherit from it and whose rows were left to them.
    pub(super) apart: Vec<u32>,
}

impl TableScan {
    /// Calls `each` for every row, with what is gathered of its page, on threads that may block; then
    /// `take` with what was gathered of each page, in the order of pages, and with the number of its rows
    /// and bytes. A page that turns out damaged is gathered anew: nothing of it gets to `take`.
    pub(super) async fn scan<P, F>(
        &self,
        each: F,
        mut take: impl FnMut(P, u64, u64) + Send,
    ) -> Result<Scanned, TableError>
    where
        P: Default + Send + 'static,
        F: Fn(&ScannedRow<'_>, &mut P) + Send + Sync + 'static,
    {
        let work = Arc::new(Work { scan: self.clone(), owners: Owners::default(), each });
        let rows = match self.reader.access().paging {
            Paging::Ctid => work.by_block(&mut take).await?,
            Paging::Keyset => work.by_key(&mut take).await?,
            Paging::Whole => {
                let page = whole_page(&self.reader).await?;
                let (gathered, _, rows, bytes) = work.key_page(KeyPages::new(&self.reader), page).await?;
                take(gathered, rows, bytes);
                rows
            }
        };
        Ok(Scanned { rows, apart: work.owners.apart() })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, TableError> {
        Arc::clone(&self.limits.memory).acquire_owned().await.map_err(|e| TableError::Fatal(e.into()))
    }
}

/// The rows of one window, gone through.
struct Gathered<P> {
    page: P,
    rows: u64,
    bytes: u64,
    window: Window,
}

struct Work<F> {
    scan: TableScan,
    owners: Owners,
    each: F,
}

impl<F> Work<F> {
    async fn by_block<P>(self: &Arc<Self>, take: &mut (impl FnMut(P, u64, u64) + Send)) -> Result<u64, TableError>
    where
        P: Default + Send + 'static,
        F: Fn(&ScannedRow<'_>, &mut P) + Send + Sync + 'static,
    {
        let reader = &self.scan.reader;
        let expected = reader.access().counted;
        if let Some(counted) = expected {
            reader.learn_row_limit(counted).await?;
        }
        let page_size = reader.page_size(self.scan.limits.page_size);
        if fits_one_page(reader, page_size, expected) {
            let memory = self.scan.permit().await?;
            match Arc::clone(self).window(Window::from_block(0), memory).await {
                Ok(gathered) => {
                    take(gathered.page, gathered.rows, gathered.bytes);
                    return Ok(gathered.rows);
                }
                Err(TableError::Api(ApiError::TooLarge(_) | ApiError::Broken(_))) => {} // it grew, or is too much at once
                Err(error) => return Err(error),
            }
        }
        let mut steps = Steps::new(0, None);
        let mut pending: VecDeque<Task<Result<Gathered<P>, TableError>>> = VecDeque::new();
        let (mut rows, mut windows) = (0, 0);
        loop {
            // the first window shows how many rows a block holds; only then is read ahead
            let most = if rows == 0 && windows < 2 { 1 } else { self.scan.limits.ahead };
            let room = pending.len() < most && !steps.exhausted();
            if !room && pending.is_empty() {
                return Ok(rows);
            }
            // a table never waits for memory alone while it holds some: its own first window may end meanwhile
            let gathered = tokio::select! {
                biased;
                memory = self.scan.permit(), if room => {
                    let memory = memory?;
                    if let Some(window) = steps.next_window() {
                        pending.push_back(Task::spawn(Arc::clone(self).window(window, memory)));
                    }
                    continue;
                }
                gathered = first(&mut pending) => gathered?,
            };
            let Gathered { page, rows: more, bytes, window } = gathered;
            steps.adjust(window, more, bytes, reader.target_rows(), page_size);
            (rows, windows) = (rows + more, windows + 1);
            take(page, more, bytes);
            let end = window.end_block().unwrap_or(u32::MAX);
            if (more == 0 || expected.is_some_and(|n| rows >= n)) && !reader.any_from(end).await? {
                pending.clear();
                steps.end_at(end);
            }
        }
    }

    async fn window<P>(
        self: Arc<Self>,
        window: Window,
        _memory: OwnedSemaphorePermit,
    ) -> Result<Gathered<P>, TableError>
    where
        P: Default + Send + 'static,
        F: Fn(&ScannedRow<'_>, &mut P) + Send + Sync + 'static,
    {
        let reader = &self.scan.reader;
        let asked = (window, reader.access().shape());
        let pause = reader.client.pause();
        let gathered = read_window(reader, asked, pause, &self.scan.limits.buffers, |pages| {
            let work = Arc::clone(&self);
            async move { work.gather(pages, window).await }
        });
        gathered.await
    }

    async fn gather<P>(self: Arc<Self>, pages: Arc<Vec<Page>>, window: Window) -> Result<Gathered<P>, TableError>
    where
        P: Default + Send + 'static,
        F: Fn(&ScannedRow<'_>, &mut P) + Send + Sync + 'static,
    {
        let bytes = pages.iter().map(|page| page.body.len() as u64).sum();
        loop {
            let (work, bodies) = (Arc::clone(&self), Arc::clone(&pages));
            let _hand = self.scan.limits.hands.acquire().await.map_err(|e| TableError::Fatal(e.into()))?;
            let gone_through = tokio::task::spawn_blocking(move || {
                let (mut page, mut rows) = (P::default(), 0);
                let shape = work.scan.reader.access().shape();
                let read = own_rows(&work.scan.reader, &work.owners, &bodies, shape, |row| {
                    rows += 1;
                    (work.each)(&scanned(row)?, &mut page);
                    Ok(())
                });
                read.map(|()| (page, rows))
            });
            match gone_through.await.map_err(|e| TableError::Fatal(e.into()))? {
                Ok((page, rows)) => return Ok(Gathered { page, rows, bytes, window }),
                Err(Unread::Stranger(oid, tid)) => {
                    self.owners.learn(&self.scan.listed, &self.scan.reader, oid, tid).await?;
                }
                Err(Unread::Damaged(why)) => return Err(TableError::Damaged(why.0)),
            }
        }
    }

    async fn by_key<P>(self: &Arc<Self>, take: &mut (impl FnMut(P, u64, u64) + Send)) -> Result<u64, TableError>
    where
        P: Default + Send + 'static,
        F: Fn(&ScannedRow<'_>, &mut P) + Send + Sync + 'static,
    {
        let reader = &self.scan.reader;
        let (mut pages, mut rows) = (KeyPages::new(reader), 0);
        loop {
            let _memory = self.scan.permit().await?;
            let Some(page) = pages.next(reader, self.scan.limits.page_size).await? else { return Ok(rows) };
            let (gathered, went_on, more, bytes) = self.key_page(pages, page).await?;
            pages = went_on;
            rows += more;
            take(gathered, more, bytes);
        }
    }

    /// Goes through a page without addresses; gives back where the next one begins.
    async fn key_page<P>(
        self: &Arc<Self>,
        mut pages: KeyPages,
        page: Page,
    ) -> Result<(P, KeyPages, u64, u64), TableError>
    where
        P: Default + Send + 'static,
        F: Fn(&ScannedRow<'_>, &mut P) + Send + Sync + 'static,
    {
        let work = Arc::clone(self);
        let gone_through = tokio::task::spawn_blocking(move || {
            let mut gathered = P::default();
            let rows = pages.rows(&work.scan.reader, &page, |row| {
                (work.each)(&scanned(row)?, &mut gathered);
                Ok(())
            })?;
            let bytes = page.body.len() as u64;
            work.scan.limits.buffers.give(page.body);
            Ok((gathered, pages, rows, bytes))
        });
        gone_through.await.map_err(|e| TableError::Fatal(e.into()))?
    }
}

fn scanned<'a>(row: &'a PageRow<'_>) -> Result<ScannedRow<'a>, Malformed> {
    let version = match (row.tableoid, row.tid, row.writer()?) {
        (Some(tableoid), Some(tid), Some(xmin)) => Some(RowVersion { tableoid, tid, xmin }),
        _ => None,
    };
    Ok(ScannedRow { fields: row.fields, record: row.record, version })
}
