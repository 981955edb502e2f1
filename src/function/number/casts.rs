//! The casts, and the functions of the same names.

use num_traits::ToPrimitive;

use crate::error::{Error, Kind, Result};
use crate::function::number::float::{overflow, underflow};
use crate::function::number::integer::{Int, out_of_range};
use crate::function::number::value::{Give, take};
use crate::function::numeric::Numeric;
use crate::function::{Cast, CastContext, Function, cast, strict};

macro_rules! converted {
    ($kind:ident, ($from:ident) -> $to:ident, $context:ident, $function:expr) => {
        cast(
            stringify!($from),
            stringify!($to),
            CastContext::$context,
            $kind!("", ($from) -> "", $function).call,
        )
    };
}

/// The casts between these types. That of `numeric` to itself, which fits it to a precision, is not among them.
pub const CASTS: &[Cast] = &[
    converted!(total, (bool) -> int4, Explicit, i32::from),
    converted!(total, (int2) -> int4, Implicit, i32::from),
    converted!(total, (int2) -> int8, Implicit, i64::from),
    converted!(total, (int2) -> oid, Implicit, |a: i16| i32::from(a).cast_unsigned()),
    converted!(total, (int2) -> float4, Implicit, f32::from),
    converted!(total, (int2) -> float8, Implicit, f64::from),
    converted!(total, (int2) -> numeric, Implicit, Numeric::from),
    converted!(total, (int4) -> bool, Explicit, |a: i32| a != 0),
    converted!(function, (int4) -> int2, Assignment, narrow::<i32, i16>),
    converted!(total, (int4) -> int8, Implicit, i64::from),
    converted!(total, (int4) -> oid, Implicit, i32::cast_unsigned),
    converted!(total, (int4) -> float4, Implicit, |a: i32| a as f32),
    converted!(total, (int4) -> float8, Implicit, f64::from),
    converted!(total, (int4) -> numeric, Implicit, Numeric::from),
    converted!(function, (int8) -> int2, Assignment, narrow::<i64, i16>),
    converted!(function, (int8) -> int4, Assignment, narrow::<i64, i32>),
    converted!(function, (int8) -> oid, Implicit, oid),
    converted!(total, (int8) -> float4, Implicit, |a: i64| a as f32),
    converted!(total, (int8) -> float8, Implicit, |a: i64| a as f64),
    converted!(total, (int8) -> numeric, Implicit, Numeric::from),
    converted!(total, (oid) -> int4, Assignment, u32::cast_signed),
    converted!(total, (oid) -> int8, Assignment, i64::from),
    converted!(function, (float4) -> int2, Assignment, |a: f32| whole::<i16>(f64::from(a))),
    converted!(function, (float4) -> int4, Assignment, |a: f32| whole::<i32>(f64::from(a))),
    converted!(function, (float4) -> int8, Assignment, |a: f32| whole::<i64>(f64::from(a))),
    converted!(total, (float4) -> float8, Implicit, f64::from),
    converted!(total, (float4) -> numeric, Assignment, Numeric::from_f32),
    converted!(function, (float8) -> int2, Assignment, whole::<i16>),
    converted!(function, (float8) -> int4, Assignment, whole::<i32>),
    converted!(function, (float8) -> int8, Assignment, whole::<i64>),
    converted!(function, (float8) -> float4, Assignment, single),
    converted!(total, (float8) -> numeric, Assignment, Numeric::from_f64),
    converted!(function, (numeric) -> int2, Assignment, Numeric::to_i16),
    converted!(function, (numeric) -> int4, Assignment, Numeric::to_i32),
    converted!(function, (numeric) -> int8, Assignment, Numeric::to_i64),
    converted!(function, (numeric) -> float4, Implicit, Numeric::to_f32),
    converted!(function, (numeric) -> float8, Implicit, Numeric::to_f64),
];

/// The casts that are functions too: `int4(2.5)`.
pub const CAST_FUNCTIONS: &[Function] = &[
    total!("int4", (bool) -> "int4", i32::from),
    total!("int4", (int2) -> "int4", i32::from),
    total!("int8", (int2) -> "int8", i64::from),
    total!("float4", (int2) -> "float4", f32::from),
    total!("float8", (int2) -> "float8", f64::from),
    total!("numeric", (int2) -> "numeric", Numeric::from),
    total!("bool", (int4) -> "bool", |a: i32| a != 0),
    function!("int2", (int4) -> "int2", narrow::<i32, i16>),
    total!("int8", (int4) -> "int8", i64::from),
    total!("float4", (int4) -> "float4", |a: i32| a as f32),
    total!("float8", (int4) -> "float8", f64::from),
    total!("numeric", (int4) -> "numeric", Numeric::from),
    function!("int2", (int8) -> "int2", narrow::<i64, i16>),
    function!("int4", (int8) -> "int4", narrow::<i64, i32>),
    function!("oid", (int8) -> "oid", oid),
    total!("float4", (int8) -> "float4", |a: i64| a as f32),
    total!("float8", (int8) -> "float8", |a: i64| a as f64),
    total!("numeric", (int8) -> "numeric", Numeric::from),
    total!("int8", (oid) -> "int8", i64::from),
    function!("int2", (float4) -> "int2", |a: f32| whole::<i16>(f64::from(a))),
    function!("int4", (float4) -> "int4", |a: f32| whole::<i32>(f64::from(a))),
    function!("int8", (float4) -> "int8", |a: f32| whole::<i64>(f64::from(a))),
    total!("float8", (float4) -> "float8", f64::from),
    total!("numeric", (float4) -> "numeric", Numeric::from_f32),
    function!("int2", (float8) -> "int2", whole::<i16>),
    function!("int4", (float8) -> "int4", whole::<i32>),
    function!("int8", (float8) -> "int8", whole::<i64>),
    function!("float4", (float8) -> "float4", single),
    total!("numeric", (float8) -> "numeric", Numeric::from_f64),
    function!("int2", (numeric) -> "int2", Numeric::to_i16),
    function!("int4", (numeric) -> "int4", Numeric::to_i32),
    function!("int8", (numeric) -> "int8", Numeric::to_i64),
    function!("float4", (numeric) -> "float4", Numeric::to_f32),
    function!("float8", (numeric) -> "float8", Numeric::to_f64),
];

fn narrow<F: Int, T: Int + TryFrom<F>>(value: F) -> Result<T> {
    T::try_from(value).map_err(|_| out_of_range::<T>())
}

fn oid(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::new(Kind::NumericOutOfRange, "OID out of range"))
}

/// The nearest whole number, of two the even one.
fn whole<T: Int + TryFrom<i128>>(value: f64) -> Result<T> {
    let whole = value.round_ties_even().to_i128();
    whole.and_then(|whole| T::try_from(whole).ok()).ok_or_else(out_of_range::<T>)
}

fn single(value: f64) -> Result<f32> {
    let single = value as f32;
    if single.is_infinite() && !value.is_infinite() {
        return Err(overflow());
    }
    if single == 0.0 && value != 0.0 {
        return Err(underflow());
    }
    Ok(single)
}
