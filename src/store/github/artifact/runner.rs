//! The runner's artifact service, as the official action speaks to it: one file, as it is, is one artifact.

use base64::Engine as _;
use bytes::Bytes;
use chrono::DateTime;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::view::Artifact;
use crate::buffers::Buffers;
use crate::github::{Runner, Settings};
use crate::http::{Answer, Http, HttpError, Patience, Request};
use crate::store::StoreError;
use crate::store::github::names::hex;

const AGENT: &str = concat!("supabackup/", env!("CARGO_PKG_VERSION"));
const SERVICE: &str = "/twirp/github.actions.results.api.v1.ArtifactService/";
/// From this version on an artifact is one file as it is; before, it is an archive.
const VERSION: u32 = 7;

/// What a step of a run can do with artifacts of the run.
#[derive(Debug)]
pub(super) struct Service {
    http: Http,
    runner: Runner,
    run: String,
    job: String,
}

/// What came of one try.
#[derive(Debug)]
pub(super) enum Tried {
    Done(Artifact),
    /// Somebody of this run has the name, or had it.
    Taken,
    /// Nobody knows; the artifact may be there, or half of it.
    Unclear(StoreError),
}

impl Service {
    pub(super) fn new(settings: &Settings, runner: &Runner) -> Result<Self, String> {
        let patience =
            Patience { tries: settings.retries + 1, first_delay: settings.first_delay, timeout: settings.timeout };
        let (run, job) = backends(runner.token.expose_secret())
            .ok_or("ACTIONS_RUNTIME_TOKEN does not name the run that it belongs to")?;
        Ok(Self { http: Http::new(patience, 8, AGENT, Buffers::default())?, runner: runner.clone(), run, job })
    }

    /// One try to make an artifact of this name.
    pub(super) async fn upload(&self, name: &str, bytes: &Bytes, doing: &str) -> Result<Tried, StoreError> {
        let made = json!({ "name": name, "version": VERSION, "mime_type": "application/octet-stream" });
        let answer = match self.call("CreateArtifact", made, false, doing).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Tried::Unclear(error)),
        };
        if answer.status == 409 {
            return Ok(Tried::Taken);
        }
        let answer = self.good(answer, doing)?;
        let url = text(&answer, "signed_upload_url").and_then(|url| Url::parse(&url).ok());
        let url = url.ok_or_else(|| other(doing, "the runner's artifact service gives no address to upload to"))?;
        if let Err(error) = self.blob(url, bytes, doing).await {
            return Ok(Tried::Unclear(error));
        }
        let hash = format!("sha256:{}", hex(&Sha256::digest(bytes)));
        let ended = json!({ "name": name, "size": bytes.len().to_string(), "hash": hash });
        let answer = match self.call("FinalizeArtifact", ended, false, doing).await {
            Ok(answer) => self.good(answer, doing)?,
            Err(error) => return Ok(Tried::Unclear(error)),
        };
        let id = text(&answer, "artifact_id").and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| other(doing, "the runner's artifact service tells no number of the artifact"))?;
        Ok(Tried::Done(Artifact {
            id,
            name: name.to_owned(),
            size: bytes.len() as u64,
            expired: false,
            digest: Some(hash),
            // the list tells it
            created_at: Some(DateTime::UNIX_EPOCH),
            expires_at: None,
        }))
    }

    /// One block blob in one request. Its address is a secret as a whole, and no error shows any of it.
    async fn blob(&self, url: Url, bytes: &Bytes, doing: &str) -> Result<(), StoreError> {
        let headers = [
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-version", "2021-12-02"),
            ("content-type", "application/octet-stream"),
        ];
        let headers = headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let request = Request {
            method: Method::PUT,
            url,
            headers: HeaderMap::from_iter(headers),
            body: bytes.clone(),
            // it replaces itself
            repeatable: true,
            body_limit: 1 << 20,
            plausible: |_, _| true,
        };
        match self.http.send(&request).await {
            Ok(answer) if answer.status == 201 => Ok(()),
            Ok(answer) => Err(unreachable(doing, format!("the storage of artifacts answers {}", answer.status))),
            Err(error) => Err(unreachable(doing, format!("the storage of artifacts: {error}"))),
        }
    }

    async fn call(&self, method: &str, mut fields: Value, repeatable: bool, doing: &str) -> Result<Answer, StoreError> {
        let mut url = self.runner.results.clone();
        url.set_path(&format!("{SERVICE}{method}"));
        fields["workflow_run_backend_id"] = json!(self.run);
        fields["workflow_job_run_backend_id"] = json!(self.job);
        let bearer = HeaderValue::from_str(&format!("Bearer {}", self.runner.token.expose_secret()));
        let mut bearer = bearer.map_err(|_| other(doing, "ACTIONS_RUNTIME_TOKEN cannot be sent"))?;
        bearer.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let request = Request {
            method: Method::POST,
            url,
            headers: HeaderMap::from_iter([(AUTHORIZATION, bearer), (CONTENT_TYPE, json)]),
            body: Bytes::from(fields.to_string()),
            repeatable,
            body_limit: 1 << 20,
            plausible: |status, body| status >= 300 || serde_json::from_slice::<Value>(body).is_ok(),
        };
        let answer =
            self.http.send(&request).await.map_err(|error: HttpError| unreachable(doing, error.to_string()))?;
        if answer.status >= 500 || answer.status == 429 && !says(&answer.body).contains("too many artifacts") {
            return Err(unreachable(doing, format!("the runner's artifact service answers {}", answer.status)));
        }
        Ok(answer)
    }

    /// The fields of a success.
    fn good(&self, answer: Answer, doing: &str) -> Result<Value, StoreError> {
        let doing = || doing.to_owned();
        let reason = || {
            let said = says(&answer.body);
            format!("the runner's artifact service answers {} ({said})", answer.status)
        };
        match answer.status {
            200 => {
                let fields: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                match fields["ok"].as_bool() {
                    Some(false) => Err(StoreError::Other { doing: doing(), reason: "the runner's artifact service refuses".to_owned() }),
                    _ => Ok(fields),
                }
            }
            401 => Err(StoreError::Credentials { doing: doing(), reason: reason() }),
            403 => Err(StoreError::Denied { doing: doing(), reason: reason() }),
            429 => Err(StoreError::Full {
                doing: doing(),
                reason: "a job can have 500 artifacts, and each stored file is one; choose a larger --part-size, or `--artifacts sql`".to_owned(),
            }),
            _ => Err(StoreError::Other { doing: doing(), reason: reason() }),
        }
    }
}

