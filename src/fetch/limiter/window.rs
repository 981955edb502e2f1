//! The slots of one budget: which are taken, by whom, and when they return. It knows no queue; it says whether a call may
//! be made now, and when at the earliest if not.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::connector::Quota;
use crate::model::statement::Share;

/// Who made a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: Arc<str>,
    /// Not interactive, whatever its place in the queue was.
    pub(super) background: bool,
}

/// What is taken of one budget.
#[derive(Debug)]
pub(super) struct Window {
    /// As configured.
    quota: Quota,
    /// The calls allowed: as configured, or fewer if upstream says so.
    calls: u32,
    /// The slots of settled calls, by when they return.
    returning: VecDeque<Slot>,
    /// Calls that others made with the same credential.
    foreign: Foreign,
    /// Permits given out that have not settled; each holds a slot.
    unsettled: usize,
    /// Permits that exist.
    held: u32,
    background: Background,
    /// Slots by user; who has none is not in it.
    by_user: HashMap<Arc<str>, usize>,
    /// Upstream said: not before then.
    blocked_until: Option<Instant>,
    /// Slots that have ever returned.
    returned: u64,
}

#[derive(Debug)]
struct Slot {
    free_at: Instant,
    owner: Owner,
}

/// Slots of others: how many return when, ascending. They are counted, not listed: upstream may tell of a million.
#[derive(Debug, Default)]
struct Foreign {
    runs: VecDeque<(Instant, usize)>,
    total: usize,
}

/// What background work has of it all.
#[derive(Debug, Default)]
struct Background {
    /// Slots, settled or not.
    taken: u32,
    /// Permits that exist.
    held: u32,
    /// When it was last given one.
    last: Option<Instant>,
}

impl Window {
    pub(super) fn new(quota: Quota) -> Self {
        Window {
            quota,
            calls: quota.calls,
            returning: VecDeque::new(),
            foreign: Foreign::default(),
            unsettled: 0,
            held: 0,
            background: Background::default(),
            by_user: HashMap::new(),
            blocked_until: None,
            returned: 0,
        }
    }

    /// The budget in force.
    pub(super) fn quota(&self) -> Quota {
        Quota { calls: self.calls, ..self.quota }
    }

    pub(super) fn used(&self) -> usize {
        self.returning.len() + self.unsettled + self.foreign.total
    }

    /// What is kept for the slots taken.
    #[cfg(test)]
    pub(super) fn entries(&self) -> usize {
        self.returning.len() + self.foreign.runs.len()
    }

    pub(super) fn under_way(&self) -> u32 {
        self.held
    }

    pub(super) fn blocked(&self) -> bool {
        self.blocked_until.is_some()
    }

    pub(super) fn returned(&self) -> u64 {
        self.returned
    }

    /// Slots that a user holds.
    pub(super) fn taken_by(&self, user: &str) -> usize {
        self.by_user.get(user).copied().unwrap_or(0)
    }

    /// When the first of a user's slots returns at the earliest; none if he has none.
    pub(super) fn first_return(&self, user: &str, now: Instant) -> Option<Instant> {
        if self.taken_by(user) == 0 {
            return None;
        }
        let is_his = |slot: &&Slot| &*slot.owner.user == user;
        Some(self.returning.iter().find(is_his).map_or(now + self.quota.per, |slot| slot.free_at))
    }

    /// Lets go of what is over. To be called before anything else is asked at a new instant.
    pub(super) fn tidy(&mut self, now: Instant) {
        while self.returning.front().is_some_and(|slot| slot.free_at <= now) {
            self.returned += 1;
            if let Some(slot) = self.returning.pop_front() {
                self.forget(&slot.owner);
            }
        }
        self.returned += self.foreign.tidy(now);
        if self.blocked_until.is_some_and(|until| until <= now) {
            self.blocked_until = None;
        }
    }

    /// Whether a call may be made now.
    pub(super) fn is_open(&self) -> bool {
        self.blocked_until.is_none() && self.held < self.quota.concurrency && self.used() < size(self.calls)
    }

    /// Whether one may be made that is background work with this share. Its share is one of the slots, of the calls under
    /// way, and of the pace: a burst would take all its slots at once, and they would return at once.
    ///
    /// Nor does it take the last slots that are free, so that those who come while many others do find one, except for one
    /// call in each window, without which it would not get on at all.
    pub(super) fn is_open_to_background(&self, share: Share, now: Instant) -> bool {
        self.background.taken < share.of(self.calls)
            && self.background.held < share.of(self.quota.concurrency)
            && self.paced(share, now) <= now
            && (self.used() + size(self.room(share)) < size(self.calls) || self.starved(now) <= now)
    }

    /// Takes a slot.
    pub(super) fn take(&mut self, owner: &Owner, now: Instant) {
        self.unsettled += 1;
        self.held += 1;
        *self.by_user.entry(Arc::clone(&owner.user)).or_default() += 1;
        if owner.background {
            self.background.taken += 1;
            self.background.held += 1;
            self.background.last = Some(now);
        }
    }

    /// Gives back a slot that was not used.
    pub(super) fn give_back(&mut self, owner: &Owner) {
        self.unsettled -= 1;
        self.forget(owner);
    }

    /// The window of a call starts to run out.
    pub(super) fn settle(&mut self, owner: &Owner, now: Instant) {
        self.unsettled -= 1;
        let free_at = now + self.quota.per;
        // Whoever took `now` first need not be the first here.
        let place = self.returning.partition_point(|other| other.free_at <= free_at);
        self.returning.insert(place, Slot { free_at, owner: owner.clone() });
    }

