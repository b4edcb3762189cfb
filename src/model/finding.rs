//! What a check or a verification says: a value, not a log line.

use serde::{Deserialize, Serialize};

/// How much it matters. The three levels are those of workflow annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it soon.
    Warning,
    /// Act now.
    Error,
}

/// One thing found: about what, what it is, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// A stable name for the kind of finding: `part-missing`, `hash-differs`, …
    pub code: String,
    /// About what: a part's key, a table, the manifest.
    pub subject: String,
    /// What was found: lower case, no period.
    pub message: String,
    /// What to do about it: a sentence.
    pub hint: Option<String>,
}

impl Finding {
    /// A finding at error level.
    pub fn error(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code: code.to_owned(),
            subject: subject.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// A finding at warning level.
    pub fn warning(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, subject, message) }
    }

    /// A finding that is only good to know.
    pub fn info(code: &str, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Info, ..Self::error(code, subject, message) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
