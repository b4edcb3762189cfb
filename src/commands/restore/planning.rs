//! Compares, orders and rehearses: everything that has to be known before anything is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Job;
use super::apply::artifact;
use super::choose::Chosen;
use super::followers::{logins, outside};
use super::order::{general, order, remember};
use super::oversize::oversize;
use super::plan::{Draft, Means, draft, firing, impossible, narrower, not_there};
use super::planned::Planned;
use super::site::Site;
use super::work::{Marks, Work};
use crate::ddl::Facts;
use crate::error::Failure;
use crate::model::{
    Counts, Finding, Manifest, Project, RestoreMode, RestorePlan, SchemaStep, Severity, TableName, Target, Through,
    WriteWay,
};
use crate::progress::Progress;
use crate::snapshot::Reader;
use crate::supabase::{Conflict, RestWriter, RowSource, SqlWriter, WriteError, Writer};

/// Makes the plan.
pub(super) async fn plan(
    job: &Job<'_>,
    reader: &Reader<'_>,
    site: Site,
    chosen: Vec<Chosen>,
    progress: &Progress,
) -> anyhow::Result<Planned> {
    let manifest = reader.manifest();
    let stored = match &manifest.structure {
        Some(structure) => Some(crate::commands::sql::facts(reader, structure).await?),
        None => None,
    };
    let was = stored.as_ref().map(Facts::target);
    let mut site = site;
    if let (false, Some(stored)) = (site.target.is_exact, &was) {
        remember(&mut site.target, stored);
    }
    let tools = Tools::of(job, &site, manifest, &chosen).await?;
    let (schema, is_begun) =
        step(job, &site, &tools, stored.as_ref().zip(was.as_ref()), &chosen, manifest.tables.len());
    let made = was.as_ref().filter(|_| schema == SchemaStep::Create);
    let mut works = Vec::new();
    let mut lost = Vec::new();
    let there = chosen.iter().filter_map(|c| site.tables.get(&c.target)?.1.counted).sum();
    progress.begin("comparing", chosen.len() as u64, there);
    for table in &chosen {
        let draft = drafted(table, &site, &tools, made).await?;
        let mut is_impossible = draft.is_impossible();
        if is_impossible && (table.damage.is_some() || !site.tables.contains_key(&draft.plan.target)) {
            lost.push(draft.plan);
            continue;
        }
        let mut work = worked(job, reader, &site, &tools, draft, progress).await?;
        if let (None, Some(was), true) = (made, &was, site.target.is_exact) {
            work.plan.findings.extend(narrower(was.get(&work.plan.source), site.target.get(&work.plan.target)));
        }
        let large = oversize(reader, &work).await?;
        if large.rows > 0 && !is_impossible {
            let why = large.message(site.sql.as_ref().map_or("SQL", |sql| sql.kind.name()));
            match over_the_api(job, reader, &site, &tools, table, made, progress).await? {
                Some(other) => {
                    work = other;
                    let where_to = match site.target.get(&table.target) {
                        Some(_) => "the table is written over the Data API, where triggers fire",
                        None => "the table is written over the Data API, once it is made",
                    };
                    let message = format!("{why}: {where_to}");
                    work.plan.findings.push(Finding::warning("over-the-api", table.target.to_string(), message));
                }
                None => {
                    let finding = Finding::error("row-too-large", table.target.to_string(), why);
                    work.plan.findings.push(finding.hint(
                        "and the Data API cannot write this table: install the helper (`supabackup helper-sql`), which has \
                         no such limit, or raise that of the service",
                    ));
                    is_impossible = true;
                }
            }
        }
        if made.is_none() && lost_its_key(&work) {
            let key = work.entry.primary_key.join(", ");
            let message = format!(
                "its key ({key}) is gone in the project: a row that differs would be added a second time beside the old one"
            );
            let finding = Finding::error("key-gone", table.target.to_string(), message);
            work.plan.findings.push(finding.hint("give the table its key back, or use --mode clear"));
            is_impossible = true;
        }
        match (is_impossible, work.plan.counts) {
            (false, _) => works.push(work),
            // what cannot be written is no matter where nothing is to be written
            (true, counts) if counts.writes() == 0 => {
                work.plan.findings.retain(|f| f.severity != Severity::Error);
                work.plan.left_out.clear();
                works.push(work);
            }
            (true, Counts { snapshot, target, unchanged, .. }) => {
                work.plan.counts = Counts { snapshot, target, unchanged, ..Counts::default() };
                lost.push(work.plan);
            }
        }
    }
    order(&mut works, made.unwrap_or(&site.target), tools.means, &mut lost);
    works.sort_by(|a, b| (a.plan.step, &a.plan.target).cmp(&(b.plan.step, &b.plan.target)));
    let (outside, may_go) = outside(job, &works, &site, tools.means, &chosen).await?;
    let mut findings = general(job, &site, &works);
    findings.extend(may_go);
    findings.extend(works.iter().filter_map(logins));
    for work in &mut works {
        work.plan.findings.extend(firing(&work.plan));
    }
    let remembered = was.iter().flat_map(|target| target.tables.iter().map(|table| table.name.clone())).collect();
    let to = Project { name: job.project.name.clone(), url: job.project.url.clone() };
    let plan = RestorePlan {
        snapshot: manifest.snapshot.clone(),
        taken: manifest.started,
        is_other_project: to.name != manifest.project.name,
        from: manifest.project.clone(),
        to,
        way: tools.means.words(site.sql.as_ref().map(|sql| sql.kind.name())),
        schema,
        tables: works.iter().map(|work| work.plan.clone()).chain(lost).collect(),
        findings,
    };
    Ok(Planned { plan, works, site, means: tools.means, stored, is_begun, remembered, outside })
}