    /// A call is over.
    pub(super) fn release(&mut self, owner: &Owner) {
        self.held -= 1;
        if owner.background {
            self.background.held -= 1;
        }
    }

    /// No call before `until`.
    pub(super) fn block(&mut self, until: Instant) {
        self.blocked_until = Some(self.blocked_until.map_or(until, |before| before.max(until)));
    }

    /// Upstream allows so many calls in the window. It never allows more than the configuration does.
    pub(super) fn limit(&mut self, calls: u32) {
        self.calls = calls.clamp(1, self.quota.calls);
    }

    /// Upstream said, while `returned` slots of this window were back, that `remaining` calls are left until `until`. If
    /// more seem free here, somebody else has taken them.
    ///
    /// Which of the calls under way it had counted, and which of the slots that have returned since, is not known. All are
    /// taken to be counted: a call of our own is never taken for somebody else's.
    pub(super) fn remaining(&mut self, remaining: u32, returned: u64, until: Instant) {
        let since = usize::try_from(self.returned.saturating_sub(returned)).unwrap_or(usize::MAX);
        let free = size(self.calls).saturating_sub(self.used().saturating_add(since));
        self.foreign.add(free.saturating_sub(size(remaining)), until);
    }

    /// When time alone next makes a call possible that is not now.
    pub(super) fn next_change(&self) -> Option<Instant> {
        self.nth_return(0).into_iter().chain(self.blocked_until).min()
    }

    /// When background work may be given a call again after the last it was given.
    pub(super) fn paced(&self, share: Share, now: Instant) -> Instant {
        self.background.last.map_or(now, |last| now.max(last + self.gap(share)))
    }

    /// When background work has had no call for a whole window.
    pub(super) fn starved(&self, now: Instant) -> Instant {
        self.background.last.map_or(now, |last| now.max(last + self.quota.per))
    }

    /// The earliest instant at which someone with `ahead` others before him can have a slot. A bound from below: calls
    /// under way are taken to settle now, and those ahead to be instantaneous.
    pub(super) fn earliest(&self, ahead: usize, now: Instant) -> Instant {
        let calls = size(self.calls);
        let rounds = u32::try_from(ahead / calls).unwrap_or(u32::MAX);
        // In the round after this one those ahead return in the order in which they went.
        let slot_free = match (self.used() + ahead % calls).checked_sub(calls) {
            None => now,
            Some(behind) => self.nth_return(behind).unwrap_or(now + self.quota.per),
        };
        let slot_free = self.blocked_until.map_or(slot_free, |blocked| blocked.max(slot_free));
        slot_free + self.quota.per.saturating_mul(rounds)
    }

    /// The same of the background's own slots and pace, with `ahead` others of the background before, none of whose
    /// shares is larger than `widest`.
    pub(super) fn earliest_background(&self, share: Share, ahead: usize, widest: Share, now: Instant) -> Instant {
        let is_background = |slot: &&Slot| slot.owner.background;
        let slot_free = match self.background.taken.checked_sub(share.of(self.calls)) {
            None => now,
            Some(behind) => {
                let mut slots = self.returning.iter().filter(is_background);
                slots.nth(size(behind)).map_or(now + self.quota.per, |slot| slot.free_at)
            }
        };
        let behind = self.gap(widest).saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX));
        self.paced(share, now).max(slot_free).max(self.paced(widest, now) + behind)
    }

    /// The time between two calls of the background that keeps it to its share without bursts.
    fn gap(&self, share: Share) -> Duration {
        self.quota.per / share.of(self.calls)
    }

    /// The free slots that the background leaves: a fifth of all, if its share leaves as many.
    fn room(&self, share: Share) -> u32 {
        (self.calls / 5).min(self.calls - share.of(self.calls))
    }

    /// When that slot returns, of ours and of others, before which `before` others do. None if it is of a call that has
    /// not settled.
    fn nth_return(&self, before: usize) -> Option<Instant> {
        let mut foreign = 0;
        for (until, n) in &self.foreign.runs {
            let ours = self.returning.partition_point(|slot| slot.free_at <= *until);
            if before < ours + foreign {
                break;
            }
            foreign += n;
            if before < ours + foreign {
                return Some(*until);
            }
        }
        self.returning.get(before - foreign).map(|slot| slot.free_at)
    }

    fn forget(&mut self, owner: &Owner) {
        if owner.background {
            self.background.taken -= 1;
        }
        if let Some(taken) = self.by_user.get_mut(&owner.user) {
            *taken -= 1;
            if *taken == 0 {
                self.by_user.remove(&owner.user);
            }
        }
    }
}

impl Foreign {
    fn add(&mut self, n: usize, until: Instant) {
        if n == 0 {
            return;
        }
        self.total += n;
        let place = self.runs.partition_point(|(other, _)| *other < until);
        match self.runs.get_mut(place) {
            Some((other, count)) if *other == until => *count += n,
            _ => self.runs.insert(place, (until, n)),
        }
    }

    /// Lets go of what is over, and says how many that were.
    fn tidy(&mut self, now: Instant) -> u64 {
        let mut over = 0;
        while let Some((_, n)) = self.runs.pop_front_if(|(until, _)| *until <= now) {
            over += n;
        }
        self.total -= over;
        u64::try_from(over).unwrap_or(u64::MAX)
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
