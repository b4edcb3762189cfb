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

/// One line of the gateway's record.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Request {
    /// Path and query.
    pub(crate) target: String,
    /// 0: no answer.
    pub(crate) status: u16,
    /// When it came in.
    pub(crate) at_ms: f64,
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
        Self::up_with(options, &[])
    }

    /// Starts a stack whose programs see these variables too.
    pub(crate) fn up_with(options: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let output = Command::new(script())
            .arg("up")
            .args(options)
            .envs(variables.iter().copied())
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
        let mut curl = Command::new("curl")
            .args(["-sS", "--fail-with-body", "-X", method, "--data-binary", "@-", &url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut input = curl.stdin.take().context("curl has no input")?;
        std::io::Write::write_all(&mut input, body.as_bytes())?;
        drop(input);
        let output = curl.wait_with_output()?;
        succeeded(&format!("{method} {path}: {}", String::from_utf8_lossy(&output.stdout)), output)
    }

    /// Plans faults; each must have been hit by the time [`Stack::faults_hit`] is asked.
    pub(crate) fn faults(&self, rules: &serde_json::Value) -> Result<()> {
        self.control("POST", "/faults", &rules.to_string()).map(drop)
    }

    /// Drops the planned faults.
    pub(crate) fn no_faults(&self) -> Result<()> {
        self.control("DELETE", "/faults", "").map(drop)
    }

    /// Records requests from now on.
    pub(crate) fn start_log(&self) -> Result<()> {
        self.control("PUT", "/log", "")?;
        self.control("DELETE", "/log", "").map(drop)
    }

    /// The requests since [`Stack::start_log`], in the order in which they came in.
    pub(crate) fn log(&self) -> Result<Vec<Request>> {
        let mut log: Vec<Request> = serde_json::from_str(&self.control("GET", "/log", "")?)?;
        log.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
        Ok(log)
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
