//! Finds out what there is, and in which way each table can be read. Its result is the plan.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;

use super::api_failure;
use super::coverage::{Coverage, Way, left_out, unreadable, without_rows};
use crate::commands::channel::{Choice, Sql};
use crate::config::{Config, Paging, Selection, TableFilter};
use crate::error::Failure;
use crate::model::{BackupPlan, Catalog, Missing, PassedOver, PlannedTable, Relation, TableName};
use crate::supabase::sql::{SqlListing, SqlTable};
use crate::supabase::{Access, ApiError, Client, Probe, probe};

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Tables to read, with the way to their rows.
    pub(crate) tables: Vec<(Relation, Access)>,
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) missing: Vec<Missing>,
    /// Every relation that the API describes, whatever the filter says.
    pub(crate) described: Vec<Relation>,
    /// Every relation that the API lists, and every table that SQL reads: their rows are stored with
    /// them alone.
    pub(crate) listed: HashSet<TableName>,
    pub(crate) server: Option<String>,
    pub(crate) schemas: Vec<String>,
    /// What could not be seen, in sentences.
    pub(crate) blind_spots: Vec<String>,
    /// The way to SQL, where it gave the list of tables.
    pub(crate) sql: Option<Sql>,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Wanted<'a> {
    /// Empty: every schema that can be read.
    pub(crate) schemas: &'a [String],
    pub(crate) filter: &'a TableFilter,
    /// The patterns that the filter was made of, to say which of them match nothing.
    pub(crate) include: &'a [String],
    pub(crate) force_keyset: bool,
    /// What `service_role` was not granted is left out.
    pub(crate) only_granted: bool,
    pub(crate) connections: usize,
    /// The schemas that the API exposes; `None`: it does not say.
    pub(crate) exposed: Option<&'a [String]>,
}

impl<'a> Wanted<'a> {
    /// What the configuration asks for.
    pub(crate) fn of(config: &'a Config, exposed: Option<&'a [String]>) -> Self {
        Self {
            schemas: &config.schemas,
            filter: &config.filter,
            include: &config.include,
            force_keyset: config.paging == Paging::Keyset,
            only_granted: config.only_granted,
            connections: config.connections,
            exposed,
        }
    }
}

const INVISIBLE: &str =
    "tables in schemas that the API does not expose, and tables without a grant to service_role, are invisible to it";

/// Reads the catalog and looks at every relation that the filter lets through.
pub(crate) async fn discover(client: &Arc<Client>, wanted: &Wanted<'_>, choice: &Choice) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let listing = found.listing(choice).await;
    let described = found.choose_schemas(wanted, listing.as_ref())?;
    let mut relations = Vec::new();
    for schema in &described {
        let Catalog { relations: more, server, .. } = client.describe(schema).await.map_err(api_failure)?;
        found.server = found.server.take().or(server);
        relations.extend(more);
    }
    found.described.clone_from(&relations);
    found.listed = relations.iter().map(|r| r.name.clone()).collect();
    let is_chosen = |schema: &str| wanted.schemas.is_empty() || wanted.schemas.iter().any(|s| s == schema);
    let listing = listing.unwrap_or_default();
    let elsewhere = listing.tables.iter().filter(|t| !is_chosen(&t.schema) && t.has_rows() && t.partition_of.is_none());
    found.passed_over.extend(
        elsewhere.map(|table| PassedOver {
            name: table.table_name(),
            reason: "in a schema that was not asked for".to_owned(),
        }),
    );
    let coverage = Coverage::new(listing, wanted.only_granted, is_chosen);
    let look = Look { client, wanted, coverage: &coverage, described: &described };
    let unlisted = coverage.unlisted(|name| found.listed.contains(name));
    found.unmatched(wanted, relations.iter().map(|r| r.name.clone()).chain(unlisted.iter().map(|t| t.table_name())));
    found.listed.extend(unlisted.iter().filter(|t| look.is_apart(t)).map(|t| t.table_name()));
    let mut chosen: Vec<Candidate<'_>> = relations.into_iter().map(Candidate::Listed).collect();
    chosen.extend(unlisted.into_iter().map(Candidate::Unlisted));
    chosen.retain(|candidate| found.lets_through(wanted, candidate.name()));
    let looks = chosen.into_iter().map(|candidate| look.at(candidate, found.sql.clone()));
    let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffered(wanted.connections);
    while let Some(seen) = looks.next().await {
        found.take(seen.map_err(api_failure)?, wanted.only_granted);
    }
    drop(looks);
    let read: BTreeSet<&String> = found.tables.iter().map(|(relation, _)| &relation.name.schema).collect();
    let more: Vec<String> = read.into_iter().filter(|schema| !described.contains(schema)).cloned().collect();
    found.schemas = described;
    found.schemas.extend(more);
    Ok(found)
}

