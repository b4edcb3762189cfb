//! Tables without usable row addresses: read in key order, or in one page.
//!
//! There is nothing to sweep. The rows are counted before and after, and read again until the count
//! agrees with what was read; the manifest says that more could not be proven.

use super::TableError;
use super::copy::{Piece, TableCopy};
use crate::format::{SeenSettings, for_each_row};
use crate::model::Stability;
use crate::supabase::{ApiError, Page, Paging};

impl TableCopy {
    /// Reads the table until its count agrees.
    pub(super) async fn copy_without_addresses(&mut self) -> Result<(), TableError> {
        let paging = self.work.reader.access().paging;
        self.read_from = self.shared.now();
        for pass in 1..=self.shared.passes {
            self.passes = pass;
            self.discard().await?;
            match paging {
                Paging::Whole => self.copy_whole().await?,
                _ => self.copy_by_key().await?,
            }
            self.writer.stored().await?;
            self.read_to = self.shared.now();
            self.counted_after = self.work.reader.count(&[]).await?;
            if self.counted_after.is_none_or(|n| n == self.rows()) {
                let reason = match paging {
                    Paging::Whole => {
                        "read in one statement; its row addresses cannot be read, so later changes do not show"
                    }
                    _ => {
                        "read page by page in key order; its row addresses cannot be read, so changes meanwhile do not show"
                    }
                };
                let (from, to) = (self.read_from, self.read_to);
                self.stability = Some(Stability::Unproven { from, to, reason: reason.to_owned() });
                return Ok(());
            }
        }
        Err(TableError::Damaged(format!(
            "{} rows were read and {} counted, {} times over: it changes faster than it can be read without row addresses",
            self.rows(),
            self.counted_after.map_or("?".to_owned(), |n| n.to_string()),
            self.passes
        )))
    }

    async fn copy_whole(&mut self) -> Result<(), TableError> {
        let Some(page) = self.work.reader.whole().await? else {
            return Err(TableError::Damaged(
                "it has more rows than the server sends at once, and neither row addresses nor a key that may be read to page by".to_owned(),
            ));
        };
        self.store_page(&page).await?;
        self.close_keyset().await
    }

    async fn copy_by_key(&mut self) -> Result<(), TableError> {
        let mut after: Option<Vec<String>> = None;
        let mut limit = self.work.reader.target_rows();
        loop {
            let page = match self.work.reader.page_after(after.as_deref(), limit).await {
                Err(ApiError::TooLarge(_) | ApiError::TimedOut(_) | ApiError::Broken(_)) if limit > 1 => {
                    limit = limit.div_ceil(2);
                    continue;
                }
                other => other?,
            };
            // only an empty page is the end: the server may send fewer rows than asked for
            if page.rows == 0 {
                return self.close_keyset().await;
            }
            after = Some(self.store_page(&page).await?);
            let aim = self.shared.page_size * page.rows / (page.body.len() as u64).max(1);
            limit = self.work.reader.target_rows().min(aim).clamp(1, limit.saturating_mul(2));
        }
    }

    /// Writes the rows of a page and returns the key of the last one.
    async fn store_page(&mut self, page: &Page) -> Result<Vec<String>, TableError> {
        let access = self.work.reader.access();
        let mut chunk = self.work.format.chunk();
        let mut settings = SeenSettings::default();
        let mut last: Vec<String> = Vec::new();
        let rows = for_each_row(&page.body, access.shape(), access.columns.len(), |row| {
            self.work.observer.row(row.fields.iter(), &mut settings);
            self.work.format.row(row.record, row.fields, &mut chunk);
            last.clear();
            for key in row.keys {
                last.push(serde_json::from_slice(key).map_err(|_| "a key column is NULL or not text")?);
            }
            Ok(())
        })
        .map_err(|why| TableError::Damaged(why.0))?;
        if rows != page.rows {
            return Err(TableError::Damaged(format!("the page holds {rows} rows and the server says {}", page.rows)));
        }
        self.shared.observed(&settings);
        self.progress.add(rows, page.body.len() as u64);
        if chunk.rows > 0 && self.writer.append(chunk).await? {
            self.close_keyset().await?;
        }
        Ok(last)
    }

    async fn close_keyset(&mut self) -> Result<(), TableError> {
        if let Some(pair) = self.writer.close(None).await? {
            let read = self.next_read();
            self.pieces.push(Piece { pair: Some(pair), windows: Vec::new(), read, from: 0, to: None });
        }
        Ok(())
    }
}
