//! Signals at any moment of a run: what is left is a whole snapshot, or none.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::support::honest::{Ended, Truth, files};
use crate::support::run::{finished, manifest, snapshots};
use crate::support::{Run, Stack};

/// xorshift64*: the same moments for the same seed.
pub(crate) struct Moments {
    pub(crate) seed: u64,
    state: u64,
    longest: Duration,
}

impl Moments {
    pub(crate) fn new(longest: Duration) -> Result<Self> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|e| anyhow::anyhow!("{e}"))?;
        let seed = u64::from_le_bytes(bytes) | 1;
        Ok(Self { seed, state: seed, longest })
    }

    /// What is cut off next may take this long: a busy machine makes it longer, a quiet one shorter.
    pub(crate) fn within(&mut self, longest: Duration) {
        self.longest = longest;
    }

    pub(crate) fn next(&mut self) -> Duration {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        let fraction = (self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64;
        self.longest.mul_f64(fraction)
    }
}

/// Returns once a program has its handlers in place: before, a signal ends it as it ends any other, and nothing
/// was begun. `SigCgt` in `/proc/PID/status` is a mask with bit n - 1 for signal n (proc(5)).
pub(crate) fn until_it_listens(process: u32) -> Result<()> {
    let handled = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP].iter().fold(0_u64, |mask, n| mask | 1 << (n - 1));
    let begun = Instant::now();
    loop {
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        if status.lines().any(|line| line.starts_with("State:\tZ")) {
            return Ok(()); // it has ended by itself: its exit code says how
        }
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).context("no SigCgt")?;
        if u64::from_str_radix(caught.trim(), 16)? & handled == handled {
            return Ok(());
        }
        ensure!(begun.elapsed() < Duration::from_secs(20), "it never listened to signals");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A stack whose answers take a while, what it holds, and how long a run of it takes.
fn slow_sample(milliseconds: &str) -> Result<(Stack, Truth, Duration)> {
    let stack = Stack::up(&["--data", "sample", "--max-rows", "200", "--latency", milliseconds])?;
    let truth = Truth::of(&stack)?;
    let mut took = Duration::MAX;
    for _ in 0..3 {
        let directory = tempfile::tempdir()?;
        let begun = Instant::now();
        let ran = backup(&stack, directory.path()).go()?;
        took = took.min(begun.elapsed());
        truth.judge(directory.path(), &ran)?.complete()?;
    }
    Ok((stack, truth, took))
}

fn backup(stack: &Stack, store: &Path) -> Run {
    Run::new(&["backup"]).on(stack).store(store).env("SUPABACKUP_PART_SIZE", "128KiB")
}

/// Sends a signal to a process at the very moment it is asked to: everything is prepared before.
pub(crate) struct Trigger {
    shell: Child,
}

impl Trigger {
    pub(crate) fn new(signal: &str, process: u32) -> Result<Self> {
        let script = format!("read go; kill -{signal} {process} 2>/dev/null; true");
        Ok(Self { shell: Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).spawn()? })
    }

    pub(crate) fn pull(mut self) -> Result<()> {
        self.shell.stdin.take().context("no input")?.write_all(b"go\n")?;
        ensure!(self.shell.wait()?.success());
        Ok(())
    }
}

/// A run that was asked to stop: it did so and cleared up, or was done already.
fn judge_stopped(truth: &Truth, store: &Path, ran: &crate::support::run::Ran, signal: &str) -> Result<bool> {
    match truth.judge(store, ran)? {
        Ended::Complete(..) => Ok(false),
        Ended::Nothing(why) => {
            ensure!(why.contains(&format!("error: stopped by {signal}")), "{why}");
            ensure!(ran.stdout.is_empty(), "{}", ran.stdout);
            Ok(true)
        }
        other @ Ended::Incomplete(..) => bail!("{other:?}"),
    }
}

#[test]
fn a_polite_signal_at_any_moment_leaves_nothing_behind() -> Result<()> {
    let (stack, truth, took) = slow_sample("30")?;
    let mut moments = Moments::new(took.mul_f64(1.05))?;
    let mut stopped = 0;
    for n in 0..26 {
        let (signal, moment) = (["TERM", "TERM", "INT", "HUP"][n % 4], moments.next());
        let directory = tempfile::tempdir()?;
        let child = backup(&stack, directory.path()).start()?;
        let trigger = Trigger::new(signal, child.id())?;
        until_it_listens(child.id())?;
        std::thread::sleep(moment);
        trigger.pull()?;
        let ran = finished(child)?;
        let told = judge_stopped(&truth, directory.path(), &ran, &format!("SIG{signal}"))
            .with_context(|| format!("seed {}, run {n}: SIG{signal} after {moment:?} of {took:?}", moments.seed))?;
        stopped += u32::from(told);
    }
    ensure!(stopped > 12, "only {stopped} of the runs were stopped before their end");
    Ok(())
}

