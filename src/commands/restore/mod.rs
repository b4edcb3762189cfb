//! `restore`: rows of a snapshot back into a project.
//!
//! look at both → compare → plan and rehearse → ask → safety snapshot → write → prove.

mod apply;
mod choose;
pub mod compare;
pub mod comparison;
mod differences;
mod first_write;
mod followers;
mod index;
mod json;
mod keys;
pub mod mapping;
mod order;
mod output;
mod oversize;
mod plan;
mod planned;
mod planning;
mod prove;
mod rehearsal;
mod rehearse;
pub mod scan;
mod script;
mod send;
mod sequences;
mod site;
mod tally;
mod texts;
mod trial;
mod work;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::buffers::Buffers;
use crate::cli::{RestoreArgs, SnapshotChoice};
use crate::commands::{choice, connect};
use crate::config::{Config, ProjectConfig};
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{Depth, Finding, Manifest, RestoreMode, RestoreReport, Severity, TableName, Undo, Verified};
use crate::progress::Progress;
use crate::snapshot::{self, Reader, SnapshotKeys};
use crate::store::Store;

use apply::Apply;
use choose::{Chosen, Wishes};
use output::{ask_snapshot, asks};
use planned::Planned;
use site::Site;

/// Runs the command.
pub async fn run(args: &RestoreArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = config.project()?;
    project.key.check(context.clock.now(), &project.name)?;
    let store = crate::store::open(&config.store);
    let latest = SnapshotChoice::Latest;
    let keys = match &args.snapshot {
        None if asks(args, context) => ask_snapshot(args, project, context, store.as_ref()).await?,
        wanted => choice::chosen(store.as_ref(), args.project(), wanted.as_ref().unwrap_or(&latest), config).await?,
    };
    let job = Job {
        args,
        config,
        project,
        context,
        store: store.as_ref(),
        keys: &keys,
        is_asking: AtomicBool::new(false),
        is_writing: AtomicBool::new(false),
        undo: OnceLock::new(),
    };
    tokio::select! {
        outcome = job.run() => outcome,
        signal = job.stopped() => Err(job.given_up(signal).into()),
    }
}

/// What `--accept-incomplete` accepted.
fn doubts(verified: &Verified) -> Vec<Finding> {
    let errors = verified.findings.iter().filter(|f| f.severity == Severity::Error);
    let mut found: Vec<Finding> = errors
        .map(|f| {
            let message = format!("{}; a table's rows are read from its other form where that is whole", f.message);
            Finding::warning("snapshot-damaged", f.subject.clone(), message)
        })
        .collect();
    if !verified.complete {
        let message = "it was incomplete when it was made: `supabackup list` and its manifest name what is not in it";
        found.push(Finding::warning("snapshot-incomplete", "the snapshot", message));
    }
    found
}

/// One restore, with everything that it works on.
struct Job<'a> {
    args: &'a RestoreArgs,
    config: &'a Config,
    project: &'a ProjectConfig,
    context: &'a Context,
    store: &'a dyn Store,
    keys: &'a SnapshotKeys,
    /// A question is on the screen: whoever asks gives the terminal back, and ends the run.
    is_asking: AtomicBool,
    /// From here on something may have been written.
    is_writing: AtomicBool,
    /// How to take back what was written.
    undo: OnceLock<Undo>,
}

