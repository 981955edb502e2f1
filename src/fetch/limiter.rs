//! One call budget per upstream account: never more than `calls` in any sliding window of `per`, never more than
//! `concurrency` at once. A log of slots, not a token bucket: a bucket lets a burst follow a refill, and the vendor counts
//! windows.
//!
//! Invariant: a call holds its slot from its permit until `per` after its answer's headers arrived (or it failed, or was
//! dropped). The vendor counted it somewhere between, so however long the request was on its way, no window of `per` at
//! the vendor's door sees more than `calls`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::model::connector::Quota;
use crate::model::scan::Source;
use crate::model::statement::{Statement, lock};

/// A wait longer than this is told to the client.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// All budgets of the process, one per (source, host, credential scope).
#[derive(Debug, Default)]
pub struct Limiters {
    budgets: Mutex<HashMap<(String, String, String), Arc<Limiter>>>,
}

/// One budget.
#[derive(Debug)]
pub struct Limiter {
    source: String,
    quota: Quota,
    state: Mutex<State>,
}

/// The right to make one call. Dropped unsent it costs nothing; dropped in flight it settles at the drop. Held until the
/// body has been read, because that is how long the call is under way.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<Limiter>,
    phase: Phase,
}

/// What a budget looks like at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Whose.
    pub source: String,
    /// What is allowed.
    pub quota: Quota,
    /// Slots taken: calls in the window, under way, and permits not yet used.
    pub used: u32,
    /// Slots free.
    pub free: u32,
    /// Calls under way.
    pub under_way: u32,
    /// Statements waiting.
    pub waiting: usize,
    /// When the next call can be made at the earliest, if not at once.
    pub next_free: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unsent,
    Sent,
    Settled,
}

#[derive(Debug, Default)]
struct State {
    /// When the slots of settled calls become free, ascending.
    returning: VecDeque<Instant>,
    /// Permits given out that have not settled; each holds a slot.
    unsettled: usize,
    /// Permits that exist.
    held: u32,
    /// Upstream said: not before then.
    blocked_until: Option<Instant>,
    /// Who waits, in order. Only the first may take a permit.
    queue: VecDeque<(u64, Arc<Notify>)>,
    next_ticket: u64,
}

/// A place in the queue; leaving it in whatever way gives it back.
struct Place<'a> {
    limiter: &'a Limiter,
    ticket: u64,
    changed: Arc<Notify>,
}

enum Turn {
    Granted,
    /// Not before this instant; later if calls under way take their time.
    Wait(Instant),
}

impl Limiters {
    /// The budget of a source under a credential.
    pub fn of(&self, source: &Source, scope: &str) -> Arc<Limiter> {
        let host = source.base_url.host_str().unwrap_or_default().to_owned();
        let mut budgets = lock(&self.budgets);
        let limiter = budgets
            .entry((source.name.clone(), host, scope.to_owned()))
            .or_insert_with(|| Arc::new(Limiter::new(&source.name, source.quota)));
        Arc::clone(limiter)
    }

    /// The state of every budget that has been used, by source.
    pub fn snapshot(&self) -> Vec<Usage> {
        let mut usages: Vec<Usage> = lock(&self.budgets).values().map(|limiter| limiter.snapshot()).collect();
        usages.sort_by(|left, right| left.source.cmp(&right.source));
        usages
    }
}

impl Limiter {
    /// Makes a budget nothing of which is used. A quota of zero is taken as one: it could never be waited for.
    pub fn new(source: &str, quota: Quota) -> Self {
        let quota = Quota { calls: quota.calls.max(1), concurrency: quota.concurrency.max(1), ..quota };
        Limiter { source: source.to_owned(), quota, state: Mutex::default() }
    }

    /// Waits for the right to make one call, first come first served. `on_wait` is told once when the wait will be
    /// longer than [`PATIENCE`]. Cancel safe: a dropped wait gives its place back.
    ///
    /// # Errors
    /// [`Kind::UpstreamQuota`] at once when the permit cannot come before the statement's deadline; the statement's own
    /// error as soon as it is stopped.
    pub async fn acquire(
        self: &Arc<Self>,
        statement: &Statement,
        on_wait: impl FnOnce(Duration) + Send,
    ) -> Result<Permit> {
        if statement.cancel.is_cancelled() {
            return Err(statement.stopped());
        }
        let place = self.queue_up();
        let mut on_wait = Some(on_wait);
        loop {
            let now = Instant::now();
            let earliest = match self.turn(place.ticket, now) {
                Turn::Granted => return Ok(Permit { limiter: Arc::clone(self), phase: Phase::Unsent }),
                Turn::Wait(earliest) => earliest,
            };
            if earliest > now && statement.deadline().is_some_and(|deadline| deadline <= earliest) {
                return Err(self.used_up(earliest.saturating_duration_since(now)));
            }
            if earliest.saturating_duration_since(now) > PATIENCE
                && let Some(tell) = on_wait.take()
            {
                tell(earliest - now);
            }
            tokio::select! {
                biased;
                () = statement.cancel.cancelled() => return Err(statement.stopped()),
                () = statement.expired() => return Err(statement.stopped()),
                () = place.changed.notified() => {}
                // An instant that has passed means: only a permit that comes back can help, and that is told.
                () = tokio::time::sleep_until(earliest), if earliest > now => {}
            }
        }
    }

