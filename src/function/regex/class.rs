//! Sets of letters: brackets, classes and escapes, by the rules of locale C.UTF-8.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, Look};

use crate::error::{Error, Result};
use crate::function::ctype;
use crate::function::regex::marks;
use crate::function::regex::options::Fault;
use crate::function::regex::parse::{Atom, Parser};
use crate::function::regex::program::Letters;

/// The names of ASCII characters that `[[.name.]]` takes, without those of control characters.
const NAMES: &[(&str, char)] = &[
    ("space", ' '),
    ("exclamation-mark", '!'),
    ("quotation-mark", '"'),
    ("number-sign", '#'),
    ("dollar-sign", '$'),
    ("percent-sign", '%'),
    ("ampersand", '&'),
    ("apostrophe", '\''),
    ("left-parenthesis", '('),
    ("right-parenthesis", ')'),
    ("asterisk", '*'),
    ("plus-sign", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("hyphen-minus", '-'),
    ("period", '.'),
    ("full-stop", '.'),
    ("slash", '/'),
    ("solidus", '/'),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("colon", ':'),
    ("semicolon", ';'),
    ("less-than-sign", '<'),
    ("equals-sign", '='),
    ("greater-than-sign", '>'),
    ("question-mark", '?'),
    ("commercial-at", '@'),
    ("left-square-bracket", '['),
    ("backslash", '\\'),
    ("reverse-solidus", '\\'),
    ("right-square-bracket", ']'),
    ("circumflex", '^'),
    ("circumflex-accent", '^'),
    ("underscore", '_'),
    ("low-line", '_'),
    ("grave-accent", '`'),
    ("left-brace", '{'),
    ("left-curly-bracket", '{'),
    ("vertical-line", '|'),
    ("right-brace", '}'),
    ("right-curly-bracket", '}'),
    ("tilde", '~'),
    ("tab", '\t'),
    ("newline", '\n'),
    ("vertical-tab", '\x0b'),
    ("form-feed", '\x0c'),
    ("carriage-return", '\r'),
    ("alert", '\x07'),
    ("backspace", '\x08'),
];

fn range(low: char, high: char) -> ClassUnicodeRange {
    ClassUnicodeRange::new(low, high)
}

/// What `.` stands for.
pub(crate) fn any(without_newline: bool) -> ClassUnicode {
    let mut letters = ClassUnicode::new([range('\0', char::MAX)]);
    if without_newline {
        letters.difference(&ClassUnicode::new([range('\n', '\n')]));
    }
    letters
}

/// One letter in both cases. The letter itself is not among them if it is of neither.
fn both_cases(letter: char) -> ClassUnicode {
    let (low, high) = (ctype::to_lower(letter), ctype::to_upper(letter));
    ClassUnicode::new([range(low, low), range(high, high)])
}

/// A class by its name.
fn named(name: &str, ignore_case: bool) -> Option<ClassUnicode> {
    let name = if ignore_case && matches!(name, "upper" | "lower") { "alpha" } else { name };
    Some(ClassUnicode::new(ctype::class(name)?.into_iter().map(|(low, high)| range(low, high))))
}

/// The class that `\d` and its like stand for.
fn shorthand(letter: char) -> Option<ClassUnicode> {
    let name = match letter.to_ascii_lowercase() {
        'd' => "digit",
        's' => "space",
        'w' => "word",
        _ => return None,
    };
    let mut letters = named(name, false)?;
    if letter.is_ascii_uppercase() {
        letters.negate();
    }
    Some(letters)
}

impl Parser {
    /// One letter, or one of either case.
    pub(crate) fn letter(&self, letter: char) -> Hir {
        if self.options.ignore_case {
            return self.set(both_cases(letter));
        }
        match self.kind {
            Letters::Ascii if !letter.is_ascii() => Hir::fail(),
            Letters::Marked => Hir::literal(marks::mark(letter).into_bytes()),
            Letters::Ascii | Letters::All => Hir::literal(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }

    /// One of some letters.
    pub(crate) fn set(&self, mut letters: ClassUnicode) -> Hir {
        if self.kind == Letters::Marked {
            return marks::mark_set(letters);
        }
        if self.kind == Letters::Ascii {
            letters.intersect(&ClassUnicode::new([range('\0', '\x7f')]));
        }
        Hir::class(Class::Unicode(letters))
    }

    /// Reads a set in brackets; the first one was taken.
    pub(crate) fn bracket(&mut self) -> Result<Hir> {
        let negated = self.eat("^");
        let mut letters = ClassUnicode::empty();
        let mut is_first = true;
        loop {
            match self.peek() {
                None => return Err(Fault::Brackets.into()),
                Some(']') if !is_first => break,
                Some(_) => self.bracket_part(is_first, &mut letters)?,
            }
            is_first = false;
        }
        self.at += 1;
        if negated {
            letters.negate();
            if self.options.newline_stops {
                letters.difference(&ClassUnicode::new([range('\n', '\n')]));
            }
        }
        Ok(self.set(letters))
    }

    fn bracket_part(&mut self, is_first: bool, letters: &mut ClassUnicode) -> Result<()> {
        let ignore_case = self.options.ignore_case;
        let (low, is_plain) = if self.eat("[:") {
            let name = self.bracket_name(":]")?;
            letters.union(&named(&name, ignore_case).ok_or(Fault::CharacterClass)?);
            return Ok(());
        } else if self.eat("[=") {
            let one = self.collating_element("=]")?;
            self.add_one(one, letters);
            return Ok(());
        } else if self.is_advanced() && self.sees("\\") {
            let class = self.letters.get(self.at + 1).copied().and_then(shorthand);
            if let Some(class) = class {
                self.at += 2;
                letters.union(&class);
                return Ok(());
            }
            (self.bracket_escape()?, true)
        } else if self.eat("[.") {
            (self.collating_element(".]")?, false)
        } else {
            (self.bracket_letter(is_first).ok_or(Fault::Range)?, true)
        };
        if !self.sees("-") || self.sees("-]") {
            if is_plain {
                self.add_one(low, letters);
            } else {
                self.add(low, low, letters);
            }
            return Ok(());
        }
        self.at += 1;
        let high = if self.eat("[.") {
            self.collating_element(".]")?
        } else if self.sees("[:") || self.sees("[=") || self.sees("]") {
            return Err(Fault::Range.into());
        } else if self.is_advanced() && self.sees("\\") {
            if self.letters.get(self.at + 1).copied().and_then(shorthand).is_some() {
                return Err(Fault::Range.into());
            }
            self.bracket_escape()?
        } else {
            let letter = self.peek().ok_or(Fault::Brackets)?;
            self.at += 1;
            letter
        };
        if low > high {
            return Err(Fault::Range.into());
        }
        self.add(low, high, letters);
        Ok(())
    }

    /// Takes a letter that stands for itself; `None` for a `-` that is between two.
    fn bracket_letter(&mut self, is_first: bool) -> Option<char> {
        let letter = self.peek().filter(|letter| *letter != '-' || is_first || self.sees("-]"))?;
        self.at += 1;
        Some(letter)
    }

    fn add(&self, low: char, high: char, letters: &mut ClassUnicode) {
        letters.push(range(low, high));
        if self.options.ignore_case {
            letters.union(&ClassUnicode::new(
                ctype::other_cases(low, high).into_iter().map(|letter| range(letter, letter)),
            ));
        }
    }

    /// Unlike a range of one, a single letter gives way to its two cases.
    fn add_one(&self, letter: char, letters: &mut ClassUnicode) {
        if self.options.ignore_case {
            letters.union(&both_cases(letter));
        } else {
            letters.push(range(letter, letter));
        }
    }

    fn bracket_name(&mut self, end: &str) -> Result<String> {
        let mut name = String::new();
        while !self.eat(end) {
            name.push(self.peek().ok_or(Fault::Brackets)?);
            self.at += 1;
        }
        Ok(name)
    }

    fn collating_element(&mut self, end: &str) -> Result<char> {
        let name = self.bracket_name(end)?;
        let mut letters = name.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(letter),
            _ => {
                let entry = NAMES.iter().find(|entry| entry.0 == name);
                Ok(entry.ok_or(Fault::CollatingElement)?.1)
            }
        }
    }

    fn bracket_escape(&mut self) -> Result<char> {
        self.at += 1;
        match self.escaped()? {
            Escaped::Letter(letter) => Ok(letter),
            _ => Err(Fault::Escape.into()),
        }
    }

    /// Reads what follows a backslash outside brackets.
    pub(crate) fn escape(&mut self) -> Result<Atom> {
        match self.escaped()? {
            Escaped::Letter(letter) => Ok(Atom::Simple(self.letter(letter))),
            Escaped::Class(letters) => Ok(Atom::Simple(self.set(letters))),
            Escaped::Constraint(look) => Ok(Atom::Constraint(Hir::look(look))),
            Escaped::Reference(number) => self.reference(number),
        }
    }

    fn escaped(&mut self) -> Result<Escaped> {
        let letter = self.peek().ok_or(Fault::Escape)?;
        self.at += 1;
        if !letter.is_ascii_alphanumeric() {
            return Ok(Escaped::Letter(letter));
        }
        if let Some(class) = shorthand(letter) {
            return Ok(Escaped::Class(class));
        }
        Ok(Escaped::Letter(match letter {
            'a' => '\x07',
            'b' => '\x08',
            'B' => '\\',
            'c' => {
                let control = self.peek().ok_or(Fault::Escape)?;
                self.at += 1;
                char::from((u32::from(control) & 31) as u8)
            }
            'e' => '\x1b',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'u' => self.code(16, 4, 4)?,
            'U' => self.code(16, 8, 8)?,
            'x' => self.code(16, 1, 255)?,
            'A' => return Ok(Escaped::Constraint(Look::Start)),
            'Z' => return Ok(Escaped::Constraint(Look::End)),
            'm' => return Ok(Escaped::Constraint(Look::WordStartAscii)),
            'M' => return Ok(Escaped::Constraint(Look::WordEndAscii)),
            'y' => return Ok(Escaped::Constraint(Look::WordAscii)),
            'Y' => return Ok(Escaped::Constraint(Look::WordAsciiNegate)),
            '0' => {
                self.at -= 1;
                self.code(8, 1, 3)?
            }
            '1'..='9' => return self.number(),
            _ => return Err(Fault::Escape.into()),
        }))
    }

    /// A back reference, or a character by its octal code.
    fn number(&mut self) -> Result<Escaped> {
        let start = self.at - 1;
        let digits: String = self.letters[start..].iter().take_while(|letter| letter.is_ascii_digit()).collect();
        let number: usize = digits.parse().unwrap_or(usize::MAX);
        if digits.len() == 1 || number <= self.groups {
            self.at = start + digits.len();
            return Ok(Escaped::Reference(number));
        }
        self.at = start;
        Ok(Escaped::Letter(self.code(8, 1, 3)?))
    }

    fn code(&mut self, radix: u32, least: usize, most: usize) -> Result<char> {
        let mut code = 0_u32;
        let mut count = 0;
        while count < most
            && let Some(digit) = self.peek().and_then(|letter| letter.to_digit(radix))
        {
            code = code.saturating_mul(radix).saturating_add(digit);
            self.at += 1;
            count += 1;
        }
        let letter = if count < least { None } else { char::from_u32(code) };
        letter.ok_or_else(|| Error::from(Fault::Escape))
    }
}

/// What an escape stands for.
enum Escaped {
    /// One letter.
    Letter(char),
    /// One of several.
    Class(ClassUnicode),
    /// A condition on the place.
    Constraint(Look),
    /// What a group matched.
    Reference(usize),
}
