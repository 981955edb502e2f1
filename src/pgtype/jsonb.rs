//! JSON text as PostgreSQL prints a `jsonb`: keys unique (the last wins) and sorted by length, then bytes; `", "` and
//! `": "` between; numbers as `numeric` with the digits they came with. Pure; no table, no column, no row.
//!
//! <https://www.postgresql.org/docs/current/datatype-json.html>

use std::borrow::Cow;
use std::fmt;

pub mod access;
pub mod operators;

/// PostgreSQL stops at its stack depth; so far down nobody looks.
const MAX_DEPTH: usize = 1_000;
/// What `numeric` holds before and after its point.
const MAX_INTEGER_DIGITS: i64 = 131_072;
const MAX_FRACTION_DIGITS: i64 = 16_383;

/// Why a text has no `jsonb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not JSON.
    Syntax,
    /// It holds `\u0000`, which no text of PostgreSQL can.
    Nul,
    /// It holds half of a surrogate pair.
    Surrogate,
    /// It holds a number that `numeric` cannot.
    Number,
    /// It is nested too deeply.
    Depth,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Syntax => "text that is not JSON",
            Fault::Nul => "the character \\u0000",
            Fault::Surrogate => "half of a Unicode surrogate pair",
            Fault::Number => "a number outside the range of numeric",
            Fault::Depth => "JSON nested too deeply",
        })
    }
}

enum Json<'a> {
    /// `null`, `true`, `false`, and numbers in their final form.
    Bare(Cow<'a, str>),
    Text(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Brings JSON text into PostgreSQL's form: `{"b":1e3,"a":[1.10]}` becomes `{"a": [1.10], "b": 1000}`.
///
/// # Errors
/// When PostgreSQL would refuse the text as well.
pub fn normalize(text: &str) -> Result<String, Fault> {
    let mut parser = Parser { text, at: 0 };
    parser.space();
    let json = parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(Fault::Syntax);
    }
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    write(&json, &mut out);
    Ok(out)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Bare),
            _ => self.word().map(|word| Json::Bare(Cow::Borrowed(word))),
        }
    }

    fn word(&mut self) -> Result<&'a str, Fault> {
        for word in ["null", "true", "false"] {
            if let Some(found) = self.text[self.at..].get(..word.len()).filter(|found| *found == word) {
                self.at += word.len();
                return Ok(found);
            }
        }
        Err(Fault::Syntax)
    }

    fn array(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err(Fault::Syntax);
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, Fault> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(Fault::Syntax);
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(Fault::Syntax);
            }
            self.space();
            members.push((key, self.value(depth + 1)?));
            self.space();
            if self.take(b'}') {
                return Ok(Json::Object(unique(members)));
            }
            if !self.take(b',') {
                return Err(Fault::Syntax);
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) | None => return Err(Fault::Syntax),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        // Every byte of an escape is ASCII if the text is JSON at all; else the slice may not stand on a border.
        let literal = self.text.get(start..self.at).ok_or(Fault::Syntax)?;
        match serde_json::from_str::<String>(literal) {
            Ok(text) if text.contains('\0') => Err(Fault::Nul),
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) if bytes[start..self.at].windows(3).any(|three| matches!(three, b"\\ud" | b"\\uD")) => {
                Err(Fault::Surrogate)
            }
            Err(_) => Err(Fault::Syntax),
        }
    }

    fn digits(&mut self) -> &'a str {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn number(&mut self) -> Result<Cow<'a, str>, Fault> {
        let start = self.at;
        let negative = self.take(b'-');
        let integer = self.digits();
        if integer.is_empty() || (integer.len() > 1 && integer.starts_with('0')) {
            return Err(Fault::Syntax);
        }
        let mut fraction = "";
        if self.take(b'.') {
            fraction = self.digits();
            if fraction.is_empty() {
                return Err(Fault::Syntax);
            }
        }
        let zero = integer.bytes().chain(fraction.bytes()).all(|digit| digit == b'0');
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            let exponent = self.exponent()?;
            return shift(negative && !zero, integer, fraction, exponent).map(Cow::Owned);
        }
        let integer_digits = i64::try_from(integer.len()).unwrap_or(i64::MAX);
        let fraction_digits = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        if integer_digits > MAX_INTEGER_DIGITS || fraction_digits > MAX_FRACTION_DIGITS {
            return Err(Fault::Number);
        }
        // `numeric` has no negative zero.
        let start = start + usize::from(negative && zero);
        Ok(Cow::Borrowed(&self.text[start..self.at]))
    }

    fn exponent(&mut self) -> Result<i64, Fault> {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let digits = self.digits();
        if digits.is_empty() {
            return Err(Fault::Syntax);
        }
        let size = digits.trim_start_matches('0');
        // Nine digits are far outside `numeric` already and far inside i64.
        let size: i64 = if size.is_empty() { 0 } else { size.parse().unwrap_or(i64::MAX).min(999_999_999) };
        Ok(if negative { -size } else { size })
    }
}

/// Writes `integer.fraction` times ten to the `exponent` without an exponent, as `numeric` prints it: the digits after
/// the point are those that were written, less the exponent.
fn shift(negative: bool, integer: &str, fraction: &str, exponent: i64) -> Result<String, Fault> {
    let digits = [integer, fraction].concat();
    let count = i64::try_from(digits.len()).map_err(|_| Fault::Number)?;
    let scale = i64::try_from(fraction.len()).map_err(|_| Fault::Number)? - exponent;
    let point = count - scale;
    let significant = digits.trim_start_matches('0');
    let leading = count - i64::try_from(significant.len()).map_err(|_| Fault::Number)?;
    let zero = significant.is_empty();
    if scale > MAX_FRACTION_DIGITS || (!zero && point - leading > MAX_INTEGER_DIGITS) {
        return Err(Fault::Number);
    }
    let mut out = String::from(if negative { "-" } else { "" });
    let size = |length: i64| usize::try_from(length).unwrap_or(0);
    let (before, after) = digits.split_at(size(point.min(count)));
    let before = before.trim_start_matches('0');
    out.push_str(before);
    if !zero {
        out.extend(std::iter::repeat_n('0', size(point - count)));
    }
    if before.is_empty() {
        out.push('0');
    }
    if scale > 0 {
        out.push('.');
        out.extend(std::iter::repeat_n('0', size(-point)));
        out.push_str(after);
    }
    Ok(out)
}

fn unique<'a>(mut members: Vec<(Cow<'a, str>, Json<'a>)>) -> Vec<(Cow<'a, str>, Json<'a>)> {
    // Stable: of equal keys the last one written stands last.
    members.sort_by(|(left, _), (right, _)| (left.len(), left.as_bytes()).cmp(&(right.len(), right.as_bytes())));
    members.reverse();
    members.dedup_by(|(later, _), (kept, _)| later == kept);
    members.reverse();
    members
}

fn write(json: &Json<'_>, out: &mut String) {
    match json {
        Json::Bare(text) => out.push_str(text),
        Json::Text(text) => quote(text, out),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                quote(key, out);
                out.push_str(": ");
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// Writes a JSON string with the escapes that PostgreSQL writes, and no others.
pub fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x08 => "\\b",
            0x0c => "\\f",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        } else {
            out.push_str(escape);
        }
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

#[cfg(test)]
mod tests;
