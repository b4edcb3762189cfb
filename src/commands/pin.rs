//! `pin` and `unpin`: what the rules of retention must not touch.

use super::choice::chosen;
use crate::cli::{PinArgs, UnpinArgs};
use crate::commands::talk::talk;
use crate::config::Config;
use crate::context::Context;
use crate::error::{Failure, Outcome};
use crate::model::{Pin, TOOL};
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
    let pin = Pin { at: context.clock.now(), note: note.map(str::to_owned), tool: TOOL.to_owned() };
    snapshot::pin(store.as_ref(), &keys, &pin).await?;
    talk(context, &format!("{} is pinned: `prune` does not remove it", keys.id()));
    Ok(Outcome::Done)
}

/// Takes a pin away.
pub async fn unpin(args: &UnpinArgs, config: &Config, context: &Context) -> anyhow::Result<Outcome> {
    let store = store::open(&config.store);
    let keys = chosen(store.as_ref(), args.project.as_deref(), &args.snapshot, config).await?;
    let was = if snapshot::unpin(store.as_ref(), &keys).await? { "is not pinned any more" } else { "was not pinned" };
    talk(context, &format!("{} {was}", keys.id()));
    Ok(Outcome::Done)
}
