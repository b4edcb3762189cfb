//! How the files of one snapshot are sealed.

use std::io::{self, Write};

use age::secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::{Identities, Recipient, Recipients, hex};

/// The end of every sealed file's name.
pub const SEALED: &str = ".age";

/// Whether a stored file is sealed: its name says so.
pub fn is_sealed(name: &str) -> bool {
    name.ends_with(SEALED)
}

/// The work that a passphrase costs whoever tries one, as a power of two: what `age -p` takes as well. It
/// needs 256 MiB for about a second, once for a snapshot.
const WORK_FACTOR: u8 = 18;

/// How the files of one snapshot are sealed: to every recipient, and to a key of the snapshot's own.
///
/// With the own key a run reads back what it has written, without anybody's private key. It is thrown away
/// when the run ends, unless there is a passphrase: then it is stored, sealed by the passphrase, and so the
/// passphrase opens everything. (A passphrase for each file would cost a second and 256 MiB for each file.)
pub struct Sealing {
    recipients: Recipients,
    own: age::x25519::Identity,
    hides_names: bool,
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealing").field("recipients", &self.recipients).finish_non_exhaustive()
    }
}

impl Sealing {
    /// `None` if nobody is to open it: then nothing is sealed. `hides_names`: names of tables stand in
    /// no file's name and in no plain file.
    pub fn new(recipients: &Recipients, hides_names: bool) -> Option<Self> {
        let own = age::x25519::Identity::generate();
        (!recipients.is_empty()).then(|| Self { recipients: recipients.clone(), own, hides_names })
    }

    /// Who may open it.
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// Whether names of tables are hidden.
    pub fn hides_names(&self) -> bool {
        self.hides_names
    }

    /// What opens it while the run goes on.
    pub fn own(&self) -> Identities {
        Identities::of_key(self.own.clone())
    }

    /// The public half of the own key.
    pub fn own_recipient(&self) -> String {
        self.own.to_public().to_string()
    }

    /// A word for a table that tells nobody which table it is, and is the same for the whole run.
    pub fn pseudonym(&self, table: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(self.own.to_string().expose_secret());
        hash.update(table);
        hex(&hash.finalize()[..8])
    }

    pub(super) fn encryptor(&self) -> io::Result<age::Encryptor> {
        let own = self.own.to_public();
        let keys = self.recipients.keys().iter().map(Recipient::as_age);
        age::Encryptor::with_recipients(keys.chain([&own as &dyn age::Recipient])).map_err(io::Error::other)
    }

    /// The own key as an identity file that the passphrase opens, as `age -i` reads it; `None` without a
    /// passphrase. Takes a second: that is what a passphrase is worth.
    pub fn identity_file(&self) -> io::Result<Option<Vec<u8>>> {
        let Some(passphrase) = self.recipients.passphrase() else { return Ok(None) };
        let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
        recipient.set_work_factor(WORK_FACTOR);
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient));
        let mut writer = encryptor.map_err(io::Error::other)?.wrap_output(Vec::new())?;
        writer.write_all(self.own.to_string().expose_secret().as_bytes())?;
        writer.write_all(b"\n")?;
        writer.finish().map(Some)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn recipients(count: usize) -> Recipients {
        let mut recipients = Recipients::default();
        for _ in 0..count {
            let text = age::x25519::Identity::generate().to_public().to_string();
            assert_eq!(recipients.add_text(&text), Vec::<String>::new());
        }
        recipients
    }

    #[test]
    fn without_anybody_nothing_is_sealed() {
        assert!(Sealing::new(&Recipients::default(), true).is_none());
    }

    #[test]
    fn pseudonyms_are_those_of_one_run() -> Result<(), Box<dyn std::error::Error>> {
        let one = Sealing::new(&recipients(1), true).ok_or("none")?;
        let other = Sealing::new(&recipients(1), true).ok_or("none")?;
        assert_eq!(one.pseudonym("public.a"), one.pseudonym("public.a"));
        assert_ne!(one.pseudonym("public.a"), one.pseudonym("public.b"));
        assert_ne!(one.pseudonym("public.a"), other.pseudonym("public.a"));
        Ok(())
    }

    #[test]
    fn the_passphrase_opens_the_own_key_and_the_own_key_opens_everything() -> Result<(), Box<dyn std::error::Error>> {
        let mut recipients = recipients(1);
        recipients.set_passphrase("a long enough passphrase".to_owned().into());
        let sealing = Sealing::new(&recipients, false).ok_or("none")?;
        let file = sealing.identity_file()?.ok_or("no file")?;
        let mut knows = Identities::default();
        knows.set_passphrase("a long enough passphrase".to_owned().into());
        let opened = knows.open_identity_file(&file).map_err(|e| format!("{e:?}"))?;
        assert!(!opened.is_empty());
        let mut guesses = Identities::default();
        guesses.set_passphrase("another passphrase".to_owned().into());
        assert!(guesses.open_identity_file(&file).is_err());
        Ok(())
    }
}
