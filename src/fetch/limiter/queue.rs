//! Who waits for a budget, and who is next: of those who may go at all the best class, in it the user with the fewest
//! slots in the window, then the first who came. So a user who asks for a hundred pages does not keep another from his
//! first.
//!
//! Nobody starves. Who has waited a whole window counts as interactive; by then all slots of a user who was given none
//! have returned, so that nobody's are fewer and everyone who came later is behind. What has waited long in the background
//! still keeps to the background's share and pace: it comes sooner, not more often.
//!
//! Slots are handed out here, to the waiter that is next, not taken by whoever wakes first. That happens at every change:
//! someone comes or leaves, a slot or a permit is given back, upstream says something. For changes that time alone brings
//! the one who came first keeps the clock. Nobody's ageing is such a change: it moves who is next, and that is looked at
//! when there is something to hand out.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::window::{Owner, Window};
use crate::model::connector::Quota;
use crate::model::statement::{Priority, Share, Statement};

/// One budget and those who wait for it.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) window: Window,
    /// In the order in which they came.
    waiting: VecDeque<Waiter>,
    /// Slots that were handed out and not yet fetched, by ticket.
    granted: HashMap<u64, Owner>,
    next_ticket: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    user: Arc<str>,
    priority: Priority,
    share: Share,
    since: Instant,
    /// Wants to hear of every change, because it may come too late now or has to tell someone.
    is_watchful: bool,
    changed: Arc<Notify>,
}

/// What a waiter sleeps on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    /// Not before this instant.
    pub(super) earliest: Instant,
    /// Wake up then and look again, for all who wait.
    pub(super) alarm: Option<Instant>,
}

