//! Keeping within a rate limit that the server tells with every answer.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::http::{rate_limit_remaining, rate_limit_reset};

/// The longest wait for a new span of the limit; a server that says more is asked sooner.
const LONGEST: Duration = Duration::from_secs(120);

/// How many requests are left, as far as the server has told.
#[derive(Debug, Default)]
pub(super) struct Pace {
    span: Mutex<Option<Span>>,
}

/// What is known of the present span.
#[derive(Debug, Clone, Copy)]
struct Span {
    left: u32,
    ends: Instant,
}

impl Pace {
    /// Waits until one more request may be sent.
    pub(super) async fn turn(&self) {
        while let Some(ends) = self.take(Instant::now()) {
            tokio::time::sleep_until(ends).await;
        }
    }

    /// Takes one of the requests that are left; or says when there will be new ones.
    fn take(&self, now: Instant) -> Option<Instant> {
        let mut span = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *span {
            // nothing is known: the answer to this request will tell
            None => None,
            Some(known) if now >= known.ends => {
                *span = None;
                None
            }
            Some(Span { left: 0, ends }) => Some(*ends),
            Some(known) => {
                known.left -= 1;
                None
            }
        }
    }

    /// Learns from the headers of an answer.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        let (Some(left), Some(reset)) = (rate_limit_remaining(headers), rate_limit_reset(headers)) else { return };
        self.told(left, Instant::now() + reset.min(LONGEST), Instant::now());
    }

    fn told(&self, left: u32, ends: Instant, now: Instant) {
        let mut span = self.span.lock().unwrap_or_else(PoisonError::into_inner);
        *span = Some(match *span {
            // answers come in any order, and requests that are on their way are not in them yet
            Some(known) if now < known.ends && ends <= known.ends + Duration::from_secs(2) => {
                Span { left: known.left.min(left), ends: known.ends.max(ends) }
            }
            _ => Span { left, ends },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_request_of_a_span_waits_for_the_next_one() {
        let pace = Pace::default();
        let now = Instant::now();
        let ends = now + Duration::from_secs(30);
        assert_eq!(pace.take(now), None, "nothing is known yet");
        pace.told(2, ends, now);
        // an older answer, that left later: it does not give requests back
        pace.told(5, ends, now);
        assert_eq!((pace.take(now), pace.take(now), pace.take(now)), (None, None, Some(ends)));
        assert_eq!(pace.take(ends), None, "a new span");
        assert_eq!(pace.take(ends), None, "of which nothing is known");
        pace.told(0, ends + Duration::from_secs(60), ends);
        assert_eq!(pace.take(ends), Some(ends + Duration::from_secs(60)));
    }
}
