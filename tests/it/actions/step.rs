//! Annotations, summary and outputs of real steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::support::run::Ran;
use crate::support::runner::{Command, Runner, outputs};
use crate::support::{Run, Stack};

/// The files that a runner makes for a step, and its workspace.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Result<Self> {
        let files = Self(tempfile::tempdir()?);
        fs::create_dir(files.workspace())?;
        for name in ["summary", "output"] {
            fs::write(files.0.path().join(name), "")?;
        }
        Ok(files)
    }

    fn workspace(&self) -> std::path::PathBuf {
        self.0.path().join("workspace")
    }

    fn step(&self, run: Run) -> Run {
        run.env("GITHUB_ACTIONS", "true")
            .env("CI", "true")
            .env("GITHUB_STEP_SUMMARY", self.0.path().join("summary"))
            .env("GITHUB_OUTPUT", self.0.path().join("output"))
            .env("GITHUB_WORKSPACE", self.workspace())
            .inside(&self.workspace())
    }

    fn summary(&self) -> Result<String> {
        Ok(fs::read_to_string(self.0.path().join("summary"))?)
    }

    fn outputs(&self) -> Result<BTreeMap<String, String>> {
        outputs(&fs::read_to_string(self.0.path().join("output"))?)
    }
}

/// The annotations of a step, as `kind title: message`; stdout has none.
fn annotations(ran: &Ran) -> Result<Vec<String>> {
    ensure!(Runner::new().read(&ran.stdout).is_empty(), "{}", ran.stdout);
    let text = |command: Command| {
        format!("{} {}: {}", command.name, command.properties.get("title").map_or("", String::as_str), command.data)
    };
    Ok(Runner::new().read(&ran.stderr).into_iter().map(text).collect())
}

/// A small project: so many tables with three rows each.
fn project(tables: usize) -> Result<Stack> {
    let stack = Stack::up(&["--data", "none"])?;
    for n in 0..tables {
        stack.sql(&format!(
            "CREATE TABLE public.t{n} (id int PRIMARY KEY); INSERT INTO public.t{n} VALUES (1), (2), (3)"
        ))?;
    }
    stack.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role")?;
    stack.script("restart-postgrest", &[])?;
    Ok(stack)
}

fn on(stack: &Stack, store: &Path, command: &[&str]) -> Run {
    Run::new(command).on(stack).store(store)
}

