//! Numbers as bytes that compare as the numbers do.
//!
//! A head says on which side of 0 the number is and how many pairs of decimal digits stand before the point, the pairs
//! follow, each as its value + 1, and a 0 ends them. Below 0 all bits of these are turned around. Zeros at the end are
//! left out, so the bytes do not depend on the scale, which stands behind them.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::ToPrimitive;

use crate::function::numeric::digits::{cut, scaled};
use crate::function::numeric::{MAX_SCALE, Numeric};

const NEG_INFINITY: u8 = 0x00;
const ZERO: u8 = 0x80;
const INFINITY: u8 = 0xfe;
const NAN: u8 = 0xff;
/// The head of a number with so many pairs before the point that their number stands in three bytes after it.
const LARGE: u8 = 0xe7;
/// The head of one with as many zero pairs behind it.
const SMALL: u8 = 0x81;
/// The head of a number whose first pair stands right behind the point.
const MIDDLE: i32 = 0xb4;
/// What makes a number of pairs positive.
const BIAS: i32 = 1 << 16;

impl Numeric {
    /// The number as bytes: those of [`Numeric::key`], and the scale. Their order is that of the numbers, and among
    /// equal ones that of the scales.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        match self {
            Numeric::NegInfinity => out.push(NEG_INFINITY),
            Numeric::Infinity => out.push(INFINITY),
            Numeric::NaN => out.push(NAN),
            Numeric::Finite { coefficient, scale } => match coefficient.sign() {
                Sign::NoSign => out.push(ZERO),
                Sign::Plus => put_positive(coefficient, *scale, &mut out),
                Sign::Minus => {
                    put_positive(coefficient, *scale, &mut out);
                    out.iter_mut().for_each(|byte| *byte = !*byte);
                }
            },
        }
        out.extend(self.scale().to_be_bytes());
        out
    }

    /// The part of the bytes that is the same for equal numbers, whatever their scales, and orders them.
    pub fn key(encoded: &[u8]) -> &[u8] {
        &encoded[..encoded.len().saturating_sub(2)]
    }

    /// The number of a key, at the least scale that holds it; none if the bytes are no key.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let at = |scale: u16| Numeric::decode(&[key, &scale.to_be_bytes()].concat());
        // Nearly all have few digits; each attempt costs as many as it allows for.
        let numbers = [40, 1_000, MAX_SCALE].into_iter().map(at);
        numbers.map(|number| number.trim_scale()).find(|number| Numeric::key(&number.encode()) == key)
    }

    /// The number that [`Numeric::encode`] made bytes of. Other bytes give some number.
    pub fn decode(bytes: &[u8]) -> Self {
        let Some((key, scale)) = bytes.split_last_chunk::<2>() else { return Numeric::NaN };
        let scale = u16::from_be_bytes(*scale);
        match key.first() {
            Some(&NEG_INFINITY) => Numeric::NegInfinity,
            Some(&INFINITY) => Numeric::Infinity,
            Some(&NAN) | None => Numeric::NaN,
            Some(&ZERO) => Numeric::new(0, scale),
            Some(head) if *head > ZERO => Numeric::new(magnitude(key, 0, scale), scale),
            Some(_) => Numeric::new(-magnitude(key, 0xff, scale), scale),
        }
    }
}

fn put_positive(coefficient: &BigInt, scale: u16, out: &mut Vec<u8>) {
    // Pairs start at the point.
    let behind = i32::from(scale.div_ceil(2));
    let mut buffer = [0_u8; 20];
    let long;
    let magnitude = coefficient.magnitude();
    let padding = u64::from(scale % 2) * 9 + 1;
    let pairs = if let Some(small) = magnitude.to_u64().and_then(|small| small.checked_mul(padding)) {
        let (mut rest, mut start) = (small, buffer.len());
        while rest != 0 {
            start -= 1;
            buffer[start] = u8::try_from(rest % 100).unwrap_or(0);
            rest /= 100;
        }
        &buffer[start..]
    } else {
        long = (magnitude * padding).to_radix_be(100);
        &long[..]
    };
    let before = i32::try_from(pairs.len()).unwrap_or(i32::MAX) - behind;
    match u8::try_from(before + MIDDLE) {
        Ok(head) if SMALL < head && head < LARGE => out.push(head),
        _ => {
            let [_, rest @ ..] = (before + BIAS).to_be_bytes();
            out.push(if before > 0 { LARGE } else { SMALL });
            out.extend(rest);
        }
    }
    let end = pairs.iter().rposition(|pair| *pair != 0).map_or(0, |last| last + 1);
    out.extend(pairs[..end].iter().map(|pair| pair + 1));
    out.push(0);
}

/// The coefficient out of a key, each byte of which is turned around by `mask`.
fn magnitude(key: &[u8], mask: u8, scale: u16) -> BigInt {
    let head = key[0] ^ mask;
    let (before, pairs) = match key {
        [_, a, b, c, rest @ ..] if head == LARGE || head == SMALL => {
            (i32::from_be_bytes([0, a ^ mask, b ^ mask, c ^ mask]) - BIAS, rest)
        }
        _ => (i32::from(head) - MIDDLE, &key[1..]),
    };
    let pairs = pairs.split_last().map_or(pairs, |(_, pairs)| pairs);
    let digit = |byte: &u8| (byte ^ mask).saturating_sub(1);
    let value = if pairs.len() <= 19 {
        BigInt::from(pairs.iter().fold(0_u128, |value, byte| value * 100 + u128::from(digit(byte))))
    } else {
        let pairs: Vec<u8> = pairs.iter().map(digit).collect();
        BigInt::from(BigUint::from_radix_be(&pairs, 100).unwrap_or_default())
    };
    let shift = (before - i32::try_from(pairs.len()).unwrap_or(i32::MAX)) * 2 + i32::from(scale);
    match usize::try_from(shift) {
        Ok(digits) => scaled(&value, digits).into_owned(),
        Err(_) => cut(&value, usize::try_from(-shift).unwrap_or(0)),
    }
}
