//! Sweeps: every window is looked at again, addresses and versions only, until a pass finds nothing.
//!
//! A window whose rows changed dirties its part; the part's blocks are read again into a new part,
//! and the old one is removed. What a page showed is one statement's truth, windows touch and do
//! not overlap, and a row that nobody touches keeps its address: so even a table that never comes
//! to rest holds every row that was not touched, exactly once.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::stream;

use super::TableError;
use super::copy::TableCopy;
use super::pages::Seen;
use crate::commands::read::Task;
use crate::model::{ReadAs, Stability};

impl TableCopy {
    /// One pass over the table. True if nothing had changed since it was read. `began` is when the
    /// pass over all tables began: what is unchanged now was unchanged then.
    pub(super) async fn sweep(&mut self, began: DateTime<Utc>) -> Result<bool, TableError> {
        self.passes += 1;
        self.progress.phase("checking");
        let dirty = self.dirty_pieces().await?;
        let end = self.pieces.last().map_or(Some(0), |p| p.to);
        let grown = match end {
            Some(end) => self.work.reader.any_from(end).await?,
            None => false,
        };
        self.columns_unchanged().await?;
        if dirty.is_empty() && !grown {
            let apart = self.work.owners.apart();
            self.counted_after = self.work.reader.count(&apart).await?;
            let counts = self.counted_after.map(|counted| (self.rows(), counted));
            if counts.is_none_or(|(rows, counted)| rows == counted) {
                self.stability =
                    Some(Stability::Stable { from: self.read_to, to: began.max(self.read_to), passes: self.passes });
                return Ok(true);
            }
            // Something came or went between the look and the count: the next pass will see it. The
            // same two numbers once more, and rows are out of reach.
            if counts == self.mismatch || self.passes >= self.shared.passes {
                self.unreached = counts;
            }
            self.mismatch = counts;
            self.stability = None;
            return Ok(false);
        }
        (self.stability, self.mismatch, self.unreached) = (None, None, None);
        self.reread(&dirty, grown.then_some(end).flatten()).await?;
        self.read_to = self.shared.now();
        Ok(false)
    }

    /// Indices of pieces of which a window changed.
    async fn dirty_pieces(&self) -> Result<Vec<usize>, TableError> {
        // of addresses and versions alone a page holds more rows than it held of whole rows
        let most = if self.work.reader.sweeps_content() { 0 } else { self.work.reader.target_rows() };
        let all: Vec<(usize, Seen)> =
            self.pieces.iter().enumerate().flat_map(|(i, p)| joined(&p.windows, most).map(move |w| (i, w))).collect();
        let look = |(i, seen): (usize, Seen)| {
            let task = Task::spawn(Arc::clone(&self.work).still(Arc::clone(&self.shared), seen));
            async move { (i, seen, task.await) }
        };
        let mut looks = stream::iter(all).map(look).buffered(self.shared.ahead);
        let mut dirty = Vec::new();
        while let Some((i, seen, result)) = looks.next().await {
            self.progress.checked(seen.rows);
            let same = result.map_err(|e| TableError::Fatal(e.into()))??;
            if !same && dirty.last() != Some(&i) {
                dirty.push(i);
            }
        }
        Ok(dirty)
    }

    /// Reads the blocks of the dirty pieces again, and those behind `grown_from`.
    async fn reread(&mut self, dirty: &[usize], grown_from: Option<u32>) -> Result<(), TableError> {
        self.progress.phase("reading again");
        let mut pieces = Vec::with_capacity(self.pieces.len() + 1);
        for (i, piece) in std::mem::take(&mut self.pieces).into_iter().enumerate() {
            if !dirty.contains(&i) {
                pieces.push(piece);
                continue;
            }
            let before = piece.pair.as_ref().map_or(0, |p| p.rows);
            self.reread += before;
            let fresh = match self.stretch(piece.from, piece.to, Some(before)).await {
                Ok(fresh) => fresh,
                Err(error) => {
                    // what was read before stays in the ledger, so that it can be removed
                    pieces.push(piece);
                    self.pieces = pieces;
                    return Err(error);
                }
            };
            if let Some(pair) = &piece.pair {
                self.writer.remove(pair).await?;
            }
            pieces.extend(fresh);
        }
        if let Some(from) = grown_from {
            let fresh = self.stretch(from, None, None).await;
            pieces.extend(fresh?);
        }
        self.pieces = pieces;
        Ok(())
    }

