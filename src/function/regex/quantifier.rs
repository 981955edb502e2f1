//! Quantifiers: how often an item is taken, and whether many or few are preferred.

use crate::error::Result;
use crate::function::regex::node::{
    CAPTURE, Flags, Kind, LONGER, MIXED, Node, REFERENCE, SHORTER, combine, preference, repeat,
};
use crate::function::regex::options::Fault;
use crate::function::regex::parse::Parser;

/// The highest count in braces.
const MOST: u32 = 255;

/// How often, and with which preference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quantifier {
    /// At the least.
    pub(crate) min: u32,
    /// At the most, if there is a most.
    pub(crate) max: Option<u32>,
    /// Which match it prefers, if it prefers one.
    pub(crate) prefers: Flags,
}

impl Parser {
    /// Reads the quantifier that may stand after an item.
    pub(crate) fn quantifier(&mut self) -> Result<Quantifier> {
        self.skip();
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let before = self.at;
                self.at += 1;
                if self.options.expanded {
                    self.skip_blanks();
                }
                if self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
                    return self.bound();
                }
                self.at = before;
                return Ok(Quantifier { min: 1, max: Some(1), prefers: 0 });
            }
            _ => return Ok(Quantifier { min: 1, max: Some(1), prefers: 0 }),
        };
        self.at += 1;
        Ok(Quantifier { min, max, prefers: self.prefers() })
    }

    fn prefers(&mut self) -> Flags {
        if self.is_advanced() && self.eat("?") { SHORTER } else { LONGER }
    }

    /// Reads what stands in braces.
    fn bound(&mut self) -> Result<Quantifier> {
        let min = self.count()?;
        let (max, is_range) = match self.peek() {
            Some(',') => {
                self.at += 1;
                self.skip_in_bound();
                let has_max = self.peek().is_some_and(|letter| letter.is_ascii_digit());
                (if has_max { Some(self.count()?) } else { None }, true)
            }
            _ => (Some(min), false),
        };
        match self.peek() {
            None => return Err(Fault::Braces.into()),
            Some('}') if max.is_none_or(|max| min <= max) => self.at += 1,
            Some(_) => return Err(Fault::Count.into()),
        }
        let prefers = self.prefers();
        // A count alone leaves the preference to what is counted.
        Ok(Quantifier { min, max, prefers: if is_range { prefers } else { 0 } })
    }

    fn skip_in_bound(&mut self) {
        if self.options.expanded {
            self.skip_blanks();
        }
    }

    fn count(&mut self) -> Result<u32> {
        let mut count = 0;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            count = count * 10 + digit;
            if count > MOST {
                return Err(Fault::Count.into());
            }
            self.at += 1;
            self.skip_in_bound();
        }
        Ok(count)
    }
}

/// Wraps the quantifier around an item that is not plain.
pub(crate) fn quantified(mut atom: Node, quantifier: &Quantifier) -> Node {
    let Quantifier { min, max, prefers } = *quantifier;
    let flags = combine(prefers, atom.flags);
    if let Kind::Reference(number, ..) = atom.kind {
        atom.kind = Kind::Reference(number, min, max);
        atom.hir = repeat(atom.hir, min, max);
        atom.flags |= flags;
        return atom;
    }
    let own = atom.flags & (LONGER | SHORTER | MIXED);
    if min == 1 && max == Some(1) && (prefers == 0 || own == 0 || own == prefers) {
        return atom;
    }
    let hir = repeat(atom.hir.clone(), min, max);
    if atom.flags & (CAPTURE | REFERENCE) == 0 {
        return Node::new(Kind::Plain, flags, hir);
    }
    if min > 0 && atom.flags & REFERENCE == 0 {
        // Only the last turn is seen by who asks for the group.
        let before = repeat(atom.hir.clone(), min - 1, max.map(|max| max - 1));
        return Node::concat(Node::new(Kind::Plain, preference(flags), before), atom, flags);
    }
    Node::new(Kind::Iteration(Box::new(atom), min, max), flags, hir)
}
