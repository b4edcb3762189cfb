//! Restores from sealed snapshots: what they leave behind is sealed too.

use anyhow::{Context, Result, ensure};

use super::{Keys, PASSPHRASE, back_up, files, holds, make};
use crate::support::run::{manifest, only_snapshot, snapshots};
use crate::support::{Run, Stack};

/// A value of a key that a report would name.
const KEY: &str = "key-of-a-row-91c2";

fn stack() -> Result<Stack> {
    let stack = Stack::up(&["--data", "none"])?;
    make(
        &stack,
        &format!(
            "CREATE TABLE public.kept_secret (id text PRIMARY KEY, note text NOT NULL);
        INSERT INTO public.kept_secret SELECT '{KEY}-' || n, 'note ' || n FROM generate_series(1, 50) AS n;
        GRANT ALL ON public.kept_secret TO service_role"
        ),
    )?;
    Ok(stack)
}

fn digest(stack: &Stack) -> Result<String> {
    stack.sql("SELECT count(*), sum(hashtextextended((t.*)::text, 0)) FROM public.kept_secret t")
}

fn restore(stack: &Stack, store: &std::path::Path, snapshot: &str) -> Run {
    let name = stack.get("SUPABASE_PROJECT_REF");
    Run::new(&["restore", snapshot, "--mode", "clear", "--confirm", name]).on(stack).store(store)
}

#[test]
fn what_a_restore_writes_beside_a_sealed_snapshot_is_sealed() -> Result<()> {
    let stack = stack()?;
    let keys = Keys::new()?;
    let (age, ed25519) = (keys.age("a")?, keys.ssh("ed25519")?);
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), &[&age, &ed25519]).expect(0)?;
    let (backup, _) = only_snapshot(store.path())?;
    let id = backup.file_name().and_then(|n| n.to_str()).context("id")?.to_owned();
    let before = digest(&stack)?;
    stack.sql(&format!("UPDATE public.kept_secret SET note = 'changed {KEY}' WHERE id LIKE '%-1%'"))?;
    let changed = digest(&stack)?;

    let ran = restore(&stack, store.path(), &id).expect(1)?;
    ensure!(ran.stderr.contains("no identity was given") && ran.stderr.contains(&age.public), "{}", ran.stderr);
    ensure!(digest(&stack)? == changed);
    restore(&stack, store.path(), &id).args(&["--identity-file", ed25519.path()]).expect(0)?;
    ensure!(digest(&stack)? == before);

    // nobody was named for the safety snapshot: those of the snapshot may open it
    let safety = snapshots(store.path())?.into_iter().find(|s| *s != backup).context("no safety snapshot")?;
    let sealed = manifest(&safety)?.sealed.context("the safety snapshot is plain")?;
    ensure!(sealed.recipients.len() == 2 && sealed.recipients[0].key == age.public, "{sealed:?}");
    ensure!(files(&backup.join("restored"))?.len() == 3);
    for path in files(store.path())? {
        ensure!(!holds(&std::fs::read(&path)?, KEY), "{} names keys of rows", path.display());
    }
    let report =
        files(&backup.join("restored"))?.into_iter().find(|p| p.ends_with("x") || p.to_string_lossy().contains(".md."));
    let report = report.context("no report")?;
    let open = format!("age -d -i '{}' '{}' | zstd -dc", age.path(), report.display());
    let text = super::run(std::process::Command::new("bash").args(["-o", "pipefail", "-c", &open]))?;
    ensure!(text.contains("kept_secret"), "{text}");

    // and it undoes the restore, with another key
    let id = safety.file_name().and_then(|n| n.to_str()).context("id")?.to_owned();
    restore(&stack, store.path(), &id).args(&["--identity-file", age.path()]).expect(0)?;
    ensure!(digest(&stack)? == changed);
    Ok(())
}

#[test]
fn recipients_of_ones_own_open_the_safety_snapshot() -> Result<()> {
    let stack = stack()?;
    let keys = Keys::new()?;
    let (age, mine) = (keys.age("a")?, keys.age("mine")?);
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), &[&age]).expect(0)?;
    let (backup, _) = only_snapshot(store.path())?;
    stack.sql("DELETE FROM public.kept_secret WHERE id LIKE '%-2%'; UPDATE public.kept_secret SET note = 'x'")?;
    let run = restore(&stack, store.path(), "latest").args(&["--identity-file", age.path()]);
    run.args(&["--recipient", &mine.public]).expect(0)?;
    let safety = snapshots(store.path())?.into_iter().find(|s| *s != backup).context("no safety snapshot")?;
    let sealed = manifest(&safety)?.sealed.context("plain")?;
    ensure!(sealed.openers() == [mine.public.clone()], "{sealed:?}");
    Ok(())
}

#[test]
fn a_passphrase_seals_the_safety_snapshot_too() -> Result<()> {
    let stack = stack()?;
    let store = tempfile::tempdir()?;
    Run::new(&["backup"]).on(&stack).store(store.path()).env("SUPABACKUP_PASSPHRASE", PASSPHRASE).expect(0)?;
    let (backup, _) = only_snapshot(store.path())?;
    let before = digest(&stack)?;
    stack.sql("UPDATE public.kept_secret SET note = 'x'")?;
    restore(&stack, store.path(), "latest").env("SUPABACKUP_PASSPHRASE", PASSPHRASE).expect(0)?;
    ensure!(digest(&stack)? == before);
    let safety = snapshots(store.path())?.into_iter().find(|s| *s != backup).context("no safety snapshot")?;
    ensure!(manifest(&safety)?.sealed.context("plain")?.openers() == ["a passphrase"]);

    // opened by the key that the passphrase opens, nobody is known who may open another snapshot
    let key = tempfile::tempdir()?;
    let own = key.path().join("key.txt");
    let mut screen = crate::support::Screen::start_program(
        "age",
        &["-d", "-o", own.to_str().unwrap_or_default(), "identity.age"],
        (80, 24),
        |run| run.inside(&backup),
    )?;
    screen.wait_for("passphrase")?;
    screen.press(&format!("{PASSPHRASE}\r"))?;
    let left = screen.end()?;
    ensure!(left.code == 0, "{left:?}");
    stack.sql("UPDATE public.kept_secret SET note = 'y'")?;
    let id = backup.file_name().and_then(|n| n.to_str()).context("id")?.to_owned();
    let run = restore(&stack, store.path(), &id).args(&["--identity-file", own.to_str().unwrap_or_default()]);
    let ran = run.expect(2)?;
    ensure!(ran.stderr.contains("safety snapshot") && ran.stderr.contains("--recipient"), "{}", ran.stderr);
    ensure!(stack.sql("SELECT DISTINCT note FROM public.kept_secret")? == "y\n");
    Ok(())
}
