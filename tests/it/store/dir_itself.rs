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

#[tokio::test]
async fn only_old_files_of_our_own_writes_are_swept_and_no_link_is_followed() -> Result<()> {
    let (alive, store) = new_dir()?;
    store.put(&key("p/s/x")?, Bytes::from_static(b"x")).await?;
    let root = alive.path().join("not/yet");
    let outside = alive.path().join("outside");
    fs::create_dir(&outside)?;
    let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_403_700);
    let old = now - std::time::Duration::from_secs(90_000);
    let write = |path: &std::path::Path, modified| -> Result<()> {
        fs::write(path, "half")?;
        Ok(fs::File::options().write(true).open(path)?.set_modified(modified)?)
    };
    fs::create_dir_all(root.join("dead/deep"))?;
    for at in ["p/s/.tmp-0123456789abcdef", "dead/deep/.tmp-fedcba9876543210"] {
        write(&root.join(at), old)?;
    }
    write(&root.join("p/.tmp-0000000000000000"), now)?;
    write(&root.join("p/.tmp-of-another-program"), old)?;
    write(&outside.join(".tmp-1111111111111111"), old)?;
    symlink(&outside, root.join("p/link"))?;
    symlink(outside.join(".tmp-1111111111111111"), root.join("p/.tmp-2222222222222222"))?;

    for (at, modified) in [("p/left/sql", old), ("p/left", old), ("p/new", now)] {
        fs::create_dir_all(root.join(at))?;
        fs::File::open(root.join(at))?.set_modified(modified)?;
    }

    let names = |found: Vec<supabackup::store::Entry>| found.into_iter().map(|e| e.key).collect::<Vec<_>>();
    let ours = ["dead/deep/.tmp-fedcba9876543210", "p/.tmp-0000000000000000", "p/s/.tmp-0123456789abcdef"];
    ensure!(names(store.leftovers("").await?) == ours);
    ensure!(names(store.leftovers("p/s").await?) == ours[2..] && store.leftovers("absent").await?.is_empty());
    let before = chrono::DateTime::from(now) - chrono::TimeDelta::hours(24);
    ensure!(names(store.sweep("", before).await?) == [ours[0], ours[2]]);
    ensure!(names(store.leftovers("").await?) == ours[1..2] && !root.join("dead").exists());
    ensure!(!root.join("p/left").exists() && root.join("p/new").exists(), "empty folders");
    ensure!(outside.join(".tmp-1111111111111111").exists() && root.join("p/.tmp-of-another-program").exists());
    ensure!(store.get(&key("p/s/x")?).await? == "x" && store.sweep("", before).await?.is_empty());
    Ok(())
}
