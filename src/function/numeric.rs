//! `numeric`: decimal numbers of any length, each with the number of fractional digits that it shows (`dscale`).
//!
//! The value of every operation, the digits that it shows and its faults are PostgreSQL's.

mod arith;
mod convert;
mod digits;
mod exponential;
mod key;
mod power;
mod text;
mod wire;

#[cfg(test)]
#[path = "numeric/tests.rs"]
mod tests;

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, Zero};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::digits::{length, scaled};

/// Most fractional digits that a result of `div`, `exp` and their like is given.
const MAX_DISPLAY_SCALE: i32 = 1000;
/// Least significant digits that such a result has.
const MIN_SIGNIFICANT: i32 = 16;
/// Most fractional digits that a number can show.
pub(crate) const MAX_SCALE: u16 = 0x3fff;
/// Most digits before the point.
const MAX_WHOLE_DIGITS: usize = 131_072;

/// A number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numeric {
    /// `coefficient` / 10^`scale`, shown with `scale` fractional digits.
    Finite {
        /// The digits without the point.
        coefficient: BigInt,
        /// Fractional digits, at most 16383.
        scale: u16,
    },
    /// Less than all others.
    NegInfinity,
    /// More than all finite ones.
    Infinity,
    /// More than all others, and equal to itself.
    NaN,
}

impl Numeric {
    /// `coefficient` / 10^`scale`.
    pub fn new(coefficient: impl Into<BigInt>, scale: u16) -> Self {
        Numeric::Finite { coefficient: coefficient.into(), scale }
    }

    /// The number, if PostgreSQL can store it.
    fn checked(coefficient: BigInt, scale: i32) -> Result<Self> {
        let scale = u16::try_from(scale).ok().filter(|scale| *scale <= MAX_SCALE).ok_or_else(overflow)?;
        // A number of this many bits has less than 131072 digits.
        if coefficient.bits() > 435_411 && length(&coefficient) > MAX_WHOLE_DIGITS + usize::from(scale) {
            return Err(overflow());
        }
        Ok(Numeric::Finite { coefficient, scale })
    }

    /// The same number, if PostgreSQL can store it.
    pub(in crate::function) fn stored(self) -> Result<Self> {
        match self {
            Numeric::Finite { coefficient, scale } => Numeric::checked(coefficient, i32::from(scale)),
            other => Ok(other),
        }
    }

    /// The infinity of this sign; NaN for none.
    fn infinity(sign: Sign) -> Self {
        match sign {
            Sign::Minus => Numeric::NegInfinity,
            Sign::NoSign => Numeric::NaN,
            Sign::Plus => Numeric::Infinity,
        }
    }

    /// Fractional digits shown; 0 for NaN and the infinities.
    pub fn scale(&self) -> u16 {
        match self {
            Numeric::Finite { scale, .. } => *scale,
            _ => 0,
        }
    }

    /// Whether it is NaN.
    pub fn is_nan(&self) -> bool {
        matches!(self, Numeric::NaN)
    }

    /// Whether it is neither NaN nor an infinity.
    pub fn is_finite(&self) -> bool {
        matches!(self, Numeric::Finite { .. })
    }

    /// Whether it is 0, with whatever scale.
    pub fn is_zero(&self) -> bool {
        matches!(self, Numeric::Finite { coefficient, .. } if coefficient.is_zero())
    }

    /// Which side of 0 it is on. NaN has no sign.
    pub(crate) fn side(&self) -> Sign {
        match self {
            Numeric::Finite { coefficient, .. } => coefficient.sign(),
            Numeric::NegInfinity => Sign::Minus,
            Numeric::Infinity => Sign::Plus,
            Numeric::NaN => Sign::NoSign,
        }
    }

    /// PostgreSQL's order: -Infinity, the numbers by value, Infinity, NaN; NaN is equal to itself.
    pub fn compare(&self, other: &Self) -> Ordering {
        let (Numeric::Finite { coefficient: a, scale: s }, Numeric::Finite { coefficient: b, scale: t }) =
            (self, other)
        else {
            return self.class().cmp(&other.class());
        };
        if a.sign() != b.sign() {
            return a.sign().cmp(&b.sign());
        }
        match s.cmp(t) {
            Ordering::Equal => a.cmp(b),
            Ordering::Less => scaled(a, usize::from(t - s)).as_ref().cmp(b),
            Ordering::Greater => a.cmp(scaled(b, usize::from(s - t)).as_ref()),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Numeric::NegInfinity => 0,
            Numeric::Finite { .. } => 1,
            Numeric::Infinity => 2,
            Numeric::NaN => 3,
        }
    }

    /// The number with the other sign.
    pub fn neg(&self) -> Self {
        match self {
            Numeric::Finite { coefficient, scale } => Numeric::Finite { coefficient: -coefficient, scale: *scale },
            Numeric::NegInfinity => Numeric::Infinity,
            Numeric::Infinity => Numeric::NegInfinity,
            Numeric::NaN => Numeric::NaN,
        }
    }

    /// The number without its sign.
    pub fn abs(&self) -> Self {
        match self {
            Numeric::Finite { coefficient, scale } => Numeric::Finite { coefficient: coefficient.abs(), scale: *scale },
            Numeric::NegInfinity => Numeric::Infinity,
            other => other.clone(),
        }
    }

    /// -1, 0 or 1; NaN of NaN.
    pub fn sign(&self) -> Self {
        match self.side() {
            _ if self.is_nan() => Numeric::NaN,
            Sign::Minus => Numeric::new(-1, 0),
            Sign::NoSign => Numeric::new(0, 0),
            Sign::Plus => Numeric::new(1, 0),
        }
    }
}

impl From<i64> for Numeric {
    fn from(value: i64) -> Self {
        Numeric::new(value, 0)
    }
}

impl From<i32> for Numeric {
    fn from(value: i32) -> Self {
        Numeric::new(value, 0)
    }
}

impl From<i16> for Numeric {
    fn from(value: i16) -> Self {
        Numeric::new(value, 0)
    }
}

impl From<i128> for Numeric {
    fn from(value: i128) -> Self {
        Numeric::new(value, 0)
    }
}

fn overflow() -> Error {
    Error::new(Kind::NumericOutOfRange, "value overflows numeric format")
}

fn division_by_zero() -> Error {
    Error::new(Kind::DivisionByZero, "division by zero")
}
