//! What others said, without the secrets of this run: servers repeat what they were sent.

use secrecy::{ExposeSecret, SecretString};

use crate::config::{Config, redact};
use crate::model::Finding;

/// Knows the secrets of the configuration.
pub(crate) struct Cleaner(Vec<SecretString>);

impl Cleaner {
    pub(crate) fn new(config: &Config) -> Self {
        let channels = &config.channels;
        let of_channels = [
            &config.access_token,
            &config.heartbeat_url,
            &channels.webhook,
            &channels.webhook_secret,
            &channels.slack,
            &channels.discord,
            &channels.teams,
        ];
        let github = config.github.iter().filter_map(|github| github.token.clone());
        let key = config.project.iter().map(|project| project.key.secret().clone());
        let all = of_channels.into_iter().filter_map(Clone::clone).chain(key).chain(github);
        Self(all.filter(|secret| !secret.expose_secret().is_empty()).collect())
    }

    /// The text, with `***` in place of each.
    pub(crate) fn text(&self, text: &str) -> String {
        self.0.iter().fold(redact(text), |text, secret| text.replace(secret.expose_secret(), "***"))
    }

    pub(crate) fn finding(&self, finding: &mut Finding) {
        finding.message = self.text(&finding.message);
        finding.subject = self.text(&finding.subject);
        finding.hint = finding.hint.as_deref().map(|hint| self.text(hint));
    }
}
