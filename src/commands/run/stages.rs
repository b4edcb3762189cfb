//! The stages of a run, in their order. Each adds to the report what it did; the first that cannot go on at all
//! ends the run.

use std::sync::Arc;

use crate::commands::backup::{Observed, Taken};
use crate::commands::copy::{Ends, replicate_between};
use crate::commands::guard;
use crate::commands::lease::Leases;
use crate::commands::prune::prune;
use crate::commands::recompress::recompress;
use crate::commands::talk::talk;
use crate::config::Config;
use crate::context::Context;
use crate::error::Failure;
use crate::model::{Depth, Finding, ReplicaReport, RunReplica, RunReport, RunSnapshot, Seal, Severity};
use crate::render::replica_line;
use crate::snapshot;
use crate::store::{Several, Store};

use super::{stopped, trends};

/// What the stages work on.
pub(super) struct Stages<'a> {
    pub(super) config: &'a Config,
    pub(super) context: &'a Context,
    pub(super) stores: &'a Arc<Several>,
    pub(super) report: &'a mut RunReport,
    /// How the new snapshot is sealed, once there is one.
    pub(super) seal: Option<Seal>,
}

impl<'a> Stages<'a> {
    /// All of them. The error is why the run did not come to its end.
    pub(super) async fn run(&mut self, leases: &Arc<Leases>) -> anyhow::Result<()> {
        let taken = self.back_up(leases).await?;
        let context = self.context;
        tokio::select! {
            done = self.after(&taken, leases) => done,
            lost = leases.lost() => Err(lost.into()),
            signal = context.stop.wait() => {
                Err(stopped(signal, "the snapshot is there; what was to come after it is not done").into())
            }
        }
    }

    /// What comes after the snapshot. It may be dropped at any moment.
    async fn after(&mut self, taken: &Taken, leases: &Leases) -> anyhow::Result<()> {
        self.verify(taken).await;
        self.prune(taken, leases).await?;
        self.recompress(taken, leases).await?;
        self.replicate(taken, leases).await?;
        self.compare(taken).await;
        Ok(())
    }

    /// Observes the project, and takes a snapshot of it.
    async fn back_up(&mut self, leases: &Arc<Leases>) -> anyhow::Result<Taken> {
        let observed = Observed::look(self.config, self.context).await?;
        let taken = observed.take(self.config, self.context, self.stores, None, Some(leases)).await;
        self.name_failed();
        let taken = taken?;
        self.seal.clone_from(&taken.manifest.sealed);
        self.report.snapshot = Some(RunSnapshot::of(&taken.manifest));
        for left in &taken.left {
            let hint = "a later run removes it when it is a week old";
            self.report.findings.push(Finding::warning("parts-left", &self.report.project, left).hint(hint));
        }
        for missing in &taken.manifest.missing {
            let finding = Finding::warning("missing", &missing.subject, &missing.reason);
            let hint = "`supabackup doctor` says what a backup of it needs";
            self.report.findings.push(finding.hint(missing.fix.as_deref().unwrap_or(hint)));
        }
        Ok(taken)
    }

    /// Reads the new snapshot back from every store that has it, and leaves a record there.
    async fn verify(&mut self, taken: &Taken) {
        let own = taken.rules.own();
        for (place, store) in self.stores.standing() {
            self.talk(&format!("verifying {} in {} …", taken.keys.id(), store.describe()));
            let mut verified = match snapshot::verify(store.as_ref(), &taken.keys, Depth::Opened, &own).await {
                Ok(verified) => verified,
                Err(failure) => {
                    self.gives_up(place, &failure);
                    continue;
                }
            };
            snapshot::record(store.as_ref(), &mut verified, self.context.clock.now()).await;
            // what is missing is told already, one by one
            let told = |finding: &&Finding| finding.code != "snapshot-incomplete";
            let mut found: Vec<Finding> = verified.findings.iter().filter(told).cloned().collect();
            if verified.intact() && verified.depth != Depth::Opened {
                let message = format!("it was verified as {} only", verified.depth);
                found.push(Finding::error("not-opened", taken.keys.folder(), message));
            }
            self.add(place, found);
            self.report.stores[place].verified = Some(verified);
        }
    }

    /// Prunes every store by its own content. While a copy of the new snapshot is not what it should be, nothing
    /// is removed anywhere: the older ones may be needed.
    async fn prune(&mut self, taken: &Taken, leases: &Leases) -> anyhow::Result<()> {
        let applies = self.is_proven();
        if !applies {
            let message = "nothing is removed from any store: a copy of the new snapshot is not as it was written";
            self.report.findings.push(
                Finding::error("not-pruned", taken.keys.folder(), message).hint(
                    "see the other findings; when a later snapshot is whole everywhere, pruning goes on by itself",
                ),
            );
        }
        for place in 0..self.report.stores.len() {
            let Some(store) = self.held(place, leases).await? else { continue };
            let (project, now) = (taken.keys.project(), self.context.clock.now());
            self.talk(&format!("pruning {} …", store.describe()));
            match prune(store.as_ref(), Some(project), &self.config.retention, now, applies).await {
                Ok(report) => {
                    self.add(place, report.findings.clone());
                    self.report.stores[place].prune = Some(report);
                }
                Err(failure) => self.gives_up(place, &failure),
            }
        }
        Ok(())
    }

