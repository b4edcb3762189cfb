//! Whom a run tells, where reports and the dashboard go, and a clock for tests.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use crate::config::project::is_private;
use crate::config::reader::Reader;
use crate::model::HeartbeatKind;

impl Reader {
    /// The address to tell. No mistake repeats anything of it.
    pub(super) fn heartbeat_url(&mut self) -> Option<SecretString> {
        let allow_http = self.switch("allow_http");
        let (origin, secret) = self.secret("heartbeat_url")?;
        if let Err(mistake) = check(secret.expose_secret(), allow_http) {
            self.mistakes.at(&origin, mistake);
        }
        Some(secret)
    }

    /// `None`: the address tells. A mistake does not repeat what was given: it may be the address.
    pub(super) fn heartbeat(&mut self) -> Option<HeartbeatKind> {
        let kind = self.text_as("heartbeat", |text| match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(None),
            word => word.parse().map(Some).map_err(|_| {
                let known = HeartbeatKind::ALL.map(|kind| kind.to_string()).join(", ");
                format!("is none of auto, {known}; the address itself belongs in SUPABACKUP_HEARTBEAT_URL")
            }),
        });
        kind.flatten()
    }

    /// A file or directory that something is written into.
    pub(super) fn path(&mut self, name: &str, directory: &Path) -> Option<PathBuf> {
        self.text_as(name, |text| match text.starts_with('~') {
            true => Err("~ is only known to shells; write the whole path".to_owned()),
            false => Ok(directory.join(text)),
        })
    }

    pub(super) fn dashboard_history(&mut self) -> TimeDelta {
        TimeDelta::from_std(self.duration("dashboard_history")).unwrap_or(TimeDelta::MAX)
    }

    /// A clock that is set on purpose.
    pub(super) fn clock(&mut self) -> Option<DateTime<Utc>> {
        self.text_as("clock", |text| {
            let parsed = DateTime::parse_from_rfc3339(text);
            parsed.map(|at| at.to_utc()).map_err(|_| format!("{text:?} is not a time (like 2026-11-23T03:15:00Z)"))
        })
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
