//! The life of an incident, as those see it who follow its issue.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{Watch, told_to};
use crate::sample::PROJECT;
use crate::support::Run;
use crate::support::github::GitHub;

fn has(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    Ok(())
}

#[tokio::test]
async fn an_incident_is_one_issue_from_its_beginning_to_its_end_and_when_it_returns() -> Result<()> {
    let watch = Watch::new().await?;
    let mut seen = 0;
    watch.shelf.daily(10)?;
    watch.looks(0.0, 0)?;
    ensure!(watch.issues()? == 0 && watch.writes(&mut seen)?.is_empty());

    // no backup for 40 hours: what would be done, and then it is done
    let ran = watch.monitor(40.0)?.args(&["--dry-run"]).expect(4)?;
    has(&ran.stderr, &[&watch.repo.full(), "an issue would be opened: supabackup: no fresh backup"])?;
    ensure!(watch.issues()? == 0 && watch.writes(&mut seen)?.is_empty());
    let ran = watch.looks(40.0, 4)?;
    has(&ran.stderr, &["issue #1 was opened: freshness"])?;
    ensure!(watch.writes(&mut seen)? == ["POST /labels", "POST /issues"], "the label is made once");
    let issue = watch.issue(1)?;
    ensure!(
        issue["title"] == format!("supabackup: no fresh backup ({PROJECT})") && issue["state"] == "open",
        "{issue}"
    );
    ensure!(issue["labels"][0]["name"] == "supabackup", "{issue}");
    let body = issue["body"].as_str().unwrap_or("");
    ensure!(
        body.starts_with(&format!("<!-- supabackup:incident project={PROJECT} check=freshness v=1 -->\n")),
        "{body}"
    );
    let run = format!("[by this run](https://github.com/{}/actions/runs/4711)", watch.repo.full());
    has(body, &["**1 error** in project", "`stale` on `snapshots`: the newest good snapshot ", "is 40 h old", &run])?;

    // the same again writes nothing; an hour later the figure in it is another one, and nobody is disturbed
    watch.looks(40.0, 4)?;
    ensure!(watch.writes(&mut seen)?.is_empty());
    watch.looks(41.0, 4)?;
    ensure!(watch.writes(&mut seen)? == ["PATCH /issues/1"]);
    has(watch.issue(1)?["body"].as_str().unwrap_or(""), &["is 41 h old"])?;
    ensure!(watch.comments()?.is_empty());

    // a store that cannot be read says nothing about the incident
    let blind = watch.monitor(42.0)?.env("SUPABACKUP_STORE", "s3://bucket/x?region=x&endpoint=http://127.0.0.1:9");
    let blind =
        blind.env("AWS_ACCESS_KEY_ID", "id").env("AWS_SECRET_ACCESS_KEY", "secret").env("SUPABACKUP_RETRIES", "0");
    let ran = blind.expect(4)?;
    has(&ran.stderr, &["issue #2 was opened: stores"])?;
    ensure!(watch.issue(1)?["state"] == "open" && watch.comments()?.is_empty());

    // a backup: over
    watch.writes(&mut seen)?;
    watch.backs_up(43.0)?;
    let ran = watch.looks(43.5, 0)?;
    has(&ran.stderr, &["issue #1 was closed: freshness", "issue #2 was closed: stores"])?;
    let issue = watch.issue(1)?;
    ensure!((&issue["state"], &issue["state_reason"]) == (&json!("closed"), &json!("completed")), "{issue}");
    has(&watch.comments()?[0], &["**Over**", "and lasted 3 h 30 min", &run])?;
    watch.looks(44.0, 0)?;

    // it returns soon: the same issue
    let ran = watch.looks(80.0, 4)?;
    has(&ran.stderr, &["issue #1 was opened again: freshness"])?;
    let comments = watch.comments()?;
    has(comments.last().map_or("", String::as_str), &["**It is back.**", "is 37 h old"])?;
    ensure!(comments.len() == 3 && watch.issue(1)?["state"] == "open" && watch.issues()? == 2);

    // a person knows: not planned. It is left alone, whatever the figure
    watch.person(1, &json!({ "state": "closed", "state_reason": "not_planned" }))?;
    watch.writes(&mut seen)?;
    let ran = watch.looks(90.0, 4)?;
    has(&ran.stderr, &["issue #1 is closed as not planned, and is left alone"])?;
    ensure!(watch.writes(&mut seen)?.is_empty());
    // but now there is nothing at all that could be restored
    std::fs::remove_dir_all(watch.shelf.root().join(PROJECT))?;
    watch.looks(91.0, 4)?;
    ensure!(watch.issue(1)?["state"] == "open");
    has(watch.comments()?.last().map_or("", String::as_str), &["something has come since then", "`no-good-snapshot`"])?;
    Ok(())
}

