//! Which column of the snapshot's rows is which of the project's, and what of a row is compared.

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_128;

use crate::format::{Fields, key_hash, row_hash, row_name, write_instant, write_record};
use crate::model::Column;

/// Where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// A part of the snapshot.
    Snapshot,
    /// A page of the project.
    Project,
}

/// A column that both sides have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonColumn {
    /// Its name.
    pub name: String,
    /// Its type as the snapshot names it.
    pub type_name: String,
    /// Which field of the snapshot's rows it is.
    pub in_snapshot: usize,
    /// Which field of the project's rows.
    pub in_project: usize,
    /// Its values are points in time, printed in other time zones: they are compared as such.
    pub by_instant: bool,
}

/// The columns that two tables have in common, by their names, in the snapshot's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    columns: Vec<CommonColumn>,
    key: Vec<usize>,
    is_whole: bool,
}

/// What tells a row from others, and its versions from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowHashes {
    /// Of the key, or of the whole row where there is none.
    pub(super) key: u128,
    /// Of the row: what [`crate::format::Digest`] sums up.
    pub(super) row: i64,
}

/// Room for one row, used again.
#[derive(Debug, Default)]
pub(super) struct Room {
    fields: Fields,
    record: Vec<u8>,
}

impl Mapping {
    /// `snapshot`: the columns of the snapshot's rows. `project`: those of the project's, as they are
    /// read. `key`: names of the columns that tell rows apart; if one of them is not among the common
    /// columns, rows are compared whole. `without`: columns that are not compared.
    pub fn between(snapshot: &[Column], project: &[Column], key: &[String], without: &[String]) -> Self {
        let common = snapshot.iter().enumerate().filter(|(_, column)| !without.contains(&column.name));
        let columns: Vec<CommonColumn> = common
            .filter_map(|(in_snapshot, column)| {
                let in_project = project.iter().position(|other| other.name == column.name)?;
                let (name, type_name) = (column.name.clone(), column.type_name.clone());
                Some(CommonColumn { name, type_name, in_snapshot, in_project, by_instant: false })
            })
            .collect();
        let place = |name: &String| columns.iter().position(|column| column.name == *name);
        let key: Vec<usize> = key.iter().map(place).collect::<Option<_>>().unwrap_or_default();
        let mut mapping = Self { columns, key, is_whole: false };
        mapping.is_whole = snapshot.len() == project.len() && mapping.columns.len() == project.len() && {
            mapping.columns.iter().enumerate().all(|(i, c)| c.in_snapshot == i && c.in_project == i)
        };
        mapping
    }

    /// The common columns, in the snapshot's order.
    pub fn columns(&self) -> &[CommonColumn] {
        &self.columns
    }

    /// Names of the columns that tell rows apart; none: rows are compared whole.
    pub fn key(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|&place| self.columns[place].name.as_str())
    }

    /// Whether rows are told apart by a key.
    pub fn is_keyed(&self) -> bool {
        !self.key.is_empty()
    }

    /// Whether a row's digest is that of its whole text as the server prints it.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Compares a column's values as points in time.
    pub(super) fn compare_by_instant(&mut self, column: usize) {
        self.columns[column].by_instant = true;
        self.is_whole = false;
    }

    fn place(&self, column: &CommonColumn, side: Side) -> usize {
        match side {
            Side::Snapshot => column.in_snapshot,
            Side::Project => column.in_project,
        }
    }

    /// Copies the common columns as they are compared, in the snapshot's order.
    pub(super) fn common(&self, side: Side, fields: &Fields, into: &mut Fields) {
        into.clear();
        for column in &self.columns {
            let Some(text) = fields.get(self.place(column, side)) else {
                into.push_null();
                continue;
            };
            let Ok(()) = into.push_with(|out| {
                if column.by_instant {
                    write_instant(text, out);
                } else {
                    out.extend_from_slice(text);
                }
                Ok::<(), std::convert::Infallible>(())
            });
        }
    }

    /// Hashes of a row. `record` is its text, where that is known.
    pub(super) fn hashes(&self, side: Side, fields: &Fields, record: Option<&[u8]>, room: &mut Room) -> RowHashes {
        if let Some(record) = record.filter(|_| self.is_whole) {
            return self.hashes_of(fields, record);
        }
        let Room { fields: common, record } = room;
        record.clear();
        if self.is_whole {
            write_record(fields.iter(), record);
            return self.hashes_of(fields, record);
        }
        self.common(side, fields, common);
        write_record(common.iter(), record);
        self.hashes_of(common, record)
    }

    fn hashes_of(&self, common: &Fields, record: &[u8]) -> RowHashes {
        let key = if self.is_keyed() { key_hash(common, &self.key) } else { xxh3_128(record) };
        RowHashes { key, row: row_hash(record) }
    }

    /// What a person calls a row.
    pub(super) fn name(&self, side: Side, fields: &Fields) -> String {
        let key = self.key.iter().map(|&at| &self.columns[at]);
        let key: Vec<(String, usize)> = key.map(|column| (column.name.clone(), self.place(column, side))).collect();
        row_name(&key, fields)
    }
}

/// The rows that a person chose, by the text of some columns: all where nothing was said.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// Place among the common columns, and the texts that it may have.
    columns: Vec<(usize, BTreeSet<Vec<u8>>)>,
}

