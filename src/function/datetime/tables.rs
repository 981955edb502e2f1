//! What the family offers.

use super::{arith, convert, make, overlaps, part, trunc};
use crate::error::Result;
use crate::function::datetime::{args, interval};
use crate::function::datum::Datum;
use crate::function::{Cast, CastContext, Function, cast, lax, strict};
use crate::pgtype::style::Style;

use CastContext::{Assignment, Implicit};

fn justify_days<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(interval::justify_days(args::interval(a, 0)?)?))
}

fn justify_hours<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(interval::justify_hours(args::interval(a, 0)?)?))
}

fn justify_interval<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Interval(interval::justify(args::interval(a, 0)?)?))
}

/// Operators; a single argument is that of a prefix operator.
pub const OPERATORS: &[Function] = &[
    strict("+", "date int4", "date", arith::date_plus),
    strict("+", "int4 date", "date", arith::plus_date),
    strict("+", "date time", "timestamp", convert::date_time_to_timestamp),
    strict("+", "time date", "timestamp", convert::time_date_to_timestamp),
    strict("+", "date interval", "timestamp", arith::plus_interval),
    strict("+", "interval date", "timestamp", arith::interval_plus),
    strict("-", "date interval", "timestamp", arith::minus_interval),
    strict("+", "time interval", "time", arith::plus_interval),
    strict("+", "interval time", "time", arith::interval_plus),
    strict("-", "time interval", "time", arith::minus_interval),
    strict("+", "timestamp interval", "timestamp", arith::plus_interval),
    strict("+", "interval timestamp", "timestamp", arith::interval_plus),
    strict("-", "timestamp interval", "timestamp", arith::minus_interval),
    strict("+", "timestamptz interval", "timestamptz", arith::plus_interval),
    strict("+", "interval timestamptz", "timestamptz", arith::interval_plus),
    strict("-", "timestamptz interval", "timestamptz", arith::minus_interval),
    strict("+", "interval interval", "interval", arith::plus_interval),
    strict("-", "interval interval", "interval", arith::minus_interval),
    strict("-", "date int4", "date", arith::date_minus),
    strict("-", "date date", "int4", arith::between_dates),
    strict("-", "time time", "interval", arith::between_times),
    strict("-", "timestamp timestamp", "interval", arith::between_timestamps),
    strict("-", "timestamptz timestamptz", "interval", arith::between_timestamps),
    strict("-", "interval", "interval", arith::negate),
    strict("*", "interval float8", "interval", arith::multiply),
    strict("*", "float8 interval", "interval", arith::multiply),
    strict("/", "interval float8", "interval", arith::divide),
];

