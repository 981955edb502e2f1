//! `numeric`: decimals as text, as PostgreSQL's base-10000 digits, and back.

use bytes::BufMut;

use crate::error::{Error, Kind, Result};

/// A decimal number: an integer in decimal digits, and how many of them stand behind the point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// The digits without the point, with a leading `-` if below 0 and no leading zeros otherwise.
    pub unscaled: String,
    /// Digits behind the point.
    pub scale: usize,
}

impl Decimal {
    /// The number of digits, without the sign.
    pub fn digits(&self) -> usize {
        self.unscaled.len() - usize::from(self.unscaled.starts_with('-'))
    }

    /// Appends zeros so that `scale` digits stand behind the point; there must not be more already.
    pub fn rescale(&mut self, scale: usize) {
        if self.unscaled != "0" {
            let zeros = scale.saturating_sub(self.scale);
            self.unscaled.extend(std::iter::repeat_n('0', zeros));
        }
        self.scale = self.scale.max(scale);
    }

    /// As text: `-0.050`.
    pub fn put_text(&self, out: &mut Vec<u8>) {
        put_text(&self.unscaled, i32::try_from(self.scale).unwrap_or(i32::MAX), out);
    }
}

/// Appends a decimal given as its integer in decimal digits, with exactly `scale` digits behind the point.
pub fn put_text(unscaled: &str, scale: i32, out: &mut Vec<u8>) {
    let (sign, digits) = split_sign(unscaled);
    out.put_slice(sign);
    let Ok(scale) = usize::try_from(scale) else {
        out.put_slice(digits);
        if digits != b"0" {
            out.put_bytes(b'0', scale.unsigned_abs() as usize);
        }
        return;
    };
    if scale == 0 {
        return out.put_slice(digits);
    }
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.put_slice(whole);
        out.put_u8(b'.');
        out.put_slice(fraction);
    } else {
        out.put_slice(b"0.");
        out.put_bytes(b'0', scale - digits.len());
        out.put_slice(digits);
    }
}

/// Appends the binary form: number of base-10000 digits, weight of the first, sign, display scale, digits.
pub fn put_binary(unscaled: &str, scale: i32, out: &mut Vec<u8>) {
    let (sign, mut digits) = split_sign(unscaled);
    let shown_scale = scale.clamp(0, 0x3fff) as u16;
    // Trailing zeros are not sent: the display scale says that they are there.
    let mut last_exponent = -scale;
    while let [rest @ .., b'0'] = digits {
        digits = rest;
        last_exponent += 1;
    }
    let is_negative = !sign.is_empty() && !digits.is_empty();
    if digits.is_empty() {
        put_header(0, 0, false, shown_scale, out);
        return;
    }
    // Groups of four start at multiples of 10^4, so the last group ends in zeros that were cut.
    let padding = last_exponent.rem_euclid(4) as usize;
    let last_weight = last_exponent.div_euclid(4);
    let total = digits.len() + padding;
    let groups = total.div_ceil(4);
    put_header(groups as u16, (last_weight + groups as i32 - 1) as i16, is_negative, shown_scale, out);
    let leading = groups * 4 - total;
    for group in 0..groups {
        let value = (0..4).fold(0_u16, |value, place| {
            let index = (group * 4 + place).wrapping_sub(leading);
            value * 10 + digits.get(index).map_or(0, |digit| u16::from(digit - b'0'))
        });
        out.put_u16(value);
    }
}

fn put_header(groups: u16, weight: i16, is_negative: bool, scale: u16, out: &mut Vec<u8>) {
    out.put_u16(groups);
    out.put_i16(weight);
    out.put_u16(if is_negative { NEGATIVE } else { POSITIVE });
    out.put_u16(scale);
}

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;

fn split_sign(unscaled: &str) -> (&'static [u8], &[u8]) {
    match unscaled.strip_prefix('-') {
        Some(digits) => (b"-", digits.as_bytes()),
        None => (b"", unscaled.as_bytes()),
    }
}

/// Reads a decimal: `-12.50`, `1e-3`, `.5`.
pub fn parse(text: &str) -> Result<Decimal> {
    let invalid = || Error::new(Kind::InvalidText, format!("invalid input syntax for type numeric: \"{text}\""));
    let trimmed = text.trim_matches(|letter: char| letter.is_ascii_whitespace() || letter == '\x0b');
    let (is_negative, unsigned) = match trimmed.as_bytes().first() {
        Some(b'-') => (true, &trimmed[1..]),
        Some(b'+') => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    if ["nan", "inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
        return Err(Error::unsupported(format!("the numeric value \"{trimmed}\"")));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let is_number = exponent.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit());
            (mantissa, exponent.parse::<i32>().ok().filter(|_| is_number).ok_or_else(invalid)?)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().count() == 0 || !digits().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    let scale = fraction.len() as i64 - i64::from(exponent);
    if !(-1_000..=1_000).contains(&scale) || whole.len() > 1_000 {
        return Err(too_large());
    }
    let zeros = usize::try_from(-scale).unwrap_or(0);
    let all = digits().map(char::from).chain(std::iter::repeat_n('0', zeros)).collect::<String>();
    Ok(decimal(is_negative, &all, usize::try_from(scale).unwrap_or(0)))
}

/// Reads the binary form.
pub fn parse_binary(bytes: &[u8]) -> Result<Decimal> {
    let invalid = || Error::new(Kind::InvalidBinary, "incorrect binary data format for type numeric");
    let words: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let [count, weight, sign, scale, groups @ ..] = words.as_slice() else { return Err(invalid()) };
    if usize::from(*count) != groups.len() || !bytes.len().is_multiple_of(2) || *scale > 0x3fff {
        return Err(invalid());
    }
    let is_negative = match *sign {
        POSITIVE => false,
        NEGATIVE => true,
        0xc000 => return Err(Error::unsupported("the numeric value \"NaN\"")),
        0xd000 => return Err(Error::unsupported("the numeric value \"Infinity\"")),
        0xf000 => return Err(Error::unsupported("the numeric value \"-Infinity\"")),
        _ => return Err(invalid()),
    };
    if groups.iter().any(|group| *group >= 10_000) {
        return Err(invalid());
    }
    let (weight, scale) = (i32::from(*weight as i16), usize::from(*scale));
    if !(-250..=250).contains(&weight) || scale > 1_000 || groups.len() > 500 {
        return Err(too_large());
    }
    // All digits from the first group, or the one before the point, to the last shown one.
    let first = weight.max(0);
    let last = -(scale.div_ceil(4) as i32);
    let mut digits = String::new();
    for position in (last..=first).rev() {
        let group = usize::try_from(weight - position).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0);
        digits.push_str(&format!("{group:04}"));
    }
    digits.truncate(digits.len() - (scale.div_ceil(4) * 4 - scale));
    Ok(decimal(is_negative, &digits, scale))
}

fn decimal(is_negative: bool, digits: &str, scale: usize) -> Decimal {
    let digits = digits.trim_start_matches('0');
    let unscaled = match (is_negative, digits) {
        (_, "") => "0".to_owned(),
        (true, digits) => format!("-{digits}"),
        (false, digits) => digits.to_owned(),
    };
    Decimal { unscaled, scale }
}

/// The error for a value that no Arrow decimal holds.
pub fn too_large() -> Error {
    Error::new(Kind::NumericOutOfRange, "value overflows numeric format")
        .detail("The gateway holds numbers of up to 76 digits.")
}
