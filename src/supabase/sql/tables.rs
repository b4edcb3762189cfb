//! Reading tables through a channel: the same pages, windows and counts as through the Data API.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::format::{Shape, for_each_row};
use crate::model::{ReadAs, Relation, TableName};
use crate::supabase::client::{ApiError, SINGLE_LIMIT};
use crate::supabase::probe::{Access, Guard, RowSource};
use crate::supabase::rows::{Page, Window};
use crate::supabase::sql::answers::{PageSeen, read};
use crate::supabase::sql::{ChannelKind, PageOf, Question, SqlChannel, SqlError, SqlListing, SqlTable};

/// Bytes that a page of the Management API aims at, at least: requests are what is scarce there.
const SCARCE_PAGE: u64 = 4 << 20;
/// Answers larger than this are given up, and asked for in halves: a page's text is escaped twice.
const PAGE_LIMIT: usize = 32 << 20;
/// Rows that show how large a row is.
const SAMPLE: u32 = 20;
/// How often a count is asked for that runs into the time limit.
const LOOK_UPS: u32 = 3;

/// The tables of a database, seen through a channel.
#[derive(Debug, Clone)]
pub struct SqlTables {
    channel: Arc<dyn SqlChannel>,
    /// Names by oid, as of the last listing.
    names: Arc<Mutex<HashMap<u32, TableName>>>,
}

impl SqlTables {
    /// Through this channel.
    pub fn new(channel: Arc<dyn SqlChannel>) -> Self {
        Self { channel, names: Arc::default() }
    }

    /// The channel.
    pub fn channel(&self) -> &Arc<dyn SqlChannel> {
        &self.channel
    }

    /// The user's schemas and tables, as they are now.
    pub async fn list(&self) -> Result<SqlListing, SqlError> {
        let listing = self.channel.listing().await?;
        let names = listing.tables.iter().map(|table| (table.oid, table.table_name()));
        self.names.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
        Ok(listing)
    }

    /// A first look at a table: can it be read, and how large are its rows?
    pub async fn look(&self, table: &SqlTable) -> Result<(Relation, Access), ApiError> {
        let relation = table.relation();
        let guard = if relation.primary_key.is_empty() { Guard::Hash } else { Guard::Key };
        let mut access = Access::unseen(&relation, ReadAs::RecordOut, guard, RowSource::Sql(self.clone()));
        let few =
            PageOf { limit: Some(SAMPLE), ..page_of(&relation.name, &access, Window::from_block(0), Shape::Record) };
        let page = self.page(few, &access).await?;
        let rows = for_each_row(&page.body, Shape::Record, access.columns.len(), |row| {
            access.first_row = access.first_row.or(row.tableoid.zip(row.tid));
            Ok(())
        });
        let rows = rows.map_err(|why| ApiError::Damaged(why.0))?;
        if access.first_row.is_some_and(|(_, tid)| tid.block == u32::MAX) {
            return Err(ApiError::NotSupported(
                "its rows have no addresses (its storage is not PostgreSQL's heap)".to_owned(),
            ));
        }
        access.row_bytes = (rows > 0).then(|| page.body.len() as u64 / rows);
        access.counted = if rows < u64::from(SAMPLE) { Some(rows) } else { self.count(&relation.name, &[]).await? };
        Ok((relation, access))
    }

    /// One page of a window.
    pub(crate) async fn window(
        &self,
        name: &TableName,
        access: &Access,
        window: Window,
        shape: Shape,
        most_bytes: Option<usize>,
    ) -> Result<Page, ApiError> {
        let page = page_of(name, access, window, shape);
        self.page(PageOf { most_bytes: most_bytes.unwrap_or(page.most_bytes), ..page }, access).await
    }

    /// Whether any row stands in `block` or behind it.
    pub(crate) async fn any_from(&self, name: &TableName, access: &Access, block: u32) -> Result<bool, ApiError> {
        let page = page_of(name, access, Window::from_block(block), Shape::Identity);
        Ok(self.page(PageOf { limit: Some(1), ..page }, access).await?.rows > 0)
    }

    async fn page(&self, page: PageOf, access: &Access) -> Result<Page, ApiError> {
        let text = self.channel.ask(&Question::Page(page)).await?;
        let seen: PageSeen<'_> = read(&text)?;
        // every page tells the columns: rows that were read under others never get as far as a part
        if !access.columns.iter().map(|c| &c.name).eq(&seen.columns) {
            return Err(ApiError::NoColumn("its columns changed during the run".to_owned()));
        }
        Ok(Page { body: seen.page.get().as_bytes().to_vec(), rows: seen.rows })
    }

    /// The exact number of rows, leaving out those of the tables `without`. `None`: counting takes too long.
    pub(crate) async fn count(&self, name: &TableName, without: &[u32]) -> Result<Option<u64>, ApiError> {
        for _ in 0..LOOK_UPS {
            match self.channel.count(name, without).await.map_err(ApiError::from) {
                Err(ApiError::TimedOut(_)) => {}
                other => return other.map(Some),
            }
        }
        Ok(None)
    }

    /// The name of the table with this oid; `None`: there is none (any more), or it is not the user's.
    pub(crate) async fn name_of(&self, oid: u32) -> Result<Option<TableName>, ApiError> {
        let known = || self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&oid).cloned();
        if let Some(name) = known() {
            return Ok(Some(name));
        }
        // a partition or child that was made meanwhile
        self.list().await?;
        Ok(known())
    }

    /// Bytes that a page should have, where `aim` is what was asked for.
    pub(crate) fn page_size(&self, aim: u64) -> u64 {
        if self.channel.kind() == ChannelKind::Management { aim.max(SCARCE_PAGE) } else { aim }
    }
}

fn page_of(name: &TableName, access: &Access, window: Window, shape: Shape) -> PageOf {
    PageOf {
        table: name.clone(),
        window,
        key: if access.guard == Guard::Key { access.key.clone() } else { Vec::new() },
        hashed: access.guard != Guard::Key,
        content: shape != Shape::Identity,
        limit: None,
        most_bytes: PAGE_LIMIT.min(SINGLE_LIMIT),
    }
}
