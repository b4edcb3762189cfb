//! Assets of releases and artifacts of runs: uploads, signed addresses, and what conflicts.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use supabackup::seal::sha256_hex;

use super::{get, post, send, with};
use crate::support::GitHub;
use crate::support::github::Repo;

/// Uploads an asset to a release's `upload_url`.
pub(super) async fn upload(repo: &Repo, url: &str, name: &str, bytes: &'static [u8]) -> Result<Response> {
    let request = Client::new().post(format!("{url}?name={name}")).bearer_auth(&repo.made.token);
    let request = request.header("user-agent", "test").header("content-type", "application/zstd");
    Ok(request.body(bytes).send().await?)
}

/// A draft, and where its assets go.
async fn draft(repo: &Repo) -> Result<(Value, String)> {
    let release = post(repo, "/releases", json!({"tag_name": "backup/1", "draft": true})).await?;
    let url = release["upload_url"].as_str().and_then(|url| url.split_once('{')).context("no upload_url")?.0.to_owned();
    Ok((release, url))
}

/// The bytes behind an address, redirects followed.
async fn bytes(repo: &Repo, url: &str, more: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut request = Client::new().get(url).header("user-agent", "test").bearer_auth(&repo.made.token);
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    Ok(request.send().await?.error_for_status()?.bytes().await?.to_vec())
}

/// Where an address redirects to.
async fn location(repo: &Repo, url: &str) -> Result<String> {
    let client = Client::builder().user_agent("test").redirect(reqwest::redirect::Policy::none()).build()?;
    let request = client.get(url).bearer_auth(&repo.made.token).header("accept", "application/octet-stream");
    let answer = request.send().await?;
    ensure!(answer.status() == 302, "{answer:?}");
    Ok(answer.headers()["location"].to_str()?.to_owned())
}

#[tokio::test]
async fn an_asset_is_stored_once_under_a_plain_name() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    let (release, to) = draft(&repo).await?;
    ensure!(to.starts_with(&GitHub::shared()?.uploads), "{to}");
    let asset = with(201, upload(&repo, &to, "public.t%C3%A9-00001.sql.zst", b"some bytes").await?).await?;
    ensure!(asset["name"] == "public.t.-00001.sql.zst" && asset["size"] == 10, "{asset}");
    ensure!(asset["digest"] == format!("sha256:{}", sha256_hex(b"some bytes")), "{asset}");
    let again = with(422, upload(&repo, &to, "public.t.-00001.sql.zst", b"others").await?).await?;
    ensure!(again["errors"][0]["code"] == "already_exists", "{again}");
    with(400, upload(&repo, &to, "empty", b"").await?).await?;
    // an upload that fails leaves something, which has to go first
    repo.faults(&json!([{"host": "uploads", "starter": true}]))?;
    with(502, upload(&repo, &to, "b.zst", b"other bytes").await?).await?;
    with(422, upload(&repo, &to, "b.zst", b"other bytes").await?).await?;
    let assets = get(&repo, &format!("/releases/{}/assets", release["id"])).await?;
    ensure!(assets[1]["state"] == "starter" && assets[1]["size"] == 0, "{assets}");
    let starter = repo.url(&format!("/releases/assets/{}", assets[1]["id"]));
    with(204, send(&repo, Method::DELETE, &starter, &Value::Null).await?).await?;
    with(201, upload(&repo, &to, "b.zst", b"other bytes").await?).await?;
    // drafts have no address by tag, and no tag of their own
    let by_tag = repo.url("/releases/tags/backup%2F1");
    with(404, send(&repo, Method::GET, &by_tag, &Value::Null).await?).await?;
    let (twin, _) = draft(&repo).await?;
    let publish = |release: &Value| repo.url(&format!("/releases/{}", release["id"]));
    let done = json!({"draft": false});
    with(200, send(&repo, Method::PATCH, &publish(&release), &done).await?).await?;
    let refused = with(422, send(&repo, Method::PATCH, &publish(&twin), &done).await?).await?;
    ensure!(refused["errors"][0]["field"] == "tag_name", "{refused}");
    let published = with(200, send(&repo, Method::GET, &by_tag, &Value::Null).await?).await?;
    ensure!(published["assets"].as_array().is_some_and(|assets| assets.len() == 2), "{published}");
    Ok(())
}

#[tokio::test]
async fn a_signed_address_is_for_those_without_a_token() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    let (_, to) = draft(&repo).await?;
    let asset = with(201, upload(&repo, &to, "a.zst", b"0123456789").await?).await?;
    let url = asset["url"].as_str().context("no url")?;
    let octets = ("accept", "application/octet-stream");
    ensure!(bytes(&repo, url, &[octets]).await? == b"0123456789");
    ensure!(bytes(&repo, url, &[octets, ("range", "bytes=3-5")]).await? == b"345");
    let signed = location(&repo, url).await?;
    let told = bytes(&repo, &signed, &[]).await;
    ensure!(told.is_err_and(|error| error.to_string().contains("400")), "it took a token");
    let violations = repo.violations()?;
    ensure!(violations.len() == 1 && violations[0].contains("without Authorization"), "{violations:?}");
    let forged = Client::new().get(signed.replace("sig=", "sig=x")).send().await?;
    ensure!(forged.status() == 403, "{forged:?}");
    repo.faults(&json!([{"host": "signed", "corrupt": true}]))?;
    ensure!(bytes(&repo, url, &[octets]).await? != b"0123456789");
    ensure!(bytes(&repo, url, &[octets]).await? == b"0123456789");
    Ok(())
}

