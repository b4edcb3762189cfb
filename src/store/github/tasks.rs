//! Writes that go on to their end, whoever waits for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::store::StoreError;

/// Counts the writes that are under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks(Arc<AtomicUsize>);

/// One of them.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Tasks {
    /// Runs a write to its end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        doing: String,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let under_way = UnderWay(Arc::clone(&self.0));
        let work = async move {
            let _under_way = under_way;
            work.await
        };
        let done = tokio::spawn(work).await;
        done.unwrap_or_else(|stopped| Err(StoreError::Other { doing, reason: stopped.to_string() }))
    }

    /// Returns when none is under way.
    pub(super) async fn settled(&self) {
        while self.0.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
