//! Public keys that snapshots are sealed to, read as `age -r` and `age -R` read them.

use std::fmt;
use std::str::FromStr;

use age::secrecy::SecretString;
use age::ssh::ParseRecipientKeyError;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest, Sha256};

/// A public key: whoever has the private half can open what is sealed to it.
#[derive(Clone)]
pub struct Recipient {
    text: String,
    key: Key,
}

#[derive(Clone)]
enum Key {
    X25519(age::x25519::Recipient),
    Ssh(Box<age::ssh::Recipient>),
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Recipient {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Recipient {
    /// The whole public key, without a comment.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What `ssh-keygen -l` calls an SSH key; an age recipient has no other name than itself.
    pub fn fingerprint(&self) -> Option<String> {
        let (_, encoded) = self.text.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        Some(format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(bytes))))
    }

    pub(super) fn as_age(&self) -> &dyn age::Recipient {
        match &self.key {
            Key::X25519(key) => key,
            Key::Ssh(key) => key.as_ref(),
        }
    }
}

/// What a text that is no recipient may hold of itself in a message: a private key must not be repeated.
const SHOWN: usize = 24;

/// What is wrong if the private half of a key is in a text.
fn private(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    ["AGE-SECRET-KEY", "PRIVATE KEY", "AGE-PLUGIN-"].iter().any(|mark| upper.contains(mark)).then(|| {
        "this is a private key, not a recipient: give its public half (`age-keygen -y` shows it), and consider this \
         key as seen by others"
            .to_owned()
    })
}

impl FromStr for Recipient {
    type Err = String;

    /// `age1…`, `ssh-ed25519 AAAA… comment` or `ssh-rsa AAAA… comment`. The mistake never repeats a
    /// private key.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(mistake) = private(text) {
            return Err(mistake);
        }
        let shown: String = text.chars().take(SHOWN).collect();
        let shown = if shown.len() < text.len() { format!("{shown}…") } else { shown };
        if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
            let key = text.parse::<age::ssh::Recipient>().map_err(|error| match error {
                ParseRecipientKeyError::RsaModulusTooSmall => {
                    format!("{shown:?} is an RSA key of fewer than 2048 bits")
                }
                ParseRecipientKeyError::RsaModulusTooLarge => format!("{shown:?} is an RSA key of more than 4096 bits"),
                ParseRecipientKeyError::Invalid(_) => format!("{shown:?} is not a whole SSH public key"),
                _ => format!("{shown:?} is an SSH key of a kind that age cannot seal to; use ssh-ed25519 or ssh-rsa"),
            })?;
            return Ok(Self { text: key.to_string(), key: Key::Ssh(Box::new(key)) });
        }
        for (beginning, kind) in [
            ("age1pq1", "a post-quantum recipient, which this version cannot seal to"),
            ("age1tag", "a recipient of a hardware key (age1tag…, age1tagpq…), which opens only with a plugin"),
        ] {
            if text.starts_with(beginning) {
                return Err(format!("{shown:?} is {kind}; add or use an age1… or SSH recipient"));
            }
        }
        if !text.starts_with("age1") {
            // whatever it is, it may be a secret that was put in the wrong place
            let length = text.chars().count();
            return Err(format!(
                "a text of {length} characters is not a recipient: it begins neither with age1 nor with ssh-"
            ));
        }
        let key = text
            .parse::<age::x25519::Recipient>()
            .map_err(|_| format!("{shown:?} is not a recipient: it is not a whole age1… key"))?;
        Ok(Self { text: key.to_string(), key: Key::X25519(key) })
    }
}

/// Everybody who may open what is sealed: public keys, and whoever knows a passphrase.
#[derive(Clone, Default)]
pub struct Recipients {
    keys: Vec<Recipient>,
    passphrase: Option<SecretString>,
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passphrase = if self.passphrase.is_some() { "***" } else { "none" };
        f.debug_struct("Recipients").field("keys", &self.keys).field("passphrase", &passphrase).finish()
    }
}

