//! What supabackup comes in: the action, the image, and the workflows, held to the code, read by the linters
//! that people trust, and run.

mod action;
mod expression;
mod lint;
mod policy;
mod release;
mod runner;
mod stories;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(file: &str) -> Result<String> {
    std::fs::read_to_string(root().join(file)).with_context(|| file.to_owned())
}

/// A YAML file of the repository, or elsewhere by its whole path.
pub(crate) fn yaml(file: &str) -> Result<Value> {
    serde_yaml_ng::from_str(&read(file)?).with_context(|| file.to_owned())
}

/// A scalar as the runner takes it: a text.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
