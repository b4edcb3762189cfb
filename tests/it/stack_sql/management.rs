//! The stand-in for the Management API.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::{ask, manage, query};
use crate::support::Stack;

const WHO: &str = "SELECT current_user, current_setting('transaction_read_only') AS read_only";

#[test]
fn sql_runs_under_the_role_of_the_endpoint() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    let token = stack.get("SUPABASE_ACCESS_TOKEN");
    let reader = json!([{ "current_user": "supabase_read_only_user", "read_only": "on" }]);

    let writing = query(&stack, WHO)?;
    assert_eq!((writing.status, writing.body), (201, json!([{ "current_user": "postgres", "read_only": "off" }])));
    let body = json!({ "query": WHO, "read_only": true });
    let asked = manage(&stack, token, "/database/query", Some(&body))?;
    assert_eq!((asked.status, asked.body), (201, reader.clone()));
    let reading = manage(&stack, token, "/database/query/read-only", Some(&json!({ "query": WHO })))?;
    assert_eq!((reading.status, reading.body), (201, reader));

    // a write is refused where it is promised, and works where it is not
    let write = "CREATE TABLE public.written (id int)";
    for (path, body) in [
        ("/database/query", json!({ "query": write, "read_only": true })),
        ("/database/query/read-only", json!({ "query": write })),
    ] {
        let refused = manage(&stack, token, path, Some(&body))?;
        assert_eq!(refused.status, 400);
        assert_eq!(
            refused.message(),
            "Failed to run sql query: ERROR:  25006: cannot execute CREATE TABLE in a read-only transaction\n"
        );
    }
    assert_eq!(
        (query(&stack, write)?.status, stack.sql("SELECT to_regclass('public.written')")?.trim()),
        (201, "written")
    );
    Ok(())
}

#[test]
fn answers_have_the_form_of_the_service() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    let last = query(&stack, "SELECT 1 AS a; SELECT 2 AS b UNION ALL SELECT 3; CREATE TABLE public.t (id int)")?;
    assert_eq!((last.status, last.body), (201, json!([{ "b": 2 }, { "b": 3 }])));
    assert_eq!(query(&stack, "CREATE VIEW public.v AS SELECT 1")?.body, json!([]));

    let wrong = query(&stack, "SELECT 1;\nSELECT * FROM nowhere")?;
    assert_eq!(wrong.status, 400);
    assert_eq!(
        wrong.message(),
        "Failed to run sql query: ERROR:  42P01: relation \"nowhere\" does not exist\n\
         LINE 2: SELECT * FROM nowhere\n                      ^\n"
    );

    // several statements are one transaction
    assert_eq!(query(&stack, "CREATE TABLE public.gone (id int); SELECT 1/0")?.status, 400);
    assert_eq!(stack.sql("SELECT to_regclass('public.gone') IS NULL")?.trim(), "t");

    let token = stack.get("SUPABASE_ACCESS_TOKEN");
    let body = json!({ "query": "SELECT $1::int + 1 AS n, $2::text[] AS t", "parameters": [41, ["a\"b", null]] });
    let answer = manage(&stack, token, "/database/query", Some(&body))?;
    assert_eq!((answer.status, answer.body), (201, json!([{ "n": 42, "t": ["a\"b", null] }])));
    assert_eq!(manage(&stack, token, "/database/query", Some(&json!({ "sql": "SELECT 1" })))?.status, 400);
    Ok(())
}

#[test]
fn tokens_may_what_they_may() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    let [full, read, none] =
        ["SUPABASE_ACCESS_TOKEN", "STACK_TOKEN_READ", "STACK_TOKEN_NONE"].map(|key| stack.get(key));
    let select = json!({ "query": "SELECT 1" });
    let select_only = json!({ "query": "SELECT 1", "read_only": true });
    let unknown = format!("sbp_{}", "0".repeat(40));
    for (path, body, statuses) in [
        ("/database/query", Some(&select), [201, 403, 403, 401, 401]),
        ("/database/query", Some(&select_only), [201, 201, 403, 401, 401]),
        ("/database/query/read-only", Some(&select), [201, 201, 403, 401, 401]),
        ("", None, [200, 403, 200, 401, 401]),
        ("/postgrest", None, [200, 403, 200, 401, 401]),
        ("/api-keys", None, [200, 403, 403, 401, 401]),
        ("/nowhere", None, [404, 404, 404, 401, 401]),
    ] {
        for (token, status) in [full, read, none, &unknown, ""].into_iter().zip(statuses) {
            let answer = manage(&stack, token, path, body)?;
            ensure!(answer.status == status, "{path} is {} instead of {status}: {}", answer.status, answer.body);
        }
    }
    let other = format!("{}/v1/projects/{}", stack.get("STACK_MANAGEMENT_URL"), "a".repeat(20));
    assert_eq!(ask(&other, &[&format!("authorization: Bearer {full}")], None)?.status, 404);
    Ok(())
}

