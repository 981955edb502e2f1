//! The reader of regular expressions: from text to a tree of nodes.

use regex_syntax::hir::{Hir, Look};

use crate::error::{Error, Result};
use crate::function::ctype;
use crate::function::regex::class;
use crate::function::regex::constraint::Constraints;
use crate::function::regex::node::{self, Flags, Kind, LONGER, Node, REFERENCE, combine, inherited, is_messy, repeat};
use crate::function::regex::options::{Dialect, Fault, Options};
use crate::function::regex::program::Letters;
use crate::function::regex::quantifier::{Quantifier, quantified};

/// How deep groups may stand within each other, and how many in a row: each is a call within the one before.
const DEPTH: usize = 100;

/// Where the reader is.
#[derive(Debug)]
pub(crate) struct Parser {
    /// The letters of the expression.
    pub(crate) letters: Vec<char>,
    /// The next one.
    pub(crate) at: usize,
    /// What is in force.
    pub(crate) options: Options,
    /// What the texts are that the expression is to match.
    pub(crate) kind: Letters,
    /// How many capturing groups were opened.
    pub(crate) groups: usize,
    /// What the closed groups match, by number.
    closed: Vec<Option<Hir>>,
    depth: usize,
    in_constraint: bool,
    constraints: Constraints,
}

/// What one item of a branch turned out to be.
pub(crate) enum Atom {
    /// A condition on the place, which takes no quantifier.
    Constraint(Hir),
    /// Letters.
    Simple(Hir),
    /// A group, and the number of it if it captures.
    Group(Box<Node>, Option<usize>),
    /// What the group of this number matched.
    Reference(usize, Hir),
}

/// Reads an expression. The second value is how many capturing groups it has.
pub(crate) fn parse(pattern: &str, options: Options, kind: Letters) -> Result<(Node, usize, Options, Constraints)> {
    let mut parser = Parser {
        letters: pattern.chars().collect(),
        at: 0,
        options,
        kind,
        groups: 0,
        closed: vec![None],
        depth: 0,
        in_constraint: false,
        constraints: Constraints::default(),
    };
    parser.prefixes()?;
    let tree = match parser.options.dialect {
        Dialect::Literal => {
            let letters = &parser.letters[parser.at..];
            let parts = letters.iter().map(|letter| parser.letter(*letter)).collect();
            Node::new(Kind::Plain, 0, Hir::concat(parts))
        }
        Dialect::Basic => return Err(Error::unsupported("a POSIX basic regular expression")),
        Dialect::Advanced | Dialect::Extended => parser.alternatives(false)?,
    };
    Ok((tree, parser.groups, parser.options, parser.constraints))
}

impl Parser {
    /// Looks at the letters ahead.
    pub(crate) fn sees(&self, text: &str) -> bool {
        let mut rest = self.letters[self.at..].iter();
        text.chars().all(|letter| rest.next() == Some(&letter))
    }

    /// Takes the letters ahead if they are these.
    pub(crate) fn eat(&mut self, text: &str) -> bool {
        let seen = self.sees(text);
        if seen {
            self.at += text.chars().count();
        }
        seen
    }

    /// The next letter.
    pub(crate) fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    pub(crate) fn is_advanced(&self) -> bool {
        self.options.dialect == Dialect::Advanced
    }

    /// What may stand before an expression: `***:`, `***=` and `(?letters)`.
    fn prefixes(&mut self) -> Result<()> {
        if self.options.dialect == Dialect::Literal {
            return Ok(());
        }
        if self.sees("***") && self.letters.len() > 3 {
            self.at = 4;
            match self.letters[3] {
                '?' => return Err(Fault::BadPattern.into()),
                '=' => {
                    self.options.dialect = Dialect::Literal;
                    return Ok(());
                }
                ':' => self.options.dialect = Dialect::Advanced,
                _ => return Err(Fault::Operand.into()),
            }
        }
        let is_letter = |letter: &char| ctype::is_alphanumeric(*letter) && !letter.is_ascii_digit();
        if !self.is_advanced() || !self.sees("(?") || !self.letters.get(self.at + 2).is_some_and(is_letter) {
            return Ok(());
        }
        self.at += 2;
        while let Some(letter) = self.peek().filter(is_letter) {
            if !self.options.set(letter) {
                return Err(Fault::Option.into());
            }
            self.at += 1;
        }
        if self.eat(")") { Ok(()) } else { Err(Fault::Option.into()) }
    }

