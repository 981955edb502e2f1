//! The rate limit: so many calls in any 60 seconds, over all export endpoints together.
//!
//! The server counts per token. Only one token is let in, so there is one count. A refused call does not count.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The length of the sliding window.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Counts calls. Its clock is tokio's, so that a test can pause it.
#[derive(Debug)]
pub(super) struct Quota {
    pub(super) limit: Option<u32>,
    taken: Mutex<VecDeque<Instant>>,
}

impl Quota {
    pub(super) fn new(limit: Option<u32>) -> Quota {
        Quota { limit, taken: Mutex::default() }
    }

    /// Takes one call, or says how long it takes until one is free.
    pub(super) fn take(&self) -> Result<(), Duration> {
        let Some(limit) = self.limit else { return Ok(()) };
        let now = Instant::now();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.front().is_some_and(|&at| now.duration_since(at) >= WINDOW) {
            taken.pop_front();
        }
        if taken.len() < limit as usize {
            taken.push_back(now);
            return Ok(());
        }
        Err(taken.front().map_or(WINDOW, |&at| WINDOW - now.duration_since(at)))
    }

    /// The calls that are left in the window, if there is a limit.
    pub(super) fn left(&self) -> Option<u32> {
        let now = Instant::now();
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = taken.iter().filter(|&&at| now.duration_since(at) < WINDOW).count();
        self.limit.map(|limit| limit.saturating_sub(recent as u32))
    }
}

/// Whole seconds, rounded up, for `Retry-After`.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
