//! Functions that find and take parts of a text.

use std::ops::Range;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::text::args::{count, int4, offset, part, text};
use crate::pgtype::style::Style;

/// The error for a negative length.
pub(crate) fn negative_length() -> Error {
    Error::new(Kind::SubstringLength, "negative substring length not allowed")
}

/// The units, counted from 0, that a start and a length leave of a value; the end may be past it.
pub(crate) fn window(args: &[Datum<'_>]) -> Result<Range<usize>> {
    let start = int4(args, 1)?;
    let end = if args.len() > 2 {
        let length = int4(args, 2)?;
        if length < 0 {
            return Err(negative_length());
        }
        start.checked_add(length)
    } else {
        None
    };
    let index = |place: i32| usize::try_from(place).unwrap_or(0).saturating_sub(1);
    let from = index(start);
    Ok(from..end.map_or(usize::MAX, index).max(from))
}

/// `substring(text, start, length)`
pub(crate) fn substring<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    let window = window(args)?;
    let start = offset(string, window.start);
    let end = start + offset(&string[start..], window.end - window.start);
    part(args, 0, start..end)
}

/// Where the part of `overlay` that is replaced starts and ends, in units counted from 0.
pub(crate) fn overlaid(args: &[Datum<'_>], new_length: usize) -> Result<Range<usize>> {
    let start = int4(args, 2)?;
    let length = if args.len() > 3 { int4(args, 3)? } else { i32::try_from(new_length).unwrap_or(i32::MAX) };
    if start <= 0 {
        return Err(negative_length());
    }
    let end = start.checked_add(length).ok_or_else(|| Error::new(Kind::NumericOutOfRange, "integer out of range"))?;
    let index = |place: i32| usize::try_from(place).unwrap_or(0).saturating_sub(1);
    Ok(index(start)..index(end))
}

/// `overlay(text, text, start, length)`
pub(crate) fn overlay<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, new) = (text(args, 0)?, text(args, 1)?);
    let Range { start, end } = overlaid(args, new.chars().count())?;
    Ok(Datum::text([&string[..offset(string, start)], new, &string[offset(string, end)..]].concat()))
}

/// How many characters a count that is negative, and so counted from the other end, leaves.
fn kept(string: &str, wanted: i32) -> usize {
    match usize::try_from(wanted) {
        Ok(wanted) => wanted,
        Err(_) => string.chars().count().saturating_sub(wanted.unsigned_abs() as usize),
    }
}

/// `left(text, n)`
pub(crate) fn left<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    part(args, 0, 0..offset(string, kept(string, int4(args, 1)?)))
}

/// `right(text, n)`
pub(crate) fn right<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    let wanted = int4(args, 1)?;
    let dropped = match usize::try_from(wanted) {
        Ok(wanted) => string.chars().count().saturating_sub(wanted),
        // The one number that has no opposite drops nothing, as in PostgreSQL.
        Err(_) => usize::try_from(wanted.wrapping_neg()).unwrap_or(0),
    };
    part(args, 0, offset(string, dropped)..string.len())
}

/// `btrim`, `ltrim` and `rtrim` of text.
pub(crate) fn trim<'a, const START: bool, const END: bool>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    let letters = if args.len() > 1 { text(args, 1)? } else { " " };
    let is_trimmed = |letter: char| letters.contains(letter);
    let rest = if START { string.trim_start_matches(is_trimmed) } else { string };
    let start = string.len() - rest.len();
    let end = start + if END { rest.trim_end_matches(is_trimmed).len() } else { rest.len() };
    part(args, 0, start..end)
}

/// `split_part(text, separator, n)`
pub(crate) fn split_part<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, separator) = (text(args, 0)?, text(args, 1)?);
    let field = int4(args, 2)?;
    if field == 0 {
        return Err(Error::new(Kind::InvalidParameterValue, "field position must not be zero"));
    }
    let index = field.unsigned_abs() as usize - 1;
    if separator.is_empty() {
        return part(args, 0, if index == 0 { 0..string.len() } else { 0..0 });
    }
    // Separators are found from the start, even if the fields are counted from the end.
    let found = if field > 0 {
        string.split(separator).nth(index)
    } else {
        let fields = string.split(separator).count();
        fields.checked_sub(index + 1).and_then(|index| string.split(separator).nth(index))
    };
    let Some(found) = found else { return part(args, 0, 0..0) };
    let start = found.as_ptr() as usize - string.as_ptr() as usize;
    part(args, 0, start..start + found.len())
}

/// `position(text, text)` and `strpos`
pub(crate) fn position<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = text(args, 0)?;
    let found = string.find(text(args, 1)?);
    Ok(count(found.map_or(0, |at| string[..at].chars().count() + 1)))
}

/// `starts_with(text, text)` and `^@`
pub(crate) fn starts_with<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Bool(text(args, 0)?.starts_with(text(args, 1)?)))
}
