//! The project that is restored into, as it is found.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::compare::Comparing;
use super::mapping::{Chosen, Mapping};
use super::scan::{ScanLimits, TableScan};
use super::work::Work;
use crate::buffers::Buffers;
use crate::commands::backup::api_failure;
use crate::commands::backup::discover::{Wanted, discover};
use crate::commands::channel::{self, Sql};
use crate::config::{Config, ProjectConfig, TableFilter};
use crate::ddl::Facts;
use crate::error::Failure;
use crate::http::Http;
use crate::model::{Finding, Missing, PrintSettings, Relation, TableEntry, TableName, Target};
use crate::snapshot::Reader;
use crate::supabase::{Access, Client, RowSource, TableReader};

/// What was found of a project.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) client: Arc<Client>,
    /// What answers are read into, and given back to.
    buffers: Buffers,
    /// The way to SQL, where there is one.
    pub(super) sql: Option<Sql>,
    /// Tables, keys, triggers.
    pub(super) target: Target,
    /// The way to the rows of each table that was asked for and is there.
    pub(super) tables: HashMap<TableName, (Relation, Access)>,
    /// Every table that has rows of its own.
    pub(super) listed: Arc<HashSet<TableName>>,
    /// What should be seen and cannot be.
    pub(super) missing: Vec<Missing>,
    /// Schemas that the Data API serves, where it says so.
    exposed: Option<Vec<String>>,
}

impl Site {
    /// Looks at the project, and closely at these tables.
    pub(super) async fn observe(
        config: &Config,
        project: &ProjectConfig,
        http: &Arc<Http>,
        client: &Arc<Client>,
        buffers: Buffers,
        tables: &[TableName],
    ) -> anyhow::Result<Self> {
        let exposed = client.exposed_schemas().await.map_err(api_failure)?;
        let choice = channel::choose(config, project, http, exposed.as_deref()).await;
        choice.check()?;
        if let (None, Some((_, failure))) = (&choice.sql, choice.failed().next()) {
            // what was given for SQL and does not work would silently make a lesser restore of this
            return Err(failure.clone().into());
        }
        let names: Vec<String> = tables.iter().map(TableName::plain).collect();
        let filter = TableFilter::new(&names, &[]);
        let wanted = Wanted {
            schemas: &[],
            filter: &filter,
            include: &[],
            force_keyset: false,
            only_granted: false,
            connections: config.connections,
            exposed: exposed.as_deref(),
        };
        let mut found = discover(client, &wanted, &choice).await?;
        let relations = std::mem::take(&mut found.tables);
        let facts = match &choice.sql {
            Some(sql) => Some(channel::facts(sql.tables.channel().as_ref()).await?),
            None => None,
        };
        let mut target = facts.as_ref().map_or_else(|| Target::described(&found.described), Facts::target);
        // the definition leaves out what is the platform's own, of which the users are restored
        let others: Vec<Relation> =
            relations.iter().map(|(r, _)| r.clone()).filter(|r| target.get(&r.name).is_none()).collect();
        target.tables.extend(Target::described(&others).tables);
        Ok(Self {
            client: Arc::clone(client),
            buffers,
            sql: choice.sql,
            target,
            tables: relations.into_iter().map(|(r, access)| (r.name.clone(), (r, access))).collect(),
            listed: Arc::new(found.listed),
            missing: found.missing,
            exposed,
        })
    }

    /// Whether the Data API would show a table of this schema, once it is there.
    pub(super) fn exposes(&self, schema: &str) -> bool {
        self.exposed.as_ref().is_some_and(|all| all.iter().any(|one| one == schema))
    }

    /// Looks again, after definitions were made.
    pub(super) async fn again(
        &self,
        config: &Config,
        project: &ProjectConfig,
        tables: &[TableName],
    ) -> anyhow::Result<Self> {
        let http = crate::commands::connect::http(config, self.buffers.clone())?;
        Self::observe(config, project, &http, &self.client, self.buffers.clone(), tables).await
    }

    /// What a table's rows are printed under, where that is known.
    pub(super) fn printed(&self, table: &TableName) -> Option<PrintSettings> {
        let server = &self.sql.as_ref()?.server;
        match self.tables.get(table)?.1.source {
            RowSource::Rest => server.api(),
            RowSource::Sql(_) => Some(server.sql()),
        }
    }

    /// Everything that comparing a table takes, and what a person should know of it; `None`: the table
    /// is not there.
    pub(super) fn comparing<'a>(
        &self,
        snapshot: &'a Reader<'a>,
        entry: &'a TableEntry,
        work: &Work,
        config: &Config,
        is_written: bool,
    ) -> Result<Option<(Comparing<'a>, Vec<Finding>)>, Failure> {
        let Some((_, access)) = self.tables.get(&work.plan.target) else { return Ok(None) };
        // how many there are has changed with what this run wrote
        let access = Access { counted: access.counted.filter(|_| !is_written), ..access.clone() };
        let key = &work.plan.key;
        let mapping = Mapping::between(&work.entry.columns, &access.columns, key, &[]);
        let reader = TableReader::new(Arc::clone(&self.client), work.plan.target.clone(), access);
        let mut comparing = Comparing {
            snapshot,
            entry,
            mapping: Arc::new(mapping),
            chosen: Arc::default(),
            scan: TableScan {
                reader,
                listed: Arc::clone(&self.listed),
                limits: ScanLimits::new(config.connections, config.page_size as u64, self.buffers.clone()),
            },
        };
        let findings = comparing.settle_texts(self.printed(&work.plan.target).as_ref());
        let wanted = work.rows.columns.iter().map(|(name, texts)| (name.clone(), texts.iter().cloned().collect()));
        let chosen = Chosen::new(&comparing.mapping, &wanted.collect()).map_err(|column| {
            Failure::usage(format!("--where {column}: the project's table {} has no such column", work.plan.target))
        })?;
        comparing.chosen = Arc::new(chosen);
        Ok(Some((comparing, findings)))
    }
}
