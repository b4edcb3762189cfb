//! What the key may see, and the limits that the server has.

use std::sync::Arc;

use crate::buffers::Buffers;
use crate::commands::backup::api_failure;
use crate::commands::backup::discover::{Found, Wanted, discover};
use crate::commands::channel::{self, Choice};
use crate::commands::connect;
use crate::config::{Config, Paging, ProjectConfig, Selection, TableFilter};
use crate::error::Failure;
use crate::format::Shape;
use crate::model::{Relation, TableName};
use crate::supabase::{self, Access, ApiError, Client, RowSource, TableReader, Window, float_digits};

/// More rows than this in one answer bring nothing.
const MOST_ROWS: u64 = 20_000;
/// Larger answers are not taken.
const LARGEST: usize = 8 << 20;
/// Tables asked about float digits before it counts as unknown.
const FLOAT_TRIES: usize = 16;

/// The project, seen with the key.
#[derive(Debug)]
pub(crate) struct ProjectSeen {
    /// `None`: the server does not say.
    pub(crate) exposed: Option<Vec<String>>,
    /// Schemas that are to be backed up; empty: all that are exposed.
    pub(crate) wanted: Vec<String>,
    pub(crate) filter: TableFilter,
    pub(crate) exclude: Vec<String>,
    /// What a backup would find.
    pub(crate) found: Found,
    pub(crate) row_limit: RowLimit,
    pub(crate) by_address: Tried,
    /// Whether floats keep their digits; `None`: no table tells.
    pub(crate) floats_exact: Option<bool>,
    /// The ways to SQL.
    pub(crate) choice: Choice,
    /// Schemas that are to be backed up, and that only SQL shows.
    pub(crate) hidden_schemas: Vec<String>,
}

/// Why it could not be seen.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// The most rows that one answer may have (`max_rows`).
#[derive(Debug)]
pub(crate) enum RowLimit {
    /// No table has a row.
    NoRows,
    /// An answer was cut here.
    CutAt(u64),
    /// So many rows came in one answer, and these were all that were asked for.
    NotBelow(u64),
    Unknown(String),
}

/// Whether a table can be read by physical address.
#[derive(Debug)]
pub(crate) enum Tried {
    /// On this table.
    Works(TableName),
    Fails(TableName, String),
    /// No table has rows and addresses.
    Nowhere,
    /// Paging by key was asked for.
    NotWanted,
}

/// Discovers what a backup would, then tries the limits.
pub(crate) async fn project(config: &Config, project: &ProjectConfig) -> Result<ProjectSeen, Trouble> {
    let http = connect::http(config, Buffers::default()).map_err(|failure| Trouble::of(&failure))?;
    let client = connect::client(config, project, &http).map_err(|failure| Trouble::of(&failure))?;
    let exposed = client.exposed_schemas().await.map_err(|error| Trouble::from(api_failure(error)))?;
    let choice = channel::choose(config, project, &http, exposed.as_deref()).await;
    let hidden_schemas = hidden_schemas(config, &choice, exposed.as_deref()).await;
    let is_exposed = |schema: &String| exposed.as_ref().is_none_or(|exposed| exposed.contains(schema));
    let exists = |schema: &&String| is_exposed(schema) || hidden_schemas.contains(schema);
    let schemas: Vec<String> = config.schemas.iter().filter(exists).cloned().collect();
    let found = if schemas.is_empty() && !config.schemas.is_empty() {
        // none of those that were asked for is there
        Found::default()
    } else {
        let wanted = Wanted { schemas: &schemas, ..Wanted::of(config, exposed.as_deref()) };
        discover(&client, &wanted, &choice).await.map_err(Trouble::from)?
    };
    let shown = found.tables.iter().filter(|(_, access)| matches!(access.source, RowSource::Rest));
    let shown: Vec<&(Relation, Access)> = shown.collect();
    let row_limit = row_limit(&client, &shown).await;
    let by_address = if config.paging == Paging::Keyset { Tried::NotWanted } else { by_address(&client, &shown).await };
    let told = found.sql.as_ref().and_then(|sql| sql.server.api());
    let floats_exact = match told {
        Some(api) => Some(api.floats_are_exact()),
        None => floats_exact(&client, &shown).await,
    };
    Ok(ProjectSeen {
        exposed,
        wanted: config.schemas.clone(),
        filter: config.filter.clone(),
        exclude: config.exclude.clone(),
        found,
        row_limit,
        by_address,
        floats_exact,
        choice,
        hidden_schemas,
    })
}

