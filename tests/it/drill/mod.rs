//! The restore drill: a snapshot is loaded into a PostgreSQL that knows nothing of Supabase, compared, and the result is
//! recorded where the watch finds it.

mod ends;
mod whole;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::support::run::{Ran, snapshots};
use crate::support::{Run, Stack};

/// How the password of a server begins that is restored into: it must stand nowhere.
const PASSWORD: &str = "drill-Zq8wKv3R-sentinel";

/// A server without anything of Supabase.
struct Plain<'a> {
    stack: &'a Stack,
    /// `127.0.0.1:5432`
    host: String,
    /// Its own, because other tests give theirs where none belongs.
    password: String,
}

static SERVERS: AtomicU32 = AtomicU32::new(0);

impl<'a> Plain<'a> {
    fn of(stack: &'a Stack) -> Result<Self> {
        let password = format!("{PASSWORD}-{:03}", SERVERS.fetch_add(1, Ordering::Relaxed));
        let printed = stack.script("plain", &[&password])?;
        let host = printed.lines().find_map(|line| line.strip_prefix("STACK_PLAIN=")).context(printed.clone())?;
        Ok(Self { stack, host: host.to_owned(), password })
    }

    fn url(&self) -> String {
        format!("postgres://postgres:{}@{}/postgres", self.password, self.host)
    }

    /// What a superuser of the server sees.
    fn sql(&self, sql: &str) -> Result<String> {
        self.sql_in("postgres", sql)
    }

    fn sql_in(&self, database: &str, sql: &str) -> Result<String> {
        let output = Command::new("psql")
            .args([
                "-XqAt",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &format!("postgres://postgres@{}/{database}", self.host),
                "-c",
                sql,
            ])
            .env("PGPASSWORD", &self.password)
            .stdin(Stdio::null())
            .output()?;
        ensure!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Databases of drills, and roles that were made for them.
    fn left(&self) -> Result<String> {
        self.sql(
            "SELECT datname FROM pg_database WHERE datname LIKE 'supabackup%' \
             UNION ALL SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'",
        )
    }

    /// A drill with the newest snapshot of the store.
    fn drill(&self, store: &Path, more: &[&str]) -> Run {
        let arguments: Vec<&str> = ["verify"].iter().chain(more).copied().collect();
        Run::new(&arguments).store(store).env("SUPABACKUP_RESTORE_INTO", self.url())
    }

    /// One that must end like this and leave nothing on the server. Gives its report.
    fn drilled(&self, store: &Path, more: &[&str], code: i32) -> Result<Value> {
        let arguments: Vec<&str> = ["--json"].iter().chain(more).copied().collect();
        let ran = self.drill(store, &arguments).expect(code)?;
        silent(&ran)?;
        ensure!(self.left()?.trim().is_empty(), "left: {}", self.left()?);
        Ok(serde_json::from_str(&ran.stdout)?)
    }

    /// A backup of the stack, with its schema.
    fn back_up(&self, store: &Path, more: &[&str]) -> Result<PathBuf> {
        let arguments: Vec<&str> = ["backup"].iter().chain(more).copied().collect();
        let run = Run::new(&arguments).on(self.stack).token(self.stack, "STACK_TOKEN_READ");
        let ran = run.store(store).expect(0)?;
        let id = ran.stdout.trim().to_owned();
        snapshots(store)?.into_iter().find(|path| path.ends_with(&id)).context(id)
    }
}

/// Nobody learns the password.
fn silent(ran: &Ran) -> Result<()> {
    ensure!(!ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD), "the password is shown: {ran:?}");
    Ok(())
}

/// The findings of these codes.
fn found<'r>(report: &'r Value, code: &str) -> Vec<&'r Value> {
    report["findings"].as_array().into_iter().flatten().filter(|f| f["code"] == code).collect()
}

/// The newest record of a drill beside a snapshot.
fn record(snapshot: &Path) -> Result<Value> {
    let mut names: Vec<PathBuf> =
        std::fs::read_dir(snapshot.join("verified"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    names.retain(|path| path.to_string_lossy().ends_with("-restored.json"));
    names.sort();
    Ok(serde_json::from_slice(&std::fs::read(names.last().context("no record")?)?)?)
}

/// When restoring was proven last, as `list` and so the watch has it.
fn restored(store: &Path) -> Result<Option<String>> {
    let listed: Value = serde_json::from_str(&Run::new(&["list", "--json"]).store(store).expect(0)?.stdout)?;
    Ok(listed[0]["restored"].as_str().map(str::to_owned))
}
