//! Answers that break off, lie, refuse, come late, or never.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use supabackup::model::Manifest;

use super::{ROWS, SESSIONS, answer, rule, run_and_judge, sample, spoiled};
use crate::support::honest::{Ended, Truth};
use crate::support::run::snapshots;
use crate::support::{Run, Stack};

/// The true answer to a page of rows: how many rows it has, and its body.
fn true_page(stack: &Stack, target: &str) -> Result<(usize, String)> {
    let url = format!("{}{target}", stack.get("SUPABASE_URL"));
    let key = format!("apikey: {}", stack.get("SUPABASE_SECRET_KEY"));
    let output = Command::new("curl").args(["-sS", "-g", "-H", &key, &url]).output()?;
    let body = String::from_utf8(output.stdout)?;
    Ok((body.matches("{\"ctid\"").count(), body))
}

/// The page without its last row, closed as if it were whole, with a `Content-Range` of `said` rows.
fn shortened(body: &str, said: usize) -> Result<Value> {
    let last = body.rfind("{\"ctid\"").context("a page without rows")?;
    let rows = body[..last].trim_end().strip_suffix(',').context("a page of one row")?;
    let headers = json!({"content-range": format!("0-{}/{said}", said - 1)});
    Ok(json!({"kind": "status", "status": 200, "headers": headers, "body": format!("{rows}]")}))
}

#[test]
fn answers_that_break_off_are_asked_for_again() -> Result<()> {
    let (stack, truth) = sample()?;
    let faults = [
        json!({"kind": "cut", "after": 0}),
        json!({"kind": "cut", "after": 1000}),
        json!({"kind": "cut", "after": 60_000}),
        json!({"kind": "close"}),
        json!({"kind": "truncate", "after": 0}),
        json!({"kind": "truncate", "after": 1}),
        json!({"kind": "truncate", "fraction": 0.5}),
        // all but the closing bracket
        json!({"kind": "truncate", "fraction": 0.999_99}),
        json!({"kind": "delay", "ms": 300}),
    ];
    let rules: Vec<Value> =
        faults.iter().enumerate().map(|(i, fault)| rule(ROWS, 1 + 2 * i, 1, fault.clone())).collect();
    let (_, manifest) = spoiled(&stack, &truth, &rules, &[])?.complete()?;
    ensure!(manifest.totals.rows == 1071 && manifest.consistency.moment.is_some());
    Ok(())
}

/// A page that ends early and looks whole: only counting its rows tells. One that says so of itself
/// is found by the pass that looks at every row again.
#[test]
fn a_page_with_fewer_rows_than_it_should_have_is_never_believed() -> Result<()> {
    let (stack, truth) = sample()?;
    stack.start_log()?;
    spoiled(&stack, &truth, &[], &[])?.complete()?;
    let log = stack.log()?;
    let request =
        log.iter().find(|r| r.target.contains(SESSIONS) && r.target.contains("ctid=lt")).context("no window")?;
    let (rows, body) = true_page(&stack, &request.target)?;
    ensure!(rows > 10, "{rows} rows in {}", request.target);
    spoiled(&stack, &truth, &[rule(&request.target, 0, 1, shortened(&body, rows)?)], &[])?.complete()?;
    spoiled(&stack, &truth, &[rule(&request.target, 0, 1, shortened(&body, rows - 1)?)], &[])?.complete()?;
    let (_, manifest) = spoiled(&stack, &truth, &[rule(&request.target, 0, -1, shortened(&body, rows)?)], &[])?
        .missing(&["table public.voice_sessions"])?;
    ensure!(manifest.totals.tables == 4);
    Ok(())
}

/// No row seems to change, and the rows are not as many as are counted: that is not a busy table.
#[test]
fn a_table_whose_rows_never_add_up_to_its_count_is_named_as_missing() -> Result<()> {
    let (stack, truth) = sample()?;
    let empty = json!({"kind": "status", "status": 200, "headers": {"content-range": "*/0"}, "body": "[]"});
    stack.faults(&json!([rule("ctid=lt.", 0, -1, empty)]))?;
    let ended = run_and_judge(&truth, Run::new(&["backup", "--include", "voice_sessions"]).on(&stack))?;
    ensure!(!matches!(ended, Ended::Complete(..)));
    Ok(())
}

