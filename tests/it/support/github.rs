//! GitHub for tests: one server for all of them, and for each test a repository of its own. What the server
//! does, and where it differs from GitHub: `tests/stack/github/README.md`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::parts::{KEEPER, install};

/// Its addresses, without a slash at the end.
#[derive(Debug, Deserialize)]
pub(crate) struct GitHub {
    /// The REST API, as `GITHUB_API_URL` has it. With `/api/v3` behind it: that of an Enterprise Server.
    pub(crate) api: String,
    /// Where assets are uploaded; `upload_url` of a release tells it.
    pub(crate) uploads: String,
    /// The runner's service, as `ACTIONS_RESULTS_URL` has it.
    pub(crate) results: String,
    control: String,
    /// Its shell ends it when nobody holds this any more.
    #[serde(skip)]
    _child: Option<Child>,
}

/// A repository of one test. When it is dropped, every request must have been as GitHub's description has it:
/// a test that sends wrong ones takes them away with [`Repo::violations`].
#[derive(Debug)]
pub(crate) struct Repo {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) made: Made,
    server: &'static GitHub,
}

/// What the server made with it.
#[derive(Debug, Deserialize)]
pub(crate) struct Made {
    /// May do everything, unless the test wants less.
    pub(crate) token: String,
    /// The run that the runner's service knows; its number in the REST API.
    pub(crate) run_id: u64,
    /// `ACTIONS_RUNTIME_TOKEN` of that run.
    pub(crate) runtime_token: String,
}

/// A request that came in for a repository.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    /// `api`, `uploads`, `signed` or `results`.
    pub(crate) host: String,
    pub(crate) method: String,
    /// The path without the query, and without an Enterprise Server's prefix.
    pub(crate) path: String,
    pub(crate) query: Value,
    /// Names in lower case.
    pub(crate) headers: Value,
    #[serde(default)]
    pub(crate) body: Value,
    /// 0: no answer.
    pub(crate) status: u16,
}

impl GitHub {
    /// The server of all tests; the first to ask starts it.
    pub(crate) fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<GitHub, String>> = OnceLock::new();
        let server = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        server.as_ref().map_err(|why| anyhow::anyhow!("GitHub for tests: {why}"))
    }

    fn start() -> Result<Self> {
        let parts = install(&["azurite", "github"])?.join("github");
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack/github/server.mjs");
        let mut child = Command::new("bash")
            .args(["-c", KEEPER, "keeper", "node"])
            .args([&server, &parts])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting node")?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut said)?;
        let server: Self = serde_json::from_str(&said).context("it did not say where it listens")?;
        Ok(Self { _child: Some(child), ..server })
    }

    /// A private repository whose token may do everything.
    pub(crate) fn repo(&'static self) -> Result<Repo> {
        self.repo_with(json!({}))
    }

    /// A repository with other settings: see the README.
    pub(crate) fn repo_with(&'static self, mut settings: Value) -> Result<Repo> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let (owner, name) = ("octo-org".to_owned(), format!("app-{}", NUMBER.fetch_add(1, Ordering::SeqCst)));
        (settings["owner"], settings["repo"]) = (json!(owner), json!(name));
        let made = serde_json::from_value(self.control("POST", "/repos", &settings)?)?;
        Ok(Repo { owner, name, made, server: self })
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut curl = Command::new("curl")
            .args(["-sS", "--fail-with-body", "-X", method, "--data-binary", "@-", &format!("{}{path}", self.control)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        curl.stdin.take().context("curl has no input")?.write_all(body.to_string().as_bytes())?;
        let output = curl.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "{method} {path}: {text}{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_str(&text)?)
    }
}

impl Repo {
    /// `OWNER/NAME`, as `GITHUB_REPOSITORY` has it.
    pub(crate) fn full(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// An address of the REST API below the repository: `repo.url("/issues")`.
    pub(crate) fn url(&self, rest: &str) -> String {
        format!("{}/repos/{}{rest}", self.server.api, self.full())
    }

    fn ask(&self, method: &str, rest: &str, body: &Value) -> Result<Value> {
        self.server.control(method, &format!("/repos/{}{rest}", self.full()), body)
    }

    /// Changes settings: `{"visibility": "public"}`, `{"permissions": {"issues": "read"}}`, …
    pub(crate) fn set(&self, settings: &Value) -> Result<()> {
        self.ask("PATCH", "", settings).map(drop)
    }

    /// One more token, with these permissions alone.
    pub(crate) fn token(&self, permissions: &Value) -> Result<String> {
        let made = self.ask("POST", "/tokens", &json!({"permissions": permissions}))?;
        Ok(made["token"].as_str().context("no token")?.to_owned())
    }

    /// Plans faults: see `tests/stack/github/faults.mjs`.
    pub(crate) fn faults(&self, rules: &Value) -> Result<()> {
        self.ask("POST", "/faults", rules).map(drop)
    }

    /// How often each planned fault was hit.
    pub(crate) fn faults_hit(&self) -> Result<Vec<u64>> {
        let rules: Vec<Value> = serde_json::from_value(self.ask("GET", "/faults", &Value::Null)?)?;
        Ok(rules.iter().map(|rule| rule["hit"].as_u64().unwrap_or(0)).collect())
    }

    /// Puts one of `issues`, `workflows`, `runs`, `commits` or `artifacts` there.
    pub(crate) fn put(&self, kind: &str, one: &Value) -> Result<Value> {
        self.ask("POST", &format!("/{kind}"), one)
    }

    /// What came in so far.
    pub(crate) fn requests(&self) -> Result<Vec<Request>> {
        Ok(serde_json::from_value(self.ask("GET", "/requests", &Value::Null)?)?)
    }

    /// Everything that the repository holds: `issues`, `comments`, `labels`, `releases`, `artifacts`, …
    pub(crate) fn state(&self) -> Result<Value> {
        self.ask("GET", "/state", &Value::Null)
    }

    /// What was wrong with the requests so far; forgotten with this.
    pub(crate) fn violations(&self) -> Result<Vec<String>> {
        let all: Vec<Value> = serde_json::from_value(self.ask("GET", "/violations", &Value::Null)?)?;
        self.ask("DELETE", "/violations", &Value::Null)?;
        let told =
            |one: &Value| format!("{}: {}", one["on"].as_str().unwrap_or(""), one["what"].as_str().unwrap_or(""));
        Ok(all.iter().map(told).collect())
    }
}

impl Drop for Repo {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        match self.violations() {
            Ok(violations) => assert!(violations.is_empty(), "not as GitHub's description has it: {violations:#?}"),
            Err(error) => panic!("asking for violations: {error:#}"),
        }
    }
}
