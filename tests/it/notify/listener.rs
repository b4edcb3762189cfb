//! A small server that keeps what it is sent.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result};
use serde_json::Value;

/// The part of its address that nobody else may know.
pub(super) const SECRET: &str = "3e9d72c5-sentinel-channel-41ab";

/// A message that came in.
pub(super) struct Heard {
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Heard {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| String::from_utf8_lossy(&self.body).into_owned())
    }
}

pub(super) struct Listener {
    port: u16,
    heard: Receiver<Heard>,
}

impl Listener {
    /// Answers with these, one after another, the last one for ever: a status line, and headers behind it.
    pub(super) fn answering(answers: &[&str]) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let mut answers: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
        let (tell, heard) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                let hear = || -> Result<Heard> {
                    let mut reader = BufReader::new(stream?);
                    let (mut first, mut headers, mut length) = (String::new(), Vec::new(), 0);
                    reader.read_line(&mut first)?;
                    loop {
                        let mut line = String::new();
                        reader.read_line(&mut line)?;
                        let Some((name, value)) = line.trim().split_once(':') else { break };
                        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
                        if name == "content-length" {
                            length = value.parse()?;
                        }
                        headers.push((name, value));
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body)?;
                    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    reader.into_inner().write_all(answer.as_bytes())?;
                    Ok(Heard { path: first.split(' ').nth(1).unwrap_or("").to_owned(), headers, body })
                };
                if let Ok(heard) = hear() {
                    let _ = tell.send(heard);
                }
            }
        });
        Ok(Self { port, heard })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/services/{SECRET}", self.port)
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.try_iter().collect()
    }

    /// The next message, which has to come.
    pub(super) fn next(&self) -> Result<Heard> {
        self.heard.recv_timeout(std::time::Duration::from_secs(60)).context("no message came")
    }
}
