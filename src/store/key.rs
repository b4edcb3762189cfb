//! The name of a stored byte string, safe for every kind of store.

use std::fmt;
use std::str::FromStr;

use crate::store::StoreError;

/// A relative path of segments joined by `/`. A segment holds `A-Z a-z 0-9 . _ = -` only and is
/// neither empty nor `.` nor `..`: so a key never leaves its store, needs no escaping in a URL, a
/// shell or a checksum list, and means the same in a directory and in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// Half-written files of a directory are called so; no key may be.
pub(super) const TEMPORARY: &str = ".tmp-";

const LONGEST_SEGMENT: usize = 255;
const LONGEST_KEY: usize = 1024;

impl Key {
    /// Checks `text`.
    pub fn new(text: impl Into<String>) -> Result<Self, StoreError> {
        let key = text.into();
        match key.split('/').find_map(fault).or((key.len() > LONGEST_KEY).then_some("it is too long")) {
            Some(reason) => {
                Err(StoreError::Other { doing: format!("naming a stored file {key:?}"), reason: reason.to_owned() })
            }
            None => Ok(Self(key)),
        }
    }

    /// The text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is wrong with one segment.
fn fault(segment: &str) -> Option<&'static str> {
    match segment {
        "" => Some("a segment of it is empty"),
        "." | ".." => Some("a segment of it is `.` or `..`"),
        _ if segment.starts_with(TEMPORARY) => Some("a segment of it begins like a temporary file"),
        _ if segment.len() > LONGEST_SEGMENT => Some("a segment of it is longer than 255 bytes"),
        _ if !segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"._=-".contains(&b)) => {
            Some("only letters, digits and . _ = - are allowed between its slashes")
        }
        _ => None,
    }
}

impl FromStr for Key {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        Self::new(text)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_could_leave_the_store_or_mislead_are_refused() {
        for good in ["a", "a/b", "p.q/20261123T031500Z-7f3a/sql/100-public.t-2dx--0-00001.sql.zst", "A_=9", "-", "..."]
        {
            assert!(Key::new(good).is_ok(), "{good}");
        }
        let long = "a".repeat(256);
        let longer = ["a".repeat(200).as_str(); 6].join("/");
        for bad in [
            "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a b", "a\nb", "a\\b", "é", "a:b", "a*", ".tmp-1",
            "a/.tmp-x",
        ] {
            assert!(Key::new(bad).is_err(), "{bad:?}");
        }
        assert!(Key::new(long).is_err());
        assert!(Key::new(longer).is_err());
    }
}
