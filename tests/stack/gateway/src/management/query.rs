//! SQL from a request to its answer.

use std::time::Duration;

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    Answer, refusal, values,
    wire::{Failure, ServerError, Session, Table},
};

/// The gateway's time limit on the hosted service.
const GATEWAY_TIMEOUT: u16 = 544;

/// The body of a request.
#[derive(Deserialize)]
pub(crate) struct Asked {
    query: String,
    #[serde(default)]
    parameters: Option<Vec<Value>>,
    #[serde(default)]
    pub(crate) read_only: bool,
}

impl Asked {
    /// Reads the body; `read_only` says that the address allows nothing else.
    pub(crate) fn parse(body: &[u8], read_only: bool) -> Result<Self, String> {
        let mut asked: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if asked.query.is_empty() {
            return Err("query: String must contain at least 1 character(s)".to_owned());
        }
        asked.read_only |= read_only;
        Ok(asked)
    }

    /// Runs it under the right role and gives the rows of the last statement that has any.
    pub(crate) async fn run(&self, postgres: &str, timeout_ms: u64) -> Answer {
        let tables = match timeout(Duration::from_millis(timeout_ms), self.tables(postgres)).await {
            Ok(Ok(tables)) => tables,
            Ok(Err(Failure::Database(error))) => {
                return failed(StatusCode::BAD_REQUEST, &described(&error, &self.query));
            }
            Ok(Err(Failure::Connection(error))) => {
                let status = StatusCode::from_u16(GATEWAY_TIMEOUT).unwrap_or(StatusCode::BAD_GATEWAY);
                return failed(status, &format!("Connection terminated: {error}"));
            }
            Err(_) => return failed(StatusCode::BAD_REQUEST, "Query read timeout"),
        };
        let rows = tables.iter().rev().find(|table| !table.rows.is_empty()).map(values::objects);
        (StatusCode::CREATED, Value::Array(rows.unwrap_or_default()))
    }

    async fn tables(&self, postgres: &str) -> Result<Vec<Table>, Failure> {
        // the reader's transactions are read-only by a setting of the role
        let role = if self.read_only { "supabase_read_only_user" } else { "postgres" };
        let mut session = Session::open(postgres, role).await?;
        match &self.parameters {
            None => session.simple(&self.query).await,
            Some(parameters) => {
                let values: Vec<Option<String>> = parameters.iter().map(values::parameter).collect();
                session.extended(&self.query, &values).await
            }
        }
    }
}

fn failed(status: StatusCode, text: &str) -> Answer {
    refusal(status, &format!("Failed to run sql query: {text}"))
}

/// An error as postgres-meta words it, which is nearly as psql does.
fn described(error: &ServerError, sql: &str) -> String {
    let mut text = format!("{}:  {}: {}\n", error.severity, error.code, error.message);
    if let Some(position) = error.position {
        let mut offset = position.saturating_sub(1);
        for (number, line) in (1..).zip(sql.split('\n')) {
            let length = line.chars().count();
            if offset < length {
                let label = format!("LINE {number}: ");
                text += &format!("{label}{line}\n{}^\n", " ".repeat(label.len() + offset));
                break;
            }
            offset = offset.saturating_sub(length + 1);
        }
    }
    let more = [
        ("DETAIL", &error.detail),
        ("HINT", &error.hint),
        ("QUERY", &error.internal_query),
        ("CONTEXT", &error.context),
    ];
    for (label, value) in more {
        if let Some(value) = value {
            text += &format!("{label}:  {value}\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_points_at_its_place() {
        let error = ServerError {
            severity: "ERROR".into(),
            code: "42P01".into(),
            message: "relation \"x\" does not exist".into(),
            position: Some(17),
            hint: Some("None.".into()),
            ..ServerError::default()
        };
        let text = described(&error, "SELECT 1;\n FROM x");
        assert_eq!(
            text,
            "ERROR:  42P01: relation \"x\" does not exist\nLINE 2:  FROM x\n              ^\nHINT:  None.\n"
        );
    }
}
