//! What the identities at hand open of a sealed snapshot.

use std::collections::BTreeSet;
use std::io::Read;

use bytes::Bytes;

use crate::error::Failure;
use crate::model::{File, Manifest, Seal};
use crate::seal::{self, Identities, Unopened, is_sealed, sha256_hex};
use crate::snapshot::{MANIFEST, SnapshotKeys};
use crate::store::Store;

/// How to give an identity.
const HOW: &str = "give an identity with --identity-file (or SUPABACKUP_IDENTITY)";

/// A snapshot that can be read: its whole manifest, and what opens its files.
#[derive(Debug)]
pub(super) struct Unlocked {
    pub(super) manifest: Manifest,
    pub(super) identities: Identities,
}

/// Why a snapshot stays closed.
#[derive(Debug)]
pub(super) struct Locked {
    /// A sentence.
    pub(super) why: String,
    /// What to do.
    pub(super) hint: String,
    /// The file that is not what it should be; `None` where only the right identity is missing.
    pub(super) damaged: Option<String>,
}

impl Locked {
    /// As the end of a command that cannot do without.
    pub(super) fn failure(self, keys: &SnapshotKeys) -> Failure {
        Failure::failed(format!("opening snapshot {}: {}", keys.id(), self.why)).hint(self.hint)
    }

    fn damaged(key: &str, why: impl std::fmt::Display) -> Self {
        Self {
            why: format!("{key}: {why}"),
            hint: "restore from another snapshot: `supabackup list` shows them".to_owned(),
            damaged: Some(key.to_owned()),
        }
    }

    fn closed(seal: &Seal, why: &str) -> Self {
        let passphrase = if seal.passphrase.is_some() { ", or the passphrase as SUPABACKUP_PASSPHRASE" } else { "" };
        Self {
            why: format!("{why}; what opens it: {}", seal.openers().join(", ")),
            hint: format!("{HOW}{passphrase}"),
            damaged: None,
        }
    }
}

/// Finds out whether the identities open the snapshot. One that is not sealed needs none.
pub(super) async fn unlock(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest: Manifest,
    identities: &Identities,
) -> Result<Unlocked, Locked> {
    let Some(seal) = &manifest.sealed else {
        return Ok(Unlocked { manifest, identities: Identities::default() });
    };
    if identities.is_empty() {
        return Err(Locked::closed(seal, "it is sealed, and no identity was given"));
    }
    let mut all = Identities::default();
    all.extend(identities.clone());
    let mut is_wrong = false;
    if let (Some(passphrase), Some(_)) = (&seal.passphrase, identities.passphrase()) {
        let stored = intact(store, keys, &manifest, &passphrase.identity).await?;
        let knows = identities.clone();
        let opened = tokio::task::spawn_blocking(move || knows.open_identity_file(&stored)).await;
        match opened.map_err(|e| Locked::damaged(&passphrase.identity, e))? {
            Ok(own) => all.extend(own),
            Err(Unopened::NotForUs) => is_wrong = true,
            Err(error) => return Err(Locked::damaged(&passphrase.identity, error)),
        }
    }
    let none_opens = |seal: &Seal| match (is_wrong, identities.has_keys()) {
        (true, false) => Locked::closed(seal, "SUPABACKUP_PASSPHRASE is not the passphrase that it was sealed with"),
        (true, true) => Locked::closed(seal, "neither the passphrase nor one of the identities opens it"),
        (false, false) => Locked::closed(seal, "it was not sealed with a passphrase, and no identity was given"),
        (false, true) => Locked::closed(seal, "none of the given identities opens it"),
    };
    let Some((key, stored)) = smallest(store, keys, &manifest).await? else {
        return Ok(Unlocked { manifest, identities: all });
    };
    match all.try_on(&stored) {
        Ok(()) => {}
        Err(Unopened::NotForUs) => return Err(none_opens(seal)),
        Err(error) => return Err(Locked::damaged(&key, error)),
    }
    match manifest.whole() {
        None => Ok(Unlocked { manifest, identities: all }),
        Some(whole) => {
            let stored = intact(store, keys, &manifest, whole).await?;
            let manifest = open_whole(&manifest, whole, stored, &all).map_err(|why| Locked::damaged(whole, why))?;
            Ok(Unlocked { manifest, identities: all })
        }
    }
}

/// The stored bytes of a file that everything hangs on.
async fn intact(store: &dyn Store, keys: &SnapshotKeys, manifest: &Manifest, key: &str) -> Result<Bytes, Locked> {
    let at = keys.at(key).map_err(|e| Locked::damaged(key, e))?;
    let bytes = store.get(&at).await.map_err(|e| Locked::damaged(key, e))?;
    let named = manifest.stored().find(|(name, _, _)| *name == key);
    if named.is_some_and(|(_, size, sha256)| size == bytes.len() as u64 && sha256 == sha256_hex(&bytes)) {
        return Ok(bytes);
    }
    Err(Locked::damaged(key, "it is not what the manifest says"))
}

/// The smallest sealed file that is what the manifest says: to try the identities on. `None` if there is none
/// to try them on, so that whoever reads finds out.
async fn smallest(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest: &Manifest,
) -> Result<Option<(String, Bytes)>, Locked> {
    let identity = manifest.sealed.as_ref().and_then(|seal| seal.passphrase.as_ref()).map(|p| p.identity.as_str());
    let sealed = manifest.stored().filter(|(key, _, _)| is_sealed(key) && Some(*key) != identity);
    let mut sealed: Vec<(u64, &str)> = sealed.map(|(key, size, _)| (size, key)).collect();
    sealed.sort_unstable();
    for (_, key) in sealed {
        if let Ok(bytes) = intact(store, keys, manifest, key).await {
            return Ok(Some((key.to_owned(), bytes)));
        }
    }
    Ok(None)
}

/// The whole manifest, which must name the same stored files as the plain one, and be of the same run.
fn open_whole(plain: &Manifest, key: &str, stored: Bytes, identities: &Identities) -> Result<Manifest, String> {
    let mut text = Vec::new();
    let mut raw = seal::open(key, stored, identities).map_err(|e| e.to_string())?;
    raw.read_to_end(&mut text).map_err(|e| e.to_string())?;
    let mut whole = Manifest::parse(&text).map_err(|e| e.to_string())?;
    let Some(own) = plain.files.iter().find(|file| file.key == key) else {
        return Err(format!("{MANIFEST} does not list it"));
    };
    whole.files.push(File::clone(own));
    let named = |manifest: &Manifest| -> BTreeSet<(String, u64, String)> {
        manifest.stored().map(|(key, size, sha256)| (key.to_owned(), size, sha256.to_owned())).collect()
    };
    if whole.snapshot != plain.snapshot || named(&whole) != named(plain) {
        return Err(format!("it is not of the same run as {MANIFEST}"));
    }
    if whole.complete != plain.complete || whole.totals != plain.totals || whole.project != plain.project {
        return Err(format!("it does not say what {MANIFEST} says"));
    }
    whole.sealed.clone_from(&plain.sealed);
    Ok(whole)
}

/// The whole manifest where names of tables are hidden and an identity opens it; else the given one, and why it
/// stays as it is.
pub async fn whole_manifest(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest: Manifest,
    identities: &Identities,
) -> (Manifest, Option<String>) {
    if manifest.whole().is_none() {
        return (manifest, None);
    }
    match unlock(store, keys, manifest.clone(), identities).await {
        Ok(unlocked) => (unlocked.manifest, None),
        Err(locked) => (manifest, Some(format!("{}; {}", locked.why, locked.hint))),
    }
}