impl Queue {
    pub(super) fn new(quota: Quota) -> Self {
        Queue { window: Window::new(quota), waiting: VecDeque::new(), granted: HashMap::new(), next_ticket: 0 }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Enters a statement, which is told by the ticket when its turn has come.
    pub(super) fn enter(&mut self, statement: &Statement, now: Instant) -> (u64, Arc<Notify>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let changed = Arc::new(Notify::new());
        self.waiting.push_back(Waiter {
            ticket,
            user: Arc::from(statement.user.as_str()),
            priority: statement.policy.priority,
            share: statement.policy.share,
            since: now,
            is_watchful: true,
            changed: Arc::clone(&changed),
        });
        self.change(now);
        (ticket, changed)
    }

    /// Takes out whoever has this ticket, and the slot if it was handed out but not fetched.
    pub(super) fn leave(&mut self, ticket: u64, now: Instant) {
        self.waiting.retain(|waiter| waiter.ticket != ticket);
        if let Some(owner) = self.granted.remove(&ticket) {
            self.window.give_back(&owner);
            self.window.release(&owner);
        }
        self.change(now);
    }

    /// Fetches the slot of this ticket, if its turn has come.
    pub(super) fn fetch(&mut self, ticket: u64, now: Instant) -> Option<Owner> {
        self.hand_out(now);
        self.granted.remove(&ticket)
    }

    /// Hands out what there is, and tells those who wait that something has changed.
    pub(super) fn change(&mut self, now: Instant) {
        self.hand_out(now);
        for (index, waiter) in self.waiting.iter().enumerate() {
            if index == 0 || waiter.is_watchful {
                waiter.changed.notify_one();
            }
        }
    }

    /// What the one with this ticket has to expect. `is_watchful` if it wants to be woken by every change.
    pub(super) fn outlook(&mut self, ticket: u64, is_watchful: bool, now: Instant) -> Outlook {
        let place = self.waiting.iter().position(|waiter| waiter.ticket == ticket);
        let Some(waiter) = place.and_then(|place| self.waiting.get_mut(place)) else {
            return Outlook { earliest: now, alarm: None };
        };
        waiter.is_watchful = is_watchful;
        let earliest = match place.and_then(|place| self.waiting.get(place)) {
            Some(waiter) if is_watchful => self.earliest(waiter, now),
            _ => now,
        };
        let keeps_the_clock = place == Some(0);
        Outlook { earliest, alarm: if keeps_the_clock { self.alarm(now) } else { None } }
    }

    /// When an interactive call that is not asked for yet could be made at the earliest.
    pub(super) fn earliest_of_next(&self, now: Instant) -> Instant {
        let ahead = self.waiting.iter().filter(|waiter| waiter.priority == Priority::Interactive).count();
        self.window.earliest(ahead, now)
    }

    /// What keeps a statement waiting.
    pub(super) fn cause(&self, statement: &Statement) -> String {
        let Quota { calls, per, .. } = self.window.quota();
        let per = super::whole_seconds(per);
        let all_are_taken = self.window.used() >= usize::try_from(calls).unwrap_or(usize::MAX);
        match statement.policy.priority {
            _ if self.window.blocked() => "Upstream asked to wait".to_owned(),
            Priority::Sync | Priority::Backfill if !all_are_taken => {
                let share = statement.policy.share.of(calls);
                format!("{calls} calls per {per} s are allowed, {share} of them to work in the background")
            }
            _ => format!("{calls} calls per {per} s are allowed and all are taken"),
        }
    }

    fn hand_out(&mut self, now: Instant) {
        self.window.tidy(now);
        while self.window.is_open()
            && let Some(waiter) = self.next(now).and_then(|place| self.waiting.remove(place))
        {
            let owner = Owner { user: Arc::clone(&waiter.user), background: waiter.is_background() };
            self.window.take(&owner, now);
            self.granted.insert(waiter.ticket, owner);
            waiter.changed.notify_one();
        }
    }

    fn next(&self, now: Instant) -> Option<usize> {
        let may_go = |waiter: &Waiter| !waiter.is_background() || self.window.is_open_to_background(waiter.share, now);
        let waiting = self.waiting.iter().enumerate().filter(|(_, waiter)| may_go(waiter));
        let rank = |waiter: &Waiter| (self.class(waiter, now), self.window.taken_by(&waiter.user), waiter.ticket);
        waiting.min_by_key(|(_, waiter)| rank(waiter)).map(|(place, _)| place)
    }

    fn class(&self, waiter: &Waiter, now: Instant) -> Priority {
        if waiter.ages_at(self.per()) <= now { Priority::Interactive } else { waiter.priority }
    }

    fn per(&self) -> Duration {
        self.window.quota().per
    }

    /// When time alone may next let somebody go.
    fn alarm(&self, now: Instant) -> Option<Instant> {
        let background = self.waiting.iter().filter(|waiter| waiter.is_background());
        let paces = background.flat_map(|waiter| [self.window.paced(waiter.share, now), self.window.starved(now)]);
        paces.filter(|at| *at > now).chain(self.window.next_change()).min()
    }

    /// A bound from below of when a waiter can have its call. Only those are counted ahead of it who go first whatever
    /// comes: those of a better class, and those of its own user who came before; and of other users so many as reach its
    /// own number of slots, which holds until one of its user's slots returns. None of that holds for a better class once
    /// it counts as interactive itself.
    fn earliest(&self, me: &Waiter, now: Instant) -> Instant {
        let mine = self.class(me, now);
        let (mut firm, mut firm_background, mut firm_own, mut firm_aged) = (0, 0, 0, 0);
        let mut rivals = Vec::new();
        let mut widest = me.share;
        for other in self.waiting.iter().filter(|other| other.ticket != me.ticket && other.goes_if_so_does(me)) {
            let class = self.class(other, now);
            let is_before_me = other.user == me.user && other.ticket < me.ticket;
            firm_aged += usize::from(is_before_me);
            if class < mine || (class == mine && is_before_me) {
                firm += 1;
                firm_background += usize::from(other.is_background());
                firm_own += usize::from(is_before_me);
                widest = if other.is_background() { widest.max(other.share) } else { widest };
            } else if class == mine && other.user != me.user {
                rivals.push(other);
            }
        }
        let bound = |ahead, background| {
            let earliest = self.window.earliest(ahead, now);
            match me.is_background() {
                true => earliest.max(self.window.earliest_background(me.share, background, widest, now)),
                false => earliest,
            }
        };
        let ahead = firm + self.rivals_ahead(&rivals, me, firm_own);
        let mut earliest = bound(ahead, firm_background);
        // A slot that one before it takes returns as well.
        let falls_at = self.window.first_return(&me.user, now).or((firm_own > 0).then_some(now + self.per()));
        if let Some(falls_at) = falls_at {
            earliest = earliest.min(bound(firm, firm_background).max(falls_at));
        }
        let ages_at = me.ages_at(self.per());
        if me.is_background() && ages_at > now {
            earliest = earliest.min(bound(firm_aged, 0).max(ages_at));
        }
        earliest
    }

    /// How many calls of other users come before one that has `own` of its user's before it.
    fn rivals_ahead(&self, rivals: &[&Waiter], me: &Waiter, own: usize) -> usize {
        let mine = (self.window.taken_by(&me.user) + own, me.ticket);
        let mut theirs: HashMap<&str, usize> = HashMap::new();
        let mut ahead = 0;
        for rival in rivals {
            let taken = theirs.entry(&rival.user).or_insert_with(|| self.window.taken_by(&rival.user));
            if (*taken, rival.ticket) < mine {
                ahead += 1;
            }
            *taken += 1;
        }
        ahead
    }
}

impl Waiter {
    fn is_background(&self) -> bool {
        self.priority != Priority::Interactive
    }

    /// When it counts as interactive.
    fn ages_at(&self, per: Duration) -> Instant {
        self.since + per
    }

    /// Whether this one may go whenever the other may.
    fn goes_if_so_does(&self, other: &Waiter) -> bool {
        !self.is_background() || (other.is_background() && self.share >= other.share)
    }
}
