//! When to ask again, and when to give up.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A request that GitHub turned away is sent again for so long; then whoever asked is told.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// The longest pause between two tries that GitHub did not name.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where one request is told to wait, all do: asking on while limited only makes it longer.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Option<Instant>>);

impl Gate {
    /// Nobody passes for so long.
    pub(super) fn close(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut closed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *closed = Some(closed.map_or(until, |before| before.max(until)));
    }

    /// Returns when it is open.
    pub(super) async fn pass(&self) {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}