/// Whether rows cannot be told from those that they were, and some differ.
fn lost_its_key(work: &Work) -> bool {
    let adds_beside = matches!(work.plan.mode, RestoreMode::Merge | RestoreMode::InsertMissing);
    let Counts { add, kept, .. } = work.plan.counts;
    adds_beside && work.plan.key.is_empty() && !work.entry.primary_key.is_empty() && add > 0 && kept > 0
}

/// What rows are written with.
struct Tools {
    means: Means,
    rest: Arc<RestWriter>,
    /// For rows that were read through the Data API, and for those that were read through SQL.
    sql: Option<[Arc<dyn Writer>; 2]>,
    /// The way to SQL runs scripts.
    runs_scripts: bool,
}

impl Tools {
    async fn of(job: &Job<'_>, site: &Site, manifest: &Manifest, chosen: &[Chosen]) -> anyhow::Result<Self> {
        let api = Self {
            means: Means { way: WriteWay::Api, is_quiet: false },
            rest: Arc::new(RestWriter::new(Arc::clone(&site.client))),
            sql: None,
            runs_scripts: false,
        };
        let wanted = job.args.through();
        let sql = match (wanted, &site.sql) {
            (Through::Only(WriteWay::Api), _) | (Through::Auto, None) => return Ok(api),
            (Through::Only(WriteWay::Sql), None) => {
                return Err(Failure::usage("--through sql: there is no SQL access to this project")
                    .hint("set SUPABASE_ACCESS_TOKEN, or see `supabackup doctor` for the other ways")
                    .into());
            }
            (_, Some(sql)) => sql,
        };
        let channel = sql.tables.channel();
        let access = match channel.write_access().await {
            Ok(access) => access,
            // a token that only reads is enough for everything but writing
            Err(error) if wanted == Through::Auto => {
                let why = error.failure().message;
                super::output::talk(job.context, &format!("SQL reads and cannot write ({why}): the Data API writes"));
                return Ok(api);
            }
            Err(error) => return Err(error.failure().into()),
        };
        let targets: Vec<TableName> = chosen.iter().map(|c| c.target.clone()).collect();
        let plain = || SqlWriter::new(Arc::clone(channel), access.quiet).restoring(targets.clone());
        let of_api = match &manifest.settings.api {
            Some(settings) => plain().printed_under(settings.clone()),
            None => plain(),
        };
        Ok(Self {
            means: Means { way: WriteWay::Sql, is_quiet: access.quiet },
            sql: Some([Arc::new(of_api), Arc::new(plain())]),
            runs_scripts: access.runs_scripts,
            ..api
        })
    }

    /// The Data API alone.
    fn api(&self) -> Self {
        Self {
            means: Means { way: WriteWay::Api, is_quiet: false },
            rest: Arc::clone(&self.rest),
            sql: None,
            runs_scripts: self.runs_scripts,
        }
    }

    /// What writes the rows of a table.
    fn writer(&self, chosen: &Chosen) -> Arc<dyn Writer> {
        match &self.sql {
            Some([of_api, of_sql]) => Arc::clone(if chosen.entry.read_through.is_some() { of_sql } else { of_api }),
            None => Arc::clone(&self.rest) as Arc<dyn Writer>,
        }
    }
}

/// Whether the definitions are made first: only where none of the tables is there, and all are wanted. An
/// earlier run may have made them without their keys, and then broken off.
fn step(
    job: &Job<'_>,
    site: &Site,
    tools: &Tools,
    stored: Option<(&Facts, &Target)>,
    chosen: &[Chosen],
    all: usize,
) -> (SchemaStep, bool) {
    let Some((stored, target)) = stored else { return (SchemaStep::Keep, false) };
    let own: BTreeSet<TableName> = stored.tables_with_rows().collect();
    let of_own = || chosen.iter().filter(|c| own.contains(&c.entry.name));
    let is_everything = job.wishes().is_everything() && chosen.len() == all;
    let wanted = !job.args.no_schema() && is_everything && tools.runs_scripts;
    if !wanted || own.is_empty() {
        return (SchemaStep::Keep, false);
    }
    if !of_own().any(|c| site.target.get(&c.target).is_some()) {
        return (SchemaStep::Create, false);
    }
    let has_key = |target: &Target, name: &TableName| target.get(name).is_some_and(|t| !t.primary_key.is_empty());
    let keys_are_gone = of_own().all(|c| site.target.get(&c.target).is_some())
        && of_own().any(|c| has_key(target, &c.entry.name))
        && !of_own().any(|c| has_key(&site.target, &c.target));
    if keys_are_gone { (SchemaStep::Create, true) } else { (SchemaStep::Keep, false) }
}

