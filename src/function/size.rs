//! Sizes in bytes as people read and write them: `pg_size_pretty` and `pg_size_bytes`.

use num_bigint::BigInt;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;
use crate::function::{Function, strict};
use crate::pgtype::style::Style;

/// The functions of this family.
pub const FUNCTIONS: &[Function] = &[
    strict("pg_size_pretty", "int8", "text", pretty),
    strict("pg_size_pretty", "numeric", "text", pretty_numeric),
    strict("pg_size_bytes", "text", "int8", bytes),
];

/// The units, and the power of two that each is.
const UNITS: [(&str, u32); 6] = [("bytes", 0), ("kB", 10), ("MB", 20), ("GB", 30), ("TB", 40), ("PB", 50)];
/// How much of a unit goes before the next one is taken. All but bytes are counted in halves, which are then rounded.
const LIMIT: i64 = 10 * 1024;
const HALVES_LIMIT: i64 = 20 * 1024 - 1;

/// What a unit is counted in: the limit, whether that is halves, and the bits to the next one's count.
fn step(at: usize) -> (i64, bool, u32) {
    let is_halved = at > 0;
    // Bytes are whole and kilobytes halves.
    (if is_halved { HALVES_LIMIT } else { LIMIT }, is_halved, if is_halved { 10 } else { 9 })
}

fn pretty<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let [Datum::Int8(size)] = args else { return Err(Error::internal("pg_size_pretty() takes a bigint")) };
    let mut size = *size;
    for (at, (name, _)) in UNITS.iter().enumerate() {
        let (limit, is_halved, bits) = step(at);
        if at + 1 == UNITS.len() || size.unsigned_abs() < limit.unsigned_abs() {
            let shown = if is_halved { (size + if size < 0 { -1 } else { 1 }) / 2 } else { size };
            return Ok(Datum::text(format!("{shown} {name}")));
        }
        size /= 1 << bits;
    }
    Err(Error::internal("a size beyond all units"))
}

fn pretty_numeric<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let [Datum::Numeric(size)] = args else { return Err(Error::internal("pg_size_pretty() takes a numeric")) };
    let mut size = size.clone();
    for (at, (name, _)) in UNITS.iter().enumerate() {
        let (limit, is_halved, bits) = step(at);
        if at + 1 == UNITS.len() || size.abs().compare(&Numeric::from(limit)).is_lt() {
            if is_halved {
                let is_negative = size.compare(&Numeric::from(0)).is_lt();
                size = size.add(&Numeric::from(if is_negative { -1 } else { 1 }))?.div_trunc(&Numeric::from(2))?;
            }
            return Ok(Datum::text(format!("{size} {name}")));
        }
        size = size.div_trunc(&Numeric::from(1_i64 << bits))?;
    }
    Err(Error::internal("a size beyond all units"))
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn is_blank(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\x0b'
}

/// The length of the number at the start, if there is one.
fn number(text: &str) -> Option<usize> {
    let mut end = usize::from(text.starts_with(['+', '-']));
    let whole = digits(&text[end..]);
    end += whole;
    let mut has_digits = whole > 0;
    if text[end..].starts_with('.') {
        let fraction = digits(&text[end + 1..]);
        has_digits |= fraction > 0;
        // A point alone is not taken.
        end += if has_digits { 1 + fraction } else { 0 };
    }
    if !has_digits {
        return None;
    }
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(exponent.starts_with(['+', '-']));
        let length = digits(&exponent[sign..]);
        // Without digits it is the first letter of a unit.
        end += if length > 0 { 1 + sign + length } else { 0 };
    }
    Some(end)
}

fn bytes<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let [Datum::Text(text)] = args else { return Err(Error::internal("pg_size_bytes() takes a text")) };
    let invalid = || Error::new(Kind::InvalidParameterValue, format!("invalid size: \"{text}\""));
    let rest = text.trim_start_matches(is_blank);
    let end = number(rest).ok_or_else(invalid)?;
    let mut size = Numeric::parse(&rest[..end])?;
    let unit = rest[end..].trim_matches(is_blank);
    if !unit.is_empty() {
        let found = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(|| {
            invalid()
                .detail(format!("Invalid size unit: \"{unit}\"."))
                .hint("Valid units are \"bytes\", \"kB\", \"MB\", \"GB\", \"TB\", and \"PB\".")
        })?;
        size = size.mul(&Numeric::new(BigInt::from(1_u64 << found.1), 0))?;
    }
    Ok(Datum::Int8(size.to_i64()?))
}

#[cfg(test)]
#[path = "size_tests.rs"]
mod tests;