    /// Compresses older snapshots again, where all copies of the new one are what they should be.
    async fn recompress(&mut self, taken: &Taken, leases: &Leases) -> anyhow::Result<()> {
        if !self.is_proven() {
            return Ok(());
        }
        for place in 0..self.report.stores.len() {
            let Some(store) = self.held(place, leases).await? else { continue };
            let rules = &self.config.recompress;
            match recompress(store.as_ref(), Some(taken.keys.project()), rules, &self.context.clock, true).await {
                Ok(report) => {
                    self.add(place, report.findings.clone());
                    self.report.stores[place].recompress = Some(report);
                }
                Err(failure) => self.gives_up(place, &failure),
            }
        }
        Ok(())
    }

    /// Brings the further stores up to date from the first store that has everything, and prunes them by the same
    /// rules. One that fails is named, and the others go on.
    async fn replicate(&mut self, taken: &Taken, leases: &Leases) -> anyhow::Result<()> {
        let stands = |place: usize| self.report.stores[place].is_proven();
        let Some((_, source)) = self.stores.standing().into_iter().find(|(place, _)| stands(*place)) else {
            return Ok(());
        };
        let (project, retention) = (taken.keys.project(), &self.config.retention);
        for url in &self.config.replicate_to {
            leases.check().await?;
            let target = crate::store::open(url);
            self.talk(&format!("bringing {} up to date …", target.describe()));
            let now = self.context.clock.now();
            let refused = guard::refusal(url, self.config).await.map(|refused| refused.reason);
            let ends = Ends { source: source.as_ref(), target: target.as_ref(), refused };
            let replica = match replicate_between(&ends, Some(project), retention, now).await {
                Ok(replica) => replica,
                Err(failure) => {
                    ReplicaReport { failed: Some(failure.message), ..ReplicaReport::new(target.describe(), now) }
                }
            };
            self.report.findings.extend(replica.findings.iter().cloned());
            if !replica.is_complete() {
                let finding = Finding::error("replica-behind", &replica.store, replica_line(&replica));
                self.report.findings.push(finding.hint("the next run goes on from there"));
            }
            let mut pruned = None;
            if replica.failed.is_none() {
                match prune(target.as_ref(), Some(project), retention, now, replica.is_complete()).await {
                    Ok(report) => {
                        self.report.findings.extend(report.findings.iter().cloned());
                        pruned = Some(report);
                    }
                    Err(failure) => {
                        let finding = Finding::error("replica-not-pruned", &replica.store, failure.message);
                        self.report.findings.push(finding.hint("the next run tries again"));
                    }
                }
            }
            self.report.replicas.push(RunReplica { replica, prune: pruned });
        }
        Ok(())
    }

    /// The store at a place, if it did not fail and the run holds its lease still.
    async fn held(&mut self, place: usize, leases: &Leases) -> anyhow::Result<Option<&'a Arc<dyn Store>>> {
        if self.report.stores[place].failed.is_some() {
            return Ok(None);
        }
        leases.check().await?;
        let store = self.stores.at(place);
        if store.is_none() {
            self.name_failed();
        }
        Ok(store)
    }

    /// Whether every copy of the new snapshot is as it was written.
    fn is_proven(&self) -> bool {
        self.report.stores.iter().all(|store| store.failed.is_some() || store.is_proven())
    }

    /// Puts the new snapshot beside earlier ones. That this cannot be done is no more than a gap in the report.
    async fn compare(&mut self, taken: &Taken) {
        let good = |place: &usize| self.report.stores[*place].failed.is_none();
        let Some((_, store)) = self.stores.standing().into_iter().find(|(place, _)| good(place)) else { return };
        match trends::trends(store.as_ref(), taken, self.config).await {
            Ok(trends) => self.report.trends = trends,
            Err(failure) => {
                let finding = Finding::warning("no-trends", store.describe(), failure.message);
                self.report.findings.push(finding.hint("the snapshot is not affected"));
            }
        }
    }

    /// Whatever stage it was in: a store that failed is named, and the others go on.
    fn gives_up(&mut self, place: usize, failure: &Failure) {
        let Some(store) = self.report.stores.get_mut(place) else { return };
        let finding = Finding::error("store-failed", &store.store, &failure.message);
        let hint = failure.hint.as_deref().unwrap_or("`supabackup doctor` checks every store, one by one");
        store.failed = Some(failure.message.clone());
        self.report.findings.push(finding.hint(hint));
    }

    /// Names the stores that were given up and are not named yet.
    pub(super) fn name_failed(&mut self) {
        for (place, outcome) in self.stores.outcomes().into_iter().enumerate() {
            let is_named = self.report.stores.get(place).is_none_or(|store| store.failed.is_some());
            if let Some(error) = outcome.failed.filter(|_| !is_named) {
                self.gives_up(place, &error.into());
            }
        }
    }

    /// Findings of one store; where there are several, they say which.
    fn add(&mut self, place: usize, findings: Vec<Finding>) {
        let several = self.report.stores.len() > 1;
        let Some(store) = self.report.stores.get(place).map(|store| store.store.clone()) else { return };
        for mut finding in findings {
            if several {
                finding.subject = format!("{}, {store}", finding.subject);
            }
            // each store says that the same snapshot has lost the same rows
            if finding.severity > Severity::Info || !self.report.findings.contains(&finding) {
                self.report.findings.push(finding);
            }
        }
    }

    fn talk(&self, line: &str) {
        if self.context.terminal.is_watched() {
            talk(self.context, line);
        }
    }
}
