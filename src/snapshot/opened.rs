//! Reads two parts of the same rows back, side by side: what only opening them can show.

use bytes::Bytes;

use crate::format::{Digest, Fields, Malformed, write_record};
use crate::model::{Finding, Part, TableEntry};
use crate::seal::Identities;
use crate::snapshot::PartRows;

/// Opens the SQL part and the JSON part of the same rows, or one of them alone. Blocking.
pub(super) fn examine(
    table: &TableEntry,
    sql: Option<(&Part, Bytes)>,
    json: Option<(&Part, Bytes)>,
    identities: &Identities,
) -> Vec<Finding> {
    let mut sql = sql.map(|(part, bytes)| Side::open(table, part, bytes, identities));
    let mut json = json.map(|(part, bytes)| Side::open(table, part, bytes, identities));
    let differences = match (&mut sql, &mut json) {
        (Some(sql), Some(json)) => lockstep(sql, json),
        _ => Differences::default(),
    };
    let mut findings = Vec::new();
    for side in [&mut sql, &mut json].into_iter().flatten() {
        while side.advance() {
            side.count_row();
        }
        findings.extend(side.finding());
    }
    if let (Some((row, column)), Some(sql), Some(json)) = (differences.first, &sql, &json) {
        let column = table.columns.get(column).map_or("?", |c| c.name.as_str());
        let message = format!(
            "row {row} differs from row {row} of {} in column {column:?}; {} rows differ in all",
            sql.part.key, differences.rows
        );
        findings.push(Finding::error("artifacts-disagree", &json.part.key, message));
    }
    findings
}

/// Rows at the same place that are not the same.
#[derive(Default)]
struct Differences {
    rows: u64,
    /// The first such row, from 1, and the column where it differs.
    first: Option<(u64, usize)>,
}

/// Advances both until either has no more rows.
fn lockstep(sql: &mut Side<'_>, json: &mut Side<'_>) -> Differences {
    let mut differences = Differences::default();
    loop {
        // Not `&&`: when one ends, the other must stand on its own next row, and be counted below.
        let (in_sql, in_json) = (sql.advance(), json.advance());
        if !(in_sql && in_json) {
            if in_sql {
                sql.count_row();
            }
            if in_json {
                json.count_row();
            }
            return differences;
        }
        if sql.fields.iter().eq(json.fields.iter()) {
            let digest = sql.row_digest();
            sql.rows += 1;
            sql.digest += digest;
            json.rows += 1;
            json.digest += digest;
            continue;
        }
        sql.count_row();
        json.count_row();
        differences.rows += 1;
        if differences.first.is_none() {
            let column = sql.fields.iter().zip(json.fields.iter()).position(|(a, b)| a != b);
            differences.first = Some((sql.rows, column.unwrap_or_default()));
        }
    }
}

/// One of the two parts while it is read.
struct Side<'a> {
    part: &'a Part,
    reader: Result<PartRows, Malformed>,
    ended: bool,
    fields: Fields,
    text: Vec<u8>,
    rows: u64,
    digest: Digest,
}

impl<'a> Side<'a> {
    fn open(table: &TableEntry, part: &'a Part, stored: Bytes, identities: &Identities) -> Self {
        let reader = PartRows::open(stored, table, part, identities);
        let ended = reader.is_err();
        Self { part, reader, ended, fields: Fields::default(), text: Vec::new(), rows: 0, digest: Digest::default() }
    }

    /// Reads the next row, if there is one and nothing was wrong so far.
    fn advance(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let Ok(reader) = &mut self.reader else { return false };
        match reader.next_row(&mut self.fields) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => self.reader = Err(error),
        }
        self.ended = true;
        false
    }

    fn row_digest(&mut self) -> Digest {
        self.text.clear();
        write_record(self.fields.iter(), &mut self.text);
        let mut digest = Digest::default();
        digest.add_row(&self.text);
        digest
    }

    fn count_row(&mut self) {
        let digest = self.row_digest();
        self.rows += 1;
        self.digest += digest;
    }

    /// What is wrong with this part alone: one cause, one finding.
    fn finding(&self) -> Option<Finding> {
        let key = &self.part.key;
        if let Err(error) = &self.reader {
            return Some(Finding::error("does-not-open", key, format!("after {} rows: {error}", self.rows)));
        }
        if self.rows != self.part.rows {
            let message = format!("it holds {} rows, the manifest says {}", self.rows, self.part.rows);
            return Some(Finding::error("rows-differ", key, message));
        }
        (self.digest.to_string() != self.part.digest).then(|| {
            let message = "its rows are as many as the manifest says, and not the same ones".to_owned();
            Finding::error("digest-differs", key, message)
        })
    }
}
