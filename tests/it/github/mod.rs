//! The GitHub of the tests itself: that it refuses what GitHub refuses, and answers as GitHub does.

mod files;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::support::GitHub;
use crate::support::github::Repo;

/// Sends it with the repository's token, as a client of GitHub would.
async fn send(repo: &Repo, method: Method, url: &str, body: &Value) -> Result<Response> {
    send_as(&repo.made.token, method, url, body).await
}

async fn send_as(token: &str, method: Method, url: &str, body: &Value) -> Result<Response> {
    let mut request = Client::builder().user_agent("test").build()?.request(method, url);
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if !body.is_null() {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    Ok(request.send().await?)
}

/// The answer's JSON, where it has this status.
async fn with(status: u16, response: Response) -> Result<Value> {
    let (got, text) = (response.status(), response.text().await?);
    ensure!(got == status, "{got} instead of {status}: {text}");
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}

async fn get(repo: &Repo, rest: &str) -> Result<Value> {
    with(200, send(repo, Method::GET, &repo.url(rest), &Value::Null).await?).await
}

async fn post(repo: &Repo, rest: &str, body: Value) -> Result<Value> {
    with(201, send(repo, Method::POST, &repo.url(rest), &body).await?).await
}

#[tokio::test]
async fn a_request_that_the_description_does_not_have_is_refused_and_told() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    let wrong = [
        (Method::GET, "/issues?state=resolved", Value::Null),
        (Method::GET, "/issues?per_page=1000", Value::Null),
        (Method::GET, "/issues?page_size=10", Value::Null),
        (Method::POST, "/issues", json!({"body": "no title"})),
        (Method::POST, "/issues", json!({"title": "a", "colour": "red"})),
        (Method::PATCH, "/issues/1", json!({"state": "resolved"})),
        (Method::POST, "/issues/1/comments", json!({})),
        (Method::POST, "/releases", json!({"name": "no tag"})),
        (Method::POST, "/nonsense", json!({})),
        (Method::POST, "/releases/1/assets?name=on-the-wrong-host", Value::Null),
    ];
    for (method, rest, body) in &wrong {
        let answer = with(422, send(&repo, method.clone(), &repo.url(rest), body).await?).await?;
        ensure!(answer["message"].as_str().is_some_and(|m| m.contains("GitHub's description")), "{rest}: {answer}");
    }
    let violations = repo.violations()?;
    ensure!(violations.len() == wrong.len(), "{violations:#?}");
    ensure!(violations[0].starts_with("GET ") && violations[0].contains("allowed values"), "{violations:#?}");
    ensure!(repo.requests()?.iter().all(|request| request.status == 422));
    Ok(())
}

#[tokio::test]
async fn lists_come_in_pages_that_link_to_each_other() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    for number in 1..=5 {
        post(&repo, "/issues", json!({"title": format!("issue {number}"), "labels": ["watch"]})).await?;
    }
    post(&repo, "/issues", json!({"title": "another"})).await?;
    let mut url = repo.url("/issues?labels=watch&per_page=2");
    let mut seen = Vec::new();
    loop {
        let response = send(&repo, Method::GET, &url, &Value::Null).await?;
        let link = response.headers().get("link").map(|link| link.to_str().map(str::to_owned)).transpose()?;
        let page = with(200, response).await?;
        seen.extend(page.as_array().into_iter().flatten().filter_map(|issue| issue["number"].as_u64()));
        let links = link.context("no links")?;
        let Some(next) = links.split(", ").find_map(|link| link.strip_suffix("; rel=\"next\"")) else { break };
        url = next.trim_matches(['<', '>']).to_owned();
    }
    ensure!(seen == [5, 4, 3, 2, 1], "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn an_issue_lives() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    post(&repo, "/labels", json!({"name": "backup: watch", "color": "b60205", "description": "by the watch"})).await?;
    let again = send(&repo, Method::POST, &repo.url("/labels"), &json!({"name": "Backup: Watch"})).await?;
    ensure!(with(422, again).await?["errors"][0]["code"] == "already_exists");
    ensure!(get(&repo, "/labels/backup%3A%20watch").await?["color"] == "b60205");

    let issue =
        post(&repo, "/issues", json!({"title": "stale", "body": "since noon", "labels": ["backup: watch"]})).await?;
    ensure!(issue["user"]["login"] == "github-actions[bot]" && issue["labels"][0]["color"] == "b60205", "{issue}");
    post(&repo, "/issues/1/comments", json!({"body": "still stale"})).await?;
    let closing = json!({"state": "closed", "state_reason": "completed"});
    let closed = with(200, send(&repo, Method::PATCH, &repo.url("/issues/1"), &closing).await?).await?;
    ensure!(closed["state"] == "closed" && closed["closed_at"].is_string() && closed["comments"] == 1, "{closed}");
    ensure!(get(&repo, "/issues?creator=app/github-actions").await? == json!([]), "closed ones are listed on demand");
    ensure!(get(&repo, "/issues?creator=app/github-actions&state=all").await?[0]["number"] == 1);
    ensure!(get(&repo, "/issues/1/comments").await?[0]["body"] == "still stale");

    let long = json!({"title": "long", "body": "x".repeat(65_537)});
    let refused = with(422, send(&repo, Method::POST, &repo.url("/issues"), &long).await?).await?;
    ensure!(refused["errors"][0]["message"].as_str().is_some_and(|m| m.contains("too long")), "{refused}");
    let assigned = json!({"title": "whose", "assignees": ["nobody-we-know"]});
    with(422, send(&repo, Method::POST, &repo.url("/issues"), &assigned).await?).await?;
    repo.set(&json!({"has_issues": false}))?;
    with(410, send(&repo, Method::POST, &repo.url("/issues"), &json!({"title": "late"})).await?).await?;
    ensure!(repo.state()?["issues"].as_array().is_some_and(|issues| issues.len() == 1));
    let requests = repo.requests()?;
    ensure!(requests.iter().all(|request| request.host == "api" && request.headers["user-agent"] == "test"));
    let patch = requests.iter().find(|request| request.method == "PATCH").context("no PATCH")?;
    ensure!(patch.body == closing && patch.status == 200, "{patch:?}");
    ensure!(requests.iter().any(|request| request.query["state"] == "all"), "{requests:?}");
    Ok(())
}

