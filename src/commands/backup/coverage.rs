//! The exact list of tables, held against what the Data API shows of them.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Missing, TableName, quote_identifier};
use crate::supabase::Probe;
use crate::supabase::sql::{SqlListing, SqlTable, TableKind};

/// Every table of the user's in the schemas of this run, as SQL lists them.
#[derive(Debug, Default)]
pub(super) struct Coverage {
    tables: HashMap<TableName, SqlTable>,
    /// Oids of tables that take the rows of their partitions with them.
    partitioned: BTreeSet<u32>,
    only_granted: bool,
}

/// How a table's rows are to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Through the Data API, if a look at it does not show otherwise.
    Rest,
    /// Through SQL.
    Sql,
    /// Not at all, because somebody wants it so.
    LeftOut,
}

impl Coverage {
    /// Of the schemas that `is_chosen` lets through.
    pub(super) fn new(listing: SqlListing, only_granted: bool, is_chosen: impl Fn(&str) -> bool) -> Self {
        let chosen = listing.tables.into_iter().filter(|table| is_chosen(&table.schema));
        let tables: HashMap<TableName, SqlTable> = chosen.map(|table| (table.table_name(), table)).collect();
        let partitioned = tables.values().filter(|t| t.kind == TableKind::Partitioned).map(|t| t.oid).collect();
        Self { tables, partitioned, only_granted }
    }

    /// What SQL knows of a table.
    pub(super) fn get(&self, name: &TableName) -> Option<&SqlTable> {
        self.tables.get(name)
    }

    /// Those that the Data API does not list and that have to be accounted for, by name. Partitions are
    /// not among them: their rows come with the table that is partitioned.
    pub(super) fn unlisted(&self, is_listed: impl Fn(&TableName) -> bool) -> Vec<&SqlTable> {
        let is_elsewhere = |table: &SqlTable| table.partition_of.is_some_and(|root| self.partitioned.contains(&root));
        let mut unlisted: Vec<&SqlTable> = self
            .tables
            .iter()
            .filter(|(name, table)| !is_listed(name) && !is_elsewhere(table))
            .map(|(_, t)| t)
            .collect();
        unlisted.sort_by_key(|table| table.table_name());
        unlisted
    }

    /// Whether rows of this table are stored with it alone, wherever else they show.
    pub(super) fn is_apart(&self, table: &SqlTable, is_exposed: bool) -> bool {
        table.has_rows() && self.way(table, is_exposed) != Way::LeftOut
    }

    /// The way to a table's rows, as far as grants tell. `is_exposed`: the Data API knows its schema.
    pub(super) fn way(&self, table: &SqlTable, is_exposed: bool) -> Way {
        let shown = table.is_granted() && is_exposed;
        let shown_in_part = table.is_granted_in_part() && is_exposed;
        match self.only_granted {
            // a relation without rows of its own: the look says what it is
            _ if !table.has_rows() || shown => Way::Rest,
            false => Way::Sql,
            true if shown_in_part => Way::Rest,
            true => Way::LeftOut,
        }
    }

    /// Whether SQL has to take over a table after the Data API was looked at.
    pub(super) fn takes_over(&self, table: &SqlTable, probe: &Probe) -> bool {
        match probe {
            _ if !table.has_rows() => false,
            Probe::Table(access) => !access.unreadable.is_empty() && !self.only_granted,
            Probe::View(_) | Probe::Unreadable { .. } => true,
        }
    }
}

/// Why a table that was not granted is not in the snapshot.
pub(super) fn left_out(table: &SqlTable, is_exposed: bool) -> String {
    let why = if is_exposed { "not granted to service_role" } else { "in a schema that the API does not expose" };
    format!("{why}, and only what is granted was asked for (table of {})", table.owner)
}

/// The statements that let the Data API read a table, each only where it is needed.
pub(super) fn grants(table: &SqlTable, is_exposed: bool) -> String {
    let mut lines = Vec::new();
    if !table.schema_granted {
        lines.push(format!("GRANT USAGE ON SCHEMA {} TO service_role;", quote_identifier(&table.schema)));
    }
    if !table.granted {
        lines.push(format!("GRANT SELECT ON TABLE {} TO service_role;", table.table_name().quoted()));
    }
    if !is_exposed {
        lines.push(format!(
            "-- then add {} to the exposed schemas (Project Settings, Data API)",
            quote_identifier(&table.schema)
        ));
    }
    lines.join(" ")
}

