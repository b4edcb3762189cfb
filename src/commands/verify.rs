//! `verify`: proves that snapshots can be read back, and leaves a record of it beside them.

use super::choice::chosen;
use super::drill;
use crate::cli::VerifyArgs;
use crate::commands::step::of_verify;
use crate::commands::talk::say;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{SEALED, Severity, Verified};
use crate::render::{self, Palette};
use crate::snapshot::{self, SnapshotKeys, list_snapshots};
use crate::store::{self, Store};

/// Runs the command.
pub async fn run(args: &VerifyArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    if let Some(address) = &config.restore_into {
        return drill::run(args, address, config, context).await;
    }
    if args.keep {
        return Err(Failure::usage("--keep leaves the database of a drill, and this is none")
            .hint("name a server: --restore-into, or SUPABACKUP_RESTORE_INTO")
            .into());
    }
    let store = store::open(&config.store);
    let store = store.as_ref();
    let wanted = if args.all {
        every(args, store).await?
    } else {
        vec![chosen(store, args.project.as_deref(), &args.snapshot, config).await?]
    };
    let mut done = Vec::new();
    for keys in wanted {
        if context.terminal.is_watched() && !context.terminal.quiet {
            say(&format!("verifying {} …", keys.id()));
        }
        let mut verified = snapshot::verify(store, &keys, args.depth, &config.identities).await?;
        if args.all && is_leftover(&verified) {
            if !context.terminal.quiet {
                say(&format!(
                    "{}: a run that did not end, or a removal, left this folder; nothing to verify",
                    keys.folder()
                ));
            }
            continue;
        }
        snapshot::record(store, &mut verified, context.clock.now()).await;
        if !config.identities.is_empty() {
            expected_to_open(&mut verified);
        }
        if !args.json && (!context.terminal.quiet || !verified.findings.is_empty()) {
            let palette = Palette::new(context.terminal.color_on_stdout());
            render::print(&render::verified_human(&verified, palette))?;
        }
        done.push(verified);
    }
    if done.is_empty() {
        return Err(no_snapshots(store).into());
    }
    context.hand_over(|| of_verify(&done));
    if args.json {
        render::print(&render::verified_json(&done)?)?;
    }
    Ok(outcome(&done))
}

/// All snapshots, newest first.
async fn every(args: &VerifyArgs, store: &dyn Store) -> Result<Vec<SnapshotKeys>, Failure> {
    let all = list_snapshots(store, args.project.as_deref()).await?;
    Ok(all.into_iter().map(|summary| SnapshotKeys::new(&summary.project, summary.id)).collect())
}

/// Who gives an identity wants the rows to be looked at: that it does not open the snapshot is no damage, so
/// the record does not say so, but the run must not end as if all was well.
fn expected_to_open(verified: &mut Verified) {
    for finding in verified.findings.iter_mut().filter(|f| f.code == SEALED) {
        finding.severity = Severity::Error;
    }
}

/// Damage weighs more than incompleteness.
fn outcome(verified: &[Verified]) -> Outcome {
    if !verified.iter().all(Verified::intact) {
        Outcome::Findings
    } else if !verified.iter().all(|v| v.complete) {
        Outcome::Incomplete
    } else {
        Outcome::Done
    }
}

/// A folder that never became a snapshot, as opposed to a snapshot that lost its manifest.
fn is_leftover(verified: &Verified) -> bool {
    verified.findings.iter().any(|f| matches!(f.code.as_str(), "snapshot-unfinished" | "snapshot-pruned"))
}

/// To have verified nothing must not look like success.
fn no_snapshots(store: &dyn Store) -> Failure {
    Failure::failed(format!("verifying: {} holds no snapshots", store.describe()))
        .hint("run `supabackup backup` first, or name the right store with --store")
}
