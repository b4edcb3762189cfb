//! The first thing a verification reads: the manifest, and the checksum list that vouches for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Failure;
use crate::model::{Finding, Manifest, ManifestError, Verified};
use crate::seal::sha256_hex;
use crate::snapshot::layout::{had_manifest, parse_checksums};
use crate::snapshot::{CHECKSUMS, MANIFEST, PRUNED, SnapshotKeys};
use crate::store::{Store, StoreError};

/// Reads the manifest and the checksum list, and compares the two. `None`: nothing more can be checked.
pub(super) async fn head(
    store: &dyn Store,
    keys: &SnapshotKeys,
    listed: &BTreeMap<String, u64>,
    verified: &mut Verified,
) -> Result<Option<Manifest>, Failure> {
    let other_snapshot = "restore from another snapshot: `supabackup list` shows them";
    let findings = &mut verified.findings;
    let bytes = match store.get(&keys.at(MANIFEST)?).await {
        Ok(bytes) => bytes,
        Err(StoreError::NotFound { .. }) => {
            findings.push(if listed.contains_key(PRUNED) {
                let message = "its removal was begun and cut off; it is no snapshot any more";
                Finding::error("snapshot-pruned", MANIFEST, message).hint("`supabackup prune --apply` removes the rest")
            } else if had_manifest(listed.keys().map(String::as_str)) {
                Finding::error("manifest-missing", MANIFEST, "the manifest is gone").hint(other_snapshot)
            } else {
                let message = "a run that did not end left this folder; it is not a snapshot";
                Finding::error("snapshot-unfinished", MANIFEST, message).hint("remove the folder, or leave it")
            });
            return Ok(None);
        }
        Err(error) => {
            findings.push(Finding::error("manifest-damaged", MANIFEST, error.to_string()).hint(other_snapshot));
            return Ok(None);
        }
    };
    let sha256 = sha256_hex(&bytes);
    verified.manifest_sha256 = Some(sha256.clone());
    let manifest = match Manifest::parse(&bytes) {
        Ok(manifest) => manifest,
        Err(error @ ManifestError::Newer(_)) => {
            let newer = Finding::error("manifest-newer", MANIFEST, error.to_string());
            findings.push(newer.hint("verify it with a newer supabackup"));
            return Ok(None);
        }
        Err(error) => {
            findings.push(Finding::error("manifest-damaged", MANIFEST, error.to_string()).hint(other_snapshot));
            return Ok(None);
        }
    };
    verified.complete = manifest.complete;
    let is_whole = manifest.whole().is_none();
    verified.tables = if is_whole { manifest.tables.len() as u64 } else { manifest.totals.tables };
    verified.rows = if is_whole { manifest.tables.iter().map(|t| t.rows).sum() } else { manifest.totals.rows };
    verified.files = manifest.stored().count() as u64;
    if manifest.snapshot != *keys.id() {
        let message = format!("the manifest in this folder is that of snapshot {}", manifest.snapshot);
        findings.push(Finding::error("wrong-folder", MANIFEST, message).hint(other_snapshot));
    }
    match store.get(&keys.at(CHECKSUMS)?).await {
        Ok(list) => compare_checksums(&list, &manifest, &sha256, findings),
        Err(StoreError::NotFound { .. }) => {
            let missing = Finding::error("checksums-missing", CHECKSUMS, "the list of checksums is gone");
            findings.push(missing.hint("nothing else vouches for the manifest: prefer another snapshot"));
        }
        Err(error) => findings.push(Finding::error("checksums-damaged", CHECKSUMS, error.to_string())),
    }
    Ok(Some(manifest))
}

fn compare_checksums(list: &[u8], manifest: &Manifest, sha256: &str, findings: &mut Vec<Finding>) {
    let hint = "one of the two was changed after it was written: prefer another snapshot";
    let Some(mut list) = parse_checksums(list) else {
        findings
            .push(Finding::error("checksums-damaged", CHECKSUMS, "the list of checksums is not readable").hint(hint));
        return;
    };
    if list.remove(MANIFEST) != Some(sha256) {
        let message = format!("its SHA-256 is not the one in {CHECKSUMS}");
        findings.push(Finding::error("manifest-damaged", MANIFEST, message).hint(hint));
    }
    let expected: BTreeMap<&str, &str> = manifest.stored().map(|(key, _, hash)| (key, hash)).collect();
    if list != expected {
        let named: BTreeSet<_> = list.iter().collect();
        let different =
            named.symmetric_difference(&expected.iter().collect()).map(|(key, _)| **key).collect::<BTreeSet<_>>();
        let first = different.first().copied().unwrap_or_default();
        let message =
            format!("it does not name the same files as the manifest: {} differ, first {first}", different.len());
        findings.push(Finding::error("checksums-damaged", CHECKSUMS, message).hint(hint));
    }
}
