//! Finds out what there is, and in which way each table can be read. Its result is the plan.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::api_failure;
use crate::config::{Selection, TableFilter};
use crate::error::Failure;
use crate::model::{BackupPlan, Catalog, Missing, PassedOver, PlannedTable, Relation, TableName};
use crate::supabase::{Access, Client, Probe, probe};

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Tables to read, with the way to their rows.
    pub(crate) tables: Vec<(Relation, Access)>,
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) missing: Vec<Missing>,
    /// Every relation that the API lists.
    pub(crate) listed: HashSet<TableName>,
    pub(crate) server: Option<String>,
    pub(crate) schemas: Vec<String>,
    /// What could not be seen, in sentences.
    pub(crate) blind_spots: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// Empty: every exposed schema.
    pub(crate) schemas: &'a [String],
    pub(crate) filter: &'a TableFilter,
    /// The patterns that the filter was made of, to say which of them match nothing.
    pub(crate) include: &'a [String],
    pub(crate) force_keyset: bool,
    pub(crate) connections: usize,
}

/// Reads the catalog and probes every relation that the filter lets through.
pub(crate) async fn discover(client: &Arc<Client>, wanted: &Wanted<'_>) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let exposed = client.exposed_schemas().await.map_err(api_failure)?;
    found.schemas = match (&exposed, wanted.schemas) {
        (Some(exposed), []) => exposed.clone(),
        (None, []) => {
            found.missing.push(Missing {
                subject: "schemas other than public".to_owned(),
                reason: "the server did not say which schemas it exposes".to_owned(),
                fix: Some("name every schema to back up with --schema".to_owned()),
            });
            vec!["public".to_owned()]
        }
        (Some(exposed), chosen) => {
            if let Some(unknown) = chosen.iter().find(|s| !exposed.contains(s)) {
                return Err(Failure::usage(format!(
                    "schema {unknown:?} is not exposed by the project's API; exposed are: {}",
                    exposed.join(", ")
                ))
                .hint("add it under Settings > API > Exposed schemas, or leave it out of --schema")
                .into());
            }
            let left: Vec<&str> = exposed.iter().filter(|s| !chosen.contains(s)).map(String::as_str).collect();
            if !left.is_empty() {
                found.blind_spots.push(format!("exposed schemas that were not asked for: {}", left.join(", ")));
            }
            chosen.to_vec()
        }
        (None, chosen) => chosen.to_vec(),
    };
    found.blind_spots.push("tables in schemas that the API does not expose, and tables without a grant to service_role, are invisible to it".into());
    let mut relations = Vec::new();
    for schema in &found.schemas {
        let Catalog { relations: more, server, .. } = client.describe(schema).await.map_err(api_failure)?;
        found.server = found.server.or(server);
        relations.extend(more);
    }
    found.listed = relations.iter().map(|r| r.name.clone()).collect();
    found.unmatched(wanted, &relations);
    let mut chosen = Vec::new();
    for relation in relations {
        match wanted.filter.decide(&relation.name) {
            Selection::Included => chosen.push(relation),
            Selection::ExcludedBy(pattern) => {
                found.passed_over.push(PassedOver { name: relation.name, reason: format!("excluded by {pattern:?}") });
            }
            Selection::NotIncluded => {
                found
                    .passed_over
                    .push(PassedOver { name: relation.name, reason: "not among the tables to include".into() });
            }
        }
    }
    let looks = chosen.into_iter().map(|relation| async {
        let result = probe(client, &relation, wanted.force_keyset).await;
        (relation, result)
    });
    let mut looks = stream::iter(looks).buffered(wanted.connections);
    while let Some((relation, result)) = looks.next().await {
        found.sort_in(relation, result.map_err(api_failure)?);
    }
    Ok(found)
}

impl Found {
    /// A pattern that matches nothing is most likely mistyped; with `include` a table that its owner
    /// believes to be safe is not.
    fn unmatched(&mut self, wanted: &Wanted<'_>, relations: &[Relation]) {
        let names: Vec<TableName> = relations.iter().map(|r| r.name.clone()).collect();
        for pattern in wanted.filter.unmatched(&names) {
            if wanted.include.iter().any(|p| p == pattern) {
                self.missing.push(Missing {
                    subject: format!("tables to include: {pattern:?}"),
                    reason: "no table that the API shows has such a name".to_owned(),
                    fix: Some("check the spelling, the schema, and whether service_role has SELECT on it".to_owned()),
                });
            } else {
                self.blind_spots.push(format!("the pattern to exclude {pattern:?} matches nothing"));
            }
        }
    }

    fn sort_in(&mut self, relation: Relation, probe: Probe) {
        match probe {
            Probe::Table(access) => {
                for (column, reason) in &access.unreadable {
                    self.missing.push(unreadable_column(&relation.name, column, reason));
                }
                self.tables.push((relation, *access));
            }
            Probe::View(what) => self.passed_over.push(PassedOver { name: relation.name, reason: what.to_owned() }),
            Probe::Unreadable { reason, fix } => {
                self.missing.push(Missing { subject: subject(&relation.name), reason, fix })
            }
        }
    }

    /// What would be done, for `--dry-run`.
    pub(super) fn plan(&self) -> BackupPlan {
        let table = |(relation, access): &(Relation, Access)| PlannedTable {
            name: relation.name.clone(),
            rows: access.counted,
            bytes: access.counted.map(|rows| rows * access.row_bytes.unwrap_or(0)),
            paging: access.paging.word().to_owned(),
        };
        BackupPlan {
            tables: self.tables.iter().map(table).collect(),
            passed_over: self.passed_over.clone(),
            missing: self.missing.clone(),
        }
    }
}

/// `table public.orders`
pub(crate) fn subject(table: &TableName) -> String {
    format!("table {table}")
}

fn unreadable_column(table: &TableName, column: &str, reason: &str) -> Missing {
    let quoted = crate::model::quote_identifier(column);
    Missing {
        subject: format!("column {table}.{}", column.escape_debug()),
        reason: format!("the API may not read it: {reason}"),
        fix: Some(format!("GRANT SELECT ({quoted}) ON TABLE {} TO service_role;", table.quoted())),
    }
}
