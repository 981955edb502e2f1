//! Templates of numbers, taken apart.

use crate::error::{Error, Kind, Result};
use crate::function::template::pattern::{Case, characters};

/// A part of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Pattern(Pattern),
    Letter(char),
}

/// What a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `,`
    Comma,
    /// `.`, and `D`, the same in the locale C
    Point,
    /// `0`
    Zero,
    /// `9`
    Nine,
    /// `B`
    Blank,
    /// `EEEE`
    Exponent,
    /// `FM`
    Fill,
    /// `G`
    Group,
    /// `L`
    Currency,
    /// `MI`
    Minus,
    /// `PL`
    Plus,
    /// `PR`
    Bracket,
    /// `RN`
    Roman(Case),
    /// `SG`
    PlusMinus,
    /// `S`
    Sign,
    /// `TH`
    Ordinal(Case),
    /// `V`
    Shift,
    /// `C` and `SP`, which do nothing
    Nothing,
}

/// The names of patterns; of two that begin alike the longer one comes first. All may also be written small.
const NAMES: &[(&str, Pattern)] = &[
    (",", Pattern::Comma),
    (".", Pattern::Point),
    ("0", Pattern::Zero),
    ("9", Pattern::Nine),
    ("B", Pattern::Blank),
    ("C", Pattern::Nothing),
    ("D", Pattern::Point),
    ("EEEE", Pattern::Exponent),
    ("FM", Pattern::Fill),
    ("G", Pattern::Group),
    ("L", Pattern::Currency),
    ("MI", Pattern::Minus),
    ("PL", Pattern::Plus),
    ("PR", Pattern::Bracket),
    ("RN", Pattern::Roman(Case::Upper)),
    ("SG", Pattern::PlusMinus),
    ("SP", Pattern::Nothing),
    ("S", Pattern::Sign),
    ("TH", Pattern::Ordinal(Case::Upper)),
    ("V", Pattern::Shift),
];

/// Where `S` puts the sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SignPlace {
    #[default]
    None,
    Before,
    Behind,
}

/// A template of numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) nodes: Vec<Node>,
    /// Digits before the point.
    pub(super) whole: usize,
    /// Digits behind it.
    pub(super) fraction: usize,
    /// Digits behind `V`.
    pub(super) shift: usize,
    /// Digits before the first `0`, if there is one before the point.
    pub(super) zero_start: Option<usize>,
    /// Digits up to the last `0`.
    pub(super) zero_end: usize,
    pub(super) sign_place: SignPlace,
    /// Digits before `S`.
    pub(super) before_sign: usize,
    pub(super) has_sign: bool,
    pub(super) has_point: bool,
    pub(super) has_shift: bool,
    pub(super) has_plus: bool,
    pub(super) has_minus: bool,
    pub(super) has_bracket: bool,
    pub(super) has_exponent: bool,
    pub(super) is_roman: bool,
    pub(super) is_fill: bool,
    pub(super) is_blank: bool,
}

impl Picture {
    /// Takes a template apart.
    ///
    /// # Errors
    /// 42601 for patterns that do not go together.
    pub(super) fn parse(template: &str) -> Result<Picture> {
        let mut picture = Picture::default();
        let mut rest = template;
        while !rest.is_empty() {
            if let Some((pattern, length)) = pattern(rest) {
                picture.add(pattern)?;
                picture.nodes.push(Node::Pattern(pattern));
                rest = &rest[length..];
            } else {
                rest = characters(rest, |letter, _| picture.nodes.push(Node::Letter(letter)));
            }
        }
        Ok(picture)
    }

