//! Arithmetic of intervals.

use std::cmp::Ordering;

use crate::error::{Error, Kind, Result};
use crate::pgtype::calendar::{DAY_US, EPOCH_US};
use crate::pgtype::datetime::{INFINITY, NEG_INFINITY};
use crate::pgtype::interval::Interval;
use crate::pgtype::interval_parse::mask;

/// Microseconds of an hour.
pub(super) const HOUR_US: i64 = 3_600_000_000;
/// Microseconds of a minute.
pub(super) const MINUTE_US: i64 = 60_000_000;

pub(super) fn out_of_range() -> Error {
    Error::new(Kind::DatetimeOverflow, "interval out of range")
}

/// What intervals are compared by: microseconds, a month being 30 days and a day 24 hours.
pub fn interval_key(interval: &Interval) -> i128 {
    let days = i128::from(interval.months) * 30 + i128::from(interval.days);
    days * i128::from(DAY_US) + i128::from(interval.micros)
}

/// Rounds to a number of fractional digits of a second, away from zero in the middle, as `time(p)` and `interval(p)` do.
pub fn round_micros(micros: i64, precision: i32) -> i64 {
    let digits = u32::try_from(6 - precision.clamp(0, 6)).unwrap_or(0);
    let scale = 10_i64.pow(digits);
    // Wraps around as PostgreSQL's does.
    let half = scale / 2;
    if micros >= 0 {
        micros.wrapping_add(half) / scale * scale
    } else {
        (micros.wrapping_neg().wrapping_add(half) / scale * scale).wrapping_neg()
    }
}

/// Rounds a timestamp as `timestamp(p)` and `timestamptz(p)` do: away from 2000-01-01 in the middle.
pub fn round_timestamp(micros: i64, precision: i32) -> i64 {
    if micros == INFINITY || micros == NEG_INFINITY {
        return micros;
    }
    match micros.checked_sub(EPOCH_US) {
        // The last seconds that can be held stay as they are.
        Some(since) => round_micros(since, precision).checked_add(EPOCH_US).unwrap_or(micros),
        None => round_micros(micros, precision),
    }
}

/// Restricts an interval to fields, a mask of [`mask`], and rounds its seconds: `interval day to second(3)`.
///
/// # Errors
/// 22023 for a precision that there is not.
pub fn fit(interval: Interval, fields: u16, precision: Option<i32>) -> Result<Interval> {
    let Interval { months, days, micros } = interval;
    let to = |unit: i64| Interval { micros: micros / unit * unit, ..interval };
    let interval = match fields {
        mask::YEAR => Interval { months: months / 12 * 12, days: 0, micros: 0 },
        _ if fields == mask::MONTH || fields == mask::YEAR | mask::MONTH => Interval { months, days: 0, micros: 0 },
        mask::DAY => Interval { months, days, micros: 0 },
        _ if fields == mask::HOUR || fields == mask::DAY | mask::HOUR => to(HOUR_US),
        _ if fields & mask::MINUTE != 0 && fields & mask::SECOND == 0 => to(MINUTE_US),
        _ => interval,
    };
    let Some(precision) = precision else { return Ok(interval) };
    if !(0..=6).contains(&precision) {
        let message = format!("interval({precision}) precision must be between 0 and 6");
        return Err(Error::new(Kind::InvalidParameterValue, message));
    }
    Ok(Interval { micros: round_micros(interval.micros, precision), ..interval })
}

pub(super) fn add(a: Interval, b: Interval) -> Result<Interval> {
    let sum = || {
        Some(Interval {
            months: a.months.checked_add(b.months)?,
            days: a.days.checked_add(b.days)?,
            micros: a.micros.checked_add(b.micros)?,
        })
    };
    sum().ok_or_else(out_of_range)
}

pub(super) fn subtract(a: Interval, b: Interval) -> Result<Interval> {
    let difference = || {
        Some(Interval {
            months: a.months.checked_sub(b.months)?,
            days: a.days.checked_sub(b.days)?,
            micros: a.micros.checked_sub(b.micros)?,
        })
    };
    difference().ok_or_else(out_of_range)
}

