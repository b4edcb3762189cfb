//! From block to block through a table, in windows of the right size.

use crate::supabase::{TableReader, Window};

/// Blocks of the first window of a table that does not fit into one page.
const FIRST_STEP: u32 = 8;
/// Blocks of a window where there are hardly any rows: 1 MiB, should the next window turn out to be full.
const LONGEST_STEP: u32 = 128;

/// Whether all rows of a table, or those from a block on, are likely to fit into one page of this size.
pub(crate) fn fits_one_page(reader: &TableReader, page_size: u64, expected: Option<u64>) -> bool {
    let bytes = reader.access().row_bytes.unwrap_or(0);
    expected.is_some_and(|rows| rows <= reader.target_rows() && rows.saturating_mul(bytes) <= page_size)
}

/// Windows that touch and do not overlap, from one block on.
#[derive(Debug)]
pub(crate) struct Steps {
    next: u32,
    to: Option<u32>,
    step: u32,
}

impl Steps {
    /// Through the blocks `from..to`, or to the table's end.
    pub(crate) fn new(from: u32, to: Option<u32>) -> Self {
        Self { next: from, to, step: FIRST_STEP }
    }

    /// Where the next window begins.
    pub(crate) fn next_block(&self) -> u32 {
        self.next
    }

    /// There are no more windows.
    pub(crate) fn exhausted(&self) -> bool {
        self.next == u32::MAX || self.to.is_some_and(|to| self.next >= to)
    }

    /// The next window.
    pub(crate) fn next_window(&mut self) -> Option<Window> {
        if self.exhausted() {
            return None;
        }
        let end = self.next.saturating_add(self.step).min(self.to.unwrap_or(u32::MAX));
        let window = Window::blocks(self.next, end);
        self.next = end;
        Some(window)
    }

    /// Nothing stands at this block or behind it.
    pub(crate) fn end_at(&mut self, block: u32) {
        self.to = Some(block);
        self.next = block;
    }

    /// Aims the next windows at pages just below the server's row limit and our size, after a window
    /// that held so many rows in so many bytes.
    pub(crate) fn adjust(&mut self, window: Window, rows: u64, bytes: u64, target_rows: u64, page_size: u64) {
        if rows == 0 {
            self.step = self.step.saturating_mul(2).min(LONGEST_STEP);
            return;
        }
        let blocks = u64::from(window.block_count().unwrap_or(1).max(1));
        let by_bytes = page_size * rows / bytes.max(1);
        let fits = target_rows.min(by_bytes).max(1) * blocks / rows;
        let step = u32::try_from(fits.max(1)).unwrap_or(LONGEST_STEP);
        // down at once, up by steps: one sparse window says little about the next
        self.step = step.min(self.step.saturating_mul(4)).min(LONGEST_STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn windows_touch_and_end_where_they_should(from in 0_u32..1000, length in 0_u32..100_000, rows in proptest::collection::vec((0_u64..5000, 1_u64..9_000_000), 1..50)) {
            let to = from + length;
            let mut steps = Steps::new(from, Some(to));
            let mut at = from;
            let mut seen = rows.iter().cycle();
            while let Some(window) = steps.next_window() {
                proptest::prop_assert_eq!(window.from.block, at);
                at = window.end_block().unwrap_or(u32::MAX);
                proptest::prop_assert!(at > window.from.block && at <= to);
                if let Some(&(rows, bytes)) = seen.next() {
                    steps.adjust(window, rows, bytes, 900, 4 << 20);
                }
            }
            proptest::prop_assert_eq!((at, steps.next_block()), (to, to));
        }
    }

    /// Rows that were deleted, or never committed, leave empty blocks before full ones.
    #[test]
    fn after_empty_blocks_a_full_window_is_no_more_than_memory_holds() {
        let mut steps = Steps::new(0, None);
        for _ in 0..40 {
            let window = steps.next_window().unwrap_or(Window::from_block(0));
            assert!(window.block_count().is_some_and(|blocks| blocks * 8192 <= 1 << 20), "{window:?}");
            steps.adjust(window, 0, 0, 900, 1 << 20);
        }
    }

    #[test]
    fn an_end_that_was_found_ends_it() {
        let mut steps = Steps::new(0, None);
        assert_eq!(steps.next_window(), Some(Window::blocks(0, 8)));
        assert_eq!(steps.next_window(), Some(Window::blocks(8, 16)));
        steps.end_at(8);
        assert!(steps.exhausted() && steps.next_window().is_none());
        assert_eq!(steps.next_block(), 8);
    }
}