impl Recipients {
    /// Nobody: nothing is sealed.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.passphrase.is_none()
    }

    /// The public keys.
    pub fn keys(&self) -> &[Recipient] {
        &self.keys
    }

    /// The passphrase.
    pub fn passphrase(&self) -> Option<&SecretString> {
        self.passphrase.as_ref()
    }

    /// One more public key. One that is there already counts once.
    pub fn add(&mut self, recipient: Recipient) {
        if !self.keys.contains(&recipient) {
            self.keys.push(recipient);
        }
    }

    /// Whoever knows it may open too.
    pub fn set_passphrase(&mut self, passphrase: SecretString) {
        self.passphrase = Some(passphrase);
    }

    /// Adds what stands in a text: recipients between white space and commas. What follows an SSH key is
    /// its comment, up to the line's end. Returns what is wrong, each with what it is about.
    pub fn add_text(&mut self, text: &str) -> Vec<String> {
        let mut mistakes = Vec::new();
        // no line of a private key is looked at by itself: it does not look like one
        if let Some(mistake) = private(text) {
            return vec![mistake];
        }
        for line in text.split(['\n', '\r', ',']) {
            let mut words = line.split_whitespace();
            let mut after_ssh = false;
            while let Some(word) = words.next() {
                let is_ssh = ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| word.starts_with(kind));
                if after_ssh && !is_ssh && !word.starts_with("age1") {
                    continue; // its comment
                }
                let key = if is_ssh { format!("{word} {}", words.next().unwrap_or_default()) } else { word.to_owned() };
                after_ssh = is_ssh;
                match key.parse() {
                    Ok(recipient) => self.add(recipient),
                    Err(mistake) => mistakes.push(mistake),
                }
            }
        }
        mistakes
    }

    /// Adds what stands in a recipients file: one per line, empty lines and lines that begin with `#` aside.
    pub fn add_file(&mut self, text: &str) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut found = false;
        if let Some(mistake) = private(text) {
            return vec![mistake];
        }
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            found = true;
            match line.parse() {
                Ok(recipient) => self.add(recipient),
                Err(mistake) => mistakes.push(format!("line {number}: {mistake}")),
            }
        }
        if !found {
            mistakes.push("it holds no recipient".to_owned());
        }
        mistakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN";

    fn age1() -> String {
        age::x25519::Identity::generate().to_public().to_string()
    }

    #[test]
    fn recipients_stand_between_white_space_commas_and_line_ends() {
        let (a, b, c) = (age1(), age1(), age1());
        for text in [
            format!("{a} {b}\n{ED25519} me@host\n{c}"),
            format!("{a},{b},{ED25519} a comment,{c}"),
            format!("\n{a}\t{b}\r\n  {ED25519} me {c} \n\n,"),
            format!("{a} {a} {b} {ED25519} {c} {c}"),
        ] {
            let mut recipients = Recipients::default();
            assert_eq!(recipients.add_text(&text), Vec::<String>::new(), "{text}");
            let mut texts: Vec<&str> = recipients.keys().iter().map(Recipient::text).collect();
            let mut expected = vec![a.as_str(), b.as_str(), ED25519, c.as_str()];
            texts.sort_unstable();
            expected.sort_unstable();
            assert_eq!(texts, expected, "{text}");
        }
    }

    #[test]
    fn a_file_is_read_as_age_reads_it() {
        let key = age1();
        let mut recipients = Recipients::default();
        let text = format!("# the team\n\n{key}\n{ED25519} me@host with words\n   \n");
        assert_eq!(recipients.add_file(&text), Vec::<String>::new());
        assert_eq!(recipients.keys().len(), 2);
        assert_eq!(Recipients::default().add_file("# nobody\n"), ["it holds no recipient"]);
        let wrong = Recipients::default().add_file(&format!("{key}\nage1nonsense\n\nssh-dss AAAA x\n"));
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].starts_with("line 2: ") && wrong[1].starts_with("line 4: "), "{wrong:?}");
    }

    #[test]
    fn a_private_key_is_refused_and_not_repeated() {
        use age::secrecy::ExposeSecret;
        let secret = age::x25519::Identity::generate().to_string();
        let secret = secret.expose_secret();
        for text in [secret.to_owned(), secret.to_lowercase(), format!("{} {secret}", age1()), format!("x{secret}")] {
            let mistakes = Recipients::default().add_text(&text);
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            assert!(mistakes[0].contains("private key") && !mistakes[0].contains(&secret[20..30]), "{mistakes:?}");
            assert!(!mistakes[0].to_uppercase().contains(&secret[20..30]), "{mistakes:?}");
        }
        let ssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE\n-----END OPENSSH PRIVATE KEY-----";
        for mistakes in [Recipients::default().add_text(ssh), Recipients::default().add_file(ssh)] {
            assert!(mistakes.len() == 1 && !mistakes[0].contains("b3Blbn"), "{mistakes:?}");
        }
        let mistakes = Recipients::default().add_text("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE");
        assert!(mistakes.len() == 1 && !mistakes[0].contains("b3Blbn"), "{mistakes:?}");
    }

    #[test]
    fn each_wrong_recipient_is_named_with_what_it_is() {
        let mut recipients = Recipients::default();
        let mistakes = recipients.add_text(
            "age1abc,ssh-ed25519 AAAA me,ecdsa-sha2-nistp256 AAAAE2VjZHNh x,bob,age1tagpq1qqqqqqqqqqqqqq,age1pq1qqqqqqq",
        );
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
        assert!(recipients.is_empty());
        assert!(mistakes[4].contains("hardware") && mistakes[5].contains("post-quantum"), "{mistakes:#?}");
    }

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        let print = ED25519.parse::<Recipient>().ok().and_then(|r| r.fingerprint());
        assert!(print.is_some_and(|p| p.starts_with("SHA256:") && p.len() == 50));
        assert_eq!(age1().parse::<Recipient>().ok().and_then(|r| r.fingerprint()), None);
    }
}
