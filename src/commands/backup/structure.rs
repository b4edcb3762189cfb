//! Tables whose structure changes while they are read: looked at again, and again, until the API
//! has learned of the change.

use std::collections::BTreeSet;
use std::time::Duration;

use super::TableError;
use super::copy::TableCopy;
use super::shared::Shared;
use crate::model::{Relation, TableName};
use crate::supabase::{Access, ApiError, Probe, RowSource, probe};

/// Pauses between looks. PostgREST reloads its schema cache within a second of the change; a busy one
/// takes longer.
const PAUSES: [u64; 6] = [100, 200, 400, 800, 1600, 3000];

/// Describes and probes a table again: its columns may be others now.
pub(super) async fn look_again(
    shared: &Shared,
    relation: &Relation,
    source: &RowSource,
    why: &str,
) -> Result<(Relation, Access), TableError> {
    if let RowSource::Sql(tables) = source {
        let listing = tables.list().await.map_err(ApiError::from)?;
        let fresh = listing.tables.iter().find(|table| table.table_name() == relation.name && table.has_rows());
        let fresh = fresh.ok_or_else(|| TableError::Api(ApiError::Gone(why.to_owned())))?;
        return Ok(tables.look(fresh).await?);
    }
    let mut last = TableError::Api(ApiError::Gone(why.to_owned()));
    for pause in PAUSES {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let catalog = shared.client.describe(&relation.name.schema).await?;
        let Some(fresh) = catalog.relations.into_iter().find(|r| r.name == relation.name) else {
            last = TableError::Api(ApiError::Gone(why.to_owned()));
            continue;
        };
        match probe(&shared.client, &fresh, shared.force_keyset).await? {
            Probe::Table(access) => return Ok((fresh, *access)),
            Probe::View(what) => last = TableError::Damaged(format!("it became {what}")),
            Probe::Unreadable { reason, fix } => last = TableError::Lost { reason, fix },
        }
    }
    Err(last)
}

/// Tables that the API describes in another way than when they were read. Neither address nor
/// version of a row shows that a label of an enum was renamed, or what a column's type is called.
pub(super) async fn changed_structures(shared: &Shared, tables: &[TableCopy]) -> Result<Vec<TableName>, ApiError> {
    let mut now: Vec<(bool, Relation)> = Vec::new();
    let through_rest = tables.iter().filter(|t| matches!(t.work.reader.access().source, RowSource::Rest));
    let schemas: BTreeSet<&str> = through_rest.map(|t| t.relation.name.schema.as_str()).collect();
    for schema in schemas {
        now.extend(shared.client.describe(schema).await?.relations.into_iter().map(|relation| (false, relation)));
    }
    let sql = tables.iter().find_map(|t| match &t.work.reader.access().source {
        RowSource::Sql(tables) => Some(tables),
        RowSource::Rest => None,
    });
    if let Some(sql) = sql {
        now.extend(sql.list().await?.tables.iter().map(|table| (true, table.relation())));
    }
    let is_changed = |table: &&TableCopy| {
        let through_sql = matches!(table.work.reader.access().source, RowSource::Sql(_));
        let now = now.iter().find(|(sql, relation)| *sql == through_sql && relation.name == table.relation.name);
        now.is_none_or(|(_, now)| shape(now) != shape(&table.relation))
    };
    Ok(tables.iter().filter(is_changed).map(|table| table.relation.name.clone()).collect())
}

/// Name, type, labels and length of every column, by name: what the text of values depends on.
fn shape(relation: &Relation) -> Vec<(&str, &str, &[String], Option<i64>)> {
    let mut columns: Vec<_> = relation
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.type_name.as_str(), c.labels.as_slice(), c.max_length))
        .collect();
    columns.sort_unstable();
    columns
}
