//! Text as PostgreSQL's scanner divides it.

use datafusion::sql::sqlparser::tokenizer::{Location, Span};

use super::keyword::{self, Keyword};
use super::literal::{self, Form};
use crate::error::{Error, Kind, Result};

/// What a lexeme is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tok {
    /// A word that is no key word, folded to lower case, or a quoted one.
    Name { value: String, quoted: bool },
    /// A key word.
    Key(&'static Keyword),
    /// A number; an integer fits 32 bits.
    Number { integer: bool },
    /// A string constant.
    Text { value: String, form: Form },
    /// `$n`.
    Parameter,
    /// An operator.
    Op(String),
    /// Punctuation that is no operator.
    Mark(&'static str),
    /// A character that starts nothing.
    Other,
    /// The end.
    End,
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

/// A lexeme and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    /// What it is.
    pub(super) tok: Tok,
    /// Bytes before it.
    pub(super) start: usize,
    /// Bytes before what follows it.
    pub(super) end: usize,
    /// Characters before it.
    pub(super) offset: usize,
    /// Its lines and columns.
    pub(super) span: Span,
}

/// Names longer than this many bytes are cut.
const NAME_MAX: usize = 63;

const MARKS: [&str; 14] = ["::", ":=", "..", "(", ")", "[", "]", ",", ".", ";", ":", "=>", "$", "\\"];

/// The scanner; also what the literals are read from.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    /// Bytes read.
    pub(super) at: usize,
    /// The place up to which `offset` and `place` count.
    counted: usize,
    offset: usize,
    place: Location,
}

/// Divides a text. The last lexeme is the end.
pub(super) fn scan(text: &str) -> Result<Vec<Lexeme>> {
    let mut scanner = Scanner { text, at: 0, counted: 0, offset: 0, place: Location { line: 1, column: 1 } };
    let mut list = Vec::with_capacity(text.len() / 4);
    loop {
        scanner.skip_blank()?;
        let start = scanner.at;
        let tok = scanner.token()?;
        let is_end = tok == Tok::End;
        let (offset, from) = scanner.count(start);
        let (_, to) = scanner.count(scanner.at);
        list.push(Lexeme { tok, start, end: scanner.at, offset, span: Span { start: from, end: to } });
        if is_end {
            return Ok(list);
        }
    }
}

