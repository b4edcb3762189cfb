//! How octocrab's requests travel: through our own HTTP client, with its roots, its proxies and its limits. What
//! octocrab would bring is a second one, which knows neither.

use std::pin::Pin;
use std::task::{Context, Poll};

use octocrab::OctoBody;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, Url};
use secrecy::{ExposeSecret, SecretString};
use tower_service::Service;

/// One server, and who asks there.
#[derive(Clone)]
pub(super) struct Transport {
    client: Client,
    /// Without a slash at its end.
    base: String,
    token: Option<HeaderValue>,
}

/// Why a request did not leave.
#[derive(Debug, thiserror::Error)]
enum TransportError {
    #[error("the address is none")]
    Address,
    #[error(transparent)]
    Request(#[from] reqwest::Error),
}

impl Transport {
    /// Requests without a host go to `base`, and only those carry the token.
    pub(super) fn new(client: Client, base: &str, token: Option<&SecretString>) -> Result<Self, String> {
        let bearer = |token: &SecretString| {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| "GITHUB_TOKEN cannot be sent".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>(value)
        };
        Ok(Self { client, base: base.trim_end_matches('/').to_owned(), token: token.map(bearer).transpose()? })
    }

    async fn send(self, request: http::Request<OctoBody>) -> Result<http::Response<reqwest::Body>, TransportError> {
        let (parts, body) = request.into_parts();
        let is_ours = parts.uri.authority().is_none();
        let address = if is_ours { format!("{}{}", self.base, parts.uri) } else { parts.uri.to_string() };
        let url = Url::parse(&address).map_err(|_| TransportError::Address)?;
        let mut sent = self.client.request(parts.method, url).headers(parts.headers);
        if let Some(token) = self.token.filter(|_| is_ours) {
            sent = sent.header(AUTHORIZATION, token);
        }
        Ok(sent.body(reqwest::Body::wrap(body)).send().await?.into())
    }
}

impl Service<http::Request<OctoBody>> for Transport {
    type Response = http::Response<reqwest::Body>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let transport = self.clone();
        Box::pin(async move { Ok(transport.send(request).await?) })
    }
}
