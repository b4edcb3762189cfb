//! Slack, Discord, Teams, and any program that takes JSON.
//!
//! A channel remembers nothing, and neither does a command that looks once: so it is told each time. Who looks again
//! and again tells what changed.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{NOT_TOLD, Told};
use crate::commands::connect;
use crate::config::Config;
use crate::error::Failure;
use crate::model::{Finding, Notice, NotifyOn, Severity};
use crate::notify::{Channel, ChannelKind};

type Gist = Vec<(Severity, String, String)>;

pub(super) struct Channels {
    all: Vec<(Channel, Option<Gist>)>,
    on: NotifyOn,
    link: Option<String>,
    again_and_again: bool,
}

impl Channels {
    pub(super) fn new(config: &Config, link: Option<String>, again_and_again: bool) -> Result<Self, Failure> {
        let told = &config.channels;
        let mut all = Vec::new();
        for (kind, url) in [
            (ChannelKind::Webhook, &told.webhook),
            (ChannelKind::Slack, &told.slack),
            (ChannelKind::Discord, &told.discord),
            (ChannelKind::Teams, &told.teams),
        ] {
            let Some(url) = url else { continue };
            let http = connect::curious_http(config)?;
            all.extend(Channel::new(Arc::clone(&http), kind, url, told.webhook_secret.as_ref()).map(|one| (one, None)));
        }
        Ok(Self { all, on: told.on, link, again_and_again })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.all.iter().map(|(channel, _)| channel.kind().to_string()).collect()
    }

    /// Tells each at the same time.
    pub(super) async fn tell(&mut self, told: &Told<'_>) -> Vec<Finding> {
        let notice = self.notice(told);
        let (link, again) = (self.link.clone(), self.again_and_again);
        let tell = self.all.iter_mut().map(|(channel, last)| {
            let over = || Notice::recovered(told.project, told.command, told.now, link.as_deref());
            let gist = notice.as_ref().map(Notice::gist).unwrap_or_default();
            let message = match (&notice, last.as_ref()) {
                // heard before, as far as this process knows
                (_, Some(before)) if again && *before == gist => None,
                (Some(notice), Some(before)) if again && notice.findings.is_empty() && !before.is_empty() => {
                    Some(over())
                }
                (None, Some(before)) if again && !before.is_empty() => Some(over()),
                (notice, _) => notice.clone(),
            };
            async move {
                if let Some(message) = message {
                    channel.tell(&message).await.map_err(|why| not_told(channel.kind(), &why))?;
                }
                *last = Some(gist);
                Ok(())
            }
        });
        join_all(tell).await.into_iter().filter_map(Result::err).collect()
    }

    pub(super) fn rehearse(&self, told: &Told<'_>) -> Vec<String> {
        let Some(notice) = self.notice(told) else { return Vec::new() };
        let line = |name: String| format!("{name} would be told: {}", notice.headline());
        self.names().into_iter().map(line).collect()
    }

    fn notice(&self, told: &Told<'_>) -> Option<Notice> {
        Notice::of(told.project, told.command, told.looks, self.on, told.now, self.link.as_deref())
    }
}

fn not_told(kind: ChannelKind, why: &str) -> Finding {
    let variable = match kind {
        ChannelKind::Webhook => "SUPABACKUP_WEBHOOK_URL",
        ChannelKind::Slack => "SUPABACKUP_SLACK_URL",
        ChannelKind::Discord => "SUPABACKUP_DISCORD_URL",
        ChannelKind::Teams => "SUPABACKUP_TEAMS_URL",
    };
    let finding = Finding::warning(NOT_TOLD, kind.to_string(), format!("it could not be told what was found: {why}"));
    finding.hint(format!("check {variable}; docs/notifications.md says what is sent"))
}
