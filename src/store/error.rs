//! How a store fails: in kinds that the caller can act on.

use std::io;

use crate::error::Failure;

/// Why a store did not do what it was asked. Each says what was being done, on what, and why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such key.
    #[error("{doing}: there is no such file")]
    NotFound {
        /// What was being done, to what.
        doing: String,
    },
    /// There is such a key already, and it was not to be replaced.
    #[error("{doing}: there is one already")]
    AlreadyExists {
        /// What was being done, to what.
        doing: String,
    },
    /// No room is left. Trying again is useless until something is removed.
    #[error("{doing}: {reason}")]
    Full {
        /// What was being done, to what.
        doing: String,
        /// The store's own words.
        reason: String,
    },
    /// The store refuses. Trying again is useless until a permission changes.
    #[error("{doing}: {reason}")]
    Denied {
        /// What was being done, to what.
        doing: String,
        /// The store's own words.
        reason: String,
    },
    /// The store keeps what is there from being changed, until a time that its owner set.
    #[error("{doing}: {reason}")]
    Locked {
        /// What was being done, to what.
        doing: String,
        /// The store's own words.
        reason: String,
    },
    /// The store does not know who is asking. Trying again is useless until the credentials change.
    #[error("{doing}: {reason}")]
    Credentials {
        /// What was being done, to what.
        doing: String,
        /// The store's own words.
        reason: String,
    },
    /// Of several stores, none is left.
    #[error("every store failed: {reasons}")]
    All {
        /// Each one's.
        reasons: String,
    },
    /// The store does not answer. Trying again may help.
    #[error("{doing}: {reason}")]
    Unreachable {
        /// What was being done, to what.
        doing: String,
        /// The store's own words.
        reason: String,
    },
    /// Anything else.
    #[error("{doing}: {reason}")]
    Other {
        /// What was being done, to what.
        doing: String,
        /// The store's own words.
        reason: String,
    },
}

impl StoreError {
    /// What to do about it: a sentence, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } | Self::AlreadyExists { .. } | Self::Other { .. } => None,
            Self::Full { .. } => Some("free some space in the store, or point --store to another one"),
            Self::Denied { .. } => Some("give the user who runs supabackup the right to read and write the store"),
            Self::Locked { .. } => Some("wait until its retention ends; nothing can be removed before"),
            Self::Credentials { .. } => Some(
                "check the store's credentials in the environment; docs/stores.md lists them for every kind of store",
            ),
            Self::All { .. } => Some("`supabackup doctor` checks every store, one by one"),
            Self::Unreachable { .. } => Some("check that the store's server or mount is up, then run again"),
        }
    }

    /// The kind of an operating system's error.
    pub(super) fn io(doing: String, error: &io::Error) -> Self {
        use io::ErrorKind as K;
        let reason = error.to_string();
        match error.kind() {
            K::NotFound => Self::NotFound { doing },
            K::AlreadyExists => Self::AlreadyExists { doing },
            K::StorageFull | K::QuotaExceeded => Self::Full { doing, reason },
            K::PermissionDenied | K::ReadOnlyFilesystem => Self::Denied { doing, reason },
            K::TimedOut | K::StaleNetworkFileHandle | K::HostUnreachable | K::NetworkUnreachable | K::NotConnected => {
                Self::Unreachable { doing, reason }
            }
            _ => Self::Other { doing, reason },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Failure::failed(error.to_string());
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart_by_what_can_be_done_about_them() {
        let kind = |errno: rustix::io::Errno| StoreError::io("writing x".to_owned(), &errno.into());
        use rustix::io::Errno as E;
        assert!(matches!(kind(E::NOSPC), StoreError::Full { .. }) && matches!(kind(E::DQUOT), StoreError::Full { .. }));
        assert!(
            matches!(kind(E::ACCESS), StoreError::Denied { .. }) && matches!(kind(E::ROFS), StoreError::Denied { .. })
        );
        assert!(matches!(kind(E::STALE), StoreError::Unreachable { .. }));
        assert!(matches!(kind(E::NOENT), StoreError::NotFound { .. }));
        assert!(matches!(kind(E::EXIST), StoreError::AlreadyExists { .. }));
        assert!(matches!(kind(E::IO), StoreError::Other { .. }));
        assert_eq!(kind(E::NOSPC).to_string(), "writing x: No space left on device (os error 28)");
        let failure = Failure::from(kind(E::NOSPC));
        assert!(failure.exit_code() == 1 && failure.hint.is_some_and(|hint| hint.contains("free some space")));
    }
}
