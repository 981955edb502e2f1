//! Lookahead and lookbehind: conditions on what follows a place, or stands before it.
//!
//! In the expression that the automata are built of, each is a byte that no text holds. Where a condition holds is worked
//! out for all places of a subject at once; a [`Simulation`] then passes over the byte there as if it were nothing.

use std::cell::RefCell;

use regex_automata::nfa::thompson::{self, NFA, State};
use regex_automata::util::look::LookMatcher;
use regex_automata::util::primitives::StateID;
use regex_syntax::hir::Hir;

use crate::error::{Error, Result};
use crate::function::regex::automaton::{Direction, compiler};
use crate::function::regex::options::Fault;

/// The first of the bytes that stand for conditions; none of them is in UTF-8.
pub(crate) const FIRST: u8 = 0xf8;

/// One condition.
#[derive(Debug)]
pub(crate) struct Constraint {
    is_negative: bool,
    inner: Simulation,
}

/// The conditions of an expression. One within another comes before it.
#[derive(Debug, Default)]
pub(crate) struct Constraints {
    /// One of them asks where words start or end.
    pub(crate) has_words: bool,
    all: Vec<Constraint>,
    prepared: RefCell<Prepared>,
}

/// Where the conditions hold in a subject: for each place a set of bits.
#[derive(Debug, Default)]
struct Prepared {
    subject: Option<String>,
    holding: Vec<u8>,
}

impl Constraints {
    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds a condition and gives what stands for it.
    ///
    /// # Errors
    /// 0A000 for more than there are bytes.
    pub(crate) fn add(&mut self, inner: &Hir, is_behind: bool, is_negative: bool) -> Result<Hir> {
        let Some(byte) = u8::try_from(self.all.len()).ok().and_then(|at| FIRST.checked_add(at)) else {
            return Err(Error::unsupported("a regular expression with more than 8 lookaround constraints"));
        };
        self.has_words |= inner.properties().look_set().contains_word();
        // What follows a place is told by reading from the end.
        let direction = if is_behind { Direction::Forward } else { Direction::Backward };
        self.all.push(Constraint { is_negative, inner: Simulation::new(inner, direction)? });
        Ok(Hir::literal([byte]))
    }

    /// Works out where the conditions hold in a subject.
    pub(crate) fn prepare(&self, subject: &str) {
        let prepared = &mut *self.prepared.borrow_mut();
        if self.is_empty() || prepared.subject.as_deref() == Some(subject) {
            return;
        }
        prepared.holding = vec![0; subject.len() + 1];
        for (number, constraint) in self.all.iter().enumerate() {
            let bit = 1 << number;
            let places = constraint.inner.matching(subject, &prepared.holding);
            for (holding, is_there) in prepared.holding.iter_mut().zip(places) {
                if is_there != constraint.is_negative {
                    *holding |= bit;
                }
            }
        }
        prepared.subject = Some(subject.to_owned());
    }

    /// Calls back with where the conditions hold in the subject that was prepared last.
    pub(crate) fn holding<T>(&self, call: impl FnOnce(&[u8]) -> T) -> T {
        call(&self.prepared.borrow().holding)
    }
}

/// Where matches may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// At the first place only.
    Here,
    /// At each place.
    Everywhere,
    /// At each place up to where the first match begins.
    UntilFound,
}

/// A set of states, each with where its match began.
struct Threads {
    states: Vec<(StateID, usize)>,
    seen: Vec<bool>,
}

impl Threads {
    fn new(nfa: &NFA) -> Self {
        Threads { states: Vec::new(), seen: vec![false; nfa.states().len()] }
    }

    fn clear(&mut self) {
        self.states.clear();
        self.seen.fill(false);
    }
}

/// An automaton whose states are followed one by one, for expressions with conditions.
#[derive(Debug)]
pub(crate) struct Simulation {
    nfa: NFA,
    direction: Direction,
}

impl Simulation {
    /// Makes the automaton of an expression.
    ///
    /// # Errors
    /// 2201B if it is too large.
    pub(crate) fn new(hir: &Hir, direction: Direction) -> Result<Self> {
        let compiled = thompson::Compiler::new().configure(compiler(direction)).build_from_hir(hir);
        Ok(Simulation { nfa: compiled.map_err(|_| Error::from(Fault::TooComplex))?, direction })
    }

