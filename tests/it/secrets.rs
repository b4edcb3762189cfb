//! No key in any output: every command, in every outcome, with keys that are known to the test.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::json;

use crate::support::run::Ran;
use crate::support::{Run, Stack};

/// Texts that must not turn up anywhere, each with what it is.
struct Sentinels(Vec<(String, String)>);

impl Sentinels {
    /// Every form in which these secrets could be read again.
    fn of(secrets: &[&str]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets {
            let mut form = |what: &str, text: String| forms.push((format!("{what} of {secret}"), text));
            // what tells a key from others is its end: that of a JWT is its signature
            let tail = secret.rsplit('.').next().unwrap_or(secret);
            form("the end", tail.to_owned());
            form("a part", tail.chars().skip(tail.len() / 3).take(12).collect());
            let hex = |mark: &str| {
                secret.bytes().fold(String::new(), |mut text, byte| {
                    let _ = write!(text, "{mark}{byte:02x}");
                    text
                })
            };
            form("the hex form", hex(""));
            form("the percent form", hex("%"));
            form("the percent form in capitals", hex("%").to_uppercase());
            for shift in 0..3 {
                // as a part of something that is longer, wherever it begins there
                let padded = format!("{}{secret}", "x".repeat(shift));
                for encoded in [STANDARD.encode(&padded), URL_SAFE.encode(&padded)] {
                    let inner = encoded.trim_end_matches('=');
                    form("the base64 form", inner[4..inner.len() - 4].to_owned());
                }
            }
        }
        Self(forms)
    }

    fn absent_from(&self, text: &[u8], place: &str) -> Result<()> {
        for (what, form) in &self.0 {
            let found = memchr::memmem::find(text, form.as_bytes());
            ensure!(
                found.is_none(),
                "{what} is in {place}:\n{}",
                String::from_utf8_lossy(&text[..text.len().min(4000)])
            );
        }
        Ok(())
    }

    fn absent_from_run(&self, ran: &Ran, what: &str) -> Result<()> {
        self.absent_from(ran.stdout.as_bytes(), &format!("stdout of {what}"))?;
        self.absent_from(ran.stderr.as_bytes(), &format!("stderr of {what}"))
    }

    /// All files below a directory, decompressed, and their names.
    fn absent_from_files(&self, directory: &Path) -> Result<u32> {
        let mut files = 0;
        for entry in std::fs::read_dir(directory)? {
            let path: PathBuf = entry?.path();
            let shown = path.display().to_string();
            self.absent_from(shown.as_bytes(), "a file's name")?;
            if path.is_dir() {
                files += self.absent_from_files(&path)?;
                continue;
            }
            let bytes = std::fs::read(&path)?;
            self.absent_from(&bytes, &shown)?;
            if path.extension().is_some_and(|e| e == "zst") {
                self.absent_from(&zstd::stream::decode_all(bytes.as_slice())?, &shown)?;
            }
            files += 1;
        }
        Ok(files)
    }
}

/// A personal access token, and a password for places where none belongs.
const TOKEN: &str = "sbp_5e47b1c0d9f84a63a2e7d0c91b8f36e4a7d25c18";
const PASSWORD: &str = "hunter2-Zq8wKv3R";
/// What makes the address of a monitor a secret.
const HEARTBEAT: &str = "c41d9e07-5b3a-heartbeat-sentinel-88f2";
/// The same of the addresses of channels; what signs; and the token of a workflow.
const CHANNEL: &str = "77aa0b5e-channel-sentinel-c3d1-4e0f";
const SIGNS: &str = "Kx2-signing-sentinel-0Pz7Wq";
const GITHUB: &str = "ghs_Rz6bXw1sentinelQkP0vT9mLd3Yc8Ae5Hj2u";
const OPAQUE: &str = "9f3c7a1e5b8d4c20-opaque-self-hosted-key";

fn sentinels(stack: &Stack) -> Sentinels {
    let of_stack = ["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY_LEGACY"].map(|key| stack.get(key));
    Sentinels::of(&[of_stack[0], of_stack[1], TOKEN, PASSWORD, OPAQUE, HEARTBEAT, CHANNEL, SIGNS, GITHUB])
}

