//! The leases of a run: one in every store that it writes to, so that runs which share any store exclude each
//! other there. They are renewed while the run goes on, and looked at again before anything that counts.

use std::sync::{Arc, Weak};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, watch};

use super::backup::store_failure;
use super::random::random;
use super::talk::talk;
use crate::clock::Clock;
use crate::context::Context;
use crate::error::Failure;
use crate::model::Finding;
use crate::snapshot::{Claim, Holder, Lease, Renewal, claim};
use crate::store::{Several, Store, StoreError};

/// A run that is not heard of for so long is dead.
const TERM: TimeDelta = TimeDelta::minutes(10);
/// Several of these may fail before the term is over.
const RENEW_EVERY: Duration = Duration::from_secs(120);

/// While another run is waited for: the first pause, which doubles, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Somebody who asks for a lease that is held withdraws within this.
const CONTESTS: u32 = 20;
const CONTEST_PAUSE: Duration = Duration::from_millis(250);

/// What is held. Dropped, it is renewed no more.
#[derive(Debug)]
pub(crate) struct Leases {
    clock: Clock,
    project: String,
    stores: Arc<Several>,
    /// By the place of each store.
    held: Mutex<Vec<(usize, Lease)>>,
    lost: watch::Sender<Option<Failure>>,
}

/// What came of asking for them.
pub(crate) enum Asked {
    /// They are ours.
    Held(Arc<Leases>),
    /// Another run is at work.
    Busy(Failure),
}

