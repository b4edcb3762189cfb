//! The worst day, with nothing but a sealed snapshot, a key, `age`, `zstd`, `psql` and `sha256sum`:
//! RECOVERY.md followed to the letter.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{Keys, PASSPHRASE, back_up};
use crate::support::run::only_snapshot;
use crate::support::{Screen, Stack};

/// The first shell block that holds `needle`.
fn block<'a>(book: &'a str, needle: &str) -> Result<&'a str> {
    let mut blocks = book.split("```bash\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(code, _)| code));
    blocks.find(|code| code.contains(needle)).with_context(|| format!("RECOVERY.md has no block with {needle:?}"))
}

/// Somebody in the snapshot's folder, with a home, and with the address of an empty database.
struct Person<'a> {
    snapshot: &'a Path,
    home: &'a Path,
    database: String,
    source: &'a str,
    /// What was typed before, and holds for the rest of the session.
    said: String,
}

impl Person<'_> {
    fn does(&self, code: &str) -> Result<String> {
        let output = Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", &format!("{}\n{code}", self.said)])
            .env("DATABASE_URL", &self.database)
            .env("COPY_URL", self.source)
            .env("HOME", self.home)
            .current_dir(self.snapshot)
            .output()?;
        ensure!(output.status.success(), "{code}\n{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Checks, prepares, loads and proves, as the book says.
    fn follows(&self, book: &str, tables: usize) -> Result<()> {
        self.does(block(book, "sha256sum -c SHA256SUMS")?)?;
        let prepare = block(book, "--section=pre-data")?;
        let (before, after) = prepare.split_once("# … load the rows").context("two steps")?;
        self.does(before)?;
        self.does(block(book, "unseal sql/*.zst.age")?)?;
        self.does(after.split_once('\n').context("a step after the rows")?.1)?;
        let proof = self.does(block(book, "supabackup check: begin")?)?;
        let right = proof.lines().filter(|line| line.trim_end().ends_with(" t")).count();
        ensure!(right == tables, "{right} of {tables} lines say t:\n{proof}");
        // head leaves before the end, which pipefail takes for a failure
        let look = block(book, "| head -3")?.lines().next().unwrap_or_default();
        let one = self.does(&format!("set +o pipefail; {look}"))?;
        ensure!(one.starts_with('{'), "{one}");
        Ok(())
    }
}

#[test]
fn every_kind_of_key_restores_by_the_book() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let keys = Keys::new()?;
    let (age, ed25519, rsa) = (keys.age("a")?, keys.ssh("ed25519")?, keys.ssh("rsa")?);
    let store = tempfile::tempdir()?;
    let run = back_up(&stack, store.path(), &[&age, &ed25519, &rsa]).env("SUPABACKUP_PASSPHRASE", PASSPHRASE);
    run.expect(0)?;
    let (snapshot, manifest) = only_snapshot(store.path())?;
    let book = std::fs::read_to_string(snapshot.join("RECOVERY.md"))?;
    ensure!(book.contains(&age.public) && book.contains("ssh-rsa SHA256:") && book.contains("a passphrase"), "{book}");
    for (name, key) in [("age", Some(&age)), ("ed25519", Some(&ed25519)), ("rsa", Some(&rsa)), ("passphrase", None)] {
        let home = tempfile::tempdir()?;
        let (_, database) = stack.new_database(&format!("sealed_{name}"))?;
        let source = stack.get("STACK_POSTGRES_URL");
        let said = block(&book, "unseal()")?.to_owned();
        let person = Person { snapshot: &snapshot, home: home.path(), database, source, said };
        match key {
            Some(key) => drop(std::fs::copy(&key.file, home.path().join("age-key.txt"))?),
            None => with_passphrase(&person, block(&book, "identity.age")?)?,
        }
        person.follows(&book, manifest.tables.len()).with_context(|| name.to_owned())?;
    }
    Ok(())
}

/// `age` asks for the passphrase on the terminal.
fn with_passphrase(person: &Person<'_>, code: &str) -> Result<()> {
    let script = format!("{}\n{code}", person.said);
    let mut screen = Screen::start_program("bash", &["-e", "-c", &script], (80, 24), |run| {
        run.env("HOME", person.home).inside(person.snapshot)
    })?;
    screen.wait_for("passphrase")?;
    screen.press(&format!("{PASSPHRASE}\r"))?;
    let left = screen.end()?;
    ensure!(left.code == 0, "{left:?}");
    Ok(())
}

#[test]
fn a_snapshot_that_hides_its_names_says_how_to_go_on() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let keys = Keys::new()?;
    let age = keys.age("a")?;
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), &[&age]).args(&["--seal-manifest"]).expect(0)?;
    let (snapshot, manifest) = only_snapshot(store.path())?;
    let cover = std::fs::read_to_string(snapshot.join("RECOVERY.md"))?;
    let home = tempfile::tempdir()?;
    std::fs::copy(&age.file, home.path().join("age-key.txt"))?;
    let (_, database) = stack.new_database("sealed_names")?;
    let said = block(&cover, "unseal()")?.to_owned();
    let person =
        Person { snapshot: &snapshot, home: home.path(), database, source: stack.get("STACK_POSTGRES_URL"), said };
    person.does(block(&cover, "sha256sum -c SHA256SUMS")?)?;
    person.does(block(&cover, "unseal RECOVERY.full.md.zst.age")?)?;
    let book = std::fs::read_to_string(snapshot.join("RECOVERY.full.md"))?;
    let tables = usize::try_from(manifest.totals.tables)?;
    person.follows(&book, tables)
}
