//! Names of files on GitHub. A key holds slashes, and its letters may differ in case only; GitHub renames
//! what it does not like, and nobody promises that it tells `A` from `a`. So a name here is made of
//! `a-z 0-9 - . _`, with `_` before whatever stands for something else.

use sha2::{Digest, Sha256};

/// Longer names are replaced by their hash; the label then tells the key.
const LONGEST: usize = 200;

/// Stands before a version that replaced another one.
const VERSION: &str = "_9";
/// Stands before a file without bytes: GitHub takes none, so it has one.
const EMPTY: &str = "_8";
/// Stands before a hash.
const HASH: &str = "_3";

/// One stored file's name, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The key, or the part of it that the place does not say.
    pub(super) key: String,
    /// It has no bytes.
    pub(super) is_empty: bool,
}

impl Name {
    pub(super) fn new(key: &str, bytes: &[u8]) -> Self {
        Self { key: key.to_owned(), is_empty: bytes.is_empty() }
    }

    /// The name that whoever writes this key first tries to get.
    pub(super) fn plain(&self) -> String {
        let name = encode(&self.key);
        let name = if name.len() > LONGEST { format!("{HASH}{}", hex(&Sha256::digest(&self.key))) } else { name };
        if self.is_empty { format!("{EMPTY}{name}") } else { name }
    }

    /// A name that nobody else takes.
    pub(super) fn version(&self, mark: &str) -> String {
        format!("{VERSION}{mark}{VERSION}{}", self.plain())
    }

    /// What people see, and what tells this write from all others.
    pub(super) fn label(&self, mark: &str) -> String {
        format!("{} #{mark}", self.key)
    }

    /// Reads a name; `None`: it is not one of ours.
    pub(super) fn read(name: &str, label: &str) -> Option<Self> {
        let mut rest = name;
        if let Some(version) = rest.strip_prefix(VERSION) {
            rest = version.split_once(VERSION)?.1;
        }
        let is_empty = rest.starts_with(EMPTY);
        rest = rest.strip_prefix(EMPTY).unwrap_or(rest);
        let key = match rest.strip_prefix(HASH) {
            Some(hash) => {
                let key = label.split(' ').next().unwrap_or_default();
                (hex(&Sha256::digest(key)) == hash).then(|| key.to_owned())?
            }
            None => decode(rest)?,
        };
        Some(Self { key, is_empty })
    }
}

/// Whether a label is that of the write with one of these marks.
pub(super) fn is_marked(label: &str, marks: &[String]) -> bool {
    label.rsplit_once(" #").is_some_and(|(_, mark)| marks.iter().any(|ours| ours == mark))
}

pub(super) fn encode(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 8);
    let mut rest = key.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '/' => name.push_str("__"),
            '_' => name.push_str("_0"),
            '=' => name.push_str("_1"),
            // GitHub cuts dots off at the ends; two of them lead somewhere else in a tag
            '.' if name.is_empty() || name.ends_with('.') || rest.peek().is_none() => name.push_str("_2"),
            'A'..='Z' => {
                name.push('_');
                name.push(c.to_ascii_lowercase());
            }
            _ => name.push(c),
        }
    }
    name
}

pub(super) fn decode(name: &str) -> Option<String> {
    let mut key = String::with_capacity(name.len());
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        key.push(match c {
            '_' => match rest.next()? {
                '_' => '/',
                '0' => '_',
                '1' => '=',
                '2' => '.',
                c @ 'a'..='z' => c.to_ascii_uppercase(),
                _ => return None,
            },
            'a'..='z' | '0'..='9' | '-' | '.' => c,
            _ => return None,
        });
    }
    // one way to write each key only
    (encode(&key) == name).then_some(key)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_comes_back_and_no_two_share_a_name() {
        let long = format!("a/{}", "X".repeat(250));
        let mut seen = std::collections::HashSet::new();
        for key in [
            "manifest.json",
            "sql/100-public.t-2dx--0-00001.sql.zst",
            "SHA256SUMS",
            "sha256sums",
            "a_/b",
            "a/_b",
            "a//b",
            "A_=9",
            "...",
            ".x",
            "x.",
            "x.lock",
            "-",
            "__",
            "_0",
            "",
            &long,
        ] {
            for bytes in [&b"x"[..], b""] {
                let name = Name::new(key, bytes);
                for written in [name.plain(), name.version("00ff")] {
                    assert!(written.len() <= 230, "{written}");
                    assert!(written.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c)));
                    assert!(
                        !written.starts_with('.') && !written.ends_with('.') && !written.contains(".."),
                        "{written}"
                    );
                    assert_eq!(Name::read(&written, &name.label("00ff")), Some(name.clone()), "{key:?}");
                    assert!(seen.insert(written.clone()), "{written} twice");
                }
            }
        }
        assert!(is_marked(&Name::new("a b", b"x").label("7"), &["7".to_owned()]));
    }

    #[test]
    fn names_of_others_are_not_taken_for_ours() {
        for name in ["App.exe", "a b", "x_7y", "_9x", "_3abc", "x_", "a..b", "a@b"] {
            assert_eq!(Name::read(name, "App.exe"), None, "{name}");
        }
    }
}
