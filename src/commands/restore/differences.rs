//! Names the rows that are not what they should be after a restore.

use std::collections::HashMap;
use std::sync::Arc;

use super::compare::{Comparing, for_each_row};
use super::comparison::{Comparison, Found};
use super::json;
use super::mapping::{Room, Side};
use crate::error::Failure;
use crate::format::Fields;
use crate::model::{Difference, RestoreMode};

/// Rows that are not what they should be.
#[derive(Debug, Default)]
pub struct Differences {
    /// By name, and what is different.
    pub named: Vec<Difference>,
    /// How many more there are.
    pub more: u64,
    /// How many of the named ones hold the same JSON in another spelling, and differ in nothing else.
    pub respelled: u64,
}

/// Values of a row over the common columns.
type Values = Vec<Option<Box<[u8]>>>;

/// What the second look at the snapshot finds.
struct Named {
    place: usize,
    most: usize,
    /// Name, and the key's hash of a row that differs.
    rows: Vec<(String, Option<u128>)>,
    differing: HashMap<u128, Values>,
    room: Room,
    common: Fields,
}

impl Comparing<'_> {
    /// Names the first `most` rows that are not what they should be after a restore in this mode.
    /// `comparison` was made after the restore.
    pub async fn differences(
        &self,
        comparison: &Comparison,
        mode: RestoreMode,
        most: usize,
    ) -> Result<Differences, Failure> {
        let [missing, differing, extra] = comparison.wrong(mode);
        if missing + differing + extra == 0 {
            return Ok(Differences::default());
        }
        let mut named = Vec::new();
        let mut respelled = 0;
        if missing + differing > 0 {
            let Named { rows, differing, .. } = self.name_rows(comparison, differing > 0, most).await?;
            let columns = if differing.is_empty() { HashMap::new() } else { self.columns_of(differing).await? };
            for (row, key) in rows {
                let what = match key {
                    None => "missing".to_owned(),
                    Some(key) => {
                        let columns = columns.get(&key).map(Vec::as_slice).unwrap_or_default();
                        respelled += u64::from(!columns.is_empty() && columns.iter().all(|c| c.is_respelled));
                        differs_in(columns)
                    }
                };
                named.push(Difference { row, what });
            }
        }
        if extra > 0 {
            let left = most - named.len();
            let names = comparison.extra_names().iter().take(left);
            named.extend(names.map(|row| Difference { row: row.clone(), what: "extra".to_owned() }));
        }
        let more = missing + differing + extra - named.len() as u64;
        Ok(Differences { named, more, respelled })
    }

    /// Looks at the snapshot again for the rows that are missing, and those that differ.
    async fn name_rows(&self, comparison: &Comparison, with_differing: bool, most: usize) -> Result<Named, Failure> {
        let (mapping, found) = (Arc::clone(&self.mapping), comparison.found.clone().map(Arc::new));
        let state = Named {
            place: 0,
            most,
            rows: Vec::new(),
            differing: HashMap::new(),
            room: Room::default(),
            common: Fields::default(),
        };
        let read = for_each_row(self.snapshot, self.entry, state, move |named: &mut Named, fields| {
            let found = found.as_ref().map_or(Found::Missing, |all| all[named.place]);
            named.place += 1;
            if named.rows.len() >= named.most {
                return;
            }
            let key = match found {
                Found::Missing => None,
                Found::Differs if with_differing => {
                    let key = mapping.hashes(Side::Snapshot, fields, None, &mut named.room).key;
                    mapping.common(Side::Snapshot, fields, &mut named.common);
                    let values = named.common.iter().map(|value| value.map(Box::from)).collect();
                    named.differing.insert(key, values);
                    Some(key)
                }
                Found::Differs | Found::Equal | Found::LeftOut => return,
            };
            named.rows.push((mapping.name(Side::Snapshot, fields), key));
        });
        read.await
    }

    /// Reads the project's rows again, and tells in which columns these differ.
    async fn columns_of(&self, stored: HashMap<u128, Values>) -> Result<HashMap<u128, Vec<Differing>>, Failure> {
        #[derive(Default)]
        struct Page {
            room: Room,
            common: Fields,
            rows: Vec<(u128, Vec<Differing>)>,
        }
        let (mapping, stored) = (Arc::clone(&self.mapping), Arc::new(stored));
        let mut columns = HashMap::new();
        let scanned = self.scan.scan(
            move |row, page: &mut Page| {
                let key = mapping.hashes(Side::Project, row.fields, Some(row.record), &mut page.room).key;
                let Some(values) = stored.get(&key) else { return };
                mapping.common(Side::Project, row.fields, &mut page.common);
                let differs = |(place, value): (usize, &Option<Box<[u8]>>)| {
                    let (stored, now, column) = (value.as_deref(), page.common.get(place), &mapping.columns()[place]);
                    let is_same = || stored.zip(now).is_some_and(|(stored, now)| json::is_same(stored, now));
                    let is_respelled = column.type_name == "json" && is_same();
                    (stored != now).then(|| Differing { column: column.name.clone(), is_respelled })
                };
                let names = values.iter().enumerate().filter_map(differs).collect();
                page.rows.push((key, names));
            },
            |page, _, _| columns.extend(page.rows),
        );
        scanned.await.map_err(|error| self.failure(error))?;
        Ok(columns)
    }
}

/// A column in which a row differs.
struct Differing {
    column: String,
    /// It holds the same JSON in another spelling.
    is_respelled: bool,
}

fn differs_in(columns: &[Differing]) -> String {
    let name = |differing: &Differing| {
        let same = if differing.is_respelled { " (the same JSON, written otherwise)" } else { "" };
        format!("{:?}{same}", differing.column)
    };
    match columns {
        [] => "differs, and went on changing".to_owned(),
        [one] => format!("differs in column {}", name(one)),
        many => format!("differs in columns {}", many.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}
