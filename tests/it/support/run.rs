//! The real binary, in an environment that holds nothing but what the test gives.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use supabackup::model::Manifest;

use super::Stack;

/// The binary's path.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_supabackup");

/// One call of the binary.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Exit code; 128 + signal when a signal ended it.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Run {
    /// `supabackup ARGS` without any variable but PATH.
    pub(crate) fn new(args: &[&str]) -> Self {
        Self::program(BINARY, args)
    }

    /// Another program with nothing in its environment, to start the binary in a certain way.
    pub(crate) fn program(program: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        #[expect(clippy::disallowed_methods, reason = "the one variable that the scrubbed environment keeps")]
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command }
    }

    /// With the stack's address and secret key.
    #[must_use]
    pub(crate) fn on(mut self, stack: &Stack) -> Self {
        for key in ["SUPABASE_URL", "SUPABASE_SECRET_KEY", "SUPABASE_PROJECT_REF"] {
            self.command.env(key, stack.get(key));
        }
        // a stand-in for patience: the same retries, without the waiting
        self.env("SUPABACKUP_RETRY_DELAY", "20ms")
    }

    /// With one of the stack's access tokens, for its Management API.
    #[must_use]
    pub(crate) fn token(self, stack: &Stack, key: &str) -> Self {
        self.env("SUPABASE_ACCESS_TOKEN", stack.get(key))
            .env("SUPABACKUP_MANAGEMENT_URL", stack.get("STACK_MANAGEMENT_URL"))
    }

    /// More arguments.
    pub(crate) fn args(mut self, more: &[&str]) -> Self {
        self.command.args(more);
        self
    }

    /// One more variable.
    #[must_use]
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Snapshots go to, or are in, this directory.
    #[must_use]
    pub(crate) fn store(self, directory: &Path) -> Self {
        self.env("SUPABACKUP_STORE", directory)
    }

    /// In this working directory.
    #[must_use]
    pub(crate) fn inside(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// The call, to be started in another way.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Result<Child> {
        self.command.spawn().context("starting the binary")
    }

    /// Runs it to its end.
    pub(crate) fn go(self) -> Result<Ran> {
        finished(self.start()?)
    }

    /// Runs it to its end, which must have this exit code.
    pub(crate) fn expect(self, code: i32) -> Result<Ran> {
        let ran = self.go()?;
        ensure!(ran.code == code, "exit code {} instead of {code}\n{}\n{}", ran.code, ran.stdout, ran.stderr);
        Ok(ran)
    }
}

/// No call takes this long: one that does hangs, and is a failure.
const LONGEST: Duration = Duration::from_secs(120);

/// Waits for a started call.
pub(crate) fn finished(child: Child) -> Result<Ran> {
    let id = child.id().to_string();
    let (done, watched) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let hangs = watched.recv_timeout(LONGEST) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            let _ = Command::new("kill").args(["-s", "KILL", &id]).status();
        }
        hangs
    });
    let output = child.wait_with_output()?;
    drop(done);
    let hung = watch.join().unwrap_or(true);
    ensure!(!hung, "the call hung for {LONGEST:?}\n{}", String::from_utf8_lossy(&output.stderr));
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    let code = output.status.code().or(signal.map(|s| 128 + s)).unwrap_or(-1);
    Ok(Ran { code, stdout: String::from_utf8(output.stdout)?, stderr: String::from_utf8(output.stderr)? })
}

/// Folders of all snapshots in a store, with or without manifest.
pub(crate) fn snapshots(store: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !store.exists() {
        return Ok(found);
    }
    for project in std::fs::read_dir(store)? {
        for snapshot in std::fs::read_dir(project?.path())? {
            let path = snapshot?.path();
            // the lease of a run stands beside them
            if path.file_name().is_some_and(|name| name != "lease") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The manifest of a snapshot's folder.
pub(crate) fn manifest(snapshot: &Path) -> Result<Manifest> {
    Ok(Manifest::parse(&std::fs::read(snapshot.join("manifest.json"))?)?)
}

/// The only snapshot in a store: its folder and manifest.
pub(crate) fn only_snapshot(store: &Path) -> Result<(PathBuf, Manifest)> {
    let all = snapshots(store)?;
    ensure!(all.len() == 1, "{} snapshots instead of one", all.len());
    Ok((all[0].clone(), manifest(&all[0])?))
}
