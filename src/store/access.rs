//! What a store needs besides its URL: credentials, and how patient to be.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::github::Settings;

/// The variables of other programs that stores read, by the name of their setting
/// (`aws_access_key_id`). Nothing else of the environment is looked at. `Debug` shows no value.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, SecretString>);

impl Variables {
    /// Takes one over.
    pub fn set(&mut self, name: &str, value: SecretString) {
        self.0.insert(name.to_owned(), value);
    }

    /// Its value, if it was given.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(ExposeSecret::expose_secret)
    }

    /// Whether all of these were given.
    pub(super) fn have(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.0.contains_key(*name))
    }
}

impl FromIterator<(String, SecretString)> for Variables {
    fn from_iter<T: IntoIterator<Item = (String, SecretString)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl PartialEq for Variables {
    fn eq(&self, other: &Self) -> bool {
        let plain =
            |all: &Self| all.0.iter().map(|(k, v)| (k.clone(), v.expose_secret().to_owned())).collect::<Vec<_>>();
        plain(self) == plain(other)
    }
}

impl Eq for Variables {}

/// How a store in the network is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Where credentials come from.
    pub variables: Variables,
    /// How often a request is sent again, after the first time.
    pub retries: u32,
    /// The pause before the first retry.
    pub first_delay: Duration,
    /// Limit of one request, body included.
    pub timeout: Duration,
    /// GitHub, or what is wrong with what the environment says about it.
    pub github: Result<Settings, String>,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            variables: Variables::default(),
            retries: 6,
            first_delay: Duration::from_millis(500),
            timeout: Duration::from_secs(90),
            github: Err("nobody said where GitHub is".to_owned()),
        }
    }
}
