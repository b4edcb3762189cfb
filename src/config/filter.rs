//! Which tables a person wants: `--include` and `--exclude`. Pure.

use glob::{MatchOptions, Pattern};

use crate::model::TableName;

/// The answer for one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Back it up.
    Included,
    /// Left out by this exclude pattern, which wins over every include pattern.
    ExcludedBy(String),
    /// There are include patterns, and none of them matches.
    NotIncluded,
}

impl Selection {
    /// Why the table is left out, for a manifest or a report; `None` where it is not.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Included => None,
            Self::ExcludedBy(pattern) => Some(format!("excluded by the pattern {pattern:?}")),
            Self::NotIncluded => Some("no include pattern matches it".to_owned()),
        }
    }
}

/// Include and exclude patterns, compiled. Without include patterns every table is included.
///
/// A pattern is the exact name of a table or a glob (`*` any text, `?` one character, `[a-z]` one of
/// these, `[!a-z]` one of the others), and always stands for the whole name, never for a piece of
/// it. Upper and lower case differ, as they do in Postgres. It is held against `schema.table`, and,
/// if it has no dot, against the table's own name in every schema. A pattern that equals a name
/// letter by letter matches it whatever characters it is made of.
#[derive(Debug, Clone, Default)]
pub struct TableFilter {
    include: Vec<NamePattern>,
    exclude: Vec<NamePattern>,
}

#[derive(Debug, Clone)]
struct NamePattern {
    text: String,
    /// Globs for schema and table, one pair for each dot that may be the one between them (a name
    /// can hold dots too). Without a dot: one pair, any schema. What is no glob is left out.
    globs: Vec<(Option<Pattern>, Pattern)>,
}

impl TableFilter {
    /// Compiles both lists. No text is a mistake: what is no glob is a name.
    pub fn new(include: &[String], exclude: &[String]) -> Self {
        let compile = |patterns: &[String]| patterns.iter().map(|text| NamePattern::new(text)).collect();
        Self { include: compile(include), exclude: compile(exclude) }
    }

    /// Whether to back this table up.
    pub fn decide(&self, table: &TableName) -> Selection {
        if let Some(pattern) = self.exclude.iter().find(|pattern| pattern.matches(table)) {
            return Selection::ExcludedBy(pattern.text.clone());
        }
        if self.include.is_empty() || self.include.iter().any(|pattern| pattern.matches(table)) {
            return Selection::Included;
        }
        Selection::NotIncluded
    }

    /// Patterns of either list that match none of these tables: most likely mistyped, and with
    /// `--include` a table that its owner believes to be safe.
    pub fn unmatched<'a>(&'a self, tables: &[TableName]) -> Vec<&'a str> {
        let all = self.include.iter().chain(&self.exclude);
        all.filter(|pattern| !tables.iter().any(|table| pattern.matches(table))).map(|p| p.text.as_str()).collect()
    }
}

impl NamePattern {
    fn new(text: &str) -> Self {
        let pair = |dot: usize| Some((Some(glob(&text[..dot])?), glob(&text[dot + 1..])?));
        let globs = match text.contains('.') {
            true => text.match_indices('.').filter_map(|(dot, _)| pair(dot)).collect(),
            false => glob(text).map(|table| (None, table)).into_iter().collect(),
        };
        Self { text: text.to_owned(), globs }
    }

    fn matches(&self, table: &TableName) -> bool {
        // `/` and a leading dot are letters like any other: names are not paths
        let options =
            MatchOptions { case_sensitive: true, require_literal_separator: false, require_literal_leading_dot: false };
        let literally = if self.text.contains('.') { self.text == table.plain() } else { self.text == table.name };
        literally
            || self.globs.iter().any(|(schema, name)| {
                schema.as_ref().is_none_or(|schema| schema.matches_with(&table.schema, options))
                    && name.matches_with(&table.name, options)
            })
    }
}

/// `**` means something to the glob crate (any number of folders) and nothing in a name.
fn glob(text: &str) -> Option<Pattern> {
    let mut text = text.to_owned();
    while text.contains("**") {
        text = text.replace("**", "*");
    }
    Pattern::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> TableFilter {
        let owned = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        TableFilter::new(&owned(include), &owned(exclude))
    }

    #[test]
    fn a_pattern_stands_for_the_whole_name() {
        for (pattern, schema, name, expected) in [
            ("users", "public", "users", true),
            ("users", "private", "users", true),
            ("users", "public", "power_users", false),
            ("users", "users", "orders", false),
            ("Users", "public", "users", false),
            ("public.users", "public", "users", true),
            ("public.users", "private", "users", false),
            ("public.*", "public", "anything at all", true),
            ("public.*", "public2", "users", false),
            ("*", "any", "thing", true),
            ("log_*", "public", "log_2026", true),
            ("log_*", "public", "catalog_2026", false),
            ("log_*", "log_x", "users", false),
            ("log_[0-9]", "public", "log_7", true),
            ("log_[!0-9]", "public", "log_7", false),
            ("log_**_old", "public", "log_1_old", true),
            ("caf?", "public", "café", true),
            ("[äö]*", "public", "öl", true),
            ("a*b", "public", "a/\n.b", true),
            ("*", "public", "..", true),
            ("*.hidden", "public", ".hidden", false),
            ("*.hidden", "public", "hidden", true),
            ("*.users", "public", "my.users", false),
            ("public.my.users", "public", "my.users", true),
            ("public.my.*", "public", "my.users", true),
            ("*.*", "public", "users", true),
            ("log_*.users", "log_x", "users", true),
            ("[.]users", "public", "users", false),
        ] {
            let decision = filter(&[pattern], &[]).decide(&TableName::new(schema, name));
            assert_eq!(decision == Selection::Included, expected, "{pattern} for {schema}.{name}");
        }
    }

    #[test]
    fn a_name_made_of_glob_characters_matches_itself() {
        for name in ["weird[1]", "a[", "*", "what?", "{a,b}", "back\\slash", "**", "[!x]", "a]", "..", " ", "sb_*_[a-"]
        {
            let table = TableName::new("public", name);
            assert_eq!(filter(&[&table.plain()], &[]).decide(&table), Selection::Included, "{name:?}");
            assert_eq!(filter(&[], &[name]).decide(&table) == Selection::Included, name.contains('.'), "{name:?}");
        }
        assert_eq!(filter(&["a["], &[]).decide(&TableName::new("public", "ab")), Selection::NotIncluded);
    }

    #[test]
    fn exclude_wins_and_is_named() {
        let filter = filter(&["public.*"], &["*_tmp", "audit"]);
        assert_eq!(filter.decide(&TableName::new("public", "orders")), Selection::Included);
        let tmp = filter.decide(&TableName::new("public", "orders_tmp"));
        assert_eq!(tmp, Selection::ExcludedBy("*_tmp".to_owned()));
        assert_eq!(tmp.reason().as_deref(), Some("excluded by the pattern \"*_tmp\""));
        assert_eq!(filter.decide(&TableName::new("other", "orders")), Selection::NotIncluded);
    }

    #[test]
    fn without_patterns_everything_is_included() {
        assert_eq!(TableFilter::default().decide(&TableName::new("a", "b")), Selection::Included);
    }

    #[test]
    fn patterns_that_match_nothing_are_named() {
        let tables = [TableName::new("public", "orders"), TableName::new("public", "users")];
        assert_eq!(filter(&["orders", "ordres"], &["user", "us*"]).unmatched(&tables), ["ordres", "user"]);
    }
}
