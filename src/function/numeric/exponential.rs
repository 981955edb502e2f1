//! Roots, exponentials and logarithms, with PostgreSQL's number of fractional digits.
//!
//! Values in between are binary fixed point: an integer that stands for itself / 2^`bits`.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

use crate::error::{Error, Kind, Result};
use crate::function::numeric::digits::{cut, divide_rounded, leading, length, pow10, scaled};
use crate::function::numeric::{MAX_DISPLAY_SCALE, MIN_SIGNIFICANT, Numeric, division_by_zero, overflow};

/// log10(e), as precisely as PostgreSQL uses it for estimates.
#[expect(clippy::approx_constant, reason = "the last digit decides where an estimate falls")]
pub(super) const LOG10_E: f64 = 0.434_294_481_903_252;
/// ln(10), as precisely as PostgreSQL uses it for estimates.
const LN_10: f64 = std::f64::consts::LN_10;
/// Beyond this, the exponential is 0 or too large.
const MAX_EXPONENT: f64 = 6000.0;
/// Bits that make errors of a few steps invisible.
const GUARD: usize = 64;

impl Numeric {
    /// The square root.
    ///
    /// # Errors
    /// 2201F for a negative number.
    pub fn sqrt(&self) -> Result<Self> {
        if self.side() == Sign::Minus {
            return Err(Error::new(Kind::InvalidPower, "cannot take square root of a negative number"));
        }
        let Numeric::Finite { coefficient, scale } = self else { return Ok(self.clone()) };
        let weight = (leading(coefficient, *scale).weight + 1) * 4 / 2 - 1;
        let shown = shown(MIN_SIGNIFICANT - weight, &[*scale]);
        // One digit more than shown decides how to round.
        let shift = (shown + 1) * 2 - i32::from(*scale);
        let square = match usize::try_from(shift) {
            Ok(digits) => scaled(coefficient, digits).into_owned(),
            Err(_) => cut(coefficient, usize::try_from(-shift).unwrap_or(0)),
        };
        Numeric::checked((square.sqrt() + 5) / 10, shown)
    }

    /// e to this power.
    ///
    /// # Errors
    /// 22003
    pub fn exp(&self) -> Result<Self> {
        let Numeric::Finite { coefficient, scale } = self else {
            return Ok(if self.side() == Sign::Minus { Numeric::new(0, 0) } else { self.clone() });
        };
        let value = self.to_f64_lossy();
        let weight = whole((value * LOG10_E).clamp(-2000.0, 2000.0));
        let shown = shown(MIN_SIGNIFICANT - weight, &[*scale]);
        if value.abs() >= MAX_EXPONENT {
            return if value > 0.0 { Err(overflow()) } else { Numeric::checked(BigInt::ZERO, shown) };
        }
        let bits = bits_of(shown + whole(value * LOG10_E).max(0) + 1);
        exp_of(&((coefficient << bits) / pow10(usize::from(*scale))), bits, shown)
    }

    /// The natural logarithm.
    ///
    /// # Errors
    /// 2201E for 0 and less.
    pub fn ln(&self) -> Result<Self> {
        self.check_logarithm()?;
        let Numeric::Finite { coefficient, scale } = self else { return Ok(self.clone()) };
        let shown = shown(MIN_SIGNIFICANT - ln_weight(coefficient, *scale), &[*scale]);
        ln_rounded(coefficient, *scale, shown)
    }

    /// The logarithm to the base `base`.
    ///
    /// # Errors
    /// 2201E for 0 and less, 22012 for the base 1.
    pub fn log(&self, base: &Self) -> Result<Self> {
        use Numeric::{Finite, Infinity, NaN};
        let (Finite { coefficient: a, scale: s }, Finite { coefficient: b, scale: t }) = (self, base) else {
            if self.is_nan() || base.is_nan() {
                return Ok(NaN);
            }
            for sign in [Sign::Minus, Sign::NoSign] {
                [base, self].into_iter().filter(|value| value.side() == sign).try_for_each(Numeric::check_logarithm)?;
            }
            return Ok(match (self, base) {
                (Infinity, Infinity) => NaN,
                (_, Infinity) => Numeric::new(0, 0),
                _ => Infinity,
            });
        };
        base.check_logarithm()?;
        self.check_logarithm()?;
        let (weight, base_weight) = (ln_weight(a, *s), ln_weight(b, *t));
        let shown = shown(MIN_SIGNIFICANT - (weight - base_weight), &[*s, *t]);
        // As many significant digits for each logarithm as the quotient has, and some.
        let digits = shown + weight - base_weight + 8;
        let bits = bits_of(digits - weight.min(base_weight));
        let divisor = ln_fixed(b, *t, bits);
        if divisor.is_zero() {
            return Err(division_by_zero());
        }
        Numeric::checked(divide_rounded(&scaled(&ln_fixed(a, *s, bits), to_usize(shown)), &divisor), shown)
    }

    fn check_logarithm(&self) -> Result<()> {
        match self.side() {
            Sign::NoSign if self.is_zero() => Err(Error::new(Kind::InvalidLogarithm, "cannot take logarithm of zero")),
            Sign::Minus => Err(Error::new(Kind::InvalidLogarithm, "cannot take logarithm of a negative number")),
            _ => Ok(()),
        }
    }
}

