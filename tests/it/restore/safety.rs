//! Nothing is taken away without a snapshot of it, nothing without a person's word, and nothing by a
//! snapshot that is not whole.

use anyhow::{Result, ensure};

use super::{back_up, prints, project_name, report, restore};
use crate::support::run::{BINARY, manifest, only_snapshot, snapshots};
use crate::support::{Run, Stack};

#[test]
fn the_command_that_is_named_takes_a_restore_back() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    // over the Data API it would fire, and change what was restored
    stack.sql("DROP TRIGGER set_updated_at ON public.voice_sessions; DROP TRIGGER set_updated_at ON public.manual_assessments")?;
    back_up(&stack, store.path(), 0)?;
    let (backup, _) = only_snapshot(store.path())?;
    stack.sql("UPDATE public.voice_sessions SET created_at = created_at + '1 day' WHERE id IN (SELECT id FROM public.voice_sessions LIMIT 9);
        DELETE FROM public.voice_sessions WHERE id IN (SELECT id FROM public.voice_sessions ORDER BY id DESC LIMIT 5)")?;
    let before = prints(&stack)?;
    let ran = restore(&stack, store.path(), &["--mode", "clear"]).args(&["--json"]).expect(0)?;
    ensure!(prints(&stack)? != before, "nothing was restored");
    let report = report(&ran)?;
    let safety = report["undo"]["snapshot"].as_str().unwrap_or_default().to_owned();
    let command = report["undo"]["command"].as_str().unwrap_or_default().to_owned();
    ensure!(ran.stderr.contains(&safety) && !safety.is_empty(), "{}", ran.stderr);
    // only the tables that were going to change are in it, and it is nobody's newest backup
    let folder = snapshots(store.path())?.into_iter().find(|s| s.ends_with(&safety));
    let stored = manifest(&folder.ok_or_else(|| anyhow::anyhow!("no {safety}"))?)?;
    let names: Vec<&str> = stored.tables.iter().map(|t| t.name.name.as_str()).collect();
    ensure!(names == ["manual_assessments", "voice_sessions"], "{names:?}");
    ensure!(stored.safety_of.is_some_and(|id| backup.ends_with(id.as_str())));
    let listed = Run::new(&["list", "latest", "--json"]).on(&stack).store(store.path()).expect(0)?;
    ensure!(!listed.stdout.contains(&format!("\"snapshot\": \"{safety}\"")), "{}", listed.stdout);
    let words: Vec<&str> = command.split_whitespace().skip(1).collect();
    ensure!(command.starts_with("supabackup restore ") && command.contains("--mode clear"), "{command}");
    Run::new(&words).on(&stack).store(store.path()).expect(0)?;
    ensure!(prints(&stack)? == before, "{command} did not bring it back");
    Ok(())
}

#[test]
fn nothing_happens_without_a_persons_word() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    stack.sql("DROP TRIGGER set_updated_at ON public.voice_sessions")?;
    back_up(&stack, store.path(), 0)?;
    stack.sql("DELETE FROM public.voice_sessions")?;
    let before = prints(&stack)?;
    for arguments in [&["restore"][..], &["restore", "--confirm", "another"], &["restore", "--confirm", ""]] {
        let ran = Run::new(arguments).on(&stack).store(store.path()).env("CI", "true").go()?;
        ensure!(ran.code == 2, "{arguments:?}: {} {}", ran.code, ran.stderr);
        ensure!(ran.stderr.contains("--confirm") && ran.stderr.contains(&project_name(&stack)), "{}", ran.stderr);
        ensure!(prints(&stack)? == before, "{arguments:?} wrote something");
    }
    ensure!(snapshots(store.path())?.len() == 1, "a safety snapshot was taken for nothing");
    restore(&stack, store.path(), &[]).env("CI", "true").expect(0)?;
    ensure!(stack.sql("SELECT count(*) FROM public.voice_sessions")? == "287\n");
    Ok(())
}

#[test]
fn a_snapshot_that_is_not_whole_never_clears() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), 0)?;
    let (snapshot, _) = only_snapshot(store.path())?;
    let before = prints(&stack)?;
    let part = std::fs::read_dir(snapshot.join("sql"))?
        .filter_map(|f| Some(f.ok()?.path()))
        .find(|p| p.to_string_lossy().contains("voice_sessions"));
    let part = part.ok_or_else(|| anyhow::anyhow!("no part"))?;
    let mut bytes = std::fs::read(&part)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&part, bytes)?;
    for (arguments, code, said) in [
        (&["--mode", "clear"][..], 1, "never"),
        (&["--mode", "clear", "--accept-incomplete"], 1, "never"),
        (&["--mode", "merge"], 1, "--accept-incomplete"),
    ] {
        let ran = restore(&stack, store.path(), arguments).expect(code)?;
        ensure!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    ensure!(prints(&stack)? == before);
    // the other form of the same rows is whole
    stack.sql("DROP TRIGGER set_updated_at ON public.voice_sessions; DELETE FROM public.voice_sessions")?;
    restore(&stack, store.path(), &["--accept-incomplete"]).expect(0)?;
    ensure!(stack.sql("SELECT count(*) FROM public.voice_sessions")? == "287\n");
    // without it, the table is named and all others are restored
    stack.sql("DELETE FROM public.voice_sessions; DELETE FROM public.user_roles")?;
    std::fs::remove_dir_all(snapshot.join("json"))?;
    let ran = restore(&stack, store.path(), &["--accept-incomplete"]).expect(3)?;
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" "); // lines are as wide as a terminal
    ensure!(said.contains("voice_sessions: its rows cannot be read from the snapshot"), "{}", ran.stderr);
    ensure!(
        stack.sql("SELECT (SELECT count(*) FROM public.user_roles), (SELECT count(*) FROM public.voice_sessions)")?
            == "1|0\n"
    );
    Ok(())
}

/// A store that takes no more: without a whole safety snapshot nothing is written.
#[test]
fn where_no_safety_snapshot_can_be_taken_nothing_is_written() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "meta"])?;
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), 0)?;
    stack.sql(
        "UPDATE public.voice_sessions SET topic = 'spoiled' WHERE session_no < 9; DELETE FROM public.user_roles",
    )?;
    let before = prints(&stack)?;
    let name = project_name(&stack);
    for (mode, through) in [("merge", "api"), ("clear", "api"), ("merge", "sql"), ("clear", "sql")] {
        // files of more than 512 bytes cannot be written
        let script = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
        let all = ["-c", script, BINARY, "restore", "--mode", mode, "--through", through, "--confirm", &name];
        let ran = Run::program("sh", &all).on(&stack).store(store.path()).go()?;
        ensure!(ran.code == 1, "{mode} through {through}: {} {}", ran.code, ran.stderr);
        ensure!(ran.stderr.contains("taking a safety snapshot"), "{}", ran.stderr);
        ensure!(prints(&stack)? == before, "{mode} through {through} wrote without a safety snapshot");
    }
    // what only adds takes nothing away, and needs none
    let taken = snapshots(store.path())?.len();
    restore(&stack, store.path(), &["--table", "public.user_roles"]).expect(0)?;
    ensure!(snapshots(store.path())?.len() == taken, "a safety snapshot was taken for nothing");
    Ok(())
}
