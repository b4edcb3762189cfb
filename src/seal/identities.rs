//! Private keys that open what is sealed. Nothing of them is ever shown.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use age::DecryptError;
use age::secrecy::SecretString;
use age::stream::StreamReader;
use bytes::Bytes;

/// A larger work factor is not computed: it would keep the machine busy for minutes, at 1 GiB of memory.
const MOST_WORK: u8 = 20;

/// An identity file is short.
const LONGEST_IDENTITY_FILE: u64 = 1 << 20;

/// Why something sealed did not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unopened {
    /// None of the identities is one that it was sealed to.
    NotForUs,
    /// It is not what age wrote, in words.
    Damaged(String),
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForUs => f.write_str("none of the identities opens it"),
            Self::Damaged(why) => write!(f, "it does not decrypt: {why}"),
        }
    }
}

impl From<DecryptError> for Unopened {
    fn from(error: DecryptError) -> Self {
        match error {
            DecryptError::NoMatchingKeys | DecryptError::KeyDecryptionFailed => Self::NotForUs,
            DecryptError::DecryptionFailed | DecryptError::InvalidMac => {
                Self::Damaged("its bytes are not those that were sealed".to_owned())
            }
            DecryptError::InvalidHeader | DecryptError::UnknownFormat => {
                Self::Damaged("it does not begin like a file of age".to_owned())
            }
            DecryptError::ExcessiveWork { .. } => {
                Self::Damaged("it asks for more work than a passphrase needs".to_owned())
            }
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// Whoever opens: private keys, and a passphrase.
#[derive(Clone, Default)]
pub struct Identities {
    keys: Vec<Arc<dyn age::Identity + Send + Sync>>,
    passphrase: Option<SecretString>,
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({} keys)", self.keys.len())
    }
}

impl Identities {
    pub(super) fn of_key(key: age::x25519::Identity) -> Self {
        Self { keys: vec![Arc::new(key)], passphrase: None }
    }

    /// Nobody: nothing that is sealed opens.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.passphrase.is_none()
    }

    /// Whether there is a private key among them.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The passphrase.
    pub fn passphrase(&self) -> Option<&SecretString> {
        self.passphrase.as_ref()
    }

    /// What a passphrase opens, it opens too.
    pub fn set_passphrase(&mut self, passphrase: SecretString) {
        self.passphrase = Some(passphrase);
    }

    /// Adds the keys of another.
    pub fn extend(&mut self, others: Self) {
        self.keys.extend(others.keys);
    }

    /// Adds what stands in an identity file of age, or in an SSH private key without a passphrase. The
    /// mistake repeats nothing of it.
    pub fn add_text(&mut self, text: &str) -> Result<(), &'static str> {
        let text = text.trim();
        if text.starts_with("-----BEGIN AGE") || text.starts_with("age-encryption.org") {
            return Err("is an identity file that a passphrase protects; open it first: age -d -o key.txt FILE");
        }
        if text.starts_with("-----BEGIN") {
            let text = format!("{text}\n");
            let key =
                age::ssh::Identity::from_buffer(text.as_bytes(), None).map_err(|_| "is not a whole SSH private key")?;
            return match key {
                key @ age::ssh::Identity::Unencrypted(_) => {
                    self.keys.push(Arc::new(key));
                    Ok(())
                }
                age::ssh::Identity::Encrypted(_) => Err(
                    "is an SSH private key that a passphrase protects; take the passphrase off a copy of it: ssh-keygen -p -N '' -f COPY",
                ),
                age::ssh::Identity::Unsupported(_) => {
                    Err("is an SSH private key of a kind that age does not know; use ssh-ed25519 or ssh-rsa")
                }
            };
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut keys: Vec<Arc<dyn age::Identity + Send + Sync>> = Vec::new();
        for line in lines {
            if line.starts_with("age1") || line.starts_with("ssh-") {
                return Err(
                    "holds a recipient, which seals and does not open; give the private key (AGE-SECRET-KEY-…)",
                );
            }
            if line.to_ascii_uppercase().starts_with("AGE-PLUGIN-") {
                return Err("holds an identity of a plugin, which this program does not run; open the parts with age");
            }
            let key: age::x25519::Identity = line.parse().map_err(|_| "holds something else than identities of age")?;
            keys.push(Arc::new(key));
        }
        if keys.is_empty() {
            return Err("holds no identity");
        }
        self.keys.append(&mut keys);
        Ok(())
    }

    /// The keys in an identity file that the passphrase protects. Takes a second.
    pub fn open_identity_file(&self, stored: &[u8]) -> Result<Self, Unopened> {
        let Some(passphrase) = &self.passphrase else { return Err(Unopened::NotForUs) };
        let mut identity = age::scrypt::Identity::new(passphrase.clone());
        identity.set_max_work_factor(MOST_WORK);
        let opened = age::Decryptor::new_buffered(stored)?
            .decrypt(std::iter::once(&identity as &dyn age::Identity))
            .map_err(|error| match error {
                // of a passphrase age cannot tell a wrong one from a damaged file
                DecryptError::DecryptionFailed => Unopened::NotForUs,
                other => other.into(),
            })?;
        let mut text = String::new();
        opened
            .take(LONGEST_IDENTITY_FILE)
            .read_to_string(&mut text)
            .map_err(|error| Unopened::Damaged(error.to_string()))?;
        let mut identities = Self::default();
        identities.add_text(&text).map_err(|why| Unopened::Damaged(format!("it {why}")))?;
        Ok(identities)
    }

    /// Whether one of the keys opens it, as far as its head tells.
    pub fn try_on(&self, stored: &Bytes) -> Result<(), Unopened> {
        self.payload(stored.clone()).map(drop)
    }

    fn payload(&self, stored: Bytes) -> Result<StreamReader<io::Cursor<Bytes>>, Unopened> {
        let keys = self.keys.iter().map(|key| key.as_ref() as &dyn age::Identity);
        Ok(age::Decryptor::new_buffered(io::Cursor::new(stored))?.decrypt(keys)?)
    }

    pub(super) fn decrypt(&self, stored: Bytes) -> io::Result<impl Read + Send + use<>> {
        self.payload(stored).map_err(|unopened| io::Error::other(unopened.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret;

    #[test]
    fn identity_files_are_read_as_age_reads_them() {
        let key = age::x25519::Identity::generate();
        let secret = key.to_string();
        let file = format!("# created: today\n# public key: {}\n{}\n", key.to_public(), secret.expose_secret());
        let mut identities = Identities::default();
        assert_eq!(identities.add_text(&file), Ok(()));
        assert_eq!(identities.add_text(secret.expose_secret()), Ok(()));
        assert!(identities.has_keys());
        assert!(!format!("{identities:?}").contains("SECRET"));
        for wrong in [
            "",
            "# nothing\n",
            &key.to_public().to_string(),
            "AGE-SECRET-KEY-1QQQ",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
        ] {
            let mistake = Identities::default().add_text(wrong).err().unwrap_or_default();
            assert!(!mistake.is_empty(), "{wrong}");
            assert!(!mistake.contains("QQQ"), "{mistake}");
        }
    }
}
