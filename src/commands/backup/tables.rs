//! All tables of a run: copied side by side, then swept together until a sweep finds nothing.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream;

use super::TableError;
use super::copy::TableCopy;
use super::discover::subject;
use super::shared::Shared;
use super::structure::{changed_structures, look_again};
use crate::model::{Missing, Moment, Relation, Stability, TableName};
use crate::supabase::{Access, ApiError, Paging};

/// What became of the tables.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) tables: Vec<TableCopy>,
    pub(super) missing: Vec<Missing>,
    /// One moment that all of them show, if there is one.
    pub(super) moment: Option<Moment>,
}

/// How often a table is begun anew because its structure changed under it.
const FRESH_STARTS: u32 = 3;
/// Sweeps over all tables; later ones look only at those that had changed.
const FULL_SWEEPS: u32 = 2;

/// Copies and sweeps. Only a failure of the whole run is an error: a table that cannot be read is
/// recorded, and the others go on.
pub(super) async fn copy_all(
    shared: &Arc<Shared>,
    tables: Vec<(Relation, Access)>,
    at_once: usize,
) -> anyhow::Result<Copied> {
    let mut copied = Copied::default();
    let mut given_up: Option<anyhow::Error> = None;
    let copies = tables.into_iter().map(|(relation, access)| {
        let name = relation.name.clone();
        async move { (name, copy(Arc::clone(shared), relation, access).await) }
    });
    let mut copies = stream::iter(copies).buffered(at_once);
    while let Some((name, result)) = copies.next().await {
        match result {
            Ok(copy) => copied.tables.push(copy),
            Err(error) => copied.record(&name, error, &mut given_up)?,
        }
    }
    drop(copies);
    if let Some(error) = given_up {
        if copied.tables.is_empty() {
            return Err(error);
        }
        let reason = error.to_string();
        copied.unchecked(&reason);
        return Ok(copied);
    }
    sweep_all(shared, &mut copied, at_once).await?;
    Ok(copied)
}

impl Copied {
    /// Records a table that is lost to this snapshot. Ends the run only if the store fails: what was
    /// read of a project that stops answering is worth keeping.
    fn record(
        &mut self,
        name: &TableName,
        error: TableError,
        given_up: &mut Option<anyhow::Error>,
    ) -> anyhow::Result<()> {
        let (reason, fix) = match error {
            TableError::Store(error) => return Err(error),
            TableError::Fatal(error) => {
                let reason = error.to_string();
                given_up.get_or_insert(error);
                (reason, None)
            }
            TableError::Api(ApiError::Gone(why)) => (format!("it was dropped during the run: {why}"), None),
            TableError::Api(ApiError::Denied(why)) => {
                (why, Some(format!("GRANT SELECT ON TABLE {} TO service_role;", name.quoted())))
            }
            TableError::Api(ApiError::TimedOut(why)) => (
                format!("even its smallest page runs into the server's time limit: {why}"),
                Some(
                    "ALTER ROLE service_role SET statement_timeout = '60s'; NOTIFY pgrst, 'reload config';".to_owned(),
                ),
            ),
            TableError::Lost { reason, fix } => (reason, fix),
            other => (other.to_string(), None),
        };
        self.missing.push(Missing { subject: subject(name), reason, fix });
        Ok(())
    }
}

/// Copies one table, anew if its structure changes meanwhile.
async fn copy(shared: Arc<Shared>, mut relation: Relation, mut access: Access) -> Result<TableCopy, TableError> {
    for start in 1.. {
        let by_block = access.paging == Paging::Ctid;
        let mut copy = TableCopy::new(Arc::clone(&shared), relation.clone(), access.clone());
        let result = if by_block { copy.copy_blocks().await } else { copy.copy_without_addresses().await };
        let error = match result {
            Ok(()) => {
                copy.progress.read_all();
                return Ok(copy);
            }
            Err(error) => error,
        };
        copy.discard().await?;
        match error {
            TableError::Changed(why) | TableError::Damaged(why) if start < FRESH_STARTS => {
                (relation, access) = look_again(&shared, &relation, &access.source, &why).await?;
            }
            error => return Err(error),
        }
    }
    Err(TableError::Damaged("no attempt was made".to_owned()))
}

