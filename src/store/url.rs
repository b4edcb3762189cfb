//! The text that names a store, checked once.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::store::Access;
use crate::store::github::{GithubKind, GithubUrl};
use crate::store::object::{ObjectUrl, Service};

/// Which store, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A directory of this machine: `./backups`, `/srv/backups`, `file:///srv/backups`.
    Directory(PathBuf),
    /// A bucket, or a folder of one: `s3://bucket/prefix`, `gs://bucket`, `az://container`.
    Object(Box<ObjectUrl>),
    /// A repository: `github-release://owner/name`, `github-artifact://owner/name`.
    Github(Box<GithubUrl>),
}

impl StoreUrl {
    /// The URL with what the environment adds to it. Says what is missing or cannot be meant; repeats
    /// nothing that could be a secret.
    pub fn with_access(self, access: &Access) -> Result<Self, String> {
        match self {
            Self::Directory(_) => Ok(self),
            Self::Object(url) => Ok(Self::Object(Box::new(url.with_access(access)?))),
            Self::Github(url) => Ok(Self::Github(Box::new(url.with_access(access)?))),
        }
    }

    /// The server's address, where one was given.
    pub fn endpoint(&self) -> Option<&Url> {
        match self {
            Self::Directory(_) | Self::Github(_) => None,
            Self::Object(url) => url.endpoint.as_ref(),
        }
    }
}

impl FromStr for StoreUrl {
    /// Lower case, no period; it repeats nothing that could be a secret.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("the store's name is empty; write a directory, like ./backups".to_owned());
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Directory(PathBuf::from(text)));
        };
        match scheme {
            "file" => directory(rest),
            "s3" => ObjectUrl::parse(Service::S3, rest).map(|url| Self::Object(Box::new(url))),
            "gs" => ObjectUrl::parse(Service::Google, rest).map(|url| Self::Object(Box::new(url))),
            "az" => ObjectUrl::parse(Service::Azure, rest).map(|url| Self::Object(Box::new(url))),
            "github-release" => GithubUrl::parse(GithubKind::Release, rest).map(|url| Self::Github(Box::new(url))),
            "github-artifact" => GithubUrl::parse(GithubKind::Artifact, rest).map(|url| Self::Github(Box::new(url))),
            _ => {
                let shown: String = scheme.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
                Err(format!(
                    "stores of the kind `{shown}://` are not known to this version; write a directory, like ./backups \
                     or file:///srv/backups, or s3://bucket, gs://bucket, az://container or github-release://owner/repository"
                ))
            }
        }
    }
}

fn directory(rest: &str) -> Result<StoreUrl, String> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err("a file:// URL names an absolute path, with three slashes: file:///srv/backups".to_owned());
    }
    Ok(StoreUrl::Directory(PathBuf::from(decode(path)?)))
}

/// `%20` and the like, as file URLs write them.
fn decode(path: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).and_then(|d| std::str::from_utf8(d).ok());
        let value = digits.and_then(|d| u8::from_str_radix(d, 16).ok()).filter(|&b| b != 0);
        bytes.push(
            value.ok_or("a `%` in a file:// URL is followed by two hex digits; write `%25` for the sign itself")?,
        );
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| "the path in the file:// URL is not UTF-8".to_owned())
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(f, "{}", path.display()),
            Self::Object(url) => url.fmt(f),
            Self::Github(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_written_as_paths_or_as_file_urls() {
        let dir = |path: &str| Ok(StoreUrl::Directory(PathBuf::from(path)));
        assert_eq!("./backups".parse(), dir("./backups"));
        assert_eq!("/srv/a b".parse(), dir("/srv/a b"));
        assert_eq!("file:///srv/a%20b".parse(), dir("/srv/a b"));
        assert_eq!("file://localhost/srv".parse(), dir("/srv"));
        for bad in ["", "file://srv/x", "file:///a%zz", "file:///a%2", "file:///a%00", "ftp://host/x", "s3://"] {
            assert!(bad.parse::<StoreUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_repository_is_named_and_nothing_else() {
        for good in ["github-release://octo/backups", "github-artifact://octo/backups"] {
            assert_eq!(good.parse::<StoreUrl>().map(|url| url.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "github-release://octo",
            "github-release://hunter2@octo/r",
            "github-artifact://o/r?token=hunter2",
            "github-release://o/r/x",
        ] {
            assert!(bad.parse::<StoreUrl>().is_err_and(|mistake| !mistake.contains("hunter2")), "{bad}");
        }
    }

    #[test]
    fn an_unknown_kind_is_refused_without_repeating_its_credentials() {
        let error = "postgres://user:hunter2@host/db".parse::<StoreUrl>();
        assert!(error.is_err_and(|e| e.contains("postgres://") && !e.contains("hunter2")));
    }
}
