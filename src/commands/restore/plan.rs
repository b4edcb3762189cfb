//! From what is stored and what is found to what will be done.

use super::choose::Chosen;
use super::site::Site;
use crate::format::{BatchColumn, RowForm};
use crate::model::{
    ColumnKind, ColumnLeftOut, Counts, Finding, Identity, TableName, TablePlan, TargetColumn, TargetTable,
    TargetTrigger, WriteWay,
};
use crate::supabase::Writable;

/// How rows are written in this run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    pub(super) way: WriteWay,
    /// Triggers and foreign keys stay quiet.
    pub(super) is_quiet: bool,
}

impl Means {
    pub(super) fn form(self) -> RowForm {
        if self.way == WriteWay::Api { RowForm::Object } else { RowForm::Record }
    }

    /// In words.
    pub(super) fn words(self, through: Option<&str>) -> String {
        let sql = through.unwrap_or("SQL");
        match (self.way, self.is_quiet) {
            (WriteWay::Api, _) => "over the Data API: triggers fire, foreign keys are checked row by row".to_owned(),
            (WriteWay::Sql, true) => format!("by SQL through {sql}: triggers and foreign keys stay quiet"),
            (WriteWay::Sql, false) => format!(
                "by SQL through {sql}: triggers fire and foreign keys are checked, because its role may not keep them quiet"
            ),
        }
    }
}

/// A table's plan before its rows are compared.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) chosen: Chosen,
    pub(super) plan: TablePlan,
    /// Columns of a batch.
    pub(super) columns: Vec<BatchColumn>,
}

impl Draft {
    /// Whether nothing of the table can be restored.
    pub(super) fn is_impossible(&self) -> bool {
        self.plan.findings.iter().any(|f| f.severity == crate::model::Severity::Error)
    }

    /// Names and fields of the key.
    pub(super) fn key(&self) -> Vec<(String, usize)> {
        let field = |name: &String| self.chosen.entry.columns.iter().position(|c| c.name == *name);
        self.plan.key.iter().filter_map(|name| Some((name.clone(), field(name)?))).collect()
    }
}

/// Nothing is known of the table yet but what was chosen.
fn bare(chosen: &Chosen, means: Means) -> TablePlan {
    TablePlan {
        source: chosen.entry.name.clone(),
        target: chosen.target.clone(),
        mode: chosen.mode,
        way: means.way,
        columns: Vec::new(),
        left_out: Vec::new(),
        extra_columns: Vec::new(),
        key: Vec::new(),
        later: Vec::new(),
        triggers: Vec::new(),
        step: 0,
        counts: Counts { snapshot: chosen.entry.rows, ..Counts::default() },
        findings: Vec::new(),
    }
}

/// The plan of a table that is not to be had.
pub(super) fn impossible(chosen: &Chosen, means: Means, finding: Finding) -> Draft {
    let plan = TablePlan { findings: vec![finding], ..bare(chosen, means) };
    Draft { chosen: chosen.clone(), plan, columns: Vec::new() }
}

/// The plan of one table, as far as its definition goes. `writable` is what the Data API said of it.
pub(super) fn draft(
    chosen: &Chosen,
    table: &TargetTable,
    site: &Site,
    means: Means,
    writable: Option<&Writable>,
) -> Draft {
    let mut plan = bare(chosen, means);
    let entry = &chosen.entry;
    let generated = |name: &str| {
        let exact = table.columns.iter().any(|c| c.name == name && c.generated);
        exact || writable.is_some_and(|w| w.generated.iter().any(|g| g == name))
    };
    let always = |name: &str| {
        let exact = table.columns.iter().any(|c| c.name == name && c.identity == Identity::Always);
        means.way == WriteWay::Api && (exact || writable.is_some_and(|w| w.identity_always.iter().any(|a| a == name)))
    };
    for column in &entry.columns {
        let mut leave = |reason: &str, loses: bool| {
            plan.left_out.push(ColumnLeftOut { column: column.name.clone(), reason: reason.to_owned(), loses });
        };
        match table.columns.iter().find(|c| c.name == column.name) {
            None => leave("the project's table has no such column", true),
            Some(_) if generated(&column.name) => leave("its values are computed", false),
            Some(_) if always(&column.name) => leave("it is GENERATED ALWAYS AS IDENTITY", true),
            Some(_) => plan.columns.push(column.name.clone()),
        }
    }
    plan.extra_columns = table
        .columns
        .iter()
        .filter(|c| !entry.columns.iter().any(|s| s.name == c.name))
        .map(|c| c.name.clone())
        .collect();
    if table.primary_key.iter().all(|name| entry.columns.iter().any(|c| c.name == *name)) {
        plan.key.clone_from(&table.primary_key);
    }
    judge(&mut plan, chosen, table, writable);
    plan.triggers = table.triggers.iter().filter(|t| fires(t, means)).map(|t| t.name.clone()).collect();
    let columns = batch_columns(chosen, table, site, means, &plan.columns);
    Draft { chosen: chosen.clone(), plan, columns }
}

/// What a person is told of triggers that fire, where anything is written.
pub(super) fn firing(plan: &TablePlan) -> Option<Finding> {
    if plan.triggers.is_empty() || plan.counts.writes() == 0 {
        return None;
    }
    let message = format!(
        "triggers fire for every row, and may change or refuse it: {} (a row that they change differs from the \
         snapshot: the report names it, and the exit code is 3)",
        plan.triggers.join(", ")
    );
    let quiet = if plan.way == WriteWay::Api { "restore through SQL, or " } else { "" };
    Some(Finding::warning("triggers", plan.target.to_string(), message).hint(format!(
        "what they change stays changed however often the restore is repeated; to keep the stored values, {quiet}disable \
         them for it (ALTER TABLE … DISABLE TRIGGER USER)"
    )))
}

