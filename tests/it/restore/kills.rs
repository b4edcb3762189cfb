//! A restore that is killed at any moment and run again ends as one that was not.

use std::io::Read as _;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{differ, empty, prints, project_name};
use crate::support::run::{finished, manifest, snapshots};
use crate::support::{Run, Stack};

fn killed_and_resumed(through: &str, times: u32) -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta", "--latency", "10"])?;
    // a table without a key: whoever sends a row of it again doubles it
    stack.sql(
        "DROP TRIGGER set_updated_at ON public.voice_sessions; SET ROLE postgres; CREATE TABLE public.diary (day date, note text);
         INSERT INTO public.diary SELECT '2024-01-01'::date + g / 3, repeat('note ', 200) FROM generate_series(1, 6000) g",
    )?;
    stack.script("restart-postgrest", &[])?;
    let store = tempfile::tempdir()?;
    Run::new(&["backup"]).on(&stack).store(store.path()).expect(0)?;
    let before = prints(&stack)?;
    let name = project_name(&stack);
    let run = || {
        Run::new(&["restore", "--mode", "into-empty", "--resume", "--through", through, "--confirm", &name])
            .on(&stack)
            .store(store.path())
    };
    empty(&stack)?;
    let begun = Instant::now();
    run().expect(0)?;
    let took = begun.elapsed();
    ensure!(differ(&before, &prints(&stack)?).is_empty());
    let mut killed = 0;
    for n in 0..times {
        empty(&stack)?;
        // moments spread evenly over the run, the last ones past its end
        let moment = took.mul_f64(f64::from(n + 1) / f64::from(times)).max(Duration::from_millis(5));
        let mut child = run().start()?;
        std::thread::sleep(moment);
        child.kill()?;
        let ran = finished(child)?;
        killed += u32::from(ran.code != 0);
        let ran = run().go()?;
        ensure!(ran.code == 0, "{through}, killed after {moment:?} of {took:?}: {}", ran.stderr);
        let differ = differ(&before, &prints(&stack)?);
        ensure!(differ.is_empty(), "{through}, killed after {moment:?} of {took:?}: {differ:?}\n{}", ran.stderr);
    }
    ensure!(killed > times / 2, "only {killed} of {times} were killed before their end");
    Ok(())
}

/// Reads what a restore says until it says this.
fn says(child: &mut Child, text: &str) -> Result<()> {
    let mut said = String::new();
    let mut byte = [0];
    let out = child.stderr.as_mut().context("no stderr")?;
    while !(said.ends_with('\n') && said.lines().last().is_some_and(|line| line.contains(text))) {
        ensure!(out.read(&mut byte)? == 1, "it never said {text:?}:\n{said}");
        said.push(byte[0].into());
    }
    Ok(())
}

/// Killed while rows are changed and deleted: nothing is lost that a safety snapshot does not have, and the same
/// command ends what it began.
fn killed_while_it_clears(through: &str, times: u32) -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta", "--latency", "10"])?;
    stack.sql(
        "DROP TRIGGER set_updated_at ON public.voice_sessions; DROP TRIGGER set_updated_at ON public.manual_assessments;
         SET ROLE postgres; CREATE TABLE public.diary (day date, note text);
         INSERT INTO public.diary SELECT '2024-01-01'::date + g / 3, repeat('note ', 200) FROM generate_series(1, 1500) g;
         CREATE TABLE public.pages (id int PRIMARY KEY, note text);
         INSERT INTO public.pages SELECT g, repeat('note ', 200) FROM generate_series(1, 1500) g",
    )?;
    stack.script("restart-postgrest", &[])?;
    let store = tempfile::tempdir()?;
    Run::new(&["backup"]).on(&stack).store(store.path()).expect(0)?;
    let before = prints(&stack)?;
    let first = snapshots(store.path())?;
    let backup = first[0].file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = project_name(&stack);
    let run = || {
        Run::new(&["restore", backup, "--mode", "clear", "--through", through, "--confirm", &name])
            .on(&stack)
            .store(store.path())
    };
    let spoil = || {
        stack.sql(
            "UPDATE public.pages SET note = 'spoiled ' || id WHERE id % 3 = 0; DELETE FROM public.pages WHERE id % 3 = 1;
             INSERT INTO public.pages SELECT g, 'new' FROM generate_series(2000, 2600) g;
             DELETE FROM public.diary WHERE ctid IN (SELECT ctid FROM public.diary LIMIT 300);
             INSERT INTO public.diary SELECT '2025-01-01', 'new ' || g FROM generate_series(1, 600) g",
        )
    };
    spoil()?;
    let mut child = run().start()?;
    says(&mut child, "to undo:")?;
    let begun = Instant::now();
    says(&mut child, "checking what was written")?;
    let took = begun.elapsed();
    child.wait()?;
    ensure!(differ(&before, &prints(&stack)?).is_empty());
    let mut cut = 0;
    for n in 0..times {
        spoil()?;
        let spoiled = prints(&stack)?;
        let known = snapshots(store.path())?.len();
        let mut child = run().start()?;
        says(&mut child, "to undo:")?;
        let moment = took.mul_f64(f64::from(n) / f64::from(times));
        std::thread::sleep(moment);
        child.kill()?;
        child.wait()?;
        let when = format!("{through}, killed after {moment:?} of {took:?}");
        let left = prints(&stack)?;
        if left != spoiled {
            let safe = snapshots(store.path())?.into_iter().skip(known).filter_map(|s| manifest(&s).ok());
            ensure!(
                safe.filter(|m| m.complete && m.safety_of.is_some()).count() > 0,
                "{when}: nothing would bring it back"
            );
            cut += u32::from(left != before);
        }
        let ran = run().go()?;
        ensure!(ran.code == 0, "{when}: {}", ran.stderr);
        let differ = differ(&before, &prints(&stack)?);
        ensure!(differ.is_empty(), "{when}: {differ:?}\n{}", ran.stderr);
    }
    ensure!(cut > 0, "{through}: none of {times} was killed while it wrote");
    Ok(())
}

#[test]
fn killed_while_it_clears_over_the_data_api() -> Result<()> {
    killed_while_it_clears("api", 5)
}

#[test]
fn killed_while_it_clears_through_sql() -> Result<()> {
    killed_while_it_clears("sql", 5)
}

#[test]
fn killed_at_any_moment_over_the_data_api() -> Result<()> {
    killed_and_resumed("api", 26)
}

#[test]
fn killed_at_any_moment_through_sql() -> Result<()> {
    killed_and_resumed("sql", 26)
}
