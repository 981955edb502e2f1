//! Texts with marks, so that the automata see where words start and end.
//!
//! An automaton takes the bytes next to a place for those of a word if they are ASCII letters, digits or `_`. So each
//! letter of a word that is not ASCII is put between two marks, and the digits that serve as marks are as well. The
//! expression is read for texts of that kind, and where it matched is told for the text as it was.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir};

use crate::error::{Error, Result};
use crate::function::ctype;

/// What stands before a letter that is marked.
const BEFORE: char = '8';
/// What stands after it.
const AFTER: char = '9';

fn is_marked(letter: char) -> bool {
    matches!(letter, BEFORE | AFTER) || (!letter.is_ascii() && ctype::is_alphanumeric(letter))
}

/// One letter with its marks, if it has any.
pub(crate) fn mark(letter: char) -> String {
    if is_marked(letter) { [BEFORE, letter, AFTER].iter().collect() } else { letter.into() }
}

/// A set of letters with their marks.
pub(crate) fn mark_set(mut letters: ClassUnicode) -> Hir {
    let words = ctype::class("alpha").unwrap_or_default();
    let mut marked = ClassUnicode::new(words.into_iter().map(|(low, high)| ClassUnicodeRange::new(low, high)));
    marked.difference(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7f')]));
    marked.union(&ClassUnicode::new([ClassUnicodeRange::new(BEFORE, AFTER)]));
    marked.intersect(&letters);
    letters.difference(&marked);
    let set = |letters| Hir::class(Class::Unicode(letters));
    let mark = |mark: char| Hir::literal(mark.to_string().into_bytes());
    Hir::alternation(vec![set(letters), Hir::concat(vec![mark(BEFORE), set(marked), mark(AFTER)])])
}

/// The letters of a part of a text, without the marks if it has them.
pub(crate) fn letters(text: &str, has_marks: bool) -> impl Iterator<Item = char> {
    let mut rest = text.chars();
    std::iter::from_fn(move || {
        let letter = rest.next()?;
        if !has_marks || letter != BEFORE {
            return Some(letter);
        }
        let letter = rest.next()?;
        rest.next();
        Some(letter)
    })
}

/// A text with marks.
#[derive(Debug)]
pub(crate) struct Marked {
    /// With the marks.
    pub(crate) text: String,
    /// Where each letter starts, and where the text ends: with the marks, and in the text as it was.
    places: Vec<(usize, usize)>,
}

impl Marked {
    /// Puts marks into a text.
    pub(crate) fn new(text: &str) -> Self {
        let mut marked = String::with_capacity(text.len() * 2);
        let mut places = Vec::with_capacity(text.len() + 1);
        for (at, letter) in text.char_indices() {
            places.push((marked.len(), at));
            if is_marked(letter) {
                marked.extend([BEFORE, letter, AFTER]);
            } else {
                marked.push(letter);
            }
        }
        places.push((marked.len(), text.len()));
        Marked { text: marked, places }
    }

    /// The place itself, or the start of the next letter if it is within one.
    pub(crate) fn next(&self, at: usize) -> usize {
        self.places.get(self.places.partition_point(|place| place.0 < at)).map_or(at, |place| place.0)
    }

    /// Where a place of the text as it was is now.
    pub(crate) fn with_marks(&self, at: usize) -> Result<usize> {
        let found = self.places.binary_search_by_key(&at, |place| place.1);
        found.map(|found| self.places[found].0).map_err(|_| Error::internal("a place within a letter"))
    }

    /// Where a place is in the text as it was.
    pub(crate) fn without_marks(&self, at: usize) -> Result<usize> {
        let found = self.places.binary_search_by_key(&at, |place| place.0);
        found.map(|found| self.places[found].1).map_err(|_| Error::internal("a place within a letter and its marks"))
    }
}
