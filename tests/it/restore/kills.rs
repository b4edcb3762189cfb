//! A restore that is killed at any moment and run again ends as one that was not.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{differ, empty, prints, project_name};
use crate::support::run::finished;
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

#[test]
fn killed_at_any_moment_over_the_data_api() -> Result<()> {
    killed_and_resumed("api", 26)
}

#[test]
fn killed_at_any_moment_through_sql() -> Result<()> {
    killed_and_resumed("sql", 26)
}
