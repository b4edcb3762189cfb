//! The body of an answer: passed through, held in memory, or watched on its way out.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::record::Ticket;

/// Any error, as hyper wants it.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Long enough for the bytes before a cut to reach the socket.
const BEFORE_CUT: Duration = Duration::from_millis(10);

/// The body of an answer.
pub(crate) enum Body {
    /// PostgREST's own, untouched.
    Upstream(Incoming),
    /// Made here, or buffered and changed here.
    Held(Option<Bytes>),
    /// Counted for the record, or cut at some point.
    Watched(Box<Watched>),
}

/// A body whose bytes are counted.
pub(crate) struct Watched {
    inner: Body,
    sent: u64,
    cut_after: Option<u64>,
    cutting: Option<Pin<Box<Sleep>>>,
    ticket: Option<Ticket>,
}

impl Body {
    /// A body held in memory.
    pub(crate) fn held(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::Held((!bytes.is_empty()).then_some(bytes))
    }

    /// Counts the bytes for `ticket` and, with `cut_after`, breaks the connection after so many of
    /// them: never with a clean end, even when the body is shorter.
    pub(crate) fn watched(self, cut_after: Option<u64>, ticket: Option<Ticket>) -> Self {
        Self::Watched(Box::new(Watched { inner: self, sent: 0, cut_after, cutting: None, ticket }))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Upstream(body) => Pin::new(body).poll_frame(context).map_err(Into::into),
            Self::Held(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Watched(body) => body.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Upstream(body) => body.is_end_stream(),
            Self::Held(bytes) => bytes.is_none(),
            Self::Watched(body) => body.cut_after.is_none() && body.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Upstream(body) => body.size_hint(),
            Self::Held(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Watched(body) => body.inner.size_hint(),
        }
    }
}

impl Watched {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(pause) = &mut self.cutting {
            ready!(pause.as_mut().poll(context));
            return Poll::Ready(Some(Err("cut by a fault rule".into())));
        }
        let left = self.cut_after.map(|limit| limit.saturating_sub(self.sent));
        if left == Some(0) {
            return self.cut(context);
        }
        match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
            Some(Ok(frame)) => {
                let frame = frame.map_data(|mut data| {
                    if let Some(left) = left {
                        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    }
                    self.sent += data.len() as u64;
                    data
                });
                Poll::Ready(Some(Ok(frame)))
            }
            None if self.cut_after.is_some() => self.cut(context),
            None => {
                self.finish(true);
                Poll::Ready(None)
            }
            failed => Poll::Ready(failed),
        }
    }

    fn cut(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut pause = Box::pin(sleep(BEFORE_CUT));
        let _ = pause.as_mut().poll(context);
        self.cutting = Some(pause);
        Poll::Pending
    }

    fn finish(&mut self, complete: bool) {
        if let Some(ticket) = self.ticket.take() {
            ticket.finish(self.sent, complete);
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // hyper does not poll a body of known length to its end: full length counts as complete.
        let complete = self.cut_after.is_none() && self.inner.size_hint().exact() == Some(0);
        self.finish(complete);
    }
}