/// Surroundings that make programs talkative.
const TALKATIVE: [&[(&str, &str)]; 4] = [
    &[],
    &[("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("SUPABACKUP_PROGRESS", "lines")],
    &[("NO_COLOR", "1"), ("SUPABACKUP_PROGRESS", "bars")],
    &[("CI", "true"), ("GITHUB_ACTIONS", "true"), ("RUST_LOG", "debug"), ("DEBUG", "*")],
];

const COMMANDS: [&[&str]; 36] = [
    &["backup"],
    &["backup", "--json"],
    &["backup", "--dry-run"],
    &["backup", "--dry-run", "--json"],
    &["run"],
    &["run", "--json", "--heartbeat", "plain"],
    &["run", "--dry-run"],
    &["run", "--dry-run", "--json"],
    &["verify"],
    &["verify", "--all", "--json"],
    &["verify", "--depth", "listed"],
    &["copy", "latest", "--to", "COPIES"],
    &["copy", "--all", "--to", "COPIES", "--json"],
    &["recompress", "--recompress-after", "0s"],
    &["recompress", "--recompress-after", "0s", "--dry-run", "--json"],
    &["pin", "latest", "--note", "what for"],
    &["prune"],
    &["prune", "--apply", "--json"],
    &["unpin", "latest"],
    &["list"],
    &["list", "--json"],
    &["list", "latest"],
    &["list", "latest", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["monitor"],
    &["monitor", "--json"],
    &["dashboard", "-"],
    &["monitor", "--notify-on", "always"],
    &["monitor", "--notify-on", "always", "--dry-run"],
    &["restore", "latest", "--dry-run"],
    &["restore", "latest", "--dry-run", "--json"],
    &["restore", "latest", "--mode", "clear", "--confirm", "samplestackprojectre"],
    &["restore", "latest", "--confirm", "samplestackprojectre", "--json"],
    &["restore", "latest", "--sql"],
    &["verify", "20200101T000000Z-0000"],
];

#[test]
fn no_command_that_works_shows_a_key() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let sentinels = sentinels(&stack);
    let copies = tempfile::tempdir()?;
    let directory = tempfile::tempdir()?;
    // what a runner of GitHub Actions is told
    let told = tempfile::tempdir()?;
    for (n, surroundings) in TALKATIVE.iter().enumerate() {
        for command in COMMANDS {
            let command: Vec<&str> = command
                .iter()
                .map(|word| if *word == "COPIES" { copies.path().to_str().unwrap_or(word) } else { word })
                .collect();
            let mut run = Run::new(&command).on(&stack).env("SUPABASE_ACCESS_TOKEN", TOKEN).store(directory.path());
            run = run.env("GITHUB_STEP_SUMMARY", told.path().join("summary"));
            run = run.env("GITHUB_OUTPUT", told.path().join("output"));
            // nobody listens there
            run = run.env("SUPABACKUP_HEARTBEAT_URL", format!("http://127.0.0.1:9/{HEARTBEAT}"));
            for channel in ["WEBHOOK", "SLACK", "DISCORD", "TEAMS"] {
                run = run.env(&format!("SUPABACKUP_{channel}_URL"), format!("http://127.0.0.1:9/{CHANNEL}"));
            }
            run = run.env("SUPABACKUP_WEBHOOK_SECRET", SIGNS).env("SUPABACKUP_GITHUB_ISSUES", "1");
            run = run
                .env("GITHUB_TOKEN", GITHUB)
                .env("GITHUB_REPOSITORY", "o/r")
                .env("GITHUB_API_URL", "http://127.0.0.1:9");
            if n % 2 == 1 {
                // the legacy key, which goes into another header
                run = run.env("SUPABASE_SECRET_KEY", "");
                run = run.env("SUPABASE_SERVICE_ROLE_KEY", stack.get("SUPABASE_SERVICE_ROLE_KEY_LEGACY"));
            }
            let ran = surroundings.iter().fold(run, |run, (key, value)| run.env(key, value)).go()?;
            sentinels.absent_from_run(&ran, &format!("{command:?} with {surroundings:?}"))?;
            ensure!(
                ran.code == 0
                    || command.len() == 2 && command[1].starts_with("2020")
                    || ["doctor", "monitor"].contains(&command[0]),
                "{command:?}: {ran:?}"
            );
        }
    }
    ensure!(sentinels.absent_from_files(told.path())? == 2);
    ensure!(sentinels.absent_from_files(copies.path())? > 20);
    ensure!(sentinels.absent_from_files(directory.path())? > 100);
    Ok(())
}

#[test]
fn no_command_that_uses_a_token_shows_it() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let directory = tempfile::tempdir()?;
    let commands: [&[&str]; 15] = [
        &["backup", "--json"],
        &["backup"],
        &["run"],
        &["doctor"],
        &["doctor", "--json"],
        &["monitor"],
        &["monitor", "--json"],
        &["dashboard", "-"],
        &["schema"],
        &["sql"],
        &["sql", "--inserts"],
        &["sql", "--on-purpose"],
        &["restore", "latest", "--dry-run"],
        &["restore", "latest", "--confirm", "samplestackprojectre"],
        &["helper-sql"],
    ];
    for token in ["STACK_TOKEN_READ", "STACK_TOKEN_NONE"] {
        let sentinels = Sentinels::of(&[stack.get("SUPABASE_SECRET_KEY"), stack.get(token)]);
        for command in commands {
            for (key, value) in [("RUST_LOG", "trace"), ("CI", "true")] {
                let run = Run::new(command).on(&stack).store(directory.path()).env(key, value);
                let ran = run.token(&stack, token).go()?;
                sentinels.absent_from_run(&ran, &format!("{command:?} with {token}"))?;
                ensure!(
                    ran.code != 2
                        && (token == "STACK_TOKEN_NONE" || ran.code == 0 || (command[0], ran.code) == ("monitor", 4)),
                    "{command:?}: {ran:?}"
                );
            }
        }
        ensure!(sentinels.absent_from_files(directory.path())? > 20);
    }
    Ok(())
}

/// A passphrase, and private keys that a runner has in its environment.
#[test]
fn no_command_that_seals_or_opens_shows_what_opens() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let keys = tempfile::tempdir()?;
    let file = keys.path().join("key.txt");
    let keygen = |program: &str, arguments: &[&str]| -> Result<()> {
        let output = std::process::Command::new(program).args(arguments).output().context(program.to_owned())?;
        ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    keygen("age-keygen", &["-o", &file.to_string_lossy()])?;
    let ssh = keys.path().join("ssh");
    keygen("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", &ssh.to_string_lossy()])?;
    let (identity, ssh_text) = (std::fs::read_to_string(&file)?, std::fs::read_to_string(&ssh)?);
    let secret = identity.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).context("no key")?;
    let recipient = identity.lines().find_map(|line| line.strip_prefix("# public key: ")).context("no recipient")?;
    // in the middle of an SSH key stands what nobody may see; its beginning is the same in all
    let inner: String = ssh_text.lines().nth(3).unwrap_or_default().to_owned();
    let passphrase = "Zx81-sentinel passphrase-Qq";
    let sentinels = Sentinels::of(&[secret, &inner, passphrase, stack.get("SUPABASE_SECRET_KEY")]);
    let directory = tempfile::tempdir()?;
    let commands: [&[&str]; 12] = [
        &["backup", "--json"],
        &["backup", "--seal-manifest"],
        &["run", "--json"],
        &["run", "--seal-manifest"],
        &["verify", "--all"],
        &["verify", "--json"],
        &["list", "latest"],
        &["sql"],
        &["doctor"],
        &["restore", "latest", "--dry-run"],
        &["restore", "latest", "--mode", "clear", "--confirm", "samplestackprojectre"],
        &["backup", "--no-such-flag"],
    ];
    for command in commands {
        for (identity, surroundings) in [(&identity, ("RUST_LOG", "trace")), (&ssh_text, ("RUST_BACKTRACE", "full"))] {
            let run = Run::new(command).on(&stack).store(directory.path()).env(surroundings.0, surroundings.1);
            let run = run.env("SUPABACKUP_IDENTITY", identity).env("SUPABACKUP_PASSPHRASE", passphrase);
            let ran = run.env("SUPABACKUP_RECIPIENTS", recipient).go()?;
            sentinels.absent_from_run(&ran, &format!("{command:?}"))?;
            ensure!(
                [0, 2, 4].contains(&ran.code) && ran.code == i32::from(command[1..] == ["--no-such-flag"]) * 2
                    || command[0] == "doctor",
                "{command:?}: {ran:?}"
            );
        }
    }
    for wrong in [secret, inner.as_str(), passphrase] {
        for flag in
            ["--recipient", "--recipients-file", "--passphrase", "--identity", "--identity-file", "--secret-key"]
        {
            for command in ["backup", "verify", "restore"] {
                let run = Run::new(&[command, flag, wrong]).on(&stack).inside(keys.path()).store(directory.path());
                let ran = run.env("SUPABACKUP_PASSPHRASE", passphrase).env("SUPABACKUP_IDENTITY", &ssh_text).go()?;
                ensure!(ran.code == 2, "{command} {flag}: {ran:?}");
                sentinels.absent_from_run(&ran, &format!("{command} {flag}"))?;
            }
        }
    }
    ensure!(sentinels.absent_from_files(directory.path())? > 50);
    Ok(())
}