/// What Mermaid's grammar for `xychart-beta` takes, and nothing else.
fn is_chart(text: &str) -> bool {
    let quoted = |text: &str| {
        text.len() > 2 && text.starts_with('"') && text.ends_with('"') && !text[1..text.len() - 1].contains('"')
    };
    let number = |text: &str| {
        text.strip_prefix('-').unwrap_or(text).parse::<f64>().is_ok() && !text.contains(['e', 'E', 'n', 'N'])
    };
    let axis = |text: &str| {
        text.rsplit_once("\" ").is_some_and(|(name, range)| {
            quoted(&format!("{name}\""))
                && range.split_once(" --> ").is_some_and(|(from, to)| number(from) && number(to))
        })
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let [head, title, x, y, line] = lines.as_slice() else { return false };
    let values = line.strip_prefix("line [").and_then(|rest| rest.strip_suffix(']'));
    *head == "xychart-beta"
        && title.strip_prefix("title ").is_some_and(quoted)
        && x.strip_prefix("x-axis ").is_some_and(axis)
        && y.strip_prefix("y-axis ").is_some_and(axis)
        && values.is_some_and(|values| values.split(", ").all(number))
}

#[test]
fn a_run_that_goes_well_is_quiet_and_leaves_a_summary_and_outputs() -> Result<()> {
    let stack = project(2)?;
    let files = Files::new()?;
    let store = tempfile::tempdir()?;
    let first = on(&stack, store.path(), &["run"]).env("SUPABACKUP_CLOCK", "2026-11-22T03:00:00Z");
    first.expect(0)?;
    let run =
        on(&stack, store.path(), &["run", "--report-dir", "report"]).env("SUPABACKUP_CLOCK", "2026-11-23T03:00:00Z");
    let ran = files.step(run).expect(0)?;
    ensure!(annotations(&ran)?.is_empty(), "{}", ran.stderr);
    let outputs = files.outputs()?;
    let expected = [
        ("state", "done"),
        ("exit-code", "0"),
        ("project", stack.get("SUPABASE_PROJECT_REF")),
        ("tables", "2"),
        ("rows", "6"),
        ("errors", "0"),
        ("warnings", "0"),
        ("report", "report/run.html"),
    ];
    for (name, value) in expected {
        ensure!(outputs.get(name).is_some_and(|found| found == value), "{name}: {outputs:?}");
    }
    ensure!(outputs["snapshot"].starts_with("20261123T") && outputs["bytes"].parse::<u64>()? > 0, "{outputs:?}");
    ensure!(files.workspace().join(&outputs["report"]).is_file());
    let summary = files.summary()?;
    ensure!(summary.starts_with("# Run of ") && summary.contains("## Stores"), "{summary}");
    let chart =
        summary.split("```mermaid\n").nth(1).and_then(|rest| rest.split("```").next()).context(summary.clone())?;
    ensure!(is_chart(chart) && chart.contains("line [6, 6]"), "{chart}");
    // the next command of the same step appends
    let ran = files.step(on(&stack, store.path(), &["verify"])).expect(0)?;
    ensure!(annotations(&ran)?.is_empty(), "{}", ran.stderr);
    let both = files.summary()?;
    ensure!(both.starts_with(&summary) && both.contains("\n# Verification: intact"), "{both}");
    Ok(())
}

#[test]
fn of_many_findings_nine_are_annotated_and_the_rest_is_counted() -> Result<()> {
    let stack = project(15)?;
    let files = Files::new()?;
    let store = tempfile::tempdir()?;
    on(&stack, store.path(), &["run"]).expect(0)?;
    let monitor = on(&stack, store.path(), &["monitor"]).env("SUPABACKUP_MAX_ROWS", "2");
    let ran = files.step(monitor).go()?;
    let told = annotations(&ran)?;
    let outputs = files.outputs()?;
    for (kind, output) in [("error", "errors"), ("warning", "warnings")] {
        let found: Vec<&String> = told.iter().filter(|one| one.starts_with(kind)).collect();
        let number: usize = outputs[output].parse()?;
        ensure!(found.len() == number.min(10), "{kind}: {number}: {found:#?}");
        if number > 9 {
            ensure!(found[9].contains(&format!("and {} more", number - 9)) && found[9].ends_with("the job's summary"));
        }
    }
    ensure!(told.iter().any(|one| one.contains("and ") && one.contains(" more ")), "{told:#?}");
    ensure!(told.iter().any(|one| one.contains(" supabackup: ") && one.contains(" public.t")), "{told:#?}");
    let summary = files.summary()?;
    ensure!((0..15).all(|n| summary.contains(&format!("`public.t{n}`"))), "{summary}");
    ensure!(outputs["exit-code"] == ran.code.to_string() && outputs["rows"] == "45", "{outputs:?}");
    Ok(())
}

#[test]
fn a_step_that_fails_says_why_everywhere() -> Result<()> {
    let stack = project(1)?;
    let store = tempfile::tempdir()?;
    let wrong = "sb_secret_wrongWRONGwrongWRONGwr_00000000";
    for (command, code, title) in [
        (&["backup"][..], 1, "supabackup backup: failed"),
        (&["run"], 1, "supabackup run: failed"),
        (&["backup", "--no-such-flag"], 2, "supabackup: failed"),
        (&["backup", "--connections", "many"], 2, "supabackup backup: failed"),
    ] {
        let files = Files::new()?;
        let ran = files.step(on(&stack, store.path(), command).env("SUPABASE_SECRET_KEY", wrong)).expect(code)?;
        let told = annotations(&ran)?;
        ensure!(told.len() == 1 && told[0].starts_with(&format!("error {title}: ")), "{command:?}: {told:?}");
        let (outputs, summary) = (files.outputs()?, files.summary()?);
        ensure!(outputs["state"] == "failed" && outputs["exit-code"] == code.to_string(), "{outputs:?}");
        ensure!(outputs["errors"] == "1" && !outputs.contains_key("snapshot"), "{outputs:?}");
        ensure!(summary.to_lowercase().contains("failed"), "{summary}");
        ensure!(!summary.contains("wrongWRONG") && !ran.stderr.contains("wrongWRONG"));
    }
    Ok(())
}

#[test]
fn what_cannot_be_written_is_said_and_changes_no_exit_code() -> Result<()> {
    let stack = project(1)?;
    let store = tempfile::tempdir()?;
    on(&stack, store.path(), &["run"]).expect(0)?;
    let verify = || on(&stack, store.path(), &["verify"]);
    // a step that has filled its summary
    let files = Files::new()?;
    let full = "x".repeat((1 << 20) - 100);
    fs::write(files.0.path().join("summary"), &full)?;
    let told = annotations(&files.step(verify()).expect(0)?)?;
    ensure!(told.len() == 1 && told[0].starts_with("warning supabackup: summary-full"), "{told:?}");
    ensure!(files.summary()? == full);
    // a container into which they were not mounted
    let gone = files.0.path().join("not/there");
    let run = files.step(verify()).env("GITHUB_STEP_SUMMARY", &gone).env("GITHUB_OUTPUT", &gone);
    let told = annotations(&run.expect(0)?)?;
    ensure!(told.iter().any(|one| one.starts_with("warning supabackup: summary-not-written")), "{told:?}");
    ensure!(told.iter().any(|one| one.starts_with("error supabackup: outputs-not-set")), "{told:?}");
    Ok(())
}

#[test]
fn nothing_is_told_that_nobody_wants() -> Result<()> {
    let stack = project(1)?;
    let store = tempfile::tempdir()?;
    on(&stack, store.path(), &["run"]).expect(0)?;
    let files = Files::new()?;
    let many = || on(&stack, store.path(), &["monitor"]).env("SUPABACKUP_MAX_ROWS", "2");
    let run = files.step(many()).env("SUPABACKUP_ANNOTATIONS", "no").env("SUPABACKUP_JOB_SUMMARY", "no");
    ensure!(annotations(&run.go()?)?.is_empty() && files.summary()?.is_empty() && !files.outputs()?.is_empty());
    // no runner reads along
    let files = Files::new()?;
    let ran = files.step(many()).env("GITHUB_ACTIONS", "").go()?;
    ensure!(annotations(&ran)?.is_empty() && files.summary()?.is_empty() && files.outputs()?.is_empty());
    Ok(())
}
