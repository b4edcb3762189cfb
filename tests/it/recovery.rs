//! The worst day, played through: a person with nothing but a snapshot, `psql`, `zstd` and
//! `sha256sum` follows RECOVERY.md to the letter.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use supabackup::model::{Manifest, Stability};

use crate::support::compare::differences;
use crate::support::run::only_snapshot;
use crate::support::{Run, Stack};

/// The shell blocks of RECOVERY.md that hold `needle`.
fn block<'a>(text: &'a str, needle: &str) -> Result<&'a str> {
    let mut blocks = text.split("```bash\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(code, _)| code));
    blocks.find(|code| code.contains(needle)).with_context(|| format!("RECOVERY.md has no block with {needle:?}"))
}

fn shell(code: &str, snapshot: &Path, target: &str, source: &str) -> Result<String> {
    let output = Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", code])
        .env("DATABASE_URL", target)
        .env("COPY_URL", source)
        .current_dir(snapshot)
        .output()?;
    ensure!(output.status.success(), "{code}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// Backs up everything of the stack, restores it by the book into an empty database, and compares.
fn back_and_forth(stack: &Stack, database: &str) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let ran = Run::new(&["backup"]).on(stack).store(directory.path()).expect(0)?;
    ensure!(ran.stderr.contains("complete:") && ran.stderr.contains("all tables show one moment"), "{}", ran.stderr);
    let (snapshot, manifest) = only_snapshot(directory.path())?;
    ensure!(ran.stdout.trim() == manifest.snapshot.as_str(), "stdout is the id and nothing else: {}", ran.stdout);
    ensure!(manifest.complete && manifest.missing.is_empty() && manifest.consistency.moment.is_some());
    ensure!(manifest.tables.iter().all(|t| matches!(t.stability, Stability::Stable { .. })));
    Run::new(&["verify"]).store(directory.path()).expect(0)?;

    let admin = by_the_book(stack, &snapshot, &manifest, database)?;
    let book = std::fs::read_to_string(snapshot.join("RECOVERY.md"))?;
    let (source, postgres) = (stack.get("STACK_POSTGRES_URL"), admin.as_str());
    // and the proof is one: a single changed character is seen
    let first = manifest.tables.iter().find(|t| t.rows > 0).context("no rows")?;
    let column = first.columns.iter().find(|c| c.type_name == "text").context("no text column")?;
    let change = format!(
        "SET session_replication_role = replica; UPDATE {0} SET \"{1}\" = \"{1}\" || '.' WHERE ctid = (SELECT min(ctid) FROM {0} WHERE \"{1}\" IS NOT NULL)",
        first.name.quoted(),
        column.name
    );
    crate::support::stack::psql(&admin, &change)?;
    let proof = shell(block(&book, "supabackup check: begin")?, &snapshot, postgres, source)?;
    ensure!(proof.lines().filter(|l| l.trim_end().ends_with(" f")).count() == 1, "{proof}");
    Ok(())
}

/// Follows RECOVERY.md of a plain snapshot into a new database, and compares. Gives the superuser's URL of that database.
pub(crate) fn by_the_book(stack: &Stack, snapshot: &Path, manifest: &Manifest, database: &str) -> Result<String> {
    let book = std::fs::read_to_string(snapshot.join("RECOVERY.md"))?;
    let (admin, postgres) = stack.new_database(database)?;
    let source = stack.get("STACK_POSTGRES_URL");
    shell(block(&book, "sha256sum -c SHA256SUMS")?, snapshot, &postgres, source)?;
    let prepare = block(&book, "--section=pre-data")?;
    let (tables, constraints) = prepare.split_once("# … load the rows").context("two steps")?;
    let constraints = constraints.split_once('\n').context("a step after the rows")?.1;
    shell(tables, snapshot, &postgres, source)?;
    shell(block(&book, "-dc sql/*")?, snapshot, &postgres, source)?;
    shell(constraints, snapshot, &postgres, source)?;
    let proof = shell(block(&book, "supabackup check: begin")?, snapshot, &postgres, source)?;
    for table in &manifest.tables {
        ensure!(proof.contains(&table.name.name), "{} is not in the proof:\n{proof}", table.name);
    }
    let lines = proof.lines().filter(|l| l.trim_end().ends_with(" t")).count();
    ensure!(lines == manifest.tables.len(), "not every line says t:\n{proof}");

    let differ = differences(snapshot, manifest, stack.get("STACK_DATABASE_URL"), &admin)?;
    ensure!(differ.is_empty(), "{differ:?}");
    Ok(admin)
}

#[test]
fn following_recovery_md_restores_the_sample_project() -> Result<()> {
    back_and_forth(&Stack::up(&["--data", "sample"])?, "sample_again")
}

#[test]
fn following_recovery_md_restores_real_public_data() -> Result<()> {
    back_and_forth(&Stack::up(&["--data", "vega"])?, "vega_again")
}
