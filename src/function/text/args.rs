//! The arguments of a call, by their types.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::function::datum::Datum;

fn wrong(wanted: &str) -> Error {
    Error::internal(format!("an argument of a function is not {wanted}"))
}

/// The text at a place.
pub(crate) fn text<'b>(args: &'b [Datum<'_>], at: usize) -> Result<&'b str> {
    match args.get(at) {
        Some(Datum::Text(text)) => Ok(text),
        _ => Err(wrong("text")),
    }
}

/// The text at a place, or `None` for NULL.
pub(crate) fn text_or_null<'b>(args: &'b [Datum<'_>], at: usize) -> Result<Option<&'b str>> {
    if matches!(args.get(at), Some(Datum::Null)) { Ok(None) } else { text(args, at).map(Some) }
}

/// The bytes at a place.
pub(crate) fn bytes<'b>(args: &'b [Datum<'_>], at: usize) -> Result<&'b [u8]> {
    match args.get(at) {
        Some(Datum::Bytea(bytes)) => Ok(bytes),
        _ => Err(wrong("bytea")),
    }
}

/// The `integer` at a place.
pub(crate) fn int4(args: &[Datum<'_>], at: usize) -> Result<i32> {
    match args.get(at) {
        Some(Datum::Int4(value)) => Ok(*value),
        _ => Err(wrong("integer")),
    }
}

/// The `bigint` at a place.
pub(crate) fn int8(args: &[Datum<'_>], at: usize) -> Result<i64> {
    match args.get(at) {
        Some(Datum::Int8(value)) => Ok(*value),
        _ => Err(wrong("bigint")),
    }
}

/// A part of the text at a place, which borrows what the text borrows.
pub(crate) fn part<'a>(args: &[Datum<'a>], at: usize, range: Range<usize>) -> Result<Datum<'a>> {
    match args.get(at) {
        Some(Datum::Text(Cow::Borrowed(text))) => Ok(Datum::Text(Cow::Borrowed(&text[range]))),
        Some(Datum::Text(Cow::Owned(text))) => Ok(Datum::text(&text[range])),
        _ => Err(wrong("text")),
    }
}

/// A part of the bytes at a place, which borrows what the bytes borrow.
pub(crate) fn bytes_part<'a>(args: &[Datum<'a>], at: usize, range: Range<usize>) -> Result<Datum<'a>> {
    match args.get(at) {
        Some(Datum::Bytea(Cow::Borrowed(bytes))) => Ok(Datum::Bytea(Cow::Borrowed(&bytes[range]))),
        Some(Datum::Bytea(Cow::Owned(bytes))) => Ok(bytea(&bytes[range])),
        _ => Err(wrong("bytea")),
    }
}

/// Makes a `bytea` that owns its bytes.
pub(crate) fn bytea(bytes: impl Into<Vec<u8>>) -> Datum<'static> {
    Datum::Bytea(Cow::Owned(bytes.into()))
}

/// Makes an `integer` of a length or place, which no text of PostgreSQL's exceeds.
pub(crate) fn count(count: usize) -> Datum<'static> {
    Datum::Int4(i32::try_from(count).unwrap_or(i32::MAX))
}

/// The byte offset of a character, or the length of the text if it has fewer.
pub(crate) fn offset(text: &str, characters: usize) -> usize {
    if characters >= text.len() && !text.is_empty() {
        return text.len();
    }
    text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at)
}
