//! What switches an expression carries, from the flags of a call and from the expression itself, and its faults.

use crate::error::{Error, Kind, Result};

/// How an expression is written and what its letters stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Options {
    /// What language it is.
    pub(crate) dialect: Dialect,
    /// Case makes no difference.
    pub(crate) ignore_case: bool,
    /// Blanks and comments between the parts are left out.
    pub(crate) expanded: bool,
    /// `.` and `[^…]` do not take a newline.
    pub(crate) newline_stops: bool,
    /// `^` and `$` hold at newlines as well.
    pub(crate) newline_anchors: bool,
}

/// The languages of regular expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Dialect {
    /// An advanced one.
    Advanced,
    /// POSIX's extended one: no escapes but `\` before a letter that is to be taken as it is.
    Extended,
    /// POSIX's basic one.
    Basic,
    /// No expression at all, but the text itself.
    Literal,
}

impl Options {
    /// What `~` takes.
    pub(crate) const ADVANCED: Options = Options {
        dialect: Dialect::Advanced,
        ignore_case: false,
        expanded: false,
        newline_stops: false,
        newline_anchors: false,
    };

    /// What `~*` takes.
    pub(crate) const ADVANCED_IGNORE_CASE: Options = Options { ignore_case: true, ..Options::ADVANCED };

    /// Takes a letter that means the same in a call's flags and in the expression; `false` if it means nothing.
    pub(crate) fn set(&mut self, letter: char) -> bool {
        match letter {
            'b' => self.dialect = Dialect::Basic,
            'c' => self.ignore_case = false,
            'e' => self.dialect = Dialect::Extended,
            'i' => self.ignore_case = true,
            'm' | 'n' => (self.newline_stops, self.newline_anchors) = (true, true),
            'p' => (self.newline_stops, self.newline_anchors) = (true, false),
            'q' => self.dialect = Dialect::Literal,
            's' => (self.newline_stops, self.newline_anchors) = (false, false),
            't' => self.expanded = false,
            'w' => (self.newline_stops, self.newline_anchors) = (false, true),
            'x' => self.expanded = true,
            _ => return false,
        }
        true
    }

    /// Reads the flags of a call; the second value is whether `g` is among them.
    pub(crate) fn parse(flags: &str) -> Result<(Options, bool)> {
        let mut options = Options::ADVANCED;
        let mut global = false;
        for letter in flags.chars() {
            if letter == 'g' {
                global = true;
            } else if letter == 'e' {
                // PostgreSQL takes it for `b` here, though not in the expression.
                options.dialect = Dialect::Basic;
            } else if !options.set(letter) {
                return Err(Error::new(
                    Kind::InvalidParameterValue,
                    format!("invalid regular expression option: \"{letter}\""),
                ));
            }
        }
        Ok((options, global))
    }
}

/// What can be wrong with an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BadPattern,
    CollatingElement,
    CharacterClass,
    Escape,
    BackReference,
    Brackets,
    Parentheses,
    Braces,
    Count,
    Range,
    Operand,
    Option,
    TooComplex,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        let what = match fault {
            Fault::BadPattern => "invalid regexp (reg version 0.8)",
            Fault::CollatingElement => "invalid collating element",
            Fault::CharacterClass => "invalid character class",
            Fault::Escape => "invalid escape \\ sequence",
            Fault::BackReference => "invalid backreference number",
            Fault::Brackets => "brackets [] not balanced",
            Fault::Parentheses => "parentheses () not balanced",
            Fault::Braces => "braces {} not balanced",
            Fault::Count => "invalid repetition count(s)",
            Fault::Range => "invalid character range",
            Fault::Operand => "quantifier operand invalid",
            Fault::Option => "invalid embedded option",
            Fault::TooComplex => "regular expression is too complex",
        };
        Error::new(Kind::InvalidRegularExpression, format!("invalid regular expression: {what}"))
    }
}
