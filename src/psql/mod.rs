//! A PostgreSQL server, through the program `psql`. What is asked goes through its standard input and what
//! libpq needs through its environment, which holds nothing else: no command line shows a name, a value or
//! a password. What it complains about is told without values of rows.

mod running;
mod said;

use std::collections::HashMap;
use std::io::ErrorKind;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::ExposeSecret;

use crate::error::Failure;
use crate::model::ServerAddress;

use running::Pipes;
pub use running::{Held, Running};
pub use said::{Problem, Said};

/// A server, and every `psql` that talks to it now. Clones are the same.
#[derive(Debug, Clone)]
pub struct Psql {
    address: Arc<ServerAddress>,
    running: Arc<Mutex<Children>>,
}

#[derive(Debug, Default)]
struct Children {
    next: u64,
    alive: HashMap<u64, Child>,
    stopped: bool,
}

/// How a script is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All or nothing, in one transaction; the first complaint ends it.
    Whole,
    /// Statement by statement; the first complaint ends it.
    Strict,
    /// Statement by statement, whatever the server complains about.
    Onward,
}

impl Psql {
    /// Nothing is started yet.
    pub fn new(address: &ServerAddress) -> Self {
        Self { address: Arc::new(address.clone()), running: Arc::default() }
    }

    /// The address.
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// Another hand on the same server, which [`Psql::stop`] of this one does not reach.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { address: Arc::clone(&self.address), running: Arc::default() }
    }

    /// Ends every `psql` now, and starts none any more.
    pub fn stop(&self) {
        let mut children = locked(&self.running);
        children.stopped = true;
        for child in children.alive.values_mut() {
            // it may have ended by itself
            let _ = child.kill();
        }
    }

    /// Starts one that reads a script.
    pub fn start(&self, database: &str, mode: Mode) -> Result<Running, Failure> {
        let (id, pipes) = self.spawn(database, mode)?;
        Ok(Running::new(self.clone(), id, pipes))
    }

    fn spawn(&self, database: &str, mode: Mode) -> Result<(u64, Pipes), Failure> {
        let mut command = Command::new("psql");
        command.env_clear().envs(self.address.variables.iter().map(|(name, value)| (name, value)));
        command.envs(self.address.path.iter().map(|path| ("PATH", path)));
        command.envs([
            ("PGDATABASE", database),
            ("PGAPPNAME", "supabackup"),
            ("PGCLIENTENCODING", "UTF8"),
            ("LC_ALL", "C"),
        ]);
        let given =
            |name: &str| self.address.variables.iter().find(|(known, _)| *known == name).map(|(_, v)| v.as_str());
        command.env("PGCONNECT_TIMEOUT", given("PGCONNECT_TIMEOUT").unwrap_or("15"));
        // a notice in another language could not be told from an error
        command.env("PGOPTIONS", format!("{} -c client_min_messages=error", given("PGOPTIONS").unwrap_or_default()));
        if let Some(password) = &self.address.password {
            command.env("PGPASSWORD", password.expose_secret());
        }
        // -w: a password is never asked for
        command.args(["-X", "-q", "-A", "-t", "-w", "-v", "VERBOSITY=verbose", "-v", "SHOW_CONTEXT=never"]);
        command.args(["-F", FIELD, "-R", RECORD]);
        match mode {
            Mode::Whole => drop(command.args(["-1", "-v", "ON_ERROR_STOP=1"])),
            Mode::Strict => drop(command.args(["-v", "ON_ERROR_STOP=1"])),
            Mode::Onward => {}
        }
        command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut children = locked(&self.running);
        if children.stopped {
            return Err(Failure::failed("running psql: stopped"));
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => Failure::failed("running psql: there is no such program here")
                .hint("install PostgreSQL's client (Debian and Ubuntu: apt-get install postgresql-client)"),
            _ => Failure::failed(format!("running psql: {error}")),
        })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let id = children.next;
        children.next += 1;
        children.alive.insert(id, child);
        Ok((id, pipes))
    }

    /// Runs a script to its end.
    pub async fn run(&self, database: &str, mode: Mode, script: String) -> Result<Said, Failure> {
        let mut running = self.start(database, mode)?;
        running.feed(std::io::Cursor::new(script)).await?;
        running.end().await
    }

    /// Runs a script that must not fail, and gives what it prints.
    pub async fn ask(&self, database: &str, what: &str, script: String) -> Result<String, Failure> {
        let said = self.run(database, Mode::Strict, script).await?;
        match said.problem() {
            None => Ok(said.stdout),
            Some(problem) => Err(Failure::failed(format!("{what}: {}", problem.message))),
        }
    }

    /// Runs a statement in a session that lives as long as what is given back.
    pub async fn hold(&self, database: &str, statement: &str) -> Result<Held, Failure> {
        Held::begin(self, database, statement).await
    }

    /// Takes note that one has ended, and how.
    fn ended(&self, id: u64) -> std::io::Result<Option<i32>> {
        let child = locked(&self.running).alive.remove(&id);
        child.map_or(Ok(None), |mut child| child.wait().map(|status| status.code()))
    }

    fn kill(&self, id: u64) {
        if let Some(child) = locked(&self.running).alive.get_mut(&id) {
            let _ = child.kill();
        }
    }

    /// A text without the password.
    fn cleaned(&self, text: &str) -> String {
        match &self.address.password {
            Some(password) if !password.expose_secret().is_empty() => text.replace(password.expose_secret(), "***"),
            _ => text.to_owned(),
        }
    }
}

/// Between the fields of what is printed: in no name that anybody gives.
pub const FIELD: &str = "\u{1f}";
/// Between its records.
pub const RECORD: &str = "\u{1e}";

fn locked(children: &Mutex<Children>) -> MutexGuard<'_, Children> {
    children.lock().unwrap_or_else(PoisonError::into_inner)
}
