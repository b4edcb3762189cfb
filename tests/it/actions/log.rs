//! Hostile names, values, messages and notes through every command: none of them gives the runner an order.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::support::run::Ran;
use crate::support::runner::{Command, Runner};
use crate::support::{Run, Stack};

/// Every way to say something to a runner, each with the word that would betray it.
const HOSTILE: &str = r###"
CREATE TABLE public."::error title=forged::forged" (id int PRIMARY KEY, "##[error]forged" text);
INSERT INTO public."::error title=forged::forged" VALUES (1, '::add-mask::forged'), (2, E'\n::error::forged\r::error::forged'), (3, '##[error]forged');
CREATE TABLE public."##[error]forged" (id int PRIMARY KEY, note text);
COMMENT ON TABLE public."##[error]forged" IS E'x\n::error::forged\n##[group]forged';
CREATE TABLE public."forged
::error::forged" (note text);
INSERT INTO public."forged
::error::forged" VALUES ('::error::forged'), ('::stop-commands::forged');
CREATE TABLE public." ::set-output name=forged::forged" (id int);
CREATE FUNCTION public.forged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- ##[error]forged
  RAISE EXCEPTION E'::error::forged\n::error::forged ##[error]forged';
END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role;
"###;

const REFUSES: &str = r###"CREATE TRIGGER refuses BEFORE INSERT ON public."##[error]forged" FOR EACH ROW EXECUTE FUNCTION public.forged();"###;

/// A step that runs this.
fn step(stack: &Stack, store: &Path, command: &[&str]) -> Run {
    let run = Run::new(command).on(stack).store(store).env("GITHUB_ACTIONS", "true").env("CI", "true");
    run.env("SUPABACKUP_PROGRESS", "lines")
}

/// The commands that a runner carries out for this step, none of them forged.
fn honest(ran: &Ran, what: &[&str]) -> Result<Vec<Command>> {
    let mut taken = Vec::new();
    for stream in [&ran.stdout, &ran.stderr] {
        let mut runner = Runner::new();
        for command in runner.read(stream) {
            let known = matches!(command.name.as_str(), "error" | "warning" | "notice");
            let is_ours = command.properties.get("title").is_some_and(|title| title.starts_with("supabackup"));
            ensure!(known && is_ours, "{what:?} gave the runner an order: {command:?}\n{stream}");
            taken.push(command);
        }
        ensure!(runner.listens(), "{what:?} stopped all commands");
    }
    Ok(taken)
}

