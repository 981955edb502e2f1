//! Numbers as text: `numeric_in`, `numeric_out`.

use std::fmt;

use num_bigint::{BigInt, BigUint};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::{MAX_SCALE, MAX_WHOLE_DIGITS, Numeric, overflow};

/// Names of the values that are no finite numbers; longer ones first where one begins another.
const SPECIALS: &[(&str, Numeric)] = &[
    ("nan", Numeric::NaN),
    ("infinity", Numeric::Infinity),
    ("+infinity", Numeric::Infinity),
    ("-infinity", Numeric::NegInfinity),
    ("inf", Numeric::Infinity),
    ("+inf", Numeric::Infinity),
    ("-inf", Numeric::NegInfinity),
];

impl Numeric {
    /// Reads what PostgreSQL takes: `1.50`, `-1e3`, `NaN`, `Infinity`, blanks around.
    ///
    /// # Errors
    /// 22P02 with the text, 22003 for a number that is too large.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim_matches(is_space);
        let special = SPECIALS.iter().find(|(name, _)| trimmed.eq_ignore_ascii_case(name));
        if let Some((_, value)) = special {
            return Ok(value.clone());
        }
        match written(trimmed.as_bytes()) {
            Written::Number { is_negative, digits, scale } => finite(is_negative, digits, scale),
            Written::TooLarge => Err(overflow()),
            Written::Nothing => {
                Err(Error::new(Kind::InvalidText, format!("invalid input syntax for type numeric: \"{text}\"")))
            }
        }
    }
}

fn is_space(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\x0b'
}

/// What a text says.
enum Written {
    /// Decimal digits (as numbers, not letters), of which `scale` stand behind the point; below 0, zeros are missing.
    Number { is_negative: bool, digits: Vec<u8>, scale: i64 },
    /// An exponent beyond all numbers.
    TooLarge,
    /// No number.
    Nothing,
}

fn written(text: &[u8]) -> Written {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        text => (false, text),
    };
    let end = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let (mantissa, exponent) = text.split_at(end);
    let mut digits = Vec::with_capacity(mantissa.len());
    let mut point = None;
    for byte in mantissa {
        match byte {
            b'0'..=b'9' => digits.push(byte - b'0'),
            b'.' if point.is_none() => point = Some(digits.len()),
            _ => return Written::Nothing,
        }
    }
    if digits.is_empty() {
        return Written::Nothing;
    }
    let fraction = point.map_or(0, |point| digits.len() - point);
    let exponent = match exponent {
        [] => 0,
        [_, exponent @ ..] => match power(exponent) {
            Some(exponent) => exponent,
            None => return Written::Nothing,
        },
    };
    if exponent.abs() >= i64::from(i32::MAX / 2) {
        return Written::TooLarge;
    }
    let scale = i64::try_from(fraction).unwrap_or(i64::MAX) - exponent;
    Written::Number { is_negative, digits, scale }
}

// As C's strtol reads it, so blanks before the sign are none of its faults.
fn power(text: &[u8]) -> Option<i64> {
    let start = text.iter().position(|byte| !is_space(char::from(*byte)))?;
    let (is_negative, digits) = match &text[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |size, digit| size.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if is_negative { -size } else { size })
}

fn finite(is_negative: bool, mut digits: Vec<u8>, scale: i64) -> Result<Numeric> {
    let shown = scale.max(0);
    if shown > i64::from(MAX_SCALE) {
        return Err(overflow());
    }
    let leading = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
    digits.drain(..leading);
    if digits.is_empty() {
        return Numeric::checked(BigInt::ZERO, i32::try_from(shown).unwrap_or(i32::MAX));
    }
    let whole = i64::try_from(digits.len()).unwrap_or(i64::MAX) - scale;
    if whole > i64::try_from(MAX_WHOLE_DIGITS).unwrap_or(i64::MAX) {
        return Err(overflow());
    }
    let zeros = usize::try_from(-scale).unwrap_or(0);
    digits.resize(digits.len() + zeros, 0);
    let magnitude = if digits.len() <= 38 {
        BigUint::from(digits.iter().fold(0_u128, |value, digit| value * 10 + u128::from(*digit)))
    } else {
        BigUint::from_radix_be(&digits, 10).ok_or_else(|| Error::internal("a decimal digit above 9"))?
    };
    let coefficient = BigInt::from(magnitude);
    Numeric::checked(if is_negative { -coefficient } else { coefficient }, i32::try_from(shown).unwrap_or(i32::MAX))
}

impl fmt::Display for Numeric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Numeric::NaN => f.write_str("NaN"),
            Numeric::Infinity => f.write_str("Infinity"),
            Numeric::NegInfinity => f.write_str("-Infinity"),
            Numeric::Finite { coefficient, scale } => {
                let mut out = Vec::new();
                crate::pgtype::numeric::put_text(&coefficient.to_string(), i32::from(*scale), &mut out);
                f.write_str(std::str::from_utf8(&out).map_err(|_| fmt::Error)?)
            }
        }
    }
}
