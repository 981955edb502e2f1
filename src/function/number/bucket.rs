//! `width_bucket`: which of several ranges a value falls in.

use std::cmp::Ordering;

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::number::integer::out_of_range;
use crate::function::numeric::Numeric;
use crate::pgtype::style::Style;

fn fault(message: &str) -> Error {
    Error::new(Kind::InvalidWidthBucket, message)
}

fn check_count(count: i32) -> Result<()> {
    if count <= 0 { Err(fault("count must be greater than zero")) } else { Ok(()) }
}

fn has_nan() -> Error {
    fault("operand, lower bound, and upper bound cannot be NaN")
}

fn is_infinite() -> Error {
    fault("lower and upper bounds must be finite")
}

fn is_empty() -> Error {
    fault("lower bound cannot equal upper bound")
}

fn beyond(count: i32) -> Result<i32> {
    count.checked_add(1).ok_or_else(out_of_range::<i32>)
}

pub(super) fn float8(operand: f64, lower: f64, upper: f64, count: i32) -> Result<i32> {
    check_count(count)?;
    if operand.is_nan() || lower.is_nan() || upper.is_nan() {
        return Err(has_nan());
    }
    if lower.is_infinite() || upper.is_infinite() {
        return Err(is_infinite());
    }
    // From high to low, everything is turned around.
    let (operand, lower, upper) = match lower.partial_cmp(&upper) {
        Some(Ordering::Less) => (operand, lower, upper),
        Some(Ordering::Greater) => (-operand, -lower, -upper),
        _ => return Err(is_empty()),
    };
    if operand < lower {
        return Ok(0);
    }
    if operand >= upper {
        return beyond(count);
    }
    let bucket = f64::from(count) * (operand - lower) / (upper - lower) + 1.0;
    // What overflows on the way becomes the least integer, as the processor makes it.
    let is_in_range = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&bucket.trunc());
    Ok(if is_in_range { bucket as i32 } else { i32::MIN })
}

pub(super) fn numeric(operand: &Numeric, lower: &Numeric, upper: &Numeric, count: i32) -> Result<i32> {
    check_count(count)?;
    if operand.is_nan() || lower.is_nan() || upper.is_nan() {
        return Err(has_nan());
    }
    if !lower.is_finite() || !upper.is_finite() {
        return Err(is_infinite());
    }
    let order = lower.compare(upper);
    if order == Ordering::Equal {
        return Err(is_empty());
    }
    let before = operand.compare(lower);
    if before == order {
        return Ok(0);
    }
    if operand.compare(upper) != order {
        return beyond(count);
    }
    let part = operand.sub(lower)?.mul(&Numeric::from(count))?.div(&upper.sub(lower)?)?;
    part.add(&Numeric::from(1))?.floor().to_i32()
}

/// `width_bucket(anycompatible, anycompatiblearray)`: how many of the sorted thresholds are not above the operand.
pub(super) fn thresholds<'a>(args: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let [operand, Datum::Array(thresholds)] = args else {
        return Err(Error::internal("width_bucket needs an array"));
    };
    if thresholds.iter().any(Datum::is_null) {
        return Err(Error::new(Kind::NullNotAllowed, "thresholds array must not contain NULLs"));
    }
    let (mut left, mut right) = (0, thresholds.len());
    while left < right {
        let middle = usize::midpoint(left, right);
        if is_less(operand, &thresholds[middle])? {
            right = middle;
        } else {
            left = middle + 1;
        }
    }
    i32::try_from(left).map(Datum::Int4).map_err(|_| out_of_range::<i32>())
}

fn is_less(a: &Datum<'_>, b: &Datum<'_>) -> Result<bool> {
    use Datum as D;
    Ok(match (a, b) {
        (D::Bool(a), D::Bool(b)) => a < b,
        (D::Int2(a), D::Int2(b)) => a < b,
        (D::Int4(a), D::Int4(b)) => a < b,
        (D::Int8(a), D::Int8(b)) => a < b,
        (D::Oid(a), D::Oid(b)) => a < b,
        (D::Float4(a), D::Float4(b)) => a < b || !a.is_nan() && b.is_nan(),
        // PostgreSQL has a way of its own for these, which does not know that NaN is the greatest threshold.
        (D::Float8(a), D::Float8(b)) => a < b,
        (D::Numeric(a), D::Numeric(b)) => a.compare(b).is_lt(),
        (D::Text(a), D::Text(b)) => a < b,
        (D::Bytea(a), D::Bytea(b)) => a < b,
        (D::Uuid(a), D::Uuid(b)) => a < b,
        (D::Date(a), D::Date(b)) => a < b,
        (D::Time(a), D::Time(b)) | (D::Timestamp(a), D::Timestamp(b)) | (D::Timestamptz(a), D::Timestamptz(b)) => a < b,
        (D::Interval(a), D::Interval(b)) => span(a) < span(b),
        _ => return Err(Error::unsupported("width_bucket over this type")),
    })
}

/// The length of an interval as PostgreSQL compares it: months of 30 days, days of 24 hours.
fn span(interval: &crate::pgtype::interval::Interval) -> i128 {
    let days = i128::from(interval.months) * 30 + i128::from(interval.days);
    days * i128::from(crate::pgtype::calendar::DAY_US) + i128::from(interval.micros)
}
