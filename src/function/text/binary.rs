//! The functions of `bytea`.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::text::args::{bytea, bytes, bytes_part, count, int4, int8};
use crate::function::text::pieces::{overlaid, window};
use crate::pgtype::style::Style;

/// `length(bytea)`
pub(crate) fn length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(bytes(args, 0)?.len()))
}

/// `bit_length(bytea)`
pub(crate) fn bit_length<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(count(bytes(args, 0)?.len() * 8))
}

/// `bit_count(bytea)`
pub(crate) fn bit_count<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Int8(bytes(args, 0)?.iter().map(|byte| i64::from(byte.count_ones())).sum()))
}

/// `bytea || bytea`
pub(crate) fn concatenate<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(bytea([bytes(args, 0)?, bytes(args, 1)?].concat()))
}

/// `btrim`, `ltrim` and `rtrim` of `bytea`
pub(crate) fn trim<'a, const START: bool, const END: bool>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, trimmed) = (bytes(args, 0)?, bytes(args, 1)?);
    let is_kept = |byte: &u8| !trimmed.contains(byte);
    let start = if START { string.iter().position(is_kept).unwrap_or(string.len()) } else { 0 };
    let end = if END { string.iter().rposition(is_kept).map_or(0, |at| at + 1) } else { string.len() };
    bytes_part(args, 0, start..end.max(start))
}

/// `substring(bytea, start, length)`
pub(crate) fn substring<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let length = bytes(args, 0)?.len();
    let window = window(args)?;
    bytes_part(args, 0, window.start.min(length)..window.end.min(length))
}

/// `overlay(bytea, bytea, start, length)`
pub(crate) fn overlay<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, new) = (bytes(args, 0)?, bytes(args, 1)?);
    let replaced = overlaid(args, new.len())?;
    let (start, end) = (replaced.start.min(string.len()), replaced.end.min(string.len()));
    Ok(bytea([&string[..start], new, &string[end..]].concat()))
}

/// `position(bytea, bytea)`
pub(crate) fn position<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (string, part) = (bytes(args, 0)?, bytes(args, 1)?);
    if part.is_empty() {
        return Ok(count(1));
    }
    let found = string.windows(part.len()).position(|window| window == part);
    Ok(count(found.map_or(0, |at| at + 1)))
}

/// The place that an index names among so many.
fn place(index: i64, units: usize) -> Result<usize> {
    usize::try_from(index).ok().filter(|index| *index < units).ok_or_else(|| {
        let last = i64::try_from(units).unwrap_or(i64::MAX) - 1;
        Error::new(Kind::ArraySubscript, format!("index {index} out of valid range, 0..{last}"))
    })
}

/// `get_byte(bytea, n)`
pub(crate) fn get_byte<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = bytes(args, 0)?;
    let at = place(int4(args, 1)?.into(), string.len())?;
    Ok(Datum::Int4(string[at].into()))
}

/// `set_byte(bytea, n, value)`
pub(crate) fn set_byte<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let mut string = bytes(args, 0)?.to_vec();
    let at = place(int4(args, 1)?.into(), string.len())?;
    // Only the lowest byte of the number is taken.
    string[at] = int4(args, 2)?.to_le_bytes()[0];
    Ok(bytea(string))
}

/// `get_bit(bytea, n)`
pub(crate) fn get_bit<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let string = bytes(args, 0)?;
    let at = place(int8(args, 1)?, string.len() * 8)?;
    Ok(Datum::Int4((string[at / 8] >> (at % 8) & 1).into()))
}

/// `set_bit(bytea, n, value)`
pub(crate) fn set_bit<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let mut string = bytes(args, 0)?.to_vec();
    let at = place(int8(args, 1)?, string.len() * 8)?;
    let bit = 1 << (at % 8);
    match int4(args, 2)? {
        0 => string[at / 8] &= !bit,
        1 => string[at / 8] |= bit,
        _ => return Err(Error::new(Kind::InvalidParameterValue, "new bit must be 0 or 1")),
    }
    Ok(bytea(string))
}

fn hashed<'a>(algorithm: &'static Algorithm, args: &[Datum<'a>]) -> Result<Datum<'a>> {
    Ok(bytea(digest(algorithm, bytes(args, 0)?).as_ref()))
}

/// `sha256(bytea)`
pub(crate) fn sha256<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    hashed(&SHA256, args)
}

/// `sha384(bytea)`
pub(crate) fn sha384<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    hashed(&SHA384, args)
}

/// `sha512(bytea)`
pub(crate) fn sha512<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    hashed(&SHA512, args)
}

/// `gen_random_uuid()`: version 4.
pub(crate) fn gen_random_uuid<'a>(_: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let mut uuid = [0; 16];
    let filled = SystemRandom::new().fill(&mut uuid);
    filled.map_err(|_| Error::internal("could not generate random values"))?;
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    Ok(Datum::Uuid(uuid))
}
