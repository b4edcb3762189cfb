//! What is written, and who reads it.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Keys, PASSPHRASE, back_up, files, holds, make};
use crate::support::run::{Ran, manifest, only_snapshot};
use crate::support::{Run, Stack};

/// A row that is found again wherever it is in plain.
const SENTINEL: &str = "sentinel-of-a-row-3f9a1c";

fn with_sentinel() -> Result<Stack> {
    let stack = Stack::up(&["--data", "sample"])?;
    make(
        &stack,
        &format!(
            "CREATE TABLE public.kept_secret (id int PRIMARY KEY, note text);
        INSERT INTO public.kept_secret SELECT n, '{SENTINEL}' || n FROM generate_series(1, 500) AS n;
        GRANT ALL ON public.kept_secret TO service_role"
        ),
    )?;
    Ok(stack)
}

fn verified(ran: &Ran) -> Result<Value> {
    let mut document: Value = serde_json::from_str(&ran.stdout)?;
    let found = document["verified"].as_array_mut().map(std::mem::take);
    found.and_then(|mut all| all.pop()).with_context(|| ran.stdout.clone())
}

fn verify(store: &Path, arguments: &[&str]) -> Run {
    Run::new(&["verify", "--json"]).args(arguments).store(store)
}

/// `verify` with each of these identities opens the snapshot, and the record says so.
fn opens(store: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<()> {
    let run = environment.iter().fold(verify(store, arguments), |run, (key, value)| run.env(key, value));
    let ran = run.expect(0)?;
    let verified = verified(&ran)?;
    ensure!(verified["depth"] == "opened" && verified["findings"] == Value::Array(Vec::new()), "{verified:#}");
    Ok(())
}

#[test]
fn each_recipient_opens_it_and_nobody_else_does() -> Result<()> {
    let stack = with_sentinel()?;
    let keys = Keys::new()?;
    let (age, other, ed25519, rsa) = (keys.age("a")?, keys.age("other")?, keys.ssh("ed25519")?, keys.ssh("rsa")?);
    let store = tempfile::tempdir()?;
    let ran = back_up(&stack, store.path(), &[&age, &ed25519, &rsa]).env("SUPABACKUP_PASSPHRASE", PASSPHRASE);
    ran.expect(0)?;
    let (snapshot, manifest) = only_snapshot(store.path())?;
    ensure!(manifest.format == 2 && manifest.complete);
    let seal = manifest.sealed.as_ref().context("not sealed")?;
    let openers = seal.openers().join(" | ");
    ensure!(seal.recipients.len() == 3 && seal.passphrase.is_some(), "{openers}");
    ensure!(openers.starts_with(&format!("{} | ssh-ed25519 SHA256:", age.public)), "{openers}");
    ensure!(!openers.contains("somebody"), "comments of SSH keys stay at home: {openers}");
    for path in files(&snapshot)? {
        let bytes = std::fs::read(&path)?;
        ensure!(!holds(&bytes, SENTINEL), "{} holds rows in plain", path.display());
        let name = path.to_string_lossy().into_owned();
        ensure!(!name.ends_with(".zst"), "{name} is not sealed");
        ensure!(name.ends_with(".age") == bytes.starts_with(b"age-encryption.org/v1\n"), "{name}");
    }

    for key in [&age, &ed25519, &rsa] {
        opens(store.path(), &["--identity-file", key.path()], &[])?;
        opens(store.path(), &[], &[("SUPABACKUP_IDENTITY", &std::fs::read_to_string(&key.file)?)])?;
    }
    opens(store.path(), &[], &[("SUPABACKUP_PASSPHRASE", PASSPHRASE)])?;
    opens(store.path(), &["--identity-file", other.path(), "--identity-file", age.path()], &[])?;

    // without an identity: as deep as it goes, which is said and recorded
    let ran = verify(store.path(), &[]).expect(0)?;
    let closed = verified(&ran)?;
    ensure!(closed["depth"] == "hashed", "{closed:#}");
    let finding = &closed["findings"][0];
    ensure!(finding["code"] == "sealed" && finding["severity"] == "warning", "{closed:#}");
    ensure!(finding["message"].as_str().is_some_and(|m| m.contains(&age.public)), "{closed:#}");
    let records: Vec<String> = files(&snapshot.join("verified"))?.iter().map(|p| p.display().to_string()).collect();
    ensure!(records.iter().any(|name| name.ends_with("-hashed.json")), "{records:?}");
    verify(store.path(), &["--depth", "hashed"]).expect(0)?;
    let listed = Run::new(&["list"]).store(store.path()).expect(0)?;
    // of two records of one second the list shows either
    ensure!(!listed.stdout.contains("DAMAGED"), "{}", listed.stdout);

    // with a wrong one: it is said, it is no success, and it is no damage either
    let guess = ("SUPABACKUP_PASSPHRASE", "another-horse-another-staple");
    for run in
        [verify(store.path(), &["--identity-file", other.path()]), verify(store.path(), &[]).env(guess.0, guess.1)]
    {
        let closed = verified(&run.expect(4)?)?;
        ensure!(closed["depth"] == "hashed" && closed["findings"][0]["code"] == "sealed", "{closed:#}");
    }
    let listed = Run::new(&["list"]).store(store.path()).expect(0)?;
    ensure!(!listed.stdout.contains("DAMAGED"), "{}", listed.stdout);
    let said = Run::new(&["verify", "--identity-file", other.path()]).store(store.path()).expect(4)?;
    ensure!(said.stdout.contains("NOT OPENED (hashed)") && !said.stdout.contains("DAMAGED"), "{}", said.stdout);
    Ok(())
}

#[test]
fn rows_come_out_with_an_identity_and_a_sentence_without() -> Result<()> {
    let stack = with_sentinel()?;
    let keys = Keys::new()?;
    let (age, other) = (keys.age("a")?, keys.age("other")?);
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), &[&age]).expect(0)?;
    for (arguments, said) in [
        (&["sql"][..], "no identity was given"),
        (&["sql", "--identity-file", other.path()], "none of the given identities opens it"),
    ] {
        let ran = Run::new(arguments).store(store.path()).expect(1)?;
        ensure!(ran.stderr.contains(said) && ran.stderr.contains(&age.public), "{}", ran.stderr);
        ensure!(ran.stderr.contains("--identity-file") && ran.stdout.is_empty(), "{}", ran.stderr);
    }
    for form in [&["sql"][..], &["sql", "--inserts"]] {
        let ran = Run::new(form).args(&["--identity-file", age.path()]).store(store.path()).expect(0)?;
        ensure!(ran.stdout.matches(SENTINEL).count() == 500, "{form:?}");
    }
    Ok(())
}

