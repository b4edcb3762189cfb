//! A small server that is told when a run starts, succeeds and fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, ensure};

use super::{at, codes, report, run, today};
use crate::support::run::Ran;
use crate::support::{Run, Stack};

/// The part of the address that nobody else may know.
const SECRET: &str = "5b7e1c2a-sentinel-heartbeat-0f9d";

/// What a monitor was told: method and path, and the body.
struct Monitor {
    port: u16,
    told: Receiver<(String, String)>,
}

impl Monitor {
    /// Answers every request with this status. It goes with the tests.
    fn answering(status: &'static str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let heard = || -> Result<(String, String)> {
                    let mut reader = BufReader::new(stream?);
                    let (mut first, mut length) = (String::new(), 0);
                    reader.read_line(&mut first)?;
                    loop {
                        let mut line = String::new();
                        reader.read_line(&mut line)?;
                        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                            length = value.trim().parse()?;
                        }
                        if line.trim().is_empty() {
                            break;
                        }
                    }
                    let mut body = vec![0; length];
                    reader.read_exact(&mut body)?;
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK");
                    reader.into_inner().write_all(answer.as_bytes())?;
                    let target = first.rsplit_once(' ').map_or("", |(target, _)| target).to_owned();
                    Ok((target, String::from_utf8(body)?))
                };
                if let Ok(heard) = heard() {
                    let _ = tell.send(heard);
                }
            }
        });
        Ok(Self { port, told })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/ping/{SECRET}", self.port)
    }

    fn heard(&self) -> Vec<(String, String)> {
        self.told.try_iter().collect()
    }
}

fn keeps_the_secret(ran: &Ran) -> Result<()> {
    ensure!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET), "{ran:?}");
    ensure!(!ran.stdout.contains(&SECRET[9..]) && !ran.stderr.contains(&SECRET[9..]), "{ran:?}");
    Ok(())
}

#[test]
fn a_monitor_is_told_of_the_start_and_of_success_and_failure() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    let monitor = Monitor::answering("200 OK")?;
    let told = |run: Run| run.env("SUPABACKUP_HEARTBEAT_URL", monitor.url());
    let ping = |rest: &str| format!("POST /ping/{SECRET}{rest}");

    let ran = told(run(&stack, store.path(), base)).expect(0)?;
    keeps_the_secret(&ran)?;
    let heard = monitor.heard();
    let targets: Vec<&str> = heard.iter().map(|(target, _)| target.as_str()).collect();
    ensure!(targets == [ping("/start"), ping("")], "{heard:?}");
    ensure!(heard[0].1 == "supabackup run of samplestackprojectre: starts\n", "{heard:?}");
    let note = &heard[1].1;
    ensure!(note.contains("done (exit code 0)\nsnapshot ") && note.contains("rows of"), "{note}");

    // no snapshot at all, a store that failed, a project that is frozen: none of them is a success
    let wrong = told(run(&stack, store.path(), at(base, 1, 0)))
        .env("SUPABASE_SECRET_KEY", "sb_secret_wrongWRONGwrongWRONGwr_00000000");
    // most tables are gone, for all that it sees
    let few = ["--include", "user_roles"];
    let two = format!("{},/proc/nowhere", store.path().display());
    for (run, code, said) in [
        (wrong, 1, "failed (exit code 1)"),
        (told(run(&stack, store.path(), at(base, 1, 0))).env("SUPABACKUP_STORE", two), 3, "incomplete (exit code 3)"),
        (told(run(&stack, store.path(), at(base, 2, 0)).args(&few)), 4, "findings (exit code 4)"),
    ] {
        let ran = run.expect(code)?;
        keeps_the_secret(&ran)?;
        let heard = monitor.heard();
        ensure!(heard.len() == 2 && heard[0].0 == ping("/start") && heard[1].0 == ping("/fail"), "{code}: {heard:?}");
        ensure!(heard[1].1.contains(said), "{said}: {heard:?}");
    }
    // other ways of telling
    let kuma = format!("http://127.0.0.1:{}/api/push/{SECRET}?status=up&msg=OK&ping=", monitor.port);
    run(&stack, store.path(), at(base, 3, 0)).args(&few).env("SUPABACKUP_HEARTBEAT_URL", kuma).go()?;
    let heard = monitor.heard();
    ensure!(
        heard.len() == 1 && heard[0].0.starts_with(&format!("GET /api/push/{SECRET}?status=down&msg=")),
        "{heard:?}"
    );
    told(run(&stack, store.path(), at(base, 4, 0)).args(&few).args(&["--heartbeat", "plain"])).go()?;
    ensure!(monitor.heard().is_empty(), "a failure was told to a monitor that knows successes only");
    // a dry run tells nobody, and so does a backup
    told(run(&stack, store.path(), at(base, 5, 0)).args(&["-n"])).go()?;
    told(Run::new(&["backup"]).on(&stack).store(store.path())).expect(0)?;
    ensure!(monitor.heard().is_empty());
    Ok(())
}

#[test]
fn a_monitor_that_cannot_be_told_is_a_warning_and_no_failure() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (store, reports) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let base = today();
    let refusing = Monitor::answering("404 Not Found")?;
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let nobody = format!("http://127.0.0.1:{free}/{SECRET}");
    for (n, (url, why)) in
        [(nobody, "no connection"), (refusing.url(), "it answered with status 404")].into_iter().enumerate()
    {
        let run = run(&stack, store.path(), at(base, i64::try_from(n)?, 0)).env("SUPABACKUP_HEARTBEAT_URL", url);
        let ran = run.env("SUPABACKUP_REPORT_DIR", reports.path()).args(&["--json"]).expect(0)?;
        keeps_the_secret(&ran)?;
        let told = report(&ran)?;
        ensure!(codes(&told) == ["heartbeat", "heartbeat"] && told["state"] == "done", "{told:#}");
        let message = told["findings"][0]["message"].as_str().context("no message")?;
        ensure!(message.contains(why), "{message}");
        let written = std::fs::read_to_string(reports.path().join("run.md"))?;
        ensure!(written.contains("that the run succeeded"), "{written}");
    }
    for file in super::files(store.path())?.into_iter().chain(super::files(reports.path())?) {
        let bytes = std::fs::read(&file)?;
        ensure!(memchr::memmem::find(&bytes, &SECRET.as_bytes()[9..]).is_none(), "{} holds it", file.display());
    }
    // quiet, it is said nevertheless
    let ran = run(&stack, store.path(), at(base, 3, 0)).env("SUPABACKUP_HEARTBEAT_URL", refusing.url()).args(&["-q"]);
    ensure!(ran.expect(0)?.stdout.contains("warning [heartbeat]"));
    // what is wrong with it is told at once, and not repeated
    for wrong in [format!("ftp://x/{SECRET}"), format!("http://example.com/{SECRET}"), SECRET.to_owned()] {
        let ran = run(&stack, store.path(), at(base, 4, 0)).env("SUPABACKUP_HEARTBEAT_URL", wrong).expect(2)?;
        ensure!(ran.stderr.contains("SUPABACKUP_HEARTBEAT_URL: "), "{}", ran.stderr);
        keeps_the_secret(&ran)?;
    }
    Ok(())
}