fn other(doing: &str, reason: &str) -> StoreError {
    StoreError::Other { doing: doing.to_owned(), reason: reason.to_owned() }
}

fn unreachable(doing: &str, reason: String) -> StoreError {
    StoreError::Unreachable { doing: doing.to_owned(), reason }
}

/// The service's own words.
fn says(body: &[u8]) -> String {
    let fields: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = fields["msg"].as_str().or_else(|| fields["code"].as_str()).unwrap_or("no reason");
    text.lines().next().unwrap_or_default().chars().take(200).collect()
}

/// A field, written in either of the two ways of the protocol.
fn text(fields: &Value, name: &str) -> Option<String> {
    let mut camel = String::new();
    for (n, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next().filter(|_| n > 0) {
            Some(first) => camel.extend(first.to_uppercase().chain(letters)),
            None => camel.push_str(word),
        }
    }
    let value = fields.get(name).or_else(|| fields.get(&camel))?;
    value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|number| number.to_string()))
}

/// The run and the job that a token names. It is not verified: the service does that.
fn backends(token: &str) -> Option<(String, String)> {
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let scope = claims["scp"].as_str()?.split(' ').find_map(|scope| scope.strip_prefix("Actions.Results:"))?;
    let (run, job) = scope.split_once(':')?;
    Some((run.to_owned(), job.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_run_and_fields_are_read_in_both_spellings() {
        let claims = r#"{"scp":"Actions.Example Actions.Results:run-1:job-2"}"#;
        let token = format!("x.{}.y", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(backends(&token), Some(("run-1".to_owned(), "job-2".to_owned())));
        assert_eq!(backends("opaque"), None);
        for fields in [json!({"artifact_id": "7"}), json!({"artifactId": "7"}), json!({"artifact_id": 7})] {
            assert_eq!(text(&fields, "artifact_id").as_deref(), Some("7"));
        }
    }
}
