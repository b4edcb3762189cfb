//! The clients that the configuration names.

use std::sync::Arc;
use std::time::Duration;

use crate::buffers::Buffers;
use crate::config::{Config, ProjectConfig};
use crate::error::Failure;
use crate::http::{Http, Patience};
use crate::supabase::Client;

/// What a run says it is.
const AGENT: &str = concat!("supabackup/", env!("CARGO_PKG_VERSION"));

/// Time limit of a question whose answer is not needed.
const CURIOUS: Duration = Duration::from_secs(10);

/// A client with as many requests in flight, and as much patience, as the configuration says.
pub(crate) fn http(config: &Config, buffers: Buffers) -> Result<Arc<Http>, Failure> {
    let patience =
        Patience { tries: config.retries + 1, first_delay: config.retry_delay, timeout: config.request_timeout };
    with(patience, config.connections, buffers)
}

/// The same for a question that may well have no answer: it is asked twice at most, and not for long.
pub(crate) fn curious_http(config: &Config) -> Result<Arc<Http>, Failure> {
    let tries = 2.min(config.retries + 1);
    let timeout = CURIOUS.min(config.request_timeout);
    let patience = Patience { tries, first_delay: config.retry_delay, timeout };
    with(patience, 1, Buffers::default())
}

fn with(patience: Patience, connections: usize, buffers: Buffers) -> Result<Arc<Http>, Failure> {
    let http = Http::new(patience, connections, AGENT, buffers).map_err(|e| {
        Failure::failed(format!("preparing HTTPS: {e}")).hint("check SSL_CERT_FILE and SSL_CERT_DIR, if they are set")
    })?;
    Ok(Arc::new(http))
}

/// The Data API of a project.
pub(crate) fn client(config: &Config, project: &ProjectConfig, http: &Arc<Http>) -> Result<Arc<Client>, Failure> {
    let client = Client::new(Arc::clone(http), &project.url, project.key.secret(), project.key.is_jwt())?;
    Ok(Arc::new(client.with_page_size(config.page_size)))
}
