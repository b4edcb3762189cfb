//! Who may open what is written, and what opens what is read.

use clap::{ArgAction, Args};

use crate::config::{Flags, help};

/// Who may open a snapshot that is written.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encryption")]
pub(super) struct SealArgs {
    #[arg(long = "recipient", value_name = "KEY", action = ArgAction::Append, help = help("recipients"))]
    recipients: Vec<String>,
    #[arg(long = "recipients-file", value_name = "FILE", action = ArgAction::Append, help = help("recipients_file"))]
    recipients_files: Vec<String>,
    #[arg(long, help = help("seal_manifest"))]
    seal_manifest: bool,
    #[arg(long = "allow-plaintext-in-public-repository", help = help("allow_plaintext_in_public_repository"))]
    allow_plaintext: bool,
}

/// What opens a snapshot that is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encryption")]
pub(super) struct OpenArgs {
    #[arg(long = "identity-file", value_name = "FILE", action = ArgAction::Append, help = help("identity_file"))]
    identity_files: Vec<String>,
}

impl SealArgs {
    /// Whether somebody is named who may open.
    pub(super) fn is_given(&self) -> bool {
        !self.recipients.is_empty() || !self.recipients_files.is_empty()
    }

    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("recipients", &self.recipients);
        flags.set("recipients_file", &self.recipients_files);
        flags.set("seal_manifest", self.seal_manifest.then_some("yes"));
        flags.set("allow_plaintext_in_public_repository", self.allow_plaintext.then_some("yes"));
    }
}

impl OpenArgs {
    pub(super) fn fill(&self, flags: &mut Flags) {
        flags.set("identity_file", &self.identity_files);
    }
}
