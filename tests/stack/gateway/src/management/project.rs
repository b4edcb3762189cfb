//! What is known about the project beside its rows.

use std::fs;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{Answer, refusal, wire::Session};
use crate::config::{Config, Managed};

/// `GET /v1/projects/{ref}`: healthy when the database answers.
pub(crate) async fn project(managed: &Managed) -> Answer {
    let version = version(managed).await;
    let reference = &managed.project_ref;
    let answer = json!({
        "id": reference,
        "ref": reference,
        "organization_id": "localstack",
        "organization_slug": "localstack",
        "name": "local stack",
        "region": "eu-central-1",
        "status": if version.is_some() { "ACTIVE_HEALTHY" } else { "ACTIVE_UNHEALTHY" },
        "created_at": "2026-01-01T00:00:00.000000Z",
        "database": {
            "host": format!("db.{reference}.supabase.co"),
            "version": version,
            "postgres_engine": version.as_deref().and_then(|version| version.split('.').next()),
            "release_channel": "ga",
        },
    });
    (StatusCode::OK, answer)
}

/// `GET /v1/projects/{ref}/health`: the services that are asked about are well when the database answers.
pub(crate) async fn health(managed: &Managed, query: &str) -> Answer {
    let services: Vec<&str> = query.split('&').filter_map(|pair| pair.strip_prefix("services=")).collect();
    if services.is_empty() {
        return refusal(StatusCode::BAD_REQUEST, "services: Required");
    }
    let is_well = version(managed).await.is_some();
    let service = |name: &&str| match is_well {
        true => json!({ "name": name, "status": "ACTIVE_HEALTHY" }),
        false => json!({ "name": name, "status": "UNHEALTHY", "error": "the database does not answer" }),
    };
    (StatusCode::OK, services.iter().map(service).collect())
}

/// PostgreSQL's own word for its version, without the packager's.
async fn version(managed: &Managed) -> Option<String> {
    let mut session = Session::open(&managed.postgres, "postgres").await.ok()?;
    let tables = session.simple("SHOW server_version").await.ok()?;
    let value = tables.first()?.rows.first()?.first()?.as_ref()?;
    Some(String::from_utf8_lossy(value).split(' ').next()?.to_owned())
}

/// `GET /v1/projects/{ref}/postgrest`, from the file that PostgREST itself reads.
pub(crate) fn postgrest(managed: &Managed) -> Answer {
    let Ok(text) = fs::read_to_string(&managed.postgrest_conf) else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "Failed to get project's PostgREST config");
    };
    let setting = |name: &str| -> Option<Value> {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='))?.trim();
        Some(match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
            Some(text) => text.into(),
            None => serde_json::from_str(value).ok()?,
        })
    };
    let answer = json!({
        "db_schema": setting("db-schemas"),
        "max_rows": setting("db-max-rows"),
        "db_extra_search_path": setting("db-extra-search-path"),
        "db_pool": setting("db-pool"),
    });
    (StatusCode::OK, answer)
}

/// The project's four keys, for `GET …/api-keys`.
pub(crate) struct Keys {
    /// Name, type, key.
    keys: [(&'static str, &'static str, String); 4],
}

impl Keys {
    /// Takes them from the configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            keys: [
                ("anon", "legacy", config.anon_jwt.clone()),
                ("service_role", "legacy", config.service_jwt.clone()),
                ("default", "publishable", config.publishable_key.clone()),
                ("default", "secret", config.secret_key.clone()),
            ],
        }
    }

    /// The list; secret keys are whole only with `reveal`.
    pub(crate) fn list(&self, reveal: bool) -> Value {
        let entry = |(name, kind, key): &(&str, &str, String)| {
            let shown = match *kind {
                "secret" if !reveal => key.chars().take("sb_secret_".len() + 5).chain("·".repeat(20).chars()).collect(),
                _ => key.clone(),
            };
            json!({ "name": name, "type": kind, "id": format!("{kind}-{name}"), "api_key": shown })
        };
        self.keys.iter().map(entry).collect()
    }
}
