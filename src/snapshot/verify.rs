//! Verifies a stored snapshot in one of three depths. What is wrong is a finding; a finding never
//! keeps others from being found. One cause gives one finding: bytes that are not the stored ones
//! are not opened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt};

use crate::error::Failure;
use crate::model::{Artifact, Depth, Finding, Manifest, SEALED, Severity, TOOL, Verification, Verified};
use crate::seal::{Identities, is_compressed, sha256_hex};
use crate::snapshot::head::head;
use crate::snapshot::layout::is_later;
use crate::snapshot::unlock::{Unlocked, unlock};
use crate::snapshot::{CHECKSUMS, MANIFEST, SnapshotKeys, VERIFIED, advice, ledger, opened};
use crate::store::{Store, StoreError};

/// Pairs of parts in memory, and threads at work, at one time.
const AT_ONCE: usize = 2;

/// Verifies the snapshot at `keys`. Only a store that cannot be asked, or a folder that does not
/// exist, is an error. A sealed snapshot that no identity opens is verified to the depth `hashed` at most;
/// the depth in the result is the one that was reached, and a finding [`SEALED`] says why.
pub async fn verify(
    store: &dyn Store,
    keys: &SnapshotKeys,
    depth: Depth,
    identities: &Identities,
) -> Result<Verified, Failure> {
    let folder = keys.folder();
    let inside = |key: String| key.strip_prefix(&folder).and_then(|k| k.strip_prefix('/')).map(str::to_owned);
    let listed: BTreeMap<String, u64> =
        store.list(&folder).await?.into_iter().filter_map(|e| Some((inside(e.key)?, e.size))).collect();
    if listed.is_empty() {
        let message = format!("verifying snapshot {}: {} holds no such snapshot", keys.id(), store.describe());
        return Err(Failure::failed(message).hint("`supabackup list` shows the snapshots that there are"));
    }
    let mut verified = Verified {
        project: keys.project().to_owned(),
        id: keys.id().clone(),
        depth,
        complete: false,
        manifest_sha256: None,
        tables: 0,
        rows: 0,
        files: 0,
        bytes_read: 0,
        findings: Vec::new(),
    };
    let Some(manifest) = head(store, keys, &listed, &mut verified).await? else { return Ok(verified) };
    let (manifest, identities) = unlocked(store, keys, manifest, identities, &mut verified).await;
    let depth = verified.depth;
    let is_whole = manifest.whole().is_none() || !verified.findings.iter().any(|f| f.code == SEALED);
    let manifest = Arc::new(manifest);
    verified.findings.extend(ledger::audit(&manifest, is_whole));
    let present = presence(&manifest, &listed, &mut verified.findings);
    if depth > Depth::Listed {
        let jobs = jobs(&manifest, &present).into_iter().enumerate();
        let examined = stream::iter(jobs).map(async |(place, job)| {
            let (bytes, findings) = examine(store, keys, Arc::clone(&manifest), job, depth, identities.clone()).await;
            (place, bytes, findings)
        });
        let mut examined: Vec<_> = examined.buffer_unordered(AT_ONCE).collect().await;
        examined.sort_by_key(|(place, _, _)| *place);
        for (_, bytes, findings) in examined {
            verified.bytes_read += bytes;
            verified.findings.extend(findings);
        }
    }
    one_cause_one_finding(&mut verified.findings);
    advice::advise(&manifest, depth, &mut verified.findings);
    if !manifest.missing.is_empty() || (!is_whole && !manifest.complete) {
        verified.findings.push(advice::incomplete(&manifest));
    }
    Ok(verified)
}

/// That a file which opens the others is damaged is told by the finding about its bytes, if there is one; the other
/// only says what follows from it.
fn one_cause_one_finding(findings: &mut [Finding]) {
    let is_error = |f: &&Finding| f.severity == Severity::Error && f.code != SEALED;
    let damaged: BTreeSet<String> = findings.iter().filter(is_error).map(|f| f.subject.clone()).collect();
    for finding in findings.iter_mut().filter(|f| f.code == SEALED && damaged.contains(&f.subject)) {
        finding.severity = Severity::Warning;
    }
}

