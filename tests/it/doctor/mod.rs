//! `doctor` before a real project: what is fine, what is wrong, and what each wrong thing is called.

mod key;
mod tables;
mod way;

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::support::run::Ran;
use crate::support::{Run, Stack};

/// One stack for the cases that only look at it.
struct Clinic {
    stack: Stack,
    store: tempfile::TempDir,
}

impl Clinic {
    fn open(options: &[&str]) -> Result<Self> {
        Ok(Self { stack: Stack::up(options)?, store: tempfile::tempdir()? })
    }

    fn doctor(&self) -> Run {
        Run::new(&["doctor"]).on(&self.stack).store(self.store.path())
    }

    /// With another key than the stack's secret one.
    fn with_key(&self, key: &str) -> Run {
        self.doctor().env("SUPABASE_SECRET_KEY", key)
    }

    /// Ends with this exit code, repeats no key, and leaves nothing in the store.
    fn expect(&self, run: Run, code: i32) -> Result<Ran> {
        let ran = run.expect(code)?;
        let keys = ["SUPABASE_SECRET_KEY", "SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"];
        for key in keys.into_iter().chain(["SUPABASE_SERVICE_ROLE_KEY_LEGACY"]) {
            let key = self.stack.get(key);
            ensure!(!key.is_empty() && !ran.stdout.contains(key) && !ran.stderr.contains(key), "a key got out");
        }
        ensure!(std::fs::read_dir(self.store.path())?.next().is_none(), "the store is not empty");
        Ok(ran)
    }

    fn expect_said(&self, run: Run, code: i32, sentences: &[&str]) -> Result<String> {
        let ran = self.expect(run, code)?;
        for sentence in sentences {
            ensure!(ran.stdout.contains(sentence), "{sentence:?} was not said:\n{}", ran.stdout);
        }
        Ok(ran.stdout)
    }

    fn fault(&self, path: &str, times: i64, action: Value) -> Result<()> {
        self.stack.faults(&json!([{ "id": "x", "path": path, "times": times, "action": action }]))
    }

    fn no_fault(&self) -> Result<()> {
        ensure!(self.stack.faults_hit()?.iter().all(|&hit| hit > 0), "a planned fault was not hit");
        self.stack.faults(&json!([]))
    }
}

/// How many lines have this mark.
fn marked(text: &str, mark: char) -> usize {
    text.lines().filter(|line| line.starts_with(mark)).count()
}

#[test]
fn a_healthy_project_passes_with_either_kind_of_key_and_is_only_read() -> Result<()> {
    let clinic = Clinic::open(&[])?;
    clinic.stack.control("PUT", "/log", "")?;
    for (run, key) in [
        (clinic.doctor(), "✓ The key is a secret key (sb_secret_…), and the API accepts it."),
        (
            clinic.with_key(clinic.stack.get("SUPABASE_SERVICE_ROLE_KEY_LEGACY")),
            "✓ The key is a legacy service_role key, valid until 2100-01-01, and the API accepts it.",
        ),
    ] {
        let text = clinic.expect_said(
            run,
            0,
            &[
                key,
                "✓ The API answers in ",
                "✓ This machine's clock agrees with the server's.",
                "✓ The API exposes 2 schemas: public and graphql_public.",
                "✓ The API is PostgREST 12.",
                "✓ The key reads 5 tables: 1,071 rows, about 1.7 MiB as text.",
                "✓ The server's row limit (max_rows) does not show: the largest table has only 782 rows.",
                "✓ Reading by physical address (ctid) works",
                "✓ Floating-point numbers come with all their digits.",
                "! Tables without a grant to service_role, and schemas that the API does not expose, are invisible",
                "✓ Snapshots go to ",
                "✓ No snapshot of this project is there yet.",
                "\nA backup can run, 1 thing worth a look; next: supabackup backup\n",
            ],
        )?;
        ensure!(marked(&text, '✗') == 0 && marked(&text, '!') == 1 && marked(&text, '-') == 0, "{text}");
    }
    let log: Vec<Value> = serde_json::from_str(&clinic.stack.control("GET", "/log", "")?)?;
    // but for the question whether there is a postgres-meta, which asks to read
    let reads = |request: &Value| request["method"] == "GET" || request["target"] == "/pg/query";
    ensure!(log.len() > 20 && log.iter().all(reads), "{log:?}");

    // the row limit shows as soon as a table has more rows than that
    clinic.stack.script("set", &["max_rows", "100"])?;
    clinic.expect_said(clinic.doctor(), 0, &["! One answer holds 100 rows at most (max_rows)"])?;
    // quiet: only what needs a person
    let quiet = clinic.expect(Run::new(&["doctor", "--quiet"]).on(&clinic.stack).store(clinic.store.path()), 0)?;
    ensure!(marked(&quiet.stdout, '✓') == 0 && marked(&quiet.stdout, '!') == 2, "{}", quiet.stdout);

    // with a snapshot there, its age is told
    let other = tempfile::tempdir()?;
    Run::new(&["backup"]).on(&clinic.stack).store(other.path()).expect(0)?;
    let said = "there is 1 snapshot of this project, the newest from";
    let ran = clinic.doctor().store(other.path()).expect(0)?;
    ensure!(ran.stdout.to_lowercase().contains(said), "{}", ran.stdout);
    Ok(())
}

#[test]
fn a_store_that_cannot_be_written_to_is_told_apart_from_the_project() -> Result<()> {
    let clinic = Clinic::open(&[])?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way")?;
    let run = clinic.doctor().store(&file.join("backups"));
    let text = clinic.expect_said(run, 4, &["✗ Snapshots cannot be written to ", "✓ The key reads 5 tables"])?;
    ensure!(marked(&text, '✗') == 1 && text.contains("Not a directory"), "{text}");
    ensure!(std::fs::read_dir(directory.path())?.count() == 1, "something was left behind");
    // one that does not exist yet is no obstacle, and is not made
    let new = directory.path().join("a/b");
    clinic.expect_said(clinic.doctor().store(&new), 0, &["✓ Snapshots go to "])?;
    ensure!(!Path::exists(&directory.path().join("a")), "the store was made");
    Ok(())
}

#[test]
fn a_key_that_sees_nothing_is_an_error() -> Result<()> {
    let clinic = Clinic::open(&["--data", "none"])?;
    let sentences = ["✗ The key sees no table at all: there is nothing to back up.", "GRANT SELECT ON ALL TABLES"];
    clinic.expect_said(clinic.doctor(), 4, &sentences)?;
    Ok(())
}
