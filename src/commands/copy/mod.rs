//! `copy`: moves verified snapshots from one store to another.

mod one;
mod replicate;

use super::choice::chosen;
use super::step::of_copy;
use super::talk::say;
use crate::cli::CopyArgs;
use crate::commands::guard;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{CopyReport, Finding, LeftOut, SnapshotId, SnapshotState, SnapshotSummary};
use crate::render::{self, Palette};
use crate::snapshot::{CopyError, SnapshotKeys, list_snapshots, look};
use crate::store::{self, Store, StoreUrl};

use one::{Anew, One};
pub use replicate::replicate;
pub(crate) use replicate::{Ends, replicate_between};

/// Runs the command.
pub async fn run(args: &CopyArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let target = target(config)?;
    let anew = anew(args, config)?;
    let (from, to) = (store::open(&config.store), store::open(target));
    let (from, to) = (from.as_ref(), to.as_ref());
    let wanted = match (&args.snapshot, args.all) {
        (Some(choice), _) => {
            let keys = chosen(from, args.project.as_deref(), choice, config).await?;
            vec![look(from, &keys).await?.0]
        }
        (None, _) => list_snapshots(from, args.project.as_deref()).await?,
    };
    let is_plain = |summary: &SnapshotSummary| match anew {
        Anew::No => !summary.sealed,
        Anew::Sealed => false,
        Anew::Plain => true,
    };
    if wanted.iter().any(is_plain) {
        guard::check_plain(target, config).await?;
    }
    let mut report = CopyReport::new(from.describe(), to.describe());
    for summary in &wanted {
        let keys = SnapshotKeys::new(&summary.project, summary.id.clone());
        if let Err(reason) = may_be_copied(summary, args.accept_incomplete, args.all) {
            if !args.all {
                return Err(refused(&summary.id, &reason).into());
            }
            // what is no snapshot is nobody's to miss
            if !matches!(summary.state, SnapshotState::Unfinished | SnapshotState::Pruned) {
                let (project, id) = (summary.project.clone(), summary.id.clone());
                report.left_out.push(LeftOut { project, id, reason });
            }
            continue;
        }
        if context.terminal.is_watched() && !context.terminal.quiet {
            say(&format!("copying {} ({}) …", summary.id, render::bytes(summary.stored_bytes)));
        }
        let one = One { from, to, keys: &keys, anew, config, clock: &context.clock };
        match one.copy(&mut report).await {
            Ok(()) => {}
            Err(CopyError::Damaged(why) | CopyError::Different(why)) if args.all => {
                let finding = Finding::error("not-copied", keys.folder(), why.message);
                report.findings.push(finding.hint(why.hint.unwrap_or_default()));
            }
            Err(error) => return Err(Failure::from(error).into()),
        }
    }
    if wanted.is_empty() {
        return Err(Failure::failed(format!("copying: {} holds no snapshots", from.describe()))
            .hint("run `supabackup backup` first, or name the right store with --store")
            .into());
    }
    context.hand_over(|| of_copy(&report));
    if args.json {
        render::print(&render::copy_json(&report)?)?;
    } else if !context.terminal.quiet || !report.is_whole() {
        let palette = Palette::new(context.terminal.color_on_stdout());
        render::print(&render::copy_human(&report, palette))?;
    }
    Ok(if report.is_whole() { Outcome::Done } else { Outcome::Incomplete })
}

/// The one store that snapshots are copied to.
fn target(config: &Config) -> Result<&StoreUrl, Failure> {
    let mistake = match config.copy_to.as_slice() {
        [only] if *only != config.store => return Ok(only),
        [only] => format!("--to: {only} is the store that is read"),
        [] => "--to: is not given".to_owned(),
        _ => "--to: names several stores".to_owned(),
    };
    Err(Failure::usage(mistake).hint("name the store that is read with --store, and one other with --to"))
}

/// Whether the copies are made anew, and how.
fn anew(args: &CopyArgs, config: &Config) -> Result<Anew, Failure> {
    match (args.unseal, args.is_reseal()) {
        (true, _) => Ok(Anew::Plain),
        (false, false) => Ok(Anew::No),
        (false, true) if config.recipients.is_empty() => {
            Err(Failure::usage("--reseal: needs somebody who may open the copies")
                .hint("give --recipient, SUPABACKUP_RECIPIENTS, or SUPABACKUP_PASSPHRASE"))
        }
        (false, true) => Ok(Anew::Sealed),
    }
}

/// Why a snapshot is not copied. `all`: nobody named it.
fn may_be_copied(summary: &SnapshotSummary, accept: bool, all: bool) -> Result<(), String> {
    match summary.state {
        SnapshotState::Unfinished => return Err("a run that did not end left it; it is no snapshot".to_owned()),
        SnapshotState::Pruned => return Err("its removal was begun; it is no snapshot any more".to_owned()),
        SnapshotState::Unreadable => {
            return Err(summary.problem.clone().unwrap_or_else(|| "it cannot be read".to_owned()));
        }
        SnapshotState::Incomplete if !accept => return Err("it is incomplete".to_owned()),
        SnapshotState::Incomplete | SnapshotState::Complete => {}
    }
    if summary.safety_of.is_some() && all && !accept {
        return Err("it is a safety snapshot, of a few tables".to_owned());
    }
    match (&summary.verified, is_proven(summary)) {
        _ if accept => Ok(()),
        (Some(last), _) if !last.ok => Err("its last verification found errors".to_owned()),
        (_, true) => Ok(()),
        (None, _) => Err("it was never verified".to_owned()),
        (Some(last), _) => Err(format!("it was verified no deeper than {}", last.depth)),
    }
}

/// Every row was read back, or every byte of a sealed one, which is all that can be done without an identity.
fn is_proven(summary: &SnapshotSummary) -> bool {
    summary.is_read_back() || (summary.sealed && summary.proven.as_deref() == Some("hashed"))
}

fn refused(id: &SnapshotId, reason: &str) -> Failure {
    Failure::failed(format!("copying snapshot {id}: {reason}; nothing was copied"))
        .hint(format!("`supabackup verify {id}` says whether it is whole; --accept-incomplete copies what is there"))
}

/// What a store holds, of one project or of all; nothing, if it does not know the project.
async fn summaries(store: &dyn Store, project: Option<&str>) -> Result<Vec<SnapshotSummary>, Failure> {
    match project {
        Some(name) if !crate::snapshot::projects(store).await?.iter().any(|known| known == name) => Ok(Vec::new()),
        _ => list_snapshots(store, project).await,
    }
}
