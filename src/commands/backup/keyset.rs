//! Tables without usable row addresses: read in key order, or in one page.
//!
//! There is nothing to sweep. The rows are counted before and after, and read again until the count
//! agrees with what was read; the manifest says that more could not be proven.

use super::TableError;
use super::copy::{Piece, TableCopy};
use crate::commands::read::{KeyPages, whole_page};
use crate::format::SeenSettings;
use crate::model::Stability;
use crate::supabase::{Page, Paging};

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
        let page = whole_page(&self.work.reader).await?;
        self.store_page(&mut KeyPages::new(&self.work.reader), &page).await?;
        self.close_keyset().await
    }

    async fn copy_by_key(&mut self) -> Result<(), TableError> {
        let mut pages = KeyPages::new(&self.work.reader);
        while let Some(page) = pages.next(&self.work.reader, self.shared.page_size).await? {
            self.store_page(&mut pages, &page).await?;
        }
        self.close_keyset().await
    }

    async fn store_page(&mut self, pages: &mut KeyPages, page: &Page) -> Result<(), TableError> {
        let mut chunk = self.work.format.chunk();
        let mut settings = SeenSettings::default();
        let rows = pages.rows(&self.work.reader, page, |row| {
            self.work.observer.row(row.fields.iter(), &mut settings);
            self.work.format.row(row.record, row.fields, &mut chunk);
            Ok(())
        })?;
        self.shared.observed(&settings);
        self.progress.add(rows, page.body.len() as u64);
        if chunk.rows > 0 && self.writer.append(chunk).await? {
            self.close_keyset().await?;
        }
        Ok(())
    }

    async fn close_keyset(&mut self) -> Result<(), TableError> {
        if let Some(pair) = self.writer.close(None).await? {
            let read = self.next_read();
            self.pieces.push(Piece { pair: Some(pair), windows: Vec::new(), read, from: 0, to: None });
        }
        Ok(())
    }
}