pub(super) fn is_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_ident_part(byte: u8) -> bool {
    is_ident_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn is_operator(byte: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&byte)
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

impl Scanner<'_> {
    /// Counts on to a byte: the characters before it and its line and column.
    fn count(&mut self, to: usize) -> (usize, Location) {
        for letter in self.text.get(self.counted..to).unwrap_or_default().chars() {
            self.offset += 1;
            match letter {
                '\n' => self.place = Location { line: self.place.line + 1, column: 1 },
                _ => self.place.column += 1,
            }
        }
        self.counted = to;
        (self.offset, self.place)
    }

    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// An error about the text from one byte to where the scanner is.
    pub(super) fn fault(&self, message: &str, from: usize) -> Error {
        let near = self.text.get(from..self.at).unwrap_or_default();
        let offset = self.text.get(..from).map_or(0, |before| before.chars().count());
        match near {
            "" => Error::new(Kind::Syntax, format!("{message} at end of input")),
            near => Error::new(Kind::Syntax, format!("{message} at or near \"{near}\"")),
        }
        .position(offset + 1)
    }

    fn skip_blank(&mut self) -> Result<()> {
        loop {
            match (self.byte(0), self.byte(1)) {
                (byte, _) if is_space(byte) => self.at += 1,
                (b'-', b'-') => self.skip_line(),
                (b'/', b'*') => self.skip_comment()?,
                _ => return Ok(()),
            }
        }
    }

    pub(super) fn skip_line(&mut self) {
        let length = self.rest().find(['\n', '\r']);
        self.at = length.map_or(self.text.len(), |length| self.at + length);
    }

    fn skip_comment(&mut self) -> Result<()> {
        let start = self.at;
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            match (self.byte(0), self.byte(1)) {
                (b'/', b'*') => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', b'/') => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        Err(self.fault("unterminated /* comment", start))
    }

    fn token(&mut self) -> Result<Tok> {
        let start = self.at;
        let first = self.byte(0);
        if start >= self.text.len() {
            return Ok(Tok::End);
        }
        if let Some(tok) = literal::quoted(self)? {
            return Ok(tok);
        }
        match first {
            b'$' if self.byte(1).is_ascii_digit() => {
                self.at += 1;
                self.digits();
                self.junk("trailing junk after parameter", start)?;
                Ok(Tok::Parameter)
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.byte(1).is_ascii_digit() => self.number(),
            _ if is_ident_start(first) => Ok(self.word()),
            _ if is_operator(first) => Ok(self.operator()),
            _ => {
                let mark = MARKS.iter().find(|mark| self.rest().starts_with(**mark));
                if let Some(mark) = mark {
                    self.at += mark.len();
                    return Ok(Tok::Mark(mark));
                }
                self.at += self.rest().chars().next().map_or(1, char::len_utf8);
                Ok(Tok::Other)
            }
        }
    }

    fn digits(&mut self) {
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    /// Refuses a word that follows without a blank.
    fn junk(&mut self, message: &str, start: usize) -> Result<()> {
        if !is_ident_start(self.byte(0)) {
            return Ok(());
        }
        while self.at < self.text.len() && is_ident_part(self.byte(0)) {
            self.at += 1;
        }
        Err(self.fault(message, start))
    }

    fn number(&mut self) -> Result<Tok> {
        let start = self.at;
        self.digits();
        let mut integer = true;
        // `1..2` is a slice's 1 and not `1.`.
        if self.byte(0) == b'.' && self.byte(1) != b'.' {
            integer = false;
            self.at += 1;
            self.digits();
        }
        if matches!(self.byte(0), b'e' | b'E') {
            let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
            if self.byte(1 + sign).is_ascii_digit() {
                integer = false;
                self.at += 1 + sign;
                self.digits();
            } else if sign == 1 {
                self.at += 2;
                return Err(self.fault("trailing junk after numeric literal", start));
            }
        }
        self.junk("trailing junk after numeric literal", start)?;
        let fits = self.text.get(start..self.at).is_some_and(|digits| digits.parse::<i32>().is_ok());
        Ok(Tok::Number { integer: integer && fits })
    }

    fn word(&mut self) -> Tok {
        let start = self.at;
        while self.at < self.text.len() && is_ident_part(self.byte(0)) {
            self.at += 1;
        }
        let value = self.text.get(start..self.at).unwrap_or_default().to_ascii_lowercase();
        match keyword::find(&value) {
            Some(keyword) => Tok::Key(keyword),
            None => {
                // Consumers fold unquoted names by Unicode's rules, PostgreSQL only ASCII.
                let quoted = value.to_lowercase() != value;
                Tok::Name { value: cut(value), quoted }
            }
        }
    }

    fn operator(&mut self) -> Tok {
        let start = self.at;
        let length = self.rest().bytes().take_while(|byte| is_operator(*byte)).count();
        let mut text = self.text.get(start..start + length).unwrap_or_default();
        // A comment starts within what looks like an operator.
        for opening in ["/*", "--"] {
            if let Some(length) = text.find(opening) {
                text = &text[..length];
            }
        }
        // `a*-b` is not an operator `*-`: one that ends in a sign has a character that SQL's own operators have not.
        let special = |text: &str| text.bytes().any(|byte| b"~!@#^&|`?%".contains(&byte));
        while text.len() > 1 && text.ends_with(['+', '-']) && !special(text.get(..text.len() - 1).unwrap_or_default()) {
            text = &text[..text.len() - 1];
        }
        self.at = start + text.len();
        match text {
            "=>" => Tok::Mark("=>"),
            "!=" => Tok::Op("<>".to_owned()),
            text => Tok::Op(text.to_owned()),
        }
    }
}

/// Cuts a name to PostgreSQL's length, between characters.
pub(super) fn cut(mut name: String) -> String {
    if name.len() > NAME_MAX {
        let end = (0..=NAME_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
    }
    name
}