#[tokio::test]
async fn a_token_may_do_what_it_was_given() -> Result<()> {
    let github = GitHub::shared()?;
    let (repo, other) = (github.repo()?, github.repo()?);
    let reader = repo.token(&json!({"metadata": "read", "issues": "read"}))?;
    let title = json!({"title": "a"});
    let issues = repo.url("/issues");
    with(200, send_as(&reader, Method::GET, &issues, &Value::Null).await?).await?;
    let refused = send_as(&reader, Method::POST, &issues, &title).await?;
    ensure!(refused.headers()["x-accepted-github-permissions"] == "issues=write", "{refused:?}");
    ensure!(with(403, refused).await?["message"] == "Resource not accessible by integration");
    with(403, send_as(&reader, Method::GET, &repo.url("/releases"), &Value::Null).await?).await?;
    // a private repository is not there for others, and a public one can be read
    with(404, send(&other, Method::GET, &issues, &Value::Null).await?).await?;
    with(404, send_as("", Method::GET, &issues, &Value::Null).await?).await?;
    with(401, send_as("ghs_nobody", Method::GET, &issues, &Value::Null).await?).await?;
    post(&repo, "/releases", json!({"tag_name": "v1", "draft": true})).await?;
    repo.set(&json!({"visibility": "public"}))?;
    let seen = with(200, send_as("", Method::GET, &repo.url(""), &Value::Null).await?).await?;
    ensure!(seen["private"] == false && seen["full_name"] == repo.full().as_str(), "{seen}");
    let drafts = with(200, send(&other, Method::GET, &repo.url("/releases"), &Value::Null).await?).await?;
    ensure!(drafts == json!([]), "a draft was shown to the public");
    with(403, send(&other, Method::POST, &issues, &title).await?).await?;
    repo.set(&json!({"visibility": "missing"}))?;
    with(404, send(&repo, Method::GET, &repo.url(""), &Value::Null).await?).await?;
    Ok(())
}

#[tokio::test]
async fn what_a_test_plans_goes_wrong() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    repo.faults(&json!([
        {"path": "/issues$", "status": 503, "times": 2},
        {"path": "/issues$", "limited": 60},
        {"path": "/issues$", "secondary": 7},
        {"path": "/issues$", "cut": true},
        {"method": "POST", "path": "/labels$", "lose": true},
        {"path": "/labels/lost$", "skip": 1, "truncate": 10},
    ]))?;
    let issues = repo.url("/issues");
    let ask = || send(&repo, Method::GET, &issues, &Value::Null);
    with(503, ask().await?).await?;
    with(503, ask().await?).await?;
    let limited = ask().await?;
    ensure!(limited.headers()["x-ratelimit-remaining"] == "0" && limited.headers().contains_key("x-ratelimit-reset"));
    with(403, limited).await?;
    let secondary = ask().await?;
    ensure!(secondary.headers()["retry-after"] == "7");
    with(403, secondary).await?;
    ensure!(ask().await.is_err(), "the connection was not cut");
    let lost = send(&repo, Method::POST, &repo.url("/labels"), &json!({"name": "lost"})).await;
    ensure!(lost.is_err(), "the answer arrived");
    ensure!(get(&repo, "/labels/lost").await?["name"] == "lost", "it did not act");
    ensure!(get(&repo, "/labels/lost").await.is_err(), "all of it arrived");
    ensure!(repo.faults_hit()? == [2, 1, 1, 1, 1, 1]);

    repo.set(&json!({"rate": {"limit": 1000, "remaining": 1, "reset": 4_102_444_800_u64}}))?;
    let last = ask().await?;
    ensure!(last.headers()["x-ratelimit-remaining"] == "0" && last.status() == 200);
    let message = with(403, ask().await?).await?["message"].to_string();
    ensure!(message.contains("rate limit exceeded"), "{message}");
    Ok(())
}

