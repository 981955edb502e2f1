//! The aggregates.
//!
//! A state is given the aggregated arguments only; the direct ones go to `make`. Three names are internal: `single_value`
//! is what a scalar subquery does with its rows, `first_of` gives the first row's value, and `json_agg_lines` is
//! `json_agg` over arrays and rows, which PostgreSQL puts on lines of their own. The JSON aggregates take values that are
//! JSON already, and keys that are text already.

mod bits;
mod exact;
mod extreme;
mod float;
mod gather;
mod hypothetical;
mod json;
mod ordered;
mod span;
mod table;

pub use table::AGGREGATES;

use std::cmp::Ordering;

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::io;
use crate::function::numeric::Numeric;
use crate::pgtype::types::PgType;

/// The one aggregated argument.
fn only<'d, 'a>(args: &'d [Datum<'a>]) -> Result<&'d Datum<'a>> {
    args.last().ok_or_else(|| Error::internal("an aggregate was called without its argument"))
}

/// The two aggregated arguments.
fn both<'d, 'a>(args: &'d [Datum<'a>]) -> Result<(&'d Datum<'a>, &'d Datum<'a>)> {
    match args {
        [.., first, second] => Ok((first, second)),
        _ => Err(Error::internal("an aggregate was called without its two arguments")),
    }
}

fn unexpected(datum: &Datum<'_>) -> Error {
    Error::internal(format!("an aggregate was called with {datum:?}"))
}

/// Compares two values of one type. Which type that is matters for `bpchar` and `"char"` only, and nobody tells: their
/// values are compared as other texts are.
fn compare(left: &Datum<'_>, right: &Datum<'_>) -> Ordering {
    io::compare(PgType::Unknown, left, right)
}

fn owned(datum: &Datum<'_>) -> Datum<'static> {
    datum.clone().into_owned()
}

/// Bytes that a value holds beside itself.
fn heap(datum: &Datum<'_>) -> usize {
    match datum {
        Datum::Text(text) | Datum::Jsonb(text) => text.len(),
        Datum::Bytea(bytes) => bytes.len(),
        Datum::Numeric(Numeric::Finite { coefficient, .. }) => exact::limbs(coefficient),
        Datum::Array(items) | Datum::Record(items) => items.iter().map(|item| size_of_val(item) + heap(item)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
