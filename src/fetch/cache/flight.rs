//! Fetches that run: what one statement is reading, another that wants a part of it waits for instead of asking as well.
//!
//! Who waits has no hold on who reads. It waits as long as the reader waits for upstream or for the quota; when the reader
//! ends, stops to take rows, or finds that there are too many to be held, it goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::{Cache, Freshness, Held, Key, lock};
use crate::model::scan::Scan;

/// How long a reader may leave its rows before those who wait give up.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a table counts as too large to be held.
const TOO_LARGE: Duration = Duration::from_secs(300);

/// A fetch that runs.
#[derive(Debug)]
pub(super) struct Flight {
    /// What will be held, without its rows.
    promise: Held,
    progress: watch::Receiver<Progress>,
}

/// How far a fetch has come.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// It waits for upstream.
    Waits,
    /// It has given rows since then, and is not asked for more.
    Rests(Instant),
    Ended,
}

/// The reader's end of a flight: over when it is dropped.
#[derive(Debug)]
pub(super) struct Pilot {
    cache: Arc<Cache>,
    key: Key,
    flight: Arc<Flight>,
    progress: watch::Sender<Progress>,
}

/// The end of a flight that somebody waits for.
#[derive(Debug)]
pub(in crate::fetch) struct Landing(watch::Receiver<Progress>);

impl Cache {
    /// A flight that will hold all that a scan wants.
    pub(in crate::fetch) fn landing(&self, key: &Key, scan: &Scan, fresh: Freshness) -> Option<Landing> {
        let state = lock(&self.state);
        let flights = state.flights.get(key)?;
        let flight = flights.iter().find(|flight| flight.promise.serves(scan, fresh))?;
        Some(Landing(flight.progress.clone()))
    }

    /// Announces a fetch that will hold what `promise` says. None for a table that was too large lately.
    pub(super) fn take_off(self: &Arc<Self>, key: Key, promise: Held) -> Option<Pilot> {
        let mut state = lock(&self.state);
        state.too_large.retain(|_, since| since.elapsed() < TOO_LARGE);
        if state.too_large.contains_key(&key) {
            return None;
        }
        let (progress, told) = watch::channel(Progress::Rests(Instant::now()));
        let flight = Arc::new(Flight { promise, progress: told });
        state.flights.entry(key.clone()).or_default().push(Arc::clone(&flight));
        Some(Pilot { cache: Arc::clone(self), key, flight, progress })
    }
}

impl Pilot {
    /// The fetch waits for upstream.
    pub(super) fn waits(&self) {
        self.progress.send_if_modified(|progress| {
            let rests = matches!(progress, Progress::Rests(_));
            if rests {
                *progress = Progress::Waits;
            }
            rests
        });
    }

    /// The fetch has given rows.
    pub(super) fn rests(&self) {
        self.progress.send_replace(Progress::Rests(Instant::now()));
    }

    /// There are more rows than are held.
    pub(super) fn is_too_large(&self) {
        lock(&self.cache.state).too_large.insert(self.key.clone(), Instant::now());
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        let mut state = lock(&self.cache.state);
        if let Some(flights) = state.flights.get_mut(&self.key) {
            flights.retain(|flight| !Arc::ptr_eq(flight, &self.flight));
            if flights.is_empty() {
                state.flights.remove(&self.key);
            }
        }
        drop(state);
        self.progress.send_replace(Progress::Ended);
    }
}

impl Landing {
    /// Waits until the flight has ended, or goes on no more. Cancel safe.
    pub(in crate::fetch) async fn wait(mut self) {
        loop {
            let progress = *self.0.borrow_and_update();
            let patience = match progress {
                Progress::Ended => return,
                Progress::Waits => None,
                Progress::Rests(since) => Some(since + PATIENCE),
            };
            let tired = async {
                match patience {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = tired => return,
                changed = self.0.changed() => if changed.is_err() { return },
            }
        }
    }
}
