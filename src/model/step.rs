//! What a step of a workflow hands to its runner at the end.

use std::collections::BTreeMap;

use crate::model::Finding;

/// What needs a person, what is worth reading, and values for the steps after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StepReport {
    /// Each becomes an annotation: nothing that is expected.
    pub findings: Vec<Finding>,
    /// Markdown for the job's page; empty: there is nothing to read.
    pub summary: String,
    /// What the steps after it can use.
    pub outputs: BTreeMap<Output, String>,
}

impl StepReport {
    /// A report with this summary and these findings.
    pub fn new(summary: String, findings: impl IntoIterator<Item = Finding>) -> Self {
        Self { findings: findings.into_iter().collect(), summary, outputs: BTreeMap::new() }
    }

    /// With one more output.
    #[must_use]
    pub fn with(mut self, output: Output, value: impl ToString) -> Self {
        self.outputs.insert(output, value.to_string());
        self
    }
}

/// A value that the steps after this one can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Output {
    /// How it ended, in a word.
    State,
    /// The process's exit code.
    ExitCode,
    /// The folder of the project in the store.
    Project,
    /// The snapshot that was made, verified or restored.
    Snapshot,
    /// Tables of it.
    Tables,
    /// Rows of it.
    Rows,
    /// Bytes of it as stored.
    Bytes,
    /// How many things were annotated.
    Findings,
    /// How many of them are at error level.
    Errors,
    /// How many are at warning level.
    Warnings,
    /// Where the report for a browser is.
    Report,
    /// Where the dashboard is.
    Dashboard,
}

impl Output {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::State,
        Self::ExitCode,
        Self::Project,
        Self::Snapshot,
        Self::Tables,
        Self::Rows,
        Self::Bytes,
        Self::Findings,
        Self::Errors,
        Self::Warnings,
        Self::Report,
        Self::Dashboard,
    ];

    /// What a workflow calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::ExitCode => "exit-code",
            Self::Project => "project",
            Self::Snapshot => "snapshot",
            Self::Tables => "tables",
            Self::Rows => "rows",
            Self::Bytes => "bytes",
            Self::Findings => "findings",
            Self::Errors => "errors",
            Self::Warnings => "warnings",
            Self::Report => "report",
            Self::Dashboard => "dashboard",
        }
    }

    /// What it is, for a person.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::State => "how it ended: `done`, `incomplete`, `findings` or `failed`",
            Self::ExitCode => "the exit code",
            Self::Project => "the project's folder in the store",
            Self::Snapshot => "the id of the snapshot that was made, verified or restored",
            Self::Tables => "tables of the snapshot, or of the project for `monitor`",
            Self::Rows => "rows of the same",
            Self::Bytes => "bytes of the snapshot as stored",
            Self::Findings => "how many things need a person: errors, warnings and notices",
            Self::Errors => "how many of them are errors",
            Self::Warnings => "how many of them are warnings",
            Self::Report => "path of the report for a browser, where one was written into a directory",
            Self::Dashboard => "path of the dashboard, where `run` or `monitor` wrote one",
        }
    }
}
