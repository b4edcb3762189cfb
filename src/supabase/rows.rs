//! Pages of rows by physical address.
//!
//! A `ctid` window is planned as a TID range scan: it needs no key, costs the same at any depth, and
//! windows are independent of each other. Every page is asked with `count=exact`, so a page that the
//! server cut at its `max_rows` is seen for what it is: it is halved, never trusted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::format::{Shape, Tid};
use crate::supabase::client::{ApiError, SINGLE_LIMIT};
use crate::supabase::probe::RowSource;
use crate::supabase::tables::TableReader;

/// Rows with `from <= ctid < to`, or to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First address.
    pub from: Tid,
    /// One past the last address; `None`: no end.
    pub to: Option<Tid>,
    /// Only rows of tables whose oid is in this range: needed where so many partitions have a row at
    /// one address that a page cannot hold them.
    pub(crate) oids: Option<(u32, u32)>,
}

/// How many pages of a window may break off for good before it is given up: smaller ones may pass,
/// but each costs every retry.
const BROKEN_PAGES: u32 = 2;

/// A block holds fewer rows than this (291 in the usual 8 kB); the guess only steers the halving.
const OFFSETS_PER_BLOCK: u16 = 512;

impl Window {
    /// Whole blocks `from..to`.
    pub fn blocks(from: u32, to: u32) -> Self {
        Self { from: Tid { block: from, offset: 0 }, to: Some(Tid { block: to, offset: 0 }), oids: None }
    }

    /// Every block from `from` on.
    pub fn from_block(from: u32) -> Self {
        Self { from: Tid { block: from, offset: 0 }, to: None, oids: None }
    }

    /// Two windows that together are this one; `None` if it is a single address of a single table, or
    /// has no end.
    pub fn halve(self) -> Option<(Self, Self)> {
        let to = self.to?;
        let blocks = to.block - self.from.block;
        let middle = if blocks > 1 {
            Tid { block: self.from.block + blocks / 2, offset: 0 }
        } else {
            let end = if blocks == 1 { OFFSETS_PER_BLOCK.max(self.from.offset.saturating_add(2)) } else { to.offset };
            let offset = self.from.offset + (end - self.from.offset) / 2;
            if offset == self.from.offset {
                return self.halve_oids();
            }
            Tid { block: self.from.block, offset }
        };
        Some((Self { to: Some(middle), ..self }, Self { from: middle, ..self }))
    }

    /// One past its last block; `None` without end.
    pub fn end_block(&self) -> Option<u32> {
        self.to.map(|to| to.block + u32::from(to.offset > 0))
    }

    /// How many blocks it spans; `None` without end.
    pub fn block_count(&self) -> Option<u32> {
        self.end_block().map(|end| end.saturating_sub(self.from.block))
    }

    /// Whether it ends.
    pub fn has_end(&self) -> bool {
        self.to.is_some()
    }

    fn halve_oids(self) -> Option<(Self, Self)> {
        let (low, high) = self.oids.unwrap_or((0, u32::MAX));
        if high - low < 2 {
            return None;
        }
        let middle = low + (high - low) / 2;
        Some((Self { oids: Some((low, middle)), ..self }, Self { oids: Some((middle, high)), ..self }))
    }

    pub(crate) fn filters(&self) -> Vec<(&'static str, String)> {
        let tid = |t: Tid| format!("({},{})", t.block, t.offset);
        let mut filters = vec![("ctid", format!("gte.{}", tid(self.from)))];
        if let Some(to) = self.to {
            filters.push(("ctid", format!("lt.{}", tid(to))));
        }
        if let Some((low, high)) = self.oids {
            filters.push(("tableoid", format!("gte.{low}")));
            filters.push(("tableoid", format!("lt.{high}")));
        }
        filters
    }
}

/// One page whose framing was whole and that holds every row it was asked for.
#[derive(Debug, Clone)]
pub struct Page {
    /// The JSON text.
    pub body: Vec<u8>,
    /// Rows that the server says it holds.
    pub rows: u64,
}

