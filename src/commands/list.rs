//! placeholder until the verify room lands
use crate::{cli::ListArgs, config::Config, context::Context, error::Outcome};
/// Runs the command.
pub async fn run(_: &ListArgs, _: &Config, _: &Context) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