#[test]
fn the_project_is_described_as_it_is() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--max-rows", "77", "--schemas", "public"])?;
    let token = stack.get("SUPABASE_ACCESS_TOKEN");
    let expected = json!({
        "db_schema": "public", "max_rows": 77, "db_extra_search_path": "public,extensions", "db_pool": 10
    });
    assert_eq!(manage(&stack, token, "/postgrest", None)?.body, expected);
    stack.script("set", &["max_rows", "78"])?;
    assert_eq!(manage(&stack, token, "/postgrest", None)?.body["max_rows"], 78);

    let project = manage(&stack, token, "", None)?.body;
    assert_eq!(project["status"], "ACTIVE_HEALTHY");
    assert_eq!(project["ref"], stack.get("SUPABASE_PROJECT_REF"));
    let version = stack.sql("SHOW server_version_num")?;
    let major = version.get(..2).unwrap_or_default();
    assert_eq!(project["database"]["postgres_engine"], major);

    let keys = manage(&stack, token, "/api-keys?reveal=true", None)?.body;
    assert_eq!(keys[3]["api_key"], stack.get("SUPABASE_SECRET_KEY"));
    let hidden = manage(&stack, token, "/api-keys", None)?.body;
    assert_ne!(hidden[3]["api_key"], stack.get("SUPABASE_SECRET_KEY"));
    Ok(())
}

#[test]
fn requests_beyond_the_limit_are_refused_until_the_window_is_over() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    let first = query(&stack, "SELECT 1")?;
    assert_eq!(first.header("x-ratelimit-limit"), "120");
    assert_eq!(first.header("x-ratelimit-remaining"), "119");
    let reset: u64 = first.header("x-ratelimit-reset").parse()?;
    assert!((55..=60).contains(&reset), "{reset}");

    stack.control("PUT", "/management", r#"{"requests": 2, "window_ms": 2000, "query_timeout_ms": 60000}"#)?;
    let statuses: Vec<u16> = (0..3).map(|_| Ok(query(&stack, "SELECT 1")?.status)).collect::<Result<_>>()?;
    assert_eq!(statuses, [201, 201, 429]);
    let refused = query(&stack, "SELECT 1")?;
    assert_eq!(refused.message(), "ThrottlerException: Too Many Requests");
    assert_eq!(refused.header("x-ratelimit-remaining"), "0");
    // every endpoint has its own window
    let token = stack.get("SUPABASE_ACCESS_TOKEN");
    let select = json!({ "query": "SELECT 1" });
    assert_eq!(manage(&stack, token, "/database/query/read-only", Some(&select))?.status, 201);
    // and it is open again when the header says so
    sleep(Duration::from_secs(refused.header("x-ratelimit-reset").parse()?));
    assert_eq!(query(&stack, "SELECT 1")?.status, 201);
    Ok(())
}

#[test]
fn faults_time_limits_and_the_record_reach_the_management_api() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    stack.start_log()?;
    stack.faults(&json!([
        { "id": "busy", "path": "/database/query", "action": { "kind": "status", "status": 503 } },
        { "id": "other", "path": "/database/query", "action": { "kind": "replace", "from": "true", "to": "false" } },
    ]))?;
    assert_eq!(query(&stack, "SELECT 1")?.status, 503);
    assert_eq!(query(&stack, "SELECT true AS yes")?.body, json!([{ "yes": false }]));
    assert_eq!(stack.faults_hit()?, [1, 1]);
    let log: Vec<(String, u16)> = stack.log()?.into_iter().map(|entry| (entry.target, entry.status)).collect();
    let target = format!("/v1/projects/{}/database/query", stack.get("SUPABASE_PROJECT_REF"));
    assert_eq!(log, [(target.clone(), 503), (target, 201)]);

    stack.control("PUT", "/management", r#"{"requests": 120, "window_ms": 60000, "query_timeout_ms": 200}"#)?;
    let slow = query(&stack, "SELECT pg_sleep(5)")?;
    assert_eq!((slow.status, slow.message()), (400, "Failed to run sql query: Query read timeout"));
    Ok(())
}
