//! Whole and durable files: what the operating system needs to be told, in which order. All of it
//! blocks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use crate::store::Entry;
use crate::store::key::TEMPORARY;

/// A file that is removed again unless it was renamed.
pub(super) struct Temporary {
    path: PathBuf,
}

impl Temporary {
    /// A synced file in `dir` that holds `bytes`.
    pub(super) fn write(dir: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut tail = [0; 8];
        getrandom::fill(&mut tail).map_err(io::Error::other)?;
        let path = dir.join(format!("{TEMPORARY}{:016x}", u64::from_ne_bytes(tail)));
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let temporary = Self { path };
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is none; and where it cannot be removed, lists pass over it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes `bytes` so that `target` appears whole, by `place(temporary, target)`.
pub(super) fn write(target: &Path, bytes: &[u8], place: impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    let dir = parent(target);
    let mut tries = 0;
    loop {
        let written = make_dir(dir).and_then(|()| Temporary::write(dir, bytes)).and_then(|temporary| {
            place(&temporary.path, target)?;
            sync_dir(dir)
        });
        // A delete elsewhere may have removed the folder because it was empty at that moment.
        match written {
            Err(e) if e.kind() == ErrorKind::NotFound && tries < 5 => tries += 1,
            other => return other,
        }
    }
}

/// Renames unless there is such a file: one winner, on every file system that can do it.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {}
            Err(error) => return Err(error.into()),
        }
    }
    fs::hard_link(from, to)
}

/// Makes a directory and those above it, each synced into the one that holds it.
fn make_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = parent(dir);
    if above != dir {
        make_dir(above)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(above),
        Err(_) if dir.is_dir() => Ok(()), // somebody else just made it
        Err(e) => Err(e),
    }
}

pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    match File::open(dir)?.sync_all() {
        // Some network and FUSE file systems have nothing to sync in a directory, and say so thus.
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

/// Removes a file, and the folders that become empty, below `root`. That there is none is fine.
pub(super) fn remove(root: &Path, path: &Path) -> io::Result<()> {
    let gone = |e: &io::Error| matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(e) if gone(&e) => return Ok(()),
        Err(e) => return Err(e),
    }
    let mut dir = parent(path);
    // A folder exists while there is a key below it: empty ones go, the root stays.
    while dir != root && fs::remove_dir(dir).is_ok() {
        dir = parent(dir);
    }
    match sync_dir(dir) {
        Err(e) if gone(&e) => Ok(()),
        other => other,
    }
}

/// Name and path of everything in a directory but our temporary files; nothing if it is absent.
pub(super) fn children(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(dir) {
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        other => other?,
    };
    let mut children = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(TEMPORARY) {
            children.push((name, entry.path()));
        }
    }
    Ok(children)
}

/// Every file below the folder `folder` of `root`.
pub(super) fn walk(root: &Path, folder: &str) -> io::Result<Vec<Entry>> {
    let mut start = root.to_path_buf();
    let mut above = Vec::new();
    for segment in folder.split('/').filter(|s| !s.is_empty()) {
        above.extend(identity(&start));
        start.push(segment);
    }
    let mut entries = Vec::new();
    walk_into(&start, folder, &mut above, &mut entries)?;
    Ok(entries)
}

/// What tells a directory from every other.
fn identity(dir: &Path) -> Option<(u64, u64)> {
    fs::metadata(dir).ok().map(|m| (m.dev(), m.ino()))
}

/// Links are followed; one that leads nowhere, or back up, is listed itself.
fn walk_into(dir: &Path, folder: &str, above: &mut Vec<(u64, u64)>, entries: &mut Vec<Entry>) -> io::Result<()> {
    let Some(here) = identity(dir) else { return Ok(()) };
    above.push(here);
    for (name, path) in children(dir)? {
        let key = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let target = match fs::metadata(&path) {
            Ok(m) if m.is_dir() && !above.contains(&(m.dev(), m.ino())) => {
                walk_into(&path, &key, above, entries)?;
                continue;
            }
            Ok(m) if !m.is_dir() => m,
            _ => match fs::symlink_metadata(&path) {
                Ok(link) => link,
                Err(e) if e.kind() == ErrorKind::NotFound => continue, // removed just now
                Err(e) => return Err(e),
            },
        };
        entries.push(Entry { key, size: target.len(), modified: DateTime::<Utc>::from(target.modified()?) });
    }
    above.pop();
    Ok(())
}

/// Whether there is any file below `dir`.
pub(super) fn holds_a_key(dir: &Path) -> io::Result<bool> {
    for (_, path) in children(dir)? {
        if !path.is_dir() || holds_a_key(&path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The directory that holds `path`; `.` for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if p.as_os_str().is_empty() => Path::new("."),
        Some(p) => p,
        None => path,
    }
}

/// `path`, or the nearest directory above it that exists.
pub(super) fn nearest_existing(path: &Path) -> &Path {
    let mut at = path;
    while !at.exists() && parent(at) != at {
        at = parent(at);
    }
    at
}
