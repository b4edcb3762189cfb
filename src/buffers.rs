//! Large buffers, used again: pages come and go by the thousand, and giving each one fresh memory
//! leaves an allocator with holes worth several times what is in use.

use std::sync::{Arc, Mutex, PoisonError};

/// A shelf of empty buffers, shared by clones.
#[derive(Debug, Clone, Default)]
pub struct Buffers {
    shelf: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// More than this many are not kept.
const MOST: usize = 24;
/// Larger ones are given back to the system: a single huge row must not stay in memory.
const LARGEST: usize = 8 << 20;

impl Buffers {
    /// An empty buffer.
    pub fn take(&self) -> Vec<u8> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Puts a buffer back for others.
    pub fn give(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.capacity() > 0 && buffer.capacity() <= LARGEST && shelf.len() < MOST {
            shelf.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_empty_and_a_huge_one_does_not() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take();
        buffer.extend_from_slice(b"x");
        let room = buffer.capacity();
        buffers.give(buffer);
        buffers.give(Vec::with_capacity(LARGEST + 1));
        let again = buffers.take();
        assert!(again.is_empty() && again.capacity() == room);
        assert_eq!(buffers.take().capacity(), 0);
    }
}