    /// Adds a state and those that are reached from it without a letter; whether a match is among them.
    fn enter(&self, threads: &mut Threads, id: StateID, origin: usize, subject: &[u8], at: usize, holding: u8) -> bool {
        let mut is_match = false;
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut threads.seen[id.as_usize()], true) {
                continue;
            }
            threads.states.push((id, origin));
            match self.nfa.state(id) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => {
                    let holds = |byte: &u8| holding >> (byte - FIRST) & 1 == 1;
                    open.extend((FIRST..=u8::MAX).filter(holds).filter_map(|byte| self.next(id, byte)));
                }
                State::Look { look, next } => {
                    // An automaton that reads backwards has them turned round.
                    let look = if self.direction == Direction::Forward { *look } else { look.reversed() };
                    if LookMatcher::new().matches(look, subject, at) {
                        open.push(*next);
                    }
                }
                State::Union { alternates } => open.extend(alternates.iter().rev()),
                State::BinaryUnion { alt1, alt2 } => open.extend([*alt2, *alt1]),
                State::Capture { next, .. } => open.push(*next),
                State::Match { .. } => is_match = true,
                State::Fail => {}
            }
        }
        is_match
    }

    fn next(&self, id: StateID, byte: u8) -> Option<StateID> {
        match self.nfa.state(id) {
            State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
            State::Sparse(sparse) => sparse.matches_byte(byte),
            State::Dense(dense) => dense.matches_byte(byte),
            _ => None,
        }
    }

    /// Reads from `start` to `limit`, which is before it if the automaton reads backwards. Calls back with each place
    /// where a match ends and where the earliest of these began, until it is told to stop.
    fn run(
        &self,
        subject: &str,
        holding: &[u8],
        start: usize,
        limit: usize,
        begin: Begin,
        mut found: impl FnMut(usize, usize) -> bool,
    ) {
        let bytes = subject.as_bytes();
        let (mut now, mut then) = (Threads::new(&self.nfa), Threads::new(&self.nfa));
        let mut at = start;
        let mut earliest = None;
        let mut first = None;
        loop {
            let begins = begin == Begin::Everywhere || (begin == Begin::UntilFound && first.is_none());
            if at == start || (begins && subject.is_char_boundary(at)) {
                let is_match = self.enter(&mut now, self.nfa.start_anchored(), at, bytes, at, holding[at]);
                if is_match && earliest.is_none() {
                    earliest = Some(at);
                }
            }
            if let Some(origin) = earliest {
                if found(at, origin) {
                    return;
                }
                first = Some(first.map_or(origin, |first: usize| first.min(origin)));
                if begin == Begin::UntilFound {
                    now.states.retain(|(_, own)| *own < origin);
                }
            }
            if at == limit || (now.states.is_empty() && !(begins && first.is_none()) && begin != Begin::Everywhere) {
                return;
            }
            let (byte, to) =
                if self.direction == Direction::Forward { (bytes[at], at + 1) } else { (bytes[at - 1], at - 1) };
            earliest = None;
            // The threads are in the order of where they began.
            for (id, origin) in &now.states {
                if let Some(next) = self.next(*id, byte)
                    && self.enter(&mut then, next, *origin, bytes, to, holding[to])
                    && earliest.is_none()
                {
                    earliest = Some(*origin);
                }
            }
            std::mem::swap(&mut now, &mut then);
            then.clear();
            at = to;
        }
    }

    /// At which places of a subject a match ends, in the direction of the automaton, wherever it began.
    fn matching(&self, subject: &str, holding: &[u8]) -> Vec<bool> {
        let mut places = vec![false; subject.len() + 1];
        let is_forward = self.direction == Direction::Forward;
        let (start, limit) = if is_forward { (0, subject.len()) } else { (subject.len(), 0) };
        self.run(subject, holding, start, limit, Begin::Everywhere, |at, _| {
            places[at] = true;
            false
        });
        places
    }

    /// Calls back with the places where matches that begin at `start` end, up to `limit`.
    pub(crate) fn each_end(
        &self,
        constraints: &Constraints,
        subject: &str,
        start: usize,
        limit: usize,
        mut found: impl FnMut(usize) -> bool,
    ) {
        constraints.holding(|holding| self.run(subject, holding, start, limit, Begin::Here, |at, _| found(at)));
    }

    /// Where the first match that begins at `from` or after it begins.
    pub(crate) fn find(&self, constraints: &Constraints, subject: &str, from: usize) -> Option<usize> {
        let mut first: Option<usize> = None;
        constraints.holding(|holding| {
            self.run(subject, holding, from, subject.len(), Begin::UntilFound, |_, origin| {
                first = Some(first.map_or(origin, |first| first.min(origin)));
                false
            });
        });
        first
    }
}