#[test]
fn no_help_shows_a_key_that_is_set() -> Result<()> {
    let sentinels = Sentinels::of(&["sb_secret_helphelphelphelphelphe_12345678", TOKEN]);
    let arguments: [&[&str]; 22] = [
        &["prune", "--help"],
        &["dashboard", "--help"],
        &["run", "--help"],
        &["pin", "--help"],
        &["sql", "--help"],
        &["schema", "--help"],
        &["helper-sql", "--help"],
        &["restore", "--help"],
        &[],
        &["--help"],
        &["-h"],
        &["--version"],
        &["help"],
        &["backup", "--help"],
        &["verify", "--help"],
        &["list", "--help"],
        &["doctor", "--help"],
        &["backup", "-h"],
        &["no-such-command"],
        &["backup", "--no-such-flag"],
        &["backup", "--connections"],
        &["verify", "not-an-id"],
    ];
    for arguments in arguments {
        let run = Run::new(arguments).env("SUPABASE_SECRET_KEY", "sb_secret_helphelphelphelphelphe_12345678");
        let ran = run.env("SUPABASE_ACCESS_TOKEN", TOKEN).env("RUST_BACKTRACE", "full").go()?;
        sentinels.absent_from_run(&ran, &format!("{arguments:?}"))?;
    }
    Ok(())
}

