//! The front door of the local Supabase: a streaming reverse proxy before PostgREST.
//!
//! It gives PostgREST the `/rest/v1` prefix and Supabase's key rules ([`keys`]), postgres-meta the
//! `/pg` prefix, and answers `/v1` in the place of the Management API ([`management`]). On a second
//! port, which the first never reaches, a control API ([`control`]) injects faults ([`faults`]), adds
//! latency and records requests ([`record`]).
//!
//! It sits in the measured path of the benchmarks. A request that no fault, log or latency setting
//! touches is passed on as it came: no copy of a body, no parsing, one thread, kept connections.
//!
//! Usage: `supabackup-stack-gateway CONFIG.json` (see [`config::Config`]). It runs until killed.

#![forbid(unsafe_code)]

mod body;
mod config;
mod control;
mod faults;
mod keys;
mod management;
mod proxy;
mod record;
mod tls;

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use crate::{body::Body, config::Config, proxy::Gateway};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gateway: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the configuration and serves until the process is killed.
fn run() -> Result<()> {
    let path = std::env::args_os().nth(1).context("usage: supabackup-stack-gateway CONFIG.json")?;
    let config = Config::load(path.as_ref())?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(config))
}

/// Binds both ports, tells the parent script where they are, and accepts for ever.
async fn serve(config: Config) -> Result<()> {
    let public = TcpListener::bind(("127.0.0.1", config.port)).await.context("bind the public port")?;
    let private = TcpListener::bind(("127.0.0.1", 0)).await.context("bind the control port")?;
    let tls = config.tls_ca_file.as_deref().map(tls::acceptor).transpose()?;
    let gateway = Arc::new(Gateway::new(&config)?);
    config.announce(public.local_addr()?.port(), private.local_addr()?.port())?;

    let controlled = gateway.clone();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = private.accept().await else { continue };
            let gateway = controlled.clone();
            tokio::spawn(connection(stream, move |request| {
                let gateway = gateway.clone();
                async move { control::answer(&gateway, request).await }
            }));
        }
    });
    loop {
        // Out of descriptors or a connection that is already gone: the next one may work.
        let Ok((stream, _)) = public.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let gateway = gateway.clone();
        let service = move |request| {
            let gateway = gateway.clone();
            async move { gateway.answer(request).await }
        };
        match tls.clone() {
            None => {
                tokio::spawn(connection(stream, service));
            }
            Some(tls) => {
                tokio::spawn(async move {
                    if let Ok(stream) = tls.accept(stream).await {
                        tokio::spawn(connection(stream, service));
                    }
                });
            }
        }
    }
}

/// Serves one connection, HTTP/1.1 or HTTP/2, to its end.
///
/// Errors are the client's business (it went away) or wanted (a fault cut the answer): not logged.
async fn connection<I, S, F>(stream: I, service: S)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, body::BoxError>> + Send + 'static,
{
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(service)).await;
}
