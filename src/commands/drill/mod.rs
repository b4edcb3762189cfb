//! `verify --restore-into`: the restore drill. The snapshot is loaded into a scratch database through `psql`, held against
//! what it says of itself, and dropped again. The result stands beside the snapshot, where the watch finds it.

mod compare;
mod load;
mod prepare;
mod scratch;
mod trial;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use self::scratch::Scratch;
use self::trial::Trial;
use super::choice::chosen;
use super::talk::{say, talk};
use crate::cli::VerifyArgs;
use crate::config::{Config, redact};
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{DrillReport, DrillResult, Finding, ServerAddress, Severity, TOOL, Verification};
use crate::render::{self, Palette};
use crate::snapshot::{RESTORED, Reader, leave, sealing_like, store_text};
use crate::store::{self, Store};

/// Runs the drill.
pub(super) async fn run(
    args: &VerifyArgs,
    address: &ServerAddress,
    config: &Config,
    context: &Context,
) -> anyhow::Result<Outcome> {
    if args.all {
        return Err(Failure::usage("a drill restores one snapshot, and --all names every one")
            .hint("name one, or take the newest; without SUPABACKUP_RESTORE_INTO, --all verifies them without a drill")
            .into());
    }
    let store = store::open(&config.store);
    let keys = chosen(store.as_ref(), args.project.as_deref(), &args.snapshot, config).await?;
    let reader = Reader::open(store.as_ref(), keys, &config.identities).await?;
    let started = context.clock.now();
    let scratch = Scratch::create(address).await?;
    talk(context, &format!("restoring {} into {} on {} …", reader.keys().id(), scratch.name, address.shown()));
    let psql = scratch.psql().clone();
    let done = tokio::select! {
        done = drill(&reader, &scratch, started, context) => done,
        signal = context.stop.wait() => {
            psql.stop();
            Err(Failure::failed(format!("the drill was stopped by {signal}; its database was dropped, and nothing was recorded")).into())
        }
    };
    let keep = args.keep && context.stop.requested().is_none();
    let name = scratch.name.clone();
    let ended = scratch.end(keep).await;
    let mut report = match done {
        Ok(report) => report,
        Err(error) => {
            ended.iter().for_each(|finding| say(&format!("{}: {}", finding.subject, finding.message)));
            if keep {
                say(&format!("the scratch database {name} is still there"));
            }
            return Err(error);
        }
    };
    report.kept = keep && ended.is_empty();
    report.findings.extend(ended);
    report.finished = context.clock.now();
    finish(&mut report, &reader, store.as_ref()).await;
    show(&report, args, context)
}

async fn drill(
    reader: &Reader<'_>,
    scratch: &Scratch,
    started: DateTime<Utc>,
    context: &Context,
) -> anyhow::Result<DrillReport> {
    let mut trial = Trial::new(reader, scratch).await?;
    for name in &scratch.found {
        let message = "a drill that was killed left this database; it was dropped";
        trial.findings.push(Finding::info("leftover", name, message));
    }
    let loaded = load::load(&mut trial, context).await?;
    talk(context, "comparing …");
    let compared = compare::compare(&mut trial, &loaded).await?;
    compare::incomplete(&mut trial);
    Ok(DrillReport {
        project: reader.keys().project().to_owned(),
        snapshot: reader.keys().id().clone(),
        started,
        finished: started,
        server: scratch.psql().address().shown(),
        version: scratch.version.0.clone(),
        database: scratch.name.clone(),
        kept: false,
        has_schema: trial.facts.is_some(),
        result: DrillResult::Proven,
        tables: compared.tables,
        foreign_keys: compared.foreign_keys,
        sequences: compared.sequences,
        stand_ins: std::mem::take(&mut trial.stand_ins),
        findings: std::mem::take(&mut trial.findings),
        record: None,
    })
}

/// Draws the conclusion, and leaves it beside the snapshot.
async fn finish(report: &mut DrillReport, reader: &Reader<'_>, store: &dyn Store) {
    for finding in &mut report.findings {
        finding.message = redact(&finding.message);
        finding.subject = redact(&finding.subject);
    }
    // most important first
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    report.result = DrillReport::result_of(&report.findings);
    let at_fault = report.is_snapshot_at_fault();
    let record = Verification {
        at: report.finished,
        depth: "restored".to_owned(),
        ok: !at_fault,
        partial: !at_fault && report.result != DrillResult::Proven,
        errors: if at_fault { report.errors() } else { 0 },
        manifest_sha256: reader.manifest_sha256().to_owned(),
        tool: TOOL.to_owned(),
    };
    match leave(store, reader.keys(), &record).await {
        Ok(name) => report.record = Some(name),
        Err((name, error)) => report.findings.push(
            Finding::warning("not-recorded", name, error.to_string())
                .hint("the watch does not learn of this drill; what it found still holds"),
        ),
    }
    if let Err(error) = store_report(report, reader, store).await {
        let finding = Finding::warning("not-recorded", "report", format!("{error:#}"));
        report.findings.push(finding.hint("what it says is shown here too"));
    }
}

/// The whole report names tables: it is sealed where the snapshot is.
async fn store_report(report: &DrillReport, reader: &Reader<'_>, store: &dyn Store) -> anyhow::Result<()> {
    let name = format!("{RESTORED}/{}-drill.json", report.finished.format("%Y%m%dT%H%M%SZ"));
    let text = render::drill_json(report)?;
    let Some(seal) = &reader.manifest().sealed else {
        return Ok(store.put(&reader.keys().at(&name)?, Bytes::from(text)).await?);
    };
    let sealing = sealing_like(seal).ok_or_else(|| anyhow::anyhow!("the manifest names a recipient that is none"))?;
    store_text(store, reader.keys(), &format!("{name}.zst"), text.as_bytes(), LEVEL, Some(&sealing)).await?;
    Ok(())
}

/// Of the sealed report.
const LEVEL: i32 = 3;

fn show(report: &DrillReport, args: &VerifyArgs, context: &Context) -> anyhow::Result<Outcome> {
    let is_quiet = context.terminal.quiet && report.findings.iter().all(|f| f.severity == Severity::Info);
    if args.json {
        render::print(&render::drill_json(report)?)?;
    } else if !is_quiet {
        let palette = Palette::new(context.terminal.color_on_stdout());
        render::print(&render::drill_human(report, palette))?;
    }
    Ok(match report.result {
        DrillResult::Proven => Outcome::Done,
        DrillResult::Partial => Outcome::Incomplete,
        DrillResult::Failed => Outcome::Findings,
    })
}
