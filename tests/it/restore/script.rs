//! `--sql`: the plan as a script, run by psql as the role that a project's owner has.

use std::process::Command;

use anyhow::{Result, ensure};

use super::modes::{Shop, TABLES, shop};
use super::{counts, plan, prints, table};
use crate::support::{Run, Stack};

/// Runs a script as RECOVERY.md and the script's own head say. True if it went through.
fn psql(stack: &Stack, script: &str) -> Result<(bool, String)> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), script)?;
    let output = Command::new("psql")
        .args([stack.get("STACK_POSTGRES_URL"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"])
        .arg(file.path())
        .output()?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn the_script_does_what_the_plan_says() -> Result<()> {
    for mode in ["insert-missing", "merge", "clear"] {
        let Shop { stack, store } = shop("sql")?;
        let before = prints(&stack)?;
        let arguments = ["--mode", mode];
        let planned = plan(&stack, store.path(), &arguments, 0)?;
        // it writes nothing itself, and so nobody has to confirm it
        let script = Run::new(&["restore", "--mode", mode, "--sql"]).on(&stack).store(store.path()).expect(0)?.stdout;
        ensure!(prints(&stack)? == before, "{mode}: printing the script wrote something");
        if mode == "clear" {
            // made for the project as it was: all or nothing
            stack.sql("UPDATE public.customers SET city = 'Chur' WHERE id = 1001")?;
            let moved = prints(&stack)?;
            let (went, said) = psql(&stack, &script)?;
            ensure!(!went && said.contains("make it anew"), "{said}");
            ensure!(prints(&stack)? == moved, "a script that failed left something");
            let anew = Run::new(&["restore", "--mode", mode, "--sql"]).on(&stack).store(store.path()).expect(0)?;
            let (went, said) = psql(&stack, &anew.stdout)?;
            ensure!(went, "{said}");
        } else {
            let (went, said) = psql(&stack, &script)?;
            ensure!(went, "{mode}: {said}");
        }
        let after = plan(&stack, store.path(), &arguments, 0)?;
        for name in TABLES {
            let (was, now) = (table(&planned["tables"], name)?, table(&after["tables"], name)?);
            let [was, now] = [was, now].map(|of| counts(&of["counts"]));
            ensure!(now[..3] == [0, 0, 0], "{mode}: {name}: {now:?} is left to do");
            ensure!(now[3] == was[0] + was[1] + was[3] && now[4] == was[4], "{mode}: {name}: {was:?} became {now:?}");
        }
        // the next order gets a number that nobody has
        stack.sql("INSERT INTO public.orders (customer, total) VALUES (1, 1)")?;
    }
    Ok(())
}