/// A call of the runner's service, with the ids that its token carries.
async fn runner(repo: &Repo, method: &str, more: Value) -> Result<Response> {
    let claims = repo.made.runtime_token.split('.').nth(1).context("no claims")?;
    let claims: Value = serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims)?)?;
    let scopes = claims["scp"].as_str().context("no scopes")?;
    let ids = scopes.split(' ').find_map(|scope| scope.strip_prefix("Actions.Results:")).context("no ids")?;
    let (run, job) = ids.split_once(':').context("one id")?;
    let mut body = json!({"workflow_run_backend_id": run, "workflow_job_run_backend_id": job});
    for (key, value) in more.as_object().context("no object")? {
        body[key] = value.clone();
    }
    let service = "twirp/github.actions.results.api.v1.ArtifactService";
    let request = Client::new().post(format!("{}/{service}/{method}", GitHub::shared()?.results));
    let request = request.bearer_auth(&repo.made.runtime_token).header("content-type", "application/json");
    Ok(request.body(body.to_string()).send().await?)
}

#[tokio::test]
async fn an_artifact_goes_through_the_runner_and_comes_back_over_rest() -> Result<()> {
    let repo = GitHub::shared()?.repo()?;
    repo.put("artifacts", &json!({"name": "old.tar", "text": "old", "created_at": "2026-01-01T00:00:00Z"}))?;
    let create = json!({"name": "a.tar.zst", "version": 7, "mime_type": "application/zstd"});
    let made = with(200, runner(&repo, "CreateArtifact", create.clone()).await?).await?;
    with(409, runner(&repo, "CreateArtifact", create).await?).await?;
    let to = made["signed_upload_url"].as_str().context("no address")?;
    let put = |url: String, body: String| async move {
        let request = Client::new().put(url).header("x-ms-version", "2021-12-02");
        anyhow::Ok(request.header("x-ms-blob-content-type", "application/zstd").body(body).send().await?.status())
    };
    let mut list = String::new();
    for (id, block) in [("YmxvY2sx", "first,"), ("YmxvY2sy", "second")] {
        let stored = put(format!("{to}&comp=block&blockid={id}"), block.to_owned()).await?;
        ensure!(stored == 201, "{stored}");
        list += &format!("<Latest>{id}</Latest>");
    }
    let listed = put(format!("{to}&comp=blocklist"), format!("<BlockList>{list}</BlockList>")).await?;
    ensure!(listed == 201, "{listed}");
    let digest = format!("sha256:{}", sha256_hex(b"first,second"));
    let done = json!({"name": "a.tar.zst", "size": "12", "hash": digest});
    let finalized = with(200, runner(&repo, "FinalizeArtifact", done).await?).await?;

    let listed = get(&repo, "/actions/artifacts?name=a.tar.zst&per_page=100").await?;
    let artifact = &listed["artifacts"][0];
    ensure!(artifact["digest"] == digest && artifact["size_in_bytes"] == 12, "{listed}");
    let id = finalized["artifact_id"].as_str().context("no text")?.parse::<u64>()?;
    ensure!(artifact["id"] == id, "{finalized}");
    let of_run = get(&repo, &format!("/actions/runs/{}/artifacts", repo.made.run_id)).await?;
    ensure!(of_run["total_count"] == 1, "{of_run}");
    let zip = artifact["archive_download_url"].as_str().context("no address")?;
    ensure!(bytes(&repo, zip, &[]).await? == b"first,second");
    let own = with(200, runner(&repo, "GetSignedArtifactURL", json!({"name": "a.tar.zst"})).await?).await?;
    let own = Client::new().get(own["signed_url"].as_str().context("no address")?).send().await?;
    ensure!(own.text().await? == "first,second");

    let all = get(&repo, "/actions/artifacts").await?;
    let old = &all["artifacts"][1];
    ensure!(old["name"] == "old.tar" && old["expired"] == true, "{all}");
    let zip = repo.url(&format!("/actions/artifacts/{}/zip", old["id"]));
    with(410, send(&repo, Method::GET, &zip, &Value::Null).await?).await?;
    let url = repo.url(&format!("/actions/artifacts/{}", artifact["id"]));
    with(204, send(&repo, Method::DELETE, &url, &Value::Null).await?).await?;
    with(404, send(&repo, Method::GET, &url, &Value::Null).await?).await?;

    // what the service would not take
    with(400, runner(&repo, "CreateArtifact", json!({"name": "a/b", "version": 7})).await?).await?;
    with(400, runner(&repo, "CreateArtifact", json!({"name": "b", "version": 7, "retention": 3})).await?).await?;
    ensure!(repo.violations()?.len() == 2);
    Ok(())
}
