//! Two tables, compared: what a restore in each mode would do, and what the table is afterwards.

use crate::format::Digest;
use crate::model::{Counts, Finding, RestoreMode, TableName};
use crate::supabase::RowVersion;

/// Rows, and the sum of their hashes over the common columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub rows: u64,
    /// The sum.
    pub digest: Digest,
}

impl Sum {
    pub(super) fn add(&mut self, hash: i64) {
        self.rows += 1;
        self.digest.add_hash(hash);
    }
}

impl std::ops::Add for Sum {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.rows += other.rows;
        self.digest += other.digest;
        self
    }
}

/// What is to be done with one row of the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing: the project has it, or it was not chosen.
    Nothing,
    /// It is added.
    Add,
    /// It takes the place of the one with its key.
    Change,
}

/// What became of a row of the snapshot, as far as the project's rows were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Missing,
    Equal,
    Differs,
    /// It does not count: not chosen, or a later row of the snapshot has its key.
    LeftOut,
}

/// Both tables, compared.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// Of each row of the snapshot in stored order; `None`: all are missing in the project.
    pub(super) found: Option<Vec<Found>>,
    /// Chosen rows of the snapshot.
    pub(super) snapshot: Sum,
    /// Those of them that the project does not have, by key, and those that it has in the same form.
    pub(super) missing: Sum,
    pub(super) equal: u64,
    pub(super) differing: u64,
    /// Rows of the project that the snapshot has, by key.
    pub(super) matched: Sum,
    /// Chosen rows that only the project has.
    pub(super) extra: Sum,
    /// Rows of the project that were not chosen.
    pub(super) others: Sum,
    pub(super) extras: Vec<RowVersion>,
    pub(super) names: Vec<String>,
    /// Whether the digests are those of whole rows as the server prints them.
    pub is_whole: bool,
    /// What a person should know.
    pub findings: Vec<Finding>,
}

impl Comparison {
    /// How many rows a restore in this mode adds, changes, deletes and leaves.
    pub fn counts(&self, mode: RestoreMode) -> Counts {
        let all = Counts {
            snapshot: self.snapshot.rows,
            target: self.matched.rows + self.extra.rows,
            add: self.missing.rows,
            unchanged: self.equal,
            ..Counts::default()
        };
        let (differing, extra) = (self.differing, self.extra.rows);
        match mode {
            RestoreMode::Merge => Counts { change: differing, kept: extra, ..all },
            RestoreMode::Clear => Counts { change: differing, delete: extra, ..all },
            RestoreMode::InsertMissing | RestoreMode::IntoEmpty => Counts { kept: differing + extra, ..all },
        }
    }

    /// What keeps a restore in this mode from starting. With `resume`, rows that are as they are in the
    /// snapshot are those of an earlier run.
    pub fn objections(&self, mode: RestoreMode, resume: bool, target: &TableName) -> Vec<Finding> {
        let mut findings = Vec::new();
        let subject = target.to_string();
        let counts = self.counts(mode);
        let in_the_way = if resume { counts.kept } else { counts.target };
        // a table that is as it is in the snapshot is nobody's obstacle: nothing is written to it
        let is_equal = counts.add == 0 && counts.kept == 0;
        if mode == RestoreMode::IntoEmpty && in_the_way > 0 && !is_equal {
            let message = match resume {
                true => format!("it has {in_the_way} rows that are not in the snapshot as they are"),
                false => format!("it has {in_the_way} rows, and the mode into-empty wants none"),
            };
            findings.push(
                Finding::error("target-not-empty", &subject, message)
                    .hint("use the mode merge, insert-missing or clear, or --resume after a run that broke off"),
            );
        }
        let unreachable = self.extra.rows - self.extras.len() as u64;
        if mode == RestoreMode::Clear && unreachable > 0 {
            let message = format!("{unreachable} rows would have to be deleted, and their addresses cannot be read");
            findings.push(Finding::error("rows-without-address", &subject, message).hint("use the mode merge"));
        }
        findings
    }

    /// What is done with a row of the snapshot, by its place in stored order.
    pub fn mark(&self, place: usize, mode: RestoreMode) -> Mark {
        let Some(all) = &self.found else { return Mark::Add };
        match all.get(place) {
            Some(Found::Missing) => Mark::Add,
            Some(Found::Differs) if mode.is_destructive() => Mark::Change,
            _ => Mark::Nothing,
        }
    }

    /// Whether the project has a row of the snapshot with the same values.
    pub fn is_equal(&self, place: usize) -> bool {
        self.found.as_ref().is_some_and(|all| all.get(place) == Some(&Found::Equal))
    }

    /// The rows that only the project has: what the mode `clear` deletes.
    pub fn extras(&self) -> &[RowVersion] {
        &self.extras
    }

    /// What a person calls such a row, by its place among [`Comparison::extras`]; `None`: there are too
    /// many to name them all.
    pub fn extra_name(&self, place: usize) -> Option<&str> {
        self.names.get(place).map(String::as_str)
    }

    /// Names of the first rows that only the project has.
    pub fn extra_names(&self) -> &[String] {
        &self.names
    }

    /// The rows that the table has once a restore in this mode is done, all of them, chosen or not.
    pub fn expected_after(&self, mode: RestoreMode) -> Sum {
        self.others
            + match mode {
                RestoreMode::Merge => self.snapshot + self.extra,
                RestoreMode::InsertMissing => self.matched + self.missing + self.extra,
                RestoreMode::Clear | RestoreMode::IntoEmpty => self.snapshot,
            }
    }

    /// The rows that the table had when it was compared, all of them.
    pub fn in_project(&self) -> Sum {
        self.others + self.matched + self.extra
    }

    /// Rows that are not what they should be after a restore in this mode: missing, differing, extra.
    pub fn wrong(&self, mode: RestoreMode) -> [u64; 3] {
        let extra = if matches!(mode, RestoreMode::Clear | RestoreMode::IntoEmpty) { self.extra.rows } else { 0 };
        [self.missing.rows, self.differing, extra]
    }

    /// After a restore that leaves alone what is there: rows that it did not add are as they may be. `is_added` takes
    /// a row's place in the snapshot.
    pub(super) fn only_added(&mut self, is_added: impl Fn(usize) -> bool) {
        let rows = self.found.iter_mut().flatten().enumerate();
        for (_, found) in rows.filter(|(place, found)| **found == Found::Differs && !is_added(*place)) {
            *found = Found::LeftOut;
            self.differing -= 1;
        }
    }
}
