//! Keys for S3 without a stored secret: a token that says who the job is (GitHub's, or the one in a
//! file) is exchanged for keys that last an hour.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::aws::AwsCredential;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::http::{Answer, Http, Request};

/// They are asked to last an hour; the last minutes are not relied upon.
const LASTS: &str = "3600";
const USED: Duration = Duration::from_secs(50 * 60);
const ANSWER_LIMIT: usize = 1 << 20;

/// Where the job's token comes from.
#[derive(Debug)]
pub(super) enum Token {
    /// A file that somebody keeps fresh.
    File(String),
    /// GitHub's issuer.
    Github { url: Url, bearer: SecretString },
}

/// Gives keys of the role, and new ones before they end.
#[derive(Debug)]
pub(super) struct WebIdentity {
    pub(super) http: Http,
    pub(super) token: Token,
    pub(super) sts: Url,
    pub(super) role: String,
    pub(super) session: String,
    pub(super) keys: Mutex<Option<(Instant, Arc<AwsCredential>)>>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

fn refused(reason: String) -> object_store::Error {
    object_store::Error::Unauthenticated { path: "credentials".to_owned(), source: Box::new(Refused(reason)) }
}

#[async_trait]
impl object_store::CredentialProvider for WebIdentity {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut keys = self.keys.lock().await;
        if let Some((since, keys)) = keys.as_ref().filter(|(since, _)| since.elapsed() < USED) {
            let _ = since;
            return Ok(Arc::clone(keys));
        }
        let since = Instant::now();
        let fresh = Arc::new(self.assume(&self.token().await?).await?);
        *keys = Some((since, Arc::clone(&fresh)));
        Ok(fresh)
    }
}

impl WebIdentity {
    async fn token(&self) -> object_store::Result<SecretString> {
        match &self.token {
            Token::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(token) => Ok(SecretString::from(token.trim())),
                Err(error) => Err(refused(format!("reading AWS_WEB_IDENTITY_TOKEN_FILE ({path}): {error}"))),
            },
            Token::Github { url, bearer } => {
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("audience", "sts.amazonaws.com");
                let mut value = HeaderValue::from_str(&format!("Bearer {}", bearer.expose_secret()))
                    .map_err(|_| refused("ACTIONS_ID_TOKEN_REQUEST_TOKEN cannot be sent as a header".to_owned()))?;
                value.set_sensitive(true);
                let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
                let answer = self
                    .send("asking GitHub for the job's token", Request::get(url, headers, ANSWER_LIMIT, |_, _| true));
                #[derive(serde::Deserialize)]
                struct Issued {
                    value: SecretString,
                }
                let issued: Issued = serde_json::from_slice(&answer.await?.body)
                    .map_err(|_| refused("asking GitHub for the job's token: the answer holds none".to_owned()))?;
                Ok(issued.value)
            }
        }
    }

    async fn assume(&self, token: &SecretString) -> object_store::Result<AwsCredential> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "AssumeRoleWithWebIdentity")
            .append_pair("Version", "2011-06-15")
            .append_pair("RoleArn", &self.role)
            .append_pair("RoleSessionName", &self.session)
            .append_pair("DurationSeconds", LASTS)
            .append_pair("WebIdentityToken", token.expose_secret())
            .finish();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let request = Request {
            method: Method::POST,
            url: self.sts.clone(),
            headers: HeaderMap::from_iter([(CONTENT_TYPE, form)]),
            body: Bytes::from(body),
            repeatable: true,
            body_limit: ANSWER_LIMIT,
            plausible: |_, _| true,
        };
        let answer = self.send("assuming the role AWS_ROLE_ARN", request).await?;
        let text = String::from_utf8_lossy(&answer.body);
        match (tag(&text, "AccessKeyId"), tag(&text, "SecretAccessKey"), tag(&text, "SessionToken")) {
            (Some(key_id), Some(secret_key), token @ Some(_)) => Ok(AwsCredential { key_id, secret_key, token }),
            _ => Err(refused("assuming the role AWS_ROLE_ARN: the answer holds no keys".to_owned())),
        }
    }

    async fn send(&self, doing: &str, request: Request) -> object_store::Result<Answer> {
        let answer = self.http.send(&request).await.map_err(|error| refused(format!("{doing}: {error}")))?;
        if answer.status == 200 {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&answer.body);
        let why = tag(&text, "Message").or_else(|| tag(&text, "Code")).map(|why| format!(" ({why})"));
        Err(refused(format!("{doing}: the server answers {}{}", answer.status, why.unwrap_or_default())))
    }
}

/// The text between `<name>` and `</name>`.
fn tag(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").trim().to_owned())
}
