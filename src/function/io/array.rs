//! Reads array literals of one dimension: `{1,"a b",NULL}`.

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::pgtype::style::Style;
use crate::pgtype::types::PgType;

/// PostgreSQL's `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;

/// What was read last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    LevelStarted,
    ElementStarted,
    QuoteStarted,
    QuoteCompleted,
    ElementDelimited,
    LevelCompleted,
    LevelDelimited,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn trim(text: &str) -> &str {
    text.trim_start_matches(|letter: char| u8::try_from(letter).is_ok_and(is_space))
}

/// Reads the elements of an array.
///
/// # Errors
/// 22P02 for a text that is no array or an element that is no value of its type; 0A000 for more than one dimension.
pub fn input(element: PgType, text: &str, style: &Style) -> Result<Vec<Datum<'static>>> {
    let mut rest = trim(text);
    let mut bounds = None;
    if rest.starts_with('[') {
        let (found, behind) = dimensions(rest, text)?;
        bounds = Some(found);
        rest = behind;
    }
    if !rest.starts_with('{') {
        return Err(malformed(
            text,
            match bounds {
                Some(_) => "Array contents must start with \"{\".",
                None => "Array value must start with \"{\" or dimension information.",
            },
        ));
    }
    let items = check(rest)?;
    if let Some((lower, upper)) = bounds {
        if upper.checked_sub(lower).and_then(|length| usize::try_from(length + 1).ok()) != Some(items.len()) {
            return Err(malformed(text, "Specified array dimensions do not match array contents."));
        }
        if lower != 1 {
            return Err(Error::unsupported("an array whose lower bound is not 1"));
        }
    }
    items.into_iter().map(|item| value(element, item, style)).collect()
}

fn malformed(text: &str, detail: &str) -> Error {
    Error::new(Kind::InvalidText, format!("malformed array literal: \"{text}\"")).detail(detail)
}

fn more_dimensions() -> Error {
    Error::unsupported("multidimensional arrays")
}

/// Reads `[1:2]=`; returns the bounds and what follows.
fn dimensions<'a>(rest: &'a str, text: &str) -> Result<((i64, i64), &'a str)> {
    let number = |rest: &'a str| {
        let end = rest.find(|letter: char| !(letter.is_ascii_digit() || "+-".contains(letter))).unwrap_or(rest.len());
        let (digits, rest) = rest.split_at(end);
        if digits.is_empty() {
            return Err(malformed(text, "\"[\" must introduce explicitly-specified array dimensions."));
        }
        let number = digits.parse::<i32>().map_err(|_| malformed(text, "Missing array dimension value."))?;
        Ok((i64::from(number), rest))
    };
    let (mut bound, mut rest) = number(&rest[1..])?;
    let mut lower = 1;
    if let Some(behind) = rest.strip_prefix(':') {
        lower = bound;
        (bound, rest) = number(behind).map_err(|fault| match rest[1..].starts_with(']') {
            true => malformed(text, "Missing array dimension value."),
            false => fault,
        })?;
    }
    let rest = rest.strip_prefix(']').ok_or_else(|| malformed(text, "Missing \"]\" after array dimensions."))?;
    if bound < lower {
        return Err(Error::new(Kind::ArraySubscript, "upper bound cannot be less than lower bound"));
    }
    let rest = trim(rest);
    if rest.starts_with('[') {
        return Err(more_dimensions());
    }
    let rest = rest.strip_prefix('=').ok_or_else(|| malformed(text, "Missing \"=\" after array dimensions."))?;
    Ok(((lower, bound), trim(rest)))
}

