//! What the tables of one run share.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::buffers::Buffers;
use crate::clock::Clock;
use crate::commands::lease::Leases;
use crate::format::SeenSettings;
use crate::model::TableName;
use crate::progress::Progress;
use crate::snapshot::SnapshotKeys;
use crate::snapshot::writer::PartRules;
use crate::store::{Several, Store};
use crate::supabase::Client;

/// One run's settings and limits.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) client: Arc<Client>,
    pub(super) store: Arc<dyn Store>,
    /// The same, one by one.
    pub(super) stores: Arc<Several>,
    /// SQL, where there is any.
    pub(super) channel: Option<Arc<dyn crate::supabase::sql::SqlChannel>>,
    pub(super) keys: SnapshotKeys,
    /// The snapshot that is about to be restored, where this is for safety.
    pub(super) safety_of: Option<crate::model::SnapshotId>,
    pub(super) rules: PartRules,
    /// For pages and rows.
    pub(super) buffers: Buffers,
    /// For sealed parts.
    pub(super) outputs: Buffers,
    pub(super) clock: Clock,
    pub(super) progress: Progress,
    /// Every relation that the API lists: rows of these are never stored with another table.
    pub(super) listed: HashSet<TableName>,
    /// One permit per window between its request and its compression.
    pub(super) memory: Arc<Semaphore>,
    /// One permit per page whose rows are being written: more than there are cores bring nothing but memory.
    pub(super) hands: Semaphore,
    /// One table at a time may fill large parts.
    pub(super) heavy: Arc<Semaphore>,
    /// Windows asked for ahead of the one that is being written.
    pub(super) ahead: usize,
    /// Bytes that a page aims at.
    pub(super) page_size: u64,
    /// Passes until a table that keeps changing counts as moved.
    pub(super) passes: u32,
    /// Page by key even where addresses serve.
    pub(super) force_keyset: bool,
    /// Pause before a damaged answer is asked for again.
    pub(super) pause: Duration,
    /// What has to be held when the manifest is written.
    pub(super) leases: Option<Arc<Leases>>,
    /// Set when the manifest is about to be written: from then on the run is not given up.
    pub(super) committing: Arc<AtomicBool>,
    /// What values told about the server's settings.
    pub(super) settings: Mutex<SeenSettings>,
}

impl Shared {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn observed(&self, seen: &SeenSettings) {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).merge(seen);
    }
}
