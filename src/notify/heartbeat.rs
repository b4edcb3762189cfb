//! A ping when a run starts, succeeds and fails, for a monitor that raises the alarm when it stays away.
//!
//! What public monitors take: Healthchecks.io and those that followed it `POST` or `GET` to the address, with
//! `/start` and `/fail` behind it, and keep the body as a note; Cronitor `GET` with `?state=`; Uptime Kuma
//! `GET` with `?status=` and `&msg=`; Better Stack the address and `/fail`. The address is the credential, so
//! nothing here shows any of it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::post::{deliver, get, post};
use crate::http::{Http, Request};
use crate::model::HeartbeatKind;

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// A run begins.
    Start,
    /// It did all that was asked.
    Success,
    /// It did not.
    Fail,
}

/// The address of a monitor. Its `Debug` shows nothing of it.
pub struct Heartbeat {
    http: Arc<Http>,
    url: Url,
    kind: HeartbeatKind,
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Heartbeat({})", self.kind)
    }
}

impl Heartbeat {
    /// The monitor at `url`; without a `kind`, its address tells. `None` if that is no URL.
    pub fn new(http: Arc<Http>, url: &SecretString, kind: Option<HeartbeatKind>) -> Option<Self> {
        let url = Url::parse(url.expose_secret()).ok()?;
        let kind = kind.unwrap_or_else(|| kind_of(&url));
        Some(Self { http, url, kind })
    }

    /// Tells it, with a note of one or more lines for those that keep one. The error is a reason in words, without
    /// the address. A monitor that does not know the beat is not asked.
    pub async fn beat(&self, beat: Beat, note: &str) -> Result<(), String> {
        let Some(request) = self.request(beat, note) else { return Ok(()) };
        deliver(&self.http, &request).await
    }

    fn request(&self, beat: Beat, note: &str) -> Option<Request> {
        let plain = || Some(self.url.clone());
        let below = |word: &str| {
            let mut url = self.url.clone();
            url.set_path(&format!("{}/{word}", self.url.path().trim_end_matches('/')));
            Some(url)
        };
        let url = match (self.kind, beat) {
            (HeartbeatKind::Healthchecks, Beat::Start) => below("start"),
            (HeartbeatKind::Healthchecks | HeartbeatKind::BetterStack, Beat::Fail) => below("fail"),
            (HeartbeatKind::Healthchecks | HeartbeatKind::BetterStack | HeartbeatKind::Plain, Beat::Success) => plain(),
            (HeartbeatKind::BetterStack | HeartbeatKind::Kuma, Beat::Start)
            | (HeartbeatKind::Plain, Beat::Start | Beat::Fail) => None,
            (HeartbeatKind::Cronitor, _) => {
                let state = match beat {
                    Beat::Start => "run",
                    Beat::Success => "complete",
                    Beat::Fail => "fail",
                };
                Some(self.with(&[("state", state), ("message", first_line(note))]))
            }
            (HeartbeatKind::Kuma, _) => {
                let status = if beat == Beat::Success { "up" } else { "down" };
                Some(self.with(&[("status", status), ("msg", first_line(note))]))
            }
        }?;
        let takes_note = matches!(self.kind, HeartbeatKind::Healthchecks | HeartbeatKind::BetterStack);
        Some(match takes_note {
            // a beat that is told twice says the same
            true => post(url, "text/plain; charset=utf-8", Bytes::from(note.to_owned()), true),
            false => get(url),
        })
    }

