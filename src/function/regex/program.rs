//! A regular expression made ready, and its matches.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use crate::error::{Error, Result};
use crate::function::regex::machine::Machine;
use crate::function::regex::marks::Marked;
use crate::function::regex::options::Options;

/// Where something matched: byte offsets.
pub(crate) type Span = (usize, usize);

/// How many expressions are kept ready in each thread.
const KEPT: usize = 64;

/// What the texts are that an expression is made ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    /// ASCII only: the automata are far smaller.
    Ascii,
    /// Any.
    All,
    /// Any, with [marks](crate::function::regex::marks).
    Marked,
}

/// A regular expression made ready.
#[derive(Debug)]
pub(crate) struct Program {
    /// How many capturing groups it has.
    pub(crate) groups: usize,
    pattern: String,
    options: Options,
    ascii: Machine,
    /// For all other texts; made when there is one.
    other: OnceCell<Box<Machine>>,
}

struct Entry {
    options: Options,
    program: Rc<Program>,
}

thread_local! {
    static READY: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

/// Makes an expression ready, or returns it if it is.
///
/// # Errors
/// 2201B for one that is wrong.
pub(crate) fn compile(pattern: &str, options: Options) -> Result<Rc<Program>> {
    READY.with_borrow_mut(|ready| {
        let found = ready.iter().position(|entry| entry.options == options && entry.program.pattern == pattern);
        if let Some(at) = found {
            // What was used last stands first.
            ready[..=at].rotate_right(1);
            return Ok(Rc::clone(&ready[0].program));
        }
        let program = Rc::new(Program::new(pattern, options)?);
        ready.truncate(KEPT - 1);
        ready.insert(0, Entry { options, program: Rc::clone(&program) });
        Ok(program)
    })
}

impl Program {
    fn new(pattern: &str, options: Options) -> Result<Self> {
        let ascii = Machine::new(pattern, options, Letters::Ascii)?;
        Ok(Program { groups: ascii.groups, pattern: pattern.to_owned(), options, ascii, other: OnceCell::new() })
    }

    /// What is made ready for texts that are not ASCII.
    fn other(&self) -> Result<&Machine> {
        if self.other.get().is_none() {
            // Where the words of such a text are is not seen by the automata without marks.
            let letters = if self.ascii.has_words { Letters::Marked } else { Letters::All };
            let _ = self.other.set(Box::new(Machine::new(&self.pattern, self.options, letters)?));
        }
        let other = self.other.get().map(Box::as_ref);
        other.ok_or_else(|| Error::internal("an expression that was just made ready is not there"))
    }

    /// Whether it matches anywhere.
    ///
    /// # Errors
    /// 2201B if the match takes too much.
    pub(crate) fn is_match(&self, subject: &str) -> Result<bool> {
        let machine = if subject.is_ascii() { &self.ascii } else { self.other()? };
        match machine.is_match(subject) {
            Some(is_match) => Ok(is_match),
            None => Ok(self.on(subject)?.find(0, false)?.is_some()),
        }
    }

    /// Looks at a text. Only the text that was looked at last can be searched.
    ///
    /// # Errors
    /// 2201B if the expression takes too much.
    pub(crate) fn on<'a>(&'a self, subject: &'a str) -> Result<Matcher<'a>> {
        let machine = if subject.is_ascii() { &self.ascii } else { self.other()? };
        let marked = (machine.letters == Letters::Marked).then(|| Marked::new(subject));
        machine.prepare(marked.as_ref().map_or(subject, |marked| &marked.text));
        Ok(Matcher { machine, subject, marked })
    }
}

/// An expression and a text.
#[derive(Debug)]
pub(crate) struct Matcher<'a> {
    machine: &'a Machine,
    subject: &'a str,
    marked: Option<Marked>,
}

impl Matcher<'_> {
    /// The first match that starts at `from` or after it: the whole and then, if they are wanted, the groups.
    ///
    /// # Errors
    /// 2201B if the match takes too much.
    pub(crate) fn find(&self, from: usize, with_groups: bool) -> Result<Option<Vec<Option<Span>>>> {
        let Some(marked) = &self.marked else { return self.machine.find(self.subject, from, with_groups, |at| at) };
        let from = marked.with_marks(from)?;
        let Some(spans) = self.machine.find(&marked.text, from, with_groups, |at| marked.next(at))? else {
            return Ok(None);
        };
        let place = |at| marked.without_marks(at);
        let span = |span: Option<Span>| span.map(|(start, end)| Ok((place(start)?, place(end)?))).transpose();
        Ok(Some(spans.into_iter().map(span).collect::<Result<_>>()?))
    }
}
