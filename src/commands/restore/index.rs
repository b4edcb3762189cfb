//! The snapshot's rows of one table in memory, 24 bytes each: enough to find a row and to tell whether
//! it is the same.

use super::mapping::RowHashes;

/// One row. The order is that of keys, and of places among equal keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// 96 bits of the key's hash: a billion rows have two alike with a chance of one in 10^11.
    key: [u32; 3],
    /// Which row of the snapshot it is, in stored order.
    place: u32,
    row: [u32; 2],
}

/// Rows by key.
#[derive(Debug, Default)]
pub(super) struct Index {
    entries: Vec<Entry>,
    /// Where the entries begin whose hash begins with these bits.
    starts: Vec<u32>,
    shift: u32,
}

/// About so many entries share the first bits of their hashes.
const IN_BUCKET: usize = 16;

impl Index {
    /// Room for so many rows. `Err`: there is not as much memory, or a row's place cannot be written.
    pub(super) fn with_room_for(rows: u64) -> Result<Self, String> {
        let mut entries = Vec::new();
        let room = usize::try_from(rows).ok().filter(|_| rows < u64::from(u32::MAX));
        let room = room.ok_or_else(|| format!("{rows} rows are more than can be compared"))?;
        entries.try_reserve_exact(room).map_err(|e| format!("memory for {rows} rows: {e}"))?;
        Ok(Self { entries, ..Self::default() })
    }

    /// Adds a row; [`Index::settle`] has to follow.
    pub(super) fn push(&mut self, hashes: RowHashes, place: u32) {
        let bits = hashes.row.cast_unsigned();
        self.entries.push(Entry { key: short(hashes.key), place, row: [(bits >> 32) as u32, bits as u32] });
    }

    /// Brings the rows in order. With `is_keyed`, only the last row with a key is kept; `drop_place` gets
    /// the places of the others.
    pub(super) fn settle(&mut self, is_keyed: bool, mut drop_place: impl FnMut(u32)) {
        self.entries.sort_unstable();
        if is_keyed {
            self.entries.dedup_by(|later, earlier| {
                let same = later.key == earlier.key;
                if same {
                    drop_place(earlier.place);
                    *earlier = *later;
                }
                same
            });
        }
        let buckets = (self.entries.len() / IN_BUCKET).next_power_of_two().min(1 << 24);
        self.shift = 32 - buckets.trailing_zeros();
        self.starts = vec![0; buckets + 1];
        for at in 0..self.entries.len() {
            let bucket = self.bucket(self.entries[at].key);
            self.starts[bucket + 1] += 1;
        }
        for bucket in 0..buckets {
            self.starts[bucket + 1] += self.starts[bucket];
        }
    }

    fn bucket(&self, key: [u32; 3]) -> usize {
        (u64::from(key[0]) >> self.shift) as usize
    }

    /// The first slot with this key.
    pub(super) fn find(&self, key: u128) -> Option<u32> {
        let key = short(key);
        let bucket = self.bucket(key);
        let (from, to) = (*self.starts.get(bucket)?, *self.starts.get(bucket + 1)?);
        let slot = self.entries[from as usize..to as usize].partition_point(|entry| entry.key < key) as u32 + from;
        self.entries.get(slot as usize).is_some_and(|entry| entry.key == key).then_some(slot)
    }

    /// How many slots have the key of this one, which is the first of them.
    pub(super) fn alike(&self, slot: u32) -> u32 {
        let rest = &self.entries[slot as usize..];
        rest.partition_point(|entry| entry.key == rest[0].key) as u32
    }

    /// Which row of the snapshot stands in a slot.
    pub(super) fn place(&self, slot: u32) -> usize {
        self.entries[slot as usize].place as usize
    }

    /// The hash of the row in a slot.
    pub(super) fn row(&self, slot: u32) -> i64 {
        row(&self.entries[slot as usize])
    }

    /// Place and hash of every row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, i64)> {
        self.entries.iter().map(|entry| (entry.place as usize, row(entry)))
    }
}

fn row(entry: &Entry) -> i64 {
    ((u64::from(entry.row[0]) << 32) | u64::from(entry.row[1])).cast_signed()
}

fn short(key: u128) -> [u32; 3] {
    [(key >> 96) as u32, (key >> 64) as u32, (key >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_24_bytes() {
        assert_eq!(size_of::<Entry>(), 24);
        assert!(Index::with_room_for(u64::MAX).is_err());
    }

    fn hash(n: u64) -> u128 {
        xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes())
    }

    proptest::proptest! {
        #[test]
        fn every_row_is_found_and_no_other(keys in proptest::collection::vec(0_u64..400, 0..600), keyed: bool) {
            let mut index = Index::with_room_for(keys.len() as u64).map_err(proptest::test_runner::TestCaseError::fail)?;
            for (place, &key) in keys.iter().enumerate() {
                let row = place as i64 * if place % 2 == 0 { -1 } else { 1 };
                index.push(RowHashes { key: hash(key), row }, place as u32);
            }
            let mut dropped = Vec::new();
            index.settle(keyed, |place| dropped.push(place as usize));
            let mut left: Vec<(usize, i64)> = index.rows().collect();
            left.sort_unstable();
            proptest::prop_assert_eq!(left.len() + dropped.len(), keys.len());
            for key in 0..500 {
                let places: Vec<usize> = (0..keys.len()).filter(|&place| keys[place] == key).collect();
                let expected: Vec<usize> = if keyed { places.last().copied().into_iter().collect() } else { places };
                let found: Vec<usize> = index.find(hash(key)).into_iter()
                    .flat_map(|slot| (slot..slot + index.alike(slot)).collect::<Vec<_>>())
                    .map(|slot| index.place(slot)).collect();
                proptest::prop_assert_eq!(&found, &expected);
                for place in found {
                    let row = place as i64 * if place % 2 == 0 { -1 } else { 1 };
                    proptest::prop_assert!(left.binary_search(&(place, row)).is_ok());
                }
            }
        }
    }
}
