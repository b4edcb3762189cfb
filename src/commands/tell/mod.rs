//! Telling others what was found: channels that get a message, and issues on GitHub that follow each incident.
//!
//! That somebody could not be told is a finding, and never the end of what was done.

mod channels;
mod issues;

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::clean::Cleaner;
use super::talk::{say, talk};
use crate::config::Config;
use crate::context::Context;
use crate::error::Failure;
use crate::model::{Finding, Look, without_names};

use channels::Channels;
use issues::Tracker;

/// A finding about somebody who could not be told.
const NOT_TOLD: &str = "not-told";

/// All of it together takes no longer than this.
const LONGEST: Duration = Duration::from_secs(180);

/// Everybody who is to be told.
pub(crate) struct Teller {
    channels: Channels,
    issues: Option<Tracker>,
    cleaner: Cleaner,
    hides_names: bool,
}

/// What is to be told, and of what.
pub(super) struct Told<'a> {
    pub(super) project: &'a str,
    pub(super) command: &'a str,
    pub(super) looks: &'a [Look],
    pub(super) now: DateTime<Utc>,
}

impl Teller {
    /// Whoever the configuration names. What issues need is found out here, before anything is done.
    pub(crate) fn new(config: &Config, again_and_again: bool) -> Result<Self, Failure> {
        let link = config.github.as_ref().ok().and_then(crate::github::Settings::run_page);
        Ok(Self {
            channels: Channels::new(config, link.clone(), again_and_again)?,
            issues: Tracker::new(config, link)?,
            cleaner: Cleaner::new(config),
            hides_names: config.seal_manifest,
        })
    }

    /// Tells everybody. What could not be told is given back.
    pub(crate) async fn tell(
        &mut self,
        project: &str,
        command: &str,
        looks: Vec<Look>,
        context: &Context,
    ) -> Vec<Finding> {
        if self.channels.is_empty() && self.issues.is_none() {
            return Vec::new();
        }
        let looks = self.fit(looks);
        let told = Told { project, command, looks: &looks, now: context.clock.now() };
        let (channels, issues) = (&mut self.channels, &self.issues);
        let all = async {
            let follow = async {
                match issues {
                    Some(tracker) => tracker.follow(&told).await,
                    None => (Vec::new(), Vec::new()),
                }
            };
            tokio::join!(channels.tell(&told), follow)
        };
        let mut not_told = Vec::new();
        match tokio::time::timeout(LONGEST, all).await {
            Ok((unheard, (lines, undone))) => {
                lines.iter().for_each(|line| talk(context, line));
                not_told.extend(unheard.into_iter().chain(undone));
            }
            Err(_) => {
                let message = format!("telling took longer than {} s and was given up", LONGEST.as_secs());
                let finding = Finding::warning(NOT_TOLD, "channels and issues", message);
                not_told.push(finding.hint("the next look tells what is left"));
            }
        }
        for finding in &mut not_told {
            self.cleaner.finding(finding);
        }
        not_told
    }

    /// Says who would be told what, and tells nobody.
    pub(crate) async fn rehearse(
        &self,
        project: &str,
        command: &str,
        looks: Vec<Look>,
        context: &Context,
    ) -> Vec<Finding> {
        let looks = self.fit(looks);
        let told = Told { project, command, looks: &looks, now: context.clock.now() };
        let mut lines = self.channels.rehearse(&told);
        let mut unseen = Vec::new();
        if let Some(tracker) = &self.issues {
            match tracker.rehearse(&told).await {
                Ok(planned) => lines.extend(planned),
                Err(finding) => unseen.push(finding),
            }
        }
        if lines.is_empty() && unseen.is_empty() {
            lines.push("nobody would be told anything".to_owned());
        }
        lines.iter().for_each(|line| say(line));
        for finding in &mut unseen {
            self.cleaner.finding(finding);
        }
        unseen
    }

    /// Who is told, in words; nothing if nobody is.
    pub(crate) fn audience(&self) -> Option<String> {
        let all: Vec<String> =
            self.channels.names().into_iter().chain(self.issues.as_ref().map(Tracker::name)).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Without secrets, and without names if those are sealed.
    fn fit(&self, mut looks: Vec<Look>) -> Vec<Look> {
        for look in &mut looks {
            if self.hides_names {
                look.findings = without_names(&look.findings);
            }
            look.findings.iter_mut().for_each(|finding| self.cleaner.finding(finding));
        }
        looks
    }
}
