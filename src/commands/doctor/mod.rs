//! `doctor`: before the first run, checks every credential, permission and limit, in the order in
//! which a person would debug, and says what to do. It reads and never writes to the project; in
//! the store it leaves nothing behind.
//!
//! Observe (I/O), then judge (pure), stage by stage: a stage that cannot go on ends its branch.

mod judge;
mod observe;

use secrecy::{ExposeSecret, SecretString};

use crate::cli::DoctorArgs;
use crate::commands::step::of_doctor;
use crate::config::{Config, ProjectConfig, redact};
use crate::context::Context;
use crate::error::Outcome;
use crate::model::{Finding, Severity};
use crate::render::{self, Palette};

/// Runs the command.
pub async fn run(args: &DoctorArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let project = config.project()?;
    let mut desk = Desk::new(args, config, project, context);

    let reach = observe::reach(config, project, context).await;
    let reached = judge::is_reached(&reach);
    desk.say(judge::reach(&reach))?;

    let key = observe::key(config, project, context, reached).await;
    desk.say(judge::key(&key))?;

    let seen = match judge::is_accepted(&key) {
        true => Some(observe::project(config, project).await),
        false => None,
    };
    desk.say(judge::project(seen.as_ref(), judge::why_not(reached, &key)))?;

    let estimate = seen.as_ref().and_then(|seen| seen.as_ref().ok()).and_then(judge::estimate);
    for store in observe::stores(config, project).await {
        desk.say(judge::store(&store, estimate, context.clock.now()))?;
    }

    context.hand_over(|| of_doctor(&desk.findings));
    desk.close()
}

/// Where findings go: each one printed as soon as it is known, or all of them as one document.
struct Desk<'a> {
    json: bool,
    quiet: bool,
    palette: Palette,
    secrets: Vec<&'a SecretString>,
    findings: Vec<Finding>,
}

impl<'a> Desk<'a> {
    fn new(args: &DoctorArgs, config: &'a Config, project: &'a ProjectConfig, context: &Context) -> Self {
        Self {
            json: args.json,
            quiet: context.terminal.quiet,
            palette: Palette::new(context.terminal.color_on_stdout()),
            secrets: config.access_token.iter().chain([project.key.secret()]).collect(),
            findings: Vec::new(),
        }
    }

    fn say(&mut self, findings: Vec<Finding>) -> anyhow::Result<()> {
        for mut finding in findings {
            finding.message = self.clean(&finding.message);
            finding.hint = finding.hint.map(|hint| self.clean(&hint));
            let is_silent = self.json || (self.quiet && finding.severity == Severity::Info);
            if !is_silent {
                render::print(&render::checkup_line(&finding, self.palette))?;
            }
            self.findings.push(finding);
        }
        Ok(())
    }

    /// Servers repeat what they were sent: no secret gets out that way.
    fn clean(&self, text: &str) -> String {
        self.secrets.iter().fold(redact(text), |text, secret| match secret.expose_secret() {
            "" => text,
            secret => text.replace(secret, "***"),
        })
    }

    fn close(self) -> anyhow::Result<Outcome> {
        let blocked = self.findings.iter().any(|f| f.severity == Severity::Error);
        if self.json {
            render::print(&render::checkup_json(&self.findings)?)?;
        } else if !self.quiet || blocked {
            render::print(&render::checkup_verdict(&self.findings, self.palette))?;
        }
        Ok(if blocked { Outcome::Findings } else { Outcome::Done })
    }
}
