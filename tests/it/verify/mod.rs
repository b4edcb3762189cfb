//! A snapshot damaged in every way: exactly the expected findings, and never a panic.

mod manifest;
mod parts;
mod store;

use anyhow::{Result, ensure};
use supabackup::model::{Depth, Verified};
use supabackup::seal::Identities;
use supabackup::snapshot::verify;

use crate::sample::Sample;

type Found = Vec<(String, String)>;

async fn at_depth(sample: &Sample, depth: Depth) -> Result<Verified> {
    let verified = verify(&sample.store, &sample.keys, depth, &Identities::default()).await?;
    for finding in &verified.findings {
        ensure!(finding.hint.is_some(), "no advice: {finding:?}");
    }
    Ok(verified)
}

async fn found(sample: &Sample, depth: Depth) -> Result<Found> {
    let verified = at_depth(sample, depth).await?;
    Ok(verified.findings.into_iter().map(|f| (f.code, f.subject)).collect())
}

fn expected(findings: &[(&str, &str)]) -> Found {
    findings.iter().map(|(code, subject)| ((*code).to_owned(), (*subject).to_owned())).collect()
}

async fn sample() -> Result<(tempfile::TempDir, Sample)> {
    let dir = tempfile::tempdir()?;
    let sample = Sample::write(dir.path()).await?;
    Ok((dir, sample))
}

fn stored(sample: &Sample) -> Vec<String> {
    sample.manifest.stored().map(|(key, _, _)| key.to_owned()).collect()
}
