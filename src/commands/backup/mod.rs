//! `backup`: reads a project's rows and writes a snapshot.
//!
//! discover → copy every table → sweep until nothing changes → settle the ledger → manifest last.

mod clear;
mod close;
mod copy;
mod coverage;
pub(crate) mod discover;
mod finish;
mod keyset;
pub(crate) mod output;
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
use crate::commands::lease::Leases;
use crate::commands::random::random;
use crate::commands::read::{TableError, hands};
use crate::commands::step::of_backup;
use crate::commands::{channel, connect, guard};
use crate::config::{Config, Paging, ProjectConfig, TableFilter};
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::format::SeenSettings;
use crate::http::Http;
use crate::model::{Artifact, BackupPlan, Manifest, Relation, SnapshotId, TableName};
use crate::progress::{Mode, Progress};
use crate::snapshot::SnapshotKeys;
use crate::snapshot::writer::{PartRules, WriteError};
use crate::store::{Gate, Several, Store};
use crate::supabase::{Access, ApiError, Client};

use discover::{Found, Wanted, discover};
use shared::Shared;

/// Runs the command.
pub async fn run(args: &BackupArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let stores = Arc::new(Several::new(config.stores.iter().map(crate::store::open)));
    keep_out(&stores, config, context).await?;
    let observed = Observed::look(config, context).await?;
    if args.dry_run {
        return output::plan(&observed.found.plan(), args.json, context);
    }
    let Taken { keys, manifest, left, .. } = observed.take(config, context, &stores, None, None).await?;
    context.hand_over(|| of_backup(&manifest, &stores.outcomes(), &keys, config, context));
    output::done(&manifest, &stores, &left, &keys, args.json, context)
}

/// A plain snapshot stays out of public repositories; asked before anything is read from the project.
async fn keep_out(stores: &Several, config: &Config, context: &Context) -> anyhow::Result<()> {
    tokio::select! {
        asked = guard::keep_out(stores, config) => Ok(asked?),
        signal = context.stop.wait() => Err(stopped(signal, None)),
    }
}

/// Takes a snapshot of these tables alone, before a restore of `snapshot` changes them. One that is not
/// complete is a failure, and not kept.
pub(crate) async fn take_for_safety(
    config: &Config,
    context: &Context,
    tables: &[TableName],
    snapshot: &SnapshotId,
) -> anyhow::Result<SnapshotId> {
    if config.sealing().is_none() {
        guard::check_plain(&config.store, config).await?;
    }
    let names: Vec<String> = tables.iter().map(TableName::plain).collect();
    let config = &Config {
        schemas: Vec::new(),
        filter: TableFilter::new(&names, &[]),
        include: names,
        exclude: Vec::new(),
        only_granted: false,
        ..config.clone()
    };
    let mut observed = Observed::look(config, context).await?;
    // a name that is a pattern too may have let others through
    observed.found.tables.retain(|(relation, _)| tables.contains(&relation.name));
    // where the snapshot to restore was read from, and the way back will be looked for
    let stores = Arc::new(Several::new([crate::store::open(&config.store)]));
    let Taken { keys, manifest, .. } = observed.take(config, context, &stores, Some(snapshot), None).await?;
    let lost: Vec<&str> = manifest.missing.iter().map(|m| m.subject.as_str()).collect();
    if let Some(table) = tables.iter().find(|t| !manifest.tables.iter().any(|entry| entry.name == **t)) {
        return Err(unsafe_to_go_on(&format!("{table} could not be read")).into());
    }
    if !lost.is_empty() {
        return Err(unsafe_to_go_on(&lost.join(", ")).into());
    }
    Ok(keys.id().clone())
}

/// What there is to back up, and how it is reached.
pub(crate) struct Observed {
    client: Arc<Client>,
    buffers: Buffers,
    found: Found,
}

/// A snapshot that was taken.
pub(crate) struct Taken {
    pub(crate) keys: SnapshotKeys,
    /// The whole manifest, whatever of it is hidden.
    pub(crate) manifest: Manifest,
    /// What stores that failed still hold, in sentences.
    pub(crate) left: Vec<String>,
    /// How it was written. If it is sealed, the run's own key is in it, and lives as long as this does.
    pub(crate) rules: PartRules,
}