/// From the list of checksums to the manifest: the last moments in which a run can be stopped.
#[test]
fn a_polite_signal_while_the_manifest_is_written_leaves_a_whole_snapshot_or_none() -> Result<()> {
    let (stack, truth, _) = slow_sample("0")?;
    let mut moments = Moments::new(Duration::from_millis(6))?;
    for n in 0..24 {
        let directory = tempfile::tempdir()?;
        let child = backup(&stack, directory.path()).start()?;
        let trigger = Trigger::new("TERM", child.id())?;
        let begun = Instant::now();
        while !snapshots(directory.path())?.iter().any(|s| s.join("SHA256SUMS").exists()) {
            ensure!(begun.elapsed() < Duration::from_secs(20), "it never came to the checksums");
        }
        let moment = if n % 3 == 0 { Duration::ZERO } else { moments.next() };
        std::thread::sleep(moment);
        trigger.pull()?;
        let ran = finished(child)?;
        judge_stopped(&truth, directory.path(), &ran, "SIGTERM")
            .with_context(|| format!("seed {}, run {n}: {moment:?} after the checksums", moments.seed))?;
    }
    Ok(())
}

#[test]
fn a_second_signal_ends_the_run_at_once() -> Result<()> {
    let (stack, truth, _) = slow_sample("0")?;
    stack.faults(
        &serde_json::json!([{"id": "hang", "path": "record_out&ctid=gte", "times": -1, "action": {"kind": "hang"}}]),
    )?;
    let directory = tempfile::tempdir()?;
    let child = backup(&stack, directory.path()).start()?;
    let begun = Instant::now();
    while stack.faults_hit()?[0] == 0 {
        ensure!(begun.elapsed() < Duration::from_secs(20), "it never asked for rows");
    }
    for signal in ["TERM", "TERM"] {
        // the first one may be enough
        Command::new("kill").args(["-s", signal, &child.id().to_string()]).stderr(Stdio::null()).status()?;
    }
    let begun = Instant::now();
    let ran = finished(child)?;
    ensure!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    ensure!(ran.code == 1 || ran.code == 143, "{}", ran.code);
    ensure!(snapshots(directory.path())?.iter().all(|s| !s.join("manifest.json").exists()));
    stack.no_faults()?;
    ensure!(backup(&stack, directory.path()).go()?.code == 0);
    drop(truth);
    Ok(())
}

/// One store for all of them: what the killed runs leave does not get in the way of later ones.
#[test]
fn a_kill_at_any_moment_leaves_a_whole_snapshot_or_an_unfinished_folder() -> Result<()> {
    let (stack, truth, took) = slow_sample("30")?;
    let mut moments = Moments::new(took.mul_f64(1.05))?;
    let directory = tempfile::tempdir()?;
    let store = directory.path();
    let mut whole = Vec::new();
    for n in 0..26 {
        let mut child = backup(&stack, store).start()?;
        let moment = if n < 24 { moments.next() } else { took * 2 };
        std::thread::sleep(moment);
        child.kill()?;
        let ran = finished(child)?;
        let context = || format!("seed {}, run {n}: killed after {moment:?} of {took:?}", moments.seed);
        ensure!(ran.code == 137 || ran.code == 0, "{}: exit code {}", context(), ran.code);
        for snapshot in snapshots(store)?.into_iter().filter(|s| s.join("manifest.json").exists()) {
            if !whole.contains(&snapshot) {
                truth.holds(&snapshot, &manifest(&snapshot)?).with_context(context)?;
                whole.push(snapshot);
            }
        }
    }
    ensure!(!whole.is_empty() && whole.len() < 20, "{} of the runs came to their end", whole.len());
    // what `list` says of them, and `verify`
    let listed = Run::new(&["list", "--json"]).store(store).expect(0)?;
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed.stdout)?;
    for snapshot in snapshots(store)? {
        let id = snapshot.file_name().and_then(|n| n.to_str()).context("no name")?;
        let state = listed.iter().find(|s| s["id"] == id).map(|s| s["state"].clone());
        let verified = Run::new(&["verify", id]).store(store).go()?;
        if whole.contains(&snapshot) {
            ensure!(state == Some("complete".into()) && verified.code == 0, "{id}: {state:?} {}", verified.stderr);
        } else if files(&snapshot)? > 0 {
            ensure!(state.is_none() || state == Some("unfinished".into()), "{id}: {state:?}");
            ensure!(
                verified.code != 0 && verified.code != 3,
                "an unfinished folder verifies: {}{}",
                verified.stdout,
                verified.stderr
            );
        }
    }
    let ran = backup(&stack, store).expect(0)?;
    let verified = Run::new(&["verify", "latest"]).store(store).expect(0)?;
    ensure!(verified.stdout.contains(ran.stdout.trim()) || verified.stderr.contains(ran.stdout.trim()), "{verified:?}");
    Ok(())
}