fn fires(trigger: &TargetTrigger, means: Means) -> bool {
    if means.is_quiet { trigger.fires_always || trigger.only_as_replica } else { !trigger.only_as_replica }
}

fn judge(plan: &mut TablePlan, chosen: &Chosen, table: &TargetTable, writable: Option<&Writable>) {
    let target = chosen.target.to_string();
    if let Some((_, refusal)) = writable.and_then(|w| w.refusal.as_ref()) {
        let message = format!("it cannot be written over the Data API: {refusal}");
        plan.findings.push(Finding::error("not-writable", &target, message).hint(
            "grant service_role INSERT, UPDATE and DELETE on it, or give the restore SQL access (docs/restore.md)",
        ));
    }
    let always: Vec<&str> =
        plan.left_out.iter().filter(|l| l.loses && l.reason.contains("ALWAYS")).map(|l| l.column.as_str()).collect();
    if !always.is_empty() {
        let message = format!("the Data API cannot set {}, which is GENERATED ALWAYS AS IDENTITY", always.join(", "));
        plan.findings.push(Finding::error("identity-always", &target, message).hint(
            "give the restore SQL access (docs/restore.md), or ALTER TABLE … ALTER COLUMN … SET GENERATED BY DEFAULT first",
        ));
    }
    let gone: Vec<&str> =
        plan.left_out.iter().filter(|l| l.loses && !l.reason.contains("ALWAYS")).map(|l| l.column.as_str()).collect();
    if !gone.is_empty() {
        let message = format!("the project's table has no column {}: these values are not restored", gone.join(", "));
        plan.findings.push(Finding::warning("column-missing", &target, message));
    }
    if plan.key.is_empty() && !table.primary_key.is_empty() {
        let message =
            format!("its key ({}) is not in the snapshot: rows are compared whole", table.primary_key.join(", "));
        plan.findings.push(Finding::warning("no-key", &target, message));
    }
}

/// Columns whose type has the name that it had, with other limits: `numeric(12,4)` is `numeric(10)` now.
pub(super) fn narrower(was: Option<&TargetTable>, now: Option<&TargetTable>) -> Vec<Finding> {
    let (Some(was), Some(now)) = (was, now) else { return Vec::new() };
    let base = |type_name: &str| match type_name.split_once('(').map(|(name, rest)| (name, rest.split_once(')'))) {
        Some((name, Some((_, rest)))) => format!("{name}{rest}"),
        _ => type_name.to_owned(),
    };
    let changed = |column: &TargetColumn| {
        let was = &was.column(&column.name)?.type_name;
        let is_other = *was != column.type_name && base(was) == base(&column.type_name);
        is_other.then(|| {
            let message = format!("column {:?} was {was} and is {} now: ", column.name, column.type_name);
            Finding::warning("type-limits", now.name.to_string(), message + "values may be rounded, padded or refused")
        })
    };
    now.columns.iter().filter_map(changed).collect()
}

fn batch_columns(
    chosen: &Chosen,
    table: &TargetTable,
    site: &Site,
    means: Means,
    written: &[String],
) -> Vec<BatchColumn> {
    let field = |name: &str| chosen.entry.columns.iter().position(|c| c.name == name);
    let described =
        site.tables.get(&chosen.target).map(|(relation, _)| relation.columns.as_slice()).unwrap_or_default();
    // a table that is not there yet is described by nobody but the snapshot
    let described = if described.is_empty() { chosen.entry.columns.as_slice() } else { described };
    let is_json = |name: &str, type_name: &str| {
        // a domain shows as its base type in one of the two
        let other = described.iter().any(|c| c.name == name && c.kind() == ColumnKind::Json);
        matches!(type_name, "json" | "jsonb") || other
    };
    let column = |name: &str, type_name: &str| BatchColumn {
        name: name.to_owned(),
        field: field(name),
        is_json: is_json(name, type_name),
    };
    let columns = table.columns.iter();
    match means.way {
        // the row type has every column of the table
        WriteWay::Sql => columns.map(|c| column(&c.name, &c.type_name)).collect(),
        WriteWay::Api => columns.filter(|c| written.contains(&c.name)).map(|c| column(&c.name, &c.type_name)).collect(),
    }
}

/// A finding about a table that the project does not show.
pub(super) fn not_there(table: &TableName, site: &Site) -> Finding {
    let missing = site.missing.iter().find(|m| m.subject.ends_with(&table.to_string()));
    let subject = table.to_string();
    match missing {
        Some(missing) => {
            let finding = Finding::error("not-readable", subject, missing.reason.clone());
            match &missing.fix {
                Some(fix) => finding.hint(fix.clone()),
                None => finding,
            }
        }
        None if site.sql.is_some() => Finding::error("table-missing", subject, "the project has no such table").hint(
            "make it first (`supabackup sql <snapshot> --schema-only --table …` prints how), or name another one (--table A=B)",
        ),
        None => {
            let message = "the Data API shows no such table: it is not there, its schema is not exposed, or service_role may not see it";
            Finding::error("table-missing", subject, message).hint(
                "restore the others alone (--schema public, or --table), give the restore SQL access (docs/restore.md), or make the table first",
            )
        }
    }
}
