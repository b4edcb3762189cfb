//! One run at a time for a project: a lease in the store, with an expiry for the day that a runner dies.
//!
//! A lease is a file with a number. Whoever takes one creates the next number, which only one can, and
//! **then** lists all there are; whoever renews writes its own and **then** lists. So of two that meet in a
//! store that shows what was written ([`Store`] promises it), at least one sees the other and withdraws. In
//! the worst case both do: never do both go on. Only a holder whose time is not over need not: whoever came
//! has seen its file.
//!
//! Who takes over removes the file of the run that it takes for dead. A run that comes back to life, an hour or
//! a month later, finds its file gone, or somebody else's in its place, and knows that it was replaced, even
//! when whoever did it has ended since.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::store::{Key, Store, StoreError};

/// The folder of a project's leases.
const FOLDER: &str = "lease";

/// Clocks of different machines differ a little: a lease of another one is over so much later.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(2);

/// So often a lease is tried for while others come and go in the very same moment.
const TRIES: u32 = 8;

/// What a lease says of the run that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Tells this run from all others.
    pub run: String,
    /// Where a person finds it: a machine, and the number of a process.
    pub place: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When the lease ends unless it is renewed.
    pub expires: DateTime<Utc>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        write!(f, "{}, since {}; its lease ends at {}", self.place, time(self.since), time(self.expires))
    }
}

/// What came of asking for a lease.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Ours(Lease),
    /// Somebody has it.
    Taken(Holder),
}

/// What came of renewing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    /// It is still ours.
    Ours,
    /// It is still ours, and somebody asks for it who is about to withdraw, or takes our clock for wrong:
    /// renewing it again a little later tells.
    Contested(Holder),
    /// It was over, and somebody took it; `None`: whoever did has ended since.
    Lost(Option<Holder>),
}

/// A lease that is ours, until it is over.
#[derive(Debug, Clone)]
pub struct Lease {
    project: String,
    number: u64,
    holder: Holder,
    term: TimeDelta,
}

/// Asks for a project's lease, for `term` from `now` on. What `holder` says of its end is replaced.
pub async fn claim(
    store: &dyn Store,
    project: &str,
    mut holder: Holder,
    term: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Claim, StoreError> {
    holder.expires = now + term;
    for _ in 0..TRIES {
        let seen = leases(store, project).await?;
        if let Some(other) = alive(&seen, now) {
            return Ok(Claim::Taken(other.clone()));
        }
        let number = seen.last().map_or(1, |(number, _)| number + 1);
        let ours = Lease { project: project.to_owned(), number, holder: holder.clone(), term };
        match store.create(&ours.key()?, ours.text()).await {
            Ok(()) => {}
            // it may be our own: an answer gets lost, and the request is sent again
            Err(StoreError::AlreadyExists { .. }) if ours.is_stored(store).await? => {}
            Err(StoreError::AlreadyExists { .. }) => continue,
            Err(error) => return Err(error),
        }
        // somebody may have come, or come back to life, since the first look
        let others: Vec<_> = leases(store, project).await?.into_iter().filter(|(n, _)| *n != number).collect();
        if let Some(other) = alive(&others, now) {
            ours.remove(store).await?;
            return Ok(Claim::Taken(other.clone()));
        }
        for (dead, _) in others {
            match store.delete(&key(project, dead)?).await {
                // a role that may only add: it is over all the same
                Ok(()) | Err(StoreError::Denied { .. } | StoreError::Locked { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        return Ok(Claim::Ours(ours));
    }
    let doing = format!("taking the lease of {project} in {}", store.describe());
    Err(StoreError::Other { doing, reason: "others took it and gave it up, again and again".to_owned() })
}

impl Lease {
    /// Who holds it, and until when.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Makes it last for its term from `now` on, unless somebody has it by now.
    pub async fn renew(&mut self, store: &dyn Store, now: DateTime<Utc>) -> Result<Renewal, StoreError> {
        if !self.is_stored(store).await? {
            let others = leases(store, &self.project).await?;
            return Ok(Renewal::Lost(alive(&others, now).cloned()));
        }
        let renewed = Self { holder: Holder { expires: now + self.term, ..self.holder.clone() }, ..self.clone() };
        store.put(&renewed.key()?, renewed.text()).await?;
        let others: Vec<_> =
            leases(store, &self.project).await?.into_iter().filter(|(number, _)| *number != self.number).collect();
        let was_over = self.holder.expires < now;
        match alive(&others, now) {
            Some(other) if was_over => {
                self.remove(store).await?;
                Ok(Renewal::Lost(Some(other.clone())))
            }
            Some(other) => Ok(Renewal::Contested(other.clone())),
            None => {
                *self = renewed;
                Ok(Renewal::Ours)
            }
        }
    }

    /// Gives it up. What is somebody else's by now is left alone.
    pub async fn release(self, store: &dyn Store) -> Result<(), StoreError> {
        if self.is_stored(store).await? { self.remove(store).await } else { Ok(()) }
    }

    /// Whether the file is there, and ours.
    async fn is_stored(&self, store: &dyn Store) -> Result<bool, StoreError> {
        let stored = read(store, &self.project, self.number).await?;
        Ok(stored.flatten().is_some_and(|holder| holder.run == self.holder.run))
    }

    /// Where files cannot be removed, it says that it is over.
    async fn remove(&self, store: &dyn Store) -> Result<(), StoreError> {
        match store.delete(&self.key()?).await {
            Err(StoreError::Denied { .. } | StoreError::Locked { .. }) => {
                let over =
                    Self { holder: Holder { expires: DateTime::UNIX_EPOCH, ..self.holder.clone() }, ..self.clone() };
                store.put(&over.key()?, over.text()).await
            }
            other => other,
        }
    }

    fn key(&self) -> Result<Key, StoreError> {
        key(&self.project, self.number)
    }

    fn text(&self) -> Bytes {
        Bytes::from(serde_json::json!(self.holder).to_string())
    }
}

fn key(project: &str, number: u64) -> Result<Key, StoreError> {
    Key::new(format!("{project}/{FOLDER}/{number:010}.json"))
}

/// A project's leases, by number. One that says nothing that can be understood is nobody's.
async fn leases(store: &dyn Store, project: &str) -> Result<Vec<(u64, Option<Holder>)>, StoreError> {
    let entries = store.list(&format!("{project}/{FOLDER}")).await?;
    let number = |key: &str| key.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok();
    let mut found = Vec::new();
    for number in entries.iter().filter_map(|entry| number(&entry.key)) {
        // one that was given up since the list was made is gone
        found.extend(read(store, project, number).await?.map(|holder| (number, holder)));
    }
    found.sort_unstable_by_key(|(number, _)| *number);
    Ok(found)
}

/// The first one whose time is not over.
fn alive(leases: &[(u64, Option<Holder>)], now: DateTime<Utc>) -> Option<&Holder> {
    leases.iter().filter_map(|(_, holder)| holder.as_ref()).find(|holder| holder.expires + CLOCKS_DIFFER >= now)
}

/// `None`: there is no such file.
async fn read(store: &dyn Store, project: &str, number: u64) -> Result<Option<Option<Holder>>, StoreError> {
    match store.get(&key(project, number)?).await {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).ok())),
        Err(StoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
