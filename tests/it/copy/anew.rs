//! Copies that are sealed for others, or opened.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use supabackup::model::Manifest;

use super::path;
use crate::prune::{Shelf, days};
use crate::sealed::{Key, Keys};
use crate::support::Run;
use crate::support::run::only_snapshot;

/// What `age` and `zstd` make of a sealed file.
fn by_hand(key: &Key, file: &std::path::Path) -> Result<Vec<u8>> {
    let age = Command::new("age").args(["-d", "-i", key.path()]).arg(file).output()?;
    ensure!(age.status.success(), "{}", String::from_utf8_lossy(&age.stderr));
    Ok(zstd::stream::decode_all(age.stdout.as_slice())?)
}

fn digests(manifest: &Manifest) -> Vec<(String, u64, String)> {
    manifest.tables.iter().map(|t| (t.name.to_string(), t.rows, t.digest.clone())).collect()
}

#[tokio::test]
async fn copies_are_sealed_for_others_and_opened_only_when_that_is_said() -> Result<()> {
    let shelf = Shelf::new().await?;
    let id = shelf.good(days(1))?;
    shelf.run(&format!("pin {id}")).expect(0)?;
    let keys = Keys::new()?;
    let (old, new) = (keys.age("old")?, keys.age("new")?);
    let plain: Manifest = crate::support::run::manifest(&shelf.folder(&id))?;
    let [sealed, resealed, hidden, opened] =
        [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];

    // plain → sealed
    shelf.run(&format!("copy latest --to {} --recipient {}", path(sealed.path()), old.public)).expect(0)?;
    let (folder, manifest) = only_snapshot(sealed.path())?;
    ensure!(manifest.format == 2 && manifest.sealed.is_some() && digests(&manifest) == digests(&plain));
    ensure!(manifest.parts().all(|(_, part)| part.key.ends_with(".zst.age")) && folder.join("pin.json").exists());
    let listed = Run::new(&["list", "--json"]).store(sealed.path()).expect(0)?.stdout;
    ensure!(listed.contains("\"depth\": \"opened\"") && listed.contains("\"proven\": \"opened\""), "{listed}");
    for ((_, a), (_, b)) in plain.parts().zip(manifest.parts()) {
        let raw = zstd::stream::decode_all(std::fs::read(shelf.folder(&id).join(&a.key))?.as_slice())?;
        ensure!(by_hand(&old, &folder.join(&b.key))? == raw, "{}", b.key);
    }
    let book = std::fs::read_to_string(folder.join("RECOVERY.md"))?;
    ensure!(book.contains(&old.public) && book.contains("unseal sql/*.zst.age"), "{book}");
    let sums = Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(&folder).output()?;
    ensure!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stderr));

    // again, for the same people: it is there; for others: it differs
    let copy = |store: &std::path::Path, to: &std::path::Path, more: &[&str]| {
        Run::new(&["copy", "latest", "--to", path(to)]).store(store).args(more)
    };
    let again = copy(shelf.root(), sealed.path(), &["--recipient", &old.public]).expect(0)?;
    ensure!(again.stdout.contains("is there already"), "{}", again.stdout);
    let ran = copy(shelf.root(), sealed.path(), &["--recipient", &new.public]).expect(1)?;
    ensure!(ran.stderr.contains("has one that differs"), "{}", ran.stderr);

    // sealed → sealed for somebody else: only with what opens it
    let ran = copy(sealed.path(), resealed.path(), &["--recipient", &new.public]).expect(1)?;
    ensure!(ran.stderr.contains("no identity was given"), "{}", ran.stderr);
    let with_old = ["--identity-file", old.path()];
    copy(sealed.path(), resealed.path(), &["--recipient", &new.public]).args(&with_old).expect(0)?;
    let (folder, manifest) = only_snapshot(resealed.path())?;
    let part = &manifest.parts().next().context("no part")?.1.key;
    ensure!(by_hand(&old, &folder.join(part)).is_err() && !by_hand(&new, &folder.join(part))?.is_empty());

    // names hidden, and a passphrase
    let passphrase = |run: Run| run.env("SUPABACKUP_PASSPHRASE", "a long enough passphrase");
    let seal = ["--recipient", &old.public, "--seal-manifest"];
    passphrase(copy(sealed.path(), hidden.path(), &seal).args(&with_old)).expect(0)?;
    let (_, manifest) = only_snapshot(hidden.path())?;
    ensure!(manifest.hides_tables() && manifest.stored().all(|(key, ..)| !key.contains("orders")));
    passphrase(Run::new(&["verify"])).store(hidden.path()).expect(0)?;

    // back to plain: only when it is said, and then it is what it was
    copy(hidden.path(), opened.path(), &["--unseal"]).args(&with_old).expect(0)?;
    let (folder, manifest) = only_snapshot(opened.path())?;
    ensure!(manifest.format == 1 && manifest.sealed.is_none() && digests(&manifest) == digests(&plain));
    ensure!(manifest.parts().map(|(_, p)| p).eq(plain.parts().map(|(_, p)| p)));
    Run::new(&["verify"]).store(opened.path()).expect(0)?;
    let (ours, theirs) = (tree_names(&folder)?, tree_names(&shelf.folder(&id))?);
    ensure!(ours == theirs, "{ours:?}\n{theirs:?}");

    // without --reseal and --recipient what is sealed stays as it is, whatever is configured
    let same = tempfile::tempdir()?;
    copy(sealed.path(), same.path(), &[]).env("SUPABACKUP_RECIPIENTS", &new.public).expect(0)?;
    let bytes = |store: &std::path::Path| anyhow::Ok(std::fs::read(only_snapshot(store)?.0.join("manifest.json"))?);
    ensure!(bytes(same.path())? == bytes(sealed.path())?);
    let ran = copy(shelf.root(), same.path(), &["--reseal"]).expect(2)?;
    ensure!(ran.stderr.contains("needs somebody who may open"), "{}", ran.stderr);
    Ok(())
}

/// Names of the files that no verification left.
fn tree_names(folder: &std::path::Path) -> Result<Vec<String>> {
    let tree = crate::prune::tree(folder)?;
    let names = tree.keys().filter_map(|path| path.strip_prefix(folder).ok().map(|p| p.display().to_string()));
    Ok(names.filter(|name| !name.starts_with("verified/")).collect())
}