#[test]
fn every_passing_refusal_of_a_gateway_is_waited_out() -> Result<()> {
    let (stack, truth) = sample()?;
    let statuses = [429, 500, 502, 503, 504, 520, 521, 522, 524, 544, 408];
    let rules: Vec<Value> = statuses
        .iter()
        .enumerate()
        .map(|(i, &status)| rule("", 1 + 4 * i, 1, answer(status, "<html>later</html>")))
        .collect();
    spoiled(&stack, &truth, &rules, &[])?.complete()?;
    // PostgREST's own: no connection, no schema cache, no connection of the pool, a deadlock, and a
    // connection that the database ended under a statement, which has no code at all
    let codes = [
        (503, "PGRST000"),
        (503, "PGRST001"),
        (503, "PGRST002"),
        (504, "PGRST003"),
        (500, "40001"),
        (500, "40P01"),
        (500, "55P03"),
        (400, ""),
    ];
    let body = |code: &str| format!(r#"{{"code":"{code}","details":null,"hint":null,"message":"made up"}}"#);
    let rules: Vec<Value> = codes
        .iter()
        .enumerate()
        .map(|(i, &(status, code))| rule("", 2 + 5 * i, 1, answer(status, &body(code))))
        .collect();
    spoiled(&stack, &truth, &rules, &[])?.complete()?;
    Ok(())
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() -> Result<()> {
    let (stack, truth) = sample()?;
    let pause = json!({"kind": "status", "status": 429, "headers": {"retry-after": "1"}, "body": "{}"});
    let rules =
        [rule(SESSIONS, 0, 1, pause.clone()), rule("graphql", 0, 0, pause.clone()), rule("/profiles?", 0, 2, pause)];
    stack.start_log()?;
    stack.faults(&json!([rules[0], rules[2]]))?;
    run_and_judge(&truth, Run::new(&["backup"]).on(&stack))?.complete()?;
    ensure!(stack.faults_hit()? == [1, 2]);
    stack.no_faults()?;
    let log = stack.log()?;
    for refused in log.iter().filter(|r| r.status == 429) {
        let again =
            log.iter().find(|r| r.target == refused.target && r.at_ms > refused.at_ms).context("not asked again")?;
        let waited = again.at_ms - refused.at_ms;
        ensure!((1000.0..2500.0).contains(&waited), "asked again after {waited} ms");
    }
    Ok(())
}

/// One table is missing. Where the project seemed to be gone, the others could not be checked, and
/// that is said of each.
fn only_the_sessions_are_lost(ended: Ended) -> Result<Manifest> {
    let Ended::Incomplete(_, manifest) = ended else { bail!("{ended:?}") };
    let lost: Vec<&str> =
        manifest.missing.iter().map(|m| m.subject.as_str()).filter(|s| s.starts_with("table ")).collect();
    ensure!(lost == ["table public.voice_sessions"] && manifest.totals.tables == 4, "{:?}", manifest.missing);
    Ok(*manifest)
}

#[test]
fn a_table_that_never_comes_through_is_named_and_the_others_are_there() -> Result<()> {
    let (stack, truth) = sample()?;
    let faults = [
        json!({"kind": "cut", "after": 1000}),
        json!({"kind": "close"}),
        json!({"kind": "truncate", "fraction": 0.5}),
        answer(429, "slow down"),
        answer(500, "<html>no</html>"),
        answer(503, "<html>no</html>"),
        answer(520, "<html>no</html>"),
        answer(500, r#"{"code":"57014","message":"canceling statement due to statement timeout"}"#),
        answer(500, r#"{"code":"XX001","message":"could not read block 3 in file \"base/5/16543\""}"#),
        answer(403, r#"{"code":"42501","message":"permission denied for table voice_sessions"}"#),
        answer(200, "<html>welcome to the hotel</html>"),
        answer(200, r#"{"swagger":"2.0","definitions":{},"paths":{}}"#),
        answer(302, ""),
    ];
    let quick = [("SUPABACKUP_RETRIES", "1"), ("SUPABACKUP_RETRY_DELAY", "1ms")];
    for fault in faults {
        let what = fault.to_string();
        let ended = spoiled(&stack, &truth, &[rule(SESSIONS, 0, -1, fault)], &quick)?;
        only_the_sessions_are_lost(ended).with_context(|| what)?;
    }
    Ok(())
}

#[test]
fn a_paused_project_says_so() -> Result<()> {
    let (stack, truth) = sample()?;
    let paused = answer(540, r#"{"message":"project paused"}"#);
    spoiled(&stack, &truth, &[rule("", 0, -1, paused.clone())], &[])?.nothing("error: the project is paused")?;
    // it is paused while it is read: what was read is kept, and marked
    let ended = spoiled(&stack, &truth, &[rule(SESSIONS, 1, -1, paused.clone()), rule(ROWS, 0, 0, paused)][..1], &[])?;
    let Ended::Incomplete(_, manifest) = ended else { bail!("{ended:?}") };
    ensure!(
        manifest.missing[0].subject == "table public.voice_sessions" && manifest.missing[0].reason.contains("paused")
    );
    Ok(())
}

#[test]
fn a_key_that_is_revoked_during_the_run_leaves_a_marked_snapshot_or_none() -> Result<()> {
    let (stack, truth) = sample()?;
    let revoked = answer(401, r#"{"message":"Invalid API key","hint":"Double check your API key."}"#);
    spoiled(&stack, &truth, &[rule("", 0, -1, revoked.clone())], &[])?.nothing("the API refuses the key")?;
    // nothing was read yet; something was; everything was
    spoiled(&stack, &truth, &[rule(ROWS, 0, -1, revoked.clone())], &[])?.nothing("the API refuses the key")?;
    let ended = spoiled(&stack, &truth, &[rule(SESSIONS, 1, -1, revoked)], &[])?;
    let Ended::Incomplete(_, manifest) = ended else { bail!("{ended:?}") };
    ensure!(manifest.missing[0].subject == "table public.voice_sessions", "{:?}", manifest.missing);
    Ok(())
}

#[test]
fn an_answer_that_never_comes_is_given_up() -> Result<()> {
    let (stack, truth) = sample()?;
    let hang = json!({"kind": "hang"});
    let limits = [("SUPABACKUP_REQUEST_TIMEOUT", "1s"), ("SUPABACKUP_RETRIES", "1")];
    spoiled(&stack, &truth, &[rule(SESSIONS, 1, 1, hang.clone()), rule("/profiles?", 0, 1, hang.clone())], &limits)?
        .complete()?;
    let begun = Instant::now();
    let ended = spoiled(&stack, &truth, &[rule(SESSIONS, 0, -1, hang.clone())], &limits)?;
    let manifest = only_the_sessions_are_lost(ended)?;
    ensure!(manifest.missing[0].reason.contains("took too long"), "{:?}", manifest.missing);
    spoiled(&stack, &truth, &[rule("", 0, -1, hang)], &limits)?.nothing("took too long")?;
    ensure!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    Ok(())
}

#[test]
fn nothing_listens_there() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    for url in [format!("http://127.0.0.1:{port}"), "https://no-such-host.invalid".to_owned()] {
        let run = Run::new(&["backup"]).env("SUPABASE_URL", &url).env("SUPABASE_SECRET_KEY", "sb_secret_none");
        let ran = run.env("SUPABACKUP_RETRY_DELAY", "1ms").store(directory.path()).expect(1)?;
        ensure!(
            ran.stderr.contains(&format!("error: reading from {url}")) && ran.stderr.contains("hint: "),
            "{}",
            ran.stderr
        );
        ensure!(std::fs::read_dir(directory.path())?.next().is_none());
    }
    Ok(())
}

#[test]
fn https_with_a_private_authority_works_and_without_it_is_refused() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--tls"])?;
    let truth = Truth::of(&stack)?;
    let rules = [rule(ROWS, 1, 1, json!({"kind": "cut", "after": 1000})), rule(ROWS, 3, 1, json!({"kind": "close"}))];
    spoiled(&stack, &truth, &rules, &[("SSL_CERT_FILE", stack.get("STACK_CA_FILE"))])?.complete()?;
    let ended = run_and_judge(&truth, Run::new(&["backup"]).on(&stack).env("SUPABACKUP_RETRIES", "1"))?;
    ended.nothing("certificate")
}

/// Names and messages come from the project; they must not speak for the program.
#[test]
fn what_a_server_says_cannot_forge_a_line() -> Result<()> {
    let (stack, truth) = sample()?;
    let body = json!({"code": "XX000", "message": "no\nerror: forged\r\u{1b}[2Jcomplete: all is well\u{202e}", "hint": "x\nhint: forged"}).to_string();
    for path in ["", SESSIONS] {
        let directory = tempfile::tempdir()?;
        stack.faults(&json!([rule(path, 0, -1, answer(500, &body))]))?;
        for arguments in [&["backup", "--dry-run"][..], &["backup"]] {
            let ran = Run::new(arguments).on(&stack).store(directory.path()).go()?;
            let text = format!("{}{}", ran.stdout, ran.stderr);
            ensure!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
            ensure!(
                !text.lines().any(|l| l.starts_with("error: forged")
                    || l.starts_with("complete: all is")
                    || l.trim_start().starts_with("hint: forged")),
                "{text}"
            );
            if arguments.len() == 1 {
                truth.judge(directory.path(), &ran)?;
            }
        }
        for snapshot in snapshots(directory.path())? {
            for file in ["RECOVERY.md", "report.md", "report.html"] {
                let text = std::fs::read_to_string(snapshot.join(file))?;
                ensure!(
                    !text.contains('\u{1b}')
                        && !text.lines().any(|l| l.starts_with("error: forged") || l.starts_with("hint: forged")),
                    "{file}: {text}"
                );
            }
        }
    }
    Ok(())
}