#[test]
fn a_key_in_a_wrong_place_is_refused_and_not_repeated() -> Result<()> {
    let stack = Stack::up(&["--data", "none"])?;
    let sentinels = sentinels(&stack);
    let directory = tempfile::tempdir()?;
    let (key, jwt) =
        (stack.get("SUPABASE_SECRET_KEY").to_owned(), stack.get("SUPABASE_SERVICE_ROLE_KEY_LEGACY").to_owned());
    let url = format!("https://someone:{PASSWORD}@abcdefghijklmnopqrst.supabase.co");
    let database = format!("postgresql://postgres:{PASSWORD}@db.abcdefghijklmnopqrst.supabase.co:5432/postgres");
    let in_query = format!("https://abcdefghijklmnopqrst.supabase.co/?apikey={key}");
    let bucket = format!("s3://AKIAIOSFODNN7EXAMPLE:{PASSWORD}@bucket");
    let mut wrong: Vec<Vec<String>> = Vec::new();
    let mut add = |arguments: &[&str]| wrong.push(arguments.iter().map(|&a| a.to_owned()).collect());
    for secret in [key.as_str(), &jwt, TOKEN, OPAQUE] {
        for flag in [
            "--secret-key",
            "--key",
            "--api-key",
            "--apikey",
            "--service-role-key",
            "--access-token",
            "--token",
            "--password",
        ] {
            add(&["backup", flag, secret]);
            add(&["backup", &format!("{flag}={secret}")]);
        }
        add(&["--secret-key", secret, "list"]);
        add(&[secret]);
        add(&["backup", secret]);
        add(&["verify", secret]);
        add(&["list", secret]);
        add(&["pin", secret]);
        add(&["prune", "--retention", secret]);
        for flag in [
            "--no-such-flag",
            "--supabase-secret-key",
            "--connections",
            "--url",
            "--part-size",
            "--request-timeout",
            "--paging",
            "--artifacts",
            "--schema",
        ] {
            add(&["backup", flag, secret]);
            add(&["backup", &format!("{flag}={secret}")]);
        }
        add(&["verify", "--depth", secret]);
    }
    for address in [&url, &database, &in_query] {
        add(&["backup", "--url", address]);
        add(&["doctor", "--url", address]);
    }
    add(&["verify", "--restore-into", &database]);
    add(&["verify", &format!("--restore-into={database}")]);
    add(&["verify", &database]);
    let monitor = format!("https://hc-ping.com/{HEARTBEAT}");
    for flag in ["--heartbeat", "--heartbeat-url"] {
        add(&["run", flag, &monitor]);
        add(&["run", &format!("{flag}={monitor}")]);
    }
    for flag in ["--slack-url", "--discord-url", "--teams-url", "--webhook-url", "--webhook-secret", "--github-token"] {
        add(&["monitor", flag, CHANNEL]);
        add(&["run", &format!("{flag}={CHANNEL}")]);
    }
    for store in [&bucket, &database] {
        add(&["backup", "--store", store]);
        add(&["list", "--store", store]);
    }
    for arguments in &wrong {
        let borrowed: Vec<&str> = arguments.iter().map(String::as_str).collect();
        // what is in the environment is known, whatever it looks like
        let run = Run::new(&borrowed).on(&stack).env("SUPABASE_ACCESS_TOKEN", OPAQUE).inside(directory.path());
        let ran = run.env("RUST_BACKTRACE", "full").go()?;
        let what = borrowed[..borrowed.len() - 1].join(" ");
        sentinels.absent_from_run(&ran, &what)?;
        ensure!(ran.code == 2 || ran.code == 1, "{what}: {ran:?}");
    }
    for (variable, value) in [
        ("SUPABASE_URL", url.as_str()),
        ("SUPABASE_URL", &database),
        ("SUPABASE_URL", &in_query),
        ("SUPABASE_URL", &key),
        ("SUPABASE_URL", &jwt),
        ("SUPABASE_PROJECT_REF", &jwt),
        ("SUPABASE_PROJECT_REF", &key),
        ("SUPABACKUP_RESTORE_INTO", &url),
        ("SUPABACKUP_RESTORE_INTO", &key),
        ("SUPABACKUP_CONNECTIONS", &jwt),
        ("SUPABACKUP_PART_SIZE", &key),
        ("SUPABACKUP_STORE", &bucket),
        ("SUPABASE_SECRET_KEY", TOKEN),
        ("SUPABASE_SECRET_KEY", &format!("{key}\n{key}")),
        ("SUPABASE_SECRET_KEY", &format!("\"{key}\"")),
        ("SUPABASE_SECRET_KEY", &format!("{OPAQUE} {OPAQUE}")),
        ("SUPABASE_SECRET_KEY", &jwt[..jwt.len() - 60]),
        ("SUPABASE_ACCESS_TOKEN", &key),
    ] {
        for command in ["backup", "doctor"] {
            let ran = Run::new(&[command]).on(&stack).inside(directory.path()).env(variable, value).go()?;
            sentinels.absent_from_run(&ran, &format!("{command} with {variable}"))?;
            ensure!(ran.code == 2 || ran.code == 1 || command == "doctor", "{variable}: {ran:?}");
        }
    }
    Ok(())
}