impl TableReader {
    /// Reads a window, in as many pages as it takes, in the order of addresses. One statement each.
    /// A window without end is read in one page or refused with [`ApiError::TooLarge`].
    pub async fn read(&self, window: Window, shape: Shape) -> Result<Vec<Page>, ApiError> {
        let mut todo = vec![window];
        let mut pages = Vec::new();
        let mut broken = 0;
        while let Some(window) = todo.pop() {
            let refused = match self.window_page(window, shape, None).await {
                Ok((page, total)) if page.rows == total => {
                    pages.push(page);
                    continue;
                }
                Ok((page, total)) => {
                    self.client.row_limit.cut_at(page.rows);
                    ApiError::TooLarge(format!("the server sends {} of {total} rows", page.rows))
                }
                Err(error @ (ApiError::TimedOut(_) | ApiError::TooLarge(_))) => error,
                Err(ApiError::Broken(why)) if broken < BROKEN_PAGES => {
                    broken += 1;
                    ApiError::Broken(why)
                }
                Err(error) => return Err(error),
            };
            match (window.halve(), refused) {
                (Some((low, high)), _) => todo.extend([high, low]),
                (None, refused) if window.to.is_none() => return Err(refused),
                (None, ApiError::TooLarge(_)) => {
                    let (page, total) = self.window_page(window, shape, Some(SINGLE_LIMIT)).await?;
                    if page.rows != total {
                        return Err(ApiError::Damaged("a single row's address gives more than one row".to_owned()));
                    }
                    pages.push(page);
                }
                (None, error) => return Err(error),
            }
        }
        Ok(pages)
    }

    /// One page of a window, and the number of rows that are in it.
    async fn window_page(&self, window: Window, shape: Shape, limit: Option<usize>) -> Result<(Page, u64), ApiError> {
        match &self.access().source {
            RowSource::Rest => {
                let mut query = vec![("select", self.select(shape).to_owned())];
                query.extend(window.filters());
                self.page(&query, limit.unwrap_or(self.client.page_limit)).await
            }
            RowSource::Sql(tables) => {
                let page = tables.window(self.name(), self.access(), window, shape, limit).await?;
                let rows = page.rows;
                Ok((page, rows))
            }
        }
    }

    /// Whether any row stands in `block` or behind it.
    pub async fn any_from(&self, block: u32) -> Result<bool, ApiError> {
        if let RowSource::Sql(tables) = &self.access().source {
            return tables.any_from(self.name(), self.access(), block).await;
        }
        let mut query = vec![("select", "ctid".to_owned()), ("limit", "1".to_owned())];
        query.extend(Window::from_block(block).filters());
        let answer = self.ask(&query).await?;
        let (rows, _) = content_range(&answer).ok_or_else(|| damaged("no Content-Range"))?;
        Ok(rows > 0)
    }

    /// One page and the number of rows that match.
    pub(crate) async fn page(&self, query: &[(&str, String)], limit: usize) -> Result<(Page, u64), ApiError> {
        let answer = self.get(query, &[("prefer", "count=exact")], limit).await?;
        let (rows, total) = content_range(&answer).ok_or_else(|| damaged("no Content-Range"))?;
        let total = total.ok_or_else(|| damaged("no exact count although it was asked for"))?;
        Ok((Page { body: answer.body, rows }, total))
    }
}

/// What is known of the server's `max_rows`.
#[derive(Debug, Default)]
pub(crate) struct RowLimit {
    /// The limit itself, once a page was cut; 0: not yet.
    cap: AtomicU64,
    /// The most rows that came in one page uncut.
    proven: AtomicU64,
}

/// Supabase's default; assumed until the server shows another.
const USUAL_ROW_LIMIT: u64 = 1000;
/// More rows than this in one page bring nothing.
const MOST_ROWS: u64 = 20_000;

impl RowLimit {
    fn cut_at(&self, rows: u64) {
        self.cap.store(rows.max(1), Ordering::Relaxed);
    }

    /// The server's `max_rows`, where a page was cut by it.
    pub(crate) fn known(&self) -> Option<u64> {
        Some(self.cap.load(Ordering::Relaxed)).filter(|&cap| cap > 0)
    }

    /// How many rows a page should aim at.
    fn target(&self) -> u64 {
        // a tenth below the limit: rows per block vary, and a page that is cut was asked for in vain
        let limit = self.known().unwrap_or_else(|| self.proven.load(Ordering::Relaxed).max(USUAL_ROW_LIMIT));
        (limit - limit / 10).clamp(1, MOST_ROWS)
    }
}

