//! Tables whose rows go with those that are deleted: where foreign keys are not quiet, a deletion may
//! delete or change rows of tables that nobody chose.

use std::collections::{BTreeMap, BTreeSet};

use super::Job;
use super::choose::Chosen;
use super::output::GONE_WITH_OTHERS;
use super::plan::Means;
use super::site::Site;
use super::work::Work;
use crate::model::{Finding, TableName};
use crate::render::plural;

/// Tables whose rows a deletion in this one may delete or change, directly or through others.
pub(super) fn followers(table: &TableName, site: &Site) -> BTreeSet<TableName> {
    let mut found = BTreeSet::new();
    let mut todo = vec![table.clone()];
    while let Some(name) = todo.pop() {
        for other in &site.target.tables {
            let follows = other.references.iter().any(|r| {
                r.to == name && r.on_delete.as_deref().is_none_or(|rule| !matches!(rule, "NO ACTION" | "RESTRICT"))
            });
            if follows && other.name != *table && found.insert(other.name.clone()) {
                todo.push(other.name.clone());
            }
        }
    }
    found
}

/// How many rows the followers have that are not restored themselves; `None`: this key does not see them.
pub(super) type Outside = BTreeMap<TableName, Option<u64>>;

/// Counts the rows of tables that are not restored and may lose some, and says so for each table whose
/// deletions do that.
pub(super) async fn outside(
    job: &Job<'_>,
    works: &[Work],
    site: &Site,
    means: Means,
    chosen: &[Chosen],
) -> anyhow::Result<(Outside, Vec<Finding>)> {
    let deleting = works.iter().filter(|work| work.plan.counts.delete > 0 && !work.is_quiet(means));
    let of_each: Vec<(&TableName, BTreeSet<TableName>)> = deleting
        .map(|work| {
            let mut names = followers(&work.plan.target, site);
            names.retain(|name| !chosen.iter().any(|c| c.target == *name));
            (&work.plan.target, names)
        })
        .filter(|(_, names)| !names.is_empty())
        .collect();
    let all: BTreeSet<TableName> = of_each.iter().flat_map(|(_, names)| names.iter().cloned()).collect();
    let counts = counted(job, site, all).await?;
    let rows = |name: &TableName| match counts.get(name).copied().flatten() {
        Some(rows) => format!("{name} ({})", plural(rows, "row")),
        None => name.to_string(),
    };
    let finding = |(table, names): &(&TableName, BTreeSet<TableName>)| {
        let names: Vec<String> = names.iter().map(rows).collect();
        let message =
            format!("rows of {} that refer to deleted rows may be deleted or changed with them", names.join(", "));
        Finding::warning("followers", table.to_string(), message)
            .hint("they are in the safety snapshot; restore these tables too, to have them as the snapshot has them")
    };
    let findings = of_each.iter().map(finding).collect();
    Ok((counts, findings))
}

/// Says that people who signed up since the snapshot lose their logins.
pub(super) fn logins(work: &Work) -> Option<Finding> {
    let target = &work.plan.target;
    let is_meant = target.schema == "auth" && work.plan.counts.delete > 0;
    is_meant.then(|| {
        let rows = plural(work.plan.counts.delete, "row");
        let message = format!("{rows} of the platform's own logins, made since the snapshot, would be deleted");
        Finding::warning("logins", target.to_string(), message)
            .hint("leave them out with --schema public, or keep them with --mode auth.users=merge")
    })
}

/// What became of the followers: how many rows each has lost.
pub(super) async fn lost(job: &Job<'_>, site: &Site, before: &Outside) -> anyhow::Result<Vec<Finding>> {
    let now = counted(job, site, before.keys().cloned().collect()).await?;
    let mut findings = Vec::new();
    for (table, before) in before {
        match (before, now.get(table).copied().flatten()) {
            (Some(before), Some(now)) if now < *before => {
                let message = format!("{} went with rows that were deleted", plural(before - now, "row"));
                let finding = Finding::warning(GONE_WITH_OTHERS, table.to_string(), message);
                findings.push(finding.hint("they are in the safety snapshot: restore this table from it or from here"));
            }
            (Some(_), Some(_)) => {}
            _ => {
                let message = "whether rows of it went with those that were deleted cannot be seen";
                findings.push(Finding::warning("followers-unknown", table.to_string(), message));
            }
        }
    }
    Ok(findings)
}

async fn counted(job: &Job<'_>, site: &Site, tables: BTreeSet<TableName>) -> anyhow::Result<Outside> {
    if tables.is_empty() {
        return Ok(Outside::new());
    }
    let names: Vec<TableName> = tables.iter().cloned().collect();
    let seen = site.again(job.config, job.project, &names).await?;
    let rows = |name: &TableName| seen.tables.get(name).and_then(|(_, access)| access.counted);
    Ok(tables.into_iter().map(|name| (name.clone(), rows(&name))).collect())
}
