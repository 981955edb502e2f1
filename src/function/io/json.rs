//! Checks that a text is JSON, and tells what is wrong with it in PostgreSQL's words.

use crate::error::{Error, Kind, Result};
use crate::pgtype::jsonb::{self, Fault};

/// How deep a document may be; PostgreSQL's bound follows from `max_stack_depth`.
const MAX_DEPTH: usize = 1_000;

/// Checks that a text is JSON. With `escapes` also that every escape stands for a character, as `jsonb` wants it.
///
/// # Errors
/// 22P02 with the fault as its detail; 22P05 for `\u0000`.
pub fn check(text: &str, escapes: bool) -> Result<()> {
    let mut lexer = Lexer { text, start: 0, end: 0, token: Token::End, escapes };
    lexer.next()?;
    value(&mut lexer, 0)?;
    lexer.expect(Token::End, "end of input")
}

/// Reads a `jsonb`.
///
/// # Errors
/// As [`check`]; 22003 for a number that `numeric` cannot hold.
pub fn to_jsonb(text: &str) -> Result<String> {
    jsonb::normalize(text).map_err(|fault| match check(text, true) {
        Err(error) => error,
        Ok(()) if fault == Fault::Number => Error::new(Kind::NumericOutOfRange, "value overflows numeric format"),
        Ok(()) if fault == Fault::Depth => too_deep(),
        Ok(()) => invalid(format!("The input has: {fault}.")),
    })
}

fn too_deep() -> Error {
    Error::new(Kind::StatementTooComplex, "stack depth limit exceeded")
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(Kind::InvalidText, "invalid input syntax for type json").detail(detail)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// One of `{}[],:`.
    Mark(u8),
    Text,
    /// A number, `true`, `false` or `null`.
    Word,
    End,
}

struct Lexer<'a> {
    text: &'a str,
    /// Where the current token starts and ends.
    start: usize,
    end: usize,
    token: Token,
    escapes: bool,
}

fn value(lexer: &mut Lexer<'_>, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(too_deep());
    }
    match lexer.token {
        Token::Mark(b'{') => object(lexer, depth),
        Token::Mark(b'[') => array(lexer, depth),
        Token::Text | Token::Word => lexer.next(),
        _ => Err(lexer.expected("JSON value")),
    }
}

fn object(lexer: &mut Lexer<'_>, depth: usize) -> Result<()> {
    lexer.next()?;
    match lexer.token {
        Token::Mark(b'}') => return lexer.next(),
        Token::Text => {}
        _ => return Err(lexer.expected("string or \"}\"")),
    }
    loop {
        lexer.expect(Token::Text, "string")?;
        lexer.expect(Token::Mark(b':'), "\":\"")?;
        value(lexer, depth + 1)?;
        if lexer.token != Token::Mark(b',') {
            return lexer.expect(Token::Mark(b'}'), "\",\" or \"}\"");
        }
        lexer.next()?;
    }
}

fn array(lexer: &mut Lexer<'_>, depth: usize) -> Result<()> {
    lexer.next()?;
    if lexer.token == Token::Mark(b']') {
        return lexer.next();
    }
    loop {
        value(lexer, depth + 1)?;
        if lexer.token != Token::Mark(b',') {
            return lexer.expect(Token::Mark(b']'), "\",\" or \"]\"");
        }
        lexer.next()?;
    }
}

/// Whether a byte belongs to a word, right or wrong.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 128
}

