//! Channels that people read: each takes the same notice in its own form, within its own limits.
//!
//! The forms are pure; what they must hold to stands beside each. Names in a notice come from the project: none of
//! them may mention anybody, or be a link.

mod discord;
mod slack;
mod teams;
mod webhook;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::post::{deliver, post};
use crate::http::{Http, Request};
use crate::model::{Finding, Notice, Severity};

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// Any program that takes JSON.
    Webhook,
    /// An incoming webhook of Slack, or of what takes the same.
    Slack,
    /// A webhook of a Discord channel.
    Discord,
    /// A workflow of Power Automate that posts an Adaptive Card.
    Teams,
}

impl fmt::Display for ChannelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Webhook => "the webhook",
            Self::Slack => "Slack",
            Self::Discord => "Discord",
            Self::Teams => "Teams",
        })
    }
}

/// Somebody to tell. Its `Debug` shows nothing of the address.
pub struct Channel {
    http: Arc<Http>,
    kind: ChannelKind,
    url: Url,
    secret: Option<SecretString>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({})", self.kind)
    }
}

impl Channel {
    /// The channel at `url`; `None` if that is no URL. Messages to a webhook are signed with the secret, if there is one.
    pub fn new(http: Arc<Http>, kind: ChannelKind, url: &SecretString, secret: Option<&SecretString>) -> Option<Self> {
        let url = Url::parse(url.expose_secret()).ok()?;
        Some(Self { http, kind, url, secret: secret.cloned() })
    }

    /// What it is.
    pub fn kind(&self) -> ChannelKind {
        self.kind
    }

    /// Tells it. The error is a reason in words, without the address.
    pub async fn tell(&self, notice: &Notice) -> Result<(), String> {
        deliver(&self.http, &self.request(notice)?).await
    }

    fn request(&self, notice: &Notice) -> Result<Request, String> {
        let form = match self.kind {
            ChannelKind::Webhook => webhook::form(notice)?,
            ChannelKind::Slack => slack::form(notice),
            ChannelKind::Discord => discord::form(notice),
            ChannelKind::Teams => teams::form(notice),
        };
        let body = serde_json::to_vec(&form).map_err(|error| error.to_string())?;
        let is_webhook = self.kind == ChannelKind::Webhook;
        // only who is given a key can see that two messages are the same one
        let mut request = post(self.url.clone(), "application/json", Bytes::from(body), is_webhook);
        if is_webhook {
            webhook::sign(&mut request, self.secret.as_ref())?;
        }
        Ok(request)
    }
}

/// The mark of a severity, for those who scan.
fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "🔴",
        Severity::Warning => "🟡",
        Severity::Info => "🔵",
    }
}

/// The colour of a message.
fn color(worst: Option<Severity>) -> u32 {
    match worst {
        Some(Severity::Error) => 0x00d1_2f2f,
        Some(Severity::Warning) => 0x00d9_9b00,
        Some(Severity::Info) | None => 0x002d_a44e,
    }
}

/// One finding in one paragraph.
fn paragraph(finding: &Finding) -> String {
    let hint = finding.hint.as_ref().map(|hint| format!("\n→ {}", line(hint, 400))).unwrap_or_default();
    let Finding { severity, code, subject, message, .. } = finding;
    format!("{} {code} on {}: {}{hint}", sign(*severity), line(subject, 200), line(message, 600))
}

/// On one line, without control characters, and no longer than this.
fn line(text: &str, longest: usize) -> String {
    let is_plain = |c: &char| {
        let turns =
            matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        !c.is_control() && !turns
    };
    let plain: String = text.chars().map(|c| if c == '\n' { ' ' } else { c }).filter(is_plain).collect();
    if plain.chars().count() <= longest { plain } else { plain.chars().take(longest - 1).chain(['…']).collect() }
}

/// As many paragraphs as fit into so many characters when they are escaped, and how many findings are not among them.
fn within(notice: &Notice, longest: usize, most: usize, escape: impl Fn(&str) -> String) -> (Vec<String>, usize) {
    let mut kept = Vec::new();
    let mut length = 0;
    for finding in notice.findings.iter().take(most) {
        let text = escape(&paragraph(finding));
        length += text.chars().count() + 2;
        if length > longest {
            break;
        }
        kept.push(text);
    }
    let left = notice.findings.len() - kept.len() + notice.left_out;
    (kept, left)
}

/// What stands below the findings: how many are not shown.
fn more(left: usize) -> Option<String> {
    (left > 0).then(|| format!("… and {left} more: the report of the job names all of them"))
}

/// Where the job is to be seen, if that is an address.
fn link(notice: &Notice) -> Option<&str> {
    notice.link.as_deref().filter(|link| Url::parse(link).is_ok_and(|url| ["http", "https"].contains(&url.scheme())))
}

/// Text with a backslash before every mark of Markdown.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]()#+-!|~<>@:.".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A moment without fractions.
fn when(notice: &Notice) -> Value {
    notice.at.format("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}

#[cfg(test)]
mod tests;