impl Observed {
    /// Looks at the project. Nothing is written.
    pub(crate) async fn look(config: &Config, context: &Context) -> anyhow::Result<Self> {
        let project = config.project()?;
        project.key.check(context.clock.now(), &project.name)?;
        let buffers = Buffers::default();
        let http = connect::http(config, buffers.clone())?;
        let client = connect::client(config, project, &http)?;
        let found = tokio::select! {
            found = look_around(config, project, &http, &client) => found?,
            signal = context.stop.wait() => return Err(stopped(signal, None)),
        };
        Ok(Self { client, buffers, found })
    }

    /// What would be backed up.
    pub(crate) fn plan(&self) -> BackupPlan {
        self.found.plan()
    }

    /// Takes one snapshot, or leaves nothing. `safety_of`: the snapshot that is about to be restored.
    /// `leases`: what has to be held when the manifest is written.
    pub(crate) async fn take(
        self,
        config: &Config,
        context: &Context,
        stores: &Arc<Several>,
        safety_of: Option<&SnapshotId>,
        leases: Option<&Arc<Leases>>,
    ) -> anyhow::Result<Taken> {
        let project = config.project()?;
        let keys =
            SnapshotKeys::new(&project.name, SnapshotId::new(context.clock.now(), u16::from_le_bytes(random()?)));
        let rules = PartRules {
            sealing: config.sealing().map(Arc::new),
            sql: config.artifacts.contains(&Artifact::Sql),
            json: config.artifacts.contains(&Artifact::Json),
            compression: config.compression(),
            part_size: config.part_size as u64,
        };
        let job = Job {
            config,
            project,
            context,
            client: &self.client,
            buffers: self.buffers,
            stores,
            keys: &keys,
            safety_of: safety_of.cloned(),
            rules: rules.clone(),
            leases: leases.cloned(),
            committing: &Arc::new(AtomicBool::new(false)),
            gate: &Arc::new(Gate::new(Arc::clone(stores) as Arc<dyn Store>)),
        };
        let manifest = job.run(self.found).await?;
        let left = clear::leave_failed(stores, &keys).await;
        Ok(Taken { keys, manifest, left, rules })
    }
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
    rules: PartRules,
    leases: Option<Arc<Leases>>,
    committing: &'a Arc<AtomicBool>,
    /// Through it goes what tasks write that may outlive the run for a moment.
    gate: &'a Arc<Gate>,
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
                lost = self.lost() => match self.committing.load(Ordering::SeqCst) {
                    true => writing.await,
                    false => Err(lost.into()),
                },
            }
        };
        match result {
            Ok(manifest) => Ok(manifest),
            Err(error) => {
                self.gate.shut().await;
                Err(clear::clean_up(self.stores, self.keys, error).await)
            }
        }
    }

    /// Returns when another run has taken over.
    async fn lost(&self) -> Failure {
        match &self.leases {
            Some(leases) => leases.lost().await,
            None => std::future::pending().await,
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
            store: Arc::clone(self.gate) as Arc<dyn Store>,
            stores: Arc::clone(self.stores),
            channel: found.sql.as_ref().map(|sql| Arc::clone(sql.tables.channel())),
            keys: self.keys.clone(),
            safety_of: self.safety_of.clone(),
            rules: self.rules.clone(),
            buffers: self.buffers.clone(),
            outputs: Buffers::default(),
            clock: self.context.clock.clone(),
            progress: Progress::new(progress_mode(config, self.context), tables.len() as u64, expected),
            listed: found.listed.clone(),
            memory: Arc::new(Semaphore::new(config.connections + 2)),
            hands: Semaphore::new(hands()),
            heavy: Arc::new(Semaphore::new(1)),
            ahead: config.connections * 2 + 4,
            page_size: config.page_size as u64,
            passes: config.passes,
            force_keyset: config.paging == Paging::Keyset,
            pause: config.retry_delay,
            settings: Mutex::new(SeenSettings::default()),
            leases: self.leases.clone(),
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

fn stopped(signal: &str, keys: Option<&SnapshotKeys>) -> anyhow::Error {
    let what =
        keys.map_or_else(|| "before anything was written".to_owned(), |k| format!("snapshot {} was given up", k.id()));
    Failure::failed(format!("stopped by {signal}: {what}"))
        .hint("nothing of this run counts as a backup; run it again")
        .into()
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
