//! Where values come from, still as text: what each source holds, under which name it was given,
//! and what was wrong with it.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use crate::config::redact::redact;
use crate::error::Failure;

/// What one source (flags, environment, file) gives, by the setting's name.
pub(crate) type Layer = BTreeMap<&'static str, Given>;

/// A value as it was given, not empty.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) origin: Origin,
    pub(crate) value: Raw,
}

/// The text of a value. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub(crate) enum Raw {
    Text(String),
    Entries(Vec<String>),
    Secret(SecretString),
}

/// The name that a person gave a value under, to speak about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag(&'static str),
    Variable(&'static str),
    File { key: String, line: usize },
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) | Self::Variable(name) | Self::Default(name) => f.write_str(name),
            Self::File { key, line } => write!(f, "{key} in line {line} of the configuration file"),
        }
    }
}

/// The flags as typed, by the setting's name; filled by the command line, checked here.
#[derive(Debug, Clone, Default)]
pub struct Flags(BTreeMap<&'static str, Vec<String>>);

impl Flags {
    /// Takes over what was typed for one setting. Empty texts count as not given, so that
    /// `--store "$STORE"` means the default where the variable is unset.
    pub fn set<T: AsRef<str>>(&mut self, name: &'static str, values: impl IntoIterator<Item = T>) {
        let values = values.into_iter().map(|value| value.as_ref().trim().to_owned());
        let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
        if !values.is_empty() {
            self.0.insert(name, values);
        }
    }

    /// What was typed for one setting.
    pub fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Everything that is wrong, to be told at once.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<String>);

impl Mistakes {
    /// Something is wrong with the value that was given there. `what` must not hold a secret;
    /// whatever looks like a key is blotted out nevertheless.
    pub(crate) fn at(&mut self, origin: &impl fmt::Display, what: impl fmt::Display) {
        self.add(format!("{origin}: {what}"));
    }

    /// Something is wrong that has no single place.
    pub(crate) fn add(&mut self, what: impl Into<String>) {
        let mistake = redact(&what.into());
        // a setting that two others depend on is looked at twice
        if !self.0.contains(&mistake) {
            self.0.push(mistake);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing, or one failure that names them all.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        let message = match self.0.as_slice() {
            [] => return Ok(()),
            [only] => only.clone(),
            several => format!("{} mistakes in the configuration:\n  {}", several.len(), several.join("\n  ")),
        };
        Err(Failure::usage(message)
            .hint("docs/configuration.md lists every setting with its flag, variable, file key and default, and --help the flags"))
    }
}

/// `; did you mean x?`, or nothing if no known name is close.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|name| (strsim::osa_distance(given, name), name)).min();
    match near {
        Some((distance, name)) if distance <= given.len().min(name.len()) / 4 => format!("; did you mean {name}?"),
        _ => String::new(),
    }
}