impl Lexer<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn expected(&self, what: &str) -> Error {
        match self.token {
            Token::End => invalid("The input string ended unexpectedly."),
            _ => invalid(format!("Expected {what}, but found \"{}\".", self.slice())),
        }
    }

    fn slice(&self) -> &str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    fn expect(&mut self, token: Token, what: &str) -> Result<()> {
        if self.token != token {
            return Err(match token {
                // Nothing was missing: there is too much.
                Token::End => invalid(format!("Expected {what}, but found \"{}\".", self.slice())),
                _ => self.expected(what),
            });
        }
        if token == Token::End { Ok(()) } else { self.next() }
    }

    fn no_token(&self) -> Error {
        invalid(format!("Token \"{}\" is invalid.", self.slice()))
    }

    fn next(&mut self) -> Result<()> {
        self.start = self.end;
        while matches!(self.byte(self.start), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.start += 1;
        }
        self.end = self.start + 1;
        self.token = match self.byte(self.start) {
            None => Token::End,
            Some(mark @ (b'{' | b'}' | b'[' | b']' | b',' | b':')) => Token::Mark(mark),
            Some(b'"') => {
                self.string()?;
                Token::Text
            }
            Some(b'-') => {
                self.number()?;
                Token::Word
            }
            Some(b'0'..=b'9') => {
                self.end = self.start;
                self.number()?;
                Token::Word
            }
            Some(byte) => {
                self.end = self.start;
                self.word();
                if !is_word(byte) {
                    self.end += 1;
                }
                if !matches!(self.slice(), "true" | "false" | "null") {
                    return Err(self.no_token());
                }
                Token::Word
            }
        };
        Ok(())
    }

    fn word(&mut self) -> bool {
        let start = self.end;
        while self.byte(self.end).is_some_and(is_word) {
            self.end += 1;
        }
        self.end > start
    }

    fn digits(&mut self) -> bool {
        let start = self.end;
        while self.byte(self.end).is_some_and(|byte| byte.is_ascii_digit()) {
            self.end += 1;
        }
        self.end > start
    }

    fn number(&mut self) -> Result<()> {
        let mut fits = true;
        if self.byte(self.end) == Some(b'0') {
            self.end += 1;
        } else {
            fits &= self.digits();
        }
        if self.byte(self.end) == Some(b'.') {
            self.end += 1;
            fits &= self.digits();
        }
        if matches!(self.byte(self.end), Some(b'e' | b'E')) {
            self.end += 1;
            if matches!(self.byte(self.end), Some(b'+' | b'-')) {
                self.end += 1;
            }
            fits &= self.digits();
        }
        fits &= !self.word();
        if fits { Ok(()) } else { Err(self.no_token()) }
    }

    fn string(&mut self) -> Result<()> {
        let mut high = false;
        let lone = || invalid("Unicode low surrogate must follow a high surrogate.");
        loop {
            let Some(byte) = self.byte(self.end) else { return Err(self.no_token()) };
            if byte == b'\\' && self.byte(self.end + 1) == Some(b'u') {
                let code = self.code()?;
                match code {
                    _ if !self.escapes => {}
                    0xd800..=0xdbff if high => {
                        return Err(invalid("Unicode high surrogate must not follow a high surrogate."));
                    }
                    0xd800..=0xdbff => high = true,
                    0xdc00..=0xdfff if high => high = false,
                    0xdc00..=0xdfff => return Err(lone()),
                    _ if high => return Err(lone()),
                    0 => {
                        return Err(Error::new(Kind::UntranslatableCharacter, "unsupported Unicode escape sequence")
                            .detail("\\u0000 cannot be converted to text."));
                    }
                    _ => {}
                }
                continue;
            }
            if byte < 32 {
                return Err(invalid(format!("Character with value 0x{byte:02x} must be escaped.")));
            }
            if high {
                return Err(lone());
            }
            self.end += 1;
            if byte == b'"' {
                return Ok(());
            }
            if byte == b'\\' {
                let Some(letter) = self.text[self.end..].chars().next() else { return Err(self.no_token()) };
                if !"\"\\/bfnrt".contains(letter) {
                    return Err(invalid(format!("Escape sequence \"\\{letter}\" is invalid.")));
                }
                self.end += 1;
            }
        }
    }

    /// The number of `\u0000`, which starts at the end of what was read.
    fn code(&mut self) -> Result<u32> {
        self.end += 2;
        let mut code = 0;
        for _ in 0..4 {
            let Some(byte) = self.byte(self.end) else { return Err(self.no_token()) };
            let digit = char::from(byte).to_digit(16);
            let digit = digit.ok_or_else(|| invalid("\"\\u\" must be followed by four hexadecimal digits."))?;
            code = code * 16 + digit;
            self.end += 1;
        }
        Ok(code)
    }
}
