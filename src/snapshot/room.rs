//! Room in memory for files that are on their way.

use tokio::sync::{Semaphore, SemaphorePermit};

/// KiB of files in memory at once: a larger one has all of it to itself.
const MEMORY: u32 = 64 << 10;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(MEMORY as usize))
    }
}

impl Room {
    /// Waits for room for a file of so many bytes, which is given back when this is dropped.
    pub(super) async fn of(&self, size: u64) -> Option<SemaphorePermit<'_>> {
        let weight = u32::try_from(size >> 10).unwrap_or(MEMORY).saturating_add(1).min(MEMORY);
        // it is closed by nobody
        self.0.acquire_many(weight).await.ok()
    }
}
