//! The name of a table, and the three ways it is written: for people, for SQL, for files.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A table's name with its schema, exactly as Postgres stores both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TableName {
    /// The Postgres schema (a namespace).
    pub schema: String,
    /// The relation's own name.
    pub name: String,
}

/// File names longer than this are cut and given a hash; Linux allows 255 bytes for one name.
const LONGEST_STEM: usize = 160;

impl TableName {
    /// Both parts exactly as Postgres stores them.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// `"schema"."name"`, always quoted: correct for every name and every keyword list.
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote_identifier(&self.schema), quote_identifier(&self.name))
    }

    /// A name for files and object keys: `public.orders`, with every byte outside `a-z 0-9 _`
    /// written as `-` and two hex digits. Two tables never share one, on any file system
    /// (upper case is escaped, so `CON` and `con` differ), and `/`, `..` or a newline cannot occur.
    pub fn file_stem(&self) -> String {
        let stem = format!("{}.{}", escape(&self.schema), escape(&self.name));
        if stem.len() <= LONGEST_STEM {
            return stem;
        }
        // FNV-1a over both names keeps long names apart; `--` occurs in no escaped name.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in self.schema.bytes().chain([0]).chain(self.name.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let cut: String = stem.chars().take(LONGEST_STEM - 18).collect();
        format!("{cut}--{hash:016x}")
    }

    /// `schema.name` as glob patterns see it.
    pub fn plain(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// For people: `public.orders`, quoted only where the plain form would mislead.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", Readable(&self.schema), Readable(&self.name))
    }
}

struct Readable<'a>(&'a str);

impl fmt::Display for Readable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = !self.0.is_empty() && self.0.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
        if plain {
            f.write_str(self.0)
        } else {
            // escape_debug shows control characters, so a name cannot forge a line of output
            write!(f, "\"{}\"", self.0.replace('"', "\"\"").escape_debug().to_string().replace("\\\"", "\""))
        }
    }
}

/// `"name"` with inner quotes doubled.
pub(crate) fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => out.push(char::from(byte)),
            _ => out.push_str(&format!("-{byte:02x}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_stems_are_safe_and_differ_for_every_pair_of_names() {
        let names =
            ["con", "CON", "..", ".", "a/b", "a\\b", " ", "new\nline", "a-2fb", "x20", "X20", "", "t", "t-00001"];
        let mut seen = std::collections::HashSet::new();
        for name in names {
            let stem = TableName::new("public", name).file_stem();
            assert!(
                stem.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)),
                "{stem}"
            );
            assert!(seen.insert(stem.clone()), "{stem} twice");
        }
        let long = |c: char| TableName::new("s", c.to_string().repeat(63)).file_stem();
        assert!(long('表').len() <= LONGEST_STEM);
        assert_ne!(long('表'), long('裏'));
    }

    #[test]
    fn a_name_cannot_forge_a_line_of_output() {
        assert_eq!(TableName::new("public", "orders").to_string(), "public.orders");
        assert_eq!(TableName::new("public", "a\n::error::b").to_string(), "public.\"a\\n::error::b\"");
        assert_eq!(TableName::new("public", "quo\"te").to_string(), "public.\"quo\"\"te\"");
    }
}
