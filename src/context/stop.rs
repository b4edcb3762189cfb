//! The request to stop: from a signal to whoever does the work.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Knows whether somebody wants the run to end. Clones know it too.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<Option<&'static str>>);

/// The other end of a [`Stop`].
#[derive(Debug)]
pub struct Switch(watch::Sender<Option<&'static str>>);

impl Stop {
    /// A request that was not made yet, and the switch that makes it.
    pub fn new() -> (Switch, Self) {
        let (sender, receiver) = watch::channel(None);
        (Switch(sender), Self(receiver))
    }

    /// A request that nobody will make.
    pub fn never() -> Self {
        Self::new().1
    }

    /// The signal's name, once the run should end.
    pub fn requested(&self) -> Option<&'static str> {
        *self.0.borrow()
    }

    /// Returns when the run should end, with the signal's name.
    pub async fn wait(&self) -> &'static str {
        let mut receiver = self.0.clone();
        let requested = receiver.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match requested {
            Some(signal) => signal,
            // the switch is gone, so nobody can ask any more
            None => std::future::pending().await,
        }
    }
}

impl Switch {
    /// Asks the run to end.
    pub fn request(&self, signal: &'static str) {
        self.0.send_replace(Some(signal));
    }

    /// From now on signals make the request; `force` is called with an exit code on the second one.
    /// A signal that was ignored when the process began stays so: `nohup`, or a shell's background
    /// job. Must be called inside a Tokio runtime.
    pub fn on_signals(self, force: fn(u8)) -> io::Result<()> {
        let ignored = ignored();
        let switch = std::sync::Arc::new(self);
        for (kind, name) in [
            (SignalKind::terminate(), "SIGTERM"),
            (SignalKind::interrupt(), "SIGINT"),
            (SignalKind::hangup(), "SIGHUP"),
        ] {
            let number = kind.as_raw_value();
            if ignored >> (number - 1) & 1 == 1 {
                continue;
            }
            let mut signals = signal(kind)?;
            let switch = switch.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    // a shell reports a process that a signal ended as 128 and its number
                    if switch.0.send_replace(Some(name)).is_some() {
                        force(u8::try_from(128 + number).unwrap_or(1));
                    }
                }
            });
        }
        Ok(())
    }
}

/// The set of signals that this process ignores; empty where the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn every_clone_learns_of_the_request() {
        let (switch, stop) = Stop::new();
        let waiting = stop.clone();
        let waiting = tokio::spawn(async move { waiting.wait().await });
        assert_eq!(stop.requested(), None);
        switch.request("SIGTERM");
        assert_eq!(stop.requested(), Some("SIGTERM"));
        assert_eq!(waiting.await.ok(), Some("SIGTERM"));
        drop(switch);
        assert_eq!(stop.wait().await, "SIGTERM");
    }

    #[tokio::test]
    async fn nobody_asks_a_run_that_never_stops() {
        let stop = Stop::never();
        assert_eq!(stop.requested(), None);
        assert!(tokio::time::timeout(Duration::from_millis(10), stop.wait()).await.is_err());
    }
}