/// Functions. Those of one argument or none that depend on the time of the transaction are not among them.
pub const FUNCTIONS: &[Function] = &[
    strict("date_trunc", "text timestamp", "timestamp", trunc::timestamp),
    strict("date_trunc", "text timestamptz", "timestamptz", trunc::timestamptz),
    strict("date_trunc", "text timestamptz text", "timestamptz", trunc::timestamptz_zone),
    strict("date_trunc", "text interval", "interval", trunc::interval),
    strict("date_bin", "interval timestamp timestamp", "timestamp", trunc::bin),
    strict("date_bin", "interval timestamptz timestamptz", "timestamptz", trunc::bin),
    strict("extract", "text date", "numeric", part::extract),
    strict("date_part", "text date", "float8", part::date_part),
    strict("extract", "text time", "numeric", part::extract),
    strict("date_part", "text time", "float8", part::date_part),
    strict("extract", "text timestamp", "numeric", part::extract),
    strict("date_part", "text timestamp", "float8", part::date_part),
    strict("extract", "text timestamptz", "numeric", part::extract),
    strict("date_part", "text timestamptz", "float8", part::date_part),
    strict("extract", "text interval", "numeric", part::extract),
    strict("date_part", "text interval", "float8", part::date_part),
    strict("age", "timestamp timestamp", "interval", arith::age),
    strict("age", "timestamptz timestamptz", "interval", arith::age_in_zone),
    strict("isfinite", "date", "bool", make::is_finite),
    strict("isfinite", "timestamp", "bool", make::is_finite),
    strict("isfinite", "timestamptz", "bool", make::is_finite),
    strict("isfinite", "interval", "bool", make::is_finite),
    strict("justify_days", "interval", "interval", justify_days),
    strict("justify_hours", "interval", "interval", justify_hours),
    strict("justify_interval", "interval", "interval", justify_interval),
    strict("make_date", "int4 int4 int4", "date", make::date),
    strict("make_time", "int4 int4 float8", "time", make::time_of_day),
    strict("make_timestamp", "int4 int4 int4 int4 int4 float8", "timestamp", make::timestamp),
    strict("make_timestamptz", "int4 int4 int4 int4 int4 float8", "timestamptz", make::timestamptz),
    strict("make_timestamptz", "int4 int4 int4 int4 int4 float8 text", "timestamptz", make::timestamptz_zone),
    strict("make_interval", "int4 int4 int4 int4 int4 int4 float8", "interval", make::interval),
    strict("timezone", "text timestamp", "timestamptz", convert::at_zone),
    strict("timezone", "text timestamptz", "timestamp", convert::at_zone),
    strict("timezone", "interval timestamp", "timestamptz", convert::at_zone),
    strict("timezone", "interval timestamptz", "timestamp", convert::at_zone),
    strict("to_timestamp", "float8", "timestamptz", make::to_timestamp),
    strict("datetime_pl", "date time", "timestamp", convert::date_time_to_timestamp),
    strict("date", "timestamp", "date", convert::timestamp_to_date),
    strict("date", "timestamptz", "date", convert::timestamptz_to_date),
    strict("time", "timestamp", "time", convert::timestamp_to_time),
    strict("time", "timestamptz", "time", convert::timestamptz_to_time),
    strict("time", "interval", "time", convert::interval_to_time),
    strict("time", "time int4", "time", convert::fit_time),
    strict("timestamp", "date", "timestamp", convert::date_to_timestamp),
    strict("timestamp", "date time", "timestamp", convert::date_time_to_timestamp),
    strict("timestamp", "timestamptz", "timestamp", convert::timestamptz_to_timestamp),
    strict("timestamp", "timestamp int4", "timestamp", convert::fit_timestamp),
    strict("timestamptz", "date", "timestamptz", convert::date_to_timestamptz),
    strict("timestamptz", "date time", "timestamptz", convert::date_time_to_timestamptz),
    strict("timestamptz", "timestamp", "timestamptz", convert::timestamp_to_timestamptz),
    strict("timestamptz", "timestamptz int4", "timestamptz", convert::fit_timestamp),
    strict("interval", "time", "interval", convert::time_to_interval),
    strict("interval", "interval int4", "interval", convert::fit_interval),
    lax("overlaps", "time time time time", "bool", overlaps::overlaps),
    lax("overlaps", "time time time interval", "bool", overlaps::overlaps),
    lax("overlaps", "time interval time time", "bool", overlaps::overlaps),
    lax("overlaps", "time interval time interval", "bool", overlaps::overlaps),
    lax("overlaps", "timestamp timestamp timestamp timestamp", "bool", overlaps::overlaps),
    lax("overlaps", "timestamp timestamp timestamp interval", "bool", overlaps::overlaps),
    lax("overlaps", "timestamp interval timestamp timestamp", "bool", overlaps::overlaps),
    lax("overlaps", "timestamp interval timestamp interval", "bool", overlaps::overlaps),
    lax("overlaps", "timestamptz timestamptz timestamptz timestamptz", "bool", overlaps::overlaps),
    lax("overlaps", "timestamptz timestamptz timestamptz interval", "bool", overlaps::overlaps),
    lax("overlaps", "timestamptz interval timestamptz timestamptz", "bool", overlaps::overlaps),
    lax("overlaps", "timestamptz interval timestamptz interval", "bool", overlaps::overlaps),
    Function {
        name: "clock_timestamp",
        args: "",
        result: "timestamptz",
        strict: true,
        volatile: true,
        call: make::clock_timestamp,
    },
];

/// Casts between two types. Those of one type to itself fit a type modifier and are the business of
/// [`crate::function::io::coerce_typmod`].
pub const CASTS: &[Cast] = &[
    cast("date", "timestamp", Implicit, convert::date_to_timestamp),
    cast("date", "timestamptz", Implicit, convert::date_to_timestamptz),
    cast("time", "interval", Implicit, convert::time_to_interval),
    cast("interval", "time", Assignment, convert::interval_to_time),
    cast("timestamp", "date", Assignment, convert::timestamp_to_date),
    cast("timestamp", "time", Assignment, convert::timestamp_to_time),
    cast("timestamp", "timestamptz", Implicit, convert::timestamp_to_timestamptz),
    cast("timestamptz", "date", Assignment, convert::timestamptz_to_date),
    cast("timestamptz", "time", Assignment, convert::timestamptz_to_time),
    cast("timestamptz", "timestamp", Assignment, convert::timestamptz_to_timestamp),
];
