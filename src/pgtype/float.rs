//! Floating-point numbers as text, digit for digit what `float8out` and `float4out` print.

use bytes::BufMut;

use crate::error::{Error, Kind, Result};
use crate::pgtype::datetime::put_pair;

/// What differs between the two widths.
struct Width {
    /// Significant digits that always come back: `DBL_DIG`, `FLT_DIG`; also where the exponent form begins.
    digits: i32,
    /// Bits of the significand, with the hidden one.
    bits: u32,
    name: &'static str,
}

const DOUBLE: Width = Width { digits: 15, bits: 53, name: "double precision" };
const SINGLE: Width = Width { digits: 6, bits: 24, name: "real" };

/// Appends a `double precision`. `extra_digits` is `extra_float_digits`.
pub fn put_f64(value: f64, extra_digits: i32, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return out.put_slice(special(value));
    }
    if extra_digits <= 0 {
        return put_digits_limited(value, precision(&DOUBLE, extra_digits), out);
    }
    if let Some(millionths) = millionths(value) {
        return put_millionths(value < 0.0, millionths, out);
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    if value == 0.0 || (1e-4..1e15).contains(&value.abs()) {
        return out.put_slice(without_point_zero(text));
    }
    let is_power_of_two = value.to_bits() & ((1 << 52) - 1) == 0;
    let (digits, exponent) = digits_of(text);
    if is_halfway(digits, exponent, DOUBLE.bits, is_power_of_two) {
        // ryu takes a decimal on the border between two doubles if reading it gives this one; PostgreSQL never does.
        for precision in 1..=16 {
            let text = format!("{value:.precision$e}");
            let (digits, exponent) = digits_of(&text);
            let is_same = text.parse() == Ok(value) && !is_halfway(digits, exponent, DOUBLE.bits, is_power_of_two);
            if is_same {
                return put_layout(value.is_sign_negative(), digits, exponent, DOUBLE.digits, out);
            }
        }
    }
    put_layout(value.is_sign_negative(), digits, exponent, DOUBLE.digits, out);
}

/// The number in millionths, if it is the double nearest to a whole number of them with no more than 15 digits. Two
/// decimals of up to 15 digits are never the same double, so that decimal is then also the shortest. Prices, seconds and
/// scores are such numbers, and this is faster than the search for the digits of any double.
fn millionths(value: f64) -> Option<u64> {
    let size = value.abs();
    if !(1e-4..1e9).contains(&size) {
        return None;
    }
    let whole = (size * 1e6 + 0.5) as u64;
    // Both are exact, so the quotient is the double nearest to the decimal.
    (whole as f64 / 1e6 == size).then_some(whole)
}

fn put_millionths(is_negative: bool, millionths: u64, out: &mut Vec<u8>) {
    if is_negative {
        out.put_u8(b'-');
    }
    let fraction = (millionths % 1_000_000) as u32;
    out.put_slice(itoa::Buffer::new().format(millionths / 1_000_000).as_bytes());
    if fraction == 0 {
        return;
    }
    let mut text = *b".000000";
    put_pair(&mut text, 1, fraction / 10_000);
    put_pair(&mut text, 3, fraction / 100 % 100);
    put_pair(&mut text, 5, fraction % 100);
    out.put_slice(&text);
    while out.ends_with(b"0") {
        out.truncate(out.len() - 1);
    }
}

/// Appends a `real`.
pub fn put_f32(value: f32, extra_digits: i32, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return out.put_slice(special(f64::from(value)));
    }
    if extra_digits <= 0 {
        return put_digits_limited(f64::from(value), precision(&SINGLE, extra_digits), out);
    }
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    if value == 0.0 || (1e-4..1e6).contains(&value.abs()) {
        return out.put_slice(without_point_zero(text));
    }
    let is_power_of_two = value.to_bits() & ((1 << 23) - 1) == 0;
    let (digits, exponent) = digits_of(text);
    if is_halfway(digits, exponent, SINGLE.bits, is_power_of_two) {
        for precision in 1..=8 {
            let text = format!("{value:.precision$e}");
            let (digits, exponent) = digits_of(&text);
            let is_same = text.parse() == Ok(value) && !is_halfway(digits, exponent, SINGLE.bits, is_power_of_two);
            if is_same {
                return put_layout(value.is_sign_negative(), digits, exponent, SINGLE.digits, out);
            }
        }
    }
    put_layout(value.is_sign_negative(), digits, exponent, SINGLE.digits, out);
}

fn special(value: f64) -> &'static [u8] {
    if value.is_nan() {
        b"NaN"
    } else if value > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    }
}

fn precision(width: &Width, extra_digits: i32) -> usize {
    usize::try_from(width.digits + extra_digits).unwrap_or(0).max(1)
}

// Between 1e-4 and the width's limit ryu prints as PostgreSQL does, but for the point in whole numbers.
fn without_point_zero(text: &str) -> &[u8] {
    text.strip_suffix(".0").unwrap_or(text).as_bytes()
}