#[test]
fn a_key_in_the_configuration_file_is_refused_and_not_repeated() -> Result<()> {
    let key = "sb_secret_fileFILEfileFILEfileFI_87654321";
    let sentinels = Sentinels::of(&[key, OPAQUE]);
    for text in [
        format!("secret_key = \"{key}\"\n"),
        format!("SUPABASE_SECRET_KEY = \"{OPAQUE}\"\n"),
        format!("access_token = \"{OPAQUE}\"\n"),
        format!("my_own_key = \"{OPAQUE}\"\n"),
        format!("secret_key = \"{OPAQUE}\n"),
        format!("secret_key = {OPAQUE}\n"),
        format!("[secrets]\nkey = \"{OPAQUE}\"\n"),
        format!("connections = \"{key}\"\n"),
        format!("url = \"https://x:{OPAQUE}@example.com\"\n"),
        format!("{key}\n"),
    ] {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join("supabackup.toml"), &text)?;
        for command in ["backup", "verify", "list", "doctor"] {
            let run = Run::new(&[command]).inside(directory.path()).env("SUPABASE_PROJECT_REF", "abcdefghijklmnopqrst");
            let ran = run.env("SUPABASE_SECRET_KEY", key).go()?;
            sentinels.absent_from_run(&ran, &format!("{command} with the file {text:?}"))?;
            ensure!(ran.code == 2, "{text:?}: {ran:?}");
        }
    }
    Ok(())
}

