//! What the linters do not ask for, and the workflows keep all the same.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use super::runner::{ready_workflows, workflows_in};
use super::{read, text_of, yaml};

type Of<'a> = (&'a str, &'a Map<String, Value>);

/// Every job of every workflow: where it stands, and the job.
fn each_job(mut see: impl FnMut(Of<'_>, &Value) -> Result<()>) -> Result<()> {
    for file in workflows_in(".github/workflows")?.iter().chain(&ready_workflows()?) {
        let workflow = yaml(file)?;
        let whole = workflow.as_object().context("not a workflow")?;
        for (name, job) in workflow["jobs"].as_object().context("no jobs")? {
            see((file, whole), job).with_context(|| format!("{file}: job {name}"))?;
        }
    }
    Ok(())
}

#[test]
fn no_job_has_rights_that_it_did_not_ask_for_or_runs_without_end() -> Result<()> {
    each_job(|(_, workflow), job| {
        ensure!(workflow["permissions"] == serde_json::json!({}), "rights for every job");
        ensure!(workflow.contains_key("concurrency"), "runs of it may overlap");
        let minutes = job["timeout-minutes"].as_u64().context("no timeout-minutes")?;
        ensure!(minutes <= 180, "{minutes} minutes");
        ensure!(text_of(&job["permissions"]) != "write-all", "all rights");
        Ok(())
    })
}

#[test]
fn what_others_wrote_is_pinned_by_its_hash() -> Result<()> {
    for file in workflows_in(".github/workflows")?.iter().chain(&ready_workflows()?) {
        for line in read(file)?.lines().map(str::trim) {
            let line = line.strip_prefix("- ").unwrap_or(line);
            let what = line.strip_prefix("uses: ").or_else(|| line.strip_prefix("image: "));
            let Some(what) = what.filter(|what| !what.starts_with("./")) else { continue };
            let (name, version) = what.split_once(" # ").unwrap_or((what, ""));
            let hash = name.rsplit('@').next().unwrap_or_default();
            let is_hash = |hash: &str, length| hash.len() == length && hash.bytes().all(|b| b.is_ascii_hexdigit());
            match hash.strip_prefix("sha256:") {
                Some(digest) => ensure!(is_hash(digest, 64), "{file}: {what}"),
                None => ensure!(is_hash(hash, 40) && !version.is_empty(), "{file}: {what}"),
            }
        }
    }
    Ok(())
}

#[test]
fn schedules_stay_away_from_the_full_hour() -> Result<()> {
    let mut seen = 0;
    each_job(|(_, workflow), _| {
        for schedule in workflow["on"]["schedule"].as_array().into_iter().flatten() {
            let minute = text_of(&schedule["cron"]).split(' ').next().map(str::parse::<u32>).context("no minute")??;
            // at minute 0, and at other round ones, GitHub is late or drops the run
            ensure!(minute % 5 != 0, "minute {minute}");
            seen += 1;
        }
        Ok(())
    })?;
    ensure!(seen >= 5, "only {seen} schedules");
    Ok(())
}

#[test]
fn secrets_are_those_of_an_environment() -> Result<()> {
    each_job(|(file, _), job| {
        let secret = job.to_string().contains("secrets.");
        ensure!(!secret || !text_of(&job["environment"]).is_empty(), "secrets without an environment");
        // and nobody writes them into a script
        for step in job["steps"].as_array().into_iter().flatten() {
            ensure!(!text_of(&step["run"]).contains("${{"), "{file}: an expression in a script");
        }
        Ok(())
    })
}

#[test]
fn the_readme_shows_what_docs_workflows_has() -> Result<()> {
    let told = read("docs/workflows/README.md")?;
    for file in ready_workflows()? {
        let name = file.rsplit('/').next().unwrap_or_default();
        ensure!(told.contains(&format!("]({name})")), "docs/workflows/README.md does not tell of {name}");
    }
    Ok(())
}
