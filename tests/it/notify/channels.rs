//! Channels: who is told, when, in which form, and what becomes of those that cannot be.

use anyhow::{Context, Result, ensure};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::listener::{Listener, SECRET};
use super::not_told;
use crate::prune::{Shelf, days};
use crate::support::run::{Ran, finished};
use crate::support::{Run, Stack};

const CHANNELS: [&str; 4] =
    ["SUPABACKUP_WEBHOOK_URL", "SUPABACKUP_SLACK_URL", "SUPABACKUP_DISCORD_URL", "SUPABACKUP_TEAMS_URL"];

fn keeps_the_secret(ran: &Ran) -> Result<()> {
    ensure!(!ran.stdout.contains(&SECRET[9..]) && !ran.stderr.contains(&SECRET[9..]), "{ran:?}");
    Ok(())
}

#[tokio::test]
async fn each_channel_is_told_in_its_own_form() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.good(days(2))?;
    let listeners = [(); 4].map(|()| Listener::answering(&["200 OK"]));
    let mut run = shelf.run("monitor").env("SUPABACKUP_WEBHOOK_SECRET", "not a secret to the test");
    for (variable, listener) in CHANNELS.iter().zip(&listeners) {
        let listener = listener.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
        run = run.env(variable, listener.url());
    }
    let ran = run.env("GITHUB_REPOSITORY", "o/r").env("GITHUB_RUN_ID", "7").expect(4)?;
    keeps_the_secret(&ran)?;
    ensure!(!ran.stdout.contains("not-told"), "{ran:?}");
    let mut heard = Vec::new();
    for listener in listeners {
        let mut all = listener?.heard();
        ensure!(all.len() == 1, "{} messages", all.len());
        heard.extend(all.pop());
    }
    for message in &heard {
        ensure!(
            message.path == format!("/services/{SECRET}") && message.header("content-type") == Some("application/json")
        );
    }
    let [webhook, slack, discord, teams] = heard.as_slice() else { anyhow::bail!("not four") };
    let mut mac = Hmac::<Sha256>::new_from_slice(b"not a secret to the test")?;
    mac.update(&webhook.body);
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(webhook.header("x-signature-256") == Some(format!("sha256={expected}").as_str()));
    ensure!(webhook.header("idempotency-key").is_some_and(|key| key.len() == 32));
    let told = webhook.json()?;
    ensure!(told["version"] == 1 && told["state"] == "findings" && told["command"] == "monitor", "{told}");
    ensure!(told["errors"] == 1 && told["findings"][0]["code"] == "stale" && told["worst"] == "error", "{told}");
    ensure!(told["link"] == "https://github.com/o/r/actions/runs/7", "{told}");
    let slack = slack.json()?;
    ensure!(
        slack["blocks"][0]["type"] == "header" && slack["blocks"].as_array().is_some_and(|b| b.len() <= 50),
        "{slack}"
    );
    ensure!(slack["text"].as_str().is_some_and(|text| text.starts_with("supabackup monitor of ")), "{slack}");
    let embed = discord.json()?["embeds"][0].clone();
    ensure!(embed["description"].as_str().is_some_and(|text| text.contains("stale") && text.len() <= 4096), "{embed}");
    let card = teams.json()?;
    ensure!(card["type"] == "message" && teams.body.len() <= 28 * 1024, "{card}");
    let content = &card["attachments"][0];
    ensure!(content["contentType"] == "application/vnd.microsoft.card.adaptive", "{card}");
    ensure!(content["content"]["type"] == "AdaptiveCard" && content["content"]["version"] == "1.4", "{card}");
    Ok(())
}

