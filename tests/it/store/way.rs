//! A bad way to a server: it passes requests on byte by byte (signatures name the host that was asked),
//! and does to some of them what networks and busy servers do.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The server is busy and says so; it never sees the request.
    SlowDown,
    /// The server may not, and says so.
    Deny,
    /// The connection ends in the middle of the request's body.
    CutRequest,
    /// The server acts, and the connection ends before its answer.
    LoseAnswer,
    /// The connection ends in the middle of the answer's body.
    CutAnswer,
    /// Somebody answers this instead.
    Answer(&'static str),
}

#[derive(Debug)]
struct Rule {
    /// The request's first line begins so…
    begins: String,
    /// … and holds this.
    holds: String,
    times: usize,
    fate: Fate,
}

#[derive(Debug, Default)]
struct Plan {
    rules: Mutex<Vec<Rule>>,
    heads: Mutex<Vec<String>>,
}

/// The way; it ends with the test.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) port: u16,
    plan: Arc<Plan>,
    task: JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Way {
    /// A way to the server on this port.
    pub(crate) async fn to(server: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let plan = Arc::new(Plan::default());
        let shared = Arc::clone(&plan);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let plan = Arc::clone(&shared);
                // a connection that breaks is what this is for
                tokio::spawn(async move { carry(client, server, &plan).await.ok() });
            }
        });
        Ok(Self { port, plan, task })
    }

    /// The next `times` requests that begin and hold this meet this fate.
    pub(crate) fn plan(&self, begins: &str, holds: &str, times: usize, fate: Fate) {
        let rule = Rule { begins: begins.to_owned(), holds: holds.to_owned(), times, fate };
        self.plan.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }

    /// Whether every fate that was planned came.
    pub(crate) fn is_done(&self) -> bool {
        self.plan.rules.lock().unwrap_or_else(PoisonError::into_inner).iter().all(|rule| rule.times == 0)
    }

    /// The heads of all requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.plan.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Plan {
    fn fate(&self, head: &str) -> Option<Fate> {
        let line = head.lines().next().unwrap_or_default();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter_mut().find(|r| r.times > 0 && line.starts_with(&r.begins) && line.contains(&r.holds))?;
        rule.times -= 1;
        Some(rule.fate)
    }
}

/// One request and its answer; then the connection ends.
async fn carry(mut client: TcpStream, server: u16, plan: &Plan) -> Result<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    plan.heads.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
    let length =
        text.to_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let length = length.unwrap_or(0);
    let fate = plan.fate(&text);
    let mut body = vec![0; if fate == Some(Fate::CutRequest) { length / 2 } else { length }];
    client.read_exact(&mut body).await?;
    let said = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
    };
    match fate {
        Some(Fate::CutRequest) => return Ok(()),
        Some(Fate::SlowDown) => {
            let busy = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
            return Ok(client.write_all(said("503 Slow Down", busy).as_bytes()).await?);
        }
        Some(Fate::Deny) => {
            let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
            return Ok(client.write_all(said("403 Forbidden", denied).as_bytes()).await?);
        }
        Some(Fate::Answer(body)) => return Ok(client.write_all(said("200 OK", body).as_bytes()).await?),
        Some(Fate::LoseAnswer | Fate::CutAnswer) | None => {}
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", server)).await?;
    // the server must not wait for a second request on this connection
    let end = head.len() - 2;
    upstream.write_all(&head[..end]).await?;
    upstream.write_all(b"Connection: close\r\n\r\n").await?;
    upstream.write_all(&body).await?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer).await?;
    match fate {
        Some(Fate::LoseAnswer) => return Ok(()),
        Some(Fate::CutAnswer) => {
            let start = memchr::memmem::find(&answer, b"\r\n\r\n").context("no head")? + 4;
            answer.truncate(start + (answer.len() - start) / 2);
        }
        _ => {}
    }
    Ok(client.write_all(&answer).await?)
}
