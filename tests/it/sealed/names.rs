//! `--seal-manifest`: without an identity nobody learns what the tables are called.

use anyhow::{Context, Result, ensure};

use super::{Keys, back_up, files, holds};
use crate::support::run::only_snapshot;
use crate::support::{Run, Stack};

#[test]
fn names_of_tables_are_hidden_and_come_back_with_an_identity() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "management"])?;
    let keys = Keys::new()?;
    let (age, other) = (keys.age("a")?, keys.age("other")?);
    let store = tempfile::tempdir()?;
    let run = back_up(&stack, store.path(), &[&age]).args(&["--seal-manifest"]).token(&stack, "STACK_TOKEN_READ");
    run.expect(0)?;
    let (snapshot, plain) = only_snapshot(store.path())?;
    ensure!(plain.tables.is_empty() && plain.structure.is_none() && plain.source.schemas.is_empty());
    ensure!(plain.totals.tables > 5 && plain.totals.rows > 100 && plain.complete);
    let tables = stack.sql(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND relkind IN ('r', 'p', 'v')",
    )?;
    // short names are words that stand everywhere
    let names: Vec<&str> = tables.lines().filter(|name| name.len() > 7).collect();
    ensure!(names.len() > 4, "{names:?}");
    let mut looked = 0;
    for path in files(store.path())? {
        let inside = path.strip_prefix(&snapshot)?.to_string_lossy().into_owned();
        let bytes = std::fs::read(&path)?;
        for name in &names {
            ensure!(!inside.contains(name) && !holds(&bytes, name), "{name} is in {inside}");
        }
        looked += 1;
    }
    ensure!(looked > 10, "{looked}");

    // what needs no names works without an identity
    let listed = Run::new(&["list"]).store(store.path()).expect(0)?;
    ensure!(listed.stdout.contains("complete"), "{}", listed.stdout);
    let shown = Run::new(&["list", "latest"]).store(store.path()).expect(0)?;
    ensure!(shown.stderr.contains("sealed") && shown.stderr.contains(&age.public), "{}", shown.stderr);
    for depth in ["listed", "hashed", "opened"] {
        let ran = Run::new(&["verify", "--depth", depth]).store(store.path()).expect(0)?;
        ensure!(!ran.stdout.contains("(opened)") && ran.stdout.contains("intact"), "{}", ran.stdout);
    }
    Run::new(&["verify", "--identity-file", other.path()]).store(store.path()).expect(4)?;

    // with one, everything is as if nothing had been hidden
    let identity = ["--identity-file", age.path()];
    let ran = Run::new(&["verify"]).args(&identity).store(store.path()).expect(0)?;
    ensure!(ran.stdout.contains("(opened)"), "{}", ran.stdout);
    let shown = Run::new(&["list", "latest"]).args(&identity).store(store.path()).expect(0)?;
    let script = Run::new(&["sql"]).args(&identity).store(store.path()).expect(0)?;
    for name in names {
        ensure!(script.stdout.contains(name), "{name} is not in the script");
    }
    ensure!(shown.stdout.contains("voice_sessions"), "{}", shown.stdout);

    // a whole manifest that is not that of this run is refused
    let whole = plain.whole().context("no whole manifest")?;
    let mut bytes = std::fs::read(snapshot.join(whole))?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(snapshot.join(whole), bytes)?;
    Run::new(&["verify"]).args(&identity).store(store.path()).expect(4)?;
    Run::new(&["sql"]).args(&identity).store(store.path()).expect(1)?;
    Ok(())
}
