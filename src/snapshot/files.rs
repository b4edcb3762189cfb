//! Files that are no parts: compressed, sealed where the snapshot is, and stored.

use bytes::Bytes;

use crate::model::{File, PassphraseSeal, Seal, SealedTo};
use crate::seal::{Framer, Recipients, SEALED, Sealer, Sealing};
use crate::snapshot::writer::WriteError;
use crate::snapshot::{IDENTITY, SnapshotKeys, WHOLE_MANIFEST, stored_file};
use crate::store::Store;

/// The name that a file has once it is stored.
pub fn stored_name(name: &str, sealing: Option<&Sealing>) -> String {
    format!("{name}{}", if sealing.is_some() { SEALED } else { "" })
}

/// Compresses a text, seals it if there is a `sealing`, and stores it. `name` ends in `.zst`.
pub async fn store_text(
    store: &dyn Store,
    keys: &SnapshotKeys,
    name: &str,
    text: &[u8],
    level: i32,
    sealing: Option<&Sealing>,
) -> Result<File, WriteError> {
    let mut sealer = Sealer::new(Vec::new(), sealing)?;
    sealer.add(&Framer::new(level)?.frame(text, Vec::new())?)?;
    let sealed = sealer.finish()?;
    let key = stored_name(name, sealing);
    let size = sealed.bytes.len() as u64;
    store.put(&keys.at(&key)?, sealed.bytes).await?;
    Ok(File { key, size, sha256: sealed.sha256 })
}

/// Stores the key that the passphrase opens, if there is one.
pub async fn store_identity(
    store: &dyn Store,
    keys: &SnapshotKeys,
    sealing: std::sync::Arc<Sealing>,
) -> Result<Option<File>, WriteError> {
    let making = tokio::task::spawn_blocking(move || sealing.identity_file());
    let Some(bytes) = making.await.map_err(std::io::Error::other)?? else { return Ok(None) };
    let file = stored_file(IDENTITY, &bytes);
    store.put(&keys.at(IDENTITY)?, Bytes::from(bytes)).await?;
    Ok(Some(file))
}

/// What the manifest says of a sealing.
pub fn seal_of(sealing: &Sealing) -> Seal {
    let recipients = sealing.recipients();
    let keys = recipients.keys().iter();
    Seal {
        recipients: keys.map(|k| SealedTo { key: k.text().to_owned(), fingerprint: k.fingerprint() }).collect(),
        passphrase: recipients
            .passphrase()
            .map(|_| PassphraseSeal { identity: IDENTITY.to_owned(), recipient: sealing.own_recipient() }),
        manifest: sealing.hides_names().then(|| stored_name(WHOLE_MANIFEST, Some(sealing))),
    }
}

/// A sealing for something that belongs to a sealed snapshot and comes later: whoever opens the snapshot
/// opens this too. `None` if a recipient of the manifest is none.
pub fn sealing_like(seal: &Seal) -> Option<Sealing> {
    let keys = seal.recipients.iter().map(|to| &to.key);
    let own = seal.passphrase.iter().map(|passphrase| &passphrase.recipient);
    Sealing::new(&parsed(keys.chain(own))?, seal.manifest.is_some())
}

/// The public keys of a sealed snapshot that belong to people, for a snapshot beside it. `None` if there
/// are none, or if one of them is not a public key.
pub fn people_of(seal: &Seal) -> Option<Recipients> {
    parsed(seal.recipients.iter().map(|to| &to.key)).filter(|recipients| !recipients.is_empty())
}

fn parsed<'a>(keys: impl Iterator<Item = &'a String>) -> Option<Recipients> {
    let mut recipients = Recipients::default();
    for key in keys {
        recipients.add(key.parse().ok()?);
    }
    Some(recipients)
}
