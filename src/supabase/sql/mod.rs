//! SQL over HTTPS, by question.
//!
//! Three transports answer the same [`Question`]s: the Management API ([`Management`]), postgres-meta
//! ([`Meta`]), and the functions that `supabackup helper-sql` installs ([`Helper`]). The third cannot
//! run arbitrary SQL, and must not: so the trait takes questions, never statements.

mod answers;
mod catalog;
mod helper;
mod install;
mod management;
mod meta;
mod pace;
mod post;
mod prelude;
mod question;
mod tables;
mod write;
mod write_answers;

use async_trait::async_trait;

use crate::error::Failure;
use crate::supabase::client::ApiError;

pub use answers::{
    SequenceSeen, SequenceTop, ServerSettings, Sizes, SqlListing, SqlSchema, SqlTable, TableKind, TableSize,
};
pub use helper::{HELPER_SCHEMA, Helper};
pub use install::{install_sql, uninstall_sql};
pub use management::Management;
pub use meta::Meta;
pub use question::{Numbered, PageOf, Question, SequencePosition};
pub use tables::SqlTables;
pub(crate) use write::REHEARSED;
pub use write::{DeleteOf, DigestOf, LoadOf, OnConflict};
pub use write_answers::{Orphans, TableDigest, WriteAccess};

/// Answers questions about a database.
#[async_trait]
pub trait SqlChannel: std::fmt::Debug + Send + Sync {
    /// Which transport it is.
    fn kind(&self) -> ChannelKind;

    /// Asks. The answer is one JSON document as text, exactly as the database wrote it; what is in it
    /// depends on the question. A question that is repeatable may be sent more than once; any other is
    /// sent again only where it was certainly not acted upon.
    async fn ask(&self, question: &Question) -> Result<String, SqlError>;
}

/// The three transports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// The Management API of hosted projects.
    Management,
    /// The service postgres-meta of self-hosted projects.
    Meta,
    /// Functions in the database, called through the Data API.
    Helper,
}

impl ChannelKind {
    /// The word in settings and manifests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Meta => "meta",
            Self::Helper => "helper",
        }
    }

    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Management => "the Management API",
            Self::Meta => "postgres-meta",
            Self::Helper => "the helper functions",
        }
    }
}

/// Why a question has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SqlError {
    /// What was given for it does not serve: a credential that is not known or lacks the permission, or
    /// functions of another version.
    #[error("{0}")]
    Refused(Failure),
    /// Nothing at this address answers such questions, or not in a way that is understood.
    #[error("{0}")]
    Absent(Failure),
    /// No answer came, in spite of every retry.
    #[error("{0}")]
    Silent(Failure),
    /// There was an answer, and it is no for this one question.
    #[error("{0}")]
    Question(ApiError),
    /// The database, or the service before it, refuses to write. Nothing was written.
    #[error("{code} {message}")]
    Database {
        /// SQLSTATE, PostgREST's own code, or the status where there is neither.
        code: String,
        /// What is said, details and hint included, in one line.
        message: String,
    },
    /// Nobody knows whether it was written: the answer was lost.
    #[error("{0}")]
    Lost(String),
}

impl SqlError {
    /// Sentence and hint.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Absent(failure) | Self::Silent(failure) => failure.clone(),
            other @ (Self::Question(_) | Self::Database { .. } | Self::Lost(_)) => Failure::failed(other.to_string()),
        }
    }
}

/// For one table, a channel that does not serve is a table that cannot be read: the others go on.
impl From<SqlError> for ApiError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Question(error) => error,
            other => Self::Rejected(other.failure().message),
        }
    }
}