#[tokio::test]
async fn a_level_decides_when_and_a_dry_run_tells_nobody() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.good(TimeDelta::hours(26))?;
    let listener = Listener::answering(&["204 No Content"])?;
    let look = |rest: &str, code| {
        shelf.run(&format!("monitor{rest}")).env("SUPABACKUP_SLACK_URL", listener.url()).expect(code)
    };
    look("", 0)?;
    ensure!(listener.heard().is_empty(), "a warning was told");
    let ran = look(" --notify-on warning --dry-run", 0)?;
    ensure!(
        ran.stderr.contains("Slack would be told: supabackup monitor of ") && listener.heard().is_empty(),
        "{ran:?}"
    );
    look(" --notify-on warning", 0)?;
    ensure!(listener.heard().len() == 1);
    shelf.good(TimeDelta::minutes(5))?;
    look(" --notify-on warning", 0)?;
    ensure!(listener.heard().is_empty());
    look(" --notify-on always", 0)?;
    let heard = listener.heard();
    ensure!(heard.len() == 1 && heard[0].json()?["text"].as_str().is_some_and(|t| t.ends_with(": all is well")));
    Ok(())
}

#[tokio::test]
async fn a_watch_tells_what_changed_and_that_it_is_over() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.good(days(2))?;
    let listener = Listener::answering(&["200 OK"])?;
    let project = crate::sample::PROJECT;
    let run = shelf.run(&format!("monitor --watch 1s --project {project} --quiet")).env(CHANNELS[0], listener.url());
    let watch = run.start()?;
    let pid = watch.id().to_string();
    let first = listener.next()?.json()?;
    // looks in between say the same and are not told
    std::thread::sleep(std::time::Duration::from_millis(2500));
    shelf.good(TimeDelta::minutes(5))?;
    let second = listener.next()?.json()?;
    let stopped = std::process::Command::new("kill").args(["-s", "TERM", &pid]).status()?;
    let ran = finished(watch)?;
    ensure!(stopped.success() && ran.code == 0, "{ran:?}");
    ensure!((&first["state"], &second["state"]) == (&"findings".into(), &"recovered".into()), "{first} {second}");
    ensure!(listener.heard().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_channel_that_cannot_be_told_is_a_finding_and_the_others_are_told() -> Result<()> {
    let shelf = Shelf::new().await?;
    shelf.good(days(2))?;
    let fine = Listener::answering(&["200 OK"])?;
    let elsewhere = Listener::answering(&["200 OK"])?;
    let redirecting = Listener::answering(&[&format!("302 Found\r\nlocation: {}", elsewhere.url())])?;
    let gone = Listener::answering(&["404 Not Found"])?;
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let run = shelf.run("monitor --json").env("SUPABACKUP_RETRY_DELAY", "10ms");
    let run = run.env(CHANNELS[0], fine.url()).env(CHANNELS[1], redirecting.url()).env(CHANNELS[2], gone.url());
    let ran = run.env(CHANNELS[3], format!("http://127.0.0.1:{free}/{SECRET}")).expect(4)?;
    keeps_the_secret(&ran)?;
    let told = not_told(&ran)?;
    ensure!(told.len() == 3 && fine.heard().len() == 1 && elsewhere.heard().is_empty(), "{told:?}");
    for (told, parts) in told.iter().zip([
        ["warning Slack: ", "status 302", "SUPABACKUP_SLACK_URL"],
        ["warning Discord: ", "status 404", "SUPABACKUP_DISCORD_URL"],
        ["warning Teams: ", "no connection", "SUPABACKUP_TEAMS_URL"],
    ]) {
        ensure!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
    }
    // one that is out of breath is asked again; a message is not sent twice where it may have arrived
    let busy = Listener::answering(&["429 Too Many Requests\r\nretry-after: 1", "200 OK"])?;
    let broken = Listener::answering(&["503 Service Unavailable"])?;
    let run = shelf.run("monitor --json").env("SUPABACKUP_RETRY_DELAY", "10ms").env(CHANNELS[1], busy.url());
    let told = not_told(&run.env(CHANNELS[2], broken.url()).expect(4)?)?;
    ensure!(busy.heard().len() == 2 && broken.heard().len() == 1 && told.len() == 1, "{told:?}");
    // a webhook may be told twice: both have the same key
    let run = shelf.run("monitor --json").env("SUPABACKUP_RETRY_DELAY", "10ms");
    let flaky = Listener::answering(&["502 Bad Gateway", "200 OK"])?;
    ensure!(not_told(&run.env(CHANNELS[0], flaky.url()).expect(4)?)?.is_empty());
    let keys: Vec<_> = flaky.heard().iter().map(|heard| heard.header("idempotency-key").map(str::to_owned)).collect();
    ensure!(keys.len() == 2 && keys[0].is_some() && keys[0] == keys[1], "{keys:?}");
    Ok(())
}

#[test]
fn a_wrong_address_is_refused_and_not_repeated() -> Result<()> {
    let store = tempfile::tempdir()?;
    for variable in CHANNELS {
        for wrong in [SECRET.to_owned(), format!("ftp://x/{SECRET}"), format!("http://example.com/{SECRET}")] {
            let run = Run::new(&["monitor", "--project", "x"]).store(store.path());
            let ran = run.env(variable, wrong).expect(2)?;
            ensure!(ran.stderr.contains(&format!("{variable}: ")), "{}", ran.stderr);
            keeps_the_secret(&ran)?;
        }
    }
    let ran =
        Run::new(&["monitor"]).store(store.path()).env("SUPABACKUP_WEBHOOK_SECRET", "lonely-sentinel").expect(2)?;
    ensure!(
        ran.stderr.contains("SUPABACKUP_WEBHOOK_SECRET: signs nothing") && !ran.stderr.contains("lonely"),
        "{ran:?}"
    );
    Ok(())
}

/// A run tells how it went, and its issue follows.
#[test]
fn a_run_tells_that_it_failed_and_its_issue_closes_with_the_next_one() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (store, reports) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let repo = crate::support::github::GitHub::shared()?.repo()?;
    let listener = Listener::answering(&["200 OK"])?;
    let run = |key: Option<&str>| {
        let run = Run::new(&["run", "--github-issues"])
            .on(&stack)
            .store(store.path())
            .env("SUPABACKUP_SLACK_URL", listener.url());
        let run = super::told_to(run, &repo, &crate::support::github::GitHub::shared()?.api);
        let run = run.env("SUPABACKUP_REPORT_DIR", reports.path());
        anyhow::Ok(match key {
            Some(key) => run.env("SUPABASE_SECRET_KEY", key),
            None => run,
        })
    };
    let ran = run(None)?.args(&["--dry-run"]).expect(0)?;
    ensure!(
        ran.stderr.contains(&format!("told of what a run finds: Slack, issues of {}", repo.full())),
        "{}",
        ran.stderr
    );
    let ran = run(Some("sb_secret_wrongWRONGwrongWRONGwr_00000000"))?.expect(1)?;
    keeps_the_secret(&ran)?;
    let heard = listener.next()?.json()?.to_string();
    ensure!(heard.contains("1 error") && heard.contains("failed on the run"), "{heard}");
    let issue = |repo: &crate::support::github::Repo| -> Result<Value> { Ok(repo.state()?["issues"][0].clone()) };
    let open = issue(&repo)?;
    ensure!(open["title"].as_str().is_some_and(|t| t.contains("a run did not do all")), "{open}");
    let ran = run(None)?.expect(0)?;
    ensure!(ran.stderr.contains("issue #1 was closed: run"), "{ran:?}");
    ensure!(issue(&repo)?["state"] == "closed" && listener.heard().is_empty());
    // what could not be told stands in the report, and changes nothing else
    let refused = repo.token(&serde_json::json!({ "metadata": "read" }))?;
    run(None)?.env("GITHUB_TOKEN", refused).expect(0)?;
    let written = std::fs::read_to_string(reports.path().join("run.json")).context("no report")?;
    ensure!(written.contains("\"not-told\"") && written.contains("\"done\""), "{written}");
    Ok(())
}
