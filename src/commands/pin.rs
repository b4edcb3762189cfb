//! `pin` and `unpin`: what the rules of retention must not touch.

use std::io::Write;

use super::choice::chosen;
use crate::cli::{PinArgs, UnpinArgs};
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::Pin;
use crate::snapshot;
use crate::store;

/// Longest note, in characters: `list` shows it whole.
const LONGEST_NOTE: usize = 500;

/// Pins a snapshot.
pub async fn pin(args: &PinArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let note = args.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let length = note.map_or(0, |note| note.chars().count());
    if length > LONGEST_NOTE {
        let message = format!("--note: {length} characters are too many; {LONGEST_NOTE} are the most");
        return Err(Failure::usage(message).hint("keep the long story elsewhere, and note where").into());
    }
    let store = store::open(&config.store);
    let keys = chosen(store.as_ref(), args.project.as_deref(), &args.snapshot, config).await?;
    let pin = Pin {
        at: context.clock.now(),
        note: note.map(str::to_owned),
        tool: concat!("supabackup ", env!("CARGO_PKG_VERSION")).to_owned(),
    };
    snapshot::pin(store.as_ref(), &keys, &pin).await?;
    say(context, &format!("{} is pinned: `prune` does not remove it", keys.id()));
    Ok(Outcome::Done)
}

/// Takes a pin away.
pub async fn unpin(args: &UnpinArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let store = store::open(&config.store);
    let keys = chosen(store.as_ref(), args.project.as_deref(), &args.snapshot, config).await?;
    let was = if snapshot::unpin(store.as_ref(), &keys).await? { "is not pinned any more" } else { "was not pinned" };
    say(context, &format!("{} {was}", keys.id()));
    Ok(Outcome::Done)
}

fn say(context: &Context, line: &str) {
    if !context.terminal.quiet {
        // nobody may be left to hear it
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}
