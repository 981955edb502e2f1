//! The digits of a number of each type, as many as a template has room for.

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::template::output::ROMAN;
use crate::function::template::picture::Picture;

/// A number on its way into a template.
#[derive(Clone, Debug, Default)]
pub(super) struct Digits {
    /// The digits, or `#` where they do not fit, with a point if there are any behind it; or what is to be shown as it
    /// is, of `RN` and `EEEE`.
    pub(super) text: String,
    pub(super) sign: Option<char>,
    /// Places that are left before the first digit.
    pub(super) spaces: usize,
}

/// Makes the digits. A template may get more places before the point, and fewer behind it if a float has no more digits.
pub(super) fn digits(value: &Datum<'_>, picture: &mut Picture) -> Result<Digits> {
    if picture.is_roman {
        let value = whole(value)?;
        return Ok(Digits { text: roman(value), ..Digits::default() });
    }
    if picture.has_exponent {
        return Ok(Digits { text: scientific(value, picture), ..Digits::default() });
    }
    let text = match value {
        Datum::Int4(value) => format!("{}{}", shift_int4(*value, picture.shift), zeros(picture.fraction)),
        Datum::Int8(value) => format!("{}{}", shift_int8(*value, picture)?, zeros(picture.fraction)),
        Datum::Float4(value) => {
            let shifted =
                if picture.has_shift { value * 10_f64.powf(f64::from(power(picture.shift))) as f32 } else { *value };
            float(f64::from(shifted), 6, picture)
        }
        Datum::Float8(value) => {
            let shifted = if picture.has_shift { value * 10_f64.powf(f64::from(power(picture.shift))) } else { *value };
            float(shifted, 15, picture)
        }
        Datum::Numeric(value) => rounded(&value.to_string(), picture.shift, picture.fraction),
        _ => return Err(Error::internal("to_char() of something that is no number")),
    };
    picture.whole += picture.shift;
    Ok(fit(&text, picture))
}

fn power(shift: usize) -> i32 {
    i32::try_from(shift).unwrap_or(i32::MAX)
}

fn zeros(count: usize) -> String {
    if count == 0 { String::new() } else { format!(".{}", "0".repeat(count)) }
}

/// What is shown of a number that does not fit.
fn hashes(whole: usize, fraction: usize) -> String {
    format!("{}.{}", "#".repeat(whole), "#".repeat(fraction))
}

/// Splits the sign off and replaces a number that has too many digits before the point.
fn fit(text: &str, picture: &Picture) -> Digits {
    let (sign, text) = text.strip_prefix('-').map_or(('+', text), |rest| ('-', rest));
    let length = text.find('.').unwrap_or(text.len());
    let text = if length > picture.whole { hashes(picture.whole, picture.fraction) } else { text.to_owned() };
    Digits { text, sign: Some(sign), spaces: picture.whole.saturating_sub(length) }
}

/// PostgreSQL multiplies by what is left of the power in 32 bits.
fn shift_int4(value: i32, shift: usize) -> i32 {
    let power = 10_i32.checked_pow(u32::try_from(shift).unwrap_or(u32::MAX)).unwrap_or(i32::MIN);
    value.wrapping_mul(power)
}

fn shift_int8(value: i64, picture: &Picture) -> Result<i64> {
    10_i64
        .checked_pow(u32::try_from(picture.shift).unwrap_or(u32::MAX))
        .and_then(|power| value.checked_mul(power))
        .ok_or_else(|| Error::new(Kind::NumericOutOfRange, "bigint out of range"))
}

/// A float with as many digits in all as its type always keeps.
fn float(value: f64, digits: usize, picture: &mut Picture) -> String {
    let length = special(value).map_or_else(|| format!("{:.0}", value.abs()).len(), |name| name.len());
    picture.fraction = picture.fraction.min(digits.saturating_sub(length));
    match special(value) {
        Some(name) if value < 0.0 => format!("-{name}"),
        Some(name) => name.to_owned(),
        None => format!("{value:.*}", picture.fraction),
    }
}

/// The name of a float that is no number, without a sign.
fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        _ if value.is_infinite() => Some("Infinity"),
        _ => None,
    }
}

