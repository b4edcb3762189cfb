//! The end of a snapshot: RECOVERY.md and the reports, then the checksums of everything, then the
//! manifest.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::shared::Shared;
use super::{TableError, store_failure};
use crate::error::Failure;
use crate::model::{File, Manifest};
use crate::render;
use crate::snapshot::{
    CHECKSUMS, MANIFEST, RECOVERY, REPORT_HTML, REPORT_MD, WHOLE_MANIFEST, WHOLE_RECOVERY, checksums, store_identity,
    store_text, stored_file,
};
use crate::store::{Entry, StoreError};

/// Stores everything that is no part and no script.
pub(super) async fn close(shared: &Shared, manifest: &mut Manifest) -> anyhow::Result<()> {
    if let Some(sealing) = &shared.rules.sealing {
        let stored = store_identity(shared.store.as_ref(), &shared.keys, Arc::clone(sealing)).await;
        manifest.files.extend(stored.map_err(failure)?);
    }
    let hides = shared.rules.sealing.as_ref().is_some_and(|sealing| sealing.hides_names());
    let recovery = if hides { WHOLE_RECOVERY } else { RECOVERY };
    let files = [
        (recovery, render::recovery_md(manifest)),
        (REPORT_MD, render::backup_report_md(manifest)),
        (REPORT_HTML, render::backup_report_html(manifest)),
    ];
    for (name, text) in files {
        let file = if hides { sealed(shared, name, text.as_bytes()).await? } else { plain(shared, name, text).await? };
        manifest.files.push(file);
    }
    let in_the_open = if hides { Some(hide(shared, manifest).await?) } else { None };
    let public = in_the_open.as_ref().unwrap_or(manifest);
    all_there(shared, public).await?;
    let bytes = public.to_bytes().map_err(anyhow::Error::from)?;
    plain(shared, CHECKSUMS, checksums(public, &bytes)).await?;
    let key = shared.keys.at(MANIFEST).map_err(store_failure)?;
    if let Some(leases) = &shared.leases {
        leases.check().await?;
    }
    shared.committing.store(true, Ordering::SeqCst);
    shared.store.create(&key, Bytes::from(bytes)).await.map_err(store_failure)
}

/// Seals the whole manifest, and gives the one that hides the names of tables.
async fn hide(shared: &Shared, manifest: &mut Manifest) -> anyhow::Result<Manifest> {
    let text = render::how_to_open_md(manifest);
    manifest.files.push(plain(shared, RECOVERY, text).await?);
    let whole = sealed(shared, WHOLE_MANIFEST, &manifest.to_bytes().map_err(anyhow::Error::from)?).await?;
    Ok(manifest.without_names(whole))
}

async fn plain(shared: &Shared, name: &str, text: String) -> anyhow::Result<File> {
    let bytes = Bytes::from(text);
    let file = stored_file(name, &bytes);
    let key = shared.keys.at(name).map_err(store_failure)?;
    shared.store.put(&key, bytes).await.map_err(store_failure)?;
    Ok(file)
}

/// `report.md` becomes `report.md.zst.age`.
async fn sealed(shared: &Shared, name: &str, text: &[u8]) -> anyhow::Result<File> {
    let name = if name.ends_with(".zst") { name.to_owned() } else { format!("{name}.zst") };
    let rules = &shared.rules;
    let stored =
        store_text(shared.store.as_ref(), &shared.keys, &name, text, rules.level, rules.sealing.as_deref()).await;
    stored.map_err(failure)
}

fn failure(error: crate::snapshot::writer::WriteError) -> anyhow::Error {
    TableError::from(error).into_inner()
}

/// Somebody may have tidied up meanwhile: a folder without a manifest looks like a leftover. A store
/// that does not have everything gets no manifest.
async fn all_there(shared: &Shared, manifest: &Manifest) -> anyhow::Result<()> {
    let folder = shared.keys.folder();
    let several = shared.stores.outcomes().len() > 1;
    for (place, store) in shared.stores.standing() {
        let lost = match store.list(&folder).await {
            Ok(entries) => lost(&folder, &entries, manifest),
            Err(error) => {
                shared.stores.give_up(place, error).map_err(store_failure)?;
                continue;
            }
        };
        let Some(key) = lost else { continue };
        if several {
            let doing = format!("storing the snapshot in {}", store.describe());
            let error = StoreError::Other { doing, reason: disappeared(key) };
            shared.stores.give_up(place, error).map_err(store_failure)?;
            continue;
        }
        return Err(Failure::failed(format!("storing the snapshot: {}", disappeared(key)))
            .hint("keep other jobs out of the store's folder while a backup runs")
            .into());
    }
    Ok(())
}

fn disappeared(key: &str) -> String {
    format!("{key} disappeared or changed while the run went on")
}

/// The first file that is not there as it was written.
fn lost<'m>(folder: &str, entries: &[Entry], manifest: &'m Manifest) -> Option<&'m str> {
    let sizes: HashMap<&str, u64> = entries.iter().map(|e| (e.key.as_str(), e.size)).collect();
    let is_lost = |key: &str, size: u64| sizes.get(format!("{folder}/{key}").as_str()) != Some(&size);
    manifest.stored().find(|(key, size, _)| is_lost(key, *size)).map(|(key, ..)| key)
}