/// The whole manifest and what opens its files, or the manifest as it is and a finding that says why not.
async fn unlocked(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest: Manifest,
    identities: &Identities,
    verified: &mut Verified,
) -> (Manifest, Identities) {
    let as_it_is = manifest.clone();
    match unlock(store, keys, manifest, identities).await {
        Ok(Unlocked { manifest, identities }) => (manifest, identities),
        Err(locked) => {
            let needs = verified.depth == Depth::Opened || as_it_is.whole().is_some();
            verified.depth = verified.depth.min(Depth::Hashed);
            if let Some(key) = &locked.damaged {
                verified.findings.push(Finding::error(SEALED, key, locked.why).hint(locked.hint));
            } else if needs {
                let message = format!("{}: its files have been looked at, its rows have not", locked.why);
                verified.findings.push(Finding::warning(SEALED, MANIFEST, message).hint(locked.hint));
            }
            (as_it_is, Identities::default())
        }
    }
}

/// Leaves a record of the verification beside the snapshot. Where that cannot be done, the
/// verification says so in a warning.
pub async fn record(store: &dyn Store, verified: &mut Verified, at: DateTime<Utc>) {
    let Some(manifest_sha256) = verified.manifest_sha256.clone() else { return };
    let record = Verification {
        at,
        depth: verified.depth.to_string(),
        ok: verified.intact(),
        partial: false,
        errors: verified.errors(),
        manifest_sha256,
        tool: TOOL.to_owned(),
    };
    let keys = SnapshotKeys::new(&verified.project, verified.id.clone());
    if let Err((name, error)) = leave(store, &keys, &record).await {
        let warning = Finding::warning("not-recorded", name, error.to_string());
        verified.findings.push(warning.hint("`list` will not show this verification; what was found still holds"));
    }
}

/// Leaves a record beside a snapshot, and gives its name; an error comes with the name too.
pub async fn leave(
    store: &dyn Store,
    keys: &SnapshotKeys,
    record: &Verification,
) -> Result<String, (String, StoreError)> {
    let name = format!("{VERIFIED}/{}-{}.json", record.at.format("%Y%m%dT%H%M%SZ"), record.depth);
    let stored = async {
        let key = keys.at(&name)?;
        let json = serde_json::to_vec(record)
            .map_err(|e| StoreError::Other { doing: format!("writing {name}"), reason: e.to_string() })?;
        match store.create(&key, Bytes::from(json)).await {
            Err(StoreError::AlreadyExists { .. }) => Ok(()), // somebody else's, of the same second
            other => other,
        }
    };
    match stored.await {
        Ok(()) => Ok(name),
        Err(error) => Err((name, error)),
    }
}

/// Every stored file is there in its size, and nothing else is. Returns those that are.
fn presence<'m>(
    manifest: &'m Manifest,
    listed: &BTreeMap<String, u64>,
    findings: &mut Vec<Finding>,
) -> BTreeSet<&'m str> {
    let mut present = BTreeSet::new();
    let mut expected = BTreeSet::from([MANIFEST, CHECKSUMS]);
    for (key, size, _) in manifest.stored() {
        expected.insert(key);
        match listed.get(key) {
            None => findings.push(Finding::error("part-missing", key, "it is gone")),
            Some(&found) if found != size => {
                let message = format!("it has {found} bytes, the manifest says {size}");
                findings.push(Finding::error("part-size", key, message));
            }
            Some(_) => {
                present.insert(key);
            }
        }
    }
    for key in listed.keys().filter(|key| !expected.contains(key.as_str()) && !is_later(key)) {
        let message = "the manifest does not name it";
        findings.push(if key.starts_with("sql/") || key.starts_with("json/") {
            // A restore by hand takes all of `sql/*.zst`.
            let hint = "a restore by hand would take it along: move it out of the snapshot";
            Finding::error("part-extra", key, message).hint(hint)
        } else {
            Finding::warning("part-extra", key, message).hint("it does no harm; move it out of the snapshot")
        });
    }
    present
}

/// What is read together: the SQL and JSON part of the same rows, or one file.
enum Job {
    /// Table, and its parts by index.
    Parts(usize, [Option<usize>; 2]),
    /// Another file, by index.
    File(usize),
}