#[tokio::test]
async fn warnings_have_issues_where_they_are_wanted_and_getting_worse_is_told() -> Result<()> {
    let watch = Watch::with(json!({ "assignable": ["octo-org", "ann"] })).await?;
    watch.shelf.daily(10)?;
    let look = |hours, code| -> Result<_> {
        let run =
            watch.monitor(hours)?.env("SUPABACKUP_ISSUE_LEVEL", "warning").env("SUPABACKUP_ISSUE_LABEL", "on fire");
        run.env("SUPABACKUP_ISSUE_LABELS", "backup").env("SUPABACKUP_ISSUE_ASSIGNEES", "ann").expect(code)
    };
    watch.looks(26.0, 0)?;
    ensure!(watch.issues()? == 0);
    look(26.0, 0)?;
    let issue = watch.issue(1)?;
    ensure!(issue["assignees"] == json!(["ann"]), "{issue}");
    let names: Vec<_> = issue["labels"].as_array().into_iter().flatten().map(|label| label["name"].clone()).collect();
    ensure!(names == ["on fire", "backup"], "{names:?}");
    look(40.0, 4)?;
    has(&watch.comments()?[0], &["**Worse**: at error level, was warning.", "**New:**", "`stale`"])?;
    ensure!(watch.comments()?.len() == 1);
    // a new issue although somebody who was to have it has left
    let other = Watch::new().await?;
    other.shelf.daily(2)?;
    let ran = other.monitor(40.0)?.env("SUPABACKUP_ISSUE_ASSIGNEES", "bob").expect(4)?;
    has(&ran.stderr, &["issue #1 was opened: freshness", "nobody was assigned to it"])?;
    ensure!(other.issue(1)?["assignees"] == json!([]));
    Ok(())
}

#[tokio::test]
async fn the_right_issue_is_found_among_many_and_strangers_cannot_silence_it() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    watch.looks(40.0, 4)?;
    let body = watch.issue(1)?["body"].clone();
    for n in 0..101 {
        watch.repo.put("issues", &json!({ "title": format!("another {n}"), "body": "x", "labels": ["supabackup"] }))?;
    }
    // on the second page of a list that begins with what changed last
    watch.looks(41.0, 4)?;
    ensure!(watch.issues()? == 102, "it was not found");
    let pages = watch.repo.requests()?.iter().filter(|r| r.method == "GET" && r.query["page"] == "2").count();
    ensure!(pages > 0, "there was no second page");

    let watch = Watch::with(json!({ "visibility": "public" })).await?;
    watch.shelf.daily(2)?;
    let at = watch.at(39.0).format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let closed = json!({ "title": "x", "body": body, "labels": ["supabackup"], "author": "stranger", "state": "closed",
                         "state_reason": "not_planned", "closed_at": at });
    watch.repo.put("issues", &closed)?;
    let ran = watch.looks(40.0, 4)?;
    has(&ran.stderr, &["issue #2 was opened"])?;
    Ok(())
}