/// A decimal multiplied by a power of ten and rounded to so many digits behind the point, half away from zero.
fn rounded(text: &str, shift: usize, places: usize) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return format!("{sign}{text}");
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let point = whole.len() + shift;
    let mut digits: Vec<u8> = format!("{whole}{fraction}").into_bytes();
    digits.resize(digits.len().max(point + places + 1), b'0');
    let is_up = digits[point + places] >= b'5';
    digits.truncate(point + places);
    let point = if is_up && increment(&mut digits) { point + 1 } else { point };
    // Shifted digits may begin with zeros.
    let first = digits[..point].iter().position(|digit| *digit != b'0').unwrap_or(point.saturating_sub(1));
    let is_zero = digits.iter().all(|digit| *digit == b'0');
    let text = |digits: &[u8]| String::from_utf8_lossy(digits).into_owned();
    let sign = if is_zero { "" } else { sign };
    if places == 0 {
        return format!("{sign}{}", text(&digits[first..]));
    }
    format!("{sign}{}.{}", text(&digits[first..point]), text(&digits[point..]))
}

/// Adds one to the last digit; gives whether there is one digit more for it.
fn increment(digits: &mut Vec<u8>) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
    true
}

/// A number of `EEEE`, with a blank in the place of a plus.
fn scientific(value: &Datum<'_>, picture: &Picture) -> String {
    let text = match value {
        Datum::Int4(value) => Some(scientific_float(f64::from(*value), picture.fraction)),
        Datum::Float4(value) if value.is_finite() => Some(scientific_float(f64::from(*value), picture.fraction)),
        Datum::Float8(value) if value.is_finite() => Some(scientific_float(*value, picture.fraction)),
        Datum::Int8(value) => scientific_decimal(&value.to_string(), picture.fraction),
        Datum::Numeric(value) => scientific_decimal(&value.to_string(), picture.fraction),
        _ => None,
    };
    match text {
        Some(text) if text.starts_with('-') => text,
        Some(text) => format!(" {text}"),
        // The places are those of `1.5e+00`, the sign and the exponent with them.
        None => format!(" {}", hashes(picture.whole, picture.fraction + 4)),
    }
}

fn scientific_float(value: f64, places: usize) -> String {
    // Beyond this PostgreSQL's printf writes zeros.
    const MOST: usize = 350;
    let text = format!("{value:.*e}", places.min(MOST));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{mantissa}{}e{exponent:+03}", "0".repeat(places.saturating_sub(MOST)))
}

/// A decimal as digit, point and exponent; `None` if it is no number. A 9 that is rounded up becomes 10 and the exponent
/// stays, as in PostgreSQL.
fn scientific_decimal(text: &str, places: usize) -> Option<String> {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all = format!("{whole}{fraction}");
    let leading = all.bytes().take_while(|digit| *digit == b'0').count();
    let digits = &all[leading..];
    let (first, rest) = digits.split_at_checked(1).unwrap_or(("0", ""));
    let exponent = if digits.is_empty() { 0 } else { power(whole.len()) - power(leading) - 1 };
    let mantissa = rounded(&format!("{first}.{rest}"), 0, places);
    Some(format!("{sign}{mantissa}e{exponent:+03}"))
}

/// The whole number that `RN` shows; one that no Roman number shows if it is far out of range.
fn whole(value: &Datum<'_>) -> Result<i32> {
    let out_of_range = || Error::new(Kind::NumericOutOfRange, "integer out of range");
    let float = |value: f64| {
        let value = value.round_ties_even();
        if (-1.0..5_000.0).contains(&value) { value as i32 } else { 0 }
    };
    match value {
        Datum::Int4(value) => Ok(*value),
        Datum::Int8(value) => i32::try_from(*value).map_err(|_| out_of_range()),
        Datum::Float4(value) => Ok(float(f64::from(*value))),
        Datum::Float8(value) => Ok(float(*value)),
        Datum::Numeric(value) => {
            let unsupported =
                |what: &str| Err(Error::new(Kind::FeatureNotSupported, format!("cannot convert {what} to integer")));
            let text = rounded(&value.to_string(), 0, 0);
            match text.as_str() {
                "NaN" => unsupported("NaN"),
                "Infinity" | "-Infinity" => unsupported("infinity"),
                _ => text.parse().map_err(|_| out_of_range()),
            }
        }
        _ => Err(Error::internal("to_char() of something that is no number")),
    }
}

/// A number from 1 to 3999 as a Roman one.
fn roman(value: i32) -> String {
    const TENS: [&str; 10] = ["", "X", "XX", "XXX", "XL", "L", "LX", "LXX", "LXXX", "XC"];
    const HUNDREDS: [&str; 10] = ["", "C", "CC", "CCC", "CD", "D", "DC", "DCC", "DCCC", "CM"];
    let Some(value) = usize::try_from(value).ok().filter(|value| (1..4_000).contains(value)) else {
        return "#".repeat(15);
    };
    let ones = (value % 10).checked_sub(1).map_or("", |index| ROMAN[index]);
    format!("{}{}{}{ones}", "M".repeat(value / 1_000), HUNDREDS[value / 100 % 10], TENS[value / 10 % 10])
}
