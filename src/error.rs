//! How a run fails: one kind that fixes the exit code, one sentence that says what to do.
//!
//! Everything above the edges is `anyhow`; the kind travels inside the chain and is found again by
//! [`Failure::of`], however much context was put around it. Nothing here knows any other room.

use std::fmt;

/// Why a run ended without success. Each kind has its own exit code (see [`Failure::exit_code`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Flags, environment or file say something that cannot be meant.
    Usage,
    /// The project, the store or the machine refused or broke; nothing usable was produced.
    Failed,
}

/// A failure that a person has to read: what, on what, why, and what to do.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// Lower case, no period: "verb noun: reason".
    pub message: String,
    /// One sentence: what to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A mistake in flags, environment or configuration file.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), hint: None }
    }

    /// Anything else that ends a run.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, message: message.into(), hint: None }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The failure inside an error chain, if there is one.
    pub fn of(error: &anyhow::Error) -> Option<&Failure> {
        error.downcast_ref::<Failure>().or_else(|| error.chain().find_map(|e| e.downcast_ref()))
    }

    /// 1 failed, 2 usage or configuration. (0, 3 and 4 are outcomes, not failures.)
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Failed => 1,
            Kind::Usage => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// What a command that ran to its end came to. The number is the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked was done.
    Done = 0,
    /// Done, but something is missing and named.
    Incomplete = 3,
    /// Done, and what was found is at `error` level.
    Findings = 4,
}

impl Outcome {
    /// The exit code of the process.
    pub fn exit_code(self) -> u8 {
        self as u8
    }
}
