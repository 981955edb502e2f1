//! An expression made ready for texts of one kind.

use std::rc::Rc;

use regex_automata::Input;
use regex_automata::meta;
use regex_automata::nfa::thompson::WhichCaptures;

use crate::error::{Error, Result};
use crate::function::regex::automaton::{Direction, SIZE};
use crate::function::regex::constraint::{Constraints, Simulation};
use crate::function::regex::dissect::Dissection;
use crate::function::regex::node::{Node, REFERENCE, SHORTER, is_messy};
use crate::function::regex::options::{Fault, Options};
use crate::function::regex::parse::parse;
use crate::function::regex::program::{Letters, Span};

/// An expression made ready for texts of one kind.
#[derive(Debug)]
pub(crate) struct Machine {
    /// The kind of the texts.
    pub(crate) letters: Letters,
    /// How many capturing groups it has.
    pub(crate) groups: usize,
    /// It asks where words start or end.
    pub(crate) has_words: bool,
    tree: Node,
    ignore_case: bool,
    constraints: Rc<Constraints>,
    finder: Finder,
}

/// What tells where the first match begins.
#[derive(Debug)]
enum Finder {
    Plain(meta::Regex),
    Simulated(Simulation),
}

impl Machine {
    /// Makes an expression ready.
    ///
    /// # Errors
    /// 2201B for one that is wrong.
    pub(crate) fn new(pattern: &str, options: Options, letters: Letters) -> Result<Self> {
        let (tree, groups, options, constraints) = parse(pattern, options, letters)?;
        let config = meta::Config::new()
            .which_captures(WhichCaptures::Implicit)
            .nfa_size_limit(Some(SIZE))
            .onepass_size_limit(Some(SIZE));
        let finder = if constraints.is_empty() {
            let built = meta::Regex::builder().configure(config).build_from_hir(&tree.hir);
            Finder::Plain(built.map_err(|_| Error::from(Fault::TooComplex))?)
        } else {
            Finder::Simulated(Simulation::new(&tree.hir, Direction::Forward)?)
        };
        Ok(Machine {
            letters,
            groups,
            has_words: constraints.has_words || tree.hir.properties().look_set().contains_word(),
            tree,
            ignore_case: options.ignore_case,
            constraints: Rc::new(constraints),
            finder,
        })
    }

    fn has_reference(&self) -> bool {
        self.tree.flags & REFERENCE != 0
    }

    /// Whether it matches anywhere, if that can be told without looking for where.
    pub(crate) fn is_match(&self, subject: &str) -> Option<bool> {
        match &self.finder {
            Finder::Plain(regex) if self.letters != Letters::Marked && !self.has_reference() => {
                Some(regex.is_match(subject))
            }
            _ => None,
        }
    }

    /// Works out where the conditions hold in a text; has to be done before it is searched.
    pub(crate) fn prepare(&self, subject: &str) {
        self.constraints.prepare(subject);
    }

    /// The first match that starts at `from` or after it: the whole and then, if they are wanted, the groups. `next` is
    /// where a match can start, at a place or further on.
    ///
    /// # Errors
    /// 2201B if the match takes too much.
    pub(crate) fn find(
        &self,
        subject: &str,
        from: usize,
        with_groups: bool,
        next: impl Fn(usize) -> usize,
    ) -> Result<Option<Vec<Option<Span>>>> {
        let mut from = from;
        while from <= subject.len() {
            // Whatever end a match has there: no other one starts earlier.
            let Some(start) = self.first(subject, from) else { return Ok(None) };
            from = next(start);
            if from > start {
                continue;
            }
            let groups = self.match_at(subject, start, with_groups)?;
            if groups.is_some() {
                return Ok(groups);
            }
            // Only a back reference can refuse what the automaton has found.
            from = next(start + subject[start..].chars().next().map_or(1, char::len_utf8));
        }
        Ok(None)
    }

    /// Where the first match begins that begins at `from` or after it.
    fn first(&self, subject: &str, from: usize) -> Option<usize> {
        match &self.finder {
            Finder::Plain(regex) => regex.find(Input::new(subject).range(from..)).map(|found| found.start()),
            Finder::Simulated(simulation) => simulation.find(&self.constraints, subject, from),
        }
    }

    fn match_at(&self, subject: &str, start: usize, with_groups: bool) -> Result<Option<Vec<Option<Span>>>> {
        let is_shorter = self.tree.flags & SHORTER != 0;
        let automaton = self.tree.forward(&self.constraints)?;
        let dissects = self.has_reference() || (with_groups && is_messy(self.tree.flags));
        if !self.has_reference() {
            let end = if is_shorter {
                automaton.shortest(subject, start, start, subject.len())?
            } else {
                automaton.longest(subject, start, subject.len())?
            };
            let Some(end) = end else { return Ok(None) };
            let mut dissection =
                Dissection::new(subject, self.groups, self.ignore_case, self.letters, &self.constraints);
            if dissects && !dissection.dissect(&self.tree, start, end)? {
                return Err(Error::internal("a match without parts"));
            }
            return Ok(Some(dissection.finish(start, end)));
        }
        let mut ends = automaton.ends(subject, start, subject.len())?;
        if !is_shorter {
            ends.reverse();
        }
        for end in ends {
            let mut dissection =
                Dissection::new(subject, self.groups, self.ignore_case, self.letters, &self.constraints);
            if dissection.dissect(&self.tree, start, end)? {
                return Ok(Some(dissection.finish(start, end)));
            }
        }
        Ok(None)
    }
}