/// Schemas that were asked for, that the Data API does not expose, and that are there all the same.
async fn hidden_schemas(config: &Config, choice: &Choice, exposed: Option<&[String]>) -> Vec<String> {
    let is_hidden = |schema: &&String| exposed.is_some_and(|exposed| !exposed.contains(schema));
    let hidden: Vec<&String> = config.schemas.iter().filter(is_hidden).collect();
    let (Some(sql), false) = (&choice.sql, hidden.is_empty()) else { return Vec::new() };
    // what makes this fail is told where the tables are listed
    let known = sql.tables.list().await.map(|listing| listing.schemas).unwrap_or_default();
    hidden.into_iter().filter(|schema| known.iter().any(|k| &k.name == *schema)).cloned().collect()
}

/// One answer from the largest table: are all rows in it that were asked for?
async fn row_limit(client: &Arc<Client>, tables: &[&(Relation, Access)]) -> RowLimit {
    let with_addresses = tables.iter().filter(|(_, access)| access.has_ctid && access.counted != Some(0));
    // one that could not be counted in time is larger than all that could
    let Some((relation, access)) = with_addresses.max_by_key(|(_, access)| access.counted.unwrap_or(u64::MAX)) else {
        return RowLimit::NoRows;
    };
    let reader = TableReader::new(Arc::clone(client), relation.name.clone(), access.clone());
    let query = [("select", "ctid".to_owned()), ("limit", MOST_ROWS.to_string())];
    match reader.page(&query, LARGEST).await {
        Ok((_, 0)) => RowLimit::NoRows,
        Ok((page, total)) if page.rows < total.min(MOST_ROWS) => RowLimit::CutAt(page.rows),
        Ok((page, _)) => RowLimit::NotBelow(page.rows),
        // counting takes too long: then there are rows enough to do without
        Err(ApiError::TimedOut(_)) => match reader.learn_row_limit(u64::MAX).await {
            Ok(()) => client.max_rows().map_or(RowLimit::NotBelow(MOST_ROWS / 2), RowLimit::CutAt),
            Err(error) => RowLimit::Unknown(error.to_string()),
        },
        Err(error) => RowLimit::Unknown(error.to_string()),
    }
}

/// The block of the first row that was seen, read as a backup reads it.
async fn by_address(client: &Arc<Client>, tables: &[&(Relation, Access)]) -> Tried {
    let first = tables.iter().find_map(|(relation, access)| {
        let (_, tid) = access.first_row.filter(|_| access.paging == supabase::Paging::Ctid)?;
        Some((relation, access, tid.block))
    });
    let Some((relation, access, block)) = first else { return Tried::Nowhere };
    let reader = TableReader::new(Arc::clone(client), relation.name.clone(), access.clone());
    let name = relation.name.clone();
    match reader.read(Window::blocks(block, block.saturating_add(1)), Shape::Identity).await {
        Ok(pages) if pages.iter().any(|page| page.rows > 0) => Tried::Works(name),
        Ok(_) => Tried::Fails(name, "its first block comes back empty".to_owned()),
        Err(error) => Tried::Fails(name, error.to_string()),
    }
}

async fn floats_exact(client: &Client, tables: &[&(Relation, Access)]) -> Option<bool> {
    let with_rows = tables.iter().filter(|(_, access)| access.counted != Some(0));
    for (relation, _) in with_rows.take(FLOAT_TRIES) {
        match float_digits(client, relation).await {
            Ok(None) => {}
            Ok(told) => return told,
            // a server that stopped answering is said elsewhere
            Err(_) => return None,
        }
    }
    None
}

impl ProjectSeen {
    /// Whether a person's patterns let this table through.
    pub(crate) fn is_wanted(&self, table: &TableName) -> bool {
        self.filter.decide(table) == Selection::Included
    }
}

impl Trouble {
    fn of(failure: &Failure) -> Self {
        // "run doctor" is no advice here
        let hint = failure.hint.clone().filter(|hint| !hint.contains("supabackup doctor"));
        Self { message: failure.message.clone(), hint }
    }
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        let hint = Failure::of(&error).and_then(|failure| Self::of(failure).hint);
        Self { message: format!("{error:#}"), hint }
    }
}
