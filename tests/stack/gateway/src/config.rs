//! What the parent script tells the gateway, and what the gateway tells back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::management::Permission;

/// The JSON file given on the command line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// `host:port` of PostgREST.
    pub(crate) upstream: String,
    /// The public port; 0 lets the system choose a free one.
    #[serde(default)]
    pub(crate) port: u16,
    /// `sb_secret_…`.
    pub(crate) secret_key: String,
    /// `sb_publishable_…`.
    pub(crate) publishable_key: String,
    /// The legacy `service_role` JWT, also what the secret key turns into upstream.
    pub(crate) service_jwt: String,
    /// The legacy `anon` JWT, also what the publishable key turns into upstream.
    pub(crate) anon_jwt: String,
    /// Delay before every response; changed later through the control API.
    #[serde(default)]
    pub(crate) latency_ms: u64,
    /// Serve HTTPS and write the certificate of the throw-away authority here.
    #[serde(default)]
    pub(crate) tls_ca_file: Option<PathBuf>,
    /// `host:port` of postgres-meta; without it there is no `/pg`.
    #[serde(default)]
    pub(crate) meta: Option<String>,
    /// The stand-in for the Management API; without it there is no `/v1`.
    #[serde(default)]
    pub(crate) management: Option<Managed>,
    /// Written last, when both ports accept: two lines, `PORT` and `CONTROL_PORT`.
    pub(crate) ready_file: PathBuf,
}

/// What the Management API's stand-in knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Managed {
    /// The twenty letters of the one project there is.
    pub(crate) project_ref: String,
    /// `host:port` of PostgreSQL, which trusts whoever asks.
    pub(crate) postgres: String,
    /// PostgREST's configuration file, read anew for every answer.
    pub(crate) postgrest_conf: PathBuf,
    /// Access tokens of the one user there is, with the permissions of each.
    pub(crate) tokens: Vec<Token>,
}

/// A personal access token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// `sbp_…`.
    pub(crate) token: String,
    /// `database_read`, …: see `management::Permission`.
    pub(crate) permissions: Vec<Permission>,
}

impl Config {
    /// Reads the file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("parse {}", path.display()))
    }

    /// Writes the ready file in one step, so that a reader never sees half of it.
    pub(crate) fn announce(&self, port: u16, control_port: u16) -> Result<()> {
        let temporary = self.ready_file.with_extension("tmp");
        fs::write(&temporary, format!("{port}\n{control_port}\n")).context("write the ready file")?;
        fs::rename(&temporary, &self.ready_file).context("publish the ready file")
    }
}
