//! One `psql` that runs: it is fed, and read to its end.

use std::io::{self, ErrorKind, Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::thread::{self, JoinHandle};

use crate::error::Failure;
use crate::psql::{Mode, Psql, Said};

pub(super) type Pipes = (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>);

/// What it prints is read while it is fed, so that neither waits for the other.
#[derive(Debug)]
pub struct Running {
    psql: Psql,
    id: u64,
    stdin: Option<ChildStdin>,
    readers: Option<[JoinHandle<io::Result<Vec<u8>>>; 2]>,
}

/// Bytes that are handed over at once.
const CHUNK: usize = 256 << 10;

impl Running {
    pub(super) fn new(psql: Psql, id: u64, (stdin, stdout, stderr): Pipes) -> Self {
        Self { psql, id, stdin, readers: Some([reader(stdout), reader(stderr)]) }
    }

    /// Hands a text over. That it is not read to its end is no error here: the end tells why. A text that cannot be
    /// read ends the program at once, so that nothing half is kept.
    pub async fn feed(&mut self, mut from: impl Read + Send + 'static) -> Result<(), Failure> {
        let Some(mut stdin) = self.stdin.take() else { return Ok(()) };
        let work = move || {
            let mut buffer = vec![0; CHUNK];
            loop {
                match from.read(&mut buffer) {
                    Ok(0) => return Ok(Some(stdin)),
                    Ok(count) => match stdin.write_all(&buffer[..count]) {
                        Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(None),
                        Err(error) => return Err(Failure::failed(format!("writing to psql: {error}"))),
                        Ok(()) => {}
                    },
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(Failure::failed(format!("reading what is to be loaded: {error}"))),
                }
            }
        };
        let fed = tokio::task::spawn_blocking(work).await.map_err(|e| Failure::failed(format!("feeding psql: {e}")))?;
        match fed {
            Ok(stdin) => {
                self.stdin = stdin;
                Ok(())
            }
            Err(failure) => {
                self.psql.kill(self.id);
                Err(failure)
            }
        }
    }

    /// Waits for its end.
    pub async fn end(mut self) -> Result<Said, Failure> {
        drop(self.stdin.take());
        let (psql, id) = (self.psql.clone(), self.id);
        let readers = self.readers.take();
        let work = move || {
            let texts = readers.map(|readers| readers.map(JoinHandle::join));
            let text = |read: thread::Result<io::Result<Vec<u8>>>| match read {
                Ok(Ok(bytes)) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(io::Error::other("the thread that reads it stopped")),
            };
            let Some([stdout, stderr]) = texts else { return Err(io::Error::other("it was ended")) };
            Ok((text(stdout)?, text(stderr)?, psql.ended(id)?))
        };
        let failed = |error: &dyn std::fmt::Display| Failure::failed(format!("running psql: {error}"));
        let done = tokio::task::spawn_blocking(work).await.map_err(|e| failed(&e))?;
        let (stdout, stderr, code) = done.map_err(|e| failed(&e))?;
        let said = Said::new(stdout, &self.psql.cleaned(&stderr), code);
        match said.broken() {
            Some(why) => Err(unreachable(&self.psql, &why)),
            None => Ok(said),
        }
    }
}

/// What nobody waits for any more ends.
impl Drop for Running {
    fn drop(&mut self) {
        if self.readers.is_some() {
            drop(self.stdin.take());
            self.psql.kill(self.id);
            let _ = self.psql.ended(self.id);
        }
    }
}

fn unreachable(psql: &Psql, why: &str) -> Failure {
    Failure::failed(format!("asking the PostgreSQL server at {}: {why}", psql.address().shown()))
        .hint("see that it runs, and that SUPABACKUP_RESTORE_INTO names it, a user that may create databases, and the password")
}

fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes)).map(|_| bytes)
    })
}

/// A session that stays, with what it holds.
#[derive(Debug)]
pub struct Held {
    psql: Psql,
    id: u64,
    /// As long as it is open, the session is.
    stdin: Option<ChildStdin>,
}

/// What is printed once the statement was run.
const HELD: &str = "supabackup holds it";

impl Held {
    pub(super) async fn begin(psql: &Psql, database: &str, statement: &str) -> Result<Self, Failure> {
        let (id, (stdin, stdout, stderr)) = psql.spawn(database, Mode::Strict)?;
        let mut held = Self { psql: psql.clone(), id, stdin };
        let script = format!("{statement}\nSELECT '{HELD}';\n");
        let mut stdin = held.stdin.take();
        let work = move || {
            // one that has ended says why on the other pipe
            let _ = stdin.as_mut().map(|stdin| stdin.write_all(script.as_bytes()).and_then(|()| stdin.flush()));
            let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
            let mut stdout = stdout;
            while let Some(Ok(count @ 1..)) = stdout.as_mut().map(|pipe| pipe.read(&mut buffer)) {
                said.extend_from_slice(&buffer[..count]);
                if memchr::memmem::find(&said, HELD.as_bytes()).is_some() {
                    return Ok(stdin);
                }
            }
            drop(stdin);
            let mut why = String::new();
            // what is no text is not worth telling
            let _ = stderr.map(|mut pipe| pipe.read_to_string(&mut why));
            Err(why)
        };
        let done = tokio::task::spawn_blocking(work).await;
        match done.map_err(|e| Failure::failed(format!("running psql: {e}")))? {
            Ok(stdin) => {
                held.stdin = stdin;
                Ok(held)
            }
            Err(why) => {
                let said = Said::new(String::new(), &psql.cleaned(&why), Some(2));
                let why = said.broken().or_else(|| said.problem().map(|p| p.message.clone()));
                Err(unreachable(psql, why.as_deref().unwrap_or("it ended without a word")))
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.stdin.take());
        self.psql.kill(self.id);
        let _ = self.psql.ended(self.id);
    }
}
