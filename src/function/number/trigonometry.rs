//! Trigonometric and hyperbolic functions.

use std::f64::consts::LN_2;

use crate::error::{Error, Kind, Result};
use crate::function::number::degrees::RADIANS_PER_DEGREE;
use crate::function::number::float::{self, underflow};

/// The fault of an argument for which there is no value.
pub(super) fn out_of_range() -> Error {
    Error::new(Kind::NumericOutOfRange, "input is out of range")
}

fn finite(value: f64, function: fn(f64) -> f64) -> Result<f64> {
    if value.is_infinite() { Err(out_of_range()) } else { Ok(function(value)) }
}

pub(super) fn sin(value: f64) -> Result<f64> {
    finite(value, f64::sin)
}

pub(super) fn cos(value: f64) -> Result<f64> {
    finite(value, f64::cos)
}

pub(super) fn tan(value: f64) -> Result<f64> {
    finite(value, f64::tan)
}

pub(super) fn cot(value: f64) -> Result<f64> {
    finite(value, |value| 1.0 / value.tan())
}

pub(super) fn asin(value: f64) -> Result<f64> {
    if value.abs() > 1.0 { Err(out_of_range()) } else { Ok(value.asin()) }
}

pub(super) fn acos(value: f64) -> Result<f64> {
    if value.abs() > 1.0 { Err(out_of_range()) } else { Ok(value.acos()) }
}

pub(super) fn cosh(value: f64) -> Result<f64> {
    let result = value.cosh();
    if result == 0.0 { Err(underflow()) } else { Ok(result) }
}

// The standard library has its own ways for the next three; these take the steps of the C library, so that the last
// digit is the same.

pub(super) fn asinh(value: f64) -> f64 {
    let size = value.abs();
    let result = if !size.is_finite() || size < 2.0_f64.powi(-28) {
        return value;
    } else if size > 2.0_f64.powi(28) {
        size.ln() + LN_2
    } else if size > 2.0 {
        (2.0 * size + 1.0 / ((size * size + 1.0).sqrt() + size)).ln()
    } else {
        let square = size * size;
        (size + square / (1.0 + (1.0 + square).sqrt())).ln_1p()
    };
    result.copysign(value)
}

pub(super) fn acosh(value: f64) -> Result<f64> {
    if value < 1.0 {
        return Err(out_of_range());
    }
    Ok(if !value.is_finite() {
        value
    } else if value > 2.0_f64.powi(28) {
        value.ln() + LN_2
    } else if value > 2.0 {
        (2.0 * value - 1.0 / (value + (value * value - 1.0).sqrt())).ln()
    } else {
        let above = value - 1.0;
        (above + (2.0 * above + above * above).sqrt()).ln_1p()
    })
}

pub(super) fn atanh(value: f64) -> Result<f64> {
    let size = value.abs();
    if size > 1.0 {
        return Err(out_of_range());
    }
    let result = if size == 1.0 {
        f64::INFINITY
    } else if size < 2.0_f64.powi(-28) {
        return Ok(value);
    } else if size < 0.5 {
        let double = size + size;
        0.5 * (double + double * size / (1.0 - size)).ln_1p()
    } else {
        0.5 * ((size + size) / (1.0 - size)).ln_1p()
    };
    Ok(result.copysign(value))
}

pub(super) fn degrees(radians: f64) -> Result<f64> {
    float::div(radians, RADIANS_PER_DEGREE)
}

pub(super) fn radians(degrees: f64) -> Result<f64> {
    float::mul(degrees, RADIANS_PER_DEGREE)
}
