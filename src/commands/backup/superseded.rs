//! A table that never came to rest may hold a row in two versions: read once before it was changed
//! and once after, at its new address. Two rows with one primary key would make the restore fail, so
//! the version that was read last is kept.

use std::collections::{HashMap, HashSet};

use super::TableError;
use super::copy::TableCopy;
use crate::format::key_hash;
use crate::model::Stability;
use crate::snapshot::writer::PartPair;

/// Keys looked at in one go: 16 bytes each, so that memory does not grow with the table.
const KEYS_AT_ONCE: u64 = 500_000;

impl TableCopy {
    /// Removes older versions from a table that is marked as moved.
    pub(super) async fn drop_superseded(&mut self) -> Result<(), TableError> {
        if !matches!(self.stability, Some(Stability::Moved { .. })) || self.work.reader.access().key.is_empty() {
            return Ok(());
        }
        self.progress.phase("settling");
        let doubled = self.doubled_keys().await?;
        if doubled.is_empty() {
            return Ok(());
        }
        let losers = self.losers(&doubled).await?;
        let mut dropped = 0;
        for (piece, rows) in losers {
            dropped += rows.len() as u64;
            let Some(pair) = self.pieces[piece].pair.take() else { continue };
            let kept = self.writer.rewrite(&pair, &rows).await?;
            self.writer.remove(&pair).await?;
            self.pieces[piece].pair = kept;
        }
        if let Some(Stability::Moved { superseded, .. }) = &mut self.stability {
            *superseded = dropped;
        }
        Ok(())
    }

    /// Hashes of the keys that more than one stored row has.
    async fn doubled_keys(&self) -> Result<HashSet<u128>, TableError> {
        let turns = u128::from(self.rows().div_ceil(KEYS_AT_ONCE).max(1));
        let mut doubled = HashSet::new();
        for turn in 0..turns {
            let mut hashes: Vec<u128> = Vec::new();
            for piece in &self.pieces {
                if let Some(pair) = &piece.pair {
                    hashes.extend(self.keys(pair).await?.into_iter().filter(|h| h % turns == turn));
                }
            }
            hashes.sort_unstable();
            doubled.extend(hashes.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]));
        }
        Ok(doubled)
    }

    /// Per piece, the positions of rows of which a version was read later.
    async fn losers(&self, doubled: &HashSet<u128>) -> Result<HashMap<usize, HashSet<u64>>, TableError> {
        // (when its piece was read, position in it) → piece
        let mut best: HashMap<u128, ((u64, u64), usize)> = HashMap::new();
        let mut losers: HashMap<usize, HashSet<u64>> = HashMap::new();
        for (index, piece) in self.pieces.iter().enumerate() {
            let Some(pair) = &piece.pair else { continue };
            for (position, hash) in (0..).zip(self.keys(pair).await?) {
                if !doubled.contains(&hash) {
                    continue;
                }
                let rank = (piece.read, position);
                let loser = match best.get_mut(&hash) {
                    Some(held) if held.0 < rank => std::mem::replace(held, (rank, index)),
                    Some(_) => (rank, index),
                    None => {
                        best.insert(hash, (rank, index));
                        continue;
                    }
                };
                losers.entry(loser.1).or_default().insert(loser.0.1);
            }
        }
        Ok(losers)
    }

    /// Hashes of the primary keys of a part's rows, in their order.
    async fn keys(&self, pair: &PartPair) -> Result<Vec<u128>, TableError> {
        let access = self.work.reader.access();
        let key: Vec<usize> =
            access.key.iter().filter_map(|name| access.columns.iter().position(|c| &c.name == name)).collect();
        self.writer.map_rows(pair, move |fields| key_hash(fields, &key)).await.map_err(TableError::from)
    }
}
