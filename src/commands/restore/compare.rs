//! Compares the rows of one table in a snapshot with those in a project.
//!
//! The snapshot's rows are kept as hashes, 24 bytes each, and the project's rows stream past them. What
//! is left is one byte for each row of the snapshot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::comparison::{Comparison, Found, Sum};
use super::index::Index;
use super::mapping::{Chosen, Mapping, Room, RowHashes, Side};
use super::scan::{ScannedRow, TableScan};
use super::tally::{NAMED, Seen, Slot, Tally};
use super::texts;
use crate::commands::read::TableError;
use crate::error::Failure;
use crate::format::Fields;
use crate::model::{Artifact, Finding, PrintSettings, Stability, TableEntry, TableName};
use crate::snapshot::Reader;

/// How often the project's rows are read until they hold still.
const PASSES: u32 = 3;

/// One table of a snapshot and the table of the project that it is compared with.
#[derive(Debug)]
pub struct Comparing<'a> {
    /// The snapshot.
    pub snapshot: &'a Reader<'a>,
    /// Its table.
    pub entry: &'a TableEntry,
    /// Which columns are compared.
    pub mapping: Arc<Mapping>,
    /// Which rows.
    pub chosen: Arc<Chosen>,
    /// Reads the project's table.
    pub scan: TableScan,
}

impl Comparing<'_> {
    /// Makes ready: `mapping` is adapted to how both sides print values, where that is known of the
    /// project. The findings tell what could not be made equal.
    pub fn settle_texts(&mut self, project: Option<&PrintSettings>) -> Vec<Finding> {
        let target = self.scan.reader.name().clone();
        let mapping = Arc::make_mut(&mut self.mapping);
        let settings = &self.snapshot.manifest().settings;
        let mut findings = texts::settle(mapping, self.entry, settings, &target, project);
        findings.extend(texts::other_types(mapping, &self.scan.reader.access().columns, &target));
        findings
    }

    /// Compares. `progress` gets rows and bytes that were read of the project.
    pub async fn compare(&self, progress: &mut (dyn FnMut(u64, u64) + Send)) -> Result<Comparison, Failure> {
        let is_empty = self.scan.reader.access().counted == Some(0);
        // a table that moved while it was read may hold a row twice
        let moved = self.mapping.is_keyed() && matches!(self.entry.stability, Stability::Moved { .. });
        if is_empty && !moved && self.chosen.is_all() {
            return self.against_nothing().await;
        }
        let (index, mut found, mut findings) = self.read_snapshot().await?;
        let index = Arc::new(index);
        let mut tally = Tally::new(Arc::clone(&index), self.mapping.is_keyed());
        for pass in 1.. {
            if is_empty {
                break;
            }
            tally = Tally::new(Arc::clone(&index), self.mapping.is_keyed());
            let mut fresh = found.clone();
            let steady = self.pass(&mut tally, &mut fresh, progress).await.map_err(|e| self.failure(e))?;
            if steady || pass == PASSES {
                found = fresh;
                findings.extend((!steady).then(|| self.unsteady()));
                break;
            }
        }
        let mut comparison = tally.finish(&found);
        comparison.found = Some(found);
        comparison.is_whole = self.mapping.is_whole();
        comparison.findings = findings;
        Ok(comparison)
    }

    /// Against a table without rows: nothing has to be kept in memory.
    async fn against_nothing(&self) -> Result<Comparison, Failure> {
        let stored = self.entry.digest.parse().ok().filter(|_| self.mapping.is_whole());
        let snapshot = match stored {
            Some(digest) => Sum { rows: self.entry.rows, digest },
            None => {
                let mapping = Arc::clone(&self.mapping);
                let summed = for_each_row(self.snapshot, self.entry, (Sum::default(), Room::default()), {
                    move |(sum, room): &mut (Sum, Room), fields: &Fields| {
                        sum.add(mapping.hashes(Side::Snapshot, fields, None, room).row);
                    }
                });
                summed.await?.0
            }
        };
        let tally = Tally::new(Arc::default(), self.mapping.is_keyed());
        let empty = tally.finish(&[]);
        Ok(Comparison { snapshot, missing: snapshot, is_whole: self.mapping.is_whole(), ..empty })
    }

    async fn read_snapshot(&self) -> Result<(Index, Vec<Found>, Vec<Finding>), Failure> {
        let rows = parts_of(self.entry).1;
        let room = Index::with_room_for(rows)
            .map_err(|why| Failure::failed(format!("comparing table {}: {why}", self.entry.name)))?;
        let (mapping, chosen) = (Arc::clone(&self.mapping), Arc::clone(&self.chosen));
        let state = (room, Vec::<Found>::new(), Room::default());
        let read = for_each_row(self.snapshot, self.entry, state, move |(index, found, room), fields| {
            if chosen.has(&mapping, Side::Snapshot, fields) {
                index.push(mapping.hashes(Side::Snapshot, fields, None, room), found.len() as u32);
                found.push(Found::Missing);
            } else {
                found.push(Found::LeftOut);
            }
        });
        let (mut index, mut found, _) = read.await?;
        let is_keyed = self.mapping.is_keyed();
        let settled = tokio::task::spawn_blocking(move || {
            let mut repeated = 0_u64;
            index.settle(is_keyed, |place| {
                repeated += 1;
                found[place as usize] = Found::LeftOut;
            });
            (index, found, repeated)
        });
        let (index, found, repeated) =
            settled.await.map_err(|e| Failure::failed(format!("comparing table {}: {e}", self.entry.name)))?;
        let repeats = (repeated > 0).then(|| {
            let message =
                format!("{repeated} rows of the snapshot have the key of another: of each, the one read last counts");
            Finding::warning("key-repeats", self.entry.name.to_string(), message)
        });
        Ok((index, found, repeats.into_iter().collect()))
    }

    /// Reads the project's rows once. True if they held still.
    async fn pass(
        &self,
        tally: &mut Tally,
        found: &mut [Found],
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<bool, TableError> {
        let look = Look {
            mapping: Arc::clone(&self.mapping),
            chosen: Arc::clone(&self.chosen),
            index: Arc::clone(&tally.index),
            named: AtomicUsize::new(0),
        };
        let scanned = self.scan.scan(
            move |row, page: &mut SeenPage| look.at(row, page),
            |page, rows, bytes| {
                page.rows.into_iter().for_each(|seen| tally.take(seen, found));
                progress(rows, bytes);
            },
        );
        let scanned = scanned.await?;
        let counted = self.scan.reader.count(&scanned.apart).await?;
        Ok(tally.twice == 0 && counted.is_none_or(|counted| counted == scanned.rows))
    }

    fn unsteady(&self) -> Finding {
        let target = self.target();
        Finding::warning("target-moves", target.to_string(), "it is written to while it is compared: counts may differ")
            .hint("stop what writes to it, and plan again")
    }

    fn target(&self) -> &TableName {
        self.scan.reader.name()
    }

    pub(super) fn failure(&self, error: TableError) -> Failure {
        let what = format!("reading table {}", self.target());
        match error {
            TableError::Fatal(error) | TableError::Store(error) => match Failure::of(&error) {
                Some(failure) => failure.clone(),
                None => Failure::failed(format!("{what}: {error:#}")),
            },
            TableError::Lost { reason, fix } => {
                let failure = Failure::failed(format!("{what}: {reason}"));
                match fix {
                    Some(fix) => failure.hint(fix),
                    None => failure,
                }
            }
            other => Failure::failed(format!("{what}: {other}")),
        }
    }
}

