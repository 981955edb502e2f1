//! Functions and operators of arrays, which have one dimension here, or none if they are empty.
//!
//! <https://www.postgresql.org/docs/15/functions-array.html>

mod change;
mod inspect;

use crate::error::{Error, Result};
use crate::function::datum::Datum;
use crate::function::io::compare;
use crate::function::{Function, SetFunction, lax, strict};
use crate::pgtype::types::PgType;

/// The scalar functions. `array_get` and `array_slice` are what `a[i]` and `a[i:j]` mean.
pub const FUNCTIONS: &[Function] = &[
    strict("array_length", "anyarray int4", "int4", inspect::length),
    strict("array_lower", "anyarray int4", "int4", inspect::lower),
    strict("array_upper", "anyarray int4", "int4", inspect::length),
    strict("array_ndims", "anyarray", "int4", inspect::dimensions),
    strict("array_dims", "anyarray", "text", inspect::bounds),
    strict("cardinality", "anyarray", "int4", inspect::cardinality),
    lax("array_position", "anycompatiblearray anycompatible", "int4", inspect::position),
    lax("array_position", "anycompatiblearray anycompatible int4", "int4", inspect::position),
    lax("array_positions", "anycompatiblearray anycompatible", "int4[]", inspect::positions),
    strict("array_to_string", "anyarray text", "text", inspect::to_string),
    lax("array_to_string", "anyarray text text", "text", inspect::to_string),
    strict("array_get", "anyarray int4", "anyelement", inspect::get),
    strict("array_slice", "anyarray int4 int4", "anyarray", inspect::slice),
    lax("array_append", "anycompatiblearray anycompatible", "anycompatiblearray", change::append),
    lax("array_prepend", "anycompatible anycompatiblearray", "anycompatiblearray", change::prepend),
    lax("array_cat", "anycompatiblearray anycompatiblearray", "anycompatiblearray", change::cat),
    lax("array_remove", "anycompatiblearray anycompatible", "anycompatiblearray", change::remove),
    lax("array_replace", "anycompatiblearray anycompatible anycompatible", "anycompatiblearray", change::replace),
    lax("array_fill", "anyelement int4[]", "anyarray", change::fill),
    lax("array_fill", "anyelement int4[] int4[]", "anyarray", change::fill),
    strict("trim_array", "anyarray int4", "anyarray", change::trim),
];

/// The operators. Those that compare are made of [`crate::function::io::compare`].
pub const OPERATORS: &[Function] = &[
    lax("||", "anycompatiblearray anycompatiblearray", "anycompatiblearray", change::cat),
    lax("||", "anycompatiblearray anycompatible", "anycompatiblearray", change::append),
    lax("||", "anycompatible anycompatiblearray", "anycompatiblearray", change::prepend),
    strict("@>", "anyarray anyarray", "bool", inspect::contains),
    strict("<@", "anyarray anyarray", "bool", inspect::contained),
    strict("&&", "anyarray anyarray", "bool", inspect::overlaps),
];

/// The set-returning functions.
pub const SETS: &[SetFunction] =
    &[SetFunction { name: "unnest", args: "anyarray", columns: "anyelement", strict: true, rows: change::unnest }];

fn wrong_argument() -> Error {
    Error::internal("an argument of another type than declared")
}

/// The elements of an array; `None` for NULL.
fn elements<'a, 'b>(args: &'b [Datum<'a>], at: usize) -> Result<Option<&'b [Datum<'a>]>> {
    match args.get(at) {
        Some(Datum::Null) => Ok(None),
        Some(Datum::Array(items)) => Ok(Some(items)),
        _ => Err(wrong_argument()),
    }
}

/// The elements of an array that is not NULL.
fn items<'a, 'b>(args: &'b [Datum<'a>], at: usize) -> Result<&'b [Datum<'a>]> {
    elements(args, at)?.ok_or_else(wrong_argument)
}

fn number(args: &[Datum<'_>], at: usize) -> Result<i32> {
    match args.get(at) {
        Some(Datum::Int4(number)) => Ok(*number),
        _ => Err(wrong_argument()),
    }
}

fn int4(number: usize) -> Datum<'static> {
    Datum::Int4(i32::try_from(number).unwrap_or(i32::MAX))
}

/// Whether two elements are the same; NULL is the same as NULL.
fn is_same(a: &Datum<'_>, b: &Datum<'_>) -> bool {
    compare(PgType::Unknown, a, b).is_eq()
}

#[cfg(test)]
#[path = "array/tests.rs"]
mod tests;
