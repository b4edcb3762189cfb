//! placeholder until the verify room lands
use crate::{cli::VerifyArgs, config::Config, context::Context, error::Outcome};
/// Runs the command.
pub async fn run(_: &VerifyArgs, _: &Config, _: &Context) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