/// A relation that is to be looked at.
enum Candidate<'a> {
    /// The API describes it.
    Listed(Relation),
    /// Only SQL knows it.
    Unlisted(&'a SqlTable),
}

impl Candidate<'_> {
    fn name(&self) -> TableName {
        match self {
            Self::Listed(relation) => relation.name.clone(),
            Self::Unlisted(table) => table.table_name(),
        }
    }
}

/// What became of a candidate.
enum Seen {
    Table(Relation, Box<Access>),
    PassedOver(TableName, String),
    Missing(Missing),
}

/// How candidates are looked at.
struct Look<'a> {
    client: &'a Arc<Client>,
    wanted: &'a Wanted<'a>,
    coverage: &'a Coverage,
    /// Schemas that the API describes.
    described: &'a [String],
}

impl Look<'_> {
    fn is_exposed(&self, table: &SqlTable) -> bool {
        self.described.contains(&table.schema)
    }

    fn is_apart(&self, table: &SqlTable) -> bool {
        self.coverage.is_apart(table, self.is_exposed(table))
    }

    async fn at(&self, candidate: Candidate<'_>, sql: Option<Sql>) -> Result<Seen, ApiError> {
        let (relation, table) = match candidate {
            Candidate::Listed(relation) => {
                let table = self.coverage.get(&relation.name);
                (Some(relation), table)
            }
            Candidate::Unlisted(table) => (None, Some(table)),
        };
        let way = table.map_or(Way::Rest, |table| self.coverage.way(table, self.is_exposed(table)));
        match (way, relation, table, sql) {
            (Way::LeftOut, _, Some(table), _) => {
                Ok(Seen::PassedOver(table.table_name(), left_out(table, self.is_exposed(table))))
            }
            (Way::Rest, Some(relation), table, sql) => {
                let probe = probe(self.client, &relation, self.wanted.force_keyset).await?;
                match (table, sql) {
                    (Some(table), Some(sql)) if self.coverage.takes_over(table, &probe) => self.sql(table, &sql).await,
                    _ => Ok(seen(relation, probe)),
                }
            }
            // nothing shows it but SQL, although nothing hides it: a name that no URL can hold, or news
            (Way::Sql | Way::Rest, _, Some(table), Some(sql)) => match without_rows(table) {
                Some(what) => Ok(Seen::PassedOver(table.table_name(), what.to_owned())),
                None => self.sql(table, &sql).await,
            },
            // without a listing there is no table that only SQL knows
            (_, Some(relation), _, _) => Ok(seen(relation, Probe::View("not a table"))),
            (_, None, Some(table), None) => Ok(Seen::Missing(unreadable(table, false, "there is no SQL"))),
            (_, None, None, _) => Err(ApiError::Rejected("nothing was to be looked at".to_owned())),
        }
    }

    async fn sql(&self, table: &SqlTable, sql: &Sql) -> Result<Seen, ApiError> {
        match sql.tables.look(table).await {
            Ok((relation, access)) => Ok(Seen::Table(relation, Box::new(access))),
            Err(ApiError::Fatal(failure)) => Err(ApiError::Fatal(failure)),
            Err(error) => Ok(Seen::Missing(unreadable(table, self.is_exposed(table), &error.to_string()))),
        }
    }
}

fn seen(relation: Relation, probe: Probe) -> Seen {
    match probe {
        Probe::Table(access) => Seen::Table(relation, access),
        Probe::View(what) => Seen::PassedOver(relation.name, what.to_owned()),
        Probe::Unreadable { reason, fix } => Seen::Missing(Missing { subject: subject(&relation.name), reason, fix }),
    }
}

impl Found {
    /// The list of tables by SQL, where there is SQL; what was given for it and does not work is told.
    async fn listing(&mut self, choice: &Choice) -> Option<SqlListing> {
        self.blind_spots.extend(choice.unused_token().map(str::to_owned));
        for (kind, failure) in choice.failed() {
            match &choice.sql {
                Some(other) => self.blind_spots.push(format!(
                    "{} could not be used, and {} was instead: {}",
                    kind.name(),
                    other.kind.name(),
                    failure.message
                )),
                None => self.missing.push(without_sql(kind.name(), failure)),
            }
        }
        let Some(sql) = &choice.sql else {
            self.blind_spots.push(INVISIBLE.to_owned());
            return None;
        };
        match sql.tables.list().await {
            Ok(listing) => {
                self.sql = Some(sql.clone());
                Some(listing)
            }
            Err(error) => {
                self.missing.push(without_sql(sql.kind.name(), &error.failure()));
                self.blind_spots.push(INVISIBLE.to_owned());
                None
            }
        }
    }

