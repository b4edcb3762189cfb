//! A run that can seal and has nothing that opens.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{at, days, files, report, run, today, whole};
use crate::support::{Run, Stack};

const SENTINEL: &str = "sentinel-of-a-row-8d21f7";

/// Whether a text stands in these bytes, or in what they decompress to.
fn holds(bytes: &[u8], text: &str) -> bool {
    let there = |bytes: &[u8]| memchr::memmem::find(bytes, text.as_bytes()).is_some();
    there(bytes) || zstd::stream::decode_all(bytes).is_ok_and(|raw| there(&raw))
}

/// No file that there is at this moment holds a text. Files may be gone again before they are read.
fn none_holds(place: &Path, text: &str) -> Result<()> {
    for path in files(place).unwrap_or_default() {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        ensure!(!holds(&bytes, text), "{} holds {text} in plain", path.display());
    }
    Ok(())
}

#[test]
fn a_sealed_run_is_proven_without_an_identity_and_no_plaintext_touches_a_disk() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    stack.sql(&format!(
        "SET ROLE postgres; CREATE TABLE public.kept_secret (id int PRIMARY KEY, note text);
         INSERT INTO public.kept_secret SELECT n, '{SENTINEL}' || n FROM generate_series(1, 400) AS n;
         GRANT ALL ON public.kept_secret TO service_role"
    ))?;
    stack.script("restart-postgrest", &[])?;
    let place = tempfile::tempdir()?;
    for folder in ["store", "home", "tmp", "cwd"] {
        std::fs::create_dir(place.path().join(folder))?;
    }
    let keys = tempfile::tempdir()?;
    let key = keys.path().join("key.txt");
    ensure!(Command::new("age-keygen").arg("-o").arg(&key).output()?.status.success());
    let recipient = Command::new("age-keygen").arg("-y").arg(&key).output()?.stdout;
    let recipient = String::from_utf8(recipient)?;
    let store = place.path().join("store");
    let base = today();
    for (day, hides) in [(0, false), (1, false), (2, false), (3, true), (4, true)] {
        let run = run(&stack, &store, at(base, day, 0)).args(&[
            "--json",
            "--keep-within",
            "1d",
            "--recipient",
            recipient.trim(),
        ]);
        let run = if hides { run.args(&["--seal-manifest"]) } else { run };
        let run = run.env("HOME", place.path().join("home")).env("TMPDIR", place.path().join("tmp"));
        let mut child = run.inside(&place.path().join("cwd")).start()?;
        let mut looks = 0;
        while child.try_wait()?.is_none() {
            none_holds(place.path(), SENTINEL)?;
            looks += 1;
        }
        let ran = crate::support::run::finished(child)?;
        ensure!(ran.code == 0 && looks > 1, "{looks} looks: {ran:?}");
        let told = report(&ran)?;
        let verified = &told["stores"][0]["verified"];
        ensure!(
            verified["depth"] == "opened" && verified["findings"].as_array().is_some_and(Vec::is_empty),
            "{told:#}"
        );
        none_holds(place.path(), SENTINEL)?;
    }
    // they count as good: old ones went, and the floor stays
    ensure!(days(&store, base)? == [2, 3, 4], "{:?}", days(&store, base)?);
    let listed = Run::new(&["list"]).store(&store).expect(0)?;
    ensure!(listed.stdout.matches("opened").count() == 3, "{}", listed.stdout);
    // what the run says of tables is as secret as they are
    let newest = whole(&store)?.pop().context("none")?;
    let told: Vec<String> = files(&newest.join("run"))?.iter().map(|file| file.display().to_string()).collect();
    ensure!(told.len() == 3 && told.iter().all(|name| name.ends_with(".zst.age")), "{told:?}");
    none_holds(&newest, "kept_secret")?;
    // with an identity the tables are compared too
    let key = key.to_str().context("path")?;
    let run = run(&stack, &store, at(base, 5, 0)).args(&["--json", "--identity-file", key, "--seal-manifest"]);
    let told = report(&run.args(&["--recipient", recipient.trim()]).expect(0)?)?;
    ensure!(told["trends"][0]["changed"] == serde_json::json!([]), "{told:#}");
    Run::new(&["verify", "--all", "--identity-file", key]).store(&store).expect(0)?;
    Ok(())
}
