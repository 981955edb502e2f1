//! All matches of an expression in a text, one after the other.

use crate::error::{Error, Kind, Result};
use crate::function::regex::options::Options;
use crate::function::regex::program::{Span, compile};

/// What is asked of the matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// The byte to start at.
    pub(crate) start: usize,
    /// Not only the first match.
    pub(crate) global: bool,
    /// Where the groups are, not only the whole.
    pub(crate) groups: bool,
    /// Leaves out empty matches at either end of the text and just after another match.
    pub(crate) no_empty_ends: bool,
}

/// Where an empty match lets the next search start.
pub(crate) fn after(subject: &str, (start, end): Span) -> usize {
    if start < end { end } else { end + subject[end..].chars().next().map_or(1, char::len_utf8) }
}

/// Finds the matches. Each is its groups, or the whole if there are no groups or they are not wanted.
///
/// # Errors
/// Those of the expression.
pub(crate) fn matches(
    subject: &str,
    pattern: &str,
    options: Options,
    search: Search,
) -> Result<Vec<Vec<Option<Span>>>> {
    let program = compile(pattern, options)?;
    let matcher = program.on(subject)?;
    let with_groups = search.groups && program.groups > 0;
    let mut found = Vec::new();
    let mut from = search.start;
    let mut previous = 0;
    while from <= subject.len() {
        let Some(mut spans) = matcher.find(from, with_groups)? else { break };
        let whole = spans.first().copied().flatten().ok_or_else(|| Error::internal("a match without bounds"))?;
        if !search.no_empty_ends || (whole.0 < subject.len() && whole.1 > previous) {
            if with_groups {
                spans.remove(0);
            } else {
                spans.truncate(1);
            }
            found.push(spans);
        }
        previous = whole.1;
        if !search.global {
            break;
        }
        from = after(subject, whole);
    }
    Ok(found)
}

/// The parts of a text between the matches.
///
/// # Errors
/// Those of the expression.
pub(crate) fn split<'b>(subject: &'b str, pattern: &str, options: Options) -> Result<Vec<&'b str>> {
    let search = Search { start: 0, global: true, groups: false, no_empty_ends: true };
    let mut parts = Vec::new();
    let mut from = 0;
    for (start, end) in matches(subject, pattern, options, search)?.into_iter().flatten().flatten() {
        parts.push(&subject[from..start]);
        from = end;
    }
    parts.push(&subject[from..]);
    Ok(parts)
}

/// Replaces the `nth` match, or all of them if it is 0.
///
/// # Errors
/// Those of the expression.
pub(crate) fn replace(
    subject: &str,
    pattern: &str,
    replacement: &str,
    options: Options,
    start: usize,
    nth: i32,
) -> Result<String> {
    let program = compile(pattern, options)?;
    let matcher = program.on(subject)?;
    let has_escapes = replacement.contains('\\');
    let mut text = String::with_capacity(subject.len());
    let mut copied = 0;
    let mut from = start;
    let mut count = 0;
    while from <= subject.len() {
        let Some(spans) = matcher.find(from, has_escapes)? else { break };
        let whole = spans.first().copied().flatten().ok_or_else(|| Error::internal("a match without bounds"))?;
        from = after(subject, whole);
        count += 1;
        if nth > 0 && count != nth {
            continue;
        }
        text.push_str(&subject[copied..whole.0]);
        if has_escapes {
            fill(replacement, subject, &spans, &mut text);
        } else {
            text.push_str(replacement);
        }
        copied = whole.1;
        if nth > 0 {
            break;
        }
    }
    text.push_str(&subject[copied..]);
    Ok(text)
}

fn fill(replacement: &str, subject: &str, spans: &[Option<Span>], text: &mut String) {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let group = match after.bytes().next() {
            Some(digit @ b'1'..=b'9') => usize::from(digit - b'0'),
            Some(b'&') => 0,
            Some(b'\\') => {
                text.push('\\');
                rest = &after[1..];
                continue;
            }
            _ => {
                text.push('\\');
                rest = after;
                continue;
            }
        };
        if let Some((start, end)) = spans.get(group).copied().flatten() {
            text.push_str(&subject[start..end]);
        }
        rest = &after[1..];
    }
    text.push_str(rest);
}

/// The error for an argument outside its range.
pub(crate) fn out_of_range(parameter: &str, value: i32) -> Error {
    Error::new(Kind::InvalidParameterValue, format!("invalid value for parameter \"{parameter}\": {value}"))
}