/// Takes `-1.25e-7` or `120.0` apart: significant digits without trailing zeros, and the power of ten of the last one.
fn digits_of(text: &str) -> (u64, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut exponent: i32 = exponent.parse().unwrap_or(0);
    let mut digits = 0_u64;
    let mut is_fraction = false;
    for byte in mantissa.bytes() {
        match byte {
            b'0'..=b'9' => {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                exponent -= i32::from(is_fraction);
            }
            b'.' => is_fraction = true,
            _ => {}
        }
    }
    while digits != 0 && digits.is_multiple_of(10) {
        digits /= 10;
        exponent += 1;
    }
    (digits, exponent)
}

/// Whether the decimal lies on the border between two neighbouring floats: an odd number of one bit more than the
/// significand holds, times a power of two. Below a power of two the neighbour is nearer, by one bit more.
fn is_halfway(digits: u64, exponent: i32, bits: u32, is_power_of_two: bool) -> bool {
    let whole = match exponent {
        0..=23 => u128::from(digits) * 5_u128.pow(exponent as u32),
        -3..=-1 => {
            let divisor = 5_u64.pow(-exponent as u32);
            if !digits.is_multiple_of(divisor) {
                return false;
            }
            u128::from(digits / divisor)
        }
        _ => return false,
    };
    if whole == 0 {
        return false;
    }
    let odd = whole >> whole.trailing_zeros();
    let length = u128::BITS - odd.leading_zeros();
    length == bits + 1 || is_power_of_two && length == bits + 2 && (odd + 1).is_power_of_two()
}

/// `%.{precision}g`
fn put_digits_limited(value: f64, precision: usize, out: &mut Vec<u8>) {
    if value == 0.0 {
        return out.put_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
    }
    let text = format!("{value:.*e}", precision - 1);
    let (digits, exponent) = digits_of(&text);
    put_layout(value.is_sign_negative(), digits, exponent, precision as i32, out);
}

/// Appends digits times a power of ten: plainly while the first digit stands between 1e-4 and `1e{limit}`, else with an
/// exponent of at least two digits.
fn put_layout(is_negative: bool, digits: u64, exponent: i32, limit: i32, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(digits).as_bytes();
    let leading = exponent + text.len() as i32 - 1;
    if is_negative {
        out.put_u8(b'-');
    }
    if (-4..limit).contains(&leading) {
        if exponent >= 0 {
            out.put_slice(text);
            out.put_bytes(b'0', exponent as usize);
        } else if leading >= 0 {
            let (whole, fraction) = text.split_at(leading as usize + 1);
            out.put_slice(whole);
            out.put_u8(b'.');
            out.put_slice(fraction);
        } else {
            out.put_slice(b"0.");
            out.put_bytes(b'0', (-leading - 1) as usize);
            out.put_slice(text);
        }
        return;
    }
    out.put_u8(text[0]);
    if text.len() > 1 {
        out.put_u8(b'.');
        out.put_slice(&text[1..]);
    }
    out.put_slice(if leading < 0 { b"e-" } else { b"e+" });
    if leading.abs() < 10 {
        out.put_u8(b'0');
    }
    out.put_slice(buffer.format(leading.abs()).as_bytes());
}

/// Reads a `double precision`.
pub fn parse_f64(text: &str) -> Result<f64> {
    let value: f64 = checked(text, &DOUBLE)?.parse().map_err(|_| invalid(text, &DOUBLE))?;
    if is_lost(text, value.is_infinite(), value == 0.0) { Err(out_of_range(text, &DOUBLE)) } else { Ok(value) }
}

/// Reads a `real`.
pub fn parse_f32(text: &str) -> Result<f32> {
    let value: f32 = checked(text, &SINGLE)?.parse().map_err(|_| invalid(text, &SINGLE))?;
    if is_lost(text, value.is_infinite(), value == 0.0) { Err(out_of_range(text, &SINGLE)) } else { Ok(value) }
}

// Rust reads what PostgreSQL reads, but for spaces around it and hexadecimal floats, which strtod takes.
fn checked<'a>(text: &'a str, width: &Width) -> Result<&'a str> {
    let trimmed = text.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\x0b');
    if trimmed.is_empty() { Err(invalid(text, width)) } else { Ok(trimmed) }
}

/// Whether the number overflowed to infinity or underflowed to 0, by what was written.
fn is_lost(text: &str, is_infinite: bool, is_zero: bool) -> bool {
    let names_infinity = text.bytes().any(|byte| byte.eq_ignore_ascii_case(&b'n'));
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    is_infinite && !names_infinity || is_zero && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

fn invalid(text: &str, width: &Width) -> Error {
    Error::new(Kind::InvalidText, format!("invalid input syntax for type {}: \"{text}\"", width.name))
}

fn out_of_range(text: &str, width: &Width) -> Error {
    Error::new(Kind::NumericOutOfRange, format!("\"{}\" is out of range for type {}", text.trim(), width.name))
}
