//! The local Supabase itself: what stands in for the SQL transports answers from the real database
//! under the right role, other PostgreSQL versions start, and the data sets are what they say.

mod data;
mod management;
mod meta;
mod versions;

use std::collections::HashMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::support::Stack;

/// What came back over HTTP.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Value,
}

impl Answer {
    /// The text of a refusal.
    fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// One request; a body makes it a POST.
fn ask(url: &str, headers: &[&str], body: Option<&Value>) -> Result<Answer> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-i", "--http1.1", url]);
    for header in headers {
        curl.args(["-H", header]);
    }
    if let Some(body) = body {
        curl.args(["-H", "content-type: application/json", "--data-binary", &body.to_string()]);
    }
    let output = curl.stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let (head, body) = text.split_once("\r\n\r\n").context("an answer without an end of its headers")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?.parse()?;
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned()));
    Ok(Answer { status, headers: headers.collect(), body: serde_json::from_str(body).unwrap_or(Value::Null) })
}

/// A request to the project's part of the Management API.
fn manage(stack: &Stack, token: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
    let url = format!("{}/v1/projects/{}{path}", stack.get("STACK_MANAGEMENT_URL"), stack.get("SUPABASE_PROJECT_REF"));
    ask(&url, &[&format!("authorization: Bearer {token}")], body)
}

/// SQL through the Management API with the full token.
fn query(stack: &Stack, sql: &str) -> Result<Answer> {
    manage(stack, stack.get("SUPABASE_ACCESS_TOKEN"), "/database/query", Some(&json!({ "query": sql })))
}

/// SQL through postgres-meta.
fn meta_query(stack: &Stack, key: &str, sql: &str) -> Result<Answer> {
    let url = format!("{}/pg/query", stack.get("SUPABASE_URL"));
    let header = format!("apikey: {key}");
    let headers: &[&str] = if key.is_empty() { &[] } else { &[&header] };
    ask(&url, headers, Some(&json!({ "query": sql })))
}
