//! In which order tables are written, and which cannot be.

use std::collections::{BTreeSet, HashMap};

use super::Job;
use super::plan::Means;
use super::site::Site;
use super::work::Work;
use crate::model::{Counts, Finding, Identity, TableName, TablePlan, Target, TargetTable, WriteWay, work_order};

/// Gives every table its step, and takes those out that no order can write.
pub(super) fn order(works: &mut Vec<Work>, target: &Target, means: Means, lost: &mut Vec<TablePlan>) {
    if means.is_quiet {
        return;
    }
    let tables: Vec<&TargetTable> = works.iter().filter_map(|work| target.get(&work.plan.target)).collect();
    let order = work_order(&tables);
    let place: HashMap<&TableName, usize> = tables.iter().enumerate().map(|(i, t)| (&t.name, i)).collect();
    let mut stuck = BTreeSet::new();
    for work in works.iter_mut() {
        let Some(&place) = place.get(&work.plan.target) else { continue };
        work.plan.step = order.steps[place];
        // what is not in the snapshot is not written, now or later
        let later = order.later[place].iter().filter(|c| work.plan.columns.contains(c)).cloned();
        work.plan.later = later.collect();
        if order.is_in_circle(place) && work.plan.counts.add > 0 && means.way == WriteWay::Api {
            stuck.insert(work.plan.target.clone());
        }
    }
    let (impossible, possible): (Vec<Work>, Vec<Work>) =
        works.drain(..).partition(|work| stuck.contains(&work.plan.target));
    *works = possible;
    for mut work in impossible {
        let message = "it and others refer to each other in a circle of columns that take no NULL: \
                       no request of the Data API can write the first row";
        let finding = Finding::error("circle", work.plan.target.to_string(), message)
            .hint("give the restore SQL access (docs/restore.md)");
        work.plan.findings.push(finding);
        let Counts { snapshot, target, .. } = work.plan.counts;
        work.plan.counts = Counts { snapshot, target, ..Counts::default() };
        lost.push(work.plan);
    }
}

/// What only SQL shows of a project, as it was when the snapshot was taken: better than nothing.
pub(super) fn remember(target: &mut Target, stored: &Target) {
    for table in &mut target.tables {
        let Some(known) = stored.get(&table.name) else { continue };
        table.triggers.clone_from(&known.triggers);
        for column in &mut table.columns {
            let Some(known) = known.column(&column.name) else { continue };
            column.has_default |= known.has_default;
            if column.sequence.is_none() {
                column.sequence.clone_from(&known.sequence);
            }
            // whether it takes values shows when it is tried
            if known.identity != Identity::None {
                column.identity = Identity::ByDefault;
            }
        }
        for reference in &mut table.references {
            let same = known.references.iter().find(|k| k.columns == reference.columns && k.to == reference.to);
            reference.on_delete = same.and_then(|k| k.on_delete.clone());
        }
    }
}

/// What holds for the run as a whole.
pub(super) fn general(job: &Job<'_>, site: &Site, works: &[Work]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_any = |rows: fn(&Counts) -> u64| works.iter().any(|work| rows(&work.plan.counts) > 0);
    if site.target.is_exact || !is_any(Counts::writes) {
        return findings;
    }
    let project = &job.project.name;
    findings.push(Finding::info(
        "triggers-unknown",
        project,
        "the Data API does not show triggers: those that there are fire for every row that is written \
         (the preview names those that the snapshot knows of)",
    ));
    if is_any(|counts| counts.delete) {
        findings.push(Finding::info(
            "rules-unknown",
            project,
            "the Data API does not show what deleting a row does to rows that refer to it: they may be deleted with it",
        ));
    }
    findings
}