/// Servers and proxies that repeat what they were sent, or refuse it.
#[test]
fn a_server_that_repeats_the_key_does_not_make_it_visible() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let sentinels = sentinels(&stack);
    for (n, key) in
        [stack.get("SUPABASE_SECRET_KEY"), stack.get("SUPABASE_SERVICE_ROLE_KEY_LEGACY")].into_iter().enumerate()
    {
        let body = |code: &str| {
            json!({"code": code, "message": format!("apikey: {key}, Bearer {key}"), "hint": format!("is {key} right?"), "details": key}).to_string()
        };
        for (status, code, path, times) in [
            (401, "", "", -1),
            (403, "", "", -1),
            (400, "PGRST100", "", -1),
            (400, "PGRST100", "/voice_sessions?", -1),
            (403, "42501", "/voice_sessions?", -1),
            (404, "42P01", "record_out&ctid=gte", 1),
            (500, "XX000", "record_out&ctid=gte", 1),
            (500, "57014", "/voice_sessions?", -1),
            (503, "PGRST000", "/voice_sessions?", -1),
            (200, "", "/voice_sessions?", -1),
            (406, "PGRST106", "", 1),
        ] {
            let action = json!({"kind": "status", "status": status, "body": body(code)});
            for command in [&["backup"][..], &["backup", "--json"], &["backup", "--dry-run", "--json"], &["doctor"]] {
                let directory = tempfile::tempdir()?;
                stack.faults(&json!([{"id": "echo", "path": path, "times": times, "action": action}]))?;
                let variable = ["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"][n];
                let run = Run::new(command).on(&stack).env("SUPABASE_SECRET_KEY", "").env(variable, key);
                let ran = run
                    .env("SUPABACKUP_RETRIES", "0")
                    .env("SUPABACKUP_RETRY_DELAY", "1ms")
                    .store(directory.path())
                    .go()?;
                let what = format!("{command:?} with {status} {code} for {path:?}");
                sentinels.absent_from_run(&ran, &what)?;
                sentinels.absent_from_files(directory.path()).context(what)?;
                stack.no_faults()?;
            }
        }
    }
    Ok(())
}

#[test]
fn no_failure_shows_a_key() -> Result<()> {
    let stack = Stack::up(&["--data", "sample"])?;
    let directory = tempfile::tempdir()?;
    let wrong = "sb_secret_wrongWRONGwrongWRONGwr_00000000";
    let sentinels = Sentinels::of(&[
        wrong,
        TOKEN,
        stack.get("SUPABASE_SECRET_KEY"),
        stack.get("SUPABASE_PUBLISHABLE_KEY"),
        stack.get("SUPABASE_ANON_KEY"),
    ]);
    for key in [wrong, stack.get("SUPABASE_PUBLISHABLE_KEY"), stack.get("SUPABASE_ANON_KEY"), TOKEN] {
        for command in ["backup", "doctor"] {
            let ran = Run::new(&[command])
                .on(&stack)
                .env("SUPABASE_SECRET_KEY", key)
                .env("RUST_BACKTRACE", "full")
                .store(directory.path())
                .go()?;
            sentinels.absent_from_run(&ran, command)?;
            ensure!(command == "doctor" || ran.code == 1 || ran.code == 2, "{ran:?}");
        }
    }
    for url in ["http://127.0.0.1:9", "https://no-such-host.invalid", "https://127.0.0.1:9"] {
        for command in ["backup", "doctor"] {
            let run = Run::new(&[command]).on(&stack).env("SUPABASE_URL", url).env("SUPABACKUP_RETRIES", "0");
            sentinels.absent_from_run(&run.env("RUST_LOG", "trace").store(directory.path()).go()?, url)?;
        }
    }
    for store in ["/dev/null", "/proc/nowhere"] {
        for command in ["backup", "list", "verify"] {
            let ran = Run::new(&[command]).on(&stack).env("RUST_BACKTRACE", "full").store(Path::new(store)).go()?;
            sentinels.absent_from_run(&ran, command)?;
        }
    }
    // nobody reads what it prints
    let script = "\"$0\" list >/dev/full; \"$0\" list --json | head -c 1 >/dev/null; \"$0\" backup >&-";
    let run = Run::program("sh", &["-c", script, crate::support::run::BINARY]).on(&stack).env("RUST_BACKTRACE", "full");
    let ran = run.store(directory.path()).go()?;
    ensure!(!ran.stderr.contains("internal error"), "{}", ran.stderr);
    sentinels.absent_from_run(&ran, "without a reader")?;
    sentinels.absent_from_files(directory.path())?;
    Ok(())
}

