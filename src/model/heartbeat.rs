//! How monitors of scheduled jobs want to be told that a job runs.

use std::fmt;
use std::str::FromStr;

/// The conventions of one kind of monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatKind {
    /// `…/start`, `…`, `…/fail`: Healthchecks.io, and many that took over its ways.
    Healthchecks,
    /// `?state=run`, `?state=complete`, `?state=fail`.
    Cronitor,
    /// `?status=up`, `?status=down`; knows no start. Uptime Kuma.
    Kuma,
    /// `…`, `…/fail`; knows no start. Better Stack.
    BetterStack,
    /// The address as it is, after a success only: that it stays away is the alarm.
    Plain,
}

impl HeartbeatKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Healthchecks, Self::Cronitor, Self::Kuma, Self::BetterStack, Self::Plain];
}

impl fmt::Display for HeartbeatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthchecks => "healthchecks",
            Self::Cronitor => "cronitor",
            Self::Kuma => "kuma",
            Self::BetterStack => "betterstack",
            Self::Plain => "plain",
        })
    }
}

impl FromStr for HeartbeatKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| kind.to_string() == text);
        known.ok_or_else(|| format!("{text:?} is no kind of heartbeat"))
    }
}
