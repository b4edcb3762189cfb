//! Stores on GitHub, as people name them.

use std::fmt;

use crate::github::{Repository, Settings};
use crate::store::Access;

/// What of a repository holds the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GithubKind {
    /// Assets of draft releases.
    Release,
    /// Artifacts of workflow runs.
    Artifact,
}

impl GithubKind {
    /// How its URLs begin.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Release => "github-release",
            Self::Artifact => "github-artifact",
        }
    }
}

/// A repository that is a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubUrl {
    /// What of it.
    pub kind: GithubKind,
    /// Which it is.
    pub repository: Repository,
    /// Where GitHub is, and who asks. `None`: nobody has said yet.
    pub settings: Option<Settings>,
}

impl GithubUrl {
    /// Reads what stands behind `github-release://`. The mistakes repeat nothing.
    pub(in crate::store) fn parse(kind: GithubKind, rest: &str) -> Result<Self, String> {
        let scheme = kind.scheme();
        if rest.contains(['@', '?', '#']) {
            return Err(format!(
                "a {scheme}:// URL is {scheme}://OWNER/NAME and nothing else; the token belongs into GITHUB_TOKEN"
            ));
        }
        let repository = rest.trim_end_matches('/').parse::<Repository>();
        let repository = repository.map_err(|mistake| format!("a {scheme}:// URL {mistake}"))?;
        Ok(Self { kind, repository, settings: None })
    }

    /// The same place with who asks.
    pub(in crate::store) fn with_access(self, access: &Access) -> Result<Self, String> {
        let settings = access.github.clone()?;
        if settings.token.is_none() {
            return Err(format!("there is no token for {}://; set GITHUB_TOKEN", self.kind.scheme()));
        }
        if self.kind == GithubKind::Artifact && settings.is_enterprise_server() {
            return Err(
                "an Enterprise Server does not take artifacts that are files as they are; use github-release://, \
                        or another store"
                    .to_owned(),
            );
        }
        Ok(Self { settings: Some(settings), ..self })
    }
}

impl fmt::Display for GithubUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.kind.scheme(), self.repository)
    }
}
