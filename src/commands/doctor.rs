//! placeholder until the verify room lands
use crate::{cli::DoctorArgs, config::Config, context::Context, error::Outcome};
/// Runs the command.
pub async fn run(_: &DoctorArgs, _: &Config, _: &Context) -> anyhow::Result<Outcome> {
    Ok(Outcome::Done)
}
