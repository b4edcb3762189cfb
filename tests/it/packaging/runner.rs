//! The steps of a workflow, run as GitHub's runner runs them: `run:` in bash, the action through the mapping
//! of its own `action.yml`, with the real binary in an environment that holds nothing else. By the runner's
//! source (`ContainerActionHandler`, `FileCommandManager`): a variable of the job goes before one of `runs.env`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::expression::{fill, holds};
use super::{root, text_of, yaml};
use crate::support::Run;
use crate::support::run::Ran;

/// A machine that runs jobs.
pub(crate) struct Runner {
    folder: tempfile::TempDir,
    contexts: Value,
    /// What stands in the workflow, and what it is on this machine.
    here: Vec<(String, String)>,
    /// Programs that stand in for those of GitHub's machines, before all others in `PATH`.
    programs: PathBuf,
    more: Vec<(String, String)>,
}

/// A step and what came of it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) ran: Ran,
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) summary: String,
}

/// What came of a job: its steps that ran, and whether one failed.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) succeeded: bool,
}

impl Job {
    /// The step that used the action, or whose name begins so.
    pub(crate) fn step(&self, name: &str) -> Result<&Step> {
        let found = self.steps.iter().find(|step| step.name.starts_with(name));
        found.with_context(|| format!("no step {name} in {self:?}"))
    }
}

type Variables = BTreeMap<String, String>;

impl Runner {
    /// With these values in the contexts `vars` and `secrets`, and `inputs` as typed by the person who started it.
    pub(crate) fn new(vars: &[(&str, &str)], secrets: &[(&str, &str)], inputs: &[(&str, &str)]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["workspace", "temp", "programs", "home"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let object = |pairs: &[(&str, &str)]| -> Map<String, Value> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
        };
        let contexts = json!({
            "vars": object(vars),
            "secrets": object(secrets),
            "inputs": object(inputs),
            "github": {
                "token": "ghs_TheTokenOfTheJob0123456789", "repository": "acme/shop", "ref": "refs/heads/main",
                "event_name": "schedule", "workspace": folder.path().join("workspace"),
            },
            "runner": {"temp": folder.path().join("temp"), "arch": "X64", "os": "Linux"},
            "env": {}, "needs": {},
        });
        let programs = folder.path().join("programs");
        Ok(Self { folder, contexts, here: Vec::new(), programs, more: Vec::new() })
    }

    /// What a workflow calls so is that on this machine: the address of a service, say.
    pub(crate) fn here(mut self, there: &str, here: &str) -> Self {
        self.here.push((there.to_owned(), here.to_owned()));
        self
    }

    /// A variable that the machine has before the job begins.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// Runs every job of a workflow whose needs are met, in the order in which they stand.
    pub(crate) fn workflow(&mut self, file: &str) -> Result<Vec<Job>> {
        let workflow = yaml(file)?;
        let mut done = Vec::new();
        for (name, job) in workflow["jobs"].as_object().context("no jobs")? {
            let needs = match &job["needs"] {
                Value::Array(names) => names.clone(),
                Value::Null => Vec::new(),
                name => vec![name.clone()],
            };
            let met = needs.iter().all(|name| self.contexts["needs"][text_of(name)]["result"] == "success");
            self.contexts["job"] = json!({"status": if met { "success" } else { "failure" }});
            if !holds(job["if"].as_str().unwrap_or("success()"), &self.contexts)? {
                continue;
            }
            let ran = self.job(name, &workflow["env"], job).with_context(|| format!("{file}: job {name}"))?;
            let result = if ran.succeeded { "success" } else { "failure" };
            self.contexts["needs"][name.as_str()] = json!({"result": result, "outputs": {}});
            done.push(ran);
        }
        Ok(done)
    }

    fn job(&mut self, name: &str, env: &Value, job: &Value) -> Result<Job> {
        self.contexts["steps"] = json!({});
        self.contexts["job"] = json!({"status": "success"});
        let mut variables = Variables::new();
        self.add(&mut variables, env)?;
        self.add(&mut variables, &job["env"])?;
        let mut steps = Vec::new();
        for step in job["steps"].as_array().context("no steps")? {
            self.contexts["env"] = json!(variables);
            if !holds(step["if"].as_str().unwrap_or("success()"), &self.contexts)? {
                continue;
            }
            let mut own = variables.clone();
            self.add(&mut own, &step["env"])?;
            let Some(ran) = self.step(step, own, &mut variables)? else { continue };
            let outcome = if ran.ran.code == 0 { "success" } else { "failure" };
            if let Some(id) = step["id"].as_str() {
                self.contexts["steps"][id] = json!({"outputs": ran.outputs, "outcome": outcome});
            }
            if ran.ran.code != 0 && step["continue-on-error"] != true {
                self.contexts["job"]["status"] = json!("failure");
            }
            steps.push(ran);
        }
        Ok(Job { name: name.to_owned(), steps, succeeded: self.contexts["job"]["status"] == "success" })
    }

    fn add(&self, variables: &mut Variables, env: &Value) -> Result<()> {
        for (name, value) in env.as_object().into_iter().flatten() {
            variables.insert(name.clone(), fill(&text_of(value), &self.contexts)?);
        }
        Ok(())
    }