/// The artifact that rows are read from, and how many there are.
fn parts_of(entry: &TableEntry) -> (Artifact, u64) {
    let artifact = if entry.parts_of(Artifact::Sql).next().is_some() { Artifact::Sql } else { Artifact::Json };
    (artifact, entry.parts_of(artifact).map(|part| part.rows).sum())
}

/// Calls `each` for every stored row of a table in stored order, on threads that may block.
pub(super) async fn for_each_row<S: Send + 'static>(
    snapshot: &Reader<'_>,
    entry: &TableEntry,
    mut state: S,
    each: impl Fn(&mut S, &Fields) + Clone + Send + 'static,
) -> Result<S, Failure> {
    for part in entry.parts_of(parts_of(entry).0) {
        let each = each.clone();
        let one = move |state: &mut S, fields: &Fields| {
            each(state, fields);
            Ok(())
        };
        state = snapshot.rows_of_part(entry, part, state, one).await?;
    }
    Ok(state)
}

/// What is needed to look a row of the project up.
struct Look {
    mapping: Arc<Mapping>,
    chosen: Arc<Chosen>,
    index: Arc<Index>,
    named: AtomicUsize,
}

/// Rows of one page.
#[derive(Default)]
struct SeenPage {
    rows: Vec<Seen>,
    room: Room,
}

impl Look {
    fn at(&self, row: &ScannedRow<'_>, page: &mut SeenPage) {
        let RowHashes { key, row: hash } =
            self.mapping.hashes(Side::Project, row.fields, Some(row.record), &mut page.room);
        let slot = if !self.chosen.has(&self.mapping, Side::Project, row.fields) {
            Slot::NotChosen
        } else {
            self.index.find(key).map_or(Slot::Nowhere, Slot::At)
        };
        // whether a copy is one too many shows only once all before it were counted
        let may_be_extra = match slot {
            Slot::Nowhere => self.named.fetch_add(1, Ordering::Relaxed) < NAMED,
            Slot::At(_) => !self.mapping.is_keyed(),
            Slot::NotChosen => false,
        };
        let name = may_be_extra.then(|| self.mapping.name(Side::Project, row.fields).into_boxed_str());
        page.rows.push(Seen { slot, hash, version: row.version, name });
    }
}
