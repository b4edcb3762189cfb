//! `backup`: reads a project's rows and writes a snapshot.
//!
//! discover → copy every table → sweep until nothing changes → settle the ledger → manifest last.

mod close;
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

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use crate::buffers::Buffers;
use crate::cli::BackupArgs;
use crate::commands::read::TableError;
use crate::commands::{channel, connect};
use crate::config::{Config, Paging, ProjectConfig, TableFilter};
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::format::SeenSettings;
use crate::http::Http;
use crate::model::{Artifact, Manifest, Relation, SnapshotId, TableName};
use crate::progress::{Mode, Progress};
use crate::snapshot::SnapshotKeys;
use crate::snapshot::writer::{PartRules, WriteError};
use crate::store::{Several, Store, StoreError};
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
    let stores = Arc::new(Several::new(config.stores.iter().map(crate::store::open)));
    let (keys, manifest) = take(config, context, &client, buffers, &stores, found, None).await?;
    let left = leave_failed(&stores, &keys).await;
    output::done(&manifest, &stores, &left, &keys, args.json, context)
}

/// Takes a snapshot of these tables alone, before a restore of `snapshot` changes them. One that is not
/// complete is a failure, and not kept.
pub(crate) async fn take_for_safety(
    config: &Config,
    context: &Context,
    tables: &[TableName],
    snapshot: &SnapshotId,
) -> anyhow::Result<SnapshotId> {
    let names: Vec<String> = tables.iter().map(TableName::plain).collect();
    let config = &Config {
        schemas: Vec::new(),
        filter: TableFilter::new(&names, &[]),
        include: names,
        exclude: Vec::new(),
        only_granted: false,
        ..config.clone()
    };
    let project = config.project()?;
    let buffers = Buffers::default();
    let http = connect::http(config, buffers.clone())?;
    let client = connect::client(config, project, &http)?;
    let mut found = look_around(config, project, &http, &client).await?;
    // a name that is a pattern too may have let others through
    found.tables.retain(|(relation, _)| tables.contains(&relation.name));
    // where the snapshot to restore was read from, and the way back will be looked for
    let stores = Arc::new(Several::new([crate::store::open(&config.store)]));
    let (keys, manifest) = take(config, context, &client, buffers, &stores, found, Some(snapshot)).await?;
    let lost: Vec<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
    if let Some(table) = tables.iter().find(|t| !manifest.tables.iter().any(|entry| entry.name == **t)) {
        return Err(unsafe_to_go_on(&format!("{table} could not be read")).into());
    }
    if !lost.is_empty() {
        return Err(unsafe_to_go_on(&lost.join(", ")).into());
    }
    Ok(keys.id().clone())
}

/// Takes one snapshot, or leaves nothing. `safety_of`: the snapshot that is about to be restored.
async fn take(
    config: &Config,
    context: &Context,
    client: &Arc<Client>,
    buffers: Buffers,
    stores: &Arc<Several>,
    found: Found,
    safety_of: Option<&SnapshotId>,
) -> anyhow::Result<(SnapshotKeys, Manifest)> {
    let project = config.project()?;
    let keys = SnapshotKeys::new(&project.name, SnapshotId::new(context.clock.now(), random_tail()?));
    let committing = Arc::new(AtomicBool::new(false));
    let safety_of = safety_of.cloned();
    let job =
        Job { config, project, context, client, buffers, stores, keys: &keys, safety_of, committing: &committing };
    let manifest = job.run(found).await?;
    Ok((keys, manifest))
}

fn unsafe_to_go_on(lost: &str) -> Failure {
    Failure::failed(format!("taking the safety snapshot: it would lack {lost}; nothing was restored")).hint(
        "`supabackup doctor` says what a backup of these tables needs; a restore with --mode insert-missing destroys nothing and needs none",
    )
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
    stores: &'a Arc<Several>,
    keys: &'a SnapshotKeys,
    safety_of: Option<SnapshotId>,
    committing: &'a Arc<AtomicBool>,
}

impl Job<'_> {
    /// Takes the snapshot, or leaves nothing.
    async fn run(&self, found: Found) -> anyhow::Result<Manifest> {
        let result = {
            let mut writing = std::pin::pin!(self.write(found));
            tokio::select! {
                result = &mut writing => result,
                // once the manifest is on its way the snapshot is whole: taking it back would tear it
                signal = self.context.stop.wait() => match self.committing.load(Ordering::SeqCst) {
                    true => writing.await,
                    false => Err(stopped(signal, Some(self.keys))),
                },
            }
        };
        match result {
            Ok(manifest) => Ok(manifest),
            Err(error) => Err(clean_up(self.stores, self.keys, error).await),
        }
    }

    async fn write(&self, mut found: Found) -> anyhow::Result<Manifest> {
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
            store: Arc::clone(self.stores) as Arc<dyn Store>,
            stores: Arc::clone(self.stores),
            channel: found.sql.as_ref().map(|sql| Arc::clone(sql.tables.channel())),
            keys: self.keys.clone(),
            safety_of: self.safety_of.clone(),
            rules: PartRules {
                sealing: config.sealing().map(Arc::new),
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

pub(crate) fn progress_mode(config: &Config, context: &Context) -> Mode {
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
async fn clean_up(stores: &Several, keys: &SnapshotKeys, mut error: anyhow::Error) -> anyhow::Error {
    for store in stores.all() {
        if let Err(left) = remove_all(store.as_ref(), keys).await {
            error = error.context(leftovers(store.as_ref(), keys, &left));
        }
    }
    error
}

/// Removes what is in stores that were given up, where they can be reached; what is left is told.
async fn leave_failed(stores: &Several, keys: &SnapshotKeys) -> Vec<String> {
    let mut left = Vec::new();
    for (store, failed) in stores.failed() {
        let removed = match failed {
            // who did not answer before would only make everybody wait
            StoreError::Unreachable { .. } | StoreError::Credentials { .. } => Ok(()),
            _ => remove_all(store.as_ref(), keys).await,
        };
        left.extend(removed.err().map(|error| leftovers(store.as_ref(), keys, &error)));
    }
    left
}

async fn remove_all(store: &dyn Store, keys: &SnapshotKeys) -> Result<(), StoreError> {
    // a write that was under way when the run ended still comes in
    store.settled().await;
    for entry in store.list(&keys.folder()).await? {
        store.delete(&crate::store::Key::new(entry.key)?).await?;
    }
    Ok(())
}

fn leftovers(store: &dyn Store, keys: &SnapshotKeys, why: &StoreError) -> String {
    let (folder, store) = (keys.folder(), store.describe());
    format!("{why}; parts of the unfinished snapshot {folder} are left in {store} (they do not count as a backup)")
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
