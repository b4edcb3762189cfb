//! Rows of the project, held one after the other against the index of the snapshot's.

use std::sync::Arc;

use super::comparison::{Comparison, Found, Sum};
use super::index::Index;
use crate::supabase::RowVersion;

/// Rows that are only in the project and are named; more are only counted.
pub(super) const NAMED: usize = 10_000;
/// A row of the project, looked up.
pub(super) struct Seen {
    pub(super) slot: Slot,
    pub(super) hash: i64,
    pub(super) version: Option<RowVersion>,
    pub(super) name: Option<Box<str>>,
}

#[derive(Clone, Copy)]
pub(super) enum Slot {
    At(u32),
    Nowhere,
    NotChosen,
}

/// Counts what was looked up, in the order of rows.
pub(super) struct Tally {
    pub(super) index: Arc<Index>,
    is_keyed: bool,
    matched: Sum,
    extra: Sum,
    others: Sum,
    extras: Vec<RowVersion>,
    names: Vec<String>,
    /// Rows whose key was seen before: they moved between two pages.
    pub(super) twice: u64,
}

impl Tally {
    pub(super) fn new(index: Arc<Index>, is_keyed: bool) -> Self {
        let (extras, names) = (Vec::new(), Vec::new());
        let none = Sum::default();
        Self { index, is_keyed, matched: none, extra: none, others: none, extras, names, twice: 0 }
    }

    pub(super) fn take(&mut self, seen: Seen, found: &mut [Found]) {
        let slot = match seen.slot {
            Slot::NotChosen => return self.others.add(seen.hash),
            Slot::Nowhere => return self.extra(seen),
            Slot::At(slot) => slot,
        };
        if self.is_keyed {
            let found = &mut found[self.index.place(slot)];
            if *found != Found::Missing {
                self.twice += 1;
                return;
            }
            *found = if self.index.row(slot) == seen.hash { Found::Equal } else { Found::Differs };
        } else {
            let alike = self.index.alike(slot);
            let Some(free) = first_free(alike, |nth| found[self.index.place(slot + nth)] != Found::Missing) else {
                return self.extra(seen);
            };
            found[self.index.place(slot + free)] = Found::Equal;
        }
        self.matched.add(seen.hash);
    }

    fn extra(&mut self, seen: Seen) {
        // a name belongs to the extra row at its place: after a gap there are no more
        if let Some(name) = seen.name.filter(|_| self.names.len() < NAMED && self.names.len() as u64 == self.extra.rows)
        {
            self.names.push(name.into_string());
        }
        self.extra.add(seen.hash);
        self.extras.extend(seen.version);
    }

    pub(super) fn finish(self, found: &[Found]) -> Comparison {
        let (mut snapshot, mut missing, mut differing) = (Sum::default(), Sum::default(), 0);
        for (place, hash) in self.index.rows() {
            snapshot.add(hash);
            match found[place] {
                Found::Missing => missing.add(hash),
                Found::Differs => differing += 1,
                Found::Equal | Found::LeftOut => {}
            }
        }
        Comparison {
            found: None,
            snapshot,
            missing,
            equal: snapshot.rows - missing.rows - differing,
            differing,
            matched: self.matched,
            extra: self.extra,
            others: self.others,
            extras: self.extras,
            names: self.names,
            is_whole: false,
            findings: Vec::new(),
        }
    }
}

