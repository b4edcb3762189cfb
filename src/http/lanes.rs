//! How many requests are in flight at once.

use std::sync::Mutex;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests in flight: one lane less after each sign of overload, one more after a run of successes.
#[derive(Debug)]
pub(super) struct Lanes {
    open: Semaphore,
    most: usize,
    state: Mutex<LaneState>,
}

#[derive(Debug)]
struct LaneState {
    current: usize,
    successes: usize,
}

/// So many good answers in a row open a closed lane again.
const SUCCESSES_PER_LANE: usize = 25;

impl Lanes {
    pub(super) fn new(most: usize) -> Self {
        Self { open: Semaphore::new(most), most, state: Mutex::new(LaneState { current: most, successes: 0 }) }
    }

    pub(super) async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // the semaphore is never closed; if it were, a request without a lane is better than none
        self.open.acquire().await.ok()
    }

    pub(super) fn leave(&self, lane: Option<SemaphorePermit<'_>>, overloaded: bool) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if overloaded {
            state.successes = 0;
            if state.current > 1 {
                state.current -= 1;
                if let Some(lane) = lane {
                    lane.forget();
                }
            }
        } else {
            state.successes += 1;
            if state.successes >= SUCCESSES_PER_LANE && state.current < self.most {
                state.successes = 0;
                state.current += 1;
                self.open.add_permits(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lanes_close_under_overload_and_open_again() {
        let lanes = Lanes::new(2);
        let lane = lanes.enter().await;
        lanes.leave(lane, true);
        assert_eq!(lanes.open.available_permits(), 1);
        let lane = lanes.enter().await;
        lanes.leave(lane, true);
        assert_eq!(lanes.open.available_permits(), 1, "the last lane stays open");
        for _ in 0..SUCCESSES_PER_LANE {
            let lane = lanes.enter().await;
            lanes.leave(lane, false);
        }
        assert_eq!(lanes.open.available_permits(), 2);
    }
}
