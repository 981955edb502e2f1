//! Trigonometry in degrees: exact where the result is (30, 45, 60, 90 …), as PostgreSQL makes it so, by scaling each
//! result with what the C library gives for the angle next to it.

use std::hint::black_box;

use crate::error::Result;
use crate::function::number::trigonometry::out_of_range;

/// π / 180
pub(super) const RADIANS_PER_DEGREE: f64 = 0.017_453_292_519_943_295;

fn sin_to_30(degrees: f64) -> f64 {
    (degrees * RADIANS_PER_DEGREE).sin() / sin_of_30() / 2.0
}

fn cos_to_60(degrees: f64) -> f64 {
    let from_one = 1.0 - (degrees * RADIANS_PER_DEGREE).cos();
    1.0 - from_one / (1.0 - (black_box(60.0) * RADIANS_PER_DEGREE).cos()) / 2.0
}

// The compiler must not work these out: its result need not be the library's.
fn sin_of_30() -> f64 {
    (black_box(30.0) * RADIANS_PER_DEGREE).sin()
}

/// The sine of 0 to 90 degrees.
fn sin_quadrant(degrees: f64) -> f64 {
    if degrees <= 30.0 { sin_to_30(degrees) } else { cos_to_60(90.0 - degrees) }
}

/// The cosine of 0 to 90 degrees.
fn cos_quadrant(degrees: f64) -> f64 {
    if degrees <= 60.0 { cos_to_60(degrees) } else { sin_to_30(90.0 - degrees) }
}

/// An angle brought between 0 and 90 degrees, and where it came from.
struct Folded {
    degrees: f64,
    /// The angle was below 0, or is beyond 180.
    is_mirrored: bool,
    /// It was left of the vertical.
    is_left: bool,
}

fn fold(degrees: f64) -> Result<Folded> {
    if degrees.is_infinite() {
        return Err(out_of_range());
    }
    let mut degrees = degrees % 360.0;
    let mut is_mirrored = false;
    if degrees < 0.0 {
        degrees = -degrees;
        is_mirrored = true;
    }
    if degrees > 180.0 {
        degrees = 360.0 - degrees;
        is_mirrored = !is_mirrored;
    }
    let is_left = degrees > 90.0;
    Ok(Folded { degrees: if is_left { 180.0 - degrees } else { degrees }, is_mirrored, is_left })
}

fn signed(value: f64, is_negative: bool) -> f64 {
    if is_negative { -value } else { value }
}

pub(super) fn sind(degrees: f64) -> Result<f64> {
    if degrees.is_nan() {
        return Ok(f64::NAN);
    }
    let folded = fold(degrees)?;
    Ok(signed(sin_quadrant(folded.degrees), folded.is_mirrored))
}

pub(super) fn cosd(degrees: f64) -> Result<f64> {
    if degrees.is_nan() {
        return Ok(f64::NAN);
    }
    let folded = fold(degrees)?;
    Ok(signed(cos_quadrant(folded.degrees), folded.is_left))
}

pub(super) fn tand(degrees: f64) -> Result<f64> {
    ratio(degrees, |degrees| sin_quadrant(degrees) / cos_quadrant(degrees))
}

pub(super) fn cotd(degrees: f64) -> Result<f64> {
    ratio(degrees, |degrees| cos_quadrant(degrees) / sin_quadrant(degrees))
}

fn ratio(degrees: f64, function: fn(f64) -> f64) -> Result<f64> {
    if degrees.is_nan() {
        return Ok(f64::NAN);
    }
    let folded = fold(degrees)?;
    let value = function(folded.degrees) / function(black_box(45.0));
    let value = signed(value, folded.is_mirrored != folded.is_left);
    // No -0.
    Ok(if value == 0.0 { 0.0 } else { value })
}

/// The arcsine of 0 to 1.
fn asin_quadrant(value: f64) -> f64 {
    if value <= 0.5 { asin_part(value) } else { 90.0 - acos_part(value) }
}

/// The arccosine of 0 to 1.
fn acos_quadrant(value: f64) -> f64 {
    if value <= 0.5 { 90.0 - asin_part(value) } else { acos_part(value) }
}

fn asin_part(value: f64) -> f64 {
    value.asin() / black_box(0.5_f64).asin() * 30.0
}

fn acos_part(value: f64) -> f64 {
    value.acos() / black_box(0.5_f64).acos() * 60.0
}

pub(super) fn asind(value: f64) -> Result<f64> {
    if value.abs() > 1.0 {
        return Err(out_of_range());
    }
    Ok(if value >= 0.0 { asin_quadrant(value) } else { -asin_quadrant(-value) })
}

pub(super) fn acosd(value: f64) -> Result<f64> {
    if value.abs() > 1.0 {
        return Err(out_of_range());
    }
    Ok(if value >= 0.0 { acos_quadrant(value) } else { 90.0 + asin_quadrant(-value) })
}

pub(super) fn atand(value: f64) -> f64 {
    value.atan() / black_box(1.0_f64).atan() * 45.0
}

pub(super) fn atan2d(y: f64, x: f64) -> f64 {
    y.atan2(x) / black_box(1.0_f64).atan() * 45.0
}
