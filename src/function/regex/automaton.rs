//! One part of an expression as an automaton that tells all the places where its matches end (or start).

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

use crate::error::{Error, Kind, Result};
use crate::function::regex::constraint::{Constraints, Simulation};
use crate::function::regex::options::Fault;

/// From where a match is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From its start.
    Forward,
    /// From its end.
    Backward,
}

/// The most memory that the states of one expression take before they are built.
pub(crate) const SIZE: usize = 64 << 20;

/// How an automaton is compiled.
pub(crate) fn compiler(direction: Direction) -> thompson::Config {
    thompson::Config::new()
        .reverse(direction == Direction::Backward)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(SIZE))
}

/// Lets the states be built as they are met, unless there are conditions on the places around.
#[derive(Debug)]
pub(crate) enum Automaton {
    Lazy(Box<(DFA, RefCell<Cache>)>),
    Simulated(Simulation, Rc<Constraints>),
}

fn failed(_: impl std::error::Error) -> Error {
    Error::new(Kind::InvalidRegularExpression, "regular expression failed: out of memory")
}

fn step(dfa: &DFA, cache: &mut Cache, state: LazyStateID, byte: Option<u8>) -> Result<LazyStateID> {
    match byte {
        Some(byte) => dfa.next_state(cache, state, byte),
        None => dfa.next_eoi_state(cache, state),
    }
    .map_err(failed)
}

impl Automaton {
    /// Returns what is there, or builds it.
    pub(crate) fn cached<'a>(
        cell: &'a OnceCell<Box<Automaton>>,
        hir: &Hir,
        direction: Direction,
        constraints: &Rc<Constraints>,
    ) -> Result<&'a Automaton> {
        if cell.get().is_none() {
            let _ = cell.set(Box::new(Automaton::new(hir, direction, constraints)?));
        }
        cell.get().map(Box::as_ref).ok_or_else(|| Error::internal("an automaton that was just built is not there"))
    }

    fn new(hir: &Hir, direction: Direction, constraints: &Rc<Constraints>) -> Result<Self> {
        if !constraints.is_empty() {
            return Ok(Automaton::Simulated(Simulation::new(hir, direction)?, Rc::clone(constraints)));
        }
        let nfa = thompson::Compiler::new()
            .configure(compiler(direction))
            .build_from_hir(hir)
            .map_err(|_| Error::from(Fault::TooComplex))?;
        let dfa = DFA::builder()
            .configure(DFA::config().match_kind(MatchKind::All).skip_cache_capacity_check(true))
            .build_from_nfa(nfa)
            .map_err(|_| Error::from(Fault::TooComplex))?;
        let cache = RefCell::new(dfa.create_cache());
        Ok(Automaton::Lazy(Box::new((dfa, cache))))
    }

    /// Calls back with the end of each match that starts at `start` and ends at or before `limit`, the nearest first,
    /// until it is told to stop.
    pub(crate) fn each_end(
        &self,
        subject: &str,
        start: usize,
        limit: usize,
        mut found: impl FnMut(usize) -> bool,
    ) -> Result<()> {
        let (dfa, cache) = match self {
            Automaton::Lazy(lazy) => (&lazy.0, &mut *lazy.1.borrow_mut()),
            Automaton::Simulated(simulation, constraints) => {
                simulation.each_end(constraints, subject, start, limit, found);
                return Ok(());
            }
        };
        let bytes = subject.as_bytes();
        let input = Input::new(bytes).range(start..limit).anchored(Anchored::Yes);
        let mut state = dfa.start_state_forward(cache, &input).map_err(failed)?;
        // A match is told one byte late, when it is known what follows.
        for at in start..=limit {
            state = step(dfa, cache, state, bytes.get(at).copied())?;
            if state.is_tagged() && ((state.is_match() && found(at)) || state.is_dead()) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The starts, in descending order, of the matches that end at `end` and start at or after `limit`.
    pub(crate) fn starts(&self, subject: &str, limit: usize, end: usize) -> Result<Vec<usize>> {
        let mut starts = Vec::new();
        let (dfa, cache) = match self {
            Automaton::Lazy(lazy) => (&lazy.0, &mut *lazy.1.borrow_mut()),
            Automaton::Simulated(simulation, constraints) => {
                simulation.each_end(constraints, subject, end, limit, |at| {
                    starts.push(at);
                    false
                });
                return Ok(starts);
            }
        };
        let bytes = subject.as_bytes();
        let input = Input::new(bytes).range(limit..end).anchored(Anchored::Yes);
        let mut state = dfa.start_state_reverse(cache, &input).map_err(failed)?;
        for at in (limit..=end).rev() {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
            state = step(dfa, cache, state, before)?;
            if state.is_tagged() {
                if state.is_match() {
                    starts.push(at);
                }
                if state.is_dead() {
                    break;
                }
            }
        }
        Ok(starts)
    }

    /// The end of the longest match that starts at `start` and ends at or before `limit`.
    pub(crate) fn longest(&self, subject: &str, start: usize, limit: usize) -> Result<Option<usize>> {
        let mut longest = None;
        self.each_end(subject, start, limit, |end| {
            longest = Some(end);
            false
        })?;
        Ok(longest)
    }

    /// The end of the shortest match that starts at `start` and ends at `least` or after it.
    pub(crate) fn shortest(&self, subject: &str, start: usize, least: usize, limit: usize) -> Result<Option<usize>> {
        let mut shortest = None;
        self.each_end(subject, start, limit, |end| {
            if end < least {
                return false;
            }
            shortest = Some(end);
            true
        })?;
        Ok(shortest)
    }

    /// The ends, in ascending order, of the matches that start at `start` and end at or before `limit`.
    pub(crate) fn ends(&self, subject: &str, start: usize, limit: usize) -> Result<Vec<usize>> {
        let mut ends = Vec::new();
        self.each_end(subject, start, limit, |end| {
            ends.push(end);
            false
        })?;
        Ok(ends)
    }
}
