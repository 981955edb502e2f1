//! An expression as a tree of the parts whose bounds within a match matter, and which length each part prefers.

use std::cell::OnceCell;
use std::rc::Rc;

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

use crate::function::regex::automaton::{Automaton, Direction};
use crate::function::regex::constraint::{Constraints, FIRST};

/// What a node prefers and holds: a set of the bits below.
pub(crate) type Flags = u8;

/// The longest match is preferred.
pub(crate) const LONGER: Flags = 1;
/// The shortest match is preferred.
pub(crate) const SHORTER: Flags = 2;
/// Both preferences are somewhere within.
pub(crate) const MIXED: Flags = 4;
/// A capturing group is within.
pub(crate) const CAPTURE: Flags = 8;
/// A back reference is within.
pub(crate) const REFERENCE: Flags = 16;

/// Whether the parts within have to be told apart.
pub(crate) fn is_messy(flags: Flags) -> bool {
    flags & (MIXED | CAPTURE | REFERENCE) != 0
}

/// The preference itself.
pub(crate) fn preference(flags: Flags) -> Flags {
    flags & (LONGER | SHORTER)
}

/// What a node learns of the flags below it: all but the preference.
pub(crate) fn inherited(flags: Flags) -> Flags {
    let mixed = if preference(flags) == LONGER | SHORTER { MIXED } else { 0 };
    flags & !(LONGER | SHORTER) | mixed
}

/// The flags of two things in a row: the first preference that there is wins.
pub(crate) fn combine(first: Flags, second: Flags) -> Flags {
    let preferred = if preference(first) == 0 { preference(second) } else { preference(first) };
    inherited(first | second) | preferred
}

/// One part of an expression.
#[derive(Debug)]
pub(crate) struct Node {
    /// What it is made of.
    pub(crate) kind: Kind,
    /// What it prefers and holds.
    pub(crate) flags: Flags,
    /// The number of the capturing group that it is.
    pub(crate) capture: Option<usize>,
    /// What it matches, as far as an automaton can tell.
    pub(crate) hir: Hir,
    forward: OnceCell<Box<Automaton>>,
    backward: OnceCell<Box<Automaton>>,
}

/// What a node is made of.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Nothing within has to be told apart.
    Plain,
    /// One after the other.
    Concat(Box<Node>, Box<Node>),
    /// The first that fits.
    Alternation(Vec<Node>),
    /// So many in a row.
    Iteration(Box<Node>, u32, Option<u32>),
    /// A group around a group.
    Group(Box<Node>),
    /// What a group matched, so many times.
    Reference(usize, u32, Option<u32>),
}

impl Node {
    /// Makes a node that is no group.
    pub(crate) fn new(kind: Kind, flags: Flags, hir: Hir) -> Self {
        Node { kind, flags, capture: None, hir, forward: OnceCell::new(), backward: OnceCell::new() }
    }

    /// Makes a node of two others in a row.
    pub(crate) fn concat(first: Node, second: Node, flags: Flags) -> Self {
        let hir = Hir::concat(vec![first.hir.clone(), second.hir.clone()]);
        Node::new(Kind::Concat(Box::new(first), Box::new(second)), flags, hir)
    }

    /// Makes it a capturing group.
    pub(crate) fn captured(mut self, number: usize) -> Self {
        if self.capture.is_some() {
            let (flags, hir) = (self.flags, self.hir.clone());
            self = Node::new(Kind::Group(Box::new(self)), flags, hir);
        }
        self.flags |= CAPTURE;
        self.capture = Some(number);
        self
    }

    /// The automaton that reads a match from its start.
    pub(crate) fn forward(&self, constraints: &Rc<Constraints>) -> crate::error::Result<&Automaton> {
        Automaton::cached(&self.forward, &self.hir, Direction::Forward, constraints)
    }

    /// The automaton that reads a match from its end.
    pub(crate) fn backward(&self, constraints: &Rc<Constraints>) -> crate::error::Result<&Automaton> {
        Automaton::cached(&self.backward, &self.hir, Direction::Backward, constraints)
    }
}

/// Repeats what is matched.
pub(crate) fn repeat(hir: Hir, min: u32, max: Option<u32>) -> Hir {
    if min == 1 && max == Some(1) {
        return hir;
    }
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(hir) })
}

/// The same without what it asks of the letters around.
pub(crate) fn without_constraints(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(_) => Hir::empty(),
        HirKind::Repetition(inner) => repeat(without_constraints(&inner.sub), inner.min, inner.max),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(without_constraints).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(without_constraints).collect()),
        HirKind::Literal(literal) if literal.0.iter().any(|byte| *byte >= FIRST) => {
            Hir::literal(literal.0.iter().copied().filter(|byte| *byte < FIRST).collect::<Vec<_>>())
        }
        HirKind::Class(Class::Bytes(class)) if class.ranges().iter().any(|range| range.end() >= FIRST) => {
            let mut letters = class.clone();
            letters.difference(&ClassBytes::new([ClassBytesRange::new(FIRST, u8::MAX)]));
            Hir::alternation(vec![Hir::empty(), Hir::class(Class::Bytes(letters))])
        }
        HirKind::Capture(_) | HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}