/// Checks that a literal, which starts with a brace, is one; returns its elements as written.
fn check(literal: &str) -> Result<Vec<&str>> {
    use State as S;
    let fault = |detail: &str| Err(malformed(literal, detail));
    let unexpected = |byte: u8| Err(malformed(literal, &format!("Unexpected \"{}\" character.", char::from(byte))));
    let bytes = literal.as_bytes();
    let (mut state, mut at, mut start) = (S::Start, 0, 0);
    let mut items = Vec::new();
    // How many items each open level has so far, and how many the last closed one of that level had.
    let mut open: Vec<usize> = Vec::new();
    let mut closed: [Option<usize>; MAX_DIMENSIONS] = [None; MAX_DIMENSIONS];
    let mut deepest = 0;
    loop {
        let Some(&byte) = bytes.get(at) else { return fault("Unexpected end of input.") };
        let in_quotes = state == S::QuoteStarted;
        match byte {
            b'\\' => {
                if !matches!(state, S::LevelStarted | S::ElementStarted | S::QuoteStarted | S::ElementDelimited) {
                    return unexpected(byte);
                }
                if !in_quotes {
                    state = S::ElementStarted;
                }
                at += 1;
                if at == bytes.len() {
                    return fault("Unexpected end of input.");
                }
            }
            b'"' if in_quotes => state = S::QuoteCompleted,
            b'"' if matches!(state, S::LevelStarted | S::ElementDelimited) => state = S::QuoteStarted,
            b'"' => return fault("Unexpected array element."),
            _ if in_quotes => {}
            b'{' => {
                if !matches!(state, S::Start | S::LevelStarted | S::LevelDelimited) {
                    return unexpected(byte);
                }
                if open.len() == MAX_DIMENSIONS {
                    let message = "number of array dimensions (7) exceeds the maximum allowed (6)";
                    return Err(Error::new(Kind::ProgramLimit, message));
                }
                state = S::LevelStarted;
                open.push(1);
                deepest = deepest.max(open.len());
                start = at + 1;
            }
            b'}' => {
                let is_empty = open.len() == 1 && state == S::LevelStarted;
                if !matches!(state, S::ElementStarted | S::QuoteCompleted | S::LevelCompleted) && !is_empty {
                    return unexpected(byte);
                }
                state = S::LevelCompleted;
                if !is_empty {
                    items.push(&literal[start..at]);
                }
                let Some(count) = open.pop() else { return fault("Unmatched \"}\" character.") };
                if closed[open.len()].is_some_and(|last| last != count) {
                    return fault("Multidimensional arrays must have sub-arrays with matching dimensions.");
                }
                closed[open.len()] = Some(count);
                if open.is_empty() {
                    break;
                }
            }
            b',' => {
                state = match state {
                    S::LevelCompleted => S::LevelDelimited,
                    S::ElementStarted | S::QuoteCompleted => S::ElementDelimited,
                    _ => return unexpected(byte),
                };
                if state == S::ElementDelimited {
                    items.push(&literal[start..at]);
                }
                start = at + 1;
                if let Some(count) = open.last_mut() {
                    *count += 1;
                }
            }
            _ if is_space(byte) => {}
            _ if matches!(state, S::LevelStarted | S::ElementStarted | S::ElementDelimited) => {
                state = S::ElementStarted;
            }
            _ => return fault("Unexpected array element."),
        }
        at += 1;
    }
    if !trim(&literal[at + 1..]).is_empty() {
        return fault("Junk after closing right brace.");
    }
    if deepest > 1 { Err(more_dimensions()) } else { Ok(items) }
}

/// Reads an element as it stands between its commas.
fn value(element: PgType, item: &str, style: &Style) -> Result<Datum<'static>> {
    let item = trim(item);
    let mut text = String::with_capacity(item.len());
    // Space behind the last escaped or quoted letter is not part of the element.
    let mut kept = 0;
    let mut is_plain = true;
    let mut in_quotes = false;
    let mut letters = item.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                in_quotes = !in_quotes;
                is_plain = false;
                kept = text.len();
            }
            '\\' => {
                is_plain = false;
                text.extend(letters.next());
                kept = text.len();
            }
            _ => {
                text.push(letter);
                if in_quotes || !u8::try_from(letter).is_ok_and(is_space) {
                    kept = text.len();
                }
            }
        }
    }
    text.truncate(kept);
    if is_plain && text.eq_ignore_ascii_case("null") {
        return Ok(Datum::Null);
    }
    super::input(element, &text, style)
}
