//! `backup`: reads a project's rows and writes a snapshot.
//!
//! discover → copy every table → sweep until nothing changes → settle the ledger → manifest last.

mod copy;
mod coverage;
pub(crate) mod discover;
mod finish;
mod keyset;
mod output;
mod pages;
mod schema;
mod shared;
mod structure;
mod superseded;
mod sweep;
mod tables;
mod task;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use crate::buffers::Buffers;
use crate::cli::BackupArgs;
use crate::commands::{channel, connect};
use crate::config::{Config, Paging, ProjectConfig};
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::format::SeenSettings;
use crate::http::Http;
use crate::model::{Artifact, Relation, SnapshotId};
use crate::progress::{Mode, Progress};
use crate::snapshot::SnapshotKeys;
use crate::snapshot::writer::{PartRules, WriteError};
use crate::store::Store;
use crate::supabase::{Access, ApiError, Client};

use discover::{Found, Wanted, discover};
use shared::Shared;

/// Runs the command.
pub async fn run(args: &BackupArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = config.project()?;
    project.key.check(context.clock.now(), &project.name)?;
    let buffers = Buffers::default();
    let http = connect::http(config, buffers.clone())?;
    let client = connect::client(config, project, &http)?;
    let found = tokio::select! {
        found = look_around(config, project, &http, &client) => found?,
        signal = context.stop.wait() => return Err(stopped(signal, None)),
    };
    if args.dry_run {
        return output::plan(&found, args.json);
    }
    let store = crate::store::open(&config.store);
    let keys = SnapshotKeys::new(&project.name, SnapshotId::new(context.clock.now(), random_tail()?));
    let committing = Arc::new(AtomicBool::new(false));
    let job =
        Job { config, project, context, client: &client, buffers, store: &store, keys: &keys, committing: &committing };
    let result = {
        let mut writing = std::pin::pin!(job.write(found));
        tokio::select! {
            result = &mut writing => result,
            // once the manifest is on its way the snapshot is whole: taking it back would tear it
            signal = context.stop.wait() => match committing.load(Ordering::SeqCst) {
                true => writing.await,
                false => Err(stopped(signal, Some(&keys))),
            },
        }
    };
    match result {
        Ok(manifest) => output::done(&manifest, store.as_ref(), &keys, args.json, context),
        Err(error) => Err(clean_up(store.as_ref(), &keys, error).await),
    }
}

/// Finds the way to SQL, if there is one, and everything that can be read.
async fn look_around(
    config: &Config,
    project: &ProjectConfig,
    http: &Arc<Http>,
    client: &Arc<Client>,
) -> anyhow::Result<Found> {
    let exposed = client.exposed_schemas().await.map_err(api_failure)?;
    let choice = channel::choose(config, project, http, exposed.as_deref()).await;
    choice.check()?;
    let wanted = Wanted::of(config, exposed.as_deref());
    discover(client, &wanted, &choice).await
}

/// One run, with everything that it works on.
struct Job<'a> {
    config: &'a Config,
    project: &'a ProjectConfig,
    context: &'a Context,
    client: &'a Arc<Client>,
    buffers: Buffers,
    store: &'a Arc<dyn Store>,
    keys: &'a SnapshotKeys,
    committing: &'a Arc<AtomicBool>,
}

impl Job<'_> {
    async fn write(&self, mut found: Found) -> anyhow::Result<crate::model::Manifest> {
        let started = self.context.clock.now();
        let tables = std::mem::take(&mut found.tables);
        let shared = Arc::new(self.shared(&found, &tables));
        let copied = tables::copy_all(&shared, tables, self.config.connections).await;
        shared.progress.finish();
        finish::finish(&shared, self.project, started, found, copied?).await
    }

    fn shared(&self, found: &Found, tables: &[(Relation, Access)]) -> Shared {
        let config = self.config;
        let expected = tables.iter().filter_map(|(_, access)| access.counted).sum();
        Shared {
            client: Arc::clone(self.client),
            store: Arc::clone(self.store),
            channel: found.sql.as_ref().map(|sql| Arc::clone(sql.tables.channel())),
            keys: self.keys.clone(),
            rules: PartRules {
                sql: config.artifacts.contains(&Artifact::Sql),
                json: config.artifacts.contains(&Artifact::Json),
                level: config.compression_level,
                part_size: config.part_size as u64,
            },
            buffers: self.buffers.clone(),
            outputs: Buffers::default(),
            clock: self.context.clock.clone(),
            progress: Progress::new(progress_mode(config, self.context), tables.len() as u64, expected),
            listed: found.listed.clone(),
            memory: Arc::new(Semaphore::new(config.connections + 2)),
            hands: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4)),
            heavy: Arc::new(Semaphore::new(1)),
            ahead: config.connections * 2 + 4,
            page_size: config.page_size as u64,
            passes: config.passes,
            force_keyset: config.paging == Paging::Keyset,
            pause: config.retry_delay,
            settings: Mutex::new(SeenSettings::default()),
            committing: Arc::clone(self.committing),
        }
    }
}

