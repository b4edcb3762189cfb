//! A plain snapshot stays out of a repository that everybody can read: told before the project is asked for anything.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{list, roomy};
use crate::support::github::Repo;
use crate::support::{GitHub, Run};

/// A project that is not there: whoever asks it for something fails in another way.
fn call(repo: &Repo, args: &[&str]) -> Result<Run> {
    Ok(Run::new(args)
        .env("SUPABASE_URL", "http://127.0.0.1:9")
        .env("SUPABASE_SECRET_KEY", "sb_secret_0123456789abcdefghij_12345678")
        .env("SUPABACKUP_RETRIES", "0")
        .env("SUPABACKUP_STORE", format!("github-release://{}", repo.full()))
        .env("GITHUB_API_URL", &GitHub::shared()?.api)
        .env("GITHUB_TOKEN", &repo.made.token))
}

const FLAG: &str = "--allow-plaintext-in-public-repository";
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn a_plain_snapshot_stays_out_of_a_public_repository() -> Result<()> {
    let repo = roomy()?;
    repo.set(&json!({"visibility": "public"}))?;
    for args in [&["backup"][..], &["run"], &["backup", "--dry-run"]] {
        let refused = call(&repo, args)?.expect(2)?;
        ensure!(refused.stderr.contains("is public: everybody could read every row"), "{args:?}: {}", refused.stderr);
        ensure!(refused.stderr.contains(FLAG) && refused.stderr.contains("--recipient"), "{}", refused.stderr);
        ensure!(!refused.stderr.contains(&repo.made.token));
    }
    // sealed, or wanted: it is the project that fails then
    for more in [&["backup", "--recipient", RECIPIENT][..], &["backup", FLAG]] {
        let ran = call(&repo, more)?.expect(1)?;
        ensure!(!ran.stderr.contains("is public"), "{more:?}: {}", ran.stderr);
    }
    ensure!(list(&repo.state()?, "releases").count() == 0);
    Ok(())
}

#[test]
fn a_repository_that_cannot_be_checked_counts_as_public() -> Result<()> {
    let repo = roomy()?;
    repo.faults(&json!([{"path": "^/repos/[^/]+/[^/]+$", "status": 500, "times": 99}]))?;
    let refused = call(&repo, &["backup"])?.expect(2)?;
    ensure!(refused.stderr.contains("could not be found out") && refused.stderr.contains("500"), "{}", refused.stderr);
    Ok(())
}
