//! Days of a schedule: the right snapshots stay, and the report says what changed.

use anyhow::{Context, Result, ensure};

use super::{at, codes, days, nothing_else, report, run, today, whole};
use crate::support::{Run, Stack};

#[test]
fn days_of_a_schedule_leave_the_right_snapshots_and_a_report_of_each() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (store, reports) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let base = today();
    let directory = reports.path().join("new/report");
    for day in 0..13 {
        // a minute earlier each day: nothing stands exactly on a limit
        let run = run(&stack, store.path(), at(base, day, -day)).args(&["--json", "--retention", "development"]);
        let ran = run.args(&["--report-dir", directory.to_str().context("path")?]).expect(0)?;
        let report = report(&ran)?;
        ensure!(report["state"] == "done" && report["exit_code"] == 0, "{report:#}");
        ensure!(report["stores"][0]["verified"]["depth"] == "opened", "{report:#}");
        let removed = report["stores"][0]["prune"]["removed"].as_array().map_or(0, Vec::len);
        ensure!(removed == usize::from(day > 7), "{removed} removed on day {day}");
        ensure!(
            report["trends"].as_array().map(Vec::len) == Some(usize::from(day > 0) + usize::from(day >= 7)),
            "{day}"
        );
        ensure!(ran.stderr.contains("SUPABACKUP_CLOCK, which is for tests"), "{}", ran.stderr);
    }
    ensure!(days(store.path(), base)? == (5..13).collect::<Vec<_>>(), "{:?}", days(store.path(), base)?);
    nothing_else(store.path())?;
    Run::new(&["verify", "--all"]).store(store.path()).expect(0)?;
    for name in ["run.md", "run.html", "run.json"] {
        ensure!(std::fs::metadata(directory.join(name))?.len() > 500, "{name}");
    }
    for snapshot in whole(store.path())? {
        for name in ["report.md", "report.html", "report.json"] {
            ensure!(snapshot.join("run").join(name).exists(), "{} has no {name}", snapshot.display());
        }
    }
    // a prune by hand finds nothing more to do
    let prune = Run::new(&["prune", "--retention", "development"]).store(store.path());
    let ran = prune.env("SUPABACKUP_CLOCK", at(base, 12, -11).to_rfc3339()).expect(0)?;
    ensure!(ran.stdout.ends_with("nothing is to be removed\n"), "{}", ran.stdout);
    Ok(())
}

#[test]
fn the_report_says_what_changed_and_a_project_that_lost_its_rows_is_frozen() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let make = |sql: &str| -> Result<()> {
        stack.sql(&format!("SET ROLE postgres; {sql}"))?;
        stack.script("restart-postgrest", &[]).map(drop)
    };
    make(
        "CREATE TABLE public.growing (id int PRIMARY KEY); CREATE TABLE public.going (id int PRIMARY KEY);
         INSERT INTO public.growing SELECT generate_series(1, 5000); INSERT INTO public.going SELECT generate_series(1, 40);
         GRANT ALL ON public.growing, public.going TO service_role",
    )?;
    let store = tempfile::tempdir()?;
    let base = today();
    let develop = |day| run(&stack, store.path(), at(base, day, -day)).args(&["--keep-within", "3d"]);
    for day in 0..4 {
        develop(day).expect(0)?;
    }
    make("INSERT INTO public.growing SELECT generate_series(5001, 6000); DROP TABLE public.going")?;
    let ran = develop(4).expect(0)?;
    for said in [
        "24 h before",
        "960 more rows",
        "1 fewer table",
        "public.growing: 6,000 rows: 1,000 more rows (+20.0 %)",
        "public.going: gone, it had 40 rows",
        "remove ",
        "4 snapshots kept, 1 removed",
    ] {
        ensure!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    ensure!(
        ran.stdout.lines().all(|line| line.chars().count() <= 80 || line.contains(&store.path().display().to_string()))
    );
    ensure!(days(store.path(), base)? == [1, 2, 3, 4]);

    make("DELETE FROM public.growing WHERE id > 100")?;
    let ran = develop(5).args(&["--json"]).expect(4)?;
    let frozen = report(&ran)?;
    ensure!(codes(&frozen) == ["lost-rows"] && frozen["state"] == "findings", "{frozen:#}");
    ensure!(days(store.path(), base)? == [1, 2, 3, 4, 5], "something was removed");
    // quiet, it says so nevertheless
    let ran = develop(6).args(&["-q"]).expect(4)?;
    ensure!(ran.stdout.contains("error [lost-rows]") && !ran.stdout.contains("keep "), "{}", ran.stdout);
    // on purpose
    develop(7).args(&["--freeze-rows", "100"]).expect(0)?;
    ensure!(days(store.path(), base)? == [4, 5, 6, 7]);
    let ran = develop(8).args(&["-q", "--freeze-rows", "100"]).expect(0)?;
    ensure!(ran.stdout.is_empty(), "{}", ran.stdout);
    Ok(())
}

