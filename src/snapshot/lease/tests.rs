use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use proptest::prelude::*;

use super::*;
use crate::store::{DirStore, Entry};

type Tested = Result<(), Box<dyn std::error::Error>>;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)
}

const TERM: TimeDelta = TimeDelta::minutes(15);

async fn ask(store: &dyn Store, run: &str, minute: i64) -> Result<Claim, StoreError> {
    let holder =
        Holder { run: run.to_owned(), place: format!("process of {run}"), since: at(minute), expires: at(minute) };
    claim(store, "p", holder, TERM, at(minute)).await
}

fn ours(claim: Claim) -> Result<Lease, String> {
    match claim {
        Claim::Ours(lease) => Ok(lease),
        Claim::Taken(other) => Err(format!("taken by {other}")),
    }
}

fn taken_by(claim: Claim) -> Option<String> {
    match claim {
        Claim::Ours(_) => None,
        Claim::Taken(other) => Some(other.run),
    }
}

#[tokio::test]
async fn one_at_a_time_and_the_next_when_it_is_done() -> Tested {
    let dir = tempfile::tempdir()?;
    let store = DirStore::new(dir.path());
    let mut first = ours(ask(&store, "first", 0).await?)?;
    assert_eq!(taken_by(ask(&store, "second", 14).await?).as_deref(), Some("first"));
    // renewed, it lasts on
    assert_eq!(first.renew(&store, at(14)).await?, Renewal::Ours);
    assert_eq!(taken_by(ask(&store, "second", 28).await?).as_deref(), Some("first"));
    first.release(&store).await?;
    ours(ask(&store, "second", 29).await?)?.release(&store).await?;
    assert!(store.list("").await?.is_empty() && store.folders("").await?.is_empty(), "something is left");
    Ok(())
}

#[tokio::test]
async fn a_lease_of_a_dead_run_is_taken_over_and_the_dead_one_hears_of_it() -> Tested {
    let dir = tempfile::tempdir()?;
    let store = DirStore::new(dir.path());
    let mut dead = ours(ask(&store, "dead", 0).await?)?;
    // a clock that is a little ahead takes nothing from a run that is alive
    assert_eq!(taken_by(ask(&store, "early", 16).await?).as_deref(), Some("dead"));
    let next = ours(ask(&store, "next", 18).await?)?;
    assert_eq!(store.list("p/lease").await?.len(), 1, "the old lease is left");
    let other = dead.renew(&store, at(19)).await?;
    assert!(matches!(&other, Renewal::Lost(Some(holder)) if holder.run == "next"), "{other:?}");
    assert_eq!(store.list("p/lease").await?.len(), 1, "the dead one wrote again");
    // it gives up what is not its own any more
    dead.release(&store).await?;
    next.release(&store).await?;
    assert!(store.list("p/lease").await?.is_empty());
    Ok(())
}

