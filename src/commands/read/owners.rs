//! Rows of other tables that come with those of the table that is read: of partitions and of tables
//! that inherit from it.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::TableError;
use crate::format::{Malformed, PageRow, Shape, Tid, for_each_row};
use crate::model::TableName;
use crate::supabase::{Page, TableReader};

/// Tables whose rows come with those of the table that is read (partitions, inheriting tables).
#[derive(Debug, Default)]
pub(crate) struct Owners {
    known: Mutex<HashMap<u32, Owner>>,
}

/// What is done with the rows of one such table.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    /// They are this table's.
    Own,
    /// They count as this table's: those of a partition, or of a child that is not listed.
    With,
    /// They are left to their own table, which is listed.
    Apart(TableName),
}

impl Owners {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Owner>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Oids of tables whose rows are left to them.
    pub(crate) fn apart(&self) -> Vec<u32> {
        let mut oids: Vec<u32> =
            self.lock().iter().filter(|(_, o)| matches!(o, Owner::Apart(_))).map(|(&oid, _)| oid).collect();
        oids.sort_unstable();
        oids
    }

    /// Names of these tables.
    pub(crate) fn children(&self) -> Vec<TableName> {
        let apart = |owner: &Owner| match owner {
            Owner::Apart(name) => Some(name.clone()),
            _ => None,
        };
        let mut names: Vec<TableName> = self.lock().values().filter_map(apart).collect();
        names.sort();
        names
    }

    /// Learns whose rows have this oid; rows of the tables in `listed` are left to them. A second oid
    /// under the table's own name is another table.
    pub(crate) async fn learn(
        &self,
        listed: &HashSet<TableName>,
        reader: &TableReader,
        oid: u32,
        tid: Tid,
    ) -> Result<(), TableError> {
        let Some(name) = reader.owner(oid, tid).await? else {
            // the row is gone by now; the next page will show another of that table, or none
            return Err(TableError::Damaged("a row vanished while its table was looked up".to_owned()));
        };
        let owner = if name == *reader.name() {
            // two windows may have asked at once
            if self.lock().iter().any(|(known, owner)| *known != oid && *owner == Owner::Own) {
                return Err(TableError::Changed("it was dropped and made again".to_owned()));
            }
            Owner::Own
        } else if listed.contains(&name) {
            Owner::Apart(name)
        } else {
            Owner::With
        };
        self.lock().insert(oid, owner);
        Ok(())
    }
}

/// Why not all rows of a page could be gone through.
#[derive(Debug)]
pub(crate) enum Unread {
    /// A row of a table that was not seen before: [`Owners::learn`] has to be asked.
    Stranger(u32, Tid),
    /// The page is not what was asked for.
    Damaged(Malformed),
}

/// Calls `each` for the rows that are this table's. A page is good only once all of it was gone through.
pub(crate) fn own_rows(
    reader: &TableReader,
    owners: &Owners,
    pages: &[Page],
    shape: Shape,
    mut each: impl FnMut(&PageRow<'_>) -> Result<(), Malformed>,
) -> Result<(), Unread> {
    let columns = reader.access().columns.len();
    let mut known: Option<(u32, bool)> = None;
    let mut stranger = None;
    for page in pages {
        let rows = for_each_row(&page.body, shape, columns, |row| {
            if let Some(oid) = row.tableoid {
                let ours = match known {
                    Some((last, ours)) if last == oid => ours,
                    _ => match owners.lock().get(&oid) {
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
            each(row)
        });
        match (rows, stranger) {
            (_, Some((oid, tid))) => return Err(Unread::Stranger(oid, tid)),
            (Ok(rows), None) if rows == page.rows => {}
            (Ok(rows), None) => return Err(Unread::Damaged(miscounted(rows, page))),
            (Err(why), None) => return Err(Unread::Damaged(why)),
        }
    }
    Ok(())
}

/// A page with another number of rows than the server says.
pub(super) fn miscounted(rows: u64, page: &Page) -> Malformed {
    Malformed(format!("the page holds {rows} rows and the server says {}", page.rows))
}
