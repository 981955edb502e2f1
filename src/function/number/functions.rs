//! The functions.

use crate::error::{Error, Kind, Result};
use crate::function::datum::Datum;
use crate::function::number::value::{Give, take};
use crate::function::number::{bucket, degrees, float, integer, trigonometry};
use crate::function::numeric::Numeric;
use crate::function::{Function, lax, strict};

/// The functions of these types, but for those named as casts.
pub const FUNCTIONS: &[Function] = &[
    function!("abs", (int2) -> "int2", integer::abs),
    function!("abs", (int4) -> "int4", integer::abs),
    function!("abs", (int8) -> "int8", integer::abs),
    total!("abs", (float4) -> "float4", f32::abs),
    total!("abs", (float8) -> "float8", f64::abs),
    total!("abs", (numeric) -> "numeric", Numeric::abs),
    total!("sign", (float8) -> "float8", float::sign),
    total!("sign", (numeric) -> "numeric", Numeric::sign),
    total!("ceil", (float8) -> "float8", f64::ceil),
    total!("ceil", (numeric) -> "numeric", Numeric::ceil),
    total!("ceiling", (float8) -> "float8", f64::ceil),
    total!("ceiling", (numeric) -> "numeric", Numeric::ceil),
    total!("floor", (float8) -> "float8", f64::floor),
    total!("floor", (numeric) -> "numeric", Numeric::floor),
    total!("round", (float8) -> "float8", f64::round_ties_even),
    total!("round", (numeric) -> "numeric", |a: &Numeric| a.round(0)),
    function!("round", (numeric, int4) -> "numeric", |a: &Numeric, places| a.round(places).stored()),
    total!("trunc", (float8) -> "float8", f64::trunc),
    total!("trunc", (numeric) -> "numeric", |a: &Numeric| a.trunc(0)),
    total!("trunc", (numeric, int4) -> "numeric", Numeric::trunc),
    function!("mod", (int2, int2) -> "int2", integer::rem),
    function!("mod", (int4, int4) -> "int4", integer::rem),
    function!("mod", (int8, int8) -> "int8", integer::rem),
    function!("mod", (numeric, numeric) -> "numeric", Numeric::rem),
    function!("div", (numeric, numeric) -> "numeric", Numeric::div_trunc),
    function!("power", (float8, float8) -> "float8", float::power),
    function!("power", (numeric, numeric) -> "numeric", Numeric::power),
    function!("pow", (float8, float8) -> "float8", float::power),
    function!("pow", (numeric, numeric) -> "numeric", Numeric::power),
    function!("sqrt", (float8) -> "float8", float::sqrt),
    function!("sqrt", (numeric) -> "numeric", Numeric::sqrt),
    function!("cbrt", (float8) -> "float8", float::cbrt),
    function!("exp", (float8) -> "float8", float::exp),
    function!("exp", (numeric) -> "numeric", Numeric::exp),
    function!("ln", (float8) -> "float8", float::ln),
    function!("ln", (numeric) -> "numeric", Numeric::ln),
    function!("log", (float8) -> "float8", float::log10),
    function!("log", (numeric) -> "numeric", log10),
    function!("log", (numeric, numeric) -> "numeric", |base: &Numeric, a: &Numeric| a.log(base)),
    function!("log10", (float8) -> "float8", float::log10),
    function!("log10", (numeric) -> "numeric", log10),
    function!("gcd", (int4, int4) -> "int4", integer::gcd4),
    function!("gcd", (int8, int8) -> "int8", integer::gcd8),
    function!("gcd", (numeric, numeric) -> "numeric", Numeric::gcd),
    function!("lcm", (int4, int4) -> "int4", integer::lcm4),
    function!("lcm", (int8, int8) -> "int8", integer::lcm8),
    function!("lcm", (numeric, numeric) -> "numeric", Numeric::lcm),
    function!("factorial", (int8) -> "numeric", integer::factorial),
    total!("scale", (numeric) -> "int4", |a: &Numeric| a.is_finite().then(|| i32::from(a.scale()))),
    total!("min_scale", (numeric) -> "int4", |a: &Numeric| a.min_scale().map(i32::from)),
    total!("trim_scale", (numeric) -> "numeric", Numeric::trim_scale),
    function!("degrees", (float8) -> "float8", trigonometry::degrees),
    function!("radians", (float8) -> "float8", trigonometry::radians),
    strict("pi", "", "float8", |_, _| Ok(Datum::Float8(std::f64::consts::PI))),
    function!("sin", (float8) -> "float8", trigonometry::sin),
    function!("cos", (float8) -> "float8", trigonometry::cos),
    function!("tan", (float8) -> "float8", trigonometry::tan),
    function!("cot", (float8) -> "float8", trigonometry::cot),
    function!("asin", (float8) -> "float8", trigonometry::asin),
    function!("acos", (float8) -> "float8", trigonometry::acos),
    total!("atan", (float8) -> "float8", f64::atan),
    total!("atan2", (float8, float8) -> "float8", f64::atan2),
    total!("sinh", (float8) -> "float8", f64::sinh),
    function!("cosh", (float8) -> "float8", trigonometry::cosh),
    total!("tanh", (float8) -> "float8", f64::tanh),
    total!("asinh", (float8) -> "float8", trigonometry::asinh),
    function!("acosh", (float8) -> "float8", trigonometry::acosh),
    function!("atanh", (float8) -> "float8", trigonometry::atanh),
    function!("sind", (float8) -> "float8", degrees::sind),
    function!("cosd", (float8) -> "float8", degrees::cosd),
    function!("tand", (float8) -> "float8", degrees::tand),
    function!("cotd", (float8) -> "float8", degrees::cotd),
    function!("asind", (float8) -> "float8", degrees::asind),
    function!("acosd", (float8) -> "float8", degrees::acosd),
    total!("atand", (float8) -> "float8", degrees::atand),
    total!("atan2d", (float8, float8) -> "float8", degrees::atan2d),
    function!("width_bucket", (float8, float8, float8, int4) -> "int4", bucket::float8),
    function!("width_bucket", (numeric, numeric, numeric, int4) -> "int4", bucket::numeric),
    strict("width_bucket", "anycompatible anycompatiblearray", "int4", bucket::thresholds),
    Function {
        name: "random",
        args: "",
        result: "float8",
        strict: true,
        volatile: true,
        call: |_, _| Ok(Datum::Float8(float::random())),
    },
    total!("to_hex", (int4) -> "text", |a: i32| format!("{a:x}")),
    total!("to_hex", (int8) -> "text", |a: i64| format!("{a:x}")),
    lax("num_nulls", "any...", "int4", |args, _| count(args, true)),
    lax("num_nonnulls", "any...", "int4", |args, _| count(args, false)),
];

fn log10(value: &Numeric) -> Result<Numeric> {
    value.log(&Numeric::from(10))
}

fn count(args: &[Datum<'_>], nulls: bool) -> Result<Datum<'static>> {
    let count = args.iter().filter(|arg| arg.is_null() == nulls).count();
    i32::try_from(count).map(Datum::Int4).map_err(|_| Error::new(Kind::NumericOutOfRange, "integer out of range"))
}
