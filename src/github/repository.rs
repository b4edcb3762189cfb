//! A repository's name.

use std::fmt;
use std::str::FromStr;

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    /// A user or an organisation.
    pub owner: String,
    /// The repository's own name.
    pub name: String,
}

impl FromStr for Repository {
    /// It does not repeat the text.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "is no repository; write OWNER/NAME, like octocat/backups";
        let (owner, name) = text.split_once('/').ok_or(WRONG)?;
        let safe = |text: &str, more: &str| {
            (1..=100).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        // users of an enterprise have an underscore before its short name
        let is_right = safe(owner, "-_") && safe(name, "-_.") && ![".", ".."].contains(&name);
        if is_right { Ok(Self { owner: owner.to_owned(), name: name.to_owned() }) } else { Err(WRONG) }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for good in ["octocat/backups", "a-b_corp/x.y_z-1"] {
            assert_eq!(good.parse::<Repository>().map(|r| r.to_string()), Ok(good.to_owned()));
        }
        for bad in
            ["", "octocat", "/x", "x/", "a/b/c", "a/..", "a/.", "a b/c", "a/b?c", "a/b%2f", "https://github.com/a/b"]
        {
            assert!(bad.parse::<Repository>().is_err(), "{bad}");
        }
    }
}