    /// The schemas that the API is asked to describe.
    fn choose_schemas(&mut self, wanted: &Wanted<'_>, listing: Option<&SqlListing>) -> anyhow::Result<Vec<String>> {
        let in_database = |schema: &String| listing.is_some_and(|l| l.schemas.iter().any(|s| &s.name == schema));
        Ok(match (wanted.exposed, wanted.schemas) {
            (Some(exposed), []) => exposed.to_vec(),
            (None, []) => {
                self.missing.push(Missing {
                    subject: "schemas other than public".to_owned(),
                    reason: "the server did not say which schemas it exposes".to_owned(),
                    fix: Some("name every schema to back up with --schema".to_owned()),
                });
                vec!["public".to_owned()]
            }
            (Some(exposed), chosen) => {
                if let Some(unknown) = chosen.iter().find(|s| !exposed.contains(s) && !in_database(s)) {
                    let hint = match listing {
                        Some(_) => "check its spelling: the database has no such schema",
                        None => "add it under Settings > API > Exposed schemas, or leave it out of --schema",
                    };
                    return Err(Failure::usage(format!(
                        "schema {unknown:?} is not exposed by the project's API; exposed are: {}",
                        exposed.join(", ")
                    ))
                    .hint(hint)
                    .into());
                }
                let left: Vec<&str> = exposed.iter().filter(|s| !chosen.contains(s)).map(String::as_str).collect();
                if !left.is_empty() {
                    self.blind_spots.push(format!("exposed schemas that were not asked for: {}", left.join(", ")));
                }
                chosen.iter().filter(|s| exposed.contains(s)).cloned().collect()
            }
            (None, chosen) => chosen.to_vec(),
        })
    }

    /// Whether a person's patterns let a relation through; if not, it is passed over.
    fn lets_through(&mut self, wanted: &Wanted<'_>, name: TableName) -> bool {
        let reason = match wanted.filter.decide(&name) {
            Selection::Included => return true,
            Selection::ExcludedBy(pattern) => format!("excluded by {pattern:?}"),
            Selection::NotIncluded => "not among the tables to include".into(),
        };
        self.passed_over.push(PassedOver { name, reason });
        false
    }

    /// A pattern that matches nothing is most likely mistyped; with `include` a table that its owner
    /// believes to be safe is not.
    fn unmatched(&mut self, wanted: &Wanted<'_>, names: impl Iterator<Item = TableName>) {
        let names: Vec<TableName> = names.collect();
        let (reason, fix) = match self.sql {
            Some(_) => ("no table has such a name", "check the spelling and the schema"),
            None => (
                "no table that the API shows has such a name",
                "check the spelling, the schema, and whether service_role has SELECT on it",
            ),
        };
        for pattern in wanted.filter.unmatched(&names) {
            if wanted.include.iter().any(|p| p == pattern) {
                self.missing.push(Missing {
                    subject: format!("tables to include: {pattern:?}"),
                    reason: reason.to_owned(),
                    fix: Some(fix.to_owned()),
                });
            } else {
                self.blind_spots.push(format!("the pattern to exclude {pattern:?} matches nothing"));
            }
        }
    }

    fn take(&mut self, seen: Seen, only_granted: bool) {
        match seen {
            Seen::Table(relation, access) => {
                for (column, reason) in &access.unreadable {
                    if only_granted {
                        let reason = format!(
                            "column {} is not granted to service_role, and only what is granted was asked for",
                            column.escape_debug()
                        );
                        self.passed_over.push(PassedOver { name: relation.name.clone(), reason });
                    } else {
                        self.missing.push(unreadable_column(&relation.name, column, reason));
                    }
                }
                self.tables.push((relation, *access));
            }
            Seen::PassedOver(name, reason) => self.passed_over.push(PassedOver { name, reason }),
            Seen::Missing(missing) => self.missing.push(missing),
        }
    }

    /// What would be done, for `--dry-run`.
    pub(super) fn plan(&self) -> BackupPlan {
        let table = |(relation, access): &(Relation, Access)| PlannedTable {
            name: relation.name.clone(),
            rows: access.counted,
            bytes: access.counted.map(|rows| rows * access.row_bytes.unwrap_or(0)),
            paging: access.paging.word().to_owned(),
            read_through: access.source.word().map(str::to_owned),
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

/// How the subject begins of what is missing because SQL was to be had and could not be.
pub(crate) const SQL_ACCESS: &str = "SQL access through";

/// Something was given so that the whole database would be seen, and it does not work: what only SQL
/// shows may be missing, and nothing tells what that is.
fn without_sql(way: &str, failure: &Failure) -> Missing {
    Missing {
        subject: format!("{SQL_ACCESS} {way}"),
        reason: format!("tables that the API does not show may be missing: {}", failure.message),
        fix: failure.hint.clone(),
    }
}