    /// A column that came, went or moved while the table was read would shift values between columns.
    async fn columns_unchanged(&self) -> Result<(), TableError> {
        let access = self.work.reader.access();
        if access.read_as == ReadAs::Columns {
            return Ok(());
        }
        let known = access.column_names();
        match self.work.reader.live_columns().await? {
            Some(live) if live != known => Err(TableError::Changed("its columns changed during the run".to_owned())),
            Some(_) => Ok(()),
            None if known.is_empty() || self.rows() == 0 => Ok(()),
            None => self.work.reader.columns_exist().await.map_err(TableError::from),
        }
    }

    /// Says of a table that did not come to rest what can be said of it.
    pub(super) fn settle(&mut self) {
        if self.stability.is_none() {
            self.stability = Some(Stability::Moved {
                from: self.read_from,
                to: self.read_to,
                passes: self.passes,
                reread: self.reread,
                superseded: 0,
            });
        }
    }
}

/// The same windows, neighbours taken together while they hold no more than so many rows: the
/// fingerprint of two is the sum of theirs.
fn joined(windows: &[Seen], most: u64) -> impl Iterator<Item = Seen> {
    let mut left = windows.iter().copied().peekable();
    std::iter::from_fn(move || {
        let mut all = left.next()?;
        while let Some(next) = left.next_if(|next| all.touches(next) && all.rows + next.rows <= most) {
            all.window.to = next.window.to;
            all.rows += next.rows;
            all.fingerprint = all.fingerprint.wrapping_add(next.fingerprint);
        }
        Some(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supabase::Window;

    fn seen(from: u32, to: u32, rows: u64) -> Seen {
        Seen { window: Window::blocks(from, to), rows, fingerprint: u128::from(rows) << 120 }
    }

    #[test]
    fn neighbours_are_looked_at_together_as_long_as_a_page_holds_them() {
        let windows = [seen(0, 8, 600), seen(8, 16, 300), seen(16, 24, 0), seen(24, 32, 200), seen(40, 48, 1)];
        let all: Vec<Seen> = joined(&windows, 900).collect();
        let sum = Seen { fingerprint: (600_u128 << 120).wrapping_add(300 << 120), ..seen(0, 24, 900) };
        assert_eq!(all, [sum, seen(24, 32, 200), seen(40, 48, 1)]);
        assert_eq!(joined(&windows, 0).collect::<Vec<_>>(), windows);
    }

    #[test]
    fn a_window_without_end_stays_alone() {
        let open = Seen { window: Window::from_block(8), ..seen(8, 9, 1) };
        assert_eq!(joined(&[seen(0, 8, 1), open], 900).collect::<Vec<_>>(), [seen(0, 8, 1), open]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_left_out(rows in proptest::collection::vec((0_u64..700, 0_u32..3), 0..40), most in 0_u64..2000) {
            let mut at = 0;
            let windows: Vec<Seen> = rows.iter().map(|&(rows, gap)| {
                let window = seen(at + gap, at + gap + 4, rows);
                at += gap + 4;
                window
            }).collect();
            let all: Vec<Seen> = joined(&windows, most).collect();
            let sum = |list: &[Seen]| list.iter().fold((0, 0_u128), |(rows, print), s| (rows + s.rows, print.wrapping_add(s.fingerprint)));
            proptest::prop_assert_eq!(sum(&all), sum(&windows));
            let blocks = |list: &[Seen]| list.iter().filter_map(|s| s.window.block_count()).sum::<u32>();
            proptest::prop_assert_eq!(blocks(&all), blocks(&windows));
            proptest::prop_assert!(all.iter().all(|s| s.rows <= most.max(700)));
        }
    }
}