    /// Passes over blanks and comments.
    pub(crate) fn skip(&mut self) {
        loop {
            if self.options.expanded {
                self.skip_blanks();
            }
            if !(self.is_advanced() && self.eat("(?#")) {
                return;
            }
            while self.peek().is_some_and(|letter| letter != ')') {
                self.at += 1;
            }
            self.eat(")");
        }
    }

    pub(crate) fn skip_blanks(&mut self) {
        while let Some(letter) = self.peek() {
            if letter == '#' {
                while self.peek().is_some_and(|letter| letter != '\n') {
                    self.at += 1;
                }
            } else if ctype::is_space(letter) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Reads branches up to the end, or up to the parenthesis that closes the group.
    fn alternatives(&mut self, in_group: bool) -> Result<Node> {
        let mut branches = Vec::new();
        let mut flags = LONGER;
        loop {
            let branch = self.branch(in_group)?;
            flags |= inherited(flags | branch.flags);
            branches.push(branch);
            if !self.eat("|") {
                break;
            }
        }
        if in_group && !self.eat(")") {
            return Err(Fault::Parentheses.into());
        }
        if branches.len() == 1 {
            return branches.pop().ok_or_else(|| Error::internal("a regular expression without a branch"));
        }
        let hir = Hir::alternation(branches.iter().map(|branch| branch.hir.clone()).collect());
        let kind = if is_messy(flags) { Kind::Alternation(branches) } else { Kind::Plain };
        Ok(Node::new(kind, flags, hir))
    }

    fn descend(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH { Err(Fault::TooComplex.into()) } else { Ok(()) }
    }

    fn at_branch_end(&mut self, in_group: bool) -> bool {
        self.skip();
        match self.peek() {
            None | Some('|') => true,
            Some(')') => in_group,
            Some(_) => false,
        }
    }

    /// Reads a branch. What is plain goes into one node; from the first item on that is not, the rest of the branch is a
    /// node of its own.
    fn branch(&mut self, in_group: bool) -> Result<Node> {
        let mut parts = Vec::new();
        let mut flags = 0;
        while !self.at_branch_end(in_group) {
            let (atom, number, hir, simple) = match self.atom()? {
                Atom::Constraint(hir) => {
                    parts.push(hir);
                    continue;
                }
                Atom::Simple(hir) => (None, None, hir, true),
                Atom::Group(node, number) => {
                    let hir = node.hir.clone();
                    (Some(*node), number, hir, number.is_none())
                }
                Atom::Reference(number, hir) => {
                    let node = Node::new(Kind::Reference(number, 1, Some(1)), REFERENCE, hir.clone());
                    (Some(node), None, hir, false)
                }
            };
            let quantifier = self.quantifier()?;
            if quantifier.max == Some(0) {
                if let Some(number) = number {
                    self.closed[number] = None;
                }
                // The quantified nothing still is something in the branch.
                parts.push(Hir::empty());
                continue;
            }
            let all = flags | quantifier.prefers | atom.as_ref().map_or(0, |atom| atom.flags);
            if simple && !is_messy(inherited(all)) {
                parts.push(repeat(hir, quantifier.min, quantifier.max));
                flags = all;
                continue;
            }
            let atom = atom.unwrap_or_else(|| Node::new(Kind::Plain, 0, hir));
            return self.messy_branch(parts, flags, atom, &quantifier, in_group);
        }
        Ok(Node::new(Kind::Plain, flags, Hir::concat(parts)))
    }

    /// Puts together what stands before an item that is not plain, the item, and the rest of the branch.
    fn messy_branch(
        &mut self,
        before: Vec<Hir>,
        before_flags: Flags,
        atom: Node,
        quantifier: &Quantifier,
        in_group: bool,
    ) -> Result<Node> {
        let own_flags = combine(quantifier.prefers, atom.flags);
        let item = quantified(atom, quantifier);
        let prefix =
            if before.is_empty() { None } else { Some(Node::new(Kind::Plain, before_flags, Hir::concat(before))) };
        if self.at_branch_end(in_group) {
            let flags = before_flags | combine(before_flags, item.flags);
            return Ok(match prefix {
                None => item,
                Some(prefix) => Node::concat(prefix, item, flags),
            });
        }
        self.descend()?;
        let rest = self.branch(in_group)?;
        self.depth -= 1;
        let tail_flags = own_flags | combine(own_flags, rest.flags);
        let flags = before_flags | combine(before_flags, tail_flags);
        let Some(prefix) = prefix else { return Ok(Node::concat(item, rest, flags)) };
        let is_plain = matches!((&item.kind, &rest.kind), (Kind::Plain, Kind::Plain));
        let tail = if is_plain && !is_messy(inherited(item.flags | rest.flags)) {
            let hir = Hir::concat(vec![item.hir, rest.hir]);
            Node::new(Kind::Plain, combine(item.flags, rest.flags), hir)
        } else {
            Node::concat(item, rest, tail_flags)
        };
        Ok(Node::concat(prefix, tail, flags))
    }

    fn atom(&mut self) -> Result<Atom> {
        let Some(letter) = self.peek() else { return Err(Error::internal("an atom past the end")) };
        self.at += 1;
        let newline = self.options.newline_anchors;
        Ok(match letter {
            '^' => Atom::Constraint(Hir::look(if newline { Look::StartLF } else { Look::Start })),
            '$' => Atom::Constraint(Hir::look(if newline { Look::EndLF } else { Look::End })),
            '*' | '+' | '?' => return Err(Fault::Operand.into()),
            '{' => {
                if self.options.expanded {
                    self.skip_blanks();
                }
                if self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
                    return Err(Fault::Operand.into());
                }
                Atom::Simple(self.letter('{'))
            }
            '(' => self.group()?,
            ')' if self.is_advanced() => return Err(Fault::Parentheses.into()),
            '[' if self.eat("[:<:]]") => Atom::Constraint(Hir::look(Look::WordStartAscii)),
            '[' if self.eat("[:>:]]") => Atom::Constraint(Hir::look(Look::WordEndAscii)),
            '[' => Atom::Simple(self.bracket()?),
            '.' => Atom::Simple(self.set(class::any(self.options.newline_stops))),
            '\\' if self.is_advanced() => self.escape()?,
            '\\' => {
                let letter = self.peek().ok_or(Fault::Escape)?;
                self.at += 1;
                Atom::Simple(self.letter(letter))
            }
            letter => Atom::Simple(self.letter(letter)),
        })
    }

    fn group(&mut self) -> Result<Atom> {
        let mut captures = !self.in_constraint;
        if self.is_advanced() && self.eat("?") {
            let kind = self.peek().ok_or(Fault::Operand)?;
            self.at += 1;
            match kind {
                ':' => captures = false,
                '=' | '!' => return self.constraint(false, kind == '!'),
                '<' if self.sees("=") || self.sees("!") => {
                    let is_negative = self.sees("!");
                    self.at += 1;
                    return self.constraint(true, is_negative);
                }
                _ => return Err(Fault::Operand.into()),
            }
        }
        let number = captures.then(|| {
            self.groups += 1;
            self.closed.push(None);
            self.groups
        });
        self.descend()?;
        let inner = self.alternatives(true)?;
        self.depth -= 1;
        Ok(match number {
            Some(number) => {
                self.closed[number] = Some(inner.hir.clone());
                Atom::Group(Box::new(inner.captured(number)), Some(number))
            }
            None => Atom::Group(Box::new(inner), None),
        })
    }

    /// Reads the rest of a lookahead or lookbehind, within which no group captures.
    fn constraint(&mut self, is_behind: bool, is_negative: bool) -> Result<Atom> {
        self.descend()?;
        let outer = std::mem::replace(&mut self.in_constraint, true);
        let inner = self.alternatives(true)?;
        self.in_constraint = outer;
        self.depth -= 1;
        self.constraints.add(&inner.hir, is_behind, is_negative).map(Atom::Constraint)
    }

    /// The reference to a group.
    pub(crate) fn reference(&self, number: usize) -> Result<Atom> {
        if self.in_constraint {
            return Err(Fault::BackReference.into());
        }
        let matched = self.closed.get(number).and_then(Option::as_ref).ok_or(Fault::BackReference)?;
        Ok(Atom::Reference(number, node::without_constraints(matched)))
    }
}
