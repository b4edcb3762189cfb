//! A spawned task that ends with the one that waits for it.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinHandle};

use super::TableError;

/// Like [`JoinHandle`], but dropping it stops the task: a run that failed leaves nothing running.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

/// What the first of the tasks came to; waits for ever where there is none. Nothing is lost where it is
/// not waited for to the end.
pub(crate) async fn first<T>(pending: &mut VecDeque<Task<Result<T, TableError>>>) -> Result<T, TableError>
where
    T: Send + 'static,
{
    let Some(task) = pending.front_mut() else { return std::future::pending().await };
    let done = task.await;
    pending.pop_front();
    done.map_err(|e| TableError::Fatal(e.into()))?
}
