//! URLs of buckets: what may stand in them, and what never may.

use std::fmt;

use url::Url;

use crate::store::{Access, Key};

/// Who keeps the bucket, and by which protocol it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Amazon S3 and everything that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage, whose buckets are called containers.
    Azure,
}

impl Service {
    /// How its URLs begin.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }
}

/// How S3's Object Lock keeps what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: &'static str,
    /// For so many days.
    pub days: u32,
}

/// A bucket, or a folder of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectUrl {
    /// Who keeps it.
    pub service: Service,
    /// Bucket or container.
    pub bucket: String,
    /// A folder without `/` at either end; empty: the bucket itself.
    pub prefix: String,
    /// The region of an S3 bucket.
    pub region: Option<String>,
    /// The server, where it is not the service's own.
    pub endpoint: Option<Url>,
    /// The storage account of an Azure container.
    pub account: Option<String>,
    /// Headers that lock what is written.
    pub lock: Option<Lock>,
    /// The user says that no two runs write there at once: a server without conditional writes will do.
    pub one_writer: bool,
    /// Send a SHA-256 with everything that is written.
    pub checksum: bool,
    /// Ask the machine (instance or container metadata) for credentials.
    pub machine: bool,
    /// Credentials and patience.
    pub access: Access,
}

const PARAMETERS: [&str; 8] =
    ["region", "endpoint", "account", "object-lock", "retain", "one-writer", "checksum", "credentials"];

/// What a parameter's name must not hint at.
const SECRETIVE: [&str; 8] = ["key", "secret", "token", "passw", "sig", "sas", "auth", "credential"];

const NO_SECRETS: &str = "credentials do not belong into a store's URL; set them in the environment (AWS_…, GOOGLE_…, AZURE_…: docs/stores.md)";

/// Whoever backs a project up into its own storage loses both at once; and that server replaces what was
/// not to be replaced.
const OWN_STORAGE: &str = "is the storage of a Supabase project: a backup must not live inside what it protects, and this \
     server ignores the condition that keeps a file from being overwritten; use a bucket elsewhere";

impl ObjectUrl {
    /// Reads what stands behind `s3://`. The mistakes repeat no value.
    pub(in crate::store) fn parse(service: Service, rest: &str) -> Result<Self, String> {
        let scheme = service.scheme();
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        if place.contains('@') {
            return Err(NO_SECRETS.to_owned());
        }
        if rest.contains('#') {
            return Err(format!("a {scheme}:// URL has no `#`"));
        }
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let safe = |c: char| c.is_ascii_alphanumeric() || "._-$".contains(c);
        if bucket.is_empty() || bucket.starts_with('.') || !bucket.chars().all(safe) {
            return Err(format!("names no bucket; write {scheme}://bucket or {scheme}://bucket/folder"));
        }
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() && Key::new(prefix).is_err() {
            return Err("the folder in the bucket may hold letters, digits and . _ = - between its slashes".to_owned());
        }
        let mut url = Self {
            service,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            region: None,
            endpoint: None,
            account: None,
            lock: None,
            one_writer: false,
            checksum: true,
            machine: false,
            access: Access::default(),
        };
        url.parameters(query)?;
        Ok(url)
    }

