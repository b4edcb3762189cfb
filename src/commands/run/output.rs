//! Where the report of a run goes: beside the snapshot, into a directory, and to whoever called.

use bytes::Bytes;

use crate::cli::RunArgs;
use crate::commands::dashboard;
use crate::commands::step::of_run;
use crate::config::Config;
use crate::context::Context;
use crate::error::Failure;
use crate::model::{Finding, RunReport, RunState, Seal, Severity};
use crate::render::{self, Palette};
use crate::snapshot::{RUN, SnapshotKeys, sealing_like, store_text};
use crate::store::{Several, Store};

/// Of a sealed report.
const LEVEL: i32 = 3;

/// A report that cannot be written is found out before anything is done.
pub(super) fn prepare(config: &Config) -> Result<(), Failure> {
    if let Some(file) = &config.dashboard {
        dashboard::prepare(file)?;
    }
    let Some(directory) = &config.report_dir else { return Ok(()) };
    std::fs::create_dir_all(directory).map_err(|error| {
        Failure::usage(format!("--report-dir: making {}: {error}", directory.display()))
            .hint("name a directory that this user may write to")
    })
}

/// The report in its forms, each with the ending of its name.
fn forms(report: &RunReport) -> [(&'static str, String); 3] {
    let json = render::run_json(report).unwrap_or_else(|error| format!("{{\"error\": {:?}}}\n", error.to_string()));
    [("md", render::run_md(report)), ("html", render::run_html(report)), ("json", json)]
}

/// Leaves it beside the new snapshot, in every store that has it. What belongs to a sealed one is sealed.
pub(super) async fn store(report: &mut RunReport, stores: &Several, seal: Option<&Seal>) {
    let Some(snapshot) = &report.snapshot else { return };
    let keys = SnapshotKeys::new(&report.project, snapshot.id.clone());
    let forms = forms(report);
    for (place, store) in stores.standing() {
        if report.stores.get(place).is_none_or(|store| store.failed.is_some()) {
            continue;
        }
        if let Err(error) = store_in(store.as_ref(), &keys, &forms, seal).await {
            let finding = Finding::warning("report-not-stored", store.describe(), error.to_string());
            report.findings.push(finding.hint("what it says is shown here too; the snapshot is not affected"));
        }
    }
}

async fn store_in(
    store: &dyn Store,
    keys: &SnapshotKeys,
    forms: &[(&'static str, String); 3],
    seal: Option<&Seal>,
) -> anyhow::Result<()> {
    for (ending, text) in forms {
        let name = format!("{RUN}/report.{ending}");
        match seal {
            None => store.put(&keys.at(&name)?, Bytes::from(text.clone())).await?,
            // it names tables
            Some(seal) => {
                let sealing = sealing_like(seal);
                let sealing = sealing.ok_or_else(|| anyhow::anyhow!("the manifest names a recipient that is none"))?;
                store_text(store, keys, &format!("{name}.zst"), text.as_bytes(), LEVEL, Some(&sealing)).await?;
            }
        }
    }
    Ok(())
}

/// Writes it into the directory that was named. What cannot be written is the finding.
pub(super) fn write(report: &RunReport, config: &Config) -> Option<Finding> {
    let directory = config.report_dir.as_ref()?;
    for (ending, text) in forms(report) {
        let file = directory.join(format!("run.{ending}"));
        if let Err(error) = std::fs::write(&file, text) {
            let finding = Finding::error("report-not-written", file.display().to_string(), error.to_string());
            return Some(finding.hint("make room, or name another --report-dir; the snapshot is not affected"));
        }
    }
    None
}

/// Prints it. Who wants quiet hears only what needs a person.
pub(super) fn show(report: &RunReport, args: &RunArgs, config: &Config, context: &Context) -> anyhow::Result<()> {
    context.hand_over(|| of_run(report, config, context));
    if args.json {
        return Ok(render::print(&render::run_json(report)?)?);
    }
    let quiet = context.terminal.quiet;
    if !quiet || report.state != RunState::Done || report.findings_from(Severity::Warning).next().is_some() {
        let palette = Palette::new(context.terminal.color_on_stdout());
        render::print(&render::run_human(report, quiet, palette))?;
    }
    Ok(())
}