/// The first of `0..of` that is not taken, where those that are taken come first.
fn first_free(of: u32, is_taken: impl Fn(u32) -> bool) -> Option<u32> {
    let (mut low, mut high) = (0, of);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_taken(middle) { low = middle + 1 } else { high = middle }
    }
    (low < of).then_some(low)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::commands::restore::comparison::Mark;
    use crate::commands::restore::mapping::RowHashes;
    use crate::format::{Digest, Tid};
    use crate::model::{RestoreMode, TableName};

    /// A row: its key and its value.
    type Row = (u8, u8);

    fn hashes((key, value): Row, keyed: bool) -> RowHashes {
        let row = i64::from(key) * 256 + i64::from(value) + 1;
        let name = if keyed { u64::from(key) } else { row.cast_unsigned() };
        RowHashes { key: xxhash_rust::xxh3::xxh3_128(&name.to_le_bytes()), row }
    }

    fn version(offset: usize) -> RowVersion {
        RowVersion { tableoid: 1, tid: Tid { block: 0, offset: offset as u16 }, xmin: 7 }
    }

    fn compared(snapshot: &[Row], project: &[Row], keyed: bool) -> Result<(Comparison, u64), String> {
        let mut index = Index::with_room_for(snapshot.len() as u64)?;
        let mut found = vec![Found::Missing; snapshot.len()];
        for (place, &row) in (0..).zip(snapshot) {
            index.push(hashes(row, keyed), place);
        }
        index.settle(keyed, |place| found[place as usize] = Found::LeftOut);
        let mut tally = Tally::new(Arc::new(index), keyed);
        for (at, &row) in project.iter().enumerate() {
            let RowHashes { key, row: hash } = hashes(row, keyed);
            let slot = tally.index.find(key).map_or(Slot::Nowhere, Slot::At);
            tally.take(Seen { slot, hash, version: Some(version(at)), name: Some(at.to_string().into()) }, &mut found);
        }
        let twice = tally.twice;
        let mut comparison = tally.finish(&found);
        comparison.found = Some(found);
        Ok((comparison, twice))
    }

    fn sum(rows: impl Iterator<Item = Row>) -> Sum {
        let mut sum = Sum::default();
        rows.for_each(|row| sum.add(hashes(row, true).row));
        sum
    }

    /// Does what the comparison says, and what is there afterwards.
    fn applied(comparison: &Comparison, mode: RestoreMode, snapshot: &[Row], project: &[Row], keyed: bool) -> Vec<Row> {
        let deleted = if mode == RestoreMode::Clear { comparison.extras() } else { &[] };
        let kept = project.iter().enumerate().filter(|(at, _)| !deleted.contains(&version(*at)));
        let mut after: Vec<Row> = kept.map(|(_, &row)| row).collect();
        for (place, &row) in snapshot.iter().enumerate() {
            match comparison.mark(place, mode) {
                Mark::Nothing => {}
                Mark::Add => after.push(row),
                Mark::Change => {
                    assert!(keyed);
                    after.iter_mut().filter(|there| there.0 == row.0).for_each(|there| *there = row);
                }
            }
        }
        after.sort_unstable();
        after
    }

    proptest::proptest! {
        #[test]
        fn what_is_said_is_what_happens(
            snapshot in proptest::collection::vec((0_u8..12, 0_u8..3), 0..30),
            project in proptest::collection::vec((0_u8..12, 0_u8..3), 0..30),
            keyed: bool,
        ) {
            // a key is there once in the project; the snapshot of a table that moved may hold it twice
            let project = if keyed { project.into_iter().collect::<BTreeMap<u8, u8>>().into_iter().collect() } else { project };
            let counted: Vec<Row> =
                if keyed { snapshot.iter().copied().collect::<BTreeMap<u8, u8>>().into_iter().collect() } else { snapshot.clone() };
            let (comparison, twice) =
                compared(&snapshot, &project, keyed).map_err(proptest::test_runner::TestCaseError::fail)?;
            proptest::prop_assert_eq!(twice, 0);
            proptest::prop_assert_eq!(comparison.in_project(), sum(project.iter().copied()));
            for mode in RestoreMode::ALL {
                let counts = comparison.counts(mode);
                let after = applied(&comparison, mode, &snapshot, &project, keyed);
                proptest::prop_assert_eq!(counts.snapshot, counted.len() as u64);
                proptest::prop_assert_eq!(counts.target, project.len() as u64);
                proptest::prop_assert_eq!(counts.target + counts.add - counts.delete, after.len() as u64);
                let of_snapshot = counts.add + counts.change + counts.unchanged;
                if mode.is_destructive() {
                    proptest::prop_assert_eq!(of_snapshot, counts.snapshot);
                    proptest::prop_assert_eq!(counts.change + counts.unchanged + counts.kept + counts.delete, counts.target);
                } else {
                    proptest::prop_assert_eq!(counts.unchanged + counts.kept, counts.target);
                    proptest::prop_assert_eq!((counts.change, counts.delete), (0, 0));
                }
                let blocked = !comparison.objections(mode, true, &TableName::new("s", "t")).is_empty();
                proptest::prop_assert_eq!(blocked, mode == RestoreMode::IntoEmpty && counts.kept > 0);
                if !blocked {
                    proptest::prop_assert_eq!(comparison.expected_after(mode), sum(after.iter().copied()));
                }
                if mode == RestoreMode::Clear {
                    let mut counted = counted.clone();
                    counted.sort_unstable();
                    proptest::prop_assert_eq!(&after, &counted);
                }
                // afterwards there is nothing left to do
                let (mut again, _) =
                    compared(&snapshot, &after, keyed).map_err(proptest::test_runner::TestCaseError::fail)?;
                if mode == RestoreMode::InsertMissing {
                    again.only_added(|place| comparison.mark(place, mode) == Mark::Add);
                }
                if !blocked {
                    proptest::prop_assert_eq!(again.wrong(mode), [0, 0, 0]);
                    proptest::prop_assert_eq!(again.counts(mode).writes(), 0);
                }
            }
        }
    }

    #[test]
    fn a_row_that_moved_between_two_pages_is_noticed() -> Result<(), String> {
        let (comparison, twice) = compared(&[(1, 1)], &[(1, 1), (1, 2)], true)?;
        assert_eq!((twice, comparison.counts(RestoreMode::Merge).unchanged), (1, 1));
        Ok(())
    }

    #[test]
    fn extra_rows_are_named_by_their_places() -> Result<(), String> {
        let (comparison, _) = compared(&[(1, 1), (1, 1)], &[(1, 1), (2, 1), (1, 1), (1, 1)], false)?;
        assert_eq!(comparison.extras(), [version(1), version(3)]);
        assert_eq!((comparison.extra_name(0), comparison.extra_name(1)), (Some("1"), Some("3")));
        assert_eq!(comparison.wrong(RestoreMode::Clear), [0, 0, 2]);
        Ok(())
    }

    #[test]
    fn rows_without_an_address_cannot_be_deleted() {
        let mut tally = Tally::new(Arc::default(), true);
        tally.take(Seen { slot: Slot::Nowhere, hash: 1, version: None, name: None }, &mut []);
        tally.take(Seen { slot: Slot::NotChosen, hash: 5, version: None, name: None }, &mut []);
        let comparison = tally.finish(&[]);
        let table = TableName::new("s", "t");
        assert_eq!(comparison.objections(RestoreMode::Clear, false, &table).len(), 1);
        assert!(comparison.objections(RestoreMode::Merge, false, &table).is_empty());
        let mut digest = Digest::default();
        digest.add_hash(6);
        assert_eq!(comparison.expected_after(RestoreMode::Merge), Sum { rows: 2, digest });
    }
}