    /// Upstream asked to be left alone: no permit before `until`.
    pub fn penalize(&self, until: Instant) {
        let mut state = lock(&self.state);
        state.blocked_until = Some(state.blocked_until.map_or(until, |before| before.max(until)));
        state.wake();
    }

    /// The state at this moment.
    pub fn snapshot(&self) -> Usage {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.tidy(now);
        let used = u32::try_from(state.used()).unwrap_or(u32::MAX);
        let next_free = state.earliest(&self.quota, state.queue.len(), now);
        Usage {
            source: self.source.clone(),
            quota: self.quota,
            used,
            free: self.quota.calls.saturating_sub(used),
            under_way: state.held,
            waiting: state.queue.len(),
            next_free: (next_free > now).then_some(next_free),
        }
    }

    fn queue_up(&self) -> Place<'_> {
        let mut state = lock(&self.state);
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        let changed = Arc::new(Notify::new());
        state.queue.push_back((ticket, Arc::clone(&changed)));
        Place { limiter: self, ticket, changed }
    }

    fn turn(&self, ticket: u64, now: Instant) -> Turn {
        let mut state = lock(&self.state);
        state.tidy(now);
        let ahead = state.queue.iter().position(|(other, _)| *other == ticket).unwrap_or(0);
        let earliest = state.earliest(&self.quota, ahead, now);
        if ahead == 0 && earliest <= now && state.held < self.quota.concurrency && state.used() < self.calls() {
            state.unsettled += 1;
            state.held += 1;
            return Turn::Granted;
        }
        Turn::Wait(earliest)
    }

    fn calls(&self) -> usize {
        usize::try_from(self.quota.calls).unwrap_or(usize::MAX)
    }

    fn used_up(&self, wait: Duration) -> Error {
        let Quota { calls, per, .. } = self.quota;
        let state = lock(&self.state);
        let seconds = whole_seconds(wait);
        let per = whole_seconds(per);
        let waiting = state.queue.len().saturating_sub(1);
        let cause = match state.blocked_until {
            Some(_) => "Upstream asked to wait".to_owned(),
            None => format!("{calls} calls per {per} s are allowed and all are taken"),
        };
        Error::new(Kind::UpstreamQuota, format!("upstream quota of source \"{}\" is used up", self.source))
            .detail(format!(
                "{cause}; the next call can be made in {seconds} s at the earliest ({waiting} others are waiting), \
                 which is after the statement's deadline."
            ))
            .hint("Try again later, raise statement_timeout, or narrow the query so that it needs fewer calls.")
    }
}

impl State {
    fn used(&self) -> usize {
        self.returning.len() + self.unsettled
    }

    fn tidy(&mut self, now: Instant) {
        while self.returning.front().is_some_and(|free_at| *free_at <= now) {
            self.returning.pop_front();
        }
        if self.blocked_until.is_some_and(|until| until <= now) {
            self.blocked_until = None;
        }
    }

    /// The earliest instant at which someone with `ahead` others before him can have a slot. A bound from below: calls
    /// under way are taken to settle now, and those ahead to be instantaneous.
    fn earliest(&self, quota: &Quota, ahead: usize, now: Instant) -> Instant {
        let calls = usize::try_from(quota.calls).unwrap_or(usize::MAX);
        let rounds = u32::try_from(ahead / calls).unwrap_or(u32::MAX);
        let free_now = calls.saturating_sub(self.used());
        let slot = ahead % calls;
        let slot_free = match slot.checked_sub(free_now) {
            None => now,
            Some(behind) => self.returning.get(behind).copied().unwrap_or(now + quota.per),
        };
        let slot_free = self.blocked_until.map_or(slot_free, |blocked| blocked.max(slot_free));
        slot_free + quota.per.saturating_mul(rounds)
    }

    fn wake(&self) {
        for (_, changed) in &self.queue {
            changed.notify_one();
        }
    }
}

impl Permit {
    /// Says that the request is on its way: from here on the slot is spent.
    pub fn sent(&mut self) {
        if self.phase == Phase::Unsent {
            self.phase = Phase::Sent;
        }
    }

    /// Says that the headers of the answer have come, or that the call has failed: its window starts to run out.
    pub fn settle(&mut self) {
        if self.phase != Phase::Sent {
            return;
        }
        self.phase = Phase::Settled;
        let mut state = lock(&self.limiter.state);
        state.unsettled -= 1;
        state.returning.push_back(Instant::now() + self.limiter.quota.per);
        state.wake();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle();
        let mut state = lock(&self.limiter.state);
        if self.phase == Phase::Unsent {
            state.unsettled -= 1;
        }
        state.held -= 1;
        state.wake();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.limiter.state);
        state.queue.retain(|(ticket, _)| *ticket != self.ticket);
        state.wake();
    }
}

/// Whole seconds, rounded up: a wait is never told shorter than it is.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
