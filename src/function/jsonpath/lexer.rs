//! The words of a path.

use crate::error::{Error, Kind, Result};
use crate::function::numeric::Numeric;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// An operator or a bracket.
    Symbol(&'static str),
    /// A name without quotes, which may be a keyword.
    Word(String),
    /// A name in quotes.
    Quoted(String),
    Variable(String),
    Integer(String),
    Decimal(Numeric),
    End,
}

/// A word, and what an error says to be near.
#[derive(Clone, Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) near: String,
}

const SYMBOLS: [&str; 33] = [
    "&&", "||", "**", "<=", ">=", "==", "!=", "<>", "?", "%", "$", ".", "[", "]", "{", "}", "(", ")", "|", "&", "!",
    "=", "<", ">", "@", "#", ",", "*", ":", "-", "+", "/", "\\",
];

fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// Whether a letter belongs to a name without quotes.
fn is_plain(letter: char) -> bool {
    !is_blank(letter) && !"?%$.[]{}()|&!=<>@#,*:-+/\\\"".contains(letter)
}

/// The error of a path that cannot be read.
pub(super) fn fault(message: &str, near: &str) -> Error {
    let place = if near.is_empty() { "at end".to_owned() } else { format!("at or near \"{near}\"") };
    Error::new(Kind::Syntax, format!("{message} {place} of jsonpath input"))
}

/// Splits a path.
///
/// # Errors
/// 42601 for what is no word.
pub(super) fn split(text: &str) -> Result<Vec<Lexeme>> {
    let mut lexer = Lexer { text, at: 0 };
    let mut lexemes = Vec::new();
    loop {
        let lexeme = lexer.next()?;
        let is_end = lexeme.token == Token::End;
        lexemes.push(lexeme);
        if is_end {
            return Ok(lexemes);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let letter = self.peek()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    fn skip(&mut self) -> Result<()> {
        loop {
            self.at += self.rest().len() - self.rest().trim_start_matches(is_blank).len();
            let Some(comment) = self.rest().strip_prefix("/*") else { return Ok(()) };
            let end = comment.find("*/").ok_or_else(|| fault("unexpected end of comment", ""))?;
            self.at += end + 4;
        }
    }

    fn next(&mut self) -> Result<Lexeme> {
        self.skip()?;
        let start = self.at;
        let Some(letter) = self.peek() else { return Ok(Lexeme { token: Token::End, near: String::new() }) };
        let rest = self.rest();
        let starts_number =
            letter.is_ascii_digit() || (letter == '.' && rest[1..].starts_with(|letter: char| letter.is_ascii_digit()));
        let token = match letter {
            '"' => {
                self.at += 1;
                Token::Quoted(self.quoted()?)
            }
            '$' if rest[1..].starts_with('"') => {
                self.at += 2;
                Token::Variable(self.quoted()?)
            }
            '$' if rest[1..].starts_with(|letter| is_plain(letter) || letter == '\\') => {
                self.at += 1;
                Token::Variable(self.word()?)
            }
            _ if starts_number => self.number()?,
            _ if is_plain(letter) || letter == '\\' => {
                let word = self.word()?;
                // PostgreSQL sees what follows a name before it knows the name.
                let near = self.peek().filter(|letter| is_blank(*letter)).map(String::from).unwrap_or_default();
                return Ok(Lexeme { token: Token::Word(word), near });
            }
            _ => {
                let found = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = found.ok_or_else(|| fault("syntax error", &letter.to_string()))?;
                self.at += symbol.len();
                Token::Symbol(symbol)
            }
        };
        let near =
            if matches!(token, Token::Quoted(_)) { "\"".to_owned() } else { self.text[start..self.at].to_owned() };
        Ok(Lexeme { token, near })
    }

    fn digits(&mut self) -> usize {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += length;
        length
    }

    fn number(&mut self) -> Result<Token> {
        let start = self.at;
        // A zero stands alone.
        if self.rest().starts_with('0') {
            self.at += 1;
        } else {
            self.digits();
        }
        let mut is_integer = true;
        if self.rest().starts_with('.') {
            self.at += 1;
            self.digits();
            is_integer = false;
        }
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            is_integer = false;
            if self.rest().starts_with(['-', '+']) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(fault("invalid numeric literal", &self.text[start..self.at]));
            }
        }
        let text = &self.text[start..self.at];
        if self.peek().is_some_and(is_plain) {
            self.bump();
            return Err(fault("trailing junk after numeric literal", &self.text[start..self.at]));
        }
        Ok(if is_integer { Token::Integer(text.to_owned()) } else { Token::Decimal(Numeric::parse(text)?) })
    }

    fn word(&mut self) -> Result<String> {
        let mut word = String::new();
        while let Some(letter) = self.peek() {
            if letter == '\\' {
                self.at += 1;
                self.escape(&mut word)?;
            } else if is_plain(letter) {
                self.at += letter.len_utf8();
                word.push(letter);
            } else {
                break;
            }
        }
        Ok(word)
    }

    /// The rest of what is in quotes.
    fn quoted(&mut self) -> Result<String> {
        let mut string = String::new();
        loop {
            match self.bump() {
                None => return Err(fault("unexpected end of quoted string", "")),
                Some('"') => return Ok(string),
                Some('\\') => self.escape(&mut string)?,
                Some(letter) => string.push(letter),
            }
        }
    }

    /// What a backslash, which is behind, stands for.
    fn escape(&mut self, string: &mut String) -> Result<()> {
        let letter = match self.bump().ok_or_else(|| fault("unexpected end after backslash", ""))? {
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => {
                let code = self.hexadecimal(2).ok_or_else(|| fault("invalid hexadecimal character sequence", "\\x"))?;
                letter_of(code)?
            }
            'u' => {
                let mut code = self.unicode()?;
                if (0xd800..0xdc00).contains(&code) {
                    let low = if self.rest().starts_with("\\u") {
                        self.at += 2;
                        Some(self.unicode()?)
                    } else {
                        None
                    };
                    let low = low
                        .filter(|low| (0xdc00..0xe000).contains(low))
                        .ok_or_else(|| surrogate("Unicode low surrogate must follow a high surrogate."))?;
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                } else if (0xdc00..0xe000).contains(&code) {
                    return Err(surrogate("Unicode low surrogate must follow a high surrogate."));
                }
                letter_of(code)?
            }
            other => other,
        };
        string.push(letter);
        Ok(())
    }

    /// The number of so many hexadecimal digits.
    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let found = self.rest().get(..digits)?;
        if !found.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        u32::from_str_radix(found, 16).ok()
    }

    fn unicode(&mut self) -> Result<u32> {
        let invalid = || fault("invalid unicode sequence", "\\u");
        let Some(braced) = self.rest().strip_prefix('{') else { return self.hexadecimal(4).ok_or_else(invalid) };
        let length = braced.find('}').filter(|length| (1..=6).contains(length)).ok_or_else(invalid)?;
        self.at += 1;
        let code = self.hexadecimal(length).ok_or_else(invalid)?;
        self.at += 1;
        Ok(code)
    }
}

fn surrogate(detail: &str) -> Error {
    Error::new(Kind::InvalidText, "invalid input syntax for type jsonpath").detail(detail)
}

fn letter_of(code: u32) -> Result<char> {
    if code == 0 {
        return Err(Error::new(Kind::UntranslatableCharacter, "unsupported Unicode escape sequence")
            .detail("\\u0000 cannot be converted to text."));
    }
    char::from_u32(code).ok_or_else(|| Error::new(Kind::Syntax, "invalid Unicode code point"))
}