#[test]
fn no_hostile_text_gives_the_runner_an_order() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    stack.sql(HOSTILE)?;
    stack.script("restart-postgrest", &[])?;
    let directory = tempfile::tempdir()?;
    let store = directory.path().join("##[error]forged");
    let copies = directory.path().join("::error::forged");
    let copies = copies.to_str().context("no path")?;
    let name = stack.get("SUPABASE_PROJECT_REF").to_owned();
    let forged = "::error title=forged::forged";
    let commands: [(&[&str], &[i32]); 34] = [
        (&["backup", "--dry-run"], &[0]),
        (&["backup", "--dry-run", "--json"], &[0]),
        (&["backup"], &[0]),
        (&["backup", "--json"], &[0]),
        (&["run"], &[0]),
        (&["run", "--json"], &[0]),
        (&["run", "--dry-run"], &[0]),
        (&["verify"], &[0]),
        (&["verify", "--all", "--json"], &[0]),
        (&["pin", "latest", "--note", "::error::forged ##[error]forged"], &[0]),
        (&["list"], &[0]),
        (&["list", "latest"], &[0]),
        (&["list", "latest", "--json"], &[0]),
        (&["monitor"], &[0, 4]),
        (&["monitor", "--json"], &[0, 4]),
        (&["doctor"], &[0, 4]),
        (&["doctor", "--json"], &[0, 4]),
        (&["prune"], &[0]),
        (&["prune", "--apply", "--json"], &[0]),
        (&["copy", "--all", "--to", copies], &[0, 3]),
        (&["recompress", "--recompress-after", "0s"], &[0]),
        (&["sql"], &[0]),
        (&["sql", "--inserts"], &[0]),
        (&["sql", "--schema-only"], &[0, 2]),
        (&["schema"], &[0, 3]),
        (&["restore", "latest", "--dry-run"], &[0, 4]),
        (&["restore", "latest", "--dry-run", "--json"], &[0, 4]),
        (&["restore", "latest", "--sql", "--mode", "merge"], &[0]),
        (&["restore", "latest", "--mode", "clear", "--confirm", &name], &[0]),
        (&["sql", "--table", forged, "--table", "##[error]forged x\n::error::forged"], &[2]),
        (&["restore", "latest", "--confirm", forged], &[2]),
        (&["verify", "::error::forged"], &[2]),
        (&["list", "--no-such-flag=::error::forged\n::error::forged"], &[2]),
        (&["backup", "--store", "\n::error::forged://##[error]forged"], &[1, 2]),
    ];
    for (command, codes) in commands {
        let ran = step(&stack, &store, command).go()?;
        ensure!(codes.contains(&ran.code), "{command:?}: {ran:?}");
        honest(&ran, command)?;
    }
    // what a trigger says when a row is refused
    stack.sql(&format!(r###"TRUNCATE public."##[error]forged"; {REFUSES}"###))?;
    stack.sql(
        r###"ALTER TABLE public."##[error]forged" DISABLE TRIGGER refuses;
        INSERT INTO public."##[error]forged" VALUES (1, 'x');
        ALTER TABLE public."##[error]forged" ENABLE TRIGGER refuses;"###,
    )?;
    step(&stack, &store, &["backup"]).expect(0)?;
    stack.sql(r###"TRUNCATE public."##[error]forged""###)?;
    let refused: &[&str] = &["restore", "latest", "--mode", "merge", "--confirm", &name];
    let ran = step(&stack, &store, refused).go()?;
    ensure!(ran.code != 0 && (ran.stderr.contains("forged") || ran.stdout.contains("forged")), "{ran:?}");
    honest(&ran, refused)?;
    Ok(())
}

#[test]
fn data_on_stdout_means_what_it_means_elsewhere() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    stack.sql(HOSTILE)?;
    stack.script("restart-postgrest", &[])?;
    let directory = tempfile::tempdir()?;
    let store = directory.path();
    let outside = |command: &[&str]| Run::new(command).on(&stack).store(store);
    let id = step(&stack, store, &["backup"]).expect(0)?.stdout;
    let kept = id.trim().parse::<supabackup::model::SnapshotId>().is_ok();
    ensure!(kept, "only the id goes to stdout: {id:?}");
    // what is gone has to be put back: the script that restores is not empty
    stack.sql(r#"DELETE FROM public."::error title=forged::forged""#)?;
    let listed: Value = serde_json::from_str(&step(&stack, store, &["list", "latest", "--json"]).expect(0)?.stdout)?;
    let names: Vec<&str> = listed["manifest"]["tables"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|t| t["name"]["name"].as_str())
        .collect();
    ensure!(names.iter().any(|name| name.contains("##[error]forged")), "{names:?}");
    for command in
        [&["sql"][..], &["sql", "--inserts"], &["schema"], &["restore", "latest", "--sql", "--mode", "merge"]]
    {
        let (plain, inside) = (outside(command).go()?, step(&stack, store, command).go()?);
        ensure!(plain.code == inside.code && plain.code != 1, "{plain:?}");
        // not one byte differs between the first and the last line
        let (first, rest) = inside.stdout.split_once('\n').context("empty")?;
        let word = first.strip_prefix("-- ##[stop-commands]").with_context(|| first.to_owned())?;
        ensure!(word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit()), "{first}");
        let body = rest.strip_suffix(&format!("-- ##[{word}]\n")).context("the runner stays stopped")?;
        ensure!(body == plain.stdout, "{command:?}:\n{body}\n---\n{}", plain.stdout);
        let mut runner = Runner::new();
        let orders = runner.read(&inside.stdout);
        ensure!(orders.is_empty() && runner.listens(), "{command:?}: {orders:?}");
        ensure!(plain.stdout.contains("##[error]forged"), "{command:?}:\n{}", plain.stdout);
        ensure!(!Runner::new().read(&plain.stdout).is_empty(), "it would be an order: {command:?}");
    }
    Ok(())
}
