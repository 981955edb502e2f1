//! `unistr`: characters by their codes.

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::text::args::text;
use crate::pgtype::style::Style;

fn invalid_escape() -> Error {
    Error::new(Kind::Syntax, "invalid Unicode escape")
        .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
}

fn invalid_pair() -> Error {
    Error::new(Kind::Syntax, "invalid Unicode surrogate pair")
}

/// Reads what follows a backslash: a code, and how long it is.
fn code(rest: &str) -> Result<(u32, usize)> {
    for (prefix, digits) in [("", 4), ("u", 4), ("+", 6), ("U", 8)] {
        let found = rest.strip_prefix(prefix).and_then(|rest| rest.get(..digits));
        if let Some(found) = found.filter(|found| found.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            let code = u32::from_str_radix(found, 16).map_err(|_| invalid_escape())?;
            return Ok((code, prefix.len() + digits));
        }
    }
    Err(invalid_escape())
}

/// `unistr(text)`
pub(crate) fn unistr<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let mut rest = text(args, 0)?;
    let mut string = String::with_capacity(rest.len());
    // The first half of a surrogate pair.
    let mut high = None;
    while let Some(letter) = rest.chars().next() {
        if letter != '\\' || rest.starts_with("\\\\") {
            if high.is_some() {
                return Err(invalid_pair());
            }
            string.push(letter);
            rest = &rest[letter.len_utf8() * if letter == '\\' { 2 } else { 1 }..];
            continue;
        }
        let (code, length) = code(&rest[1..])?;
        rest = &rest[1 + length..];
        if code == 0 || code > u32::from(char::MAX) {
            let message = format!("invalid Unicode code point: {code:04X}");
            return Err(Error::new(Kind::InvalidParameterValue, message));
        }
        let code = match (high.take(), code) {
            (None, 0xd800..=0xdbff) => {
                high = Some(code);
                continue;
            }
            (Some(high), 0xdc00..=0xdfff) => 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00),
            (None, _) => code,
            (Some(_), _) => return Err(invalid_pair()),
        };
        string.push(char::from_u32(code).ok_or_else(invalid_pair)?);
    }
    if high.is_some() {
        return Err(invalid_pair());
    }
    Ok(Datum::text(string))
}
