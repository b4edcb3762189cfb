//! Sealed snapshots: nobody without a key reads a row, everybody with one does, with this program and
//! with the stock `age` alone.

mod by_hand;
mod names;
mod reading;
mod restoring;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::support::{Run, Stack};

/// A passphrase that stands nowhere else.
const PASSPHRASE: &str = "correct-horse-Qz7-battery staple";

/// Keys of every kind, made by the programs that people make them with.
pub(crate) struct Keys {
    directory: tempfile::TempDir,
}

/// One key: where its private half is, and the text of its public half.
pub(crate) struct Key {
    pub(crate) file: PathBuf,
    pub(crate) public: String,
}

impl Keys {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { directory: tempfile::tempdir()? })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `age-keygen`.
    pub(crate) fn age(&self, name: &str) -> Result<Key> {
        let file = self.file(name);
        run(Command::new("age-keygen").arg("-o").arg(&file))?;
        let public = run(Command::new("age-keygen").arg("-y").arg(&file))?.trim().to_owned();
        Ok(Key { file, public })
    }

    /// `ssh-keygen`, of the kind `ed25519` or `rsa`.
    fn ssh(&self, kind: &str) -> Result<Key> {
        let file = self.file(kind);
        run(Command::new("ssh-keygen")
            .args(["-q", "-t", kind, "-N", "", "-C", "somebody@somewhere", "-f"])
            .arg(&file))?;
        let public = std::fs::read_to_string(file.with_extension("pub"))?.trim().to_owned();
        Ok(Key { file, public })
    }
}

impl Key {
    pub(crate) fn path(&self) -> &str {
        self.file.to_str().unwrap_or_default()
    }
}

fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// `backup`, sealed to these public keys.
fn back_up(stack: &Stack, store: &Path, recipients: &[&Key]) -> Run {
    let mut arguments = vec!["backup"];
    recipients.iter().for_each(|key| arguments.extend(["--recipient", &key.public]));
    Run::new(&arguments).on(stack).store(store)
}

/// Runs SQL that makes tables, and waits until the API shows them.
fn make(stack: &Stack, sql: &str) -> Result<()> {
    stack.sql(&format!("SET ROLE postgres; {sql}"))?;
    stack.script("restart-postgrest", &[]).map(drop)
}

/// Every file below a directory.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    found.sort();
    Ok(found)
}

/// Whether a text stands in these bytes, or in what they decompress to.
fn holds(bytes: &[u8], text: &str) -> bool {
    let there = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    there(bytes) || zstd::stream::decode_all(bytes).is_ok_and(|raw| there(&raw))
}
