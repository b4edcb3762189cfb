//! A plan with everything that doing it takes, and the steps around the rows: definitions before and
//! after them.

use std::collections::BTreeSet;

use super::Job;
use super::followers::{Outside, followers};
use super::plan::Means;
use super::site::Site;
use super::work::Work;
use crate::commands::channel::Sql;
use crate::ddl::Facts;
use crate::model::{Finding, RestorePlan, SchemaStep, TableName, TargetColumn, WriteWay};
use crate::snapshot::Reader;
use crate::supabase::sql::SequencePosition;

/// A plan, and everything that doing it takes.
pub(super) struct Planned {
    pub(super) plan: RestorePlan,
    /// Tables that can be restored, in the order of work.
    pub(super) works: Vec<Work>,
    pub(super) site: Site,
    pub(super) means: Means,
    /// The snapshot's definition, where it has one.
    pub(super) stored: Option<Facts>,
    /// The definitions before the rows are there: an earlier run made them.
    pub(super) is_begun: bool,
    /// Tables that the snapshot's definition tells of.
    pub(super) remembered: BTreeSet<TableName>,
    /// Tables that are not restored and may lose rows, with how many they have.
    pub(super) outside: Outside,
}

impl Planned {
    /// Tables that are written, where any of them loses rows or values; and those that may lose rows with
    /// them.
    pub(super) fn endangered(&self) -> Vec<TableName> {
        let mut tables = BTreeSet::new();
        if !self.works.iter().any(|work| work.plan.counts.destroys() > 0) {
            return Vec::new();
        }
        // those that rows are only added to as well: undoing takes them away again
        for work in self.works.iter().filter(|work| work.plan.counts.writes() > 0) {
            tables.insert(work.plan.target.clone());
            if work.plan.counts.delete > 0 && !work.is_quiet(self.means) {
                tables.extend(followers(&work.plan.target, &self.site));
            }
        }
        tables.into_iter().collect()
    }

    /// The way to SQL, if rows are written through it.
    pub(super) fn sql_writer(&self) -> Option<&Sql> {
        self.site.sql.as_ref().filter(|_| self.means.way == WriteWay::Sql)
    }

    /// Whether tables inherit from this one: their rows show in it and are not its own.
    pub(super) fn has_children(&self, table: &TableName) -> bool {
        let stored = self.works.iter().find(|work| work.plan.target == *table);
        stored.is_some_and(|work| !work.entry.children.is_empty())
    }

    /// Whether the database's own catalog tells of a table: that of the project, or that of the snapshot.
    pub(super) fn knows(&self, table: &TableName) -> bool {
        self.site.target.is_exact || self.remembered.contains(table)
    }

    /// Columns of restored tables that take their values from a sequence.
    pub(super) fn numbered(&self) -> Vec<(&TableName, &TargetColumn)> {
        let tables = self.works.iter().filter_map(|work| self.site.target.get(&work.plan.target));
        tables
            .flat_map(|t| t.columns.iter().filter(|c| super::sequences::is_numbered(c)).map(|c| (&t.name, c)))
            .collect()
    }

    /// Where the snapshot's sequences stood.
    pub(super) fn stored_positions(&self) -> Vec<SequencePosition> {
        let positions = self.stored.as_ref().map(Facts::positions).unwrap_or_default();
        let position = |p: crate::ddl::Position| SequencePosition {
            schema: p.schema,
            name: p.name,
            last_value: p.last_value,
            is_called: p.is_called,
        };
        positions.into_iter().map(position).collect()
    }

    /// Makes the definitions that come before the rows, where that is part of the plan.
    pub(super) async fn create(&mut self, job: &Job<'_>, reader: &Reader<'_>) -> anyhow::Result<()> {
        let (SchemaStep::Create, Some(structure)) = (self.plan.schema, &reader.manifest().structure) else {
            return Ok(());
        };
        if !self.is_begun {
            super::output::talk(job.context, "making the tables …");
            // rights and policies come after the rows: until then nobody but the owner and service_role reads them
            let before = local(&reader.text(&structure.before).await?);
            let script = before + &self.row_security("ENABLE") + &self.rights_of_the_api();
            self.run_script(&script, &structure.before).await?;
        }
        let targets: Vec<TableName> = self.plan.tables.iter().map(|t| t.target.clone()).collect();
        self.site = self.site.again(job.config, job.project, &targets).await?;
        Ok(())
    }