/// What every user of the machine may see of a process.
#[test]
fn the_process_list_shows_no_key() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--latency", "30"])?;
    let sentinels = sentinels(&stack);
    let directory = tempfile::tempdir()?;
    let mut child =
        Run::new(&["backup"]).on(&stack).env("SUPABASE_ACCESS_TOKEN", TOKEN).store(directory.path()).start()?;
    let mut looks = 0;
    while child.try_wait()?.is_none() {
        for file in ["cmdline", "comm", "status"] {
            let text = std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap_or_default();
            sentinels.absent_from(&text, file)?;
        }
        // what it has written so far
        if directory.path().exists() {
            looks += 1;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    ensure!(looks > 5 && child.wait()?.success());
    Ok(())
}

/// Every way to write, with rows to write, a row that is refused, and servers that repeat what they were sent.
#[test]
fn no_restore_that_writes_shows_a_key() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--sql", "management,meta"])?;
    let token = stack.get("SUPABASE_ACCESS_TOKEN");
    let sentinels = Sentinels::of(&[stack.get("SUPABASE_SECRET_KEY"), token]);
    let directory = tempfile::tempdir()?;
    let project = stack.get("SUPABASE_PROJECT_REF");
    let run = |arguments: &[&str], with_token: bool| {
        let run = Run::new(arguments).on(&stack).store(directory.path()).env("RUST_LOG", "trace");
        if with_token { run.token(&stack, "SUPABASE_ACCESS_TOKEN") } else { run }
    };
    run(&["backup"], true).expect(0)?;
    let backup = crate::support::run::only_snapshot(directory.path())?.1.snapshot.to_string();
    stack.sql("ALTER TABLE public.voice_sessions ADD CHECK (session_no <> 285) NOT VALID")?;
    // what the service was given
    let echo = |path: &str, with_token: bool| {
        let given = if with_token { token } else { stack.get("SUPABASE_SECRET_KEY") };
        let message = format!("apikey {given}, Bearer {given}");
        let body = json!({"code": "23514", "message": message}).to_string();
        json!([{"id": "echo", "path": path, "times": -1, "action": {"kind": "status", "status": 400, "body": body}}])
    };
    for (with_token, through, path) in
        [(true, "sql", "/database/query"), (false, "sql", "/pg/query"), (false, "api", "/voice_sessions?columns")]
    {
        for repeats in [false, true] {
            stack.sql(
                "SET session_replication_role = replica; UPDATE public.voice_sessions SET topic = 'x' WHERE session_no < 5;
                 DELETE FROM public.voice_sessions WHERE session_no > 280",
            )?;
            if repeats {
                stack.faults(&echo(path, with_token))?;
            }
            let arguments =
                ["restore", &backup, "--mode", "clear", "--through", through, "--keep-going", "--confirm", project];
            let ran = run(&arguments, with_token).go()?;
            stack.no_faults()?;
            let what = format!("{arguments:?}, token {with_token}, repeated {repeats}");
            sentinels.absent_from_run(&ran, &what)?;
            ensure!(if repeats { ran.code != 0 } else { ran.code == 3 }, "{what}: {ran:?}");
        }
    }
    // reports and safety snapshots are there too
    ensure!(sentinels.absent_from_files(directory.path())? > 30);
    Ok(())
}