fn jobs(manifest: &Manifest, present: &BTreeSet<&str>) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (t, table) in manifest.tables.iter().enumerate() {
        let of = |artifact| -> Vec<usize> {
            (0..table.parts.len()).filter(|&p| table.parts[p].artifact == artifact).collect()
        };
        let (sql, json) = (of(Artifact::Sql), of(Artifact::Json));
        let here = |p: usize| present.contains(table.parts[p].key.as_str()).then_some(p);
        for i in 0..sql.len().max(json.len()) {
            let pair = [sql.get(i).copied().and_then(here), json.get(i).copied().and_then(here)];
            // Parts that the manifest does not pair hold different rows; each is read by itself.
            match (sql.get(i), json.get(i)) {
                (Some(&a), Some(&b)) if table.parts[a].rows != table.parts[b].rows => {
                    jobs.extend([Job::Parts(t, [pair[0], None]), Job::Parts(t, [None, pair[1]])]);
                }
                _ => jobs.push(Job::Parts(t, pair)),
            }
        }
    }
    let files = manifest.files.iter().enumerate().filter(|(_, file)| present.contains(file.key.as_str()));
    jobs.extend(files.map(|(i, _)| Job::File(i)));
    jobs
}

/// Reads and judges what one job names. Returns how many bytes were read, and what was found.
async fn examine(
    store: &dyn Store,
    keys: &SnapshotKeys,
    manifest: Arc<Manifest>,
    job: Job,
    depth: Depth,
    identities: Identities,
) -> (u64, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut read = 0;
    let mut fetch = async |key: &str| {
        let bytes = match keys.at(key) {
            Ok(at) => store.get(&at).await,
            Err(error) => Err(error),
        };
        match bytes {
            Ok(bytes) => {
                read += bytes.len() as u64;
                Some(bytes)
            }
            Err(error) => {
                findings.push(Finding::error("part-unreadable", key, error.to_string()));
                None
            }
        }
    };
    let work: Box<dyn FnOnce() -> Vec<Finding> + Send> = match job {
        Job::File(i) => {
            let bytes = fetch(&manifest.files[i].key).await;
            let manifest = Arc::clone(&manifest);
            Box::new(move || {
                let file = &manifest.files[i];
                let Some(bytes) = bytes else { return Vec::new() };
                let differs = hash_differs(&file.key, &bytes, &file.sha256);
                let opened = (depth == Depth::Opened && differs.is_none())
                    .then(|| unopened(&file.key, bytes, &identities))
                    .flatten();
                differs.into_iter().chain(opened).collect()
            })
        }
        Job::Parts(table, pair) => {
            let mut stored = [None, None];
            for (slot, index) in stored.iter_mut().zip(pair) {
                if let Some(index) = index {
                    *slot = fetch(&manifest.tables[table].parts[index].key).await.map(|bytes| (index, bytes));
                }
            }
            let manifest = Arc::clone(&manifest);
            Box::new(move || {
                let table = &manifest.tables[table];
                let mut findings = Vec::new();
                let whole = stored.map(|slot| {
                    let (index, bytes) = slot?;
                    let part = &table.parts[index];
                    let differs = hash_differs(&part.key, &bytes, &part.sha256);
                    let whole = differs.is_none();
                    findings.extend(differs);
                    whole.then_some((part, bytes))
                });
                if depth == Depth::Opened {
                    let [sql, json] = whole;
                    findings.extend(opened::examine(table, sql, json, &identities));
                }
                findings
            })
        }
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(found) => findings.extend(found),
        Err(stopped) => {
            findings.push(Finding::error("part-unreadable", MANIFEST, format!("the check stopped: {stopped}")))
        }
    }
    (read, findings)
}

/// A compressed file that does not open.
fn unopened(key: &str, bytes: Bytes, identities: &Identities) -> Option<Finding> {
    let read = || std::io::copy(&mut crate::seal::open(key, bytes, identities)?, &mut std::io::sink());
    let error = is_compressed(key).then(read)?.err()?;
    Some(Finding::error("does-not-open", key, format!("it does not open: {error}")))
}

fn hash_differs(key: &str, bytes: &[u8], sha256: &str) -> Option<Finding> {
    let message = "its bytes are not those that were stored: the SHA-256 differs";
    (sha256_hex(bytes) != sha256).then(|| Finding::error("hash-differs", key, message))
}
