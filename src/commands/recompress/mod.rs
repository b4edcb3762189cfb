//! `recompress`: snapshots that are older are compressed again, harder.
//!
//! Nothing that is stored is changed. A new snapshot is made beside the old one, under an id of the same moment; every row of
//! it is read back; it takes over the pin and the reports; and then the old one is removed as `prune` removes. So there is a
//! whole snapshot at every moment, whatever dies, and a run that was cut off left either files that are no snapshot or two
//! whole ones: the next run ends both.

mod anew;
mod ended;
mod trial;

use crate::cli::RecompressArgs;
use crate::clock::Clock;
use crate::commands::step::of_recompress;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{LeftAsItIs, Recompress, RecompressReport, SnapshotState, SnapshotSummary};
use crate::render::{self, Palette};
use crate::snapshot::{SnapshotKeys, list_snapshots, look, read_trial};
use crate::store::{self, Store};

use anew::replace;
use ended::end_what_was_begun;
use trial::{Trial, try_out};

/// Runs the command.
pub async fn run(args: &RecompressArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let store = store::open(&config.store);
    let project = args.project.as_deref();
    let report = recompress(store.as_ref(), project, &config.recompress, &context.clock, !args.dry_run).await?;
    context.hand_over(|| of_recompress(&report));
    if args.json {
        render::print(&render::recompress_json(&report)?)?;
    } else if !context.terminal.quiet || report.has_errors() {
        let palette = Palette::new(context.terminal.color_on_stdout());
        render::print(&render::recompress_human(&report, palette))?;
    }
    Ok(if report.has_errors() { Outcome::Findings } else { Outcome::Done })
}

/// Compresses what is old enough and pays, newest first, as far as the time goes, and ends what an earlier run had begun.
/// `apply`: else it is only tried out, and nothing is written. `project`: only that one.
///
/// What goes wrong with one snapshot is a finding; only a store that cannot be read or written is an error. It may be dropped
/// at any moment.
pub async fn recompress(
    store: &dyn Store,
    project: Option<&str>,
    rules: &Recompress,
    clock: &Clock,
    apply: bool,
) -> Result<RecompressReport, Failure> {
    let begun = clock.now();
    let mut report = RecompressReport::new(store.describe(), begun, apply);
    let all = list_snapshots(store, project).await?;
    if apply {
        end_what_was_begun(store, &all, clock, &mut report).await?;
    }
    if rules.budget.is_zero() {
        return Ok(report);
    }
    for summary in all.iter().filter(|summary| is_old_enough(summary, &all, rules, begun)) {
        let keys = SnapshotKeys::new(&summary.project, summary.id.clone());
        let mut left = |reason: String| {
            let (project, id) = (summary.project.clone(), summary.id.clone());
            report.left.push(LeftAsItIs { project, id, reason });
        };
        if summary.sealed {
            left("it is sealed, and sealing it anew needs keys that are not stored".to_owned());
            continue;
        }
        if read_trial(store, &keys).await?.is_some_and(|trial| trial.level >= rules.level) {
            continue;
        }
        let rest = rules.budget - (clock.now() - begun);
        if rest <= chrono::TimeDelta::zero() {
            report.waiting += 1;
            continue;
        }
        let Some(manifest) = look(store, &keys).await?.1 else { continue };
        match try_out(store, &keys, &manifest, rules, clock, apply).await? {
            Trial::No(reason) => left(reason),
            Trial::Damaged(finding) => report.findings.push(finding),
            Trial::Pays(one) if one.seconds > rules.budget.as_seconds_f64() => {
                left(format!("it would take about {}, longer than the budget", render::seconds(one.seconds)));
            }
            Trial::Pays(one) if one.seconds > rest.as_seconds_f64() => report.waiting += 1,
            Trial::Pays(estimate) if !apply => report.done.push(estimate),
            Trial::Pays(_) => {
                if !replace(store, &keys, rules, clock, &mut report).await? {
                    // what does not go now would only take up more room
                    break;
                }
            }
        }
    }
    Ok(report)
}

/// Whether it is a backup that was proven, that is old enough, and that was not compressed again yet.
fn is_old_enough(
    summary: &SnapshotSummary,
    all: &[SnapshotSummary],
    rules: &Recompress,
    now: chrono::DateTime<chrono::Utc>,
) -> bool {
    let is_backup = matches!(summary.state, SnapshotState::Complete | SnapshotState::Incomplete);
    let is_whole = summary.verified.as_ref().is_some_and(|last| last.ok) && (summary.sealed || summary.is_read_back());
    let has_successor =
        all.iter().any(|other| other.project == summary.project && other.instead_of.as_ref() == Some(&summary.id));
    is_backup
        && is_whole
        && summary.safety_of.is_none()
        && summary.instead_of.is_none()
        && !has_successor
        && now - summary.started > rules.after
}
