//! One window, asked for again where its answer is damaged.

use std::sync::Arc;
use std::time::Duration;

use super::TableError;
use crate::buffers::Buffers;
use crate::format::Shape;
use crate::supabase::{Page, TableReader, Window};

/// How often a window is asked for again when its answer is damaged.
pub(crate) const DAMAGED_TRIES: u32 = 4;

/// Reads a window and hands its pages to `work`, again and again as long as that calls them damaged.
/// Their bodies go to `buffers`.
pub(crate) async fn read_window<T, F: Future<Output = Result<T, TableError>>>(
    reader: &TableReader,
    (window, shape): (Window, Shape),
    pause: Duration,
    buffers: &Buffers,
    work: impl Fn(Arc<Vec<Page>>) -> F,
) -> Result<T, TableError> {
    let mut tries = 1;
    loop {
        let pages = Arc::new(reader.read(window, shape).await?);
        let done = work(Arc::clone(&pages)).await;
        Arc::into_inner(pages).into_iter().flatten().for_each(|page| buffers.give(page.body));
        match done {
            Err(TableError::Damaged(_)) if tries < DAMAGED_TRIES => tries += 1,
            other => return other,
        }
        tokio::time::sleep(pause * tries).await;
    }
}