#[test]
fn a_clock_that_is_far_ahead_removes_nothing() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    for day in 0..6 {
        run(&stack, store.path(), at(base, day, 0)).expect(0)?;
    }
    let ran = run(&stack, store.path(), at(base, 400, 0)).args(&["--json"]).expect(4)?;
    ensure!(codes(&report(&ran)?) == ["leap"] && whole(store.path())?.len() == 7, "{}", ran.stdout);
    // and back
    let ran = run(&stack, store.path(), at(base, 6, 0)).args(&["--json"]).expect(4)?;
    ensure!(codes(&report(&ran)?).contains(&"future") && whole(store.path())?.len() == 8, "{}", ran.stdout);
    Ok(())
}

#[test]
fn what_is_missing_is_named_and_an_incomplete_snapshot_is_no_success() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    run(&stack, store.path(), base).expect(0)?;
    stack.sql(
        "SET ROLE postgres; CREATE TABLE public.half (id int PRIMARY KEY, hidden text);
         REVOKE ALL ON public.half FROM service_role; GRANT SELECT (id) ON public.half TO service_role",
    )?;
    stack.script("restart-postgrest", &[])?;
    let ran = run(&stack, store.path(), at(base, 1, 0)).args(&["--sql", "none"]).expect(3)?;
    for said in ["INCOMPLETE", "warning [missing] column public.half.hidden", "hint: GRANT SELECT"] {
        ensure!(ran.stdout.contains(said), "{said}: {}", ran.stdout);
    }
    Ok(())
}

#[test]
fn a_dry_run_shows_both_plans_and_does_nothing() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    let base = today();
    let dry = |day| run(&stack, store.path(), at(base, day, 0)).args(&["--dry-run", "--keep-within", "1d"]);
    let ran = dry(0).expect(0)?;
    ensure!(
        ran.stdout.contains("would back up:") && ran.stdout.contains("holds nothing of this project yet"),
        "{}",
        ran.stdout
    );
    ensure!(std::fs::read_dir(store.path())?.count() == 0, "something was written");
    for day in 0..5 {
        run(&stack, store.path(), at(base, day, 0)).expect(0)?;
    }
    let ran = dry(5).expect(0)?;
    ensure!(
        ran.stdout.contains("would back up:") && ran.stdout.contains("2 snapshots would be removed"),
        "{}",
        ran.stdout
    );
    let ran = dry(5).args(&["--json"]).expect(0)?;
    let plan = report(&ran)?;
    ensure!(plan["backup"]["tables"].as_array().is_some_and(|t| t.len() > 3), "{plan:#}");
    ensure!(plan["stores"][0]["prune"]["applied"] == false, "{plan:#}");
    ensure!(days(store.path(), base)? == [0, 1, 2, 3, 4]);
    Ok(())
}