impl TableReader {
    /// How many rows a page should aim at.
    pub fn target_rows(&self) -> u64 {
        match self.access().source {
            RowSource::Rest => self.client.row_limit.target(),
            RowSource::Sql(_) => MOST_ROWS,
        }
    }

    /// How many bytes a page should aim at, where `aim` was asked for.
    pub fn page_size(&self, aim: u64) -> u64 {
        match &self.access().source {
            RowSource::Rest => aim,
            RowSource::Sql(tables) => tables.page_size(aim),
        }
    }

    /// Finds the server's row limit with one cheap page, if this table has rows enough to show it.
    pub async fn learn_row_limit(&self, counted: u64) -> Result<(), ApiError> {
        let limit = &self.client.row_limit;
        if matches!(self.access().source, RowSource::Sql(_)) {
            return Ok(()); // no such limit holds for SQL
        }
        if limit.known().is_some() || counted <= limit.proven.load(Ordering::Relaxed).max(USUAL_ROW_LIMIT) {
            return Ok(());
        }
        let query = [("select", "ctid".to_owned()), ("limit", MOST_ROWS.to_string())];
        let answer = self.ask(&query).await?;
        let (rows, _) = content_range(&answer).ok_or_else(|| damaged("no Content-Range"))?;
        if rows < counted.min(MOST_ROWS) / 2 || rows == USUAL_ROW_LIMIT {
            // a table that shrinks meanwhile only makes pages smaller than they could be
            limit.cut_at(rows);
        } else {
            limit.proven.fetch_max(rows, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn damaged(what: &str) -> ApiError {
    ApiError::Damaged(format!(
        "the API's answer has {what}; something between here and the project changes its answers"
    ))
}

/// `0-522/523` → (523, Some(523)); `*/0` → (0, Some(0)); `0-9/*` → (10, None).
pub(crate) fn content_range(answer: &crate::http::Answer) -> Option<(u64, Option<u64>)> {
    let text = answer.headers.get("content-range")?.to_str().ok()?;
    let (range, total) = text.split_once('/')?;
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    if range == "*" {
        return Some((0, total));
    }
    let (first, last): (u64, u64) =
        range.split_once('-').and_then(|(f, l)| Some((f.parse().ok()?, l.parse().ok()?)))?;
    Some((last.checked_sub(first)?.checked_add(1)?, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halving until nothing can be halved gives windows that touch, do not overlap, and end.
    #[test]
    fn halves_cover_the_window_exactly() {
        let mut todo = vec![Window::blocks(3, 6)];
        let mut leaves = 0_u32;
        let mut at = Tid { block: 3, offset: 0 };
        while let Some(window) = todo.pop() {
            match window.halve() {
                Some((low, high)) if window.oids.is_none() && low.oids.is_none() => {
                    assert_eq!((low.from, low.to, high.to), (window.from, Some(high.from), window.to));
                    todo.extend([high, low]);
                }
                _ => {
                    assert_eq!(window.from, at);
                    at = window.to.unwrap_or(at);
                    leaves += 1;
                }
            }
            assert!(leaves < 10_000);
            if leaves > 3000 {
                break;
            }
        }
        assert_eq!(Window::from_block(7).halve(), None);
        let mut low = Window::blocks(7, 8);
        let mut steps = 0;
        while let Some((l, _)) = low.halve() {
            low = l;
            steps += 1;
        }
        assert_eq!(low.oids, Some((0, 1)));
        assert!(steps < 64);
    }

    #[test]
    fn the_content_range_is_read_in_all_its_forms() {
        let range = |text: &'static str| {
            let headers = [(reqwest::header::CONTENT_RANGE, reqwest::header::HeaderValue::from_static(text))]
                .into_iter()
                .collect();
            content_range(&crate::http::Answer { status: 200, headers, body: Vec::new() })
        };
        assert_eq!(range("0-522/523"), Some((523, Some(523))));
        assert_eq!(range("*/0"), Some((0, Some(0))));
        assert_eq!(range("0-9/*"), Some((10, None)));
        assert_eq!(range("9-0/*"), None);
        assert_eq!(range("rows"), None);
    }
}