impl Leases {
    /// Takes a lease in every store, and waits for another run up to `wait`. A store that fails is given up; that
    /// none is left is the error.
    pub(crate) async fn take(
        stores: &Arc<Several>,
        project: &str,
        wait: Duration,
        context: &Context,
    ) -> anyhow::Result<Asked> {
        let clock = &context.clock;
        let (begun, mut pause, mut is_told) = (clock.elapsed(), FIRST_PAUSE, false);
        let holder = Holder {
            run: format!("{:016x}", u64::from_le_bytes(random()?)),
            place: place(),
            since: clock.now(),
            expires: clock.now(),
        };
        loop {
            let (store, other) = match everywhere(stores, project, &holder, clock).await? {
                Ok(held) => return Ok(Asked::Held(Self::keep(clock.clone(), project, stores, held))),
                Err(taken) => taken,
            };
            let left = wait.saturating_sub(clock.elapsed().saturating_sub(begun));
            if left.is_zero() {
                return Ok(Asked::Busy(busy(project, &store, &other, wait)));
            }
            if !std::mem::replace(&mut is_told, true) {
                talk(context, &format!("waiting for another run of {project}: {other}"));
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn keep(clock: Clock, project: &str, stores: &Arc<Several>, held: Vec<(usize, Lease)>) -> Arc<Self> {
        let (project, stores) = (project.to_owned(), Arc::clone(stores));
        let leases = Self { clock, project, stores, held: Mutex::new(held), lost: watch::channel(None).0 };
        let leases = Arc::new(leases);
        tokio::spawn(renew_again_and_again(Arc::downgrade(&leases)));
        leases
    }

    /// Renews every lease, so that what is done next is done by the one run that may. A store whose lease cannot
    /// be renewed is given up. That another run has taken over is the error, and so is that no store is left.
    pub(crate) async fn check(&self) -> anyhow::Result<()> {
        self.renew(|place, error| self.stores.give_up(place, error)).await
    }

    /// `fails`: what a store's failure means.
    async fn renew(&self, fails: impl Fn(usize, StoreError) -> Result<(), StoreError>) -> anyhow::Result<()> {
        let mut held = self.held.lock().await;
        if let Some(failure) = self.lost.borrow().clone() {
            return Err(failure.into());
        }
        for (place, lease) in held.iter_mut() {
            let Some(store) = self.stores.at(*place) else { continue };
            match renewed(lease, store.as_ref(), &self.clock).await {
                Ok(None) => {}
                Ok(Some(failure)) => {
                    self.lost.send_replace(Some(failure.clone()));
                    return Err(failure.into());
                }
                Err(error) => fails(*place, error).map_err(store_failure)?,
            }
        }
        Ok(())
    }

    /// Returns when another run has taken over.
    pub(crate) async fn lost(&self) -> Failure {
        let mut lost = self.lost.subscribe();
        let failure = lost.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
        match failure {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Gives them up. What cannot be given up is told, and ends by itself.
    pub(crate) async fn release(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (place, lease) in self.held.lock().await.drain(..) {
            // who failed before is told of already
            let Some(store) = self.stores.at(place) else { continue };
            let ends = lease.holder().expires;
            if let Err(error) = lease.release(store.as_ref()).await {
                let hint =
                    format!("it ends by itself at {}; a run before that is turned away", crate::render::time(ends));
                findings.push(Finding::warning("lease-not-released", &self.project, error.to_string()).hint(hint));
            }
        }
        findings
    }
}

/// Renews while anybody holds on to them. A store that does not answer is asked again the next time; whoever has
/// to be sure asks with [`Leases::check`].
async fn renew_again_and_again(leases: Weak<Leases>) {
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let Some(leases) = leases.upgrade() else { return };
        if leases.renew(|_, _| Ok(())).await.is_err() {
            return;
        }
    }
}

/// One in each store, or none, and who has it where.
async fn everywhere(
    stores: &Several,
    project: &str,
    holder: &Holder,
    clock: &Clock,
) -> anyhow::Result<Result<Vec<(usize, Lease)>, (String, Holder)>> {
    let mut held: Vec<(usize, Lease)> = Vec::new();
    for (place, store) in stores.standing() {
        match claim(store.as_ref(), project, holder.clone(), TERM, clock.now()).await {
            Ok(Claim::Ours(lease)) => held.push((place, lease)),
            Ok(Claim::Taken(other)) => {
                for (place, lease) in held {
                    if let Some(store) = stores.at(place) {
                        lease.release(store.as_ref()).await.map_err(store_failure)?;
                    }
                }
                return Ok(Err((store.describe(), other)));
            }
            Err(error) => stores.give_up(place, error).map_err(store_failure)?,
        }
    }
    Ok(Ok(held))
}

/// `Some`: another run has it.
async fn renewed(lease: &mut Lease, store: &dyn Store, clock: &Clock) -> Result<Option<Failure>, StoreError> {
    let mut other = None;
    for _ in 0..CONTESTS {
        match lease.renew(store, clock.now()).await? {
            Renewal::Ours => return Ok(None),
            Renewal::Lost(holder) => return Ok(Some(lost(store, holder.as_ref()))),
            Renewal::Contested(holder) => other = Some(holder),
        }
        tokio::time::sleep(CONTEST_PAUSE).await;
    }
    Ok(Some(lost(store, other.as_ref())))
}

fn lost(store: &dyn Store, other: Option<&Holder>) -> Failure {
    let who = other.map_or_else(|| "another run, which has ended since".to_owned(), ToString::to_string);
    Failure::failed(format!("this run was taken for dead, and its lease in {} was taken over: {who}", store.describe()))
        .hint("it was suspended, or could not reach its store for minutes; what it had not finished is left to the other run")
}

fn busy(project: &str, store: &str, other: &Holder, wait: Duration) -> Failure {
    let waited = if wait.is_zero() { "" } else { ", and was at work for as long as this one waited" };
    let hint = "wait for it with --wait 30m, or leave it to that run; if there is no such run any more, the next one \
                takes over two minutes after its lease has ended";
    Failure::failed(format!("another run of {project} is at work in {store}{waited}: {other}")).hint(hint)
}

/// This machine and process, for a person who looks for it.
fn place() -> String {
    let process = format!("process {}", std::process::id());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => process,
        host => format!("{host}, {process}"),
    }
}
