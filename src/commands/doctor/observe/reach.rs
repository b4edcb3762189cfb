//! The way to the server: name, connection, answers. The key is not sent here: what answers may not
//! be the project.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use reqwest::header::HeaderMap;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use super::{Broken, Reply, ask, http};
use crate::config::{Config, ProjectConfig};
use crate::context::Context;

/// Requests whose time is taken; the first one of them also shakes hands.
const SAMPLES: usize = 3;
/// Time limit for a look-up, and for one connection.
const STEP: Duration = Duration::from_secs(8);

/// The way to the server, as far as it goes.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) dns: Dns,
    /// A plain connection from this machine; `None` where there is no address to connect to.
    pub(crate) tcp: Option<Result<(), String>>,
    /// Requests without a key; an error if none could be made at all.
    pub(crate) samples: Result<Vec<Sample>, String>,
}

/// What the host's name stands for.
#[derive(Debug, Clone)]
pub(crate) enum Dns {
    /// It is an address already.
    Address(IpAddr),
    Found(Vec<IpAddr>),
    Failed(String),
}

/// One request without a key.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) took: Duration,
    /// This machine's clock when the answer was there.
    pub(crate) at: DateTime<Utc>,
    pub(crate) reply: Result<Reply, Broken>,
}

/// Goes the way to the server. Requests are sent even where name and connection fail: a proxy may
/// know better.
pub(crate) async fn reach(config: &Config, project: &ProjectConfig, context: &Context) -> Reach {
    let url = Url::parse(&project.url).ok();
    let port = url.as_ref().and_then(Url::port_or_known_default).unwrap_or(443);
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    let dns = match url.as_ref().and_then(Url::host) {
        Some(Host::Ipv4(ip)) => Dns::Address(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Dns::Address(IpAddr::V6(ip)),
        _ => look_up(&host, port).await,
    };
    let tcp = match &dns {
        Dns::Address(ip) => Some(connect(&[*ip], port).await),
        Dns::Found(ips) => Some(connect(ips, port).await),
        Dns::Failed(_) => None,
    };
    let wanted = if matches!(tcp, Some(Ok(()))) { SAMPLES } else { 1 };
    let samples = samples(config, project, context, wanted).await;
    let https = url.as_ref().is_some_and(|url| url.scheme() == "https");
    Reach { name: project.name.clone(), url: project.url.clone(), https, host, port, dns, tcp, samples }
}

async fn look_up(host: &str, port: u16) -> Dns {
    let mut ips = Vec::new();
    match timeout(STEP, lookup_host((host, port))).await {
        Err(_) => return Dns::Failed(format!("no answer within {} s", STEP.as_secs())),
        Ok(Err(error)) => return Dns::Failed(error.to_string()),
        Ok(Ok(found)) => {
            for address in found {
                if !ips.contains(&address.ip()) {
                    ips.push(address.ip());
                }
            }
        }
    }
    if ips.is_empty() { Dns::Failed("the name has no address".to_owned()) } else { Dns::Found(ips) }
}

async fn connect(ips: &[IpAddr], port: u16) -> Result<(), String> {
    let mut last = String::new();
    for ip in ips.iter().take(4) {
        match timeout(STEP, TcpStream::connect(SocketAddr::new(*ip, port))).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => last = error.to_string(),
            Err(_) => last = format!("no answer within {} s", STEP.as_secs()),
        }
    }
    Err(last)
}

async fn samples(
    config: &Config,
    project: &ProjectConfig,
    context: &Context,
    wanted: usize,
) -> Result<Vec<Sample>, String> {
    let http = http(config, 1)?;
    let mut samples = Vec::new();
    for _ in 0..wanted {
        let start = Instant::now();
        let reply = ask(&http, project, HeaderMap::new()).await;
        let took = start.elapsed();
        // a person waits for the second and third time-out in vain
        let hopeless = reply.as_ref().is_err_and(|broken| !broken.connected || took > STEP);
        samples.push(Sample { took, at: context.clock.now(), reply });
        if hopeless {
            break;
        }
    }
    Ok(samples)
}
