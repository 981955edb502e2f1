//! The arguments of a call, of the types that its signature promises.

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::pgtype::interval::Interval;

fn wrong() -> Error {
    Error::internal("an argument of another type than the function's")
}

pub(in crate::function) fn text<'b>(args: &'b [Datum<'_>], at: usize) -> Result<&'b str> {
    if let Some(Datum::Text(value)) = args.get(at) { Ok(value) } else { Err(wrong()) }
}

pub(in crate::function) fn int4(args: &[Datum<'_>], at: usize) -> Result<i32> {
    if let Some(Datum::Int4(value)) = args.get(at) { Ok(*value) } else { Err(wrong()) }
}

pub(in crate::function) fn int8(args: &[Datum<'_>], at: usize) -> Result<i64> {
    if let Some(Datum::Int8(value)) = args.get(at) { Ok(*value) } else { Err(wrong()) }
}

pub(in crate::function) fn float8(args: &[Datum<'_>], at: usize) -> Result<f64> {
    if let Some(Datum::Float8(value)) = args.get(at) { Ok(*value) } else { Err(wrong()) }
}

pub(in crate::function) fn date(args: &[Datum<'_>], at: usize) -> Result<i32> {
    if let Some(Datum::Date(value)) = args.get(at) { Ok(*value) } else { Err(wrong()) }
}

pub(in crate::function) fn time(args: &[Datum<'_>], at: usize) -> Result<i64> {
    if let Some(Datum::Time(value)) = args.get(at) { Ok(*value) } else { Err(wrong()) }
}

/// A `timestamp` or a `timestamptz`.
pub(in crate::function) fn moment(args: &[Datum<'_>], at: usize) -> Result<i64> {
    match args.get(at) {
        Some(Datum::Timestamp(value) | Datum::Timestamptz(value)) => Ok(*value),
        _ => Err(wrong()),
    }
}

pub(in crate::function) fn interval(args: &[Datum<'_>], at: usize) -> Result<Interval> {
    if let Some(Datum::Interval(value)) = args.get(at) { Ok(*value) } else { Err(wrong()) }
}
