//! Whole databases into empty copies of themselves.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{differ, empty, no_rate_limit, plan, prints, project_name, report, restart_sequences, restore, table};
use crate::support::{Run, Stack};

/// Everything that the Data API can write of the torture database is the same afterwards; all else was
/// named before anything was written, with the reason.
#[test]
fn torture_over_the_data_api() -> Result<()> {
    let stack = Stack::up(&["--data", "torture", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    // with its definition, so that triggers are known
    Run::new(&["backup"]).on(&stack).store(store.path()).expect(0)?;
    let before = prints(&stack)?;
    empty(&stack)?;
    restart_sequences(&stack)?;
    // a secret key alone
    let arguments = ["--mode", "into-empty", "--keep-going", "--sql=none"];
    let plan = plan(&stack, store.path(), &arguments, 3)?;
    let ran = restore(&stack, store.path(), &arguments).args(&["--json"]).expect(3)?;
    let report = report(&ran)?;
    ensure!(report["complete"] == false, "{}", report["complete"]);
    let named: Vec<String> =
        plan["tables"].as_array().into_iter().flatten().filter(|t| is_named(t)).map(name).collect();
    let differ = differ(&before, &prints(&stack)?);
    // filled by a trigger of t_touched, which the plan names
    let unnamed: Vec<&String> = differ.iter().filter(|n| !named.contains(n) && *n != "public.t_audit").collect();
    ensure!(unnamed.is_empty(), "not the same, and nobody said so: {unnamed:?}\nnamed: {named:?}");
    // no more than what is known to be out of its reach
    let unexpected: Vec<&String> = differ.iter().filter(|n| !OUT_OF_REACH.contains(&n.as_str())).collect();
    ensure!(unexpected.is_empty(), "{unexpected:?} should be the same\n{}", ran.stderr);
    // and afterwards the report says of each table whether it is the same
    for of in report["tables"].as_array().into_iter().flatten() {
        let (name, is_equal) = (name(of), &of["is_equal"]);
        ensure!(*is_equal == !differ.contains(&name) || is_equal.is_null(), "{name}: {is_equal}");
    }
    Ok(())
}

/// What a request of the Data API cannot write: JSON null, identity ALWAYS, NUL in json, rows that a trigger
/// or an unvalidated check refuses, circles of NOT NULL keys, and what triggers change.
const OUT_OF_REACH: [&str; 17] = [
    "public.\"..\"",
    "public.fk_defer_a",
    "public.fk_defer_b",
    "public.g_identity_always",
    "public.g_not_valid",
    "public.ht_json",
    "public.ht_udt",
    "public.k_jsonb",
    "public.r_col_grant",
    "public.r_no_grant",
    "public.r_readonly",
    "public.t_audit",
    "public.t_reject",
    "public.t_stamp",
    "public.t_swallow",
    "public.t_touched",
    "auth.users",
];

/// Whether the plan says that a table may not come back whole.
fn is_named(table: &Value) -> bool {
    let findings = table["findings"].as_array().cloned().unwrap_or_default();
    let is_loud = |f: &Value| matches!(f["severity"].as_str(), Some("error" | "warning"));
    findings.iter().any(is_loud) || table["counts"]["refused"] != 0
}

/// As PostgreSQL quotes it.
fn name(of: &Value) -> String {
    let quoted = |name: &Value| {
        let name = name.as_str().unwrap_or_default();
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && !["select", "user"].contains(&name);
        if plain && !name.is_empty() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    };
    format!("{}.{}", quoted(&of["target"]["schema"]), quoted(&of["target"]["name"]))
}

/// Through SQL, into a project that has nothing yet: definitions, rows, keys, and every table is the same.
#[test]
fn torture_through_sql_into_an_empty_project() -> Result<()> {
    let source = Stack::up(&["--data", "torture", "--sql", "management"])?;
    no_rate_limit(&source)?;
    let store = tempfile::tempdir()?;
    let on = |arguments: &[&str], stack: &Stack| {
        Run::new(arguments).on(stack).store(store.path()).token(stack, "SUPABASE_ACCESS_TOKEN")
    };
    on(&["backup"], &source).expect(0)?;
    let before = prints(&source)?;
    let target = Stack::up(&["--data", "none", "--sql", "management"])?;
    no_rate_limit(&target)?;
    let (from, to) = (project_name(&source), project_name(&target));
    let ran = on(&["restore", "latest", "--project", &from, "--json", "--confirm", &to], &target).go()?;
    let differ = differ(&before, &prints(&target)?);
    ensure!(differ.is_empty(), "{differ:?}\n{}", ran.stderr);
    ensure!(ran.code == 0, "{}\n{}", ran.stderr, ran.stdout);
    Ok(())
}

/// Through SQL, into the same tables emptied: all but the row that an unvalidated check refuses.
#[test]
fn torture_through_sql() -> Result<()> {
    let stack = Stack::up(&["--data", "torture", "--sql", "management"])?;
    no_rate_limit(&stack)?;
    let store = tempfile::tempdir()?;
    let run =
        |arguments: &[&str]| Run::new(arguments).on(&stack).store(store.path()).token(&stack, "SUPABASE_ACCESS_TOKEN");
    run(&["backup"]).expect(0)?;
    let before = prints(&stack)?;
    empty(&stack)?;
    restart_sequences(&stack)?;
    let name = project_name(&stack);
    let ran = run(&["restore", "--mode", "into-empty", "--keep-going", "--json", "--confirm", &name]).expect(3)?;
    let differ = differ(&before, &prints(&stack)?);
    ensure!(differ == ["public.g_not_valid"], "{differ:?}\n{}", ran.stderr);
    let done = report(&ran)?;
    let refused = &table(&done["tables"], "public.g_not_valid")?["refused"];
    ensure!(refused.as_array().is_some_and(|rows| !rows.is_empty()), "{refused}");
    Ok(())
}

#[test]
fn the_sample_project_and_real_public_data() -> Result<()> {
    for data in ["sample", "vega"] {
        let stack = Stack::up(&["--data", data, "--sql", "meta"])?;
        for through in ["sql", "api"] {
            if data == "sample" && through == "api" {
                a_trigger_is_named(&stack)?;
                stack.sql("DROP TRIGGER set_updated_at ON public.voice_sessions")?;
            }
            comes_back(&stack, through).with_context(|| format!("{data} through {through}"))?;
        }
    }
    Ok(())
}

fn comes_back(stack: &Stack, through: &str) -> Result<()> {
    let store = tempfile::tempdir()?;
    Run::new(&["backup"]).on(stack).store(store.path()).expect(0)?;
    let before = prints(stack)?;
    empty(stack)?;
    restart_sequences(stack)?;
    let arguments = ["--mode", "into-empty", "--resume", "--through", through];
    let mut ran = restore(stack, store.path(), &arguments).args(&["--json"]).go()?;
    let differ = differ(&before, &prints(stack)?);
    ensure!(differ.is_empty(), "{differ:?}\n{}", ran.stderr);
    let mut done = report(&ran)?;
    let left = done["sequences"].as_array().cloned().unwrap_or_default();
    if through == "api" && !left.is_empty() {
        // what the Data API cannot move is printed, and the exit code says so
        ensure!(ran.code == 3, "{}", ran.stdout);
        for sequence in &left {
            stack.sql(sequence["sql"].as_str().unwrap_or_default())?;
        }
        ran = restore(stack, store.path(), &arguments).args(&["--json"]).go()?;
        done = report(&ran)?;
    }
    ensure!(ran.code == 0 && done["complete"] == true, "{}\n{}", ran.stderr, ran.stdout);
    for of in done["tables"].as_array().into_iter().flatten() {
        ensure!(of["is_equal"] == true, "{of}");
    }
    Ok(())
}

/// Over the Data API triggers fire: the plan names them before, and the report every row that they changed.
fn a_trigger_is_named(stack: &Stack) -> Result<()> {
    let store = tempfile::tempdir()?;
    Run::new(&["backup"]).on(stack).store(store.path()).expect(0)?;
    let before = prints(stack)?;
    empty(stack)?;
    let arguments = ["--mode", "into-empty", "--through", "api"];
    let preview = plan(stack, store.path(), &arguments, 0)?;
    let sessions = |tables: &Value| table(tables, "public.voice_sessions").cloned();
    ensure!(sessions(&preview["tables"])?["triggers"] == serde_json::json!(["set_updated_at"]), "{preview}");
    let ran = restore(stack, store.path(), &arguments).args(&["--json"]).expect(3)?;
    ensure!(differ(&before, &prints(stack)?) == ["public.voice_sessions"]);
    let sessions = sessions(&report(&ran)?["tables"])?;
    let differences = sessions["differences"].as_array().cloned().unwrap_or_default();
    ensure!(differences.len() == 287 && sessions["is_equal"] == false, "{sessions}");
    ensure!(differences.iter().all(|d| d["what"] == "differs in column \"updated_at\""), "{}", differences[0]);
    Ok(())
}