async fn drafted(chosen: &Chosen, site: &Site, tools: &Tools, made: Option<&Target>) -> anyhow::Result<Draft> {
    if let Some(why) = &chosen.damage {
        let message = format!("its rows cannot be read from the snapshot: {why}");
        let finding = Finding::error("damaged", chosen.target.to_string(), message);
        return Ok(impossible(chosen, tools.means, finding.hint("an older snapshot may have it: `supabackup list`")));
    }
    if let Some(table) = made.and_then(|made| made.get(&chosen.target))
        && site.target.get(&chosen.target).is_none()
    {
        return Ok(draft(chosen, table, site, tools.means, None));
    }
    let (Some(table), Some((_, access))) = (site.target.get(&chosen.target), site.tables.get(&chosen.target)) else {
        return Ok(impossible(chosen, tools.means, not_there(&chosen.target, site)));
    };
    if tools.means.way == WriteWay::Sql {
        return Ok(draft(chosen, table, site, tools.means, None));
    }
    if !matches!(access.source, RowSource::Rest) {
        let message = "the Data API does not show it to this key, or not all of it";
        let finding = Finding::error("not-shown", chosen.target.to_string(), message)
            .hint("grant it to service_role, or restore it through SQL (docs/restore.md)");
        return Ok(impossible(chosen, tools.means, finding));
    }
    let columns = table.columns.iter().filter(|c| chosen.entry.columns.iter().any(|s| s.name == c.name));
    let columns: Vec<String> = columns.map(|c| c.name.clone()).collect();
    let key = &table.primary_key;
    let conflict = if key.is_empty() { Conflict::Refuse } else { Conflict::Update(key) };
    match tools.rest.writable(&chosen.target, &columns, conflict).await {
        Ok(writable) => Ok(draft(chosen, table, site, tools.means, Some(&writable))),
        Err(WriteError::Fatal(failure)) => Err(failure.into()),
        Err(error) => {
            let finding = Finding::error("not-writable", chosen.target.to_string(), error.to_string());
            Ok(impossible(chosen, tools.means, finding.hint("run the same command again, or restore it through SQL")))
        }
    }
}

/// The same table over the Data API, if that can write it: as it is, or as it is `made` by this restore.
async fn over_the_api(
    job: &Job<'_>,
    reader: &Reader<'_>,
    site: &Site,
    tools: &Tools,
    table: &Chosen,
    made: Option<&Target>,
    progress: &Progress,
) -> anyhow::Result<Option<Work>> {
    let is_made = site.target.get(&table.target).is_none();
    if !(site.tables.contains_key(&table.target) || is_made && site.exposes(&table.target.schema)) {
        return Ok(None);
    }
    let api = tools.api();
    let draft = drafted(table, site, &api, made.filter(|_| is_made)).await?;
    if draft.is_impossible() {
        return Ok(None);
    }
    Ok(Some(worked(job, reader, site, &api, draft, progress).await?))
}

/// Compares one table.
async fn worked(
    job: &Job<'_>,
    reader: &Reader<'_>,
    site: &Site,
    tools: &Tools,
    draft: Draft,
    progress: &Progress,
) -> anyhow::Result<Work> {
    let key = draft.key();
    let writer = tools.writer(&draft.chosen);
    let Draft { chosen, plan, columns } = draft;
    let mut work = Work {
        artifact: artifact(&chosen.entry),
        // the key of a table that this restore makes comes after the rows
        conflict_key: if site.target.get(&plan.target).is_some() { plan.key.clone() } else { Vec::new() },
        form: tools.means.form(),
        columns,
        key,
        marks: Marks::AllAdded,
        rows: chosen.rows,
        writer,
        entry: chosen.entry,
        plan,
    };
    let entry = Arc::clone(&work.entry);
    let Some((comparing, findings)) = site.comparing(reader, &entry, &work, job.config, false)? else {
        let rows = work.entry.rows;
        work.plan.counts = Counts { snapshot: rows, add: rows, ..Counts::default() };
        return Ok(work);
    };
    work.plan.findings.extend(findings);
    let mut bar = progress.table(&work.plan.target, comparing.scan.reader.access().counted);
    bar.phase("comparing");
    let mode = work.plan.mode;
    let mut comparison = comparing.compare(&mut |rows, bytes| bar.add(rows, bytes)).await?;
    bar.read_all();
    work.plan.findings.append(&mut comparison.findings);
    work.plan.findings.extend(comparison.objections(mode, job.args.resume(), &work.plan.target));
    work.plan.counts = comparison.counts(mode);
    if !work.rows.is_all() && work.plan.counts.snapshot == 0 && work.plan.counts.target == 0 {
        let finding =
            Finding::error("no-such-row", work.plan.source.to_string(), "no row has the key that --where names");
        work.plan.findings.push(finding.hint("a value is compared as PostgreSQL prints it"));
    }
    work.marks = Marks::Compared(Arc::new(comparison), mode);
    Ok(work)
}
