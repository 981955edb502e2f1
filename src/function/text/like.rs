//! LIKE and ILIKE.

use std::borrow::Cow;

use crate::error::{Error, Kind, Result};
use crate::function::ctype;
use crate::function::datum::Datum;
use crate::function::regex::similar::single;
use crate::function::text::args::{bytea, bytes, text};
use crate::pgtype::style::Style;

/// What a byte of a pattern means.
struct Matcher {
    escape: Option<u8>,
    is_text: bool,
}

/// Whether a text is of a pattern. Without an escape, no character of the pattern is one.
///
/// # Errors
/// 22025 for a pattern that ends in its escape, if it gets so far.
pub fn like(string: &str, pattern: &str, escape: Option<char>, ignore_case: bool) -> Result<bool> {
    // A letter as the escape would be lost in the other case.
    let is_plain = |letter: char| letter.is_ascii() && !(ignore_case && letter.is_ascii_alphabetic());
    let (pattern, escape) = match escape {
        Some(letter) if !is_plain(letter) => (Cow::Owned(escaped_anew(pattern, Some(letter))), Some(b'\\')),
        Some(letter) => (Cow::Borrowed(pattern), u8::try_from(letter).ok()),
        None => (Cow::Borrowed(pattern), None),
    };
    let matcher = Matcher { escape, is_text: true };
    if ignore_case {
        return matcher.is_match(ctype::lower(string).as_bytes(), ctype::lower(&pattern).as_bytes());
    }
    matcher.is_match(string.as_bytes(), pattern.as_bytes())
}

fn ends_in_escape() -> Error {
    Error::new(Kind::InvalidEscape, "LIKE pattern must not end with escape character")
}

impl Matcher {
    /// How many bytes the character at a place has.
    fn width(&self, string: &[u8], at: usize) -> usize {
        if !self.is_text {
            return 1;
        }
        match string[at] {
            0..=0x7f => 1,
            0x80..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
        }
    }

    fn is_match(&self, string: &[u8], pattern: &[u8]) -> Result<bool> {
        let (mut at, mut wanted) = (0, 0);
        // Where to go on if what follows the last `%` does not fit: one character further into the text.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            if at == string.len() {
                return Ok(pattern[wanted..].iter().all(|byte| *byte == b'%'));
            }
            let fits = match pattern.get(wanted).copied() {
                None => false,
                Some(byte) if Some(byte) == self.escape => {
                    let literal = pattern.get(wanted + 1).copied().ok_or_else(ends_in_escape)?;
                    let fits = literal == string[at];
                    at += 1;
                    wanted += 2;
                    fits
                }
                Some(b'%') => {
                    wanted += 1;
                    if wanted == pattern.len() {
                        return Ok(true);
                    }
                    retry = Some((at, wanted));
                    continue;
                }
                Some(b'_') => {
                    at += self.width(string, at);
                    wanted += 1;
                    true
                }
                Some(byte) => {
                    let fits = byte == string[at];
                    at += 1;
                    wanted += 1;
                    fits
                }
            };
            if fits {
                continue;
            }
            let Some((from, after)) = retry else { return Ok(false) };
            let next = self.next_start(string, pattern, from, after);
            if next >= string.len() {
                return Ok(false);
            }
            retry = Some((next, after));
            (at, wanted) = (next, after);
        }
    }

    /// The next place in the text where what follows a `%` could start.
    fn next_start(&self, string: &[u8], pattern: &[u8], from: usize, wanted: usize) -> usize {
        let next = from + self.width(string, from);
        match pattern.get(wanted).copied() {
            Some(byte) if byte != b'_' && byte != b'%' && Some(byte) != self.escape && byte.is_ascii() => {
                let rest = string.get(next..).unwrap_or_default();
                next + rest.iter().position(|other| byte == *other).unwrap_or(rest.len())
            }
            _ => next,
        }
    }
}

/// Makes a pattern with one escape into the same with a backslash as the escape.
fn rewrite(pattern: &[u8], escape: &[u8]) -> Vec<u8> {
    let mut rewritten = Vec::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut escaped = false;
    while let Some(byte) = rest.first() {
        if !escaped && !escape.is_empty() && rest.starts_with(escape) {
            rewritten.push(b'\\');
            rest = &rest[escape.len()..];
            escaped = true;
            continue;
        }
        if *byte == b'\\' && !escaped {
            rewritten.push(b'\\');
        }
        // The rest of a longer character holds no byte that could be taken for another.
        rewritten.push(*byte);
        rest = &rest[1..];
        escaped = false;
    }
    rewritten
}

/// The same of text; without an escape, no character was one.
fn escaped_anew(pattern: &str, escape: Option<char>) -> String {
    let mut rewritten = String::with_capacity(pattern.len() + 8);
    let mut escaped = false;
    for letter in pattern.chars() {
        if !escaped && escape == Some(letter) {
            rewritten.push('\\');
            escaped = true;
            continue;
        }
        if letter == '\\' && !escaped {
            rewritten.push('\\');
        }
        rewritten.push(letter);
        escaped = false;
    }
    rewritten
}

/// `~~`, `!~~`, `~~*` and `!~~*`
pub(crate) fn operator<'a, const WANTED: bool, const IGNORE_CASE: bool>(
    args: &[Datum<'a>],
    _: &Style,
) -> Result<Datum<'a>> {
    Ok(Datum::Bool(like(text(args, 0)?, text(args, 1)?, Some('\\'), IGNORE_CASE)? == WANTED))
}

/// `~~` and `!~~` of `bytea`
pub(crate) fn bytea_operator<'a, const WANTED: bool>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let matcher = Matcher { escape: Some(b'\\'), is_text: false };
    Ok(Datum::Bool(matcher.is_match(bytes(args, 0)?, bytes(args, 1)?)? == WANTED))
}

/// `like_escape(pattern, escape)`: the pattern as LIKE without ESCAPE takes it.
pub(crate) fn like_escape<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (pattern, escape) = (text(args, 0)?, text(args, 1)?);
    match single(escape)? {
        Some('\\') => Ok(Datum::text(pattern)),
        escape => Ok(Datum::text(escaped_anew(pattern, escape))),
    }
}

/// `like_escape` of `bytea`
pub(crate) fn bytea_like_escape<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (pattern, escape) = (bytes(args, 0)?, bytes(args, 1)?);
    match escape {
        [b'\\'] => Ok(bytea(pattern)),
        [] | [_] => Ok(bytea(rewrite(pattern, escape))),
        _ => Err(Error::new(Kind::InvalidEscape, "invalid escape string")
            .hint("Escape string must be empty or one character.")),
    }
}
