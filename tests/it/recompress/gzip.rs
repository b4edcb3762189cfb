//! Snapshots in gzip, for those whose machines know nothing else.

use anyhow::{Result, ensure};

use super::{one, press};
use crate::support::run::{manifest, only_snapshot, snapshots};
use crate::support::{Run, Stack};

#[test]
fn a_snapshot_in_gzip_is_verified_restored_by_the_book_and_left_as_it_is() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let (store, zstd) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let ledger = one(&stack, store.path(), &["--compression", "gzip", "--compression-level", "6"])?;
    let (folder, _) = only_snapshot(store.path())?;
    ensure!(ledger.format == 3 && ledger.parts().all(|(_, part)| part.key.ends_with(".gz")), "{:?}", ledger.files);
    let book = std::fs::read_to_string(folder.join("RECOVERY.md"))?;
    ensure!(!book.contains("zst") && book.contains("gzip -dc sql/*.gz"), "{book}");
    crate::recovery::by_the_book(&stack, &folder, &ledger, "gzipped")?;

    // the same rows as in the other form
    one(&stack, zstd.path(), &[])?;
    let rows = |store: &std::path::Path| -> Result<String> {
        let text = Run::new(&["sql", "latest", "--data-only"]).store(store).expect(0)?.stdout;
        Ok(text.lines().skip(1).collect::<Vec<_>>().join("\n"))
    };
    ensure!(rows(store.path())? == rows(zstd.path())?);
    let plan = Run::new(&["restore", "latest", "--dry-run"]).on(&stack).store(store.path()).go()?;
    ensure!(plan.code == 0, "{}{}", plan.stdout, plan.stderr);

    let ran = press(store.path(), &[]).expect(0)?;
    ensure!(ran.stdout.contains("stays as it is: it is compressed with gzip"), "{}", ran.stdout);
    ensure!(manifest(&snapshots(store.path())?[0])? == ledger);

    // sealed as well
    let (sealed, keys) = (tempfile::tempdir()?, crate::sealed::Keys::new()?);
    let key = keys.age("a")?;
    let to = sealed.path().to_str().unwrap_or_default();
    let copy = ["copy", "latest", "--to", to, "--recipient", &key.public, "--seal-manifest"];
    Run::new(&copy).store(store.path()).expect(0)?;
    let verified = Run::new(&["verify", "--identity-file", key.path()]).store(sealed.path()).expect(0)?;
    ensure!(verified.stdout.contains("intact (opened)"), "{}", verified.stdout);
    let (folder, hidden) = only_snapshot(sealed.path())?;
    let cover = std::fs::read_to_string(folder.join("RECOVERY.md"))?;
    ensure!(
        cover.contains("unseal RECOVERY.full.md.gz.age") && folder.join("RECOVERY.full.md.gz.age").exists(),
        "{cover}"
    );
    ensure!(hidden.format == 3 && hidden.hides_tables());
    Ok(())
}