/// The scale of a result: the wanted one, at least that of the arguments, at most 1000.
pub(super) fn shown(wanted: i32, scales: &[u16]) -> i32 {
    scales.iter().fold(wanted, |shown, scale| shown.max(i32::from(*scale))).clamp(0, MAX_DISPLAY_SCALE)
}

/// The double without its fraction.
pub(super) fn whole(value: f64) -> i32 {
    value as i32
}

/// Bits that hold so many fractional decimal digits, and some more.
pub(super) fn bits_of(digits: i32) -> usize {
    to_usize(digits) * 10 / 3 + GUARD
}

pub(super) fn to_usize(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

/// The power of ten of the natural logarithm, as PostgreSQL estimates it. The number is above 0.
pub(super) fn ln_weight(coefficient: &BigInt, scale: u16) -> i32 {
    let one = pow10(usize::from(scale));
    let tenths = coefficient * 10_u8;
    if tenths >= &one * 9_u8 && tenths <= &one * 11_u8 {
        let difference = coefficient - &one;
        if difference.is_zero() {
            return 0;
        }
        // ln(1 + x) is nearly x.
        return i32::try_from(length(&difference)).unwrap_or(i32::MAX) - 1 - i32::from(scale);
    }
    let start = leading(coefficient, scale);
    let (digits, exponent) = if start.is_longer {
        (start.first * 10_000 + start.second, (start.weight - 1) * 4)
    } else {
        (start.first, start.weight * 4)
    };
    let ln = f64::from(digits).ln() + f64::from(exponent) * LN_10;
    whole(ln.abs().log10())
}

/// The natural logarithm, rounded to `shown` digits.
pub(super) fn ln_rounded(coefficient: &BigInt, scale: u16, shown: i32) -> Result<Numeric> {
    let bits = bits_of(shown);
    let value = ln_fixed(coefficient, scale, bits);
    Numeric::checked(divide_rounded(&scaled(&value, to_usize(shown)), &(BigInt::from(1) << bits)), shown)
}

/// The natural logarithm of a number above 0, in fixed point.
pub(super) fn ln_fixed(coefficient: &BigInt, scale: u16, bits: usize) -> BigInt {
    let extra = bits + GUARD;
    let (mut above, mut below) = (coefficient.clone(), pow10(usize::from(scale)));
    // The number is 2^twos × above / below, the quotient between 3/4 and 3/2.
    let mut twos = to_i64(above.bits()) - to_i64(below.bits());
    if twos > 0 {
        below <<= twos.unsigned_abs();
    } else {
        above <<= twos.unsigned_abs();
    }
    if (&above << 2_u8) < &below * 3_u8 {
        above <<= 1_u8;
        twos -= 1;
    } else if (&above << 1_u8) >= &below * 3_u8 {
        below <<= 1_u8;
        twos += 1;
    }
    let ratio = ((&above - &below) << extra) / (above + below);
    let mut sum = artanh(&ratio, extra) << 1_u8;
    if twos != 0 {
        sum += ln_2(extra) * twos;
    }
    divide_rounded(&sum, &(BigInt::from(1) << GUARD))
}

fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn ln_2(bits: usize) -> BigInt {
    let extra = bits + GUARD;
    artanh(&((BigInt::from(1) << extra) / 3), extra) >> (GUARD - 1)
}

/// The inverse hyperbolic tangent by its series, in fixed point.
fn artanh(value: &BigInt, bits: usize) -> BigInt {
    let size = value.abs();
    let square = (&size * &size) >> bits;
    let (mut term, mut sum) = (size.clone(), size);
    let mut divisor = 3_u32;
    loop {
        term = (term * &square) >> bits;
        let part = &term / divisor;
        if part.is_zero() {
            break;
        }
        sum += part;
        divisor += 2;
    }
    if value.sign() == Sign::Minus { -sum } else { sum }
}

/// e to the power of a number in fixed point, rounded to `shown` digits.
pub(super) fn exp_of(value: &BigInt, bits: usize, shown: i32) -> Result<Numeric> {
    // The exponential of a 2^halvings-th of it has few terms; squared as often, it is the wanted one.
    let halvings = (bits as f64).sqrt().to_usize().unwrap_or(0) / 2 + 1;
    let extra = bits + halvings * 2 + GUARD;
    let value = value << (extra - bits);
    let ln_2 = ln_2(extra);
    let twos = num_integer::Integer::div_floor(&value, &ln_2);
    let rest = (value - &twos * ln_2) >> halvings;
    let one = BigInt::from(1) << extra;
    let (mut sum, mut term) = (&one + &rest, rest.clone());
    let mut divisor = 2_u32;
    while !term.is_zero() {
        term = ((term * &rest) >> extra) / divisor;
        sum += &term;
        divisor += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> extra;
    }
    let product = scaled(&sum, to_usize(shown)).into_owned();
    let twos = twos.to_i64().ok_or_else(overflow)?;
    let shift = to_i64(extra as u64) - twos;
    let coefficient = match shift.cmp(&0) {
        Ordering::Greater => divide_rounded(&product, &(BigInt::from(1) << shift.unsigned_abs())),
        _ => product << shift.unsigned_abs(),
    };
    Numeric::checked(coefficient, shown)
}
