//! Fetches that run: what one statement is reading, another that wants a part of it waits for instead of asking as well.
//!
//! Who waits has no hold on who reads. It waits as long as the reader waits for upstream, the quota or the disk; when the
//! reader ends, is not asked to go on although it could, or finds that there are too many rows to be held, it goes on by
//! itself.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use datafusion::arrow::record_batch::RecordBatch;
use futures::{Stream, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::held::Held;
use super::{Cache, Key, Signature, lock};
use crate::error::Result;
use crate::fetch::segment::{Freshness, meet, meets};
use crate::model::scan::{Batches, Range, Scan};

/// How long a reader that could go on may be left before those who wait give up.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long a table counts as too large to be held.
const TOO_LARGE: Duration = Duration::from_secs(300);

/// A fetch that runs.
#[derive(Debug)]
pub(super) struct Flight {
    promise: Promise,
    progress: watch::Receiver<Progress>,
}

/// What a fetch will leave behind.
#[derive(Debug)]
pub(super) enum Promise {
    /// All rows of a range that match some filters, these columns of them.
    Segment { signature: Signature, range: Range, columns: Vec<usize>, read_at: i64 },
    /// Rows that are not cut by time.
    Loose(Held),
}

/// How far a fetch has come.
#[derive(Clone, Copy, Debug)]
struct Progress {
    phase: Phase,
    /// How often a part of what it reads has been held.
    holds: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// It waits for something else than being asked to go on.
    Waits,
    /// It could go on since then, and is not asked to.
    Rests(Instant),
    Ended,
}

/// Whom those who wait hear of the fetch from.
#[derive(Clone, Debug)]
struct Course(watch::Sender<Progress>);

/// The reader's end of a flight: over when it is dropped.
#[derive(Debug)]
pub(super) struct Pilot {
    cache: Arc<Cache>,
    key: Key,
    flight: Arc<Flight>,
    course: Course,
}

/// The rows of a reader. A poll that brings none leaves it waiting, until what it waits for wakes it: whether somebody
/// polls it then is what those who wait have to know.
struct Told {
    batches: Batches,
    course: Course,
}

/// Says that a reader could go on, before it wakes who is to poll it.
struct Woken {
    course: Course,
    waker: Waker,
}

/// The end of a flight that somebody waits for.
#[derive(Debug)]
pub(in crate::fetch) struct Landing(watch::Receiver<Progress>);

impl Promise {
    /// Whether a scan that would read these gaps finds less to read when the promise is kept. Where they overlap, what
    /// both want is worth waiting for if it is the larger part of the gap.
    fn helps(&self, scan: &Scan, gaps: &[Range], fresh: Freshness) -> bool {
        match self {
            Promise::Loose(held) => held.serves(scan, fresh, !Signature::of(scan).is_empty()),
            Promise::Segment { signature, range, columns, read_at } => {
                let own = Signature::of(scan);
                let has = |column: &usize| columns.binary_search(column).is_ok();
                let age_us = u128::try_from(fresh.now_us.saturating_sub(*read_at)).unwrap_or(0);
                age_us <= fresh.max_staleness.as_micros()
                    && signature.serves(&own, scan.rechecked)
                    && scan.projection.iter().all(has)
                    && gaps.iter().any(|gap| meets(*gap, *range) && is_most(meet(*gap, *range), *gap, fresh.now_us))
            }
        }
    }
}

/// Whether a part of a range is at least half of it.
fn is_most(part: Range, whole: Range, now_us: i64) -> bool {
    let span = |range: Range| match range.from {
        Some(from) => range.to.unwrap_or(now_us).saturating_sub(from),
        None => i64::MAX,
    };
    span(part) >= span(whole) / 2
}

impl Cache {
    /// A flight that will hold what a scan would read.
    pub(super) fn landing(&self, key: &Key, scan: &Scan, gaps: &[Range], fresh: Freshness) -> Option<Landing> {
        let state = lock(&self.state);
        let flights = &state.tables.get(key)?.flights;
        let flight = flights.iter().find(|flight| flight.promise.helps(scan, gaps, fresh))?;
        Some(Landing(flight.progress.clone()))
    }

    /// Announces a fetch that will hold what `promise` says. None for a table that was too large lately.
    pub(super) fn take_off(self: &Arc<Self>, key: Key, promise: Promise) -> Option<Pilot> {
        let mut state = lock(&self.state);
        let table = state.tables.entry(key.clone()).or_default();
        table.too_large = table.too_large.filter(|since| since.elapsed() < TOO_LARGE);
        if table.too_large.is_some() {
            return None;
        }
        let (progress, told) = watch::channel(Progress { phase: Phase::Rests(Instant::now()), holds: 0 });
        let flight = Arc::new(Flight { promise, progress: told });
        table.flights.push(Arc::clone(&flight));
        Some(Pilot { cache: Arc::clone(self), key, flight, course: Course(progress) })
    }
}

impl Course {
    fn waits(&self) {
        self.0.send_if_modified(|progress| {
            let rests = matches!(progress.phase, Phase::Rests(_));
            if rests {
                progress.phase = Phase::Waits;
            }
            rests
        });
    }

    fn could_go_on(&self) {
        self.0.send_if_modified(|progress| {
            let waits = matches!(progress.phase, Phase::Waits);
            if waits {
                progress.phase = Phase::Rests(Instant::now());
            }
            waits
        });
    }

    fn has_given_rows(&self) {
        self.0.send_if_modified(|progress| {
            let goes_on = !matches!(progress.phase, Phase::Ended);
            if goes_on {
                progress.phase = Phase::Rests(Instant::now());
            }
            goes_on
        });
    }
}

impl Stream for Told {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Before the poll: what wakes it while it is polled must find it waiting.
        self.course.waits();
        let woken = Woken { course: self.course.clone(), waker: context.waker().clone() };
        let waker = Waker::from(Arc::new(woken));
        let polled = self.batches.poll_next_unpin(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            self.course.has_given_rows();
        }
        polled
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.course.could_go_on();
        self.waker.wake_by_ref();
    }
}

impl Pilot {
    /// The rows of the reader; those who wait hear whether it is asked for them.
    pub(super) fn told(&self) -> impl FnOnce(Batches) -> Batches + use<> {
        let course = self.course.clone();
        |batches| Told { batches, course }.boxed()
    }

    /// A part of what is read is held.
    pub(super) fn holds(&self) {
        self.course.0.send_modify(|progress| progress.holds += 1);
    }

    /// There are more rows than are held.
    pub(super) fn is_too_large(&self) {
        if let Some(table) = lock(&self.cache.state).tables.get_mut(&self.key) {
            table.too_large = Some(Instant::now());
        }
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        if let Some(table) = lock(&self.cache.state).tables.get_mut(&self.key) {
            table.flights.retain(|flight| !Arc::ptr_eq(flight, &self.flight));
        }
        self.course.0.send_modify(|progress| progress.phase = Phase::Ended);
    }
}

impl Landing {
    /// Waits until the flight has ended, or goes on no more, or `is_enough` says that what is held by then is enough. It is
    /// asked when more is held than before. Cancel safe.
    pub(in crate::fetch) async fn wait(mut self, is_enough: impl Fn() -> bool) {
        let mut seen = 0;
        loop {
            let progress = *self.0.borrow_and_update();
            let patience = match progress.phase {
                Phase::Ended => return,
                _ if std::mem::replace(&mut seen, progress.holds) < progress.holds && is_enough() => return,
                Phase::Waits => None,
                Phase::Rests(since) => Some(since + PATIENCE),
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