#[tokio::test]
async fn an_enterprise_server_has_prefixes() -> Result<()> {
    let github = GitHub::shared()?;
    let repo = github.repo()?;
    let base = format!("{}/api/v3/repos/{}", github.api, repo.full());
    let release = json!({"tag_name": "v1"});
    let made = with(201, send(&repo, Method::POST, &format!("{base}/releases"), &release).await?).await?;
    ensure!(made["url"].as_str().is_some_and(|url| url.starts_with(&format!("{base}/releases/"))), "{made}");
    let upload = made["upload_url"].as_str().and_then(|url| url.split_once('{')).context("no upload_url")?.0;
    ensure!(upload.starts_with(&format!("{}/api/uploads/repos/", github.api)), "{upload}");
    let asset = with(201, files::upload(&repo, upload, "a.txt", b"text").await?).await?;
    ensure!(asset["state"] == "uploaded", "{asset}");
    ensure!(repo.requests()?.iter().all(|request| !request.headers.is_null() && request.path.starts_with("/repos/")));
    Ok(())
}

#[tokio::test]
async fn a_schedule_can_be_looked_at() -> Result<()> {
    let repo = GitHub::shared()?.repo_with(json!({"pushed_at": "2026-10-01T08:00:00Z"}))?;
    repo.put("workflows", &json!({"path": ".github/workflows/nightly.yml", "state": "disabled_inactivity"}))?;
    repo.put("runs", &json!({"created_at": "2026-11-01T03:17:00Z"}))?;
    repo.put("commits", &json!({"date": "2026-10-01T08:00:00Z"}))?;
    ensure!(get(&repo, "").await?["pushed_at"] == "2026-10-01T08:00:00Z");
    let workflow = get(&repo, "/actions/workflows/nightly.yml").await?;
    ensure!(workflow["state"] == "disabled_inactivity", "{workflow}");
    ensure!(get(&repo, &format!("/actions/workflows/{}", workflow["id"])).await? == workflow);
    let runs = get(&repo, "/actions/workflows/nightly.yml/runs?event=schedule&per_page=1").await?;
    ensure!(runs["total_count"] == 1 && runs["workflow_runs"][0]["conclusion"] == "success", "{runs}");
    let commits = get(&repo, "/commits?per_page=1").await?;
    ensure!(commits[0]["commit"]["committer"]["date"] == "2026-10-01T08:00:00Z", "{commits}");
    let enable = repo.url("/actions/workflows/nightly.yml/enable");
    with(204, send(&repo, Method::PUT, &enable, &Value::Null).await?).await?;
    ensure!(get(&repo, "/actions/workflows").await?["workflows"][0]["state"] == "active");
    Ok(())
}

#[tokio::test]
async fn the_client_that_people_use_reads_every_answer() -> Result<()> {
    let github = GitHub::shared()?;
    let repo = github.repo()?;
    let (owner, name) = (repo.owner.as_str(), repo.name.as_str());
    repo.put("workflows", &json!({}))?;
    repo.put("runs", &json!({}))?;
    repo.put("artifacts", &json!({"name": "a", "text": "bytes"}))?;
    for base in [github.api.clone(), format!("{}/api/v3", github.api)] {
        let client = octocrab::Octocrab::builder().base_uri(base)?.personal_token(repo.made.token.clone()).build()?;
        ensure!(client.repos(owner, name).get().await?.private == Some(true));
        let issues = client.issues(owner, name);
        let issue = issues.create("title").body("body").labels(vec!["watch".to_owned()]).send().await?;
        issues.create_comment(issue.number, "a comment").await?;
        ensure!(issues.list_comments(issue.number).send().await?.items.len() == 1);
        let closed = issues.update(issue.number).state(octocrab::models::IssueState::Closed).send().await?;
        ensure!(closed.closed_at.is_some());
        let labels = ["watch".to_owned()];
        let listed = issues.list().labels(&labels).state(octocrab::params::State::All).per_page(1).send();
        ensure!(client.all_pages(listed.await?).await?.iter().any(|one| one.number == issue.number));
        let releases = client.repos(owner, name);
        let release = releases.releases().create("v1").draft(true).send().await?;
        ensure!(releases.releases().list().send().await?.items.iter().any(|one| one.id == release.id));
        let workflows = client.workflows(owner, name).list().send().await?;
        ensure!(workflows.items.len() == 1 && workflows.items[0].state == "active");
        ensure!(client.workflows(owner, name).list_all_runs().send().await?.items.len() == 1);
    }
    Ok(())
}
