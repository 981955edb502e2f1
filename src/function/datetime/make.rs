//! Values out of their parts: `make_date` and its like, `to_timestamp`, `clock_timestamp`.

use chrono::Utc;

use crate::error::Result;
use crate::function::datetime::args;
use crate::function::datetime::convert::{checked, from_local, is_date_infinite, is_infinite, overflow, sane_zone};
use crate::function::datetime::interval::{HOUR_US, MINUTE_US, out_of_range};
use crate::function::datum::Datum;
use crate::pgtype::calendar::{self, DAY_US, EPOCH_US};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::interval::Interval;
use crate::pgtype::moment::{MAX_DATE, MIN_DATE};
use crate::pgtype::style::Style;

/// C's `%g`.
fn general(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-Infinity".to_owned() } else { "Infinity".to_owned() };
    }
    let trimmed = |text: &str| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
    };
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    match usize::try_from(5 - exponent) {
        Ok(places) if exponent >= -4 => trimmed(&format!("{value:.places$}")),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
        }
    }
}

/// The day after the last one whose number PostgreSQL can reckon, 5874898-06-03. It is a little behind the last date.
const END_OF_DAYS: i64 = 2_145_043_059;

/// A year before Christ is negative; `shown` is the year of the message.
fn day(year: i32, month: i32, day: i32, shown: i32) -> Result<i64> {
    let fault = |what: &str| overflow(&format!("{what} out of range: {shown}-{month:02}-{day:02}"));
    let real = if year < 0 { i64::from(year) + 1 } else { i64::from(year) };
    let valid = || {
        let month = u32::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
        let day = u32::try_from(day).ok().filter(|day| *day >= 1 && *day <= calendar::month_length(real, month))?;
        (year != 0 && year != i32::MIN).then(|| calendar::days(real, month, day))
    };
    let day = valid().ok_or_else(|| fault("date field value"))?;
    if (MIN_DATE..END_OF_DAYS).contains(&day) { Ok(day) } else { Err(fault("date")) }
}

fn time(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let is_valid = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    let seconds = if is_valid { (second * 1e6).round_ties_even() as i64 } else { 0 };
    let micros = i64::from(hour) * HOUR_US + i64::from(minute) * MINUTE_US + seconds;
    if is_valid && micros <= DAY_US {
        return Ok(micros);
    }
    Err(overflow(&format!("time field value out of range: {hour}:{minute:02}:{:0>2}", general(second))))
}

fn local(a: &[Datum<'_>]) -> Result<i64> {
    let (year, month, day_of_month) = (args::int4(a, 0)?, args::int4(a, 1)?, args::int4(a, 2)?);
    let (hour, minute, second) = (args::int4(a, 3)?, args::int4(a, 4)?, args::float8(a, 5)?);
    let day = day(year, month, day_of_month, year)?;
    let time = time(hour, minute, second)?;
    checked(day.checked_mul(DAY_US).and_then(|micros| micros.checked_add(time))).map_err(|_| {
        let second = general(second);
        overflow(&format!(
            "timestamp out of range: {year}-{month:02}-{day_of_month:02} {hour}:{minute:02}:{second:0>2}"
        ))
    })
}

pub(super) fn date<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let (year, month, day_of_month) = (args::int4(a, 0)?, args::int4(a, 1)?, args::int4(a, 2)?);
    // PostgreSQL shows a year before Christ as it counts them itself, with a year 0.
    let shown = if (i32::MIN + 1..0).contains(&year) { year + 1 } else { year };
    let day = day(year, month, day_of_month, shown)?;
    let fault = || overflow(&format!("date out of range: {year}-{month:02}-{day_of_month:02}"));
    let day = Some(day).filter(|day| *day <= MAX_DATE).and_then(|day| i32::try_from(day).ok());
    Ok(Datum::Date(day.ok_or_else(fault)?))
}

pub(super) fn time_of_day<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Time(time(args::int4(a, 0)?, args::int4(a, 1)?, args::float8(a, 2)?)?))
}

pub(super) fn timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamp(local(a)?))
}

pub(super) fn timestamptz<'a>(a: &[Datum<'a>], style: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamptz(from_local(local(a)?, &style.timezone)?))
}

pub(super) fn timestamptz_zone<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamptz(from_local(local(a)?, &sane_zone(args::text(a, 6)?)?)?))
}

/// Sums wrap around, as PostgreSQL's do.
pub(super) fn interval<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let whole = |at| args::int4(a, at);
    let seconds = args::float8(a, 6)?;
    if !seconds.is_finite() {
        return Err(out_of_range());
    }
    let micros = (seconds * 1e6).round_ties_even();
    // What does not fit becomes the least number, as in C on the usual processors.
    let is_huge = !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&micros);
    let micros = if is_huge { i64::MIN } else { micros as i64 };
    let clock = i64::from(whole(4)?) * HOUR_US + i64::from(whole(5)?) * MINUTE_US;
    Ok(Datum::Interval(Interval {
        months: whole(0)?.wrapping_mul(12).wrapping_add(whole(1)?),
        days: whole(2)?.wrapping_mul(7).wrapping_add(whole(3)?),
        micros: clock.wrapping_add(micros),
    }))
}

pub(super) fn to_timestamp<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    let seconds = args::float8(a, 0)?;
    if seconds.is_nan() {
        return Err(overflow("timestamp cannot be NaN"));
    }
    if seconds.is_infinite() {
        return Ok(Datum::Timestamptz(if seconds < 0.0 { NEG_INFINITY } else { INFINITY }));
    }
    // PostgreSQL rounds the seconds since 2000.
    let since = (seconds - 946_684_800.0) * 1e6;
    let is_near = since.abs() < 9_223_372_036_854_775_808.0;
    let micros = is_near.then(|| (since.round_ties_even() as i64).checked_add(EPOCH_US)).flatten();
    let out_of_range = |_| overflow(&format!("timestamp out of range: \"{}\"", general(seconds)));
    Ok(Datum::Timestamptz(checked(micros).map_err(out_of_range)?))
}

pub(super) fn clock_timestamp<'a>(_: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Timestamptz(Utc::now().timestamp_micros()))
}

pub(super) fn is_finite<'a>(a: &[Datum<'a>], _: &Style) -> Result<Datum<'a>> {
    Ok(Datum::Bool(match &a[0] {
        Datum::Date(day) => !is_date_infinite(*day),
        Datum::Timestamp(micros) | Datum::Timestamptz(micros) => !is_infinite(*micros),
        _ => true,
    }))
}