    fn step(&self, step: &Value, mut env: Variables, job: &mut Variables) -> Result<Option<Step>> {
        let name = step["name"].as_str().or(step["uses"].as_str()).or(step["run"].as_str()).unwrap_or_default();
        let files = ["output", "step_summary", "env", "path", "state"];
        let files = files.map(|name| (name, self.folder.path().join("temp").join(format!("file_{name}"))));
        for (_, file) in &files {
            std::fs::write(file, "")?;
        }
        let run = if let Some(script) = step["run"].as_str() {
            let path = self.folder.path().join("temp/script.sh");
            std::fs::write(&path, self.translated(&fill(script, &self.contexts)?))?;
            let bash: &[&str] =
                if step["shell"] == "bash" { &["--noprofile", "--norc", "-eo", "pipefail"] } else { &["-e"] };
            Run::program("bash", bash).args(&[path.to_str().context("an odd path")?])
        } else {
            let uses = step["uses"].as_str().context("a step that does nothing")?;
            match uses.split('@').next() {
                // nothing of the repository is needed here but what the test puts there
                Some("actions/checkout") => return Ok(None),
                Some("supabackup/supabackup") => self.action(&step["with"], &mut env)?,
                _ => bail!("nothing stands in for {uses}"),
            }
        };
        let mut run = run.inside(&self.workspace());
        for (name, value) in &self.more {
            env.insert(name.clone(), value.clone());
        }
        for (name, file) in &files {
            env.insert(format!("GITHUB_{}", name.to_uppercase()), file.to_string_lossy().into_owned());
        }
        for (name, context) in [("REPOSITORY", "repository"), ("REF", "ref"), ("EVENT_NAME", "event_name")] {
            env.insert(format!("GITHUB_{name}"), text_of(&self.contexts["github"][context]));
        }
        for (name, value) in
            [("CI", "true"), ("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "1"), ("RUNNER_OS", "Linux")]
        {
            env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        env.insert("HOME".to_owned(), self.folder.path().join("home").to_string_lossy().into_owned());
        env.insert("RUNNER_TEMP".to_owned(), self.folder.path().join("temp").to_string_lossy().into_owned());
        env.insert("GITHUB_WORKSPACE".to_owned(), self.workspace().to_string_lossy().into_owned());
        #[expect(clippy::disallowed_methods, reason = "the one variable that the scrubbed environment keeps")]
        let path = std::env::var("PATH")?;
        run = run.env("PATH", format!("{}:{path}", self.programs.display()));
        for (name, value) in &env {
            run = run.env(name, self.translated(value));
        }
        let ran = run.go().with_context(|| name.to_owned())?;
        let read = |wanted: &str| -> Result<String> {
            let (_, file) = files.iter().find(|(name, _)| *name == wanted).context("no such file")?;
            Ok(std::fs::read_to_string(file)?)
        };
        job.extend(assignments(&read("env")?)?);
        let (outputs, summary) = (assignments(&read("output")?)?, read("step_summary")?);
        Ok(Some(Step { name: name.to_owned(), ran, outputs, summary }))
    }

    /// The binary, called as `action.yml` says.
    fn action(&self, with: &Value, env: &mut Variables) -> Result<Run> {
        let action = yaml("action.yml")?;
        let declared = action["inputs"].as_object().context("no inputs")?;
        let mut inputs = Map::new();
        for (name, input) in declared {
            inputs.insert(name.clone(), json!(fill(&text_of(&input["default"]), &self.contexts)?));
        }
        for (name, value) in with.as_object().into_iter().flatten() {
            ensure!(inputs.contains_key(name), "the action has no input {name}");
            inputs.insert(name.clone(), json!(fill(&text_of(value), &self.contexts)?));
        }
        for (name, value) in &inputs {
            env.insert(format!("INPUT_{}", name.replace(' ', "_").to_uppercase()), text_of(value));
        }
        let contexts = json!({ "inputs": inputs });
        for (name, value) in action["runs"]["env"].as_object().into_iter().flatten() {
            let value = fill(&text_of(value), &contexts)?;
            env.entry(name.clone()).or_insert(value);
        }
        let arguments = action["runs"]["args"].as_array().context("no arguments")?;
        let arguments: Vec<String> =
            arguments.iter().map(|text| fill(&text_of(text), &contexts)).collect::<Result<_>>()?;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        Ok(Run::new(&arguments))
    }

    fn translated(&self, text: &str) -> String {
        self.here.iter().fold(text.to_owned(), |text, (there, here)| text.replace(there, here))
    }
}

/// `NAME=value` and `NAME<<END … END` lines, by the rules of the runner.
pub(crate) fn assignments(file: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut lines = file.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        let (name, value) = match (equals, heredoc) {
            (Some(at), before) if before.is_none_or(|before| at < before) => (&line[..at], line[at + 1..].to_owned()),
            (_, Some(at)) => {
                let end = &line[at + 2..];
                ensure!(at > 0 && !end.is_empty(), "cannot read {line:?}");
                let mut value = Vec::new();
                loop {
                    match lines.next() {
                        Some(next) if next == end => break,
                        Some(next) => value.push(next),
                        None => bail!("no {end:?} ends {line:?}"),
                    }
                }
                (&line[..at], value.join("\n"))
            }
            _ => bail!("cannot read {line:?}"),
        };
        ensure!(!name.is_empty(), "no name in {line:?}");
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

/// The workflows that users copy.
pub(crate) fn ready_workflows() -> Result<Vec<String>> {
    workflows_in("docs/workflows")
}

/// Every workflow of a folder of the repository.
pub(crate) fn workflows_in(folder: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join(folder))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "yml") {
            files.push(format!("{folder}/{name}"));
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "no workflows in {folder}");
    Ok(files)
}
