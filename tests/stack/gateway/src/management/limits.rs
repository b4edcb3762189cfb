//! 120 requests a minute for every endpoint, as the service counts them: per user and project, of
//! which there is one each.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::Endpoint;

/// How many requests an endpoint takes in how long a time.
pub(crate) struct Limits {
    inner: Mutex<Inner>,
}

struct Inner {
    requests: u32,
    window: Duration,
    spent: HashMap<Endpoint, (Instant, u32)>,
}

/// What one request finds.
#[derive(Debug, PartialEq)]
pub(crate) struct Quota {
    /// Whether the request is still within the limit.
    pub(crate) allowed: bool,
    limit: u32,
    remaining: u32,
    reset_seconds: u64,
}

impl Limits {
    /// The service's own.
    pub(crate) fn new() -> Self {
        let inner = Inner { requests: 120, window: Duration::from_secs(60), spent: HashMap::new() };
        Self { inner: Mutex::new(inner) }
    }

    /// Other limits from now on; what was spent is forgotten.
    pub(crate) fn set(&self, requests: u32, window: Duration) {
        *self.lock() = Inner { requests, window, spent: HashMap::new() };
    }

    /// The limits in force.
    pub(crate) fn get(&self) -> (u32, Duration) {
        let inner = self.lock();
        (inner.requests, inner.window)
    }

    /// Counts a request.
    pub(crate) fn spend(&self, endpoint: Endpoint, now: Instant) -> Quota {
        let mut inner = self.lock();
        let (limit, window) = (inner.requests, inner.window);
        let (start, spent) = inner.spent.entry(endpoint).or_insert((now, 0));
        if now.saturating_duration_since(*start) >= window {
            (*start, *spent) = (now, 0);
        }
        let allowed = *spent < limit;
        *spent += u32::from(allowed);
        let left = window.saturating_sub(now.saturating_duration_since(*start));
        Quota {
            allowed,
            limit,
            remaining: limit - *spent,
            // a client that waits so long finds the window open
            reset_seconds: left.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Quota {
    /// The three headers.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-ratelimit-limit", u64::from(self.limit)),
            ("x-ratelimit-remaining", u64::from(self.remaining)),
            ("x-ratelimit-reset", self.reset_seconds),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_endpoint_has_a_window_of_its_own() {
        let limits = Limits::new();
        limits.set(2, Duration::from_millis(1500));
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let first = limits.spend(Endpoint::Query, at(0));
        assert_eq!(first, Quota { allowed: true, limit: 2, remaining: 1, reset_seconds: 2 });
        assert!(limits.spend(Endpoint::Query, at(10)).allowed);
        let third = limits.spend(Endpoint::Query, at(600));
        assert_eq!(third, Quota { allowed: false, limit: 2, remaining: 0, reset_seconds: 1 });
        assert!(limits.spend(Endpoint::Project, at(600)).allowed);
        assert!(limits.spend(Endpoint::Query, at(1500)).allowed);
    }
}
