//! Temporary files of writes that died in a directory store. Links are never followed: what is
//! removed is in the store. All of it blocks.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::store::Entry;
use crate::store::files::sync_dir;
use crate::store::key::TEMPORARY;

/// Every leftover below `start`, which is the folder `folder`, sorted by name.
pub(super) fn find(start: &Path, folder: &str) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    visit(start, folder, &mut |_, entry| {
        found.push(entry);
        Ok(())
    })?;
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

/// Removes those that were last written before `before`, and the folders below `root` that become empty.
pub(super) fn sweep(root: &Path, start: &Path, folder: &str, before: DateTime<Utc>) -> io::Result<Vec<Entry>> {
    let mut removed = Vec::new();
    visit(start, folder, &mut |path, entry| {
        if entry.modified >= before {
            return Ok(());
        }
        match fs::remove_file(path) {
            Ok(()) => removed.push(entry),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()), // the write has ended after all
            Err(error) => return Err(error),
        }
        let mut dir = path.parent();
        // a folder exists while there is a key below it
        while let Some(empty) = dir.filter(|dir| *dir != root && fs::remove_dir(dir).is_ok()) {
            dir = empty.parent();
        }
        match dir.map_or(Ok(()), sync_dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    })?;
    clear(start, before)?;
    removed.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(removed)
}

/// Removes the empty folders below a directory that nothing was written to or removed from since `before`:
/// a write, or a delete, that died between file and folder left them.
fn clear(dir: &Path, before: DateTime<Utc>) -> io::Result<()> {
    for entry in listed(dir)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        let path = entry.path();
        // looked at first: removing what is in it changes it
        let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
        clear(&path, before)?;
        let is_old = modified.is_ok_and(|modified| DateTime::<Utc>::from(modified) < before);
        if is_old && listed(&path)?.next().is_none() {
            match fs::remove_dir(&path) {
                Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => return Err(e),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The entries of a directory; none if it is absent.
fn listed(dir: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>>> {
    match fs::read_dir(dir) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None.into_iter().flatten()),
        other => other.map(|entries| Some(entries).into_iter().flatten()),
    }
}

/// Calls `each` for every leftover below a directory.
fn visit(dir: &Path, folder: &str, each: &mut impl FnMut(&Path, Entry) -> io::Result<()>) -> io::Result<()> {
    let mut below: Vec<(PathBuf, String)> = Vec::new();
    for entry in listed(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let key = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            below.push((entry.path(), key));
        } else if kind.is_file() && is_ours(&name) {
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => continue, // the write has ended just now
                other => other?,
            };
            each(&entry.path(), described(key, &metadata)?)?;
        }
    }
    // one open directory at a time, however deep
    below.into_iter().try_for_each(|(path, key)| visit(&path, &key, each))
}

fn described(key: String, metadata: &Metadata) -> io::Result<Entry> {
    Ok(Entry { key, size: metadata.len(), modified: DateTime::<Utc>::from(metadata.modified()?) })
}

/// Named as this program names half-written files, not only like it.
fn is_ours(name: &str) -> bool {
    name.strip_prefix(TEMPORARY)
        .is_some_and(|tail| tail.len() == 16 && tail.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
}
