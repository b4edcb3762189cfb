//! The real postgres-meta behind `/pg`, and the Management API's stand-in held against it.

use anyhow::{Result, ensure};
use serde_json::json;

use super::{meta_query, query};
use crate::support::Stack;

/// Values of which node-postgres and postgres-meta make something of their own.
const VALUES: &str = r#"
    SELECT 1::int2 AS a, 9007199254740991 AS b, 9007199254740993 AS c, 1.50::numeric AS d, 'NaN'::float8 AS e,
           1.0::float8 AS f, 0.1::float4 AS g, true AS h, '\x00ff'::bytea AS i, 'a'::"char" AS j, 7::oid AS k,
           '{"z": 1, "a": [1.0, 12345678901234567890, 1e2, null, "\u00e4"]}'::jsonb AS l, '[1, {"b": 2}]'::json AS m,
           date '2026-11-23' AS n, timestamp '2026-11-23 01:02:03.456' AS o, interval '1 day 2 hours' AS p2,
           point '(1,2)' AS q, circle '<(1,2),3>' AS r, int4range(1, 5) AS s, '10.0.0.1/8'::inet AS t,
           ARRAY[1, NULL, 3] AS u, ARRAY['a,b', 'c"d', NULL, 'NULL', ''] AS v, ARRAY[[1, 2], [3, 4]] AS w,
           '[0:1]={1,2}'::int4[] AS x, ARRAY[1.5, 2]::numeric[] AS y, ARRAY[9007199254740993] AS z,
           ARRAY['2026-11-23'::date] AS aa, ARRAY['{"k": 1}'::jsonb] AS bb, ARRAY[true, false] AS cc,
           ARRAY['a'::"char"] AS dd, ROW(1, 'x') AS ee, '<a/>'::xml AS ff, 'a b'::tsvector AS gg,
           'f0000000-0000-0000-0000-000000000000'::uuid AS hh, NULL AS ii, 'first' AS twice, 'second' AS twice"#;

#[test]
fn postgres_meta_serves_the_service_key_alone() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "management,meta"])?;
    for key in ["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY_LEGACY"] {
        let answer = meta_query(&stack, stack.get(key), "SELECT current_user, 1 AS one")?;
        assert_eq!((answer.status, answer.body), (200, json!([{ "current_user": "postgres", "one": 1 }])));
    }
    for (key, status) in [
        (stack.get("SUPABASE_PUBLISHABLE_KEY"), 403),
        (stack.get("SUPABASE_ANON_KEY"), 403),
        ("sb_secret_wrong", 401),
        (stack.get("SUPABASE_ACCESS_TOKEN"), 401),
        ("", 401),
    ] {
        let refused = meta_query(&stack, key, "SELECT 1")?;
        ensure!(refused.status == status, "{} instead of {status}: {}", refused.status, refused.body);
    }
    let failed = meta_query(&stack, stack.get("SUPABASE_SECRET_KEY"), "SELECT * FROM nowhere")?;
    assert_eq!((failed.status, failed.body["code"].as_str()), (400, Some("42P01")));

    // the stand-in for the Management API, which is postgres-meta on the hosted service, says the same
    let secret = stack.get("SUPABASE_SECRET_KEY");
    for sql in [VALUES, "SELECT 1 AS a; SELECT 2 AS b WHERE false; SELECT 3 AS c", "SELECT 1 WHERE false", "-- nothing"]
    {
        let (real, ours) = (meta_query(&stack, secret, sql)?.body, query(&stack, sql)?.body);
        ensure!(real == ours, "postgres-meta: {real:#}\nstand-in: {ours:#}");
    }
    for sql in [
        "SELECT\n  nowhere",
        "SELECT 1/0",
        "DO $$ BEGIN RAISE 'x' USING HINT = 'h', DETAIL = 'd'; END $$",
        "SELECT 'ä', nowhere",
    ] {
        let real = meta_query(&stack, secret, sql)?.body["formattedError"].as_str().unwrap_or_default().to_owned();
        assert_eq!(query(&stack, sql)?.message(), format!("Failed to run sql query: {real}"));
    }

    // faults and the record reach it as well
    stack.start_log()?;
    stack.faults(&json!([{ "id": "gone", "path": "/pg/", "action": { "kind": "status", "status": 502 } }]))?;
    assert_eq!(meta_query(&stack, secret, "SELECT 1")?.status, 502);
    assert_eq!(stack.log()?.len(), 1);
    Ok(())
}

#[test]
fn a_stack_serves_the_transports_it_was_asked_for() -> Result<()> {
    let stack = Stack::up(&["--data", "none", "--sql", "none"])?;
    assert_eq!(meta_query(&stack, stack.get("SUPABASE_SECRET_KEY"), "SELECT 1")?.status, 404);
    assert_eq!(stack.get("SUPABASE_ACCESS_TOKEN"), "");
    let url = format!("{}/v1/projects/{}", stack.get("SUPABASE_URL"), stack.get("SUPABASE_PROJECT_REF"));
    assert_eq!(super::ask(&url, &["authorization: Bearer sbp_x"], None)?.status, 404);
    Ok(())
}
