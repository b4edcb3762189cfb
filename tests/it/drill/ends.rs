//! How a drill ends that does not run to its end, and who may see what of it.

use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{PASSWORD, Plain, found, silent};
use crate::support::run::finished;
use crate::support::{Run, Stack};

fn signal(child: &Child, name: &str) -> Result<()> {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status()?;
    ensure!(status.success(), "{name} cannot be sent");
    Ok(())
}

/// A drill that has made its database.
fn under_way(plain: &Plain<'_>, store: &std::path::Path) -> Result<Child> {
    let mut child = plain.drill(store, &[]).start()?;
    while plain.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'supabackup%'")?.trim() == "0" {
        ensure!(child.try_wait()?.is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(child)
}

/// The command lines of all processes.
fn command_lines() -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let bytes = std::fs::read(entry?.path().join("cmdline")).unwrap_or_default();
        all.push(String::from_utf8_lossy(&bytes).replace('\0', " "));
    }
    Ok(all)
}

#[test]
fn a_drill_that_is_stopped_or_killed_leaves_nothing_for_long_and_shows_no_password() -> Result<()> {
    let stack = Stack::up(&["--data", "vega"])?;
    let (directory, plain) = (tempfile::tempdir()?, Plain::of(&stack)?);
    plain.back_up(directory.path(), &[])?;

    let child = under_way(&plain, directory.path())?;
    signal(&child, "TERM")?;
    let ran = finished(child)?;
    ensure!(ran.code == 1 && ran.stderr.contains("stopped by SIGTERM"), "{ran:?}");
    ensure!(plain.left()?.trim().is_empty(), "left: {}", plain.left()?);

    let child = under_way(&plain, directory.path())?;
    signal(&child, "KILL")?;
    let _ = finished(child)?;
    let left = plain.sql("SELECT datname FROM pg_database WHERE datname LIKE 'supabackup%'")?;
    ensure!(left.trim().len() == 25, "{left}");

    // the next one drops it; nobody sees the password meanwhile
    let mut child = plain.drill(directory.path(), &["--json"]).start()?;
    let mut seen = false;
    while child.try_wait()?.is_none() {
        let lines = command_lines()?;
        seen |= lines.iter().any(|line| line.contains("psql") && line.contains("VERBOSITY"));
        ensure!(lines.iter().all(|line| !line.contains(&plain.password)), "a command line holds the password");
        std::thread::sleep(Duration::from_millis(10));
    }
    let ran = finished(child)?;
    silent(&ran)?;
    ensure!(ran.code == 0 && seen, "{ran:?}");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout)?;
    ensure!(found(&report, "leftover").len() == 1 && report["result"] == "proven", "{report:#}");
    ensure!(plain.left()?.trim().is_empty(), "left: {}", plain.left()?);

    // one that is kept stays, whatever comes later
    let ran = plain.drill(directory.path(), &["--keep"]).expect(0)?;
    ensure!(ran.stdout.contains("kept") && ran.stdout.contains("DROP DATABASE supabackup_drill_"), "{}", ran.stdout);
    plain.drill(directory.path(), &[]).expect(0)?;
    let kept = plain.sql("SELECT datname FROM pg_database WHERE datname LIKE 'supabackup%'")?;
    ensure!(kept.trim().len() == 25 && ran.stdout.contains(kept.trim()), "{kept}");
    Ok(())
}

#[test]
fn a_drill_that_cannot_begin_says_why_and_repeats_no_password() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (directory, plain) = (tempfile::tempdir()?, Plain::of(&stack)?);
    plain.back_up(directory.path(), &[])?;
    let typed = plain.url();
    let server = format!("postgres://postgres@{}/postgres", plain.host);
    let wrong = format!("postgres://postgres:{PASSWORD}-not@{}/postgres", plain.host);
    let nowhere = format!("postgres://postgres:{PASSWORD}@127.0.0.1:9/postgres");
    let odd = format!("mysql://postgres:{PASSWORD}@{}", plain.host);
    let verify = |flags: &[&str], variables: &[(&str, &str)]| -> Result<crate::support::run::Ran> {
        let arguments: Vec<&str> = ["verify"].iter().chain(flags).copied().collect();
        let run = Run::new(&arguments).store(directory.path());
        let ran = variables.iter().fold(run, |run, (key, value)| run.env(key, value)).go()?;
        silent(&ran)?;
        Ok(ran)
    };
    for (flags, variables, code, told) in [
        (&["--restore-into", &*typed][..], &[][..], 2, "SUPABACKUP_RESTORE_INTO"),
        (&["--restore-into", &*odd], &[], 2, "is not the address of a PostgreSQL server"),
        (&["--keep"], &[], 2, "--keep"),
        (&["--all"], &[("SUPABACKUP_RESTORE_INTO", &*typed)], 2, "--all"),
        (&[], &[("SUPABACKUP_RESTORE_INTO", &*wrong)], 1, "password authentication failed"),
        (&[], &[("SUPABACKUP_RESTORE_INTO", &*nowhere)], 1, "127.0.0.1:9"),
        (&[], &[("SUPABACKUP_RESTORE_INTO", &*typed), ("PATH", "/nowhere")], 1, "install PostgreSQL's client"),
        (&["20200101T000000Z-0000"], &[("SUPABACKUP_RESTORE_INTO", &*typed)], 1, "holds no such snapshot"),
    ] {
        let ran = verify(flags, variables)?;
        ensure!(ran.code == code && ran.stderr.contains(told), "{told}: {ran:?}");
    }
    // the address may be typed, with the password beside it
    let ran = verify(&["--restore-into", &server], &[("PGPASSWORD", plain.password.as_str())])?;
    ensure!(ran.code == 0 && ran.stdout.contains("restores"), "{ran:?}");
    // a mistyped flag is not repeated with what follows it
    verify(&["--restore", &typed], &[])?;
    verify(&[&typed], &[])?;
    ensure!(plain.left()?.trim().is_empty(), "left: {}", plain.left()?);
    Ok(())
}