pub(super) fn negate(a: Interval) -> Result<Interval> {
    let negated = || {
        Some(Interval { months: a.months.checked_neg()?, days: a.days.checked_neg()?, micros: a.micros.checked_neg()? })
    };
    negated().ok_or_else(out_of_range)
}

pub(super) fn multiply(a: Interval, factor: f64) -> Result<Interval> {
    scale(a, |value| value * factor)
}

pub(super) fn divide(a: Interval, factor: f64) -> Result<Interval> {
    if factor == 0.0 {
        return Err(Error::new(Kind::DivisionByZero, "division by zero"));
    }
    scale(a, |value| value / factor)
}

/// A fraction of a month becomes days and a fraction of a day a time, each rounded to a millionth first, so that no
/// error of binary fractions shows.
fn scale(a: Interval, by: impl Fn(f64) -> f64) -> Result<Interval> {
    let (months, days) = (by(f64::from(a.months)), by(f64::from(a.days)));
    let whole_months = to_i32(months)?;
    let mut whole_days = to_i32(days)?;
    let month_days = rounded((months - f64::from(whole_months)) * 30.0);
    let mut seconds = rounded((days - f64::from(whole_days) + month_days.fract()) * 86_400.0);
    if seconds.abs() >= 86_400.0 {
        let more = (seconds / 86_400.0).trunc();
        whole_days = whole_days.checked_add(to_i32(more)?).ok_or_else(out_of_range)?;
        seconds -= more * 86_400.0;
    }
    whole_days = whole_days.checked_add(to_i32(month_days)?).ok_or_else(out_of_range)?;
    let micros = (by(a.micros as f64) + seconds * 1e6).round_ties_even();
    // 2^63 has no counterpart in 64 bits.
    if !(-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&micros) {
        return Err(out_of_range());
    }
    Ok(Interval { months: whole_months, days: whole_days, micros: micros as i64 })
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round_ties_even() / 1e6
}

fn to_i32(value: f64) -> Result<i32> {
    let in_range = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
    if in_range { Ok(value as i32) } else { Err(out_of_range()) }
}

/// Turns 24 hours into a day.
pub(super) fn justify_hours(a: Interval) -> Result<Interval> {
    let whole = (a.micros / DAY_US) as i32;
    let days = a.days.checked_add(whole).ok_or_else(out_of_range)?;
    let (days, micros) = same_sign_time(days, a.micros % DAY_US);
    Ok(Interval { months: a.months, days, micros })
}

/// Turns 30 days into a month.
pub(super) fn justify_days(a: Interval) -> Result<Interval> {
    let months = a.months.checked_add(a.days / 30).ok_or_else(out_of_range)?;
    let (months, days) = same_sign_days(months, a.days % 30, 0);
    Ok(Interval { months, days, micros: a.micros })
}

/// Both, and gives all parts the same sign.
pub(super) fn justify(a: Interval) -> Result<Interval> {
    // Both steps in 64 bits: only the months can be too many.
    let days = i64::from(a.days) + a.micros / DAY_US;
    let micros = a.micros % DAY_US;
    let months = i64::from(a.months) + days / 30;
    let months = i32::try_from(months).map_err(|_| out_of_range())?;
    let (months, days) = same_sign_days(months, (days % 30) as i32, micros);
    let (days, micros) = same_sign_time(days, micros);
    Ok(Interval { months, days, micros })
}

fn same_sign_days(months: i32, days: i32, micros: i64) -> (i32, i32) {
    let rest = days.cmp(&0).then(micros.cmp(&0));
    match (months.cmp(&0), rest) {
        (Ordering::Greater, Ordering::Less) => (months - 1, days + 30),
        (Ordering::Less, Ordering::Greater) => (months + 1, days - 30),
        _ => (months, days),
    }
}

fn same_sign_time(days: i32, micros: i64) -> (i32, i64) {
    match (days.cmp(&0), micros.cmp(&0)) {
        (Ordering::Greater, Ordering::Less) => (days - 1, micros + DAY_US),
        (Ordering::Less, Ordering::Greater) => (days + 1, micros - DAY_US),
        _ => (days, micros),
    }
}
