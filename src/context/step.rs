//! The step of a workflow that this process may be: where its runner wants what, and what it is handed at the end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::StepReport;

/// A step of a workflow on GitHub, or on something that says it is. All copies are the same step.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Markdown that is appended to this file is shown on the job's page.
    pub summary: Option<PathBuf>,
    /// Values that are appended to this file are the step's outputs.
    pub output: Option<PathBuf>,
    /// Where the steps of the job work.
    pub workspace: Option<PathBuf>,
    handed: Arc<Mutex<Handed>>,
}

/// What the runner is told at the end, and what of it is wanted.
#[derive(Debug, Clone)]
pub struct Handed {
    /// What the command came to.
    pub report: StepReport,
    /// Whether findings become annotations.
    pub annotates: bool,
    /// Whether a summary is written.
    pub sums_up: bool,
}

impl Default for Handed {
    fn default() -> Self {
        Self { report: StepReport::default(), annotates: true, sums_up: true }
    }
}

impl Step {
    /// `None`: no runner reads along.
    pub fn read(vars: &[(OsString, OsString)]) -> Option<Self> {
        let value = |name: &str| vars.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let path = |name: &str| value(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        value("GITHUB_ACTIONS").filter(|value| *value == "true")?;
        Some(Self {
            summary: path("GITHUB_STEP_SUMMARY"),
            output: path("GITHUB_OUTPUT"),
            workspace: path("GITHUB_WORKSPACE"),
            handed: Arc::default(),
        })
    }

    /// What is wanted is a setting, which is known later.
    pub fn wants(&self, annotations: bool, summary: bool) {
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        (handed.annotates, handed.sums_up) = (annotations, summary);
    }

    /// What the command came to. It is told at the end; the last report stands.
    pub fn hand_over(&self, report: StepReport) {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).report = report;
    }

    /// What was handed over.
    pub fn handed(&self) -> Handed {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The path as other steps know it: the workspace is mounted elsewhere in a container.
    pub fn path(&self, path: &Path) -> PathBuf {
        let inside = self.workspace.as_deref().and_then(|workspace| path.strip_prefix(workspace).ok());
        let path = inside.unwrap_or(path);
        path.strip_prefix(".").unwrap_or(path).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(vars: &[(&str, &str)]) -> Option<Step> {
        let vars: Vec<_> = vars.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
        Step::read(&vars)
    }

    #[test]
    fn only_a_runner_makes_a_step() {
        assert!(step(&[("CI", "true"), ("GITHUB_OUTPUT", "/x")]).is_none());
        assert!(step(&[("GITHUB_ACTIONS", "false")]).is_none());
        let found = step(&[("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", "/x"), ("GITHUB_STEP_SUMMARY", "")]);
        let found = found.map(|step| (step.output, step.summary));
        assert_eq!(found, Some((Some(PathBuf::from("/x")), None)));
    }

    #[test]
    fn other_steps_know_a_path_from_the_workspace() {
        let step = Step { workspace: Some(PathBuf::from("/github/workspace")), ..Step::default() };
        for (path, known) in [("/github/workspace/a/b", "a/b"), ("a/b", "a/b"), ("./a", "a"), ("/else/b", "/else/b")] {
            assert_eq!(step.path(Path::new(path)), Path::new(known));
        }
    }
}
