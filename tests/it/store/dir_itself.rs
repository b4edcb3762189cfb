//! What only a directory can get wrong.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Result, ensure};
use bytes::Bytes;
use supabackup::store::Store;

use super::{key, keys, new_dir};

#[tokio::test]
async fn what_a_killed_put_left_is_not_listed() -> Result<()> {
    let (_alive, store) = new_dir()?;
    store.put(&key("p/s/x")?, Bytes::from_static(b"x")).await?;
    let root = _alive.path().join("not/yet");
    fs::write(root.join("p/s/.tmp-0123456789abcdef"), "ha")?;
    fs::create_dir(root.join("dead"))?;
    fs::write(root.join("dead/.tmp-fedcba9876543210"), "")?;
    ensure!(keys(&store, "").await? == ["p/s/x"]);
    ensure!(store.folders("").await? == ["p"]);
    Ok(())
}

#[tokio::test]
async fn a_put_that_cannot_take_its_place_leaves_nothing() -> Result<()> {
    let (alive, store) = new_dir()?;
    store.put(&key("a/b")?, Bytes::from_static(b"x")).await?;
    for at in ["a", "a/b/c"] {
        ensure!(store.put(&key(at)?, Bytes::from_static(b"y")).await.is_err(), "{at}");
        ensure!(store.create(&key(at)?, Bytes::from_static(b"y")).await.is_err(), "{at}");
    }
    let left: Vec<_> = fs::read_dir(alive.path().join("not/yet"))?.collect();
    ensure!(left.len() == 1, "{left:?}");
    ensure!(fs::read_dir(alive.path().join("not/yet/a"))?.count() == 1);
    ensure!(store.get(&key("a/b")?).await? == "x");
    Ok(())
}

#[tokio::test]
async fn foreign_files_and_links_are_listed_and_break_nothing() -> Result<()> {
    let (alive, store) = new_dir()?;
    store.put(&key("p/x")?, Bytes::from_static(b"x")).await?;
    let root = alive.path().join("not/yet");
    fs::write(root.join("p/notes (copy) é.txt"), "mine")?;
    symlink(root.join("nowhere"), root.join("p/dangling"))?;
    symlink(&root, root.join("p/up"))?;
    symlink(root.join("p/x"), root.join("p/link"))?;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("p/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o600),
        0,
    )?;
    ensure!(keys(&store, "p").await? == ["p/dangling", "p/link", "p/notes (copy) é.txt", "p/pipe", "p/up", "p/x"]);
    ensure!(store.get(&key("p/link")?).await? == "x");
    ensure!(store.get(&key("p/pipe")?).await.is_err());
    Ok(())
}

#[tokio::test]
async fn it_knows_its_free_space_and_whether_it_can_be_written_before_it_exists() -> Result<()> {
    let (alive, store) = new_dir()?;
    ensure!(store.free_space().await? > 0);
    store.check_writable().await?;
    ensure!(fs::read_dir(alive.path())?.count() == 0, "the check left something");
    let file = alive.path().join("file");
    fs::write(&file, "")?;
    let refused = supabackup::store::DirStore::new(file.join("below")).check_writable().await;
    ensure!(refused.is_err());
    Ok(())
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named_with_the_reason() -> Result<()> {
    let store = supabackup::store::DirStore::new("/proc/supabackup");
    for refused in [store.put(&key("x")?, Bytes::new()).await, store.create(&key("x")?, Bytes::new()).await] {
        let Err(error) = refused else { anyhow::bail!("a directory in /proc was written") };
        ensure!(error.to_string().ends_with("ing /proc/supabackup/x: its directory cannot be made"), "{error}");
    }
    Ok(())
}
