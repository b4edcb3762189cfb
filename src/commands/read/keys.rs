//! Pages of tables without usable row addresses: in key order, or all in one.

use super::TableError;
use super::owners::miscounted;
use crate::format::{Malformed, PageRow, for_each_row};
use crate::supabase::{ApiError, Page, TableReader};

/// Goes through a table page by page in key order, in pages of the right size.
#[derive(Debug)]
pub(crate) struct KeyPages {
    after: Option<Vec<String>>,
    limit: u64,
}

impl KeyPages {
    /// From the first row on.
    pub(crate) fn new(reader: &TableReader) -> Self {
        Self { after: None, limit: reader.target_rows() }
    }

    /// The next page; `None` at the end. `page_size`: bytes that it should have.
    pub(crate) async fn next(&mut self, reader: &TableReader, page_size: u64) -> Result<Option<Page>, ApiError> {
        loop {
            let page = match reader.page_after(self.after.as_deref(), self.limit).await {
                Err(ApiError::TooLarge(_) | ApiError::TimedOut(_) | ApiError::Broken(_)) if self.limit > 1 => {
                    self.limit = self.limit.div_ceil(2);
                    continue;
                }
                other => other?,
            };
            // only an empty page is the end: the server may send fewer rows than asked for
            if page.rows == 0 {
                return Ok(None);
            }
            let aim = page_size * page.rows / (page.body.len() as u64).max(1);
            self.limit = reader.target_rows().min(aim).clamp(1, self.limit.saturating_mul(2));
            return Ok(Some(page));
        }
    }

    /// Calls `each` for every row of a page; the next page begins behind the last of them.
    pub(crate) fn rows(
        &mut self,
        reader: &TableReader,
        page: &Page,
        mut each: impl FnMut(&PageRow<'_>) -> Result<(), Malformed>,
    ) -> Result<u64, TableError> {
        let access = reader.access();
        let mut last: Vec<String> = Vec::new();
        let rows = for_each_row(&page.body, access.shape(), access.columns.len(), |row| {
            last.clear();
            for key in row.keys {
                last.push(serde_json::from_slice(key).map_err(|_| "a key column is NULL or not text")?);
            }
            each(row)
        })
        .map_err(|why| TableError::Damaged(why.0))?;
        if rows != page.rows {
            return Err(TableError::Damaged(miscounted(rows, page).0));
        }
        self.after = Some(last);
        Ok(rows)
    }
}

/// The page that holds the whole table.
pub(crate) async fn whole_page(reader: &TableReader) -> Result<Page, TableError> {
    reader.whole().await?.ok_or_else(|| {
        TableError::Damaged(
            "it has more rows than the server sends at once, and neither row addresses nor a key that may be read to page by".to_owned(),
        )
    })
}