/// A table that SQL should have read and could not.
pub(super) fn unreadable(table: &SqlTable, is_exposed: bool, reason: &str) -> Missing {
    let fix = grants(table, is_exposed);
    Missing {
        subject: super::discover::subject(&table.table_name()),
        reason: format!("the Data API does not show all of it, and SQL cannot read it: {reason}"),
        fix: (!fix.is_empty()).then_some(fix),
    }
}

/// What a relation without rows of its own is.
pub(super) fn without_rows(table: &SqlTable) -> Option<&'static str> {
    match table.kind {
        TableKind::Table | TableKind::Partitioned => None,
        TableKind::Foreign => Some("a foreign table: its rows live in another system"),
        TableKind::MaterializedView => Some("a materialized view"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(tables: &str) -> anyhow::Result<SqlListing> {
        Ok(serde_json::from_str(&format!(r#"{{"schemas": [], "tables": [{tables}]}}"#))?)
    }

    fn table(oid: u32, name: &str, kind: &str, grants: (bool, bool, bool), root: &str) -> String {
        let (usage, whole, column) = grants;
        format!(
            r#"{{"oid": {oid}, "schema": "s", "name": "{name}", "kind": "{kind}", "owner": "postgres", "schema_granted": {usage},
                "granted": {whole}, "partition_of": {root}, "parents": null, "pages": 1, "rows": 1, "comment": null, "key": null,
                "columns": [{{"name": "c", "type": "text", "not_null": false, "labels": null, "max_length": null, "comment": null,
                "granted": {column}}}]}}"#
        )
    }

    #[test]
    fn what_is_not_shown_is_read_through_sql_or_left_out_on_purpose() -> anyhow::Result<()> {
        let all = [
            table(1, "granted", "r", (true, true, true), "null"),
            table(2, "hidden", "r", (true, false, false), "null"),
            table(3, "in_part", "r", (true, false, true), "null"),
            table(4, "no_usage", "r", (false, true, true), "null"),
            table(5, "matview", "m", (true, false, false), "null"),
        ]
        .join(",");
        let ways = |only_granted, is_exposed| {
            let coverage = Coverage::new(listing(&all)?, only_granted, |_| true);
            let mut found: Vec<(u32, Way)> =
                coverage.tables.values().map(|t| (t.oid, coverage.way(t, is_exposed))).collect();
            found.sort_by_key(|(oid, _)| *oid);
            anyhow::Ok(found.into_iter().map(|(_, way)| way).collect::<Vec<_>>())
        };
        use Way::{LeftOut, Rest};
        assert_eq!(ways(false, true)?, [Rest, Way::Sql, Way::Sql, Way::Sql, Rest]);
        assert_eq!(ways(false, false)?, [Way::Sql, Way::Sql, Way::Sql, Way::Sql, Rest]);
        assert_eq!(ways(true, true)?, [Rest, LeftOut, Rest, LeftOut, Rest]);
        assert_eq!(ways(true, false)?, [LeftOut, LeftOut, LeftOut, LeftOut, Rest]);
        Ok(())
    }

    #[test]
    fn partitions_come_with_their_table_and_only_with_it() -> anyhow::Result<()> {
        let all = [
            table(1, "parted", "p", (true, true, true), "null"),
            table(2, "part", "r", (true, false, false), "1"),
            table(3, "part_of_a_stranger", "r", (true, false, false), "99"),
        ]
        .join(",");
        let coverage = Coverage::new(listing(&all)?, false, |_| true);
        let names = |listed: &str| {
            let unlisted = coverage.unlisted(|name| name.name == listed);
            unlisted.into_iter().map(|t| t.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("parted"), ["part_of_a_stranger"]);
        assert_eq!(names(""), ["part_of_a_stranger", "parted"]);
        Ok(())
    }

    #[test]
    fn the_grants_are_those_that_are_needed() -> anyhow::Result<()> {
        let fix = |granted, is_exposed| {
            let listing = listing(&table(1, "t\\\"x", "r", granted, "null"))?;
            anyhow::Ok(grants(&listing.tables[0], is_exposed))
        };
        assert_eq!(fix((true, false, false), true)?, "GRANT SELECT ON TABLE \"s\".\"t\"\"x\" TO service_role;");
        assert_eq!(
            fix((false, false, false), false)?,
            "GRANT USAGE ON SCHEMA \"s\" TO service_role; GRANT SELECT ON TABLE \"s\".\"t\"\"x\" TO service_role; \
             -- then add \"s\" to the exposed schemas (Project Settings, Data API)"
        );
        assert_eq!(fix((true, true, true), true)?, "");
        Ok(())
    }
}