    fn parameters(&mut self, query: &str) -> Result<(), String> {
        let (mut mode, mut days) = (None, None);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let only = |service: Service| match self.service == service {
                true => Ok(()),
                false => Err(format!("`{name}` is a parameter of {}:// URLs only", service.scheme())),
            };
            match name.as_ref() {
                "region" => {
                    only(Service::S3)?;
                    if value.is_empty() || !value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                        return Err("`region` is a word like eu-central-1".to_owned());
                    }
                    self.region = Some(value.into_owned());
                }
                "endpoint" => self.endpoint = Some(endpoint(&value)?),
                "account" => {
                    only(Service::Azure)?;
                    self.account = Some(account(&value)?);
                }
                "object-lock" => {
                    only(Service::S3)?;
                    mode = Some(match value.to_ascii_lowercase().as_str() {
                        "governance" => "GOVERNANCE",
                        "compliance" => "COMPLIANCE",
                        _ => return Err("`object-lock` is governance or compliance".to_owned()),
                    });
                }
                "retain" => {
                    only(Service::S3)?;
                    let number = value.strip_suffix('d').and_then(|n| n.parse::<u32>().ok());
                    let number = number.filter(|n| (1..=36_500).contains(n));
                    days = Some(number.ok_or("`retain` is a number of days, like 30d")?);
                }
                "one-writer" => self.one_writer = switch("one-writer", &value)?,
                "checksum" => {
                    only(Service::S3)?;
                    self.checksum = match value.as_ref() {
                        "sha256" => true,
                        "none" => false,
                        _ => return Err("`checksum` is sha256 or none".to_owned()),
                    };
                }
                "credentials" => match value.as_ref() {
                    "environment" => self.machine = false,
                    "machine" => self.machine = true,
                    _ => return Err("`credentials` is environment or machine".to_owned()),
                },
                other => return Err(unknown(other)),
            }
        }
        self.lock = match (mode, days) {
            (Some(_), Some(_)) if !self.checksum => {
                return Err("`object-lock` needs the checksum: S3 locks nothing without one".to_owned());
            }
            (Some(mode), Some(days)) => Some(Lock { mode, days }),
            (None, None) => None,
            _ => {
                return Err("`object-lock` and `retain` belong together: ?object-lock=governance&retain=30d".to_owned());
            }
        };
        Ok(())
    }

    /// The same place with credentials, and with what variables say where the URL is silent.
    pub(in crate::store) fn with_access(mut self, access: &Access) -> Result<Self, String> {
        let variable = |name: &str| access.variables.get(name);
        match self.service {
            Service::S3 => {
                self.region = self.region.or_else(|| variable("aws_region").map(str::to_owned));
                if self.endpoint.is_none() {
                    let given = variable("aws_endpoint_url").map(endpoint).transpose();
                    self.endpoint = given.map_err(|mistake| format!("AWS_ENDPOINT_URL: {mistake}"))?;
                }
            }
            Service::Azure if self.account.is_none() => {
                let given = variable("azure_storage_account_name").map(account).transpose();
                self.account = given.map_err(|mistake| format!("AZURE_STORAGE_ACCOUNT_NAME: {mistake}"))?;
                if self.account.is_none() {
                    return Err(
                        "names no storage account; add ?account=NAME, or set AZURE_STORAGE_ACCOUNT_NAME".to_owned()
                    );
                }
            }
            Service::Azure | Service::Google => {}
        }
        if self.endpoint.as_ref().is_some_and(is_supabase) {
            return Err(OWN_STORAGE.to_owned());
        }
        self.access = access.clone();
        self.check_credentials()?;
        Ok(self)
    }

    /// Whether anything says who we are.
    fn check_credentials(&self) -> Result<(), String> {
        let have = |names: &[&str]| self.access.variables.have(names);
        let (found, ask) = match self.service {
            Service::S3 => (
                have(&["aws_access_key_id", "aws_secret_access_key"])
                    || have(&["aws_role_arn", "aws_web_identity_token_file"])
                    || have(&["aws_role_arn", "github_token_url", "github_token_token"])
                    || have(&["aws_container_uri"])
                    || have(&["aws_container_url", "aws_container_token_file"]),
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN in a GitHub job with `id-token: write`",
            ),
            Service::Google => (
                have(&["google_application_credentials"])
                    || have(&["google_service_account_key"])
                    || have(&["google_bearer_token"]),
                "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT_KEY",
            ),
            Service::Azure => (
                have(&["azure_storage_account_key"])
                    || have(&["azure_storage_sas_key"])
                    || have(&["azure_client_id", "azure_tenant_id", "azure_client_secret"])
                    || have(&["azure_client_id", "azure_tenant_id", "azure_federated_token_file"]),
                "AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY",
            ),
        };
        if found || self.machine {
            return Ok(());
        }
        let scheme = self.service.scheme();
        Err(format!(
            "there are no credentials for {scheme}://; set {ask} (docs/stores.md has every way), or add \
             ?credentials=machine where the machine itself has a role"
        ))
    }
}

fn unknown(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let plain = name.len() <= 20 && name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    if SECRETIVE.iter().any(|word| lower.contains(word)) {
        return NO_SECRETS.to_owned();
    }
    let shown = if plain { format!("`{name}` is no parameter") } else { "there is an unknown parameter".to_owned() };
    format!("{shown} of a store's URL; there are {}", PARAMETERS.join(", "))
}

fn switch(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("`{name}` is yes or no")),
    }
}

fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.host().is_some());
    let url = url.ok_or("`endpoint` is the server's URL, like https://s3.example.com")?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(NO_SECRETS.to_owned());
    }
    Ok(url)
}

fn account(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text.len() <= 63 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if good { Ok(text.to_owned()) } else { Err("a storage account's name holds letters and digits".to_owned()) }
}

/// A Supabase project's S3 endpoint: hosted by its name, self-hosted by its path.
fn is_supabase(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".storage.supabase.co")
        || host.ends_with(".storage.supabase.in")
        || endpoint.path().trim_end_matches('/').ends_with("/storage/v1/s3")
        || endpoint.path().contains("/storage/v1/s3/")
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.service.scheme(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests;