    /// Makes the definitions that come after the rows.
    pub(super) async fn finish(&mut self, job: &Job<'_>, reader: &Reader<'_>) -> anyhow::Result<Vec<Finding>> {
        let (SchemaStep::Create, Some(structure)) = (self.plan.schema, &reader.manifest().structure) else {
            return Ok(Vec::new());
        };
        super::output::talk(job.context, "making keys, indexes, triggers, policies and rights …");
        let script = self.row_security("DISABLE") + &local(&reader.text(&structure.after).await?);
        self.run_script(&format!("{script}\nNOTIFY pgrst, 'reload schema';\n"), &structure.after).await?;
        let id = &reader.manifest().snapshot;
        let acting = structure.on_purpose.is_some().then(|| {
            Finding::info("on-purpose", "what acts by itself", "event triggers, jobs and webhooks were not made")
                .hint(format!("`supabackup sql {id} --on-purpose` prints them"))
        });
        Ok(acting.into_iter().collect())
    }

    /// Row level security of every table that the definition makes.
    fn row_security(&self, word: &str) -> String {
        let tables = self.stored.as_ref().map(Facts::made_tables).unwrap_or_default();
        let tables = tables.iter().filter(|table| !PLATFORM.contains(&table.schema.as_str()));
        tables.map(|table| format!("ALTER TABLE {} {word} ROW LEVEL SECURITY;\n", table.quoted())).collect()
    }

    /// What the Data API needs for the tables that it writes. Their own rights come after the rows, and leave
    /// nothing of this that the snapshot does not have.
    fn rights_of_the_api(&self) -> String {
        let tables = self.works.iter().filter(|work| work.plan.way == WriteWay::Api).map(|work| &work.plan.target);
        let grant = |table: &TableName| format!("GRANT SELECT, INSERT ON {} TO service_role;\n", table.quoted());
        let rights: String = tables.map(grant).collect();
        if rights.is_empty() { rights } else { rights + "NOTIFY pgrst, 'reload schema';\n" }
    }

    async fn run_script(&self, script: &str, name: &str) -> anyhow::Result<()> {
        let Some(sql) = &self.site.sql else { return Ok(()) };
        let ran = sql.tables.channel().run_script(script).await;
        Ok(ran.map_err(|error| {
            let mut failure = error.failure();
            failure.message = format!("running {name}: {}", failure.message);
            failure.hint.get_or_insert_with(|| {
                "nothing of this script was done; `supabackup sql` prints all of it for psql or the SQL editor"
                    .to_owned()
            });
            failure
        })?)
    }
}

/// Schemas whose tables are the platform's.
const PLATFORM: [&str; 2] = ["auth", "storage"];

/// A script whose settings end with its transaction: the connection goes back to a pool.
fn local(script: &str) -> String {
    let is_head = |line: &str| line.is_empty() || line.starts_with("--") || line.starts_with("SET ");
    let mut in_head = true;
    let lines = script.lines().map(|line| {
        in_head &= is_head(line);
        match line.strip_prefix("SET ") {
            Some(rest) if in_head && !rest.starts_with("LOCAL ") => format!("SET LOCAL {rest}\n"),
            _ => format!("{line}\n"),
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_script_end_with_it() {
        let script = "SET a = 1;\n\n-- Tables\nSET b = '';\nCREATE FUNCTION f() AS $$\nSET c = 1;\n$$;\nSET d = 1;\n";
        assert_eq!(
            local(script),
            "SET LOCAL a = 1;\n\n-- Tables\nSET LOCAL b = '';\nCREATE FUNCTION f() AS $$\nSET c = 1;\n$$;\nSET d = 1;\n"
        );
    }
}
