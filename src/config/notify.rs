//! Whom `run` and `monitor` tell. An address to tell is a secret as a whole, and no mistake repeats anything of it.

use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use crate::config::project::is_private;
use crate::config::reader::Reader;
use crate::config::{ChannelConfig, IssueConfig};
use crate::model::{IssueRules, NotifyOn, Severity};

/// What GitHub takes as the name of a label.
const LONGEST_LABEL: usize = 50;

impl Reader {
    /// A monitor's address.
    pub(super) fn heartbeat_url(&mut self) -> Option<SecretString> {
        self.secret_url("heartbeat_url")
    }

    pub(super) fn channels(&mut self) -> ChannelConfig {
        let webhook_secret = self.secret("webhook_secret");
        let webhook = self.secret_url("webhook_url");
        if let (Some((origin, _)), None) = (&webhook_secret, &webhook) {
            let origin = origin.clone();
            self.mistakes.at(&origin, "signs nothing, since SUPABACKUP_WEBHOOK_URL is not set");
        }
        ChannelConfig {
            on: self.text_as("notify_on", |text| text.to_ascii_lowercase().parse()).unwrap_or(NotifyOn::Error),
            webhook,
            webhook_secret: webhook_secret.map(|(_, secret)| secret),
            slack: self.secret_url("slack_url"),
            discord: self.secret_url("discord_url"),
            teams: self.secret_url("teams_url"),
        }
    }

    pub(super) fn issues(&mut self) -> IssueConfig {
        let by = self.text_as("issue_label", |text| label(text).map(str::to_owned));
        let labels = self.list("issue_labels");
        if let (Some(mistake), Some(given)) =
            (labels.iter().find_map(|text| label(text).err()), self.given("issue_labels"))
        {
            self.mistakes.at(&given.origin, mistake);
        }
        let level = match self.word("issue_level").as_str() {
            "warning" => Severity::Warning,
            _ => Severity::Error,
        };
        let reopen_within = TimeDelta::from_std(self.duration("issue_reopen")).unwrap_or_default();
        IssueConfig {
            wanted: self.switch("github_issues"),
            rules: IssueRules { level, reopen_within },
            label: by.unwrap_or_default(),
            labels,
            assignees: self.list("issue_assignees"),
        }
    }

    fn secret_url(&mut self, name: &'static str) -> Option<SecretString> {
        let allow_http = self.switch("allow_http");
        let (origin, secret) = self.secret(name)?;
        if let Err(mistake) = check(secret.expose_secret(), allow_http) {
            self.mistakes.at(&origin, mistake);
        }
        Some(secret)
    }
}

/// A comma would make two of it where issues are listed.
fn label(text: &str) -> Result<&str, String> {
    if text.contains(',') || text.chars().any(char::is_control) {
        return Err(format!("{text:?} cannot be a label: it holds a comma, or what does not show"));
    }
    match text.chars().count() {
        ..=LONGEST_LABEL => Ok(text),
        _ => Err(format!("{text:?} is longer than {LONGEST_LABEL} characters, GitHub's limit of a label")),
    }
}

fn check(text: &str, allow_http: bool) -> Result<(), &'static str> {
    let url = url::Url::parse(text).map_err(|_| "is not a URL (like https://hc-ping.com/…)")?;
    let (Some(host), "https" | "http") = (url.host(), url.scheme()) else {
        return Err("must begin with https://");
    };
    if url.scheme() == "http" && !allow_http && !is_private(&host) {
        return Err(
            "is http://, which would send it unencrypted through a public network, and whoever sees it can use it; \
                    use https://, or set SUPABACKUP_ALLOW_HTTP=1 if that is what you want",
        );
    }
    if url.fragment().is_some() {
        return Err("must not hold a fragment (#)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_label_is_refused() {
        assert_eq!(label("on fire 🔥"), Ok("on fire 🔥"));
        for bad in ["a,b".to_owned(), "a\nb".to_owned(), "x".repeat(51)] {
            assert!(label(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_to_tell_is_checked_without_being_repeated() {
        for good in ["https://hc-ping.com/x", "http://127.0.0.1:8000/ping/x?a=b", "http://kuma/api/push/x"] {
            assert_eq!(check(good, false), Ok(()), "{good}");
        }
        assert_eq!(check("http://example.com/sentinel", true), Ok(()));
        for bad in
            ["sentinel", "ftp://x/sentinel", "http://example.com/sentinel", "https://x/sentinel#y", "//x/sentinel"]
        {
            assert!(check(bad, false).is_err_and(|mistake| !mistake.contains("sentinel")), "{bad}");
        }
    }
}