/// A laptop that was closed over night: others came and went, and one of them had the same number.
#[tokio::test]
async fn a_run_that_slept_finds_out_that_others_came_and_went() -> Tested {
    let dir = tempfile::tempdir()?;
    let store = DirStore::new(dir.path());
    let mut slept = ours(ask(&store, "slept", 0).await?)?;
    let next = ours(ask(&store, "next", 60).await?)?;
    next.release(&store).await?;
    // its own clock stood still meanwhile
    assert_eq!(slept.renew(&store, at(1)).await?, Renewal::Lost(None));
    let again = ours(ask(&store, "again", 120).await?)?;
    assert_eq!(again.number, slept.number);
    assert!(matches!(slept.renew(&store, at(121)).await?, Renewal::Lost(Some(holder)) if holder.run == "again"));
    slept.release(&store).await?;
    assert_eq!(store.list("p/lease").await?.len(), 1, "somebody else's lease was given up");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_ask_at_once_one_gets_it() -> Tested {
    for minute in [0, 100, 200] {
        let dir = tempfile::tempdir()?;
        let store = Arc::new(DirStore::new(dir.path()));
        if minute > 0 {
            ours(ask(store.as_ref(), "dead", 0).await?)?;
        }
        let asked: Vec<_> = (0..24)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { ask(store.as_ref(), &format!("run {n}"), minute).await })
            })
            .collect();
        let mut won = 0;
        for claim in asked {
            won += usize::from(matches!(claim.await??, Claim::Ours(_)));
        }
        assert_eq!(won, 1, "from minute {minute}");
        assert_eq!(store.list("p/lease").await?.len(), 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_lease_that_says_nothing_holds_nobody_up() -> Tested {
    let dir = tempfile::tempdir()?;
    let store = DirStore::new(dir.path());
    for name in ["0000000007.json", "notes.txt"] {
        store.put(&Key::new(format!("p/lease/{name}"))?, Bytes::from_static(b"{")).await?;
    }
    let lease = ours(ask(&store, "next", 0).await?)?;
    assert_eq!(lease.number, 8);
    lease.release(&store).await?;
    let left: Vec<String> = store.list("p/lease").await?.into_iter().map(|entry| entry.key).collect();
    assert_eq!(left, ["p/lease/notes.txt"]);
    Ok(())
}

#[test]
fn who_holds_it_is_told_in_a_sentence() {
    let holder = Holder { run: "x".to_owned(), place: "ci-7, process 12".to_owned(), since: at(0), expires: at(15) };
    assert_eq!(
        holder.to_string(),
        "ci-7, process 12, since 2024-10-04 00:00:00 UTC; its lease ends at 2024-10-04 00:15:00 UTC"
    );
}

/// A store in memory that lets somebody else go first before each of its steps.
#[derive(Debug, Default)]
struct Slow {
    files: Mutex<BTreeMap<String, Bytes>>,
    /// Nothing can be removed.
    keeps: bool,
}

/// Pending once.
struct Pause(bool);

impl Future for Pause {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Slow {
    async fn step<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T + Send) -> T {
        Pause(false).await;
        work(&mut self.files.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Store for Slow {
    async fn put(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        self.step(|files| drop(files.insert(key.to_string(), bytes))).await;
        Ok(())
    }
    async fn create(&self, key: &Key, bytes: Bytes) -> Result<(), StoreError> {
        let created = |files: &mut BTreeMap<String, Bytes>| match files.contains_key(key.as_str()) {
            true => Err(StoreError::AlreadyExists { doing: key.to_string() }),
            false => {
                files.insert(key.to_string(), bytes);
                Ok(())
            }
        };
        self.step(created).await
    }
    async fn get(&self, key: &Key) -> Result<Bytes, StoreError> {
        let found = self.step(|files| files.get(key.as_str()).cloned()).await;
        found.ok_or_else(|| StoreError::NotFound { doing: key.to_string() })
    }
    async fn list(&self, folder: &str) -> Result<Vec<Entry>, StoreError> {
        let below = format!("{folder}/");
        let keys = self.step(|files| files.keys().cloned().collect::<Vec<_>>()).await;
        let entry = |key: String| Entry { key, size: 0, modified: DateTime::UNIX_EPOCH };
        Ok(keys.into_iter().filter(|key| key.starts_with(&below)).map(entry).collect())
    }
    async fn folders(&self, _: &str) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }
    async fn delete(&self, key: &Key) -> Result<(), StoreError> {
        if self.keeps {
            return Err(StoreError::Denied { doing: key.to_string(), reason: "append only".to_owned() });
        }
        self.step(|files| drop(files.remove(key.as_str()))).await;
        Ok(())
    }
    async fn settled(&self) {}
    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

/// Whoever believes to be alone, and whether two ever did.
#[derive(Default)]
struct Room {
    inside: Mutex<Vec<String>>,
    crowded: Mutex<Option<String>>,
    entered: Mutex<u32>,
}

impl Room {
    fn enter(&self, who: &str) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.push(who.to_owned());
        if inside.len() > 1 {
            *self.crowded.lock().unwrap_or_else(PoisonError::into_inner) = Some(inside.join(" and "));
        }
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn leave(&self, who: &str) {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner).retain(|name| name != who);
    }
}

/// Asks, works for a few steps, looks again, works on, and gives it up.
async fn life(store: &Slow, room: &Room, who: &str, minute: i64) -> Result<(), StoreError> {
    let Claim::Ours(mut lease) = ask(store, who, minute).await? else { return Ok(()) };
    room.enter(who);
    for _ in 0..3 {
        Pause(false).await;
    }
    // it was alive all the time: whoever came meanwhile goes again
    loop {
        match lease.renew(store, at(minute)).await? {
            Renewal::Ours => break,
            Renewal::Contested(_) => Pause(false).await,
            Renewal::Lost(other) => unreachable!("{who} lost it to {other:?}"),
        }
    }
    Pause(false).await;
    room.leave(who);
    lease.release(store).await
}

/// A run whose lease was over wakes up, and looks before it goes on.
async fn awakes(store: &Slow, room: &Room, mut lease: Lease, minute: i64) -> Result<(), StoreError> {
    if lease.renew(store, at(minute)).await? == Renewal::Ours {
        room.enter("the old one");
        Pause(false).await;
        room.leave("the old one");
        lease.release(store).await?;
    }
    Ok(())
}

/// What one run does, step by step.
type Life<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + 'a>>;

/// Runs everything to its end, one step at a time, in the order that `turns` says.
fn interleave(mut lives: Vec<Life<'_>>, turns: &[usize]) {
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = turns.iter().copied().chain(0..);
    while !lives.is_empty() {
        let turn = turns.next().unwrap_or(0) % lives.len();
        if let Poll::Ready(ended) = lives[turn].as_mut().poll(&mut context) {
            assert_eq!(ended, Ok(()));
            drop(lives.remove(turn));
        }
    }
}

fn at_once(store: &Slow, lease: &str) -> Lease {
    let mut found = None;
    let mut claim = Box::pin(ask(store, lease, 0));
    while found.is_none() {
        if let Poll::Ready(claim) = claim.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            found = Some(claim);
        }
    }
    match found {
        Some(Ok(Claim::Ours(lease))) => lease,
        other => unreachable!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn whoever_goes_first_at_every_step_two_are_never_alone(
        turns in prop::collection::vec(0_usize..6, 0..160),
        many in 2_usize..5,
        has_dead in any::<bool>(),
        wakes in any::<bool>(),
        keeps in prop::bool::weighted(0.2),
    ) {
        let store = Slow { keeps, ..Slow::default() };
        let room = Room::default();
        let names: Vec<String> = (0..many).map(|n| format!("run {n}")).collect();
        let mut lives: Vec<Life<'_>> = Vec::new();
        if has_dead {
            let dead = at_once(&store, "dead");
            if wakes {
                lives.push(Box::pin(awakes(&store, &room, dead, 60)));
            }
        }
        lives.extend(names.iter().map(|name| Box::pin(life(&store, &room, name, 60)) as Life<'_>));
        interleave(lives, &turns);
        prop_assert_eq!(room.crowded.lock().unwrap_or_else(PoisonError::into_inner).clone(), None);
        prop_assert!(*room.inside.lock().unwrap_or_else(PoisonError::into_inner) == Vec::<String>::new());
        // what is left holds nobody up
        at_once_after(&store)?;
    }
}

/// When all have ended, the next one gets it at once.
fn at_once_after(store: &Slow) -> Result<(), TestCaseError> {
    let mut claim = Box::pin(ask(store, "last", 60));
    loop {
        match claim.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(Claim::Ours(_))) => return Ok(()),
            Poll::Ready(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
            Poll::Pending => {}
        }
    }
}
