//! Set-returning functions that count: `generate_series`, `generate_subscripts`.

use crate::error::{Error, Kind, Result};
use crate::function::SetFunction;
use crate::function::datetime::{args, interval_key, timestamp_plus};
use crate::function::datum::Datum;
use crate::function::numeric::Numeric;
use crate::pgtype::style::Style;
use crate::pgtype::zone::Zone;

/// Rows are held in memory, so a series has an end.
const MAX_ROWS: usize = 5_000_000;

const fn set(
    name: &'static str,
    args: &'static str,
    columns: &'static str,
    rows: crate::function::Rows,
) -> SetFunction {
    SetFunction { name, args, columns, strict: true, rows }
}

/// The set-returning functions of this family.
pub const SETS: &[SetFunction] = &[
    set("generate_series", "int4 int4", "int4", of_int4),
    set("generate_series", "int4 int4 int4", "int4", of_int4),
    set("generate_series", "int8 int8", "int8", of_int8),
    set("generate_series", "int8 int8 int8", "int8", of_int8),
    set("generate_series", "numeric numeric", "numeric", of_numeric),
    set("generate_series", "numeric numeric numeric", "numeric", of_numeric),
    set("generate_series", "timestamp timestamp interval", "timestamp", of_timestamp),
    set("generate_series", "timestamptz timestamptz interval", "timestamptz", of_timestamptz),
    set("generate_subscripts", "anyarray int4", "int4", subscripts),
    set("generate_subscripts", "anyarray int4 bool", "int4", subscripts),
];

fn zero_step() -> Error {
    Error::new(Kind::InvalidParameterValue, "step size cannot equal zero")
}

fn push<'a>(rows: &mut Vec<Vec<Datum<'a>>>, value: Datum<'a>) -> Result<()> {
    if rows.len() == MAX_ROWS {
        let message = format!("generate_series gives more than {MAX_ROWS} rows");
        return Err(Error::new(Kind::ProgramLimit, message).hint("Give a nearer end or a larger step."));
    }
    rows.push(vec![value]);
    Ok(())
}

fn whole(
    start: i64,
    stop: i64,
    step: i64,
    make: impl Fn(i64) -> Option<Datum<'static>>,
) -> Result<Vec<Vec<Datum<'static>>>> {
    if step == 0 {
        return Err(zero_step());
    }
    let mut rows = Vec::new();
    let mut next = Some(start);
    while let Some(value) = next.filter(|value| if step > 0 { *value <= stop } else { *value >= stop }) {
        let Some(datum) = make(value) else { break };
        push(&mut rows, datum)?;
        next = value.checked_add(step);
    }
    Ok(rows)
}

fn of_int4<'a>(a: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    let step = if a.len() > 2 { args::int4(a, 2)? } else { 1 };
    let make = |value| i32::try_from(value).ok().map(Datum::Int4);
    whole(args::int4(a, 0)?.into(), args::int4(a, 1)?.into(), step.into(), make)
}

fn of_int8<'a>(a: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    let step = if a.len() > 2 { args::int8(a, 2)? } else { 1 };
    whole(args::int8(a, 0)?, args::int8(a, 1)?, step, |value| Some(Datum::Int8(value)))
}

fn of_numeric<'a>(a: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    let number = |at: usize, name: &str| match a.get(at) {
        None => Ok(Numeric::from(1_i64)),
        Some(Datum::Numeric(value)) if value.is_finite() => Ok(value.clone()),
        Some(Datum::Numeric(value)) => {
            let what = if value.is_nan() { "NaN" } else { "infinity" };
            Err(Error::new(Kind::InvalidParameterValue, format!("{name} cannot be {what}")))
        }
        Some(_) => Err(Error::internal("a series of values of another type")),
    };
    let (start, stop, step) = (number(0, "start value")?, number(1, "stop value")?, number(2, "step size")?);
    if step.is_zero() {
        return Err(zero_step());
    }
    let is_up = step.compare(&Numeric::from(0_i64)).is_gt();
    let mut rows = Vec::new();
    let mut value = start;
    while if is_up { value.compare(&stop).is_le() } else { value.compare(&stop).is_ge() } {
        let next = value.add(&step)?;
        push(&mut rows, Datum::Numeric(std::mem::replace(&mut value, next)))?;
    }
    Ok(rows)
}

fn of_moments<'a>(
    a: &[Datum<'_>],
    zone: Option<&Zone>,
    make: impl Fn(i64) -> Datum<'a>,
) -> Result<Vec<Vec<Datum<'a>>>> {
    let (start, stop, step) = (args::moment(a, 0)?, args::moment(a, 1)?, args::interval(a, 2)?);
    let sign = interval_key(&step).signum();
    if sign == 0 {
        return Err(zero_step());
    }
    let mut rows = Vec::new();
    let mut value = start;
    while if sign > 0 { value <= stop } else { value >= stop } {
        push(&mut rows, make(value))?;
        value = timestamp_plus(value, step, zone)?;
    }
    Ok(rows)
}

fn of_timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    of_moments(a, None, Datum::Timestamp)
}

fn of_timestamptz<'a>(a: &[Datum<'a>], style: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    of_moments(a, Some(&style.timezone), Datum::Timestamptz)
}

fn subscripts<'a>(a: &[Datum<'a>], _: &Style) -> Result<Vec<Vec<Datum<'a>>>> {
    let Some(Datum::Array(items)) = a.first() else { return Ok(Vec::new()) };
    let count = i32::try_from(items.len()).map_err(|_| Error::internal("an array of too many items"))?;
    if args::int4(a, 1)? != 1 {
        return Ok(Vec::new());
    }
    let rows = (1..=count).map(|index| vec![Datum::Int4(index)]);
    let is_reverse = a.get(2) == Some(&Datum::Bool(true));
    Ok(if is_reverse { rows.rev().collect() } else { rows.collect() })
}
