//! The record of requests: off until asked for, kept in memory.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;

/// One answered request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// `GET`, `POST`, …
    pub(crate) method: String,
    /// Path and query as the client sent them.
    pub(crate) target: String,
    /// The `Accept-Profile` or `Content-Profile` header: the schema asked for.
    pub(crate) profile: Option<String>,
    /// The status sent; 0 when there was no answer.
    pub(crate) status: u16,
    /// Bytes of the body that were handed to the connection.
    pub(crate) response_bytes: u64,
    /// Whether the body was sent to its end.
    pub(crate) complete: bool,
    /// Milliseconds from the start of the record to the request.
    pub(crate) at_ms: f64,
    /// Milliseconds from the request to the end of the body.
    pub(crate) ms: f64,
    /// The fault rule that was applied.
    pub(crate) fault: Option<String>,
}

/// The entries since the record was switched on or emptied.
pub(crate) struct Record {
    on: AtomicBool,
    inner: Mutex<Inner>,
}

struct Inner {
    since: Instant,
    entries: Vec<Entry>,
}

impl Record {
    /// An empty record, switched off.
    pub(crate) fn new() -> Self {
        let inner = Inner { since: Instant::now(), entries: Vec::new() };
        Self { on: AtomicBool::new(false), inner: Mutex::new(inner) }
    }

    /// Whether requests are recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Starts recording.
    pub(crate) fn switch_on(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    /// Forgets all entries and restarts the clock; recording goes on if it was on.
    pub(crate) fn clear(&self) {
        *self.lock() = Inner { since: Instant::now(), entries: Vec::new() };
    }

    /// A copy of the entries, in the order in which the answers ended.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way; it becomes an [`Entry`] when its answer has ended or nobody waits for it.
pub(crate) struct Ticket {
    record: Arc<Record>,
    start: Instant,
    entry: Entry,
}

impl Ticket {
    /// Notes a request that has just come in.
    pub(crate) fn new(record: &Arc<Record>, start: Instant, method: &str, target: &str, profile: Option<&str>) -> Self {
        let entry = Entry {
            method: method.to_owned(),
            target: target.to_owned(),
            profile: profile.map(str::to_owned),
            status: 0,
            response_bytes: 0,
            complete: false,
            at_ms: 0.0,
            ms: 0.0,
            fault: None,
        };
        Self { record: record.clone(), start, entry }
    }

    /// Notes the rule that was applied.
    pub(crate) fn fault(&mut self, id: &str) {
        self.entry.fault = Some(id.to_owned());
    }

    /// Notes the status that was sent.
    pub(crate) fn status(&mut self, status: u16) {
        self.entry.status = status;
    }

    /// Notes how much of the body was sent, and ends the request.
    pub(crate) fn finish(mut self, response_bytes: u64, complete: bool) {
        self.entry.response_bytes = response_bytes;
        self.entry.complete = complete;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = self.record.lock();
        self.entry.at_ms = millis(self.start.saturating_duration_since(inner.since));
        self.entry.ms = millis(self.start.elapsed());
        inner.entries.push(self.entry.clone());
    }
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
