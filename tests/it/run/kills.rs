//! Kill a run at any moment, and run again.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{at, nothing_else, run, today, whole};
use crate::kills::{Moments, Trigger, until_it_listens};
use crate::support::honest::Truth;
use crate::support::run::{finished, manifest};
use crate::support::{Run, Stack};

/// One store for all of them. Each run is two hours after the one before it, so that every lease of a dead one is
/// over; old snapshots go meanwhile, so that removals are cut off too.
#[test]
fn fifty_runs_that_are_ended_at_any_moment_leave_whole_snapshots_and_nothing_else() -> Result<()> {
    let stack = Stack::up(&["--data", "sample", "--max-rows", "200", "--latency", "15"])?;
    let truth = Truth::of(&stack)?;
    let directory = tempfile::tempdir()?;
    let (store, base) = (directory.path(), today());
    let rules = ["--keep-within", "1d", "--keep-at-most", "5"];
    let begun = Instant::now();
    run(&stack, store, base).args(&rules).expect(0)?;
    // what a whole run takes changes with the machine's load and with the number of snapshots: it is followed
    let mut took = begun.elapsed();
    let mut moments = Moments::new(took)?;
    let (mut cut, mut ended) = (0, 0);
    let mut good: BTreeSet<_> = whole(store)?.into_iter().collect();
    for n in 1..=50_i64 {
        moments.within(took.mul_f64(1.1));
        let signal = if n % 2 == 0 { "TERM" } else { "KILL" };
        let child = run(&stack, store, at(base, 0, n * 120)).args(&rules).start()?;
        let trigger = Trigger::new(signal, child.id())?;
        if signal == "TERM" {
            until_it_listens(child.id())?;
        }
        let moment = moments.next();
        std::thread::sleep(moment);
        trigger.pull()?;
        let ran = finished(child)?;
        // one that was cut off late would have taken longer; one that had ended takes no longer than that
        took = if ran.code == 0 { took.mul_f64(0.8) } else { took.max(moment).mul_f64(1.03) };
        let context = || format!("seed {}, run {n}: {signal} after {moment:?} of {took:?}: {ran:?}", moments.seed);
        ensure!([0, 1, 137].contains(&ran.code), "{}", context());
        ensure!(!ran.stderr.contains("panicked") && !ran.stderr.contains("internal error"), "{}", context());
        if ran.code == 0 {
            ended += 1
        } else {
            cut += 1
        }
        let now: BTreeSet<_> = whole(store)?.into_iter().collect();
        for new in now.difference(&good) {
            truth.holds(new, &manifest(new)?).with_context(context)?;
        }
        // never fewer than the floor, whatever was cut off
        ensure!(now.len() >= good.len().min(3), "{}: {} of {} are left", context(), now.len(), good.len());
        good = now;
    }
    ensure!(cut > 20 && ended > 0, "{cut} were cut off, {ended} came to their end");
    Run::new(&["verify", "--all"]).store(store).expect(0)?;
    // a week later all that was left is gone; the newest ones are there
    for n in 0..4 {
        let run = run(&stack, store, at(base, 13, n * 60)).args(&rules).args(&["--freeze-after", "30d"]);
        let ran = run.go()?;
        ensure!(ran.code == 0, "{ran:?}");
    }
    let verified = Run::new(&["verify", "--all"]).store(store).expect(0)?;
    ensure!(!verified.stderr.contains("did not end"), "{}", verified.stderr);
    ensure!((3..=5).contains(&whole(store)?.len()), "{:?}", whole(store)?);
    nothing_else(store)
}
