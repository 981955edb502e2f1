//! Where the groups of a match are, once its two ends are known: each part in turn takes as much, or as little, as it
//! prefers and as leaves a match to what follows.

use std::collections::HashSet;
use std::rc::Rc;

use crate::error::Result;
use crate::function::ctype;
use crate::function::regex::constraint::Constraints;
use crate::function::regex::marks;
use crate::function::regex::node::{Kind, Node, REFERENCE, SHORTER};
use crate::function::regex::program::{Letters, Span};

/// The groups of one match as they become known.
#[derive(Debug)]
pub(crate) struct Dissection<'a> {
    subject: &'a str,
    ignore_case: bool,
    letters: Letters,
    constraints: Rc<Constraints>,
    groups: Vec<Option<Span>>,
}

impl<'a> Dissection<'a> {
    /// Knows of no group yet.
    pub(crate) fn new(
        subject: &'a str,
        groups: usize,
        ignore_case: bool,
        letters: Letters,
        constraints: &Rc<Constraints>,
    ) -> Self {
        let constraints = Rc::clone(constraints);
        Dissection { subject, ignore_case, letters, constraints, groups: vec![None; groups + 1] }
    }

    /// The whole and the groups.
    pub(crate) fn finish(mut self, start: usize, end: usize) -> Vec<Option<Span>> {
        self.groups[0] = Some((start, end));
        self.groups
    }

    fn forget(&mut self, node: &Node) {
        if let Some(number) = node.capture {
            self.groups[number] = None;
        }
        match &node.kind {
            Kind::Plain | Kind::Reference(..) => {}
            Kind::Concat(first, second) => {
                self.forget(first);
                self.forget(second);
            }
            Kind::Alternation(branches) => branches.iter().for_each(|branch| self.forget(branch)),
            Kind::Iteration(inner, ..) | Kind::Group(inner) => self.forget(inner),
        }
    }

    /// Finds the groups of a node that matches from `start` to `end` as far as its automaton can tell. `false` if a back
    /// reference does not fit.
    pub(crate) fn dissect(&mut self, node: &Node, start: usize, end: usize) -> Result<bool> {
        let fits = match &node.kind {
            Kind::Plain => true,
            Kind::Concat(first, second) => self.concat(first, second, start, end)?,
            Kind::Alternation(branches) => self.alternation(branches, start, end)?,
            Kind::Iteration(inner, min, max) => self.iteration(inner, *min, *max, start, end)?,
            Kind::Group(inner) => self.dissect(inner, start, end)?,
            Kind::Reference(number, min, max) => self.reference(*number, *min, *max, start, end),
        };
        if let Some(number) = node.capture.filter(|_| fits) {
            self.groups[number] = Some((start, end));
        }
        Ok(fits)
    }

    fn concat(&mut self, first: &Node, second: &Node, start: usize, end: usize) -> Result<bool> {
        let mut middles = first.forward(&self.constraints)?.ends(self.subject, start, end)?;
        let mut starts = second.backward(&self.constraints)?.starts(self.subject, start, end)?;
        if first.flags & SHORTER == 0 {
            middles.reverse();
        } else {
            starts.reverse();
        }
        // Both are in the same order now.
        let mut starts = starts.into_iter().peekable();
        for middle in middles {
            let is_before = |at: &usize| if first.flags & SHORTER == 0 { *at > middle } else { *at < middle };
            while starts.next_if(is_before).is_some() {}
            if starts.peek() != Some(&middle) {
                continue;
            }
            if self.dissect(first, start, middle)? && self.dissect(second, middle, end)? {
                return Ok(true);
            }
            self.forget(first);
            self.forget(second);
        }
        Ok(false)
    }

    fn alternation(&mut self, branches: &[Node], start: usize, end: usize) -> Result<bool> {
        for branch in branches {
            let fits = branch.forward(&self.constraints)?.longest(self.subject, start, end)? == Some(end);
            if fits && self.dissect(branch, start, end)? {
                return Ok(true);
            }
            self.forget(branch);
        }
        Ok(false)
    }

    fn reference(&self, number: usize, min: u32, max: Option<u32>, start: usize, end: usize) -> bool {
        let Some((from, to)) = self.groups[number] else { return false };
        if from == to {
            return start == end;
        }
        if start == end {
            return min == 0;
        }
        let letters = |from: usize, to: usize| {
            let letters = marks::letters(&self.subject[from..to], self.letters == Letters::Marked);
            letters.map(|letter| if self.ignore_case { ctype::to_lower(letter) } else { letter }).collect::<Vec<_>>()
        };
        let (matched, target) = (letters(from, to), letters(start, end));
        let times = target.len() / matched.len();
        let is_count = target.len().is_multiple_of(matched.len())
            && times >= min as usize
            && max.is_none_or(|max| times <= max as usize);
        is_count && target.chunks(matched.len()).all(|part| part == matched)
    }

    /// The turns of an iteration: each takes what it prefers, and gives way if those after it do not come out.
    fn iteration(&mut self, inner: &Node, min: u32, max: Option<u32>, start: usize, end: usize) -> Result<bool> {
        if min == 0 && start == end && inner.flags & SHORTER != 0 {
            return Ok(true);
        }
        let least = (min as usize).max(1);
        let most = max.map_or(end - start, |max| (max as usize).min(end - start)).max(least);
        // Whether turns come out depends on those before them only through back references.
        let forgetful = inner.flags & REFERENCE == 0;
        let mut dead = HashSet::new();
        let mut ends = vec![start];
        let mut choices = vec![self.turn_ends(inner, start, end)?];
        while let Some(choice) = choices.last_mut() {
            let turn = ends.len();
            let from = ends[turn - 1];
            match choice.next() {
                None => {
                    choices.pop();
                    if forgetful {
                        dead.insert((turn - 1, from));
                    }
                    if turn > 1 {
                        ends.pop();
                    }
                }
                Some(to) if to == end => {
                    ends.push(to);
                    if turn >= least && self.verify(inner, &ends)? {
                        return Ok(true);
                    }
                    ends.pop();
                }
                // An empty turn is taken only if there are not enough of others.
                Some(to) if to == from && least.saturating_sub(turn) < end - to => {}
                Some(to) if turn == most || dead.contains(&(turn, to)) => {}
                Some(to) => {
                    ends.push(to);
                    choices.push(self.turn_ends(inner, to, end)?);
                }
            }
        }
        // No turn at all is the last choice.
        Ok(min == 0 && start == end)
    }

    fn turn_ends(&self, inner: &Node, start: usize, end: usize) -> Result<std::vec::IntoIter<usize>> {
        let mut ends = inner.forward(&self.constraints)?.ends(self.subject, start, end)?;
        if inner.flags & SHORTER == 0 {
            ends.reverse();
        }
        Ok(ends.into_iter())
    }

    fn verify(&mut self, inner: &Node, ends: &[usize]) -> Result<bool> {
        for pair in ends.windows(2) {
            self.forget(inner);
            if !self.dissect(inner, pair[0], pair[1])? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