#[tokio::test]
async fn two_at_once_leave_one_issue_and_a_second_one_is_closed() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    let both = [watch.monitor(40.0)?.start()?, watch.monitor(40.0)?.start()?];
    for child in both {
        let ran = crate::support::run::finished(child)?;
        ensure!(ran.code == 4, "{ran:?}");
    }
    watch.looks(40.0, 4)?;
    let one_open = |watch: &Watch| -> Result<()> {
        let state = watch.repo.state()?;
        let open: Vec<_> = state["issues"].as_array().into_iter().flatten().filter(|i| i["state"] == "open").collect();
        ensure!(open.len() == 1 && open[0]["number"] == 1, "{open:#?}");
        Ok(())
    };
    one_open(&watch)?;
    // one that was opened behind our back
    let same = watch.issue(1)?;
    watch.repo.put("issues", &json!({ "title": same["title"], "body": same["body"], "labels": ["supabackup"] }))?;
    let number = watch.issues()? as u64;
    watch.looks(40.0, 4)?;
    one_open(&watch)?;
    let second = watch.issue(number)?;
    ensure!(second["state"] == "closed" && second["state_reason"] == "not_planned", "{second}");
    has(second["body"].as_str().unwrap_or(""), &["#1 is the one that stays"])?;
    // it silences nothing
    watch.looks(41.0, 4)?;
    ensure!(watch.issue(1)?["state"] == "open" && watch.issues()? as u64 == number);
    Ok(())
}

#[tokio::test]
async fn an_enterprise_server_serves_as_well() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.daily(2)?;
    let api = format!("{}/api/v3", GitHub::shared()?.api);
    let look = |hours, code| -> Result<()> {
        let run = watch.monitor(hours)?.env("GITHUB_SERVER_URL", "https://ghe.example.com");
        told_to(run, &watch.repo, &api).expect(code).map(drop)
    };
    look(40.0, 4)?;
    has(watch.issue(1)?["body"].as_str().unwrap_or(""), &["](https://ghe.example.com/"])?;
    watch.backs_up(41.0)?;
    look(41.5, 0)?;
    ensure!(watch.issue(1)?["state"] == "closed" && watch.comments()?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn sealed_names_are_told_to_nobody() -> Result<()> {
    let watch = Watch::new().await?;
    watch.shelf.daily(10)?;
    let look = |sealed: bool| -> Result<String> {
        let run = watch.monitor(0.0)?.env("SUPABACKUP_ISSUE_LEVEL", "warning").env("SUPABACKUP_MAX_ROWS", "1");
        let run = if sealed {
            run.env("SUPABACKUP_SEAL_MANIFEST", "1").env("SUPABACKUP_PASSPHRASE", "correct horse battery")
        } else {
            run
        };
        run.go()?;
        Ok(watch.issue(1)?["body"].as_str().unwrap_or("").to_owned())
    };
    let body = look(true)?;
    has(&body, &["`table-size` on `the project`: found"])?;
    ensure!(!body.contains("orders"), "{body}");
    has(&look(false)?, &["`table-size` on `public.orders`"])?;
    Ok(())
}

#[test]
fn what_issues_need_is_found_out_before_anything_is_done() -> Result<()> {
    let store = tempfile::tempdir()?;
    for (vars, said) in [
        (&[][..], "--github-issues: GITHUB_TOKEN is not set"),
        (&[("GITHUB_TOKEN", "ghs_x")][..], "--github-issues: GITHUB_REPOSITORY is not set"),
        (&[("GITHUB_TOKEN", "ghs_x"), ("GITHUB_REPOSITORY", "x")][..], "GITHUB_REPOSITORY: is no repository"),
        (&[("SUPABACKUP_ISSUE_LABEL", "a,b")][..], "SUPABACKUP_ISSUE_LABEL: \"a,b\" cannot be a label"),
    ] {
        let run = Run::new(&["monitor", "--project", "x", "--github-issues"]).store(store.path());
        let ran = vars.iter().fold(run, |run, (name, value)| run.env(name, value)).expect(2)?;
        has(&ran.stderr, &[said, "hint: "])?;
    }
    Ok(())
}