impl Chosen {
    /// Rows that have one of the given texts in each of these columns. `Err`: a column that is not among
    /// the common ones.
    pub fn new(mapping: &Mapping, wanted: &BTreeMap<String, BTreeSet<String>>) -> Result<Self, String> {
        let mut columns = Vec::new();
        for (name, texts) in wanted {
            let place = mapping.columns.iter().position(|column| column.name == *name).ok_or_else(|| name.clone())?;
            columns.push((place, texts.iter().map(|text| text.clone().into_bytes()).collect()));
        }
        Ok(Self { columns })
    }

    /// Whether every row is.
    pub fn is_all(&self) -> bool {
        self.columns.is_empty()
    }

    /// Whether this row is.
    pub(super) fn has(&self, mapping: &Mapping, side: Side, fields: &Fields) -> bool {
        self.columns.iter().all(|(place, texts)| {
            let column = &mapping.columns[*place];
            let text = fields.get(mapping.place(column, side));
            text.is_some_and(|text| match column.by_instant {
                true => texts.iter().any(|wanted| instant(wanted) == instant(text)),
                false => texts.contains(text),
            })
        })
    }
}

fn instant(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write_instant(text, &mut out);
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::commands::restore) fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column::plain(name, "text")).collect()
    }

    pub(in crate::commands::restore) fn row(values: &[Option<&str>]) -> Fields {
        let mut text = Vec::new();
        write_record(values.iter().map(|v| v.map(str::as_bytes)), &mut text);
        let mut fields = Fields::default();
        assert_eq!(fields.split_record(&text, values.len()), Ok(()));
        fields
    }

    fn key(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn equal_tables_have_the_digest_of_their_own_text() {
        let both = columns(&["a", "b"]);
        let mapping = Mapping::between(&both, &both, &key(&["a"]), &[]);
        let fields = row(&[Some("1"), None]);
        let hashes = |side, record| mapping.hashes(side, &fields, record, &mut Room::default());
        assert!(mapping.is_whole() && mapping.is_keyed());
        assert_eq!(hashes(Side::Snapshot, None).row, row_hash(b"(1,)"));
        assert_eq!(hashes(Side::Snapshot, None), hashes(Side::Project, Some(b"(1,)")));
    }

    #[test]
    fn columns_are_matched_by_name() {
        let (old, new) = (columns(&["a", "gone", "b"]), columns(&["b", "new", "a"]));
        let mapping = Mapping::between(&old, &new, &key(&["b", "a"]), &[]);
        assert!(!mapping.is_whole());
        assert_eq!(mapping.key().collect::<Vec<_>>(), ["b", "a"]);
        let hashes = |side, values: &[Option<&str>]| mapping.hashes(side, &row(values), None, &mut Room::default());
        let stored = hashes(Side::Snapshot, &[Some("1"), Some("x"), Some("2")]);
        assert_eq!(stored, hashes(Side::Project, &[Some("2"), None, Some("1")]));
        assert_eq!(stored.row, row_hash(b"(1,2)"));
        assert_ne!(stored.key, hashes(Side::Project, &[Some("1"), None, Some("2")]).key);
        assert_eq!(mapping.name(Side::Project, &row(&[Some("2"), None, Some("1")])), "b=2, a=1");
        assert!(!Mapping::between(&old, &new, &key(&["gone"]), &[]).is_keyed());
        assert!(!Mapping::between(&old, &old, &[], &key(&["gone"])).is_whole());
    }

    #[test]
    fn instants_are_the_same_in_other_zones() {
        let both = columns(&["id", "at"]);
        let mut mapping = Mapping::between(&both, &both, &key(&["at"]), &[]);
        let (utc, here) = ("2024-01-01 00:00:00+00", "2024-01-01 01:00:00+01");
        // made before it is known that the zones differ
        let chosen = Chosen::new(&mapping, &[("at".to_owned(), [utc.to_owned()].into())].into());
        mapping.compare_by_instant(1);
        let hashes = |side, at| mapping.hashes(side, &row(&[Some("1"), Some(at)]), Some(b"?"), &mut Room::default());
        assert_eq!(hashes(Side::Snapshot, utc), hashes(Side::Project, here));
        assert!(chosen.is_ok_and(|c| c.has(&mapping, Side::Project, &row(&[None, Some(here)]))));
    }

    #[test]
    fn rows_are_chosen_by_all_columns_that_are_named() {
        let (old, new) = (columns(&["a", "b"]), columns(&["b", "a"]));
        let mapping = Mapping::between(&old, &new, &key(&["a"]), &[]);
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<BTreeSet<_>>();
        let wanted = [("a".to_owned(), texts(&["1", "2"])), ("b".to_owned(), texts(&["x"]))].into();
        assert!(Chosen::new(&mapping, &[("c".to_owned(), texts(&["1"]))].into()).is_err());
        let Ok(chosen) = Chosen::new(&mapping, &wanted) else { unreachable!("both are common") };
        for (a, b, expected) in
            [("1", Some("x"), true), ("2", Some("x"), true), ("3", Some("x"), false), ("1", None, false)]
        {
            assert_eq!(chosen.has(&mapping, Side::Snapshot, &row(&[Some(a), b])), expected);
            assert_eq!(chosen.has(&mapping, Side::Project, &row(&[b, Some(a)])), expected);
        }
    }
}
