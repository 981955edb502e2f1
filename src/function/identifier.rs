//! `parse_ident`: a qualified name taken apart.

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::{Function, strict};
use crate::pgtype::style::Style;

/// The functions of this family.
pub const FUNCTIONS: &[Function] =
    &[strict("parse_ident", "text", "text[]", parse_ident), strict("parse_ident", "text bool", "text[]", parse_ident)];

fn is_start(letter: char) -> bool {
    letter == '_' || letter.is_ascii_alphabetic() || !letter.is_ascii()
}

fn is_within(letter: char) -> bool {
    is_start(letter) || letter.is_ascii_digit() || letter == '$'
}

/// Without the blanks at the start, as the scanner of SQL knows them.
fn trimmed(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r', '\x0c'])
}

/// The name in quotes that was opened before `rest`, and what follows it.
fn quoted(mut rest: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        match behind.strip_prefix('"') {
            Some(behind) => rest = behind,
            None => return Some((name, behind)),
        }
        name.push('"');
    }
}

fn parse_ident<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (text, is_strict) = match args {
        [Datum::Text(text)] => (text, true),
        [Datum::Text(text), Datum::Bool(is_strict)] => (text, *is_strict),
        _ => return Err(Error::internal("parse_ident() was called with arguments of other types")),
    };
    let invalid = || Error::new(Kind::InvalidParameterValue, format!("string is not a valid identifier: \"{text}\""));
    let mut names = Vec::new();
    let mut rest = trimmed(text);
    let mut is_after_dot = false;
    loop {
        if let Some(inner) = rest.strip_prefix('"') {
            let (name, behind) = quoted(inner).ok_or_else(|| invalid().detail("String has unclosed double quotes."))?;
            if name.is_empty() {
                return Err(invalid().detail("Quoted identifier must not be empty."));
            }
            names.push(Datum::text(name));
            rest = behind;
        } else if rest.starts_with(is_start) {
            let end = rest.find(|letter| !is_within(letter)).unwrap_or(rest.len());
            names.push(Datum::text(rest[..end].to_ascii_lowercase()));
            rest = &rest[end..];
        } else if rest.starts_with('.') {
            return Err(invalid().detail("No valid identifier before \".\"."));
        } else if is_after_dot {
            return Err(invalid().detail("No valid identifier after \".\"."));
        } else {
            return Err(invalid());
        }
        rest = trimmed(rest);
        if let Some(behind) = rest.strip_prefix('.') {
            is_after_dot = true;
            rest = trimmed(behind);
        } else if rest.is_empty() || !is_strict {
            return Ok(Datum::Array(names));
        } else {
            return Err(invalid());
        }
    }
}