async fn sweep_all(shared: &Arc<Shared>, copied: &mut Copied, at_once: usize) -> anyhow::Result<()> {
    for pass in 1..=shared.passes {
        let began = shared.now();
        let last_read = copied.tables.iter().map(|t| t.read_to).max().unwrap_or(began);
        let all = pass <= FULL_SWEEPS;
        let (todo, rest): (Vec<TableCopy>, Vec<TableCopy>) = std::mem::take(&mut copied.tables)
            .into_iter()
            .partition(|t| sweepable(t) && (all || t.stability.is_none()));
        copied.tables = rest;
        let mut sweeps = stream::iter(todo.into_iter().map(|table| sweep(table, began))).buffered(at_once);
        let mut quiet = true;
        let mut given_up = None;
        while let Some((mut table, result)) = sweeps.next().await {
            match result {
                Ok(same) => {
                    quiet &= same;
                    copied.tables.push(table);
                }
                Err(TableError::Fatal(error)) => {
                    table.stability = None;
                    given_up = Some(error.to_string());
                    copied.tables.push(table);
                }
                Err(error) => {
                    quiet = false;
                    let name = table.relation.name.clone();
                    table.discard().await.map_err(TableError::into_inner)?;
                    copied.record(&name, error, &mut None)?;
                }
            }
        }
        drop(sweeps);
        if let Some(reason) = given_up {
            copied.unchecked(&reason);
            break;
        }
        if quiet && !restructured(shared, copied).await? {
            if all && copied.tables.iter().all(sweepable) {
                copied.moment = Some(Moment { from: last_read, to: began.max(last_read) });
            }
            break;
        }
    }
    for table in &mut copied.tables {
        table.settle();
        table.drop_superseded().await.map_err(TableError::into_inner)?;
    }
    copied.tables.sort_by(|a, b| a.relation.name.cmp(&b.relation.name));
    Ok(())
}

fn sweepable(table: &TableCopy) -> bool {
    table.work.reader.access().paging == Paging::Ctid
}

/// One pass over one table. A table whose structure changed is copied anew, once per pass.
async fn sweep(mut table: TableCopy, began: DateTime<Utc>) -> (TableCopy, Result<bool, TableError>) {
    let result = match table.sweep(began).await {
        Err(TableError::Changed(why)) => afresh(&mut table, &why).await.map(|()| false),
        other => other,
    };
    table.progress.hide();
    (table, result)
}

async fn afresh(table: &mut TableCopy, why: &str) -> Result<(), TableError> {
    table.discard().await?;
    let shared = Arc::clone(&table.shared);
    let source = table.work.reader.access().source.clone();
    let (relation, access) = look_again(&shared, &table.relation, &source, why).await?;
    let (passes, reread, read_from) = (table.passes, table.reread, table.read_from);
    *table = copy(shared, relation, access).await?;
    (table.passes, table.reread, table.read_from) = (passes, reread, read_from);
    Ok(())
}

/// Reads tables anew whose described structure is another than when they were read. True if there
/// were any: then they have to be swept again.
async fn restructured(shared: &Arc<Shared>, copied: &mut Copied) -> anyhow::Result<bool> {
    if copied.tables.iter().any(|t| t.passes > 1) {
        // something is being done to this database: let the API learn of it
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    let changed = match changed_structures(shared, &copied.tables).await {
        Ok(changed) => changed,
        Err(error) => {
            copied.missing.push(Missing {
                subject: "check of the structure of the tables".to_owned(),
                reason: format!("the project's catalog could not be read again: {error}"),
                fix: None,
            });
            return Ok(false);
        }
    };
    for name in &changed {
        let Some(index) = copied.tables.iter().position(|t| &t.relation.name == name) else { continue };
        let mut table = copied.tables.swap_remove(index);
        match afresh(&mut table, "its structure changed during the run").await {
            Ok(()) => copied.tables.push(table),
            Err(error) => copied.record(name, error, &mut None)?,
        }
    }
    Ok(!changed.is_empty())
}

impl Copied {
    /// The run cannot go back to the project: what was read is kept, and marked as not proven. Rows
    /// that were moved while they were read may be lost or doubled without the check.
    fn unchecked(&mut self, reason: &str) {
        for table in self.tables.iter_mut().filter(|t| t.stability.is_none()) {
            let (from, to) = (table.read_from, table.read_to);
            let reason = format!("it was read and could not be checked: {reason}");
            self.missing.push(Missing {
                subject: format!("check of table {}", table.relation.name),
                reason: reason.clone(),
                fix: None,
            });
            table.stability = Some(Stability::Unproven { from, to, reason });
        }
    }
}
