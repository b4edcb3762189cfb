//! Clients of the crate `object_store`, made from a URL and the variables that were handed over. The
//! crate itself reads no environment: its builders are filled by hand.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as S3Key, Checksum};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::client::Certificate;
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::identity::{Token, WebIdentity};
use super::url::{ObjectUrl, Service};
use crate::buffers::Buffers;
use crate::http::{Http, Patience};

const AGENT: &str = concat!("supabackup/", env!("CARGO_PKG_VERSION"));
/// Signatures are made once per request and outdate after minutes.
const LONGEST: Duration = Duration::from_secs(240);

type Client = Arc<dyn ObjectStore>;

/// A client for the bucket; `headers` go with every request, signed.
pub(super) fn client(url: &ObjectUrl, headers: HeaderMap) -> Result<Client, String> {
    match url.service {
        Service::S3 => s3(url, headers),
        Service::Google => google(url, headers),
        Service::Azure => azure(url, headers),
    }
}

fn options(url: &ObjectUrl, headers: HeaderMap) -> Result<ClientOptions, String> {
    let mut options = ClientOptions::new()
        .with_user_agent(HeaderValue::from_static(AGENT))
        .with_timeout(url.access.timeout)
        .with_connect_timeout(Duration::from_secs(15).min(url.access.timeout))
        .with_allow_http(url.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http"))
        .with_default_headers(headers);
    // merged, not replaced: an image without any CA works
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        options = options.with_root_certificate(Certificate::from_der(der).map_err(|e| e.to_string())?);
    }
    Ok(options)
}

fn retry(url: &ObjectUrl) -> RetryConfig {
    let first = url.access.first_delay;
    RetryConfig {
        backoff: BackoffConfig { init_backoff: first, max_backoff: Duration::from_secs(30).max(first), base: 2.0 },
        max_retries: url.access.retries as usize,
        retry_timeout: LONGEST,
    }
}

fn address(endpoint: &Url) -> String {
    endpoint.as_str().trim_end_matches('/').to_owned()
}

fn s3(url: &ObjectUrl, headers: HeaderMap) -> Result<Client, String> {
    let variable = |name: &str| url.access.variables.get(name);
    let region = url.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&url.bucket)
        .with_region(&region)
        .with_client_options(options(url, headers)?)
        .with_retry(retry(url))
        .with_disable_tagging(true)
        // not everything that speaks S3 knows the request that deletes many
        .with_disable_bulk_delete(true);
    if url.checksum {
        builder = builder.with_checksum_algorithm(Checksum::SHA256);
    }
    if let Some(endpoint) = &url.endpoint {
        builder = builder.with_endpoint(address(endpoint));
    }
    let keys = (variable("aws_access_key_id"), variable("aws_secret_access_key"));
    if let (Some(id), Some(secret)) = keys {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
        if let Some(token) = variable("aws_session_token") {
            builder = builder.with_token(token);
        }
    } else if let Some(identity) = web_identity(url, &region)? {
        builder = builder.with_credentials(Arc::new(identity));
    } else {
        for (name, key) in [
            ("aws_container_uri", S3Key::ContainerCredentialsRelativeUri),
            ("aws_container_url", S3Key::ContainerCredentialsFullUri),
            ("aws_container_token_file", S3Key::ContainerAuthorizationTokenFile),
        ] {
            if let Some(value) = variable(name) {
                builder = builder.with_config(key, value);
            }
        }
    }
    Ok(Arc::new(builder.build().map_err(|e| plain(&e))?))
}

/// The role of a job that can say who it is.
fn web_identity(url: &ObjectUrl, region: &str) -> Result<Option<WebIdentity>, String> {
    let variable = |name: &str| url.access.variables.get(name);
    let Some(role) = variable("aws_role_arn") else { return Ok(None) };
    let token =
        match (variable("aws_web_identity_token_file"), variable("github_token_url"), variable("github_token_token")) {
            (Some(path), _, _) => Token::File(path.to_owned()),
            (None, Some(issuer), Some(bearer)) => {
                let url = Url::parse(issuer).map_err(|_| "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL")?;
                Token::Github { url, bearer: SecretString::from(bearer) }
            }
            _ => return Ok(None),
        };
    let sts = variable("aws_endpoint_url_sts").map_or(format!("https://sts.{region}.amazonaws.com/"), str::to_owned);
    let sts = Url::parse(&sts).map_err(|_| "AWS_ENDPOINT_URL_STS is not a URL")?;
    let patience =
        Patience { tries: url.access.retries + 1, first_delay: url.access.first_delay, timeout: url.access.timeout };
    Ok(Some(WebIdentity {
        http: Http::new(patience, 1, AGENT, Buffers::default())?,
        token,
        sts,
        role: role.to_owned(),
        session: variable("aws_role_session_name").unwrap_or("supabackup").to_owned(),
        keys: Mutex::new(None),
    }))
}

fn google(url: &ObjectUrl, headers: HeaderMap) -> Result<Client, String> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&url.bucket)
        .with_client_options(options(url, headers)?)
        .with_retry(retry(url));
    if let Some(endpoint) = &url.endpoint {
        builder = builder.with_base_url(&address(endpoint));
    }
    // the first that was given: several at once are a mistake to the crate
    let given = [
        ("google_bearer_token", GoogleConfigKey::BearerToken),
        ("google_service_account_key", GoogleConfigKey::ServiceAccountKey),
        ("google_application_credentials", GoogleConfigKey::ApplicationCredentials),
    ];
    let given = given.into_iter().find_map(|(name, key)| Some((key, url.access.variables.get(name)?)));
    if let Some((key, value)) = given {
        builder = builder.with_config(key, value);
    }
    Ok(Arc::new(builder.build().map_err(|e| plain(&e))?))
}

fn azure(url: &ObjectUrl, headers: HeaderMap) -> Result<Client, String> {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(&url.bucket)
        .with_account(url.account.clone().unwrap_or_default())
        .with_client_options(options(url, headers)?)
        .with_disable_tagging(true)
        .with_retry(retry(url));
    if let Some(endpoint) = &url.endpoint {
        builder = builder.with_endpoint(address(endpoint));
    }
    for (name, key) in [
        ("azure_storage_account_key", AzureConfigKey::AccessKey),
        ("azure_storage_sas_key", AzureConfigKey::SasKey),
        ("azure_client_id", AzureConfigKey::ClientId),
        ("azure_tenant_id", AzureConfigKey::AuthorityId),
        ("azure_client_secret", AzureConfigKey::ClientSecret),
        ("azure_federated_token_file", AzureConfigKey::FederatedTokenFile),
    ] {
        if let Some(value) = url.access.variables.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    Ok(Arc::new(builder.build().map_err(|e| plain(&e))?))
}

/// Why a client could not be made. The crate's words may repeat what it was given.
fn plain(error: &object_store::Error) -> String {
    let text = error.to_string();
    let safe = ["reading service account file", "No such file", "Missing", "parsing service account"];
    match safe.iter().find(|words| text.to_lowercase().contains(&words.to_lowercase())) {
        Some(words) => format!("its credentials cannot be used ({})", words.to_lowercase()),
        None => "its credentials or its endpoint cannot be used".to_owned(),
    }
}
