//! The fixed names inside a snapshot's folder, and the list of checksums.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{File, Manifest};
use crate::seal::sha256_hex;

/// The manifest: a snapshot exists if and only if this file does.
pub const MANIFEST: &str = "manifest.json";
/// SHA-256 of every part, every other file and the manifest, as `sha256sum -c` reads it.
pub const CHECKSUMS: &str = "SHA256SUMS";
/// How to restore the snapshot without this program.
pub const RECOVERY: &str = "RECOVERY.md";
/// What happened, for job summaries.
pub const REPORT_MD: &str = "report.md";
/// What happened, for a browser.
pub const REPORT_HTML: &str = "report.html";
/// The schema before the rows: sorts before every table's parts.
pub const SCHEMA_BEFORE: &str = "sql/000-schema.sql.zst";
/// Positions of sequences.
pub const SEQUENCES: &str = "sql/800-sequences.sql.zst";
/// The schema after the rows.
pub const SCHEMA_AFTER: &str = "sql/900-post.sql.zst";
/// What acts by itself: outside of `sql/`, so that nobody runs it by accident.
pub const ON_PURPOSE: &str = "on-purpose/jobs-webhooks-event-triggers.sql.zst";
/// The catalog that the schema was made from.
pub const CATALOG: &str = "catalog.json.zst";
/// Where names of tables are hidden: the whole manifest, which `manifest.json` leaves things out of.
pub const WHOLE_MANIFEST: &str = "manifest.full.json.zst";
/// The same for RECOVERY.md, which then says little more than how to open this file.
pub const WHOLE_RECOVERY: &str = "RECOVERY.full.md.zst";
/// An identity file of age that the passphrase opens, and that opens everything.
pub const IDENTITY: &str = "identity.age";
/// The folder of records of verifications. They come later, so no list has them.
pub const VERIFIED: &str = "verified";
/// The folder of reports of restores, which come later too.
pub const RESTORED: &str = "restored";
/// The folder of the report of the run that took the snapshot: what it did is known only afterwards.
pub const RUN: &str = "run";

/// The pin, which comes and goes.
pub const PIN: &str = "pin.json";
/// The mark of a snapshot that is being written: as long as there is no manifest, the folder is what it left.
pub const BEGUN: &str = "begun.json";
/// What a trial of compressing it harder told.
pub const TRIAL: &str = "recompress.json";
/// The mark of a removal that was begun: written before the manifest goes, and the last to go itself.
pub const PRUNED: &str = "pruned.json";

/// Whether a file comes later than the manifest, which therefore does not name it.
pub(super) fn is_later(key: &str) -> bool {
    let below = |folder: &str| key.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    [PIN, PRUNED, TRIAL, BEGUN].contains(&key) || below(VERIFIED) || below(RESTORED) || below(RUN)
}

/// Whether a folder that has no manifest had one, told by the names in it. What is later than the manifest came after it; the
/// list of checksums comes just before it, and before that a mark, which goes once the manifest is there.
pub(super) fn had_manifest<'a>(names: impl Iterator<Item = &'a str> + Clone) -> bool {
    let has = |name: &str| names.clone().any(|found| found == name);
    let is_record = |name: &str| is_later(name) && name != BEGUN;
    let has_more = names.clone().any(|name| !is_later(name));
    has_more && names.clone().any(is_record) || has(CHECKSUMS) && !has(BEGUN)
}

/// The content of `SHA256SUMS`, to be written just before the manifest, whose stored bytes are given.
pub fn checksums(manifest: &Manifest, stored: &[u8]) -> String {
    let mut text = String::new();
    for (key, _, sha256) in manifest.stored() {
        let _ = writeln!(text, "{sha256}  {key}");
    }
    let _ = writeln!(text, "{}  {MANIFEST}", sha256_hex(stored));
    text
}

/// The manifest's entry of a file with these bytes.
pub fn stored_file(key: &str, bytes: &[u8]) -> File {
    File { key: key.to_owned(), size: bytes.len() as u64, sha256: sha256_hex(bytes) }
}

/// Key → SHA-256. `None` if a line is not one.
pub(super) fn parse_checksums(text: &[u8]) -> Option<BTreeMap<&str, &str>> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
    let line = |line: &'_ str| -> Option<(usize, usize)> {
        let (hash, key) = line.split_once("  ")?;
        let hex = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && !key.is_empty()).then_some((hash.len(), key.len()))
    };
    text.split('\n').map(|l| line(l).map(|(hash, key)| (&l[l.len() - key..], &l[..hash]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_lists_are_read_strictly() {
        let hash = "a".repeat(64);
        let good = format!("{hash}  sql/x\n{hash}  manifest.json\n");
        assert_eq!(parse_checksums(good.as_bytes()).map(|list| list.len()), Some(2));
        for bad in ["", "\n", "x\n", &good[1..], &good[..good.len() - 1], &good.replace("  ", " ")] {
            assert_eq!(parse_checksums(bad.as_bytes()), None, "{bad:?}");
        }
    }
}