    /// The address with these in its query, in place of what it says about them.
    fn with(&self, pairs: &[(&str, &str)]) -> Url {
        let mut url = self.url.clone();
        let kept: Vec<(String, String)> = self
            .url
            .query_pairs()
            .filter(|(name, _)| name != "ping" && !pairs.iter().any(|(ours, _)| ours == name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(pairs);
        url
    }
}

fn first_line(note: &str) -> &str {
    note.lines().next().unwrap_or_default()
}

/// Whose address it is.
fn kind_of(url: &Url) -> HeartbeatKind {
    let host = url.host_str().unwrap_or_default();
    let is_of = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if is_of("cronitor.link") || is_of("cronitor.io") {
        HeartbeatKind::Cronitor
    } else if url.path().contains("/api/push/") {
        HeartbeatKind::Kuma
    } else if is_of("betterstack.com") || is_of("betteruptime.com") {
        HeartbeatKind::BetterStack
    } else {
        HeartbeatKind::Healthchecks
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::buffers::Buffers;
    use crate::http::Patience;

    fn heartbeat(url: &str, kind: Option<HeartbeatKind>) -> Result<Heartbeat, String> {
        let patience = Patience { tries: 1, first_delay: Duration::ZERO, timeout: Duration::from_secs(1) };
        let http = Http::new(patience, 1, "test", Buffers::default())?;
        Heartbeat::new(Arc::new(http), &SecretString::from(url), kind).ok_or_else(|| "no URL".to_owned())
    }

    /// Method and address of each beat; `-`: none.
    fn told(url: &str, kind: Option<HeartbeatKind>) -> Result<[String; 3], String> {
        let heartbeat = heartbeat(url, kind)?;
        assert!(!format!("{heartbeat:?}").contains("secret"));
        Ok([Beat::Start, Beat::Success, Beat::Fail].map(|beat| {
            let request = heartbeat.request(beat, "a note\nof two lines");
            request.map_or_else(|| "-".to_owned(), |r| format!("{} {}", r.method, r.url))
        }))
    }

    #[test]
    fn each_kind_of_monitor_is_told_in_its_own_way() -> Result<(), String> {
        for (url, expected) in [
            (
                "https://hc-ping.com/secret",
                [
                    "POST https://hc-ping.com/secret/start",
                    "POST https://hc-ping.com/secret",
                    "POST https://hc-ping.com/secret/fail",
                ],
            ),
            (
                "http://127.0.0.1:8000/ping/secret/?rid=1",
                [
                    "POST http://127.0.0.1:8000/ping/secret/start?rid=1",
                    "POST http://127.0.0.1:8000/ping/secret/?rid=1",
                    "POST http://127.0.0.1:8000/ping/secret/fail?rid=1",
                ],
            ),
            (
                "https://cronitor.link/p/secret/nightly?env=x",
                [
                    "GET https://cronitor.link/p/secret/nightly?env=x&state=run&message=a+note",
                    "GET https://cronitor.link/p/secret/nightly?env=x&state=complete&message=a+note",
                    "GET https://cronitor.link/p/secret/nightly?env=x&state=fail&message=a+note",
                ],
            ),
            (
                "https://kuma.example.com/api/push/secret?status=up&msg=OK&ping=",
                [
                    "-",
                    "GET https://kuma.example.com/api/push/secret?status=up&msg=a+note",
                    "GET https://kuma.example.com/api/push/secret?status=down&msg=a+note",
                ],
            ),
            (
                "https://uptime.betterstack.com/api/v1/heartbeat/secret",
                [
                    "-",
                    "POST https://uptime.betterstack.com/api/v1/heartbeat/secret",
                    "POST https://uptime.betterstack.com/api/v1/heartbeat/secret/fail",
                ],
            ),
            (
                "https://not-cronitor.io.example.com/secret",
                [
                    "POST https://not-cronitor.io.example.com/secret/start",
                    "POST https://not-cronitor.io.example.com/secret",
                    "POST https://not-cronitor.io.example.com/secret/fail",
                ],
            ),
        ] {
            assert_eq!(told(url, None)?, expected);
        }
        let plain = told("https://nosnch.in/secret", Some(HeartbeatKind::Plain))?;
        assert_eq!(plain, ["-", "GET https://nosnch.in/secret", "-"]);
        Ok(())
    }

    #[tokio::test]
    async fn a_monitor_that_is_not_there_is_told_without_its_address() -> Result<(), String> {
        let unreachable = heartbeat("http://127.0.0.1:9/secret", None)?;
        let why = unreachable.beat(Beat::Start, "").await.err().unwrap_or_default();
        assert!(why.starts_with("no connection") && !why.contains("secret"), "{why}");
        Ok(())
    }
}
