//! The run's clock. Only `main` reads the machine's; everything else asks this one.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

/// The time of day when the run began, plus the time since then by a clock that never jumps: within
/// one run time only goes forward, even if the machine's clock is set back.
#[derive(Debug, Clone)]
pub struct Clock {
    began: DateTime<Utc>,
    /// Absent: the clock stands still.
    since: Option<Instant>,
}

impl Clock {
    /// A clock that shows `now` and runs on.
    pub fn running_from(now: DateTime<Utc>) -> Self {
        Self { began: now, since: Some(Instant::now()) }
    }

    /// A clock that always shows `now`, for tests.
    pub fn standing_at(now: DateTime<Utc>) -> Self {
        Self { began: now, since: None }
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        self.began + self.elapsed()
    }

    /// Since the run began.
    pub fn elapsed(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_clock_goes_forward_from_where_it_was_set() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let clock = Clock::running_from(start);
        let first = clock.now();
        std::thread::sleep(Duration::from_millis(5));
        assert!(first >= start);
        assert!(clock.now() >= first + Duration::from_millis(5));
    }

    #[test]
    fn a_standing_clock_stands() {
        let clock = Clock::standing_at(DateTime::<Utc>::UNIX_EPOCH);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(clock.now(), DateTime::<Utc>::UNIX_EPOCH);
        assert_eq!(clock.elapsed(), Duration::ZERO);
    }
}