    fn add(&mut self, pattern: Pattern) -> Result<()> {
        let fault = |message: &str| Err(Error::new(Kind::Syntax, message));
        if self.has_exponent && pattern != Pattern::Exponent {
            return fault("\"EEEE\" must be the last pattern used");
        }
        match pattern {
            Pattern::Nine if self.has_bracket => return fault("\"9\" must be ahead of \"PR\""),
            Pattern::Nine if self.has_shift => self.shift += 1,
            Pattern::Zero if self.has_bracket => return fault("\"0\" must be ahead of \"PR\""),
            Pattern::Nine | Pattern::Zero => self.digit(pattern == Pattern::Zero),
            Pattern::Blank => {
                self.is_blank |= self.whole == 0 && self.fraction == 0 && self.zero_start.is_none();
            }
            Pattern::Point if self.has_point => return fault("multiple decimal points"),
            Pattern::Point if self.has_shift => return fault("cannot use \"V\" and decimal point together"),
            Pattern::Point => self.has_point = true,
            Pattern::Shift if self.has_point => return fault("cannot use \"V\" and decimal point together"),
            Pattern::Shift => self.has_shift = true,
            Pattern::Fill => self.is_fill = true,
            Pattern::Roman(_) => self.is_roman = true,
            Pattern::Sign if self.has_sign => return fault("cannot use \"S\" twice"),
            Pattern::Sign if self.has_plus || self.has_minus || self.has_bracket => {
                return fault("cannot use \"S\" and \"PL\"/\"MI\"/\"SG\"/\"PR\" together");
            }
            Pattern::Sign => {
                self.has_sign = true;
                self.before_sign = if self.has_point { 0 } else { self.whole };
                self.sign_place = if self.has_point { SignPlace::Behind } else { SignPlace::Before };
            }
            Pattern::Minus if self.has_sign => return fault("cannot use \"S\" and \"MI\" together"),
            Pattern::Minus => self.has_minus = true,
            Pattern::Plus if self.has_sign => return fault("cannot use \"S\" and \"PL\" together"),
            Pattern::Plus => self.has_plus = true,
            Pattern::PlusMinus if self.has_sign => return fault("cannot use \"S\" and \"SG\" together"),
            Pattern::PlusMinus => (self.has_minus, self.has_plus) = (true, true),
            Pattern::Bracket if self.has_sign || self.has_plus || self.has_minus => {
                return fault("cannot use \"PR\" and \"S\"/\"PL\"/\"MI\"/\"SG\" together");
            }
            Pattern::Bracket => self.has_bracket = true,
            Pattern::Exponent => return self.exponent(),
            Pattern::Comma | Pattern::Group | Pattern::Currency | Pattern::Ordinal(_) | Pattern::Nothing => {}
        }
        Ok(())
    }

    fn digit(&mut self, is_zero: bool) {
        if is_zero && !self.has_point {
            self.zero_start.get_or_insert(self.whole);
        }
        *(if self.has_point { &mut self.fraction } else { &mut self.whole }) += 1;
        if is_zero {
            self.zero_end = self.whole + self.fraction;
        }
    }

    fn exponent(&mut self) -> Result<()> {
        if self.has_exponent {
            return Err(Error::new(Kind::Syntax, "cannot use \"EEEE\" twice"));
        }
        let has_sign = self.has_sign || self.has_bracket || self.has_minus || self.has_plus;
        if has_sign || self.is_blank || self.is_fill || self.is_roman || self.has_shift {
            return Err(Error::new(Kind::Syntax, "\"EEEE\" is incompatible with other formats")
                .detail("\"EEEE\" may only be used together with digit and decimal point patterns."));
        }
        self.has_exponent = true;
        Ok(())
    }
}

fn pattern(rest: &str) -> Option<(Pattern, usize)> {
    NAMES.iter().find_map(|(name, pattern)| {
        let head = rest.get(..name.len())?;
        if head == *name {
            return Some((*pattern, name.len()));
        }
        let is_small = head.eq_ignore_ascii_case(name) && !head.contains(|letter: char| letter.is_ascii_uppercase());
        let small = match pattern {
            Pattern::Roman(_) => Pattern::Roman(Case::Lower),
            Pattern::Ordinal(_) => Pattern::Ordinal(Case::Lower),
            other => *other,
        };
        is_small.then_some((small, name.len()))
    })
}