#[test]
fn a_sealed_part_that_was_changed_is_found() -> Result<()> {
    let stack = with_sentinel()?;
    let keys = Keys::new()?;
    let age = keys.age("a")?;
    let store = tempfile::tempdir()?;
    back_up(&stack, store.path(), &[&age]).expect(0)?;
    let (snapshot, before) = only_snapshot(store.path())?;
    let part = &before.tables.iter().find(|t| t.name.name == "kept_secret").context("no table")?.parts[0];
    let path = snapshot.join(&part.key);
    let whole = std::fs::read(&path)?;
    let mut changed = whole.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    std::fs::write(&path, &changed)?;
    for (arguments, depth) in [(&["--identity-file", age.path()][..], "opened"), (&[], "hashed")] {
        let found = verified(&verify(store.path(), arguments).expect(4)?)?;
        ensure!(found["depth"] == depth && found.to_string().contains("hash-differs"), "{found:#}");
    }
    // whoever can write to the store can write checksums too; age still sees it
    let text = std::fs::read_to_string(snapshot.join("manifest.json"))?;
    let text = text.replace(&part.sha256, &supabackup::seal::sha256_hex(&changed));
    let sums = std::fs::read_to_string(snapshot.join("SHA256SUMS"))?;
    let old = supabackup::seal::sha256_hex(&std::fs::read(snapshot.join("manifest.json"))?);
    let sums = sums.replace(&part.sha256, &supabackup::seal::sha256_hex(&changed));
    std::fs::write(snapshot.join("SHA256SUMS"), sums.replace(&old, &supabackup::seal::sha256_hex(text.as_bytes())))?;
    std::fs::write(snapshot.join("manifest.json"), text)?;
    let found = verified(&verify(store.path(), &["--identity-file", age.path()]).expect(4)?)?;
    ensure!(found.to_string().contains("does-not-open"), "{found:#}");
    verify(store.path(), &[]).expect(0)?;
    Ok(())
}

/// The moments at which plaintext could be on a disk: while the run goes on, and after it.
#[test]
fn no_plaintext_touches_a_disk() -> Result<()> {
    let stack = with_sentinel()?;
    let keys = Keys::new()?;
    let age = keys.age("a")?;
    let place = tempfile::tempdir()?;
    for folder in ["store", "home", "tmp", "cwd"] {
        std::fs::create_dir(place.path().join(folder))?;
    }
    let store = place.path().join("store");
    let surroundings = |run: Run| {
        run.env("HOME", place.path().join("home"))
            .env("TMPDIR", place.path().join("tmp"))
            .inside(&place.path().join("cwd"))
    };
    let run = surroundings(back_up(&stack, &store, &[&age]).args(&["--part-size", "64KiB", "--page-size", "16KiB"]));
    let mut child = run.start()?;
    let mut looks = 0;
    let look = || -> Result<()> {
        // a file may be gone again before it is read
        for path in files(place.path()).unwrap_or_default() {
            let Ok(bytes) = std::fs::read(&path) else { continue };
            ensure!(!holds(&bytes, SENTINEL), "{} holds rows in plain", path.display());
        }
        Ok(())
    };
    while child.try_wait()?.is_none() {
        // files that were unlinked while they are open are files too
        for open in std::fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten() {
            if std::fs::metadata(open.path()).is_ok_and(|m| m.is_file()) {
                ensure!(!holds(&std::fs::read(open.path()).unwrap_or_default(), SENTINEL), "an open file holds rows");
            }
        }
        look()?;
        looks += 1;
    }
    ensure!(child.wait()?.success() && looks > 3, "{looks} looks");
    look()?;
    surroundings(Run::new(&["verify", "--identity-file", age.path()]).store(&store)).expect(0)?;
    look()?;
    // and the look is one: a plain run is seen
    surroundings(Run::new(&["backup"]).on(&stack).store(&store)).expect(0)?;
    ensure!(look().is_err(), "a plain snapshot was not seen");
    Ok(())
}

