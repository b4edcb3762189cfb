//! Why a table cannot be read to its end.

use crate::error::Failure;
use crate::snapshot::writer::WriteError;
use crate::supabase::ApiError;

/// Why one table could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// The project cannot be read any more.
    #[error("{0:#}")]
    Fatal(anyhow::Error),
    /// The store refuses: the run cannot go on.
    #[error("{0:#}")]
    Store(anyhow::Error),
    /// The API refuses.
    #[error("{0}")]
    Api(ApiError),
    /// Its structure changed while it was read: read it anew.
    #[error("{0}")]
    Changed(String),
    /// It cannot be read any more.
    #[error("{reason}")]
    Lost {
        /// Why.
        reason: String,
        /// What would fix it.
        fix: Option<String>,
    },
    /// What came back cannot be what the database sent.
    #[error("{0}")]
    Damaged(String),
}

impl TableError {
    /// The error that it wraps, or itself.
    pub(crate) fn into_inner(self) -> anyhow::Error {
        match self {
            Self::Fatal(error) | Self::Store(error) => error,
            other => other.into(),
        }
    }
}

impl From<ApiError> for TableError {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Fatal(failure) => Self::Fatal(failure.into()),
            ApiError::NoColumn(why) | ApiError::NoFunction(why) => Self::Changed(why),
            ApiError::Damaged(why) => Self::Damaged(why),
            other => Self::Api(other),
        }
    }
}

impl From<WriteError> for TableError {
    fn from(error: WriteError) -> Self {
        let failure = Failure::failed(format!("storing the snapshot: {error}"));
        let failure = match &error {
            WriteError::Store(store) => match store.hint() {
                Some(hint) => failure.hint(hint),
                None => failure,
            },
            WriteError::Seal(_) | WriteError::Reread(_) => failure,
        };
        Self::Store(failure.into())
    }
}
