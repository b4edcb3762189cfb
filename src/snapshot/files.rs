//! Files that are no parts: compressed, sealed where the snapshot is, and stored.

use bytes::Bytes;

use crate::model::{File, Manifest, PassphraseSeal, Seal, SealedTo};
use crate::seal::{Compression, Framer, Method, Recipients, SEALED, Sealer, Sealing};
use crate::snapshot::writer::WriteError;
use crate::snapshot::{IDENTITY, SnapshotKeys, WHOLE_MANIFEST, stored_file};
use crate::store::Store;

/// The name that a file has once it is stored. `name` is that of a plain file, in zstd if it is compressed.
pub fn stored_name(name: &str, method: Method, sealing: Option<&Sealing>) -> String {
    let (base, ending) = match name.strip_suffix(Method::Zstd.ending()) {
        Some(base) => (base, method.ending()),
        None => (name, ""),
    };
    format!("{base}{ending}{}", if sealing.is_some() { SEALED } else { "" })
}

/// Compresses a text, seals it if there is a `sealing`, and stores it. `name` ends in `.zst`.
pub async fn store_text(
    store: &dyn Store,
    keys: &SnapshotKeys,
    name: &str,
    text: &[u8],
    compression: impl Into<Compression>,
    sealing: Option<&Sealing>,
) -> Result<File, WriteError> {
    let compression = compression.into();
    let mut sealer = Sealer::new(Vec::new(), sealing)?;
    sealer.add(&Framer::new(compression)?.frame(text, Vec::new())?)?;
    let sealed = sealer.finish()?;
    let key = stored_name(name, compression.method, sealing);
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

/// The form of a snapshot's compressed files.
pub fn method_of(manifest: &Manifest) -> Method {
    if manifest.is_gzip() { Method::Gzip } else { Method::Zstd }
}

/// What the manifest says of a sealing, where its files are in this form.
pub fn seal_of(sealing: &Sealing, method: Method) -> Seal {
    let recipients = sealing.recipients();
    let keys = recipients.keys().iter();
    Seal {
        recipients: keys.map(|k| SealedTo { key: k.text().to_owned(), fingerprint: k.fingerprint() }).collect(),
        passphrase: recipients
            .passphrase()
            .map(|_| PassphraseSeal { identity: IDENTITY.to_owned(), recipient: sealing.own_recipient() }),
        manifest: sealing.hides_names().then(|| stored_name(WHOLE_MANIFEST, method, Some(sealing))),
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