impl Job<'_> {
    /// Waits until the run has to stop.
    async fn stopped(&self) -> &'static str {
        let signal = self.context.stop.wait().await;
        while self.is_asking.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        signal
    }

    /// What a person hears of a restore that was stopped.
    fn given_up(&self, signal: &str) -> Failure {
        if !self.is_writing.load(Ordering::SeqCst) {
            return Failure::failed(format!("stopped by {signal}: nothing was written to the project"));
        }
        self.name_undo();
        Failure::failed(format!("stopped by {signal} while rows were written; what was written stays"))
            .hint("run the same command again: it compares anew, shows what is left, and goes on from there")
    }

    /// Repeats how to take back what was written.
    fn name_undo(&self) {
        if let Some(Undo { snapshot, command }) = self.undo.get() {
            output::say(&format!(
                "the restore did not end. The affected tables as they were before are in snapshot {snapshot}; to undo: {command}"
            ));
        }
    }

    async fn run(&self) -> anyhow::Result<Outcome> {
        let reader = Reader::open(self.store, self.keys.clone(), &self.config.identities).await?;
        self.confirmed(&reader.manifest().project.name)?;
        let mut chosen = self.choose(&reader).await?;
        output::talk(self.context, &format!("verifying snapshot {} …", self.keys.id()));
        let verified = snapshot::verify(self.store, self.keys, Depth::Opened, &self.config.identities).await?;
        self.allow(&verified, &chosen)?;
        let errors = verified.findings.iter().filter(|f| f.severity == Severity::Error);
        let damaged: HashMap<&str, &Finding> = errors.map(|finding| (finding.subject.as_str(), finding)).collect();
        chosen.iter_mut().for_each(|table| table.without(&damaged));
        // pages are read into what scans give back: fresh memory for each would leave holes
        let buffers = Buffers::default();
        let http = connect::http(self.config, buffers.clone())?;
        let client = connect::client(self.config, self.project, &http)?;
        let targets: Vec<TableName> = chosen.iter().map(|c| c.target.clone()).collect();
        output::talk(self.context, &format!("comparing it with {} …", self.project.name));
        let site = Site::observe(self.config, self.project, &http, &client, buffers, &targets).await?;
        let progress = self.progress(&chosen);
        let planned = self.planned(&reader, site, chosen, &progress).await;
        progress.finish();
        let mut planned = planned?;
        planned.plan.findings.extend(doubts(&verified));
        if self.args.prints_script() {
            return script::print(&reader, &planned, self.context.step.is_some()).await;
        }
        self.show_plan(&planned.plan)?;
        if self.args.dry_run {
            return Ok(output::of_plan(&planned.plan));
        }
        output::startable(&planned.plan)?;
        self.confirm(&planned.plan).await?;
        self.restore(&reader, &mut planned).await
    }

    async fn choose(&self, reader: &Reader<'_>) -> anyhow::Result<Vec<Chosen>> {
        let asks = asks(self.args, self.context);
        let mut tables: Option<Vec<TableName>> = None;
        if asks && self.args.tables().is_empty() && self.args.schemas().is_empty() {
            let all = reader.manifest().tables.iter().map(|t| (t.name.clone(), t.rows)).collect();
            tables = Some(self.pick_tables(all).await?);
        }
        let is_said = !self.args.modes().is_empty();
        let mode = if asks && !is_said { self.pick_mode().await? } else { RestoreMode::InsertMissing };
        let mut chosen = self.wishes().chosen(reader.manifest(), mode)?;
        if let Some(tables) = tables {
            chosen.retain(|c| tables.contains(&c.entry.name));
        }
        Ok(chosen)
    }

    fn wishes(&self) -> Wishes<'_> {
        Wishes {
            tables: self.args.tables(),
            schemas: self.args.schemas(),
            modes: self.args.modes(),
            rows: self.args.rows(),
        }
    }

    /// A snapshot that is not whole must not take anything away.
    fn allow(&self, verified: &Verified, chosen: &[Chosen]) -> Result<(), Failure> {
        let id = self.keys.id();
        let why = match (verified.intact(), verified.complete) {
            (true, true) => return Ok(()),
            (false, _) => {
                let first = verified.findings.iter().find(|f| f.severity == Severity::Error);
                let first = first.map(|f| format!(": {}: {}", f.subject, f.message)).unwrap_or_default();
                format!("snapshot {id} does not verify{first}")
            }
            (true, false) => format!("snapshot {id} is incomplete"),
        };
        if chosen.iter().any(|table| table.mode == RestoreMode::Clear) {
            return Err(Failure::failed(format!("{why}; it is never restored in the mode clear, which deletes"))
                .hint("choose another snapshot (`supabackup list`), or --mode merge with --accept-incomplete"));
        }
        if !self.args.accept_incomplete() {
            return Err(Failure::failed(format!("{why}; nothing was written")).hint(format!(
                "`supabackup verify {id}` says what is wrong; --accept-incomplete restores what is there"
            )));
        }
        Ok(())
    }

    fn progress(&self, chosen: &[Chosen]) -> Progress {
        let rows = chosen.iter().map(|c| c.entry.rows).sum();
        Progress::new(crate::commands::backup::progress_mode(self.config, self.context), chosen.len() as u64, rows)
    }

    fn apply<'a>(&self, reader: &'a Reader<'a>, progress: Progress) -> Apply<'a> {
        Apply {
            reader,
            connections: self.config.connections,
            progress,
            keep_going: self.args.keep_going(),
            room: Arc::new(Semaphore::new(self.config.connections + 2)),
        }
    }

    async fn restore(&self, reader: &Reader<'_>, planned: &mut Planned) -> anyhow::Result<Outcome> {
        let started = self.context.clock.now();
        let undo = self.safety(reader.manifest(), planned).await?;
        if let Some(undo) = &undo {
            output::say(&format!("safety snapshot {}; to undo: {}", undo.snapshot, undo.command));
            let _ = self.undo.set(undo.clone()); // a restore has one
        }
        self.is_writing.store(true, Ordering::SeqCst);
        let result = self.write_and_prove(reader, planned, undo.clone(), started).await;
        match result {
            Ok(report) => self.show_report(report, reader.manifest().sealed.as_ref()).await,
            Err(error) => {
                self.name_undo();
                Err(error)
            }
        }
    }

    async fn write_and_prove(
        &self,
        reader: &Reader<'_>,
        planned: &mut Planned,
        undo: Option<Undo>,
        started: chrono::DateTime<chrono::Utc>,
    ) -> anyhow::Result<RestoreReport> {
        planned.create(self, reader).await?;
        let counts = planned.plan.totals();
        let progress = Progress::new(
            crate::commands::backup::progress_mode(self.config, self.context),
            planned.works.len() as u64,
            counts.writes(),
        );
        let broken = keys::broken_before(planned).await;
        progress.begin("writing", planned.works.len() as u64, counts.writes());
        let began = Instant::now();
        let apply = self.apply(reader, progress.clone());
        let written = apply.run(&planned.works).await;
        let seconds_writing = began.elapsed().as_secs_f64();
        let tallies = match written {
            Ok(tallies) => tallies,
            Err(failure) => {
                progress.finish();
                return Err(failure.into());
            }
        };
        output::talk(self.context, "checking what was written …");
        progress.begin("checking", planned.works.len() as u64, counts.snapshot.max(counts.target));
        let mut findings = sequences::settle(planned).await?;
        findings.extend(planned.finish(self, reader).await?);
        findings.extend(followers::lost(self, &planned.site, &planned.outside).await?);
        let mut tables = prove::prove(&apply, planned, &tallies, self.config).await?;
        let is_undo = reader.manifest().safety_of.is_some();
        findings.extend(keys::foreign_keys(planned, &broken, is_undo, &mut tables).await?);
        let sequences = first_write::first_writes(&apply, planned, &mut tables).await?;
        progress.finish();
        let mut report = RestoreReport {
            plan: planned.plan.clone(),
            started,
            finished: self.context.clock.now(),
            seconds_writing,
            undo,
            tables,
            sequences,
            findings,
            complete: false,
        };
        report.complete = prove::is_complete(&report);
        Ok(report)
    }

    /// Takes a snapshot of whatever may be lost.
    async fn safety(&self, source: &Manifest, planned: &Planned) -> anyhow::Result<Option<Undo>> {
        let tables = planned.endangered();
        if tables.is_empty() {
            return Ok(None);
        }
        let config = sealed_like(self.config, source)?;
        output::talk(
            self.context,
            &format!("taking a safety snapshot of {} …", crate::render::plural(tables.len() as u64, "table")),
        );
        let id = crate::commands::backup::take_for_safety(&config, self.context, &tables, self.keys.id()).await?;
        let command = output::undo_command(&id, &self.project.name, self.config);
        Ok(Some(Undo { snapshot: id, command }))
    }

    async fn planned(
        &self,
        reader: &Reader<'_>,
        site: Site,
        chosen: Vec<Chosen>,
        progress: &Progress,
    ) -> anyhow::Result<Planned> {
        let mut planned = planning::plan(self, reader, site, chosen, progress).await?;
        let apply = self.apply(reader, progress.clone());
        rehearsal::rehearse(&apply, &mut planned).await?;
        output::go_without(&mut planned.plan, self.args);
        Ok(planned)
    }
}

/// The configuration for a safety snapshot. What comes from a sealed snapshot is never written in plain: without
/// recipients of one's own, those of that snapshot may open this one too.
fn sealed_like<'c>(config: &'c Config, source: &Manifest) -> Result<Cow<'c, Config>, Failure> {
    let Some(seal) = &source.sealed else { return Ok(Cow::Borrowed(config)) };
    let mut config = config.clone();
    config.seal_manifest |= seal.manifest.is_some();
    if config.recipients.is_empty() {
        config.recipients = snapshot::people_of(seal).ok_or_else(|| {
            Failure::usage(
                "the snapshot is sealed, and nobody was named who may open the safety snapshot; nothing was written",
            )
            .hint("give --recipient, or the passphrase as SUPABACKUP_PASSPHRASE")
        })?;
    }
    Ok(Cow::Owned(config))
}
