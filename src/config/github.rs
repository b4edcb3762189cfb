//! GitHub: what the runner and the user say about it. A mistake here matters only to those who use it.

use secrecy::SecretString;
use url::Url;

use crate::config::key::usable_as_header;
use crate::config::project::is_private;
use crate::config::reader::Reader;
use crate::github::{Runner, Settings};

impl Reader {
    /// The settings, or what is wrong with them: told where GitHub is used, and not before.
    pub(super) fn github(&mut self) -> Result<Settings, String> {
        let allow_http = self.switch("allow_http");
        let plain = |reader: &mut Self, name: &str| Some(reader.word(name)).filter(|text| !text.is_empty());
        let address = |reader: &mut Self, name: &str, variable: &str| {
            plain(reader, name)
                .map(|text| address(&text, allow_http).map_err(|mistake| format!("{variable}: {mistake}")))
                .transpose()
        };
        let api = address(self, "github_api_url", "GITHUB_API_URL")?;
        let server = address(self, "github_server_url", "GITHUB_SERVER_URL")?;
        let results = address(self, "github_results_url", "ACTIONS_RESULTS_URL")?;
        let repository = plain(self, "github_repository").map(|text| text.parse()).transpose();
        let run_id = plain(self, "github_run_id").map(|text| text.parse::<u64>()).transpose();
        let runtime_token = self.github_secret("github_runtime_token", "ACTIONS_RUNTIME_TOKEN")?;
        Ok(Settings {
            token: self.github_secret("github_token", "GITHUB_TOKEN")?,
            api: api.ok_or("GITHUB_API_URL: is not set")?,
            server: server.ok_or("GITHUB_SERVER_URL: is not set")?,
            repository: repository.map_err(|mistake| format!("GITHUB_REPOSITORY: {mistake}"))?,
            run_id: run_id.map_err(|_| "GITHUB_RUN_ID: is not a number")?,
            runner: results.zip(runtime_token).map(|(results, token)| Runner { results, token }),
            retries: self.number("retries"),
            first_delay: self.duration("retry_delay"),
            timeout: self.duration("request_timeout"),
        })
    }

    fn github_secret(&self, name: &str, variable: &str) -> Result<Option<SecretString>, String> {
        let Some((_, secret)) = self.secret(name) else { return Ok(None) };
        usable_as_header(&secret).map_err(|mistake| format!("{variable}: {mistake}"))?;
        Ok(Some(secret))
    }
}

/// The mistakes repeat nothing: an address may hold a password.
fn address(text: &str, allow_http: bool) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| "is not a URL (like https://api.github.com)")?;
    let (Some(host), "https" | "http") = (url.host(), url.scheme()) else {
        return Err("must begin with https://");
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must hold neither a user name nor a password, and no query or fragment (? or #)");
    }
    if url.scheme() == "http" && !allow_http && !is_private(&host) {
        return Err("is http://, which would send the token unencrypted through a public network; \
                    use https://, or set SUPABACKUP_ALLOW_HTTP=1 if that is what you want");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_without_being_repeated() {
        for good in
            ["https://api.github.com", "https://ghe.example.com/api/v3", "http://127.0.0.1:4010", "http://ghe/api/v3"]
        {
            assert!(address(good, false).is_ok(), "{good}");
        }
        for bad in
            ["sentinel", "ftp://sentinel", "http://sentinel.example.com", "https://me:sentinel@x", "https://x?sentinel"]
        {
            assert!(address(bad, false).is_err_and(|mistake| !mistake.contains("sentinel")), "{bad}");
        }
        assert!(address("http://ghe.example.com", true).is_ok());
    }
}