fn progress_mode(config: &Config, context: &Context) -> Mode {
    use crate::config::Progress as Wish;
    match config.progress {
        Wish::None => Mode::Silent,
        Wish::Bars => Mode::Bars,
        Wish::Lines => Mode::Lines,
        Wish::Auto if context.terminal.stderr_is_terminal && !context.terminal.ci => Mode::Bars,
        Wish::Auto => Mode::Lines,
    }
}

fn random_tail() -> anyhow::Result<u16> {
    let mut bytes = [0; 2];
    getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("reading random bytes: {e}"))?;
    Ok(u16::from_le_bytes(bytes))
}

fn stopped(signal: &str, keys: Option<&SnapshotKeys>) -> anyhow::Error {
    let what =
        keys.map_or_else(|| "before anything was written".to_owned(), |k| format!("snapshot {} was given up", k.id()));
    Failure::failed(format!("stopped by {signal}: {what}"))
        .hint("nothing of this run counts as a backup; run it again")
        .into()
}

/// Removes what a failed run wrote. Without a manifest it is no snapshot, but it takes up room.
async fn clean_up(store: &dyn Store, keys: &SnapshotKeys, error: anyhow::Error) -> anyhow::Error {
    // a write that was under way when the run ended still comes in
    store.settled().await;
    let removed = async {
        for entry in store.list(&keys.folder()).await? {
            store.delete(&crate::store::Key::new(entry.key)?).await?;
        }
        Ok::<(), crate::store::StoreError>(())
    };
    match removed.await {
        Ok(()) => error,
        Err(left) => {
            let folder = keys.folder();
            error.context(format!(
                "{left}; parts of the unfinished snapshot {folder} are left (they do not count as a backup)"
            ))
        }
    }
}

/// Why one table could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// The project cannot be read any more.
    #[error("{0:#}")]
    Fatal(anyhow::Error),
    /// The store refuses: the run cannot go on.
    #[error("{0:#}")]
    Store(anyhow::Error),
    /// The API refuses.
    #[error("{0}")]
    Api(ApiError),
    /// Its structure changed while it was read: read it anew.
    #[error("{0}")]
    Changed(String),
    /// It cannot be read any more.
    #[error("{reason}")]
    Lost {
        /// Why.
        reason: String,
        /// What would fix it.
        fix: Option<String>,
    },
    /// What came back cannot be what the database sent.
    #[error("{0}")]
    Damaged(String),
}

impl TableError {
    fn into_inner(self) -> anyhow::Error {
        match self {
            Self::Fatal(error) | Self::Store(error) => error,
            other => other.into(),
        }
    }
}

impl From<ApiError> for TableError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Fatal(failure) => Self::Fatal(failure.into()),
            ApiError::NoColumn(why) | ApiError::NoFunction(why) => Self::Changed(why),
            ApiError::Damaged(why) => Self::Damaged(why),
            other => Self::Api(other),
        }
    }
}

impl From<WriteError> for TableError {
    fn from(error: WriteError) -> Self {
        let failure = Failure::failed(format!("storing the snapshot: {error}"));
        let failure = match &error {
            WriteError::Store(store) => match store.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            },
            WriteError::Seal(_) | WriteError::Reread(_) => failure,
        };
        Self::Store(failure.into())
    }
}

/// An error of the API where nothing can be done without an answer.
pub(crate) fn api_failure(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Fatal(failure) => failure.into(),
        other => Failure::failed(format!("reading the project's catalog: {other}"))
            .hint("run `supabackup doctor` to see what the key may do")
            .into(),
    }
}

/// Used where a store's failure ends the run.
pub(crate) fn store_failure(error: crate::store::StoreError) -> anyhow::Error {
    TableError::from(WriteError::Store(error)).into_inner()
}
