//! One call budget per upstream account: never more than `calls` in any sliding window of `per`, never more than
//! `concurrency` at once. A log of slots, not a token bucket: a bucket lets a burst follow a refill, and the vendor counts
//! windows (`window`). Who waits is served by class and user (`queue`).
//!
//! Invariant: a call holds its slot from its permit until `per` after its answer's headers arrived (or it failed, or was
//! dropped). The vendor counted it somewhere between, so however long the request was on its way, no window of `per` at
//! the vendor's door sees more than `calls`.
//!
//! Others may use the same account. What upstream tells of them corrects the log: slots that it says are taken, a lower
//! limit, a time before which it wants no call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::error::{Error, Kind, Result};
use crate::model::connector::Quota;
use crate::model::scan::Source;
use crate::model::statement::{Statement, lock};
use queue::{Outlook, Queue};
use window::Owner;

mod queue;
mod window;

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
    queue: Mutex<Queue>,
}

/// The right to make one call. Dropped unsent it costs nothing; dropped in flight it settles at the drop. Held until the
/// body has been read, because that is how long the call is under way.
#[derive(Debug)]
pub struct Permit {
    limiter: Arc<Limiter>,
    owner: Owner,
    phase: Phase,
    /// Slots of the window that had returned when it was given.
    returned: u64,
}

/// What a budget looks like at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Whose.
    pub source: String,
    /// What is allowed: what is configured, or fewer calls if upstream says so.
    pub quota: Quota,
    /// Slots taken: calls in the window, also those of others that upstream told of, calls under way, and permits not
    /// yet used.
    pub used: u32,
    /// Slots free.
    pub free: u32,
    /// Calls under way.
    pub under_way: u32,
    /// Statements waiting.
    pub waiting: usize,
    /// When the next interactive call can be made at the earliest, if not at once.
    pub next_free: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Unsent,
    Sent,
    Settled,
}

/// A place in the queue; leaving it in whatever way gives it back.
struct Place<'a> {
    limiter: &'a Limiter,
    ticket: u64,
    changed: Arc<Notify>,
}

enum Turn {
    Granted(Permit),
    Wait(Outlook),
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
        Limiter { source: source.to_owned(), queue: Mutex::new(Queue::new(quota)) }
    }

    /// Waits for the right to make one call, as the statement's policy ranks it. `on_wait` is told once, when the wait
    /// will be longer than [`PATIENCE`]. Cancel safe: a dropped wait gives its place back.
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
        let started = Instant::now();
        let place = self.queue_up(statement, started);
        let mut on_wait = Some(on_wait);
        loop {
            let now = Instant::now();
            let deadline = statement.deadline();
            let is_watchful = deadline.is_some() || on_wait.is_some();
            let Outlook { earliest, alarm } = match self.turn(place.ticket, is_watchful, now) {
                Turn::Granted(permit) => return Ok(permit),
                Turn::Wait(outlook) => outlook,
            };
            if earliest > now && deadline.is_some_and(|deadline| deadline <= earliest) {
                return Err(self.used_up(statement, earliest - now));
            }
            if earliest > now
                && earliest - started > PATIENCE
                && let Some(tell) = on_wait.take()
            {
                tell(earliest - started);
            }
            let alarmed = async {
                match alarm {
                    Some(alarm) => tokio::time::sleep_until(alarm).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = statement.cancel.cancelled() => return Err(statement.stopped()),
                () = statement.expired() => return Err(statement.stopped()),
                () = place.changed.notified() => {}
                () = alarmed => {}
            }
        }
    }

    /// Upstream asked to be left alone: no permit before `until`.
    pub fn penalize(&self, until: Instant) {
        let mut queue = lock(&self.queue);
        queue.window.block(until);
        queue.change(Instant::now());
    }

    /// The state at this moment.
    pub fn snapshot(&self) -> Usage {
        let now = Instant::now();
        let mut queue = lock(&self.queue);
        queue.window.tidy(now);
        let quota = queue.window.quota();
        let used = u32::try_from(queue.window.used()).unwrap_or(u32::MAX);
        let next_free = queue.earliest_of_next(now);
        Usage {
            source: self.source.clone(),
            quota,
            used,
            free: quota.calls.saturating_sub(used),
            under_way: queue.window.under_way(),
            waiting: queue.waiting(),
            next_free: (next_free > now).then_some(next_free),
        }
    }

    fn queue_up(&self, statement: &Statement, now: Instant) -> Place<'_> {
        let (ticket, changed) = lock(&self.queue).enter(statement, now);
        Place { limiter: self, ticket, changed }
    }

    fn turn(self: &Arc<Self>, ticket: u64, is_watchful: bool, now: Instant) -> Turn {
        let mut queue = lock(&self.queue);
        match queue.fetch(ticket, now) {
            Some(owner) => {
                let returned = queue.window.returned();
                Turn::Granted(Permit { limiter: Arc::clone(self), owner, phase: Phase::Unsent, returned })
            }
            None => Turn::Wait(queue.outlook(ticket, is_watchful, now)),
        }
    }

    fn used_up(&self, statement: &Statement, wait: Duration) -> Error {
        let queue = lock(&self.queue);
        let seconds = whole_seconds(wait);
        let waiting = queue.waiting().saturating_sub(1);
        let cause = queue.cause(statement);
        Error::new(Kind::UpstreamQuota, format!("upstream quota of source \"{}\" is used up", self.source))
            .detail(format!(
                "{cause}; the next call can be made in {seconds} s at the earliest ({waiting} others are waiting), \
                 which is after the statement's deadline."
            ))
            .hint("Try again later, raise statement_timeout, or narrow the query so that it needs fewer calls.")
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
        let now = Instant::now();
        let mut queue = lock(&self.limiter.queue);
        queue.window.settle(&self.owner, now);
        queue.change(now);
    }

    /// Says what the answer to this call told of the quota: the calls that the window allows, those that are left of
    /// them, and how long until there are more. A limit holds until upstream tells another, and never raises the budget
    /// over what is configured. If fewer calls are left than seem free here, somebody else has made them: the difference
    /// is taken until `reset`, or for a whole window.
    pub fn observe(&self, limit: Option<u32>, remaining: Option<u32>, reset: Option<Duration>) {
        let now = Instant::now();
        let mut queue = lock(&self.limiter.queue);
        let window = &mut queue.window;
        window.tidy(now);
        if let Some(limit) = limit {
            window.limit(limit);
        }
        if let Some(remaining) = remaining {
            let until = now + reset.unwrap_or(window.quota().per);
            window.remaining(remaining, self.returned, until);
        }
        queue.change(now);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle();
        let mut queue = lock(&self.limiter.queue);
        if self.phase == Phase::Unsent {
            queue.window.give_back(&self.owner);
        }
        queue.window.release(&self.owner);
        queue.change(Instant::now());
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        lock(&self.limiter.queue).leave(self.ticket, Instant::now());
    }
}

/// Whole seconds, rounded up: a wait is never told shorter than it is.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests;
