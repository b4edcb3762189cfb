//! Who may open what is written, and what opens what is read: settings made into keys. No mistake
//! repeats a private key or a passphrase.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::config::reader::Reader;
use crate::config::sources::{Given, Origin, Raw};
use crate::seal::{Identities, Recipients};

/// A shorter passphrase is guessed sooner or later, whatever a guess costs.
const SHORTEST_PASSPHRASE: usize = 12;

/// A file of keys is short; anything larger was named by mistake.
const LONGEST_FILE: u64 = 1 << 20;

impl Reader {
    /// Who may open snapshots, and what opens them. Both know the passphrase.
    pub(super) fn keys(&mut self, directory: &Path) -> (Recipients, Identities) {
        let mut recipients = Recipients::default();
        let mut identities = Identities::default();
        self.recipients(&mut recipients, directory);
        self.identities(&mut identities, directory);
        if let Some(passphrase) = self.passphrase() {
            recipients.set_passphrase(passphrase.clone());
            identities.set_passphrase(passphrase);
        }
        (recipients, identities)
    }

    /// Names of tables can be hidden only in what is sealed.
    pub(super) fn seal_manifest(&mut self, recipients: &Recipients) -> bool {
        let wanted = self.switch("seal_manifest");
        if let (true, true, Some(Given { origin, .. })) = (wanted, recipients.is_empty(), self.given("seal_manifest"))
            && self.mistakes.len() == 0
        {
            self.mistakes.at(&origin, "needs somebody who may open: give --recipient, or SUPABACKUP_PASSPHRASE");
        }
        wanted
    }

    fn recipients(&mut self, recipients: &mut Recipients, directory: &Path) {
        if let Some(Given { origin, value }) = self.given("recipients") {
            let text = match value {
                Raw::Text(text) => text,
                Raw::Entries(entries) => entries.join("\n"),
                Raw::Secret(_) => String::new(),
            };
            for mistake in recipients.add_text(&text) {
                self.mistakes.at(&origin, mistake);
            }
        }
        for (origin, name, text) in self.files("recipients_file", directory) {
            for mistake in recipients.add_file(&text) {
                self.mistakes.at(&origin, format!("{name}: {mistake}"));
            }
        }
    }

    fn identities(&mut self, identities: &mut Identities, directory: &Path) {
        for (origin, name, text) in self.files("identity_file", directory) {
            if let Err(mistake) = identities.add_text(&text) {
                self.mistakes.at(&origin, format!("{name} {mistake}"));
            }
        }
        if let Some((origin, secret)) = self.secret("identity")
            && let Err(mistake) = identities.add_text(secret.expose_secret())
        {
            self.mistakes.at(&origin, mistake);
        }
    }

    /// The files that a setting names, each with its text.
    fn files(&mut self, name: &str, directory: &Path) -> Vec<(Origin, String, String)> {
        let Some(Given { origin, .. }) = self.given(name) else { return Vec::new() };
        let mut found = Vec::new();
        for name in self.list(name) {
            match read(&directory.join(&name)) {
                Ok(text) => found.push((origin.clone(), name, text)),
                // a private key that was put where a file's name belongs must not be repeated
                Err(_) if name.to_ascii_uppercase().contains("SECRET-KEY") || name.contains("PRIVATE KEY") => {
                    self.mistakes
                        .at(&origin, "is a private key, not the name of a file: consider it as seen by others");
                }
                Err(why) => self.mistakes.at(&origin, format!("{name}: {why}")),
            }
        }
        found
    }

    fn passphrase(&mut self) -> Option<SecretString> {
        let (origin, secret) = self.secret("passphrase")?;
        let text = secret.expose_secret();
        if text.chars().any(char::is_control) {
            self.mistakes.at(&origin, "holds a control character, which nobody can type on a bad day");
        }
        if text.chars().count() < SHORTEST_PASSPHRASE {
            self.mistakes.at(&origin, format!("is too short: take at least {SHORTEST_PASSPHRASE} characters"));
        }
        Some(secret)
    }
}

fn read(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|e| format!("cannot be read: {e}"))?.len();
    if length > LONGEST_FILE {
        return Err("is too large for a file of keys".to_owned());
    }
    let bytes = std::fs::read(path).map_err(|e| format!("cannot be read: {e}"))?;
    String::from_utf8(bytes).map_err(|_| "is not text".to_owned())
}
