//! Blotting out secrets in text that somebody else wrote: error messages, panics, command lines.
//! A second line of defence; the first is that secrets are a type that does not print.

use std::ffi::OsString;

use crate::config::settings::{Kind, SETTINGS};

/// What stands in place of a secret.
const BLOT: &str = "***";

/// How keys and tokens begin, and how much of them may stay to tell which it was.
const BEGINNINGS: &[&str] = &[
    "sb_secret_",
    "sbp_",
    "eyJ",
    "AGE-SECRET-KEY-",
    "age-secret-key-",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
];

/// Replaces everything that looks like a secret key, an access token or a JWT by `***`, and the passwords of addresses.
pub fn redact(text: &str) -> String {
    without_keys(&without_passwords(text))
}

/// `postgres://me:***@host/…`
fn without_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/?#'\"".contains(c)).unwrap_or(after.len());
        let authority = &after[..end];
        let user = authority.rfind('@').and_then(|host| Some((authority[..host].find(':')? + 1, host)));
        match user {
            Some((password, host)) => out.push_str(&format!("{}{BLOT}{}", &authority[..password], &authority[host..])),
            None => out.push_str(authority),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

fn without_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, beginning)) = BEGINNINGS.iter().filter_map(|b| rest.find(b).map(|at| (at, *b))).min() {
        let body = &rest[at + beginning.len()..];
        let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.=".contains(c))).unwrap_or(body.len());
        out.push_str(&rest[..at]);
        out.push_str(beginning);
        if end > 0 {
            out.push_str(BLOT);
        }
        rest = &body[end..];
    }
    out.push_str(rest);
    out
}

/// Knows the secrets of this run's environment and blots them out wherever they turn up.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Vec<String>,
}

/// Shorter values are no secrets, and would blot out innocent text.
const SHORTEST_SECRET: usize = 8;

impl Redactor {
    /// Takes the values of the variables that hold secrets.
    pub fn new<'a>(vars: impl IntoIterator<Item = &'a (OsString, OsString)>) -> Self {
        let is_secret = |name: &str| SETTINGS.iter().any(|s| s.kind == Kind::Secret && s.variables.contains(&name));
        let values = vars.into_iter().filter(|(name, _)| name.to_str().is_some_and(is_secret));
        let values = values.map(|(_, value)| value.to_string_lossy().trim().to_owned());
        // of a private key each line is as secret as the whole; what stands around it is the same in all
        let lines = |value: String| {
            let lines = value.lines().map(str::trim).filter(|line| !line.starts_with(['#', '-']));
            let lines: Vec<String> = lines.map(str::to_owned).collect();
            std::iter::once(value).chain(lines)
        };
        Self { secrets: values.flat_map(lines).filter(|value| value.len() >= SHORTEST_SECRET).collect() }
    }

    /// The text without secrets, and without control characters that could forge other output.
    /// Line breaks and tabs stay.
    pub fn clean(&self, text: &str) -> String {
        let mut text = redact(text);
        for secret in &self.secrets {
            text = text.replace(secret, BLOT);
        }
        let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
        text.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_debug().to_string() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_looks_like_a_key_is_blotted_out() {
        for (text, expected) in [
            ("nothing here", "nothing here"),
            ("'sb_secret_abc-DEF_1' is wrong", "'sb_secret_***' is wrong"),
            ("a key begins with sb_secret_", "a key begins with sb_secret_"),
            ("x eyJhbGci.eyJyb2xl.c2ln x sbp_0123", "x eyJ*** x sbp_***"),
            ("sb_secret_…", "sb_secret_…"),
            ("--key=sb_secret_ab\"", "--key=sb_secret_***\""),
            ("a ghs_0123456789abcdef b", "a ghs_*** b"),
            ("is 'postgres://me:s3:cr@t@h:1/d' one, or a://b@c", "is 'postgres://me:***@h:1/d' one, or a://b@c"),
            ("got AGE-SECRET-KEY-1QQQ7 here", "got AGE-SECRET-KEY-*** here"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn secrets_of_the_environment_are_blotted_out_whatever_they_look_like() {
        let vars = [
            ("SUPABASE_SERVICE_ROLE_KEY", " self-hosted-key \n"),
            ("SUPABASE_ACCESS_TOKEN", "short"),
            ("SUPABASE_URL", "https://abc.supabase.co"),
        ];
        let vars = vars.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let redactor = Redactor::new(&vars);
        assert_eq!(
            redactor.clean("got self-hosted-key in\nshort https://abc.supabase.co \u{1b}[2J"),
            "got *** in\nshort https://abc.supabase.co \\u{1b}[2J"
        );
    }
}
