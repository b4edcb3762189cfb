//! Does a manifest agree with itself? Pure: sees nothing but the manifest.

use std::collections::HashSet;

use crate::format::Digest;
use crate::model::{Artifact, Finding, Manifest, Stability, TableEntry, Totals};
use crate::seal::{is_compressed, is_sealed};

use crate::snapshot::layout::is_later;
use crate::snapshot::{CHECKSUMS, MANIFEST};
use crate::store::Key;

const HINT: &str = "the manifest was changed, or written by a faulty program: trust another snapshot, and report this";

/// Everything in the manifest that does not add up. `is_whole`: nothing was left out of it to hide names.
pub(super) fn audit(manifest: &Manifest, is_whole: bool) -> Vec<Finding> {
    let mut audit = Audit { findings: Vec::new() };
    audit.keys(manifest);
    audit.sealed(manifest);
    if !is_whole {
        return audit.findings;
    }
    let artifacts = artifacts(manifest);
    for table in &manifest.tables {
        audit.table(table, &artifacts, manifest.complete);
    }
    audit.whole(manifest);
    audit.findings
}

/// The artifacts that the snapshot holds. Tables without rows have no parts, so one part of any
/// table decides; a snapshot of empty tables holds none.
fn artifacts(manifest: &Manifest) -> Vec<Artifact> {
    let there = |artifact: &Artifact| manifest.parts().any(|(_, part)| part.artifact == *artifact);
    [Artifact::Sql, Artifact::Json].into_iter().filter(there).collect()
}

struct Audit {
    findings: Vec<Finding>,
}

impl Audit {
    fn say(&mut self, subject: impl Into<String>, message: String) {
        self.findings.push(Finding::error("ledger", subject, message).hint(HINT));
    }

    fn equal<T: PartialEq + std::fmt::Display>(&mut self, subject: &str, what: &str, says: T, is: T) {
        if says != is {
            self.say(subject, format!("{what}: the manifest says {says}, its entries come to {is}"));
        }
    }

    fn keys(&mut self, manifest: &Manifest) {
        let mut seen = HashSet::from([MANIFEST, CHECKSUMS]);
        for (key, _, _) in manifest.stored() {
            if !seen.insert(key) {
                self.say(key, "two stored files have this name".to_owned());
            }
            if Key::new(key).is_err() || is_later(key) {
                self.say(key, "no stored file of a snapshot can have this name".to_owned());
            }
        }
        let mut names = HashSet::new();
        for table in manifest.tables.iter().filter(|t| !names.insert(&t.name)) {
            self.say(table.name.to_string(), "the table is listed twice".to_owned());
        }
    }

    /// Everything that holds rows is sealed, or nothing is.
    fn sealed(&mut self, manifest: &Manifest) {
        let says = manifest.sealed.is_some();
        for (key, _, _) in manifest.stored().filter(|(key, _, _)| is_compressed(key)) {
            if is_sealed(key) != says {
                let what = if says {
                    "it is plain, and the snapshot is sealed"
                } else {
                    "it is sealed, and the snapshot is not"
                };
                self.say(key, what.to_owned());
            }
        }
    }

    fn table(&mut self, table: &TableEntry, artifacts: &[Artifact], complete: bool) {
        let subject = table.name.to_string();
        if artifacts.is_empty() && table.rows > 0 {
            self.say(&subject, format!("{} rows, and not one part", table.rows));
        }
        for artifact in artifacts {
            let form = if *artifact == Artifact::Sql { "SQL" } else { "JSON" };
            let rows = table.parts_of(*artifact).map(|p| p.rows).sum();
            self.equal(&subject, &format!("rows of the {form} parts"), table.rows, rows);
            match table.parts_of(*artifact).map(|p| p.digest.parse::<Digest>()).collect::<Result<Vec<_>, _>>() {
                Err(_) => self.say(&subject, format!("a digest of its {form} parts is not a number")),
                Ok(digests) => {
                    let mut sum = Digest::default();
                    digests.into_iter().for_each(|digest| sum += digest);
                    self.equal(&subject, &format!("digest of the {form} parts"), table.digest.clone(), sum.to_string());
                }
            }
        }
        let paired = |artifact| table.parts_of(artifact).map(|p| (p.rows, &p.digest)).collect::<Vec<_>>();
        if artifacts.len() == 2 && paired(Artifact::Sql) != paired(Artifact::Json) {
            self.say(&subject, "its SQL and JSON parts do not hold the same rows in pairs".to_owned());
        }
        if let (Stability::Stable { .. }, Some(counted)) = (&table.stability, table.counted_after)
            && counted != table.rows
            && complete
        // a run that sees the difference says so in `missing`
        {
            let message =
                format!("marked stable with {} rows stored, while {counted} were counted after reading", table.rows);
            self.say(&subject, message);
        }
    }

    fn whole(&mut self, manifest: &Manifest) {
        if manifest.complete != manifest.missing.is_empty() {
            let says = if manifest.complete { "complete" } else { "incomplete" };
            self.say(MANIFEST, format!("it says {says}, and names {} things as missing", manifest.missing.len()));
        }
        if manifest.finished < manifest.started {
            self.say(MANIFEST, "the run ended before it began".to_owned());
        }
        let Totals { tables, rows, parts, raw_bytes, stored_bytes } = manifest.totals;
        let sum = |of: fn(&crate::model::Part) -> u64| manifest.parts().map(|(_, part)| of(part)).sum::<u64>();
        self.equal(MANIFEST, "tables in all", tables, manifest.tables.len() as u64);
        self.equal(MANIFEST, "rows in all", rows, manifest.tables.iter().map(|t| t.rows).sum());
        self.equal(MANIFEST, "parts in all", parts, sum(|_| 1));
        self.equal(MANIFEST, "raw bytes in all", raw_bytes, sum(|p| p.raw_size));
        self.equal(MANIFEST, "stored bytes in all", stored_bytes, sum(|p| p.size));
        let count = |is: fn(&Stability) -> bool| manifest.tables.iter().filter(|t| is(&t.stability)).count() as u64;
        let consistency = &manifest.consistency;
        self.equal(MANIFEST, "stable tables", consistency.stable, count(|s| matches!(s, Stability::Stable { .. })));
        self.equal(MANIFEST, "moved tables", consistency.moved, count(|s| matches!(s, Stability::Moved { .. })));
        self.equal(
            MANIFEST,
            "unproven tables",
            consistency.unproven,
            count(|s| matches!(s, Stability::Unproven { .. })),
        );
        if consistency.moment.is_some() && consistency.moved > 0 {
            self.say(MANIFEST, "it claims one moment for the whole set, and names tables that moved".to_owned());
        }
    }
}
