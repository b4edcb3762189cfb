//! A local Supabase for one test, started and stopped through the project's own script.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};

/// Stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Stack {
    env: HashMap<String, String>,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack/stack")
}

fn succeeded(what: &str, output: Output) -> Result<String> {
    ensure!(output.status.success(), "{what}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

impl Stack {
    /// Starts a stack: `Stack::up(&["--data", "torture"])`.
    pub(crate) fn up(options: &[&str]) -> Result<Self> {
        let output = Command::new(script())
            .arg("up")
            .args(options)
            .stdin(Stdio::null())
            .output()
            .context("running the stack script")?;
        let printed = succeeded("stack up", output)?;
        let env = printed
            .lines()
            .filter_map(|l| l.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.trim_matches('\'').to_owned()))
            .collect();
        Ok(Self { env })
    }

    /// A value that the script printed.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.env.get(key).map_or("", String::as_str)
    }

    /// Another command of the script on this stack.
    pub(crate) fn script(&self, command: &str, more: &[&str]) -> Result<String> {
        let output =
            Command::new(script()).arg(command).arg(self.get("STACK_DIR")).args(more).stdin(Stdio::null()).output()?;
        succeeded(&format!("stack {command}"), output)
    }

    /// Runs SQL as the superuser on the project's database and returns what psql prints (`-At`).
    pub(crate) fn sql(&self, sql: &str) -> Result<String> {
        psql(self.get("STACK_DATABASE_URL"), sql)
    }

    /// One more, empty database in the cluster: the superuser's URL and that of role `postgres`.
    pub(crate) fn new_database(&self, name: &str) -> Result<(String, String)> {
        let printed = self.script("newdb", &[name])?;
        let url =
            |key: &str| printed.lines().find_map(|l| l.strip_prefix(key)).map(str::to_owned).context(printed.clone());
        Ok((url("STACK_DATABASE_URL=")?, url("STACK_POSTGRES_URL=")?))
    }

    /// PUT, POST, GET or DELETE on the gateway's control address.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let url = format!("{}{path}", self.get("STACK_GATEWAY_CONTROL"));
        let output = Command::new("curl")
            .args(["-sS", "--fail-with-body", "-X", method, "--data-binary", body, &url])
            .output()?;
        succeeded(&format!("{method} {path}: {}", String::from_utf8_lossy(&output.stdout)), output)
    }

    /// Plans faults; each must have been hit by the time [`Stack::faults_hit`] is asked.
    pub(crate) fn faults(&self, rules: &serde_json::Value) -> Result<()> {
        self.control("POST", "/faults", &rules.to_string()).map(drop)
    }

    /// How often each planned fault was hit.
    pub(crate) fn faults_hit(&self) -> Result<Vec<u64>> {
        let rules: Vec<serde_json::Value> = serde_json::from_str(&self.control("GET", "/faults", "")?)?;
        Ok(rules.iter().map(|r| r["hit"].as_u64().unwrap_or(0)).collect())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("down").arg(self.get("STACK_DIR")).stdin(Stdio::null()).output();
    }
}

/// Runs SQL on a database and returns what psql prints.
pub(crate) fn psql(url: &str, sql: &str) -> Result<String> {
    let output =
        Command::new("psql").args([url, "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql]).stdin(Stdio::null()).output()?;
    succeeded(sql, output)
}