#[test]
fn what_is_wrong_with_keys_is_told_at_once_and_never_repeated() -> Result<()> {
    let keys = Keys::new()?;
    let (age, ssh) = (keys.age("a")?, keys.ssh("ed25519")?);
    let secret = std::fs::read_to_string(&age.file)?;
    let secret = secret.lines().find(|l| l.starts_with("AGE-SECRET-KEY-")).context("no key")?;
    let store = tempfile::tempdir()?;
    let ran = Run::new(&["backup", "--recipient", secret, "--recipients-file", "/nowhere"])
        .env("SUPABASE_URL", "https://abcdefghijklmnopqrst.supabase.co")
        .env("SUPABASE_SECRET_KEY", "sb_secret_x")
        .env("SUPABACKUP_PASSPHRASE", "short")
        .env("SUPABACKUP_IDENTITY", "nonsense")
        .store(store.path())
        .expect(2)?;
    for said in ["4 mistakes", "private key, not a recipient", "/nowhere", "too short", "SUPABACKUP_IDENTITY: holds"] {
        ensure!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    ensure!(!ran.stderr.contains(&secret[20..40]), "{}", ran.stderr);
    let ran = Run::new(&["backup", "--recipient", "age1nobody"]).store(store.path()).expect(2)?;
    ensure!(ran.stderr.contains("age1nobody"), "{}", ran.stderr);
    let encrypted = keys.file("encrypted");
    std::fs::copy(&ssh.file, &encrypted)?;
    super::run(std::process::Command::new("ssh-keygen").args(["-q", "-p", "-N", "guarded", "-f"]).arg(&encrypted))?;
    let path = encrypted.to_str().unwrap_or_default();
    let ran = Run::new(&["verify", "--identity-file", path]).store(store.path()).expect(2)?;
    ensure!(ran.stderr.contains("a passphrase protects") && ran.stderr.contains("ssh-keygen -p"), "{}", ran.stderr);
    for arguments in [&["backup", "--passphrase", PASSPHRASE][..], &["verify", "--identity", secret]] {
        let ran = Run::new(arguments).store(store.path()).expect(2)?;
        ensure!(!ran.stderr.contains(PASSPHRASE) && !ran.stderr.contains(&secret[20..40]), "{}", ran.stderr);
    }
    let ran = Run::new(&["backup", "--seal-manifest"])
        .env("SUPABASE_URL", "https://abcdefghijklmnopqrst.supabase.co")
        .env("SUPABASE_SECRET_KEY", "sb_secret_x")
        .expect(2)?;
    ensure!(ran.stderr.contains("--recipient"), "{}", ran.stderr);
    Ok(())
}

#[test]
fn the_torture_database_comes_through_age_unchanged() -> Result<()> {
    let stack = Stack::up(&["--data", "torture"])?;
    let keys = Keys::new()?;
    let age = keys.age("a")?;
    let (plain, sealed) = (tempfile::tempdir()?, tempfile::tempdir()?);
    Run::new(&["backup"]).on(&stack).store(plain.path()).expect(3)?;
    back_up(&stack, sealed.path(), &[&age]).expect(3)?;
    verify(sealed.path(), &["--identity-file", age.path()]).expect(3)?;
    let (one, other) = (only_snapshot(plain.path())?.1, manifest(&only_snapshot(sealed.path())?.0)?);
    ensure!(one.format == 1 && one.sealed.is_none() && other.format == 2);
    ensure!(one.tables.len() == other.tables.len() && one.tables.len() > 50);
    for (a, b) in one.tables.iter().zip(&other.tables) {
        ensure!((&a.name, a.rows, &a.digest) == (&b.name, b.rows, &b.digest), "{}", a.name);
        let raw = |t: &supabackup::model::TableEntry| t.parts.iter().map(|p| p.raw_size).collect::<Vec<_>>();
        ensure!(raw(a) == raw(b), "{}", a.name);
    }
    Ok(())
}
