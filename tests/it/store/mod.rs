//! What every store must keep of its promise, in one suite. A test's name carries the store.

mod bucket;
mod dir_itself;
mod github;
pub(crate) mod servers;
mod stories;
mod way;

use std::time::Duration;

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};
use supabackup::store::{Key, Store, StoreError};

/// One module of tests per kind of store. `$make` gives the store and what keeps it alive.
macro_rules! conformance {
    ($name:ident, $make:expr) => {
        mod $name {
            conformance!(@tests $make;
                what_was_put_is_read_and_listed,
                a_put_replaces_and_a_create_does_not,
                of_many_creates_exactly_one_wins,
                a_reader_never_sees_half_a_put,
                a_folder_is_whole_segments,
                fifteen_hundred_keys_are_listed_in_order,
                folders_exist_while_they_hold_a_key,
                deleting_twice_is_fine,
                every_allowed_character_works_in_a_key,
                empty_and_large_values_survive,
                writers_and_deleters_of_one_folder_do_not_disturb_each_other,
            );
        }
    };
    (@tests $make:expr; $($test:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() -> anyhow::Result<()> {
                let (_alive, store) = $make()?;
                super::$test(&store).await
            }
        )*
    };
}

conformance!(dir, super::new_dir);

conformance!(s3, super::new_bucket);

conformance!(azure, super::new_container);

conformance!(releases, super::github::new_releases);

conformance!(artifacts, super::github::new_artifacts);

/// A folder of a new container of Azure's emulator, over HTTP.
fn new_container() -> Result<((), supabackup::store::BucketStore)> {
    let server = servers::shared_azure()?;
    let url = format!(
        "az://{}/not/yet?account={}&endpoint={}/{}",
        server.container()?,
        server.key.id,
        server.endpoint(),
        server.key.id
    );
    Ok(((), servers::store(&url, &[("azure_storage_account_key", &server.key.secret)])?))
}

/// A folder of a new bucket of a real server, over HTTP.
fn new_bucket() -> Result<((), supabackup::store::BucketStore)> {
    let server = servers::shared()?;
    let bucket = server.bucket()?;
    Ok(((), servers::in_bucket(&format!("{bucket}/not/yet"), server.port, &server.key, "")?))
}

fn new_dir() -> Result<(tempfile::TempDir, supabackup::store::DirStore)> {
    let dir = tempfile::tempdir()?;
    // The store's own folder does not exist yet, nor the one above it.
    let store = supabackup::store::DirStore::new(dir.path().join("not/yet"));
    Ok((dir, store))
}

fn key(text: &str) -> Result<Key> {
    Ok(Key::new(text)?)
}

async fn keys(store: &dyn Store, folder: &str) -> Result<Vec<String>> {
    Ok(store.list(folder).await?.into_iter().map(|entry| entry.key).collect())
}

async fn what_was_put_is_read_and_listed(store: &dyn Store) -> Result<()> {
    ensure!(keys(store, "").await?.is_empty() && store.folders("").await?.is_empty());
    let absent = store.get(&key("a/b/c")?).await;
    ensure!(matches!(absent, Err(StoreError::NotFound { .. })), "{absent:?}");
    store.put(&key("a/b/c")?, Bytes::from_static(b"hello")).await?;
    ensure!(store.get(&key("a/b/c")?).await? == "hello");
    let entries = store.list("").await?;
    ensure!(entries.len() == 1 && entries[0].key == "a/b/c" && entries[0].size == 5, "{entries:?}");
    let absent = store.get(&key("a/b")?).await;
    ensure!(matches!(absent, Err(StoreError::NotFound { .. })), "a folder is no key: {absent:?}");
    ensure!(!store.describe().is_empty());
    Ok(())
}

async fn a_put_replaces_and_a_create_does_not(store: &dyn Store) -> Result<()> {
    let at = key("p/x")?;
    store.create(&at, Bytes::from_static(b"first")).await?;
    let second = store.create(&at, Bytes::from_static(b"second")).await;
    ensure!(matches!(second, Err(StoreError::AlreadyExists { .. })), "{second:?}");
    ensure!(store.get(&at).await? == "first");
    store.put(&at, Bytes::from_static(b"third")).await?;
    ensure!(store.get(&at).await? == "third");
    ensure!(keys(store, "").await? == ["p/x"], "a failed create left something");
    Ok(())
}

async fn of_many_creates_exactly_one_wins(store: &dyn Store) -> Result<()> {
    for round in 0..20 {
        let at = key(&format!("race/{round}"))?;
        let racers = (0..24).map(|racer| {
            let at = at.clone();
            async move { (racer, store.create(&at, Bytes::from(format!("racer {racer}"))).await) }
        });
        let mut winners = Vec::new();
        for (racer, result) in join_all(racers).await {
            match result {
                Ok(()) => winners.push(racer),
                Err(StoreError::AlreadyExists { .. }) => {}
                Err(other) => return Err(other.into()),
            }
        }
        ensure!(winners.len() == 1, "round {round}: {winners:?} won");
        ensure!(
            store.get(&at).await? == format!("racer {}", winners[0]),
            "round {round}: the winner's bytes are not there"
        );
    }
    ensure!(keys(store, "race").await?.len() == 20);
    Ok(())
}

