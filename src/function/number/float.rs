//! Floating-point numbers.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use crate::error::{Error, Kind, Result};
use crate::function::number::integer::division_by_zero;

pub(super) fn overflow() -> Error {
    Error::new(Kind::NumericOutOfRange, "value out of range: overflow")
}

pub(super) fn underflow() -> Error {
    Error::new(Kind::NumericOutOfRange, "value out of range: underflow")
}

/// The result, unless it left the range: it is infinite or 0, and could not become so from the arguments.
fn ranged<T: num_traits::Float>(result: T, may_be_infinite: bool, may_be_zero: bool) -> Result<T> {
    if result.is_infinite() && !may_be_infinite {
        return Err(overflow());
    }
    if result.is_zero() && !may_be_zero {
        return Err(underflow());
    }
    Ok(result)
}

pub(super) fn add<T: num_traits::Float>(a: T, b: T) -> Result<T> {
    ranged(a + b, a.is_infinite() || b.is_infinite(), true)
}

pub(super) fn sub<T: num_traits::Float>(a: T, b: T) -> Result<T> {
    ranged(a - b, a.is_infinite() || b.is_infinite(), true)
}

pub(super) fn mul<T: num_traits::Float>(a: T, b: T) -> Result<T> {
    ranged(a * b, a.is_infinite() || b.is_infinite(), a.is_zero() || b.is_zero())
}

pub(super) fn div<T: num_traits::Float>(a: T, b: T) -> Result<T> {
    if b.is_zero() && !a.is_nan() {
        return Err(division_by_zero());
    }
    ranged(a / b, a.is_infinite(), a.is_zero() || b.is_infinite())
}

pub(super) fn sign(a: f64) -> f64 {
    if a > 0.0 {
        1.0
    } else if a < 0.0 {
        -1.0
    } else {
        0.0
    }
}

pub(super) fn sqrt(a: f64) -> Result<f64> {
    if a < 0.0 {
        return Err(Error::new(Kind::InvalidPower, "cannot take square root of a negative number"));
    }
    ranged(a.sqrt(), a.is_infinite(), a == 0.0)
}

pub(super) fn cbrt(a: f64) -> Result<f64> {
    ranged(a.cbrt(), a.is_infinite(), a == 0.0)
}

pub(super) fn exp(a: f64) -> Result<f64> {
    ranged(a.exp(), a.is_infinite(), a.is_infinite())
}

pub(super) fn ln(a: f64) -> Result<f64> {
    logarithm(a, f64::ln)
}

pub(super) fn log10(a: f64) -> Result<f64> {
    logarithm(a, f64::log10)
}

fn logarithm(a: f64, function: fn(f64) -> f64) -> Result<f64> {
    if a == 0.0 {
        return Err(Error::new(Kind::InvalidLogarithm, "cannot take logarithm of zero"));
    }
    if a < 0.0 {
        return Err(Error::new(Kind::InvalidLogarithm, "cannot take logarithm of a negative number"));
    }
    ranged(function(a), a.is_infinite(), a == 1.0)
}

pub(super) fn power(a: f64, b: f64) -> Result<f64> {
    if a.is_nan() || b.is_nan() {
        // C's pow knows that anything to the 0 and 1 to anything are 1.
        return Ok(a.powf(b));
    }
    if a == 0.0 && b < 0.0 {
        return Err(Error::new(Kind::InvalidPower, "zero raised to a negative power is undefined"));
    }
    if a < 0.0 && b.floor() != b {
        let message = "a negative number raised to a non-integer power yields a complex result";
        return Err(Error::new(Kind::InvalidPower, message));
    }
    let is_special = a.is_infinite() || b.is_infinite();
    ranged(a.powf(b), is_special, is_special || a == 0.0)
}

/// Between 0 and 1, the latter not included.
pub(super) fn random() -> f64 {
    thread_local! {
        // The standard library seeds its hash maps with the operating system's randomness.
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one("random"));
    }
    // A Weyl sequence, its bits mixed (splitmix64).
    let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let bits = (mixed ^ (mixed >> 31)) >> 11;
    bits as f64 / 9_007_199_254_740_992.0
}
