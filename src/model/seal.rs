//! Who may open a snapshot, and where a plain one must not go.

use serde::{Deserialize, Serialize};

use crate::model::{FORMAT_VERSION, File, Manifest, PLAIN_FORMAT_VERSION, SEALED_FORMAT_VERSION, Source};

/// Says in the manifest that a snapshot is sealed: every stored file whose name ends in `.age`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seal {
    /// The public keys that everything is sealed to.
    pub recipients: Vec<SealedTo>,
    /// Present if a passphrase opens it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<PassphraseSeal>,
    /// Present if this manifest leaves out what names tables: the file that holds all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<String>,
}

/// One public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTo {
    /// The whole of it: `age1…`, `ssh-ed25519 AAAA…`, `ssh-rsa AAAA…`.
    pub key: String,
    /// Of an SSH key, as `ssh-keygen -l` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

/// What a passphrase opens: the private key that everything is sealed to as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassphraseSeal {
    /// The stored file that holds this key, sealed by the passphrase.
    pub identity: String,
    /// Its public half.
    pub recipient: String,
}

impl Seal {
    /// Whoever can open it, for a person: `age1…`, `ssh-ed25519 SHA256:…`, `a passphrase`.
    pub fn openers(&self) -> Vec<String> {
        let keys = self.recipients.iter().map(|to| match (&to.fingerprint, to.key.split_once(' ')) {
            (Some(print), Some((kind, _))) => format!("{kind} {print}"),
            _ => to.key.clone(),
        });
        keys.chain(self.passphrase.iter().map(|_| "a passphrase".to_owned())).collect()
    }
}

impl Manifest {
    /// What of it may stand in the open where names of tables are hidden: everything that lists, dates and
    /// checks of bytes need. `whole` is the stored file that holds all of it.
    pub fn without_names(&self, whole: File) -> Self {
        let all = self.stored().map(|(key, size, sha256)| File { key: key.into(), size, sha256: sha256.into() });
        let mut files: Vec<File> = all.chain([whole.clone()]).collect();
        files.sort_by(|a, b| a.key.cmp(&b.key));
        Self {
            sealed: self.sealed.clone().map(|seal| Seal { manifest: Some(whole.key), ..seal }),
            missing: Vec::new(),
            passed_over: Vec::new(),
            source: Source { schemas: Vec::new(), blind_spots: Vec::new(), ..self.source.clone() },
            tables: Vec::new(),
            structure: None,
            files,
            ..self.clone()
        }
    }

    /// The version that a snapshot is written in: the lowest that can tell what it is.
    pub fn version(is_sealed: bool, is_gzip: bool) -> u32 {
        match (is_sealed, is_gzip) {
            (_, true) => FORMAT_VERSION,
            (true, false) => SEALED_FORMAT_VERSION,
            (false, false) => PLAIN_FORMAT_VERSION,
        }
    }

    /// Whether its files are compressed with gzip: their names say so.
    pub fn is_gzip(&self) -> bool {
        self.stored().any(|(key, ..)| key.ends_with(".gz") || key.ends_with(".gz.age"))
    }

    /// Whether both are the same backup, opened by the same people: compressed in another way, perhaps, but row by row
    /// the same.
    pub fn is_form_of(&self, other: &Self) -> bool {
        let first = |manifest: &Self| manifest.instead_of.clone().unwrap_or_else(|| manifest.snapshot.clone());
        let sums = |manifest: &Self| {
            let totals = manifest.totals;
            (manifest.started, manifest.finished, manifest.complete, totals.tables, totals.rows, totals.raw_bytes)
        };
        let digests = |manifest: &Self| {
            manifest.tables.iter().map(|t| (t.name.clone(), t.rows, t.digest.clone())).collect::<Vec<_>>()
        };
        let hidden = self.hides_tables() || other.hides_tables();
        let opened_by = |manifest: &Self| {
            manifest.sealed.as_ref().map(|seal| {
                let mut openers = seal.openers();
                openers.sort();
                (openers, seal.manifest.is_some())
            })
        };
        first(self) == first(other)
            && self.project.name == other.project.name
            && sums(self) == sums(other)
            && (hidden || digests(self) == digests(other))
            && opened_by(self) == opened_by(other)
    }

    /// Whether this is a manifest that leaves its tables out.
    pub fn hides_tables(&self) -> bool {
        self.whole().is_some() && self.tables.is_empty() && self.totals.tables > 0
    }

    /// The file that holds what this manifest leaves out, if it does.
    pub fn whole(&self) -> Option<&str> {
        self.sealed.as_ref().and_then(|seal| seal.manifest.as_deref())
    }
}

/// Who can read what lies in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Only those who were let in.
    Private,
    /// Everybody.
    Public,
    /// It could not be found out.
    Unknown,
}

/// Refuses to put a plain snapshot where everybody may read it; `place` names it. Asked before anything is
/// written. The reason says what to do.
pub fn may_lie_there(seal: Option<&Seal>, audience: Audience, place: &str) -> Result<(), String> {
    let why = match audience {
        _ if seal.is_some() => return Ok(()),
        Audience::Private => return Ok(()),
        Audience::Public => "is public: everybody could read every row",
        Audience::Unknown => "may be public: whether it is could not be found out",
    };
    Err(format!("{place} {why}; seal the snapshot (--recipient), or choose a private place"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_snapshot_stays_out_of_public_places() {
        let sealed = Seal::default();
        for (seal, audience, allowed) in [
            (None, Audience::Private, true),
            (None, Audience::Public, false),
            (None, Audience::Unknown, false),
            (Some(&sealed), Audience::Private, true),
            (Some(&sealed), Audience::Public, true),
            (Some(&sealed), Audience::Unknown, true),
        ] {
            let answer = may_lie_there(seal, audience, "the repository a/b");
            assert_eq!(answer.is_ok(), allowed, "{seal:?} {audience:?}");
            if let Err(why) = answer {
                assert!(why.starts_with("the repository a/b ") && why.contains("--recipient"), "{why}");
            }
        }
    }

    #[test]
    fn openers_are_named_without_whole_ssh_keys() {
        let to = |key: &str, print: Option<&str>| SealedTo { key: key.into(), fingerprint: print.map(Into::into) };
        let passphrase = PassphraseSeal { identity: "identity.age".into(), recipient: "age1own".into() };
        let seal = Seal {
            recipients: vec![to("age1a", None), to("ssh-rsa AAAA", Some("SHA256:x"))],
            passphrase: Some(passphrase),
            manifest: None,
        };
        assert_eq!(seal.openers(), ["age1a", "ssh-rsa SHA256:x", "a passphrase"]);
    }
}
