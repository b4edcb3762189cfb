//! On a real project: what happens to it is seen, each thing for what it is.

use anyhow::{Result, bail, ensure};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{copy_back, message, report, serious};
use crate::support::{Run, Stack};

/// A stack that was backed up yesterday and just now, and both were read back.
struct Ward {
    stack: Stack,
    store: tempfile::TempDir,
}

impl Ward {
    fn open(sql: bool) -> Result<Self> {
        let stack = Stack::up(&["--data", "sample"])?;
        let ward = Self { stack, store: tempfile::tempdir()? };
        ward.run("backup", sql).expect(0)?;
        ward.run("verify", sql).expect(0)?;
        copy_back(ward.store.path(), TimeDelta::hours(25))?;
        copy_back(ward.store.path(), TimeDelta::days(7))?;
        Ok(ward)
    }

    fn run(&self, command: &str, sql: bool) -> Run {
        let run = Run::new(&[command]).on(&self.stack).store(self.store.path());
        if sql { run.token(&self.stack, "SUPABASE_ACCESS_TOKEN") } else { run }
    }

    fn sql(&self, sql: &str) -> Result<()> {
        self.stack.sql(&format!("SET ROLE postgres; {sql}; NOTIFY pgrst, 'reload schema'")).map(drop)
    }

    /// Looks until the API has learned of a change of the schema.
    fn until(&self, sql: bool, is_seen: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        for _ in 0..40 {
            last = serde_json::from_str(&self.run("monitor", sql).args(&["--json"]).go()?.stdout)?;
            if is_seen(&last) {
                return Ok(last);
            }
        }
        bail!("it was not seen: {last:#}")
    }
}

#[test]
fn what_happens_to_a_project_is_seen() -> Result<()> {
    let ward = Ward::open(true)?;
    let found = report(ward.run("monitor", true), 0)?;
    ensure!(serious(&found).is_empty(), "{found:#}");
    ensure!(found["rows"].as_u64() >= Some(1071) && found["database_bytes"].as_u64() > Some(1_000_000), "{found}");
    ensure!(found["tables"].as_array().is_some_and(|all| all.iter().all(|t| t["is_live"] == true)), "{found}");
    let blind = found["findings"].as_array().into_iter().flatten().filter(|f| f["code"] == "not-checked").count();
    ensure!(blind == 0, "with a token everything can be looked at: {found}");

    // grown, by more than the least number of rows
    ward.sql(
        "INSERT INTO public.voice_sessions (user_id, topic, level) SELECT user_id, topic, level FROM public.voice_sessions",
    )?;
    let found = report(ward.run("monitor", true), 0)?;
    let expected = [
        "warning daily-growth all tables",
        "warning daily-growth public.voice_sessions",
        "warning weekly-growth public.voice_sessions",
    ];
    ensure!(serious(&found) == expected, "{found:#}");
    let text = ward.run("monitor", true).expect(0)?.stdout;
    let line = text.lines().find(|line| line.starts_with("public.voice_sessions ")).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    ensure!(words == ["public.voice_sessions", "574", "+96.0", "%", "+100.0", "%", "-", "look"], "{text}");

    // emptied
    ward.sql("TRUNCATE public.manual_assessments")?;
    let found = report(ward.run("monitor", true), 4)?;
    ensure!(serious(&found).contains(&"error table-emptied public.manual_assessments".to_owned()), "{found:#}");

    // without SQL, what the Data API never showed is not gone: it is unseen
    let found = report(ward.run("monitor", false), 4)?;
    ensure!(!serious(&found).iter().any(|told| told.contains("auth.users")), "{found:#}");
    ensure!(message(&found, "blind-spot").contains("auth.users"), "{found:#}");

    // another schema: a column, a policy, a table, and a grant that is taken away
    ward.sql(
        "ALTER TABLE public.profiles ADD COLUMN nick text; ALTER TABLE public.profiles DROP COLUMN goals;
         CREATE POLICY watched ON public.profiles FOR SELECT TO authenticated USING (true);
         CREATE TABLE public.late (id int PRIMARY KEY); GRANT ALL ON public.late TO service_role;
         REVOKE ALL ON public.user_roles FROM service_role",
    )?;
    let is_told = |report: &Value| {
        !message(report, "table-without-grant").is_empty() && !message(report, "schema-changed").is_empty()
    };
    let found = ward.until(true, is_told)?;
    let drift = message(&found, "schema-changed");
    for part in [
        "+ column public.profiles.nick (text)",
        "- column public.profiles.goals",
        "+ table public.late",
        "+ CREATE POLICY",
    ] {
        ensure!(drift.contains(part), "{part}: {drift}");
    }
    ensure!(serious(&found).contains(&"warning table-in-no-snapshot public.late".to_owned()), "{found:#}");
    ensure!(message(&found, "table-without-grant").contains("backups read it through SQL"), "{found:#}");
    Ok(())
}

#[test]
fn the_secret_key_alone_sees_less_and_says_so() -> Result<()> {
    let ward = Ward::open(false)?;
    let found = report(ward.run("monitor", false), 0)?;
    ensure!(serious(&found).is_empty() && !message(&found, "blind-spot").is_empty(), "{found:#}");
    ensure!(message(&found, "not-checked").contains("how large the database is shows through SQL"), "{found:#}");
    // nothing but questions was asked
    ward.stack.control("PUT", "/log", "")?;
    ward.stack.control("DELETE", "/log", "")?;
    ward.run("monitor", false).expect(0)?;
    let log: Vec<Value> = serde_json::from_str(&ward.stack.control("GET", "/log", "")?)?;
    let reads = |request: &Value| request["method"] == "GET" || request["target"] == "/pg/query";
    ensure!((5..40).contains(&log.len()) && log.iter().all(reads), "{log:?}");

    // a grant that is gone is a table that is gone, and the hint says how to have it back
    ward.sql("REVOKE ALL ON public.user_roles FROM service_role")?;
    let found = ward.until(false, |report| {
        !message(report, "table-lost").is_empty() || !message(report, "unreadable").is_empty()
    })?;
    let hints: String = found["findings"].to_string();
    ensure!(found["worst"] == "error" && hints.contains("public.user_roles"), "{found:#}");
    ensure!(hints.contains(r#"GRANT SELECT ON TABLE \"public\".\"user_roles\" TO service_role"#), "{found:#}");

    // paused
    let fault = json!([{ "id": "x", "path": "", "times": -1, "action": {"kind": "status", "status": 540} }]);
    ward.stack.faults(&fault)?;
    let found = report(ward.run("monitor", false), 4)?;
    ensure!(serious(&found)[0] == "error paused project", "{found:#}");
    ensure!(found["tables"].as_array().is_some_and(|all| all.iter().all(|t| t["is_live"] == false)), "{found}");
    ward.stack.no_faults()?;

    // a key that the project does not know
    let found =
        report(ward.run("monitor", false).env("SUPABASE_SECRET_KEY", "sb_secret_wrongwrongwrongwrongwr_wrongwro"), 4)?;
    ensure!(serious(&found)[0] == "error unreachable project", "{found:#}");
    // one that cannot serve
    let found = report(ward.run("monitor", false).env("SUPABASE_SECRET_KEY", ward.stack.get("SUPABASE_ANON_KEY")), 4)?;
    ensure!(serious(&found).iter().any(|told| told == "error key key"), "{found:#}");
    Ok(())
}
