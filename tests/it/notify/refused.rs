//! What GitHub refuses, loses, or cannot do just now.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Watch, not_told};

/// A look at something that is wrong, with `--json`: it always ends with 4, whatever GitHub does.
fn looks(watch: &Watch, hours: f64) -> Result<Vec<String>> {
    not_told(&watch.monitor(hours)?.args(&["--json"]).expect(4)?)
}

#[tokio::test]
async fn whatever_is_refused_is_named_with_what_to_do() -> Result<()> {
    for (settings, said) in [
        (json!({ "permissions": { "metadata": "read" } }), ["GitHub answers 403", "`permissions: issues: write`"]),
        (
            json!({ "permissions": { "metadata": "read", "issues": "read" } }),
            ["GitHub answers 403", "`permissions: issues: write`"],
        ),
        (json!({ "visibility": "missing" }), ["GitHub answers 404", "check the repository's name"]),
        (json!({ "has_issues": false }), ["GitHub answers 410", "Issues has been disabled"]),
        (json!({ "archived": true }), ["GitHub answers 403", "archived"]),
    ] {
        let watch = Watch::with(settings.clone()).await?;
        watch.shelf.daily(2)?;
        let told = looks(&watch, 40.0)?;
        ensure!(told.len() == 1 && told[0].starts_with("warning issues of octo-org/"), "{settings}: {told:?}");
        ensure!(said.iter().all(|part| told[0].contains(part)), "{settings}: {told:?}");
        // what is said to people says it too
        let text = watch.monitor(40.0)?.expect(4)?.stdout;
        ensure!(text.contains("warning [not-told]"), "{text}");
    }
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    let wrong = watch.monitor(40.0)?.env("GITHUB_TOKEN", "ghs_wrongwrongwrong").args(&["--json"]).expect(4)?;
    ensure!(not_told(&wrong)?[0].contains("GitHub answers 401") && !wrong.stdout.contains("wrongwrong"), "{wrong:?}");
    Ok(())
}

#[tokio::test]
async fn lost_answers_and_broken_servers_make_nothing_happen_twice() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    // the issue is opened and the answer lost; a page of the list fails once
    watch.repo.faults(&json!([
        { "method": "POST", "path": "/issues$", "lose": true },
        { "method": "GET", "path": "/issues$", "status": 502 },
        { "method": "POST", "path": "/labels$", "lose": true },
    ]))?;
    ensure!(looks(&watch, 40.0)?.is_empty() && watch.issues()? == 1, "{:?}", watch.repo.faults_hit()?);
    ensure!(watch.repo.faults_hit()? == [1, 1, 1]);
    // the same of a comment, and of the change after it
    watch.backs_up(41.0)?;
    watch.repo.faults(&json!([
        { "method": "POST", "path": "/comments$", "lose": true },
        { "method": "PATCH", "path": "/issues/1$", "lose": true },
    ]))?;
    watch.looks(41.5, 0)?;
    ensure!(watch.issue(1)?["state"] == "closed" && watch.comments()?.len() == 1, "{:?}", watch.comments()?);
    // a request that never arrived is sent again
    watch.repo.faults(&json!([{ "method": "POST", "path": "/comments$", "cut": true }]))?;
    watch.looks(90.0, 4)?;
    ensure!(watch.comments()?.len() == 2);

    // a server that stays broken is named, and the next look does what was left
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    watch.repo.faults(&json!([{ "method": "POST", "path": "/issues$", "status": 503, "times": 2 }]))?;
    let told = looks(&watch, 40.0)?;
    ensure!(told.len() == 1 && told[0].contains("GitHub answers 503") && watch.issues()? == 0, "{told:?}");
    ensure!(looks(&watch, 40.5)?.is_empty() && watch.issues()? == 1);
    Ok(())
}

#[tokio::test]
async fn a_rate_limit_is_waited_for() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    watch.repo.faults(&json!([
        { "method": "GET", "path": "/issues$", "limited": 1 },
        { "method": "POST", "path": "/issues$", "secondary": 1 },
    ]))?;
    ensure!(looks(&watch, 40.0)?.is_empty() && watch.issues()? == 1);
    ensure!(watch.repo.faults_hit()? == [1, 1]);
    // one that takes too long is named at once
    watch.repo.faults(&json!([{ "method": "GET", "path": "/issues$", "limited": 3000 }]))?;
    let told = looks(&watch, 41.0)?;
    ensure!(told.len() == 1 && told[0].contains("rate limit") && told[0].contains("run again later"), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn one_step_that_fails_does_not_stop_the_others() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.incomplete(chrono::TimeDelta::hours(1))?;
    // two incidents; the first cannot be opened
    watch
        .repo
        .faults(&json!([{ "method": "POST", "path": "/issues$", "status": 422, "message": "Validation Failed" }]))?;
    let told = looks(&watch, 0.0)?;
    ensure!(told.len() == 1 && told[0].contains("GitHub answers 422"), "{told:?}");
    ensure!(watch.issues()? == 1);
    let state: Value = watch.repo.state()?;
    ensure!(state["issues"][0]["body"].as_str().is_some_and(|body| body.contains("check=incomplete")), "{state}");
    Ok(())
}