async fn a_reader_never_sees_half_a_put(store: &dyn Store) -> Result<()> {
    let at = key("whole/x")?;
    let version = |n: u8| Bytes::from(vec![n; 300_000 + usize::from(n) * 1000]);
    store.put(&at, version(0)).await?;
    let writing = async {
        for n in 1..40 {
            store.put(&at, version(n)).await?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let reading = async {
        for _ in 0..200 {
            let seen = store.get(&at).await?;
            let first = seen.first().copied().unwrap_or_default();
            ensure!(seen == version(first), "a mixture of versions, or half of version {first}");
            let listed = store.list("whole").await?;
            ensure!(listed.len() == 1 && (listed[0].size - 300_000) % 1000 == 0, "{listed:?}");
        }
        Ok(())
    };
    let (written, read) = tokio::join!(writing, reading);
    written.and(read)
}

async fn a_folder_is_whole_segments(store: &dyn Store) -> Result<()> {
    for name in ["a/1", "a/b/2", "ab/3", "a.b/4", "z"] {
        store.put(&key(name)?, Bytes::from_static(b"x")).await?;
    }
    ensure!(keys(store, "").await? == ["a.b/4", "a/1", "a/b/2", "ab/3", "z"]);
    ensure!(keys(store, "a").await? == ["a/1", "a/b/2"]);
    ensure!(keys(store, "a/b").await? == ["a/b/2"]);
    ensure!(keys(store, "z").await?.is_empty(), "a key is not its own folder");
    ensure!(keys(store, "nowhere").await?.is_empty());
    ensure!(store.list("../x").await.is_err(), "a folder outside the store was listed");
    Ok(())
}

async fn fifteen_hundred_keys_are_listed_in_order(store: &dyn Store) -> Result<()> {
    let names: Vec<String> = (0..1500).map(|n| format!("many/{:02}/{n:05}", n % 7)).collect();
    let puts = names
        .iter()
        .map(|name| async move { Ok::<_, anyhow::Error>(store.put(&key(name)?, Bytes::from(name.clone())).await?) });
    for put in stream::iter(puts).buffer_unordered(32).collect::<Vec<_>>().await {
        put?;
    }
    let mut sorted = names;
    sorted.sort();
    ensure!(keys(store, "many").await? == sorted);
    ensure!(keys(store, "many/03").await?.len() == 1500_usize.div_ceil(7) - usize::from(1500 % 7 <= 3));
    Ok(())
}

async fn folders_exist_while_they_hold_a_key(store: &dyn Store) -> Result<()> {
    for name in ["p2/s/manifest.json", "p1/s/sql/x", "p1/t/y", "top"] {
        store.put(&key(name)?, Bytes::from_static(b"x")).await?;
    }
    ensure!(store.folders("").await? == ["p1", "p2"]);
    ensure!(store.folders("p1").await? == ["s", "t"]);
    ensure!(store.folders("p1/s").await? == ["sql"]);
    ensure!(store.folders("p1/t").await?.is_empty() && store.folders("none").await?.is_empty());
    store.delete(&key("p1/s/sql/x")?).await?;
    ensure!(store.folders("p1").await? == ["t"]);
    store.delete(&key("p1/t/y")?).await?;
    ensure!(store.folders("").await? == ["p2"]);
    Ok(())
}

async fn deleting_twice_is_fine(store: &dyn Store) -> Result<()> {
    store.delete(&key("never/was")?).await?;
    store.put(&key("d/x")?, Bytes::from_static(b"x")).await?;
    store.put(&key("d/y")?, Bytes::from_static(b"y")).await?;
    store.delete(&key("d/x")?).await?;
    store.delete(&key("d/x")?).await?;
    ensure!(keys(store, "").await? == ["d/y"]);
    store.create(&key("d/x")?, Bytes::from_static(b"again")).await?;
    ensure!(store.get(&key("d/x")?).await? == "again");
    Ok(())
}

async fn every_allowed_character_works_in_a_key(store: &dyn Store) -> Result<()> {
    let alphabet: String =
        (b'!'..=b'~').map(char::from).filter(|c| c.is_ascii_alphanumeric() || "._=-".contains(*c)).collect();
    ensure!(alphabet.len() == 66);
    let mut names: Vec<String> = alphabet.chars().map(|c| format!("chars/{c}{c}{c}/-{c}")).collect();
    names.extend([alphabet.clone(), format!("{alphabet}1/{alphabet}"), "x".repeat(255)]);
    for name in &names {
        store.put(&key(name)?, Bytes::from(name.clone())).await?;
    }
    for name in &names {
        ensure!(store.get(&key(name)?).await? == *name, "{name}");
    }
    ensure!(keys(store, "").await?.len() == names.len());
    Ok(())
}

async fn empty_and_large_values_survive(store: &dyn Store) -> Result<()> {
    let large: Bytes =
        (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>().into();
    store.put(&key("v/empty")?, Bytes::new()).await?;
    store.put(&key("v/large")?, large.clone()).await?;
    ensure!(store.get(&key("v/empty")?).await?.is_empty());
    ensure!(store.get(&key("v/large")?).await? == large);
    ensure!(store.list("v").await?.iter().map(|e| e.size).eq([0, 20_000_000]));
    Ok(())
}

async fn writers_and_deleters_of_one_folder_do_not_disturb_each_other(store: &dyn Store) -> Result<()> {
    let busy = (0..8).map(|worker| async move {
        for round in 0..25 {
            let at = key(&format!("busy/folder/{worker}"))?;
            store.put(&at, Bytes::from(format!("{round}"))).await?;
            ensure!(store.get(&at).await? == format!("{round}"));
            store.delete(&at).await?;
        }
        Ok(())
    });
    let done = tokio::time::timeout(Duration::from_secs(60), join_all(busy)).await?;
    done.into_iter().collect::<Result<Vec<()>>>()?;
    ensure!(keys(store, "").await?.is_empty());
    Ok(())
}
