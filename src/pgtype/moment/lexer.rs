//! Cuts the text of a date, time or interval into fields, by PostgreSQL's rules of what belongs together.

use std::borrow::Cow;

use super::{Fault, words};

/// What a field can be, by its letters alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Digits, perhaps with a fraction.
    Number,
    /// Digits or a word with `-`, `/` or `.` inside; also the name of a time zone.
    Date,
    /// Digits with colons.
    Time,
    /// A sign and digits: a time zone, or a part of an interval.
    Signed,
    /// A word.
    Word,
    /// A word with a sign.
    Special,
}

/// A field, in lower case.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// What it can be.
    pub kind: Kind,
    /// Its letters.
    pub text: Cow<'a, str>,
}

/// A text of more fields is none of these types.
const MAX_FIELDS: usize = 25;

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// Cuts a text, which must be in lower case.
pub fn fields(text: &str) -> Result<Vec<Field<'_>>, Fault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut fields = Vec::new();
    while let Some(byte) = lexer.peek() {
        let start = lexer.at;
        let kind = match byte {
            _ if is_space(byte) => {
                lexer.at += 1;
                continue;
            }
            b'0'..=b'9' => lexer.number(),
            b'.' => {
                lexer.at += 1;
                lexer.skip(|byte| byte.is_ascii_digit());
                Kind::Number
            }
            b'a'..=b'z' => lexer.word(start),
            b'+' | b'-' => {
                lexer.at += 1;
                lexer.skip(is_space);
                let (digits, kind) = (lexer.at, lexer.signed()?);
                let text = if digits == start + 1 {
                    Cow::Borrowed(&text[start..lexer.at])
                } else {
                    Cow::Owned(format!("{}{}", char::from(byte), &text[digits..lexer.at]))
                };
                fields.push(Field { kind, text });
                continue;
            }
            _ if byte.is_ascii_punctuation() => {
                lexer.at += 1;
                continue;
            }
            _ => return Err(Fault::Syntax),
        };
        fields.push(Field { kind, text: Cow::Borrowed(&text[start..lexer.at]) });
        if fields.len() > MAX_FIELDS {
            return Err(Fault::Syntax);
        }
    }
    Ok(fields)
}

/// What C's `isspace` takes.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

impl Lexer<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, belongs: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&belongs) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Kind {
        self.skip(|byte| byte.is_ascii_digit());
        match self.peek() {
            Some(b':') => {
                self.skip(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.');
                Kind::Time
            }
            Some(delimiter @ (b'-' | b'/' | b'.')) => {
                self.at += 1;
                if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
                    self.skip(|byte| byte.is_ascii_alphanumeric() || byte == delimiter);
                    return Kind::Date;
                }
                self.skip(|byte| byte.is_ascii_digit());
                if self.peek() != Some(delimiter) {
                    return if delimiter == b'.' { Kind::Number } else { Kind::Date };
                }
                self.skip(|byte| byte.is_ascii_digit() || byte == delimiter);
                Kind::Date
            }
            _ => Kind::Number,
        }
    }

    fn word(&mut self, start: usize) -> Kind {
        self.skip(|byte| byte.is_ascii_alphabetic());
        let goes_on = match self.peek() {
            Some(b'-' | b'/' | b'.') => true,
            // `may15` is one field, `j2451187` and `t0900` are two.
            Some(b'+' | b'0'..=b'9') => words::special(&self.text[start..self.at]).is_none(),
            _ => false,
        };
        if !goes_on {
            return Kind::Word;
        }
        self.skip(|byte| byte.is_ascii_alphanumeric() || b"+-/_.:".contains(&byte));
        Kind::Date
    }

    fn signed(&mut self) -> Result<Kind, Fault> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.skip(|byte| byte.is_ascii_digit() || b":.-".contains(&byte));
                Ok(Kind::Signed)
            }
            Some(b'a'..=b'z') => {
                self.skip(|byte| byte.is_ascii_alphabetic());
                Ok(Kind::Special)
            }
            _ => Err(Fault::Syntax),
        }
    }
}
