//! The binary form: `numeric_send`, `numeric_recv`.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{ToPrimitive, Zero};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::digits::{cut, pow10, scaled};
use crate::function::numeric::{MAX_SCALE, Numeric};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const INFINITY: u16 = 0xd000;
const NEG_INFINITY: u16 = 0xf000;
/// The display scale that PostgreSQL sends with the infinities.
const INFINITY_SCALE: u16 = 32;

impl Numeric {
    /// Appends the binary form: number of base-10000 digits, weight of the first, sign, display scale, digits.
    pub fn put_binary(&self, out: &mut Vec<u8>) {
        let (coefficient, scale) = match self {
            Numeric::Finite { coefficient, scale } => (coefficient, *scale),
            Numeric::NaN => return put_header(0, 0, NAN, 0, out),
            Numeric::Infinity => return put_header(0, 0, INFINITY, INFINITY_SCALE, out),
            Numeric::NegInfinity => return put_header(0, 0, NEG_INFINITY, INFINITY_SCALE, out),
        };
        let groups = scale.div_ceil(4);
        let mut digits = groups_of(&scaled(coefficient, usize::from(groups * 4 - scale)));
        let weight = i32::try_from(digits.len()).unwrap_or(i32::MAX) - 1 - i32::from(groups);
        while digits.last() == Some(&0) {
            digits.pop();
        }
        if digits.is_empty() {
            return put_header(0, 0, POSITIVE, scale, out);
        }
        let sign = if coefficient.sign() == Sign::Minus { NEGATIVE } else { POSITIVE };
        put_header(digits.len(), weight, sign, scale, out);
        out.extend(digits.iter().flat_map(|digit| digit.to_be_bytes()));
    }

    /// Reads the binary form.
    ///
    /// # Errors
    /// 22P03, 08P01 if bytes are missing.
    pub fn from_binary(bytes: &[u8]) -> Result<Self> {
        let fault = |what| Error::new(Kind::InvalidBinary, format!("invalid {what} in external \"numeric\" value"));
        let missing = || Error::new(Kind::Protocol, "insufficient data left in message");
        let (header, rest) = bytes.split_first_chunk::<8>().ok_or_else(missing)?;
        let word = |index: usize| u16::from_be_bytes([header[index * 2], header[index * 2 + 1]]);
        let (count, weight, sign, scale) = (usize::from(word(0)), word(1).cast_signed(), word(2), word(3));
        if ![POSITIVE, NEGATIVE, NAN, INFINITY, NEG_INFINITY].contains(&sign) {
            return Err(fault("sign"));
        }
        if scale > MAX_SCALE {
            return Err(fault("scale"));
        }
        if rest.len() < count * 2 {
            return Err(missing());
        }
        if rest.len() > count * 2 {
            return Err(Error::new(Kind::InvalidBinary, "incorrect binary data format for type numeric"));
        }
        let mut pairs = Vec::with_capacity(count * 2);
        for pair in rest.chunks_exact(2) {
            let digit = u16::from_be_bytes([pair[0], pair[1]]);
            if digit > 9999 {
                return Err(fault("digit"));
            }
            pairs.extend([digit / 100, digit % 100].map(|pair| u8::try_from(pair).unwrap_or(0)));
        }
        match sign {
            NAN => return Ok(Numeric::NaN),
            INFINITY => return Ok(Numeric::Infinity),
            NEG_INFINITY => return Ok(Numeric::NegInfinity),
            _ => {}
        }
        let magnitude = BigUint::from_radix_be(&pairs, 100).unwrap_or_default();
        // The last digit stands for this power of ten; what lies beyond the display scale is cut.
        let exponent = (i32::from(weight) + 1 - i32::try_from(count).unwrap_or(i32::MAX)) * 4 + i32::from(scale);
        let magnitude = BigInt::from(magnitude);
        let coefficient = match usize::try_from(exponent) {
            Ok(digits) if !magnitude.is_zero() => magnitude * pow10(digits),
            Ok(_) => magnitude,
            Err(_) => cut(&magnitude, usize::try_from(-exponent).unwrap_or(0)),
        };
        Numeric::checked(if sign == NEGATIVE { -coefficient } else { coefficient }, i32::from(scale))
    }
}

/// The digits in base 10000, the first of which is not 0.
fn groups_of(value: &BigInt) -> Vec<u16> {
    let mut groups = Vec::new();
    if let Some(mut rest) = value.magnitude().to_u128() {
        while rest != 0 {
            groups.push(u16::try_from(rest % 10_000).unwrap_or(0));
            rest /= 10_000;
        }
    } else {
        let pairs = value.magnitude().to_radix_le(100);
        groups.extend(pairs.chunks(2).map(|pair| match pair {
            [low, high] => u16::from(*high) * 100 + u16::from(*low),
            pair => u16::from(pair[0]),
        }));
    }
    groups.reverse();
    groups
}

fn put_header(count: usize, weight: i32, sign: u16, scale: u16, out: &mut Vec<u8>) {
    out.extend(u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(i16::try_from(weight).unwrap_or(i16::MAX).to_be_bytes());
    out.extend(sign.to_be_bytes());
    out.extend(scale.to_be_bytes());
}
